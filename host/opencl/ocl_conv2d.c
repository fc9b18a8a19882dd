/* ocl_conv2d.c: conv2d on OpenCL devices.
 *
 * Algorithms, the first that applies and for which there is scratch enough. For CPU devices:
 * "winograd2", 3x3 filters with fewer multiplications ("winograd4", with still fewer, rounds more
 * and runs when asked for; ocl_conv2d_winograd.c); "packed", panels of filters and pixels, for many
 * filters (ocl_conv2d_packed.c); "blocked", the same for few (ocl_conv2d_blocked.c). "clblast",
 * matrix products for the other devices (ocl_conv2d_clblast.c). "direct", cl/conv2d.cl, for
 * everything.
 */
#include "opencl/ocl_clblast.h"
#include "opencl/ocl_conv2d_blocked.h"
#include "opencl/ocl_conv2d_clblast.h"
#include "opencl/ocl_conv2d_packed.h"
#include "opencl/ocl_conv2d_winograd.h"

#include <stdint.h>

#define NO_OPTIONS ""

/* CONV2D_SIZES of cl/conv2d.cl, in its order. */
static void arg_sizes(ocl_launch *launch, lens_shape x, lens_shape w, lens_shape y,
                      const lens_conv2d_opts *opts) {
    const lens_padding *padding = &opts->padding;
    ocl_arg_shape(launch, x);
    ocl_arg_shape(launch, w);
    ocl_arg_int(launch, y.h);
    ocl_arg_int(launch, y.w);
    ocl_arg_int(launch, opts->groups);
    ocl_arg_int(launch, opts->stride_h);
    ocl_arg_int(launch, opts->stride_w);
    ocl_arg_int(launch, opts->dilation_h);
    ocl_arg_int(launch, opts->dilation_w);
    ocl_arg_int(launch, padding->top);
    ocl_arg_int(launch, padding->left);
    ocl_arg_int(launch, padding->bottom);
    ocl_arg_int(launch, padding->right);
    ocl_arg_int(launch, padding->mode);
    ocl_arg_float(launch, padding->mode == LENS_PAD_CONSTANT ? padding->value : 0);
}

/* ---- the algorithms ------------------------------------------------------------------------ */

typedef struct algorithm {
    bool (*applicable)(const lens_context *context, lens_pass pass, lens_shape x, lens_shape w,
                       lens_shape y, const lens_conv2d_opts *opts);
    size_t (*scratch)(const lens_context *context, lens_pass pass, lens_shape x, lens_shape w,
                      lens_shape y, const lens_conv2d_opts *opts);
    lens_status (*forward)(lens_tensor *y, const lens_tensor *x, const lens_tensor *w,
                           const lens_tensor *b, const lens_conv2d_opts *opts,
                           lens_tensor *scratch);
    lens_status (*backward_input)(lens_tensor *dx, const lens_tensor *dy, const lens_tensor *w,
                                  const lens_conv2d_opts *opts, lens_tensor *scratch);
    lens_status (*backward_weight)(lens_tensor *dw, const lens_tensor *dy, const lens_tensor *x,
                                   const lens_conv2d_opts *opts, lens_tensor *scratch);
} algorithm;

static bool direct_applicable(const lens_context *context, lens_pass pass, lens_shape x,
                              lens_shape w, lens_shape y, const lens_conv2d_opts *opts) {
    (void)context, (void)pass, (void)x, (void)w, (void)y, (void)opts;
    return true;
}

static size_t direct_scratch(const lens_context *context, lens_pass pass, lens_shape x,
                             lens_shape w, lens_shape y, const lens_conv2d_opts *opts) {
    (void)context, (void)pass, (void)x, (void)w, (void)y, (void)opts;
    return 0;
}

static lens_status direct_forward(lens_tensor *y, const lens_tensor *x, const lens_tensor *w,
                                  const lens_tensor *b, const lens_conv2d_opts *opts,
                                  lens_tensor *scratch) {
    (void)scratch;
    ocl_launch launch = ocl_begin(y->context, "conv2d", "conv2d_forward", NO_OPTIONS);
    ocl_arg_tensor(&launch, y);
    ocl_arg_tensor(&launch, x);
    ocl_arg_tensor(&launch, w);
    ocl_arg_tensor(&launch, b);
    ocl_arg_int(&launch, b != NULL);
    ocl_arg_int(&launch, opts->activation.kind);
    ocl_arg_float(&launch, opts->activation.alpha);
    arg_sizes(&launch, x->shape, w->shape, y->shape, opts);
    return ocl_run_1d(&launch, y->count);
}

static lens_status direct_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                         const lens_tensor *w, const lens_conv2d_opts *opts,
                                         lens_tensor *scratch) {
    (void)scratch;
    ocl_launch launch = ocl_begin(dx->context, "conv2d", "conv2d_backward_input", NO_OPTIONS);
    ocl_arg_tensor(&launch, dx);
    ocl_arg_tensor(&launch, dy);
    ocl_arg_tensor(&launch, w);
    arg_sizes(&launch, dx->shape, w->shape, dy->shape, opts);
    return ocl_run_1d(&launch, dx->count);
}

