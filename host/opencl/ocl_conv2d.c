/* ocl_conv2d.c: conv2d on OpenCL devices.
 *
 * Algorithms, the first that applies and for which there is scratch enough: "blocked", register
 * tiles for CPU devices (ocl_conv2d_blocked.c); "clblast", matrix products for the other devices
 * (ocl_conv2d_clblast.c); "direct", cl/conv2d.cl, for everything.
 */
#include "opencl/ocl_clblast.h"
#include "opencl/ocl_conv2d_blocked.h"
#include "opencl/ocl_conv2d_clblast.h"

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

size_t ocl_conv2d_scratch(const lens_context *context, lens_pass pass, lens_shape x, lens_shape w,
                          lens_shape y, const lens_conv2d_opts *opts) {
    if (ocl_conv2d_blocked_applicable(context, pass, x, w, opts))
        return ocl_conv2d_blocked_scratch(pass, x, w, y, opts);
    if (ocl_conv2d_clblast_applicable(context, pass, x, w, y, opts))
        return ocl_conv2d_clblast_scratch(context, pass, x, w, y, opts);
    return 0;
}

static bool takes_blocked(const lens_context *context, lens_pass pass, lens_shape x, lens_shape w,
                          lens_shape y, const lens_conv2d_opts *opts, const lens_tensor *scratch) {
    return ocl_conv2d_blocked_applicable(context, pass, x, w, opts) &&
           ocl_conv2d_blocked_scratch(pass, x, w, y, opts) <= (scratch ? scratch->count : 0);
}

static bool takes_clblast(const lens_context *context, lens_pass pass, lens_shape x, lens_shape w,
                          lens_shape y, const lens_conv2d_opts *opts, const lens_tensor *scratch) {
    return ocl_conv2d_clblast_applicable(context, pass, x, w, y, opts) &&
           ocl_conv2d_clblast_scratch(context, pass, x, w, y, opts) <=
               (scratch ? scratch->count : 0);
}

lens_status ocl_conv2d_forward(lens_tensor *y, const lens_tensor *x, const lens_tensor *w,
                               const lens_tensor *b, const lens_conv2d_opts *opts,
                               lens_tensor *scratch) {
    if (takes_blocked(y->context, LENS_FORWARD, x->shape, w->shape, y->shape, opts, scratch))
        return ocl_conv2d_blocked_forward(y, x, w, b, opts, scratch);
    if (takes_clblast(y->context, LENS_FORWARD, x->shape, w->shape, y->shape, opts, scratch))
        return ocl_conv2d_clblast_forward(y, x, w, b, opts, scratch);
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

lens_status ocl_conv2d_backward_input(lens_tensor *dx, const lens_tensor *dy, const lens_tensor *w,
                                      const lens_conv2d_opts *opts, lens_tensor *scratch) {
    if (takes_blocked(dx->context, LENS_BACKWARD_INPUT, dx->shape, w->shape, dy->shape, opts,
                      scratch))
        return ocl_conv2d_blocked_backward_input(dx, dy, w, opts, scratch);
    if (takes_clblast(dx->context, LENS_BACKWARD_INPUT, dx->shape, w->shape, dy->shape, opts,
                      scratch))
        return ocl_conv2d_clblast_backward_input(dx, dy, w, opts, scratch);
    ocl_launch launch = ocl_begin(dx->context, "conv2d", "conv2d_backward_input", NO_OPTIONS);
    ocl_arg_tensor(&launch, dx);
    ocl_arg_tensor(&launch, dy);
    ocl_arg_tensor(&launch, w);
    arg_sizes(&launch, dx->shape, w->shape, dy->shape, opts);
    return ocl_run_1d(&launch, dx->count);
}

lens_status ocl_conv2d_backward_weight(lens_tensor *dw, const lens_tensor *dy, const lens_tensor *x,
                                       const lens_conv2d_opts *opts, lens_tensor *scratch) {
    if (takes_blocked(dw->context, LENS_BACKWARD_WEIGHT, x->shape, dw->shape, dy->shape, opts,
                      scratch))
        return ocl_conv2d_blocked_backward_weight(dw, dy, x, opts, scratch);
    if (takes_clblast(dw->context, LENS_BACKWARD_WEIGHT, x->shape, dw->shape, dy->shape, opts,
                      scratch))
        return ocl_conv2d_clblast_backward_weight(dw, dy, x, opts, scratch);
    ocl_launch launch = ocl_begin(dw->context, "conv2d", "conv2d_backward_weight", NO_OPTIONS);
    ocl_arg_tensor(&launch, dw);
    ocl_arg_tensor(&launch, dy);
    ocl_arg_tensor(&launch, x);
    arg_sizes(&launch, x->shape, dw->shape, dy->shape, opts);
    return ocl_run_1d(&launch, dw->count);
}

lens_status ocl_conv2d_backward_bias(lens_tensor *db, const lens_tensor *dy) {
    lens_conv2d_opts none = lens_conv2d_defaults();
    if (ocl_conv2d_blocked_applicable(db->context, LENS_BACKWARD_BIAS, dy->shape, (lens_shape){0},
                                      &none))
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
