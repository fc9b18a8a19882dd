/* ocl_activation.c: the activations on OpenCL devices. */
#include "opencl/opencl.h"

lens_status ocl_activation_forward(lens_tensor *y, const lens_tensor *x,
                                   const lens_activation *opts) {
    ocl_launch launch = ocl_begin(y->context, "activation", "activation_forward", "");
    ocl_arg_tensor(&launch, y);
    ocl_arg_tensor(&launch, x);
    ocl_arg_int(&launch, y->count);
    ocl_arg_int(&launch, opts->kind);
    ocl_arg_float(&launch, opts->alpha);
    return ocl_run_1d(&launch, y->count);
}

lens_status ocl_activation_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                          const lens_tensor *y, const lens_activation *opts) {
    ocl_launch launch = ocl_begin(dx->context, "activation", "activation_backward_input", "");
    ocl_arg_tensor(&launch, dx);
    ocl_arg_tensor(&launch, dy);
    ocl_arg_tensor(&launch, y);
    ocl_arg_int(&launch, dx->count);
    ocl_arg_int(&launch, opts->kind);
    ocl_arg_float(&launch, opts->alpha);
    return ocl_run_1d(&launch, dx->count);
}
