/* ocl_optimizer.c: the optimizers on OpenCL devices. */
#include "opencl/opencl.h"
#include "core/size.h"

#include <math.h>
#include <stdio.h>

/* As in cl/optimizer.cl: partial sums of the norm, and of each of these on a GPU. */
#define PARTS 256
#define LANES 256

size_t ocl_optimizer_scratch(const lens_context *context, size_t count) {
    (void)context, (void)count;
    return PARTS;
}

/* The sum of g's squares into `out`: one number, or PARTS of them. On a GPU a part is a group. */
static lens_status add_squares(lens_tensor *out, const lens_tensor *g, bool in_parts) {
    bool is_cpu = ocl_is_cpu(out->context);
    const char *kernel = is_cpu     ? in_parts ? "optimizer_norm_parts" : "optimizer_norm_direct"
                         : in_parts ? "optimizer_norm_groups"
                                    : "optimizer_norm_group";
    ocl_launch launch = ocl_begin(out->context, "optimizer", kernel, "");
    ocl_arg_tensor(&launch, out);
    ocl_arg_tensor(&launch, g);
    ocl_arg_int(&launch, g->count);
    size_t items = in_parts ? PARTS : 1;
    return is_cpu ? ocl_run_1d(&launch, items) : ocl_run_groups(&launch, items, LANES);
}

lens_status ocl_optimizer_norm(lens_tensor *norm, const lens_tensor *g, lens_tensor *scratch) {
    if (!scratch || scratch->count < PARTS)
        return add_squares(norm, g, false);
    LENS_TRY(add_squares(scratch, g, true));
    ocl_launch sum = ocl_begin(norm->context, "optimizer", "optimizer_norm", "");
    ocl_arg_tensor(&sum, norm);
    ocl_arg_tensor(&sum, scratch);
    return ocl_run_1d(&sum, 1);
}

lens_status ocl_optimizer_step(lens_tensor *w, const lens_tensor *g, lens_tensor *const *slots,
                               const lens_tensor *norm, uint64_t step,
                               const lens_optimizer_opts *opts) {
    bool is_adam = opts->kind == LENS_ADAM || opts->kind == LENS_ADAMW;
    const lens_tensor *m = lens_optimizer_slots(opts->kind) ? slots[0] : NULL;
    const lens_tensor *v = opts->kind == LENS_RMSPROP ? slots[0] : is_adam ? slots[1] : NULL;
    double rate = opts->rate, t = (double)step;
    if (is_adam) /* bias correction: Kingma and Ba 2014, end of section 2 */
        rate *= sqrt(1 - pow(opts->beta2, t)) / (1 - pow(opts->beta1, t));
    size_t run = ocl_is_cpu(w->context) ? 16 : 1;
    char options[48];
    snprintf(options, sizeof options, "-DKIND=%d -DRUN=%zu", opts->kind, run);
    ocl_launch launch = ocl_begin(w->context, "optimizer", "optimizer_step", options);
    ocl_arg_tensor(&launch, w);
    ocl_arg_tensor(&launch, g);
    ocl_arg_tensor(&launch, m);
    ocl_arg_tensor(&launch, v);
    ocl_arg_tensor(&launch, norm);
    ocl_arg_int(&launch, w->count);
    ocl_arg_float(&launch, opts->clip_norm);
    ocl_arg_float(&launch, opts->l2);
    ocl_arg_float(&launch, opts->rate * opts->weight_decay);
    ocl_arg_float(&launch, (float)rate);
    ocl_arg_float(&launch, opts->momentum);
    ocl_arg_float(&launch, opts->rho);
    ocl_arg_float(&launch, opts->beta1);
    ocl_arg_float(&launch, opts->beta2);
    ocl_arg_float(&launch, opts->epsilon);
    return ocl_run_1d(&launch, lens_size_div_up(w->count, run));
}
