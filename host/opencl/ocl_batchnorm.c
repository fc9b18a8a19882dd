/* ocl_batchnorm.c: batch normalisation on OpenCL devices. */
#include "opencl/opencl.h"

/* As in cl/batchnorm.cl: a CPU's group is one work-item with vectors, a GPU's is the vector. */
#define GROUP_ITEMS 64

static ocl_launch begin(lens_context *context, const char *kernel) {
    return ocl_begin(context, "batchnorm", kernel,
                     ocl_is_cpu(context) ? "-DLANES=16" : "-DLANES=1");
}

/* N C HW */
static void arg_sizes(ocl_launch *launch, lens_shape x) {
    ocl_arg_int(launch, x.n);
    ocl_arg_int(launch, x.c);
    ocl_arg_int(launch, x.h * x.w);
}

static lens_status run(ocl_launch *launch, lens_shape x) {
    return ocl_run_groups(launch, x.c, ocl_is_cpu(launch->context) ? 1 : GROUP_ITEMS);
}

static lens_status forward(lens_tensor *y, const lens_tensor *x, const lens_tensor *gamma,
                           const lens_tensor *beta, const lens_tensor *mean,
                           const lens_tensor *variance, const lens_tensor *saved,
                           const lens_batchnorm_opts *opts) {
    ocl_launch launch = begin(y->context, "batchnorm_forward");
    ocl_arg_tensor(&launch, y);
    ocl_arg_tensor(&launch, x);
    ocl_arg_tensor(&launch, gamma);
    ocl_arg_tensor(&launch, beta);
    ocl_arg_tensor(&launch, mean);
    ocl_arg_tensor(&launch, variance);
    ocl_arg_tensor(&launch, saved);
    ocl_arg_int(&launch, saved != NULL);
    arg_sizes(&launch, x->shape);
    ocl_arg_float(&launch, opts->epsilon);
    ocl_arg_float(&launch, opts->momentum);
    return run(&launch, x->shape);
}

lens_status ocl_batchnorm_forward(lens_tensor *y, const lens_tensor *x, const lens_tensor *gamma,
                                  const lens_tensor *beta, const lens_tensor *mean,
                                  const lens_tensor *variance, const lens_batchnorm_opts *opts) {
    return forward(y, x, gamma, beta, mean, variance, NULL, opts);
}

lens_status ocl_batchnorm_forward_training(lens_tensor *y, const lens_tensor *x,
                                           const lens_tensor *gamma, const lens_tensor *beta,
                                           lens_tensor *mean, lens_tensor *variance,
                                           lens_tensor *saved, const lens_batchnorm_opts *opts) {
    return forward(y, x, gamma, beta, mean, variance, saved, opts);
}

lens_status ocl_batchnorm_backward_weight(lens_tensor *dgamma, lens_tensor *dbeta,
                                          const lens_tensor *dy, const lens_tensor *x,
                                          const lens_tensor *saved) {
    ocl_launch launch = begin(dy->context, "batchnorm_backward_weight");
    ocl_arg_tensor(&launch, dgamma);
    ocl_arg_tensor(&launch, dbeta);
    ocl_arg_tensor(&launch, dy);
    ocl_arg_tensor(&launch, x);
    ocl_arg_tensor(&launch, saved);
    arg_sizes(&launch, x->shape);
    return run(&launch, x->shape);
}

lens_status ocl_batchnorm_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                         const lens_tensor *x, const lens_tensor *gamma,
                                         const lens_tensor *saved, const lens_tensor *dgamma,
                                         const lens_tensor *dbeta) {
    ocl_launch launch = begin(dx->context, "batchnorm_backward_input");
    ocl_arg_tensor(&launch, dx);
    ocl_arg_tensor(&launch, dy);
    ocl_arg_tensor(&launch, x);
    ocl_arg_tensor(&launch, gamma);
    ocl_arg_tensor(&launch, saved);
    ocl_arg_tensor(&launch, dgamma);
    ocl_arg_tensor(&launch, dbeta);
    arg_sizes(&launch, x->shape);
    return run(&launch, x->shape);
}
