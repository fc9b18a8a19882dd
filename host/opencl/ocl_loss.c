/* ocl_loss.c: the losses on OpenCL devices. */
#include "opencl/opencl.h"
#include "core/size.h"

/* What one image's sum of losses is divided by: the mean runs over n h w, or over all elements. */
static float divisor(lens_shape x, lens_loss_kind kind) {
    size_t pixels = x.h * x.w;
    bool over_classes =
        kind == LENS_SPARSE_CROSS_ENTROPY || kind == LENS_CROSS_ENTROPY || kind == LENS_MAP;
    return (float)(over_classes ? pixels : pixels * x.c);
}

/* N C HW kind from_logits rejection, which both kernels take. */
static void arg_sizes(ocl_launch *launch, lens_shape x, const lens_loss_opts *opts) {
    ocl_arg_int(launch, x.n);
    ocl_arg_int(launch, x.c);
    ocl_arg_int(launch, x.h * x.w);
    ocl_arg_int(launch, opts->kind);
    ocl_arg_int(launch, opts->from_logits);
    ocl_arg_float(launch, opts->rejection);
}

lens_status ocl_loss_forward(lens_tensor *total, const lens_tensor *x, const lens_tensor *t,
                             const lens_tensor *w, const lens_loss_opts *opts, bool accumulate) {
    ocl_launch launch = ocl_begin(total->context, "loss", "loss_forward", "");
    ocl_arg_tensor(&launch, total);
    ocl_arg_tensor(&launch, x);
    ocl_arg_tensor(&launch, t);
    ocl_arg_tensor(&launch, w ? w : t);
    ocl_arg_int(&launch, w != NULL);
    arg_sizes(&launch, x->shape, opts);
    ocl_arg_float(&launch, divisor(x->shape, opts->kind));
    ocl_arg_int(&launch, accumulate);
    return ocl_run_groups(&launch, 1, 64);
}

lens_status ocl_loss_backward_input(lens_tensor *dx, const lens_tensor *x, const lens_tensor *t,
                                    const lens_tensor *w, const lens_loss_opts *opts) {
    lens_shape shape = x->shape;
    ocl_launch launch = ocl_begin(dx->context, "loss", "loss_backward_input", "");
    ocl_arg_tensor(&launch, dx);
    ocl_arg_tensor(&launch, x);
    ocl_arg_tensor(&launch, t);
    ocl_arg_tensor(&launch, w ? w : t);
    ocl_arg_int(&launch, w != NULL);
    arg_sizes(&launch, shape, opts);
    ocl_arg_float(&launch, 1 / (divisor(shape, opts->kind) * (float)shape.n));
    return ocl_run_1d(&launch, shape.n * shape.h * shape.w);
}
