/* ocl_rbf.c: the radial basis function units on OpenCL devices. */
#include "opencl/opencl.h"

/* N K I of cl/rbf.cl, from w (k, i). */
static void arg_sizes(ocl_launch *launch, size_t n, lens_shape w) {
    ocl_arg_int(launch, n);
    ocl_arg_int(launch, w.n);
    ocl_arg_int(launch, w.c);
}

lens_status ocl_rbf_forward(lens_tensor *y, const lens_tensor *x, const lens_tensor *w) {
    ocl_launch launch = ocl_begin(y->context, "rbf", "rbf_forward", "");
    ocl_arg_tensor(&launch, y);
    ocl_arg_tensor(&launch, x);
    ocl_arg_tensor(&launch, w);
    arg_sizes(&launch, x->shape.n, w->shape);
    return ocl_run_1d(&launch, y->count);
}

lens_status ocl_rbf_backward_input(lens_tensor *dx, const lens_tensor *dy, const lens_tensor *x,
                                   const lens_tensor *w) {
    ocl_launch launch = ocl_begin(dx->context, "rbf", "rbf_backward_input", "");
    ocl_arg_tensor(&launch, dx);
    ocl_arg_tensor(&launch, dy);
    ocl_arg_tensor(&launch, x);
    ocl_arg_tensor(&launch, w);
    arg_sizes(&launch, x->shape.n, w->shape);
    return ocl_run_1d(&launch, dx->count);
}

lens_status ocl_rbf_backward_weight(lens_tensor *dw, const lens_tensor *dy, const lens_tensor *x,
                                    const lens_tensor *w) {
    ocl_launch launch = ocl_begin(dw->context, "rbf", "rbf_backward_weight", "");
    ocl_arg_tensor(&launch, dw);
    ocl_arg_tensor(&launch, dy);
    ocl_arg_tensor(&launch, x);
    ocl_arg_tensor(&launch, w);
    arg_sizes(&launch, x->shape.n, w->shape);
    return ocl_run_1d(&launch, dw->count);
}
