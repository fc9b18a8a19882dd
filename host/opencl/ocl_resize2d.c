/* ocl_resize2d.c: resizing on OpenCL devices. */
#include "opencl/opencl.h"

static void arg_sizes(ocl_launch *launch, lens_shape x, lens_shape y, lens_resize2d_kind kind) {
    ocl_arg_int(launch, x.n * x.c);
    ocl_arg_int(launch, x.h);
    ocl_arg_int(launch, x.w);
    ocl_arg_int(launch, y.h);
    ocl_arg_int(launch, y.w);
    ocl_arg_int(launch, kind == LENS_RESIZE_NEAREST);
}

lens_status ocl_resize2d_forward(lens_tensor *y, const lens_tensor *x, lens_resize2d_kind kind) {
    ocl_launch launch = ocl_begin(y->context, "resize2d", "resize2d_forward", "");
    ocl_arg_tensor(&launch, y);
    ocl_arg_tensor(&launch, x);
    arg_sizes(&launch, x->shape, y->shape, kind);
    return ocl_run_1d(&launch, y->count);
}

lens_status ocl_resize2d_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                        lens_resize2d_kind kind) {
    ocl_launch launch = ocl_begin(dx->context, "resize2d", "resize2d_backward_input", "");
    ocl_arg_tensor(&launch, dx);
    ocl_arg_tensor(&launch, dy);
    arg_sizes(&launch, dx->shape, dy->shape, kind);
    return ocl_run_1d(&launch, dx->count);
}
