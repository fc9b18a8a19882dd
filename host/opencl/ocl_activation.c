/* ocl_activation.c: the activations on OpenCL devices. */
#include "opencl/opencl.h"
#include "core/size.h"

#include <stdio.h>

#define LANES 1024  /* as in cl/activation.cl */
#define CHANNELS 64 /* as there */

/* A CPU's work-item takes a run of neighbours, a GPU's one element, so that a group reads in a row.
 */
static size_t run_of(const lens_context *context) {
    return ocl_is_cpu(context) ? 256 : 1;
}

static ocl_launch begin(lens_context *context, const char *kernel, const lens_activation *opts) {
    char options[48];
    snprintf(options, sizeof options, "-DKIND=%d -DRUN=%zu", opts->kind, run_of(context));
    return ocl_begin(context, "activation", kernel, options);
}

static lens_status run(ocl_launch *launch, size_t count, const lens_activation *opts) {
    ocl_arg_int(launch, count);
    ocl_arg_float(launch, opts->alpha);
    return ocl_run_1d(launch, lens_size_div_up(count, run_of(launch->context)));
}

lens_status ocl_activation_forward(lens_tensor *y, const lens_tensor *x,
                                   const lens_activation *opts) {
    ocl_launch launch = begin(y->context, "activation_forward", opts);
    ocl_arg_tensor(&launch, y);
    ocl_arg_tensor(&launch, x);
    return run(&launch, y->count, opts);
}

lens_status ocl_activation_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                          const lens_tensor *y, const lens_activation *opts) {
    ocl_launch launch = begin(dx->context, "activation_backward_input", opts);
    ocl_arg_tensor(&launch, dx);
    ocl_arg_tensor(&launch, dy);
    ocl_arg_tensor(&launch, y);
    return run(&launch, dx->count, opts);
}

lens_status ocl_activation_backward_bias(lens_tensor *dx, lens_tensor *db, const lens_tensor *dy,
                                         const lens_tensor *y, const lens_activation *opts) {
    bool is_flat = y->shape.h * y->shape.w == 1, is_cpu = ocl_is_cpu(dx->context);
    const char *kernel = is_flat  ? "activation_backward_bias_flat"
                         : is_cpu ? "activation_backward_bias"
                                  : "activation_backward_bias_group";
    ocl_launch launch = begin(dx->context, kernel, opts);
    ocl_arg_tensor(&launch, dx);
    ocl_arg_tensor(&launch, db);
    ocl_arg_tensor(&launch, dy);
    ocl_arg_tensor(&launch, y);
    ocl_arg_int(&launch, y->shape.n);
    ocl_arg_int(&launch, y->shape.c);
    ocl_arg_int(&launch, y->shape.h * y->shape.w);
    ocl_arg_float(&launch, opts->alpha);
    if (is_cpu)
        return ocl_run_groups(&launch, is_flat ? lens_size_div_up(db->count, CHANNELS) : db->count,
                              1);
    return is_flat ? ocl_run_1d(&launch, db->count) : ocl_run_groups(&launch, db->count, LANES);
}
