/* ocl_batchnorm.c: batch normalisation on OpenCL devices. */
#include "core/size.h"
#include "opencl/opencl.h"

#include <stdio.h>

/* As in cl/batchnorm.cl: partial sums of a channel on a GPU, and whose statistics forward takes. */
#define LANES 1024
enum { RUNNING, OWN, SAVED };

#define ELEMENTWISE_ITEMS 256 /* of a GPU's group that sums nothing, */
#define ELEMENTS 16           /* each so many elements, in as many groups a channel as that takes */

#define CHANNELS 64 /* of a work-item of cl/batchnorm_flat.cl */

/* Maps of one pixel have kernels of their own on a CPU. */
static bool is_flat(const lens_context *context, lens_shape x) {
    return ocl_is_cpu(context) && x.h * x.w == 1;
}

/* `pass`: of kernels "batchnorm_" and "batchnorm_flat_". */
static ocl_launch begin(const lens_tensor *x, const char *pass) {
    bool flat = is_flat(x->context, x->shape);
    const char *program = flat ? "batchnorm_flat" : "batchnorm";
    char kernel[64];
    snprintf(kernel, sizeof kernel, "%s_%s", program, pass);
    return ocl_begin(x->context, program, kernel,
                     ocl_is_cpu(x->context) && !flat ? "-DVECTORS=1" : "");
}

/* N C HW */
static void arg_sizes(ocl_launch *launch, lens_shape x) {
    ocl_arg_int(launch, x.n);
    ocl_arg_int(launch, x.c);
    ocl_arg_int(launch, x.h * x.w);
}

/* One group a channel; on a CPU that is one work-item. */
static lens_status run(ocl_launch *launch, lens_shape x) {
    if (is_flat(launch->context, x))
        return ocl_run_groups(launch, lens_size_div_up(x.c, CHANNELS), 1);
    return ocl_run_groups(launch, x.c, ocl_is_cpu(launch->context) ? 1 : LANES);
}

/* The same where nothing is summed. */
static lens_status run_elementwise(ocl_launch *launch, lens_shape x) {
    LENS_TRY(launch->status);
    if (ocl_is_cpu(launch->context))
        return run(launch, x);
    size_t local[] = {ocl_group_size(launch->kernel, ELEMENTWISE_ITEMS), 1};
    size_t groups = lens_size_div_up(x.n * x.h * x.w, local[0] * ELEMENTS);
    size_t global[] = {x.c * local[0], groups};
    return ocl_run(launch, 2, global, local);
}

static lens_status forward(lens_tensor *y, const lens_tensor *x, const lens_tensor *gamma,
                           const lens_tensor *beta, const lens_tensor *mean,
                           const lens_tensor *variance, const lens_tensor *saved, int which,
                           const lens_batchnorm_opts *opts) {
    ocl_launch launch = begin(x, "forward");
    ocl_arg_tensor(&launch, y);
    ocl_arg_tensor(&launch, x);
    ocl_arg_tensor(&launch, gamma);
    ocl_arg_tensor(&launch, beta);
    ocl_arg_tensor(&launch, mean);
    ocl_arg_tensor(&launch, variance);
    ocl_arg_tensor(&launch, saved);
    ocl_arg_int(&launch, (size_t)which);
    arg_sizes(&launch, x->shape);
    ocl_arg_float(&launch, opts->epsilon);
    ocl_arg_float(&launch, opts->momentum);
    return run_elementwise(&launch, x->shape);
}

static lens_status statistics(const lens_tensor *x, const lens_tensor *mean,
                              const lens_tensor *variance, const lens_tensor *saved,
                              const lens_batchnorm_opts *opts) {
    ocl_launch launch = begin(x, "statistics");
    ocl_arg_tensor(&launch, x);
    ocl_arg_tensor(&launch, mean);
    ocl_arg_tensor(&launch, variance);
    ocl_arg_tensor(&launch, saved);
    arg_sizes(&launch, x->shape);
    ocl_arg_float(&launch, opts->epsilon);
    ocl_arg_float(&launch, opts->momentum);
    return run(&launch, x->shape);
}

lens_status ocl_batchnorm_forward(lens_tensor *y, const lens_tensor *x, const lens_tensor *gamma,
                                  const lens_tensor *beta, const lens_tensor *mean,
                                  const lens_tensor *variance, const lens_batchnorm_opts *opts) {
    return forward(y, x, gamma, beta, mean, variance, NULL, RUNNING, opts);
}

lens_status ocl_batchnorm_forward_training(lens_tensor *y, const lens_tensor *x,
                                           const lens_tensor *gamma, const lens_tensor *beta,
                                           lens_tensor *mean, lens_tensor *variance,
                                           lens_tensor *saved, const lens_batchnorm_opts *opts) {
    bool is_cpu = ocl_is_cpu(y->context);
    if (!is_cpu)
        LENS_TRY(statistics(x, mean, variance, saved, opts));
    return forward(y, x, gamma, beta, mean, variance, saved, is_cpu ? OWN : SAVED, opts);
}

lens_status ocl_batchnorm_backward_weight(lens_tensor *dgamma, lens_tensor *dbeta,
                                          const lens_tensor *dy, const lens_tensor *x,
                                          const lens_tensor *saved) {
    ocl_launch launch = begin(x, "backward_weight");
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
    ocl_launch launch = begin(x, "backward_input");
    ocl_arg_tensor(&launch, dx);
    ocl_arg_tensor(&launch, dy);
    ocl_arg_tensor(&launch, x);
    ocl_arg_tensor(&launch, gamma);
    ocl_arg_tensor(&launch, saved);
    ocl_arg_tensor(&launch, dgamma);
    ocl_arg_tensor(&launch, dbeta);
    arg_sizes(&launch, x->shape);
    return run_elementwise(&launch, x->shape);
}
