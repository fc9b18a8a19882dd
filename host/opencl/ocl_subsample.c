/* ocl_subsample.c: trainable subsampling on OpenCL devices. */
#include "opencl/opencl.h"

/* SUBSAMPLE_SIZES of cl/subsample.cl, in its order. */
static void arg_sizes(ocl_launch *launch, lens_shape x, lens_shape y,
                      const lens_subsample_opts *opts) {
    ocl_arg_shape(launch, x);
    ocl_arg_int(launch, y.h);
    ocl_arg_int(launch, y.w);
    ocl_arg_int(launch, opts->window_h);
    ocl_arg_int(launch, opts->window_w);
}

lens_status ocl_subsample_forward(lens_tensor *y, const lens_tensor *x, const lens_tensor *w,
                                  const lens_tensor *b, const lens_subsample_opts *opts) {
    ocl_launch launch = ocl_begin(y->context, "subsample", "subsample_forward", "");
    ocl_arg_tensor(&launch, y);
    ocl_arg_tensor(&launch, x);
    ocl_arg_tensor(&launch, w);
    ocl_arg_tensor(&launch, b);
    ocl_arg_int(&launch, opts->activation.kind);
    ocl_arg_float(&launch, opts->activation.alpha);
    arg_sizes(&launch, x->shape, y->shape, opts);
    return ocl_run_1d(&launch, y->count);
}

lens_status ocl_subsample_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                         const lens_tensor *w, const lens_subsample_opts *opts) {
    ocl_launch launch = ocl_begin(dx->context, "subsample", "subsample_backward_input", "");
    ocl_arg_tensor(&launch, dx);
    ocl_arg_tensor(&launch, dy);
    ocl_arg_tensor(&launch, w);
    arg_sizes(&launch, dx->shape, dy->shape, opts);
    return ocl_run_1d(&launch, dx->count);
}

lens_status ocl_subsample_backward_weight(lens_tensor *dw, const lens_tensor *dy,
                                          const lens_tensor *x, const lens_subsample_opts *opts) {
    ocl_launch launch = ocl_begin(dw->context, "subsample", "subsample_backward_weight", "");
    ocl_arg_tensor(&launch, dw);
    ocl_arg_tensor(&launch, dy);
    ocl_arg_tensor(&launch, x);
    arg_sizes(&launch, x->shape, dy->shape, opts);
    return ocl_run_1d(&launch, dw->count);
}

lens_status ocl_subsample_backward_bias(lens_tensor *db, const lens_tensor *dy) {
    ocl_launch launch = ocl_begin(db->context, "subsample", "subsample_backward_bias", "");
    ocl_arg_tensor(&launch, db);
    ocl_arg_tensor(&launch, dy);
    ocl_arg_int(&launch, dy->shape.n);
    ocl_arg_int(&launch, dy->shape.c);
    ocl_arg_int(&launch, dy->shape.h * dy->shape.w);
    return ocl_run_1d(&launch, db->count);
}