static lens_status direct_backward_weight(lens_tensor *dw, const lens_tensor *dy,
                                          const lens_tensor *x, const lens_conv2d_opts *opts,
                                          lens_tensor *scratch) {
    (void)scratch;
    ocl_launch launch = ocl_begin(dw->context, "conv2d", "conv2d_backward_weight", NO_OPTIONS);
    ocl_arg_tensor(&launch, dw);
    ocl_arg_tensor(&launch, dy);
    ocl_arg_tensor(&launch, x);
    arg_sizes(&launch, x->shape, dw->shape, dy->shape, opts);
    return ocl_run_1d(&launch, dw->count);
}

static const algorithm algorithms[] = {
    {ocl_conv2d_winograd2_applicable, ocl_conv2d_winograd2_scratch, ocl_conv2d_winograd2_forward,
     ocl_conv2d_winograd2_backward_input, NULL},
    {ocl_conv2d_winograd4_applicable, ocl_conv2d_winograd4_scratch, ocl_conv2d_winograd4_forward,
     ocl_conv2d_winograd4_backward_input, NULL},
    {ocl_conv2d_packed_applicable, ocl_conv2d_packed_scratch, ocl_conv2d_packed_forward,
     ocl_conv2d_packed_backward_input, ocl_conv2d_packed_backward_weight},
    {ocl_conv2d_blocked_applicable, ocl_conv2d_blocked_scratch, ocl_conv2d_blocked_forward,
     ocl_conv2d_blocked_backward_input, ocl_conv2d_blocked_backward_weight},
    {ocl_conv2d_clblast_applicable, ocl_conv2d_clblast_scratch, ocl_conv2d_clblast_forward,
     ocl_conv2d_clblast_backward_input, ocl_conv2d_clblast_backward_weight},
    {direct_applicable, direct_scratch, direct_forward, direct_backward_input,
     direct_backward_weight},
};

/* The first that applies and does with `scratch` elements. */
static const algorithm *choose(const lens_context *context, lens_pass pass, lens_shape x,
                               lens_shape w, lens_shape y, const lens_conv2d_opts *opts,
                               size_t scratch) {
    const algorithm *a = algorithms;
    while (!a->applicable(context, pass, x, w, y, opts) ||
           a->scratch(context, pass, x, w, y, opts) > scratch)
        a++;
    return a;
}

static size_t room(const lens_tensor *scratch) {
    return scratch ? scratch->count : 0;
}

/* ---- the operation ------------------------------------------------------------------------- */

size_t ocl_conv2d_scratch(const lens_context *context, lens_pass pass, lens_shape x, lens_shape w,
                          lens_shape y, const lens_conv2d_opts *opts) {
    const algorithm *a = choose(context, pass, x, w, y, opts, SIZE_MAX);
    return a->scratch(context, pass, x, w, y, opts);
}

lens_status ocl_conv2d_forward(lens_tensor *y, const lens_tensor *x, const lens_tensor *w,
                               const lens_tensor *b, const lens_conv2d_opts *opts,
                               lens_tensor *scratch) {
    return choose(y->context, LENS_FORWARD, x->shape, w->shape, y->shape, opts, room(scratch))
        ->forward(y, x, w, b, opts, scratch);
}

lens_status ocl_conv2d_backward_input(lens_tensor *dx, const lens_tensor *dy, const lens_tensor *w,
                                      const lens_conv2d_opts *opts, lens_tensor *scratch) {
    return choose(dx->context, LENS_BACKWARD_INPUT, dx->shape, w->shape, dy->shape, opts,
                  room(scratch))
        ->backward_input(dx, dy, w, opts, scratch);
}

lens_status ocl_conv2d_backward_weight(lens_tensor *dw, const lens_tensor *dy, const lens_tensor *x,
                                       const lens_conv2d_opts *opts, lens_tensor *scratch) {
    return choose(dw->context, LENS_BACKWARD_WEIGHT, x->shape, dw->shape, dy->shape, opts,
                  room(scratch))
        ->backward_weight(dw, dy, x, opts, scratch);
}

lens_status ocl_conv2d_backward_bias(lens_tensor *db, const lens_tensor *dy) {
    lens_conv2d_opts none = lens_conv2d_defaults();
    if (ocl_conv2d_blocked_applicable(db->context, LENS_BACKWARD_BIAS, dy->shape, (lens_shape){0},
                                      (lens_shape){0}, &none))
        return ocl_conv2d_blocked_backward_bias(db, dy);
    if (ocl_clblast_applicable(db->context))
        return ocl_conv2d_clblast_backward_bias(db, dy);
    ocl_launch launch = ocl_begin(db->context, "conv2d", "conv2d_backward_bias", NO_OPTIONS);
    ocl_arg_tensor(&launch, db);
    ocl_arg_tensor(&launch, dy);
    ocl_arg_int(&launch, dy->shape.n);
    ocl_arg_int(&launch, dy->shape.c);
    ocl_arg_int(&launch, dy->shape.h * dy->shape.w);
    return ocl_run_1d(&launch, db->count);
}
