/* ref_optimizer.c: the optimizers, as ops.h states them. */
#include "reference/reference.h"

#include <math.h>

size_t ref_optimizer_scratch(const lens_context *context, size_t count) {
    (void)context, (void)count;
    return 0;
}

lens_status ref_optimizer_norm(lens_tensor *norm, const lens_tensor *g, lens_tensor *scratch) {
    (void)scratch;
    double sum = 0;
    for (size_t i = 0; i < g->count; i++)
        sum += (double)ref_values(g)[i] * ref_values(g)[i];
    ref_values(norm)[0] = (float)sqrt(sum);
    return LENS_OK;
}

lens_status ref_optimizer_step(lens_tensor *w, const lens_tensor *g, lens_tensor *const *slots,
                               const lens_tensor *norm, uint64_t step,
                               const lens_optimizer_opts *opts) {
    bool is_adam = opts->kind == LENS_ADAM || opts->kind == LENS_ADAMW;
    float *m = lens_optimizer_slots(opts->kind) ? ref_values(slots[0]) : NULL;
    float *v = opts->kind == LENS_RMSPROP ? m : is_adam ? ref_values(slots[1]) : NULL;
    double rate = opts->rate, t = (double)step, clip = 1;
    if (opts->clip_norm > 0)
        clip = opts->clip_norm / fmax(opts->clip_norm, ref_values(norm)[0]);
    if (is_adam) /* bias correction: Kingma and Ba 2014, end of section 2 */
        rate *= sqrt(1 - pow(opts->beta2, t)) / (1 - pow(opts->beta1, t));
    for (size_t i = 0; i < w->count; i++) {
        double weight = ref_values(w)[i];
        double gradient = clip * ref_values(g)[i] + (double)opts->l2 * weight;
        weight -= (double)opts->rate * opts->weight_decay * weight;
        switch (opts->kind) {
        case LENS_SGD:
            weight -= rate * gradient;
            break;
        case LENS_MOMENTUM:
            m[i] = (float)(opts->momentum * m[i] - rate * gradient);
            weight += m[i];
            break;
        case LENS_NESTEROV:
            m[i] = (float)(opts->momentum * m[i] - rate * gradient);
            weight += opts->momentum * m[i] - rate * gradient;
            break;
        case LENS_RMSPROP:
            v[i] = (float)(opts->rho * v[i] + (1 - (double)opts->rho) * gradient * gradient);
            weight -= rate * gradient / sqrt((double)v[i] + opts->epsilon);
            break;
        case LENS_ADAM:
        case LENS_ADAMW:
            m[i] += (float)((1 - (double)opts->beta1) * (gradient - m[i]));
            v[i] += (float)((1 - (double)opts->beta2) * (gradient * gradient - v[i]));
            weight -= rate * m[i] / (sqrt(v[i]) + opts->epsilon);
            break;
        }
        ref_values(w)[i] = (float)weight;
    }
    return LENS_OK;
}
