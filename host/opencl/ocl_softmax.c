/* ocl_softmax.c: softmax on OpenCL devices. */
#include "opencl/opencl.h"

/* As in cl/softmax.cl. */
#define LANES 128

static ocl_launch begin(const lens_tensor *y, const char *kernel, const char *shared_kernel) {
    bool shared = ocl_channels_shared(y->context, y->shape);
    return ocl_begin(y->context, "softmax", shared ? shared_kernel : kernel, "");
}

/* N C HW of cl/softmax.cl, one work-item or one group a pixel. */
static lens_status run(ocl_launch *launch, lens_shape shape) {
    size_t pixels = shape.n * shape.h * shape.w;
    ocl_arg_int(launch, shape.n);
    ocl_arg_int(launch, shape.c);
    ocl_arg_int(launch, shape.h * shape.w);
    return ocl_channels_shared(launch->context, shape) ? ocl_run_groups(launch, pixels, LANES)
                                                       : ocl_run_1d(launch, pixels);
}

lens_status ocl_softmax_forward(lens_tensor *y, const lens_tensor *x) {
    ocl_launch launch = begin(y, "softmax_forward", "softmax_forward_shared");
    ocl_arg_tensor(&launch, y);
    ocl_arg_tensor(&launch, x);
    return run(&launch, x->shape);
}

lens_status ocl_softmax_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                       const lens_tensor *y) {
    ocl_launch launch = begin(dx, "softmax_backward_input", "softmax_backward_input_shared");
    ocl_arg_tensor(&launch, dx);
    ocl_arg_tensor(&launch, dy);
    ocl_arg_tensor(&launch, y);
    return run(&launch, y->shape);
}

bool ocl_channels_shared(const lens_context *context, lens_shape shape) {
    return !ocl_is_cpu(context) && shape.c >= 32 && shape.h * shape.w < 32;
}
