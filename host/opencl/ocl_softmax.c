/* ocl_softmax.c: softmax on OpenCL devices. */
#include "opencl/opencl.h"

/* N C HW of cl/softmax.cl, one work-item a pixel. */
static lens_status run(ocl_launch *launch, lens_shape shape) {
    ocl_arg_int(launch, shape.n);
    ocl_arg_int(launch, shape.c);
    ocl_arg_int(launch, shape.h * shape.w);
    return ocl_run_1d(launch, shape.n * shape.h * shape.w);
}

lens_status ocl_softmax_forward(lens_tensor *y, const lens_tensor *x) {
    ocl_launch launch = ocl_begin(y->context, "softmax", "softmax_forward", "");
    ocl_arg_tensor(&launch, y);
    ocl_arg_tensor(&launch, x);
    return run(&launch, x->shape);
}

lens_status ocl_softmax_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                       const lens_tensor *y) {
    ocl_launch launch = ocl_begin(dx->context, "softmax", "softmax_backward_input", "");
    ocl_arg_tensor(&launch, dx);
    ocl_arg_tensor(&launch, dy);
    ocl_arg_tensor(&launch, y);
    return run(&launch, y->shape);
}
