/* ocl_pad2d.c: padding on OpenCL devices.
 *
 * Algorithms: "rows" on CPU devices, else "direct".
 */
#include "opencl/opencl.h"

static bool rows_applicable(const lens_context *context) {
    return ocl_is_cpu(context) && ocl_algorithm_allowed(context, "rows");
}

static void arg_sizes(ocl_launch *launch, lens_shape x, const lens_padding *opts) {
    ocl_arg_int(launch, x.n * x.c);
    ocl_arg_int(launch, x.h);
    ocl_arg_int(launch, x.w);
    ocl_arg_int(launch, opts->top);
    ocl_arg_int(launch, opts->left);
    ocl_arg_int(launch, opts->bottom);
    ocl_arg_int(launch, opts->right);
    ocl_arg_int(launch, opts->mode);
}

lens_status ocl_pad2d_forward(lens_tensor *y, const lens_tensor *x, const lens_padding *opts) {
    bool rows = rows_applicable(y->context);
    ocl_launch launch = rows ? ocl_begin(y->context, "pad2d_rows", "pad2d_rows_forward", "")
                             : ocl_begin(y->context, "pad2d", "pad2d_forward", "");
    ocl_arg_tensor(&launch, y);
    ocl_arg_tensor(&launch, x);
    arg_sizes(&launch, x->shape, opts);
    ocl_arg_float(&launch, opts->mode == LENS_PAD_CONSTANT ? opts->value : 0);
    return ocl_run_1d(&launch, rows ? y->count / y->shape.w : y->count);
}

lens_status ocl_pad2d_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                     const lens_padding *opts) {
    bool rows = rows_applicable(dx->context);
    ocl_launch launch = rows ? ocl_begin(dx->context, "pad2d_rows", "pad2d_rows_backward_input", "")
                             : ocl_begin(dx->context, "pad2d", "pad2d_backward_input", "");
    ocl_arg_tensor(&launch, dx);
    ocl_arg_tensor(&launch, dy);
    arg_sizes(&launch, dx->shape, opts);
    return ocl_run_1d(&launch, rows ? dx->count / dx->shape.w : dx->count);
}
