/* ocl_dropout.c: dropout on OpenCL devices. */
#include "opencl/opencl.h"
#include "core/philox.h"
#include "core/size.h"

static lens_status drop(lens_tensor *out, const lens_tensor *in, const lens_dropout_opts *opts) {
    bool cpu = ocl_is_cpu(out->context);
    ocl_launch launch =
        ocl_begin(out->context, "dropout", "dropout", cpu ? "-DLANES=16" : "-DLANES=1");
    ocl_arg_tensor(&launch, out);
    ocl_arg_tensor(&launch, in);
    ocl_arg_int(&launch, in->count);
    ocl_arg_ulong(&launch, (uint32_t)((double)opts->rate * 0x1p32));
    ocl_arg_float(&launch, 1 / (1 - opts->rate));
    ocl_arg_ulong(&launch, opts->seed);
    ocl_arg_ulong(&launch, (uint32_t)LENS_STREAM_DROPOUT << 24 | opts->index);
    ocl_arg_ulong(&launch, opts->step);
    return ocl_run_1d(&launch, lens_size_div_up(in->count, cpu ? 64 : 4));
}

lens_status ocl_dropout_forward(lens_tensor *y, const lens_tensor *x,
                                const lens_dropout_opts *opts) {
    return drop(y, x, opts);
}

lens_status ocl_dropout_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                       const lens_dropout_opts *opts) {
    return drop(dx, dy, opts);
}
