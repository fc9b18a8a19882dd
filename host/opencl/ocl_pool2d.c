/* ocl_pool2d.c: pooling on OpenCL devices.
 *
 * Algorithms: "rows" on CPU devices, without padding and for windows and strides of 2 or 3; else
 * "direct".
 */
#include "opencl/opencl.h"
#include "core/size.h"

#include <stdio.h>

/* Of a work-item that takes whole planes: less is not worth its start. */
#define LEAST_PIXELS 4096
#define MOST_PAIRS 1024 /* PAIRS of cl/pool2d_rows.cl */

/* The windows and strides that networks have: a program is compiled for each. */
static bool is_common(size_t h, size_t w) {
    return h == w && (h == 2 || h == 3);
}

static bool rows_applicable(const lens_context *context, const lens_pool2d_opts *opts) {
    const lens_padding *pad = &opts->padding;
    return ocl_algorithm_allowed(context, "rows") && ocl_is_cpu(context) &&
           !(pad->top || pad->left || pad->bottom || pad->right) &&
           is_common(opts->window_h, opts->window_w) && is_common(opts->stride_h, opts->stride_w);
}

static bool windows_overlap(const lens_pool2d_opts *opts) {
    return opts->window_h > opts->stride_h || opts->window_w > opts->stride_w;
}

static ocl_launch begin_rows(lens_context *context, const char *kernel,
                             const lens_pool2d_opts *opts) {
    char options[128];
    snprintf(options, sizeof options, "-DKIND=%d -DR=%zu -DS=%zu -DSTRIDE_H=%zu -DSTRIDE_W=%zu",
             opts->kind, opts->window_h, opts->window_w, opts->stride_h, opts->stride_w);
    return ocl_begin(context, "pool2d_rows", kernel, options);
}

/* NC H W P Q, which both programs take first. */
static void arg_shapes(ocl_launch *launch, lens_shape x, lens_shape y) {
    ocl_arg_int(launch, x.n * x.c);
    ocl_arg_int(launch, x.h);
    ocl_arg_int(launch, x.w);
    ocl_arg_int(launch, y.h);
    ocl_arg_int(launch, y.w);
}

/* Whole planes, some thousand pixels of them a work-item. */
static lens_status run_planes(ocl_launch *launch, lens_shape x, lens_shape y) {
    size_t planes = lens_size_max(1, LEAST_PIXELS / (x.h * x.w));
    arg_shapes(launch, x, y);
    ocl_arg_int(launch, planes);
    return ocl_run_groups(launch, lens_size_div_up(x.n * x.c, planes), 1);
}

/* Whether windows of 2 x 2 cover the planes, whose rows pool2d_pairs_forward can hold. */
static bool pairs_applicable(lens_shape x, const lens_pool2d_opts *opts) {
    return opts->window_h == 2 && opts->stride_h == 2 && x.h % 2 == 0 && x.w % 2 == 0 &&
           x.w <= MOST_PAIRS;
}

/* Pairs of rows, some thousand pixels of them a work-item, whose outputs fill vectors. */
static lens_status run_pairs(ocl_launch *launch, lens_shape x) {
    size_t pairs = x.n * x.c * x.h / 2;
    size_t count = lens_size_round_up(lens_size_div_up(LEAST_PIXELS, 2 * x.w), 16);
    ocl_arg_int(launch, pairs);
    ocl_arg_int(launch, x.w);
    ocl_arg_int(launch, count);
    return ocl_run_groups(launch, lens_size_div_up(pairs, count), 1);
}

static lens_status forward_rows(lens_tensor *y, const lens_tensor *x,
                                const lens_pool2d_opts *opts) {
    bool pairs = pairs_applicable(x->shape, opts);
    ocl_launch launch =
        begin_rows(y->context, pairs ? "pool2d_pairs_forward" : "pool2d_rows_forward", opts);
    ocl_arg_tensor(&launch, y);
    ocl_arg_tensor(&launch, x);
    return pairs ? run_pairs(&launch, x->shape) : run_planes(&launch, x->shape, y->shape);
}

/* The gradient has a third kernel, for windows that overlap. */
static lens_status backward_rows(lens_tensor *dx, const lens_tensor *dy, const lens_tensor *x,
                                 const lens_pool2d_opts *opts) {
    bool pairs = pairs_applicable(x->shape, opts);
    const char *kernel = pairs                   ? "pool2d_pairs_backward_input"
                         : windows_overlap(opts) ? "pool2d_planes_backward_input"
                                                 : "pool2d_rows_backward_input";
    ocl_launch launch = begin_rows(dx->context, kernel, opts);
    ocl_arg_tensor(&launch, dx);
    ocl_arg_tensor(&launch, dy);
    ocl_arg_tensor(&launch, x);
    return pairs ? run_pairs(&launch, x->shape) : run_planes(&launch, x->shape, dy->shape);
}

/* The rest of POOL2D_SIZES of cl/pool2d.cl. */
static void arg_opts(ocl_launch *launch, const lens_pool2d_opts *opts) {
    const lens_padding *pad = &opts->padding;
    ocl_arg_int(launch, opts->window_h);
    ocl_arg_int(launch, opts->window_w);
    ocl_arg_int(launch, opts->stride_h);
    ocl_arg_int(launch, opts->stride_w);
    ocl_arg_int(launch, pad->top);
    ocl_arg_int(launch, pad->left);
    ocl_arg_int(launch, pad->bottom);
    ocl_arg_int(launch, pad->right);
    ocl_arg_int(launch, pad->mode);
    ocl_arg_float(launch, pad->mode == LENS_PAD_CONSTANT ? pad->value : 0);
    ocl_arg_int(launch, opts->kind);
    ocl_arg_int(launch, opts->count_padding);
}

lens_status ocl_pool2d_forward(lens_tensor *y, const lens_tensor *x, const lens_pool2d_opts *opts) {
    if (rows_applicable(y->context, opts))
        return forward_rows(y, x, opts);
    ocl_launch launch = ocl_begin(y->context, "pool2d", "pool2d_forward", "");
    ocl_arg_tensor(&launch, y);
    ocl_arg_tensor(&launch, x);
    arg_shapes(&launch, x->shape, y->shape);
    arg_opts(&launch, opts);
    return ocl_run_1d(&launch, y->count);
}

lens_status ocl_pool2d_backward_input(lens_tensor *dx, const lens_tensor *dy, const lens_tensor *x,
                                      const lens_pool2d_opts *opts) {
    if (rows_applicable(dx->context, opts))
        return backward_rows(dx, dy, x, opts);
    ocl_launch launch = ocl_begin(dx->context, "pool2d", "pool2d_backward_input", "");
    ocl_arg_tensor(&launch, dx);
    ocl_arg_tensor(&launch, dy);
    ocl_arg_tensor(&launch, x);
    arg_shapes(&launch, x->shape, dy->shape);
    arg_opts(&launch, opts);
    return ocl_run_1d(&launch, dx->count);
}
