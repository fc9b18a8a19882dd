/* ocl_lrn.c: local response normalisation on OpenCL devices. */
#include "opencl/opencl.h"
#include "core/size.h"

#include <stdio.h>

/* Across channels a CPU's work-item takes some vectors of pixels, a GPU's one pixel. */
static size_t pixels_of(const lens_context *context) {
    return ocl_is_cpu(context) ? 128 : 1;
}

static ocl_launch begin(lens_context *context, const char *kernel, const lens_lrn_opts *opts) {
    char options[64];
    snprintf(options, sizeof options, "-DPIXELS=%zu -DSIZE=%zu", pixels_of(context), opts->size);
    return ocl_begin(context, "lrn", kernel, options);
}

/* a beta k */
static void arg_opts(ocl_launch *launch, const lens_lrn_opts *opts) {
    bool across = opts->kind == LENS_LRN_ACROSS;
    size_t elements = across ? opts->size : opts->size * opts->size;
    ocl_arg_float(launch, opts->average ? opts->alpha / (float)elements : opts->alpha);
    ocl_arg_float(launch, opts->beta);
    ocl_arg_float(launch, opts->k);
}

/* items C HW and the options */
static lens_status run_across(ocl_launch *launch, lens_shape s, const lens_lrn_opts *opts) {
    size_t items = s.n * lens_size_div_up(s.h * s.w, pixels_of(launch->context));
    ocl_arg_int(launch, items);
    ocl_arg_int(launch, s.c);
    ocl_arg_int(launch, s.h * s.w);
    arg_opts(launch, opts);
    const size_t one = 1;
    return ocl_is_cpu(launch->context) ? ocl_run(launch, 1, &items, &one)
                                       : ocl_run_1d(launch, items);
}

/* count H W and the options */
static lens_status run_within(ocl_launch *launch, lens_shape s, const lens_lrn_opts *opts) {
    size_t count = s.n * s.c * s.h * s.w;
    ocl_arg_int(launch, count);
    ocl_arg_int(launch, s.h);
    ocl_arg_int(launch, s.w);
    arg_opts(launch, opts);
    return ocl_run_1d(launch, count);
}

size_t ocl_lrn_scratch(const lens_context *context, lens_pass pass, lens_shape x,
                       const lens_lrn_opts *opts) {
    (void)context;
    bool wanted = pass == LENS_BACKWARD_INPUT && opts->kind == LENS_LRN_WITHIN;
    return wanted ? x.n * x.c * x.h * x.w : 0;
}

lens_status ocl_lrn_forward(lens_tensor *y, const lens_tensor *x, const lens_lrn_opts *opts) {
    bool across = opts->kind == LENS_LRN_ACROSS;
    ocl_launch launch =
        begin(y->context, across ? "lrn_across_forward" : "lrn_within_forward", opts);
    ocl_arg_tensor(&launch, y);
    ocl_arg_tensor(&launch, x);
    return across ? run_across(&launch, x->shape, opts) : run_within(&launch, x->shape, opts);
}

static lens_status within_shares(lens_tensor *shares, const lens_tensor *dy, const lens_tensor *x,
                                 const lens_lrn_opts *opts) {
    ocl_launch launch = begin(shares->context, "lrn_within_shares", opts);
    ocl_arg_tensor(&launch, shares);
    ocl_arg_tensor(&launch, dy);
    ocl_arg_tensor(&launch, x);
    return run_within(&launch, x->shape, opts);
}

static lens_status within_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                         const lens_tensor *x, const lens_lrn_opts *opts,
                                         lens_tensor *scratch) {
    bool has_shares = scratch && scratch->count >= x->count;
    if (has_shares)
        LENS_TRY(within_shares(scratch, dy, x, opts));
    ocl_launch launch = begin(dx->context, "lrn_within_backward_input", opts);
    ocl_arg_tensor(&launch, dx);
    ocl_arg_tensor(&launch, dy);
    ocl_arg_tensor(&launch, x);
    ocl_arg_tensor(&launch, has_shares ? scratch : NULL);
    ocl_arg_int(&launch, has_shares);
    return run_within(&launch, x->shape, opts);
}

lens_status ocl_lrn_backward_input(lens_tensor *dx, const lens_tensor *dy, const lens_tensor *x,
                                   const lens_lrn_opts *opts, lens_tensor *scratch) {
    if (opts->kind == LENS_LRN_WITHIN)
        return within_backward_input(dx, dy, x, opts, scratch);
    ocl_launch launch = begin(dx->context, "lrn_across_backward_input", opts);
    ocl_arg_tensor(&launch, dx);
    ocl_arg_tensor(&launch, dy);
    ocl_arg_tensor(&launch, x);
    return run_across(&launch, x->shape, opts);
}
