/* optimizer.c: the optimizers' public entry: check, then hand over to the backend. */
#include "ops/check.h"

#include <assert.h>
#include <math.h>

static const struct {
    const char *name;
    size_t slots;
} kinds[] = {[LENS_SGD] = {"sgd", 0},           [LENS_MOMENTUM] = {"momentum", 1},
             [LENS_NESTEROV] = {"nesterov", 1}, [LENS_RMSPROP] = {"rmsprop", 1},
             [LENS_ADAM] = {"adam", 2},         [LENS_ADAMW] = {"adamw", 2}};

static bool is_kind(lens_optimizer_kind kind) {
    return (size_t)kind < sizeof kinds / sizeof kinds[0];
}

const char *lens_optimizer_name(lens_optimizer_kind kind) {
    return is_kind(kind) ? kinds[kind].name : "unknown";
}

size_t lens_optimizer_slots(lens_optimizer_kind kind) {
    return is_kind(kind) ? kinds[kind].slots : 0;
}

lens_optimizer_opts lens_optimizer_defaults(lens_optimizer_kind kind) {
    return (lens_optimizer_opts){.kind = kind,
                                 .rate = kind <= LENS_NESTEROV ? 0.01f : 0.001f,
                                 .momentum = 0.9f,
                                 .rho = 0.9f,
                                 .beta1 = 0.9f,
                                 .beta2 = 0.999f,
                                 .epsilon = 1e-7f,
                                 .weight_decay = kind == LENS_ADAMW ? 0.004f : 0.0f};
}

static lens_status check_opts(const lens_optimizer_opts *opts) {
    if (!is_kind(opts->kind))
        return lens_fail(LENS_BAD_ARGUMENT, "optimizer: %d is no optimizer", (int)opts->kind);
    const struct {
        const char *name;
        float value, limit; /* 0 <= value < limit */
    } rows[] = {{"rate", opts->rate, INFINITY},
                {"momentum", opts->momentum, 1},
                {"rho", opts->rho, 1},
                {"beta1", opts->beta1, 1},
                {"beta2", opts->beta2, 1},
                {"epsilon", opts->epsilon, INFINITY},
                {"l2", opts->l2, INFINITY},
                {"weight_decay", opts->weight_decay, INFINITY},
                {"clip_norm", opts->clip_norm, INFINITY}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (!(rows[i].value >= 0 && rows[i].value < rows[i].limit))
            return lens_fail(LENS_BAD_ARGUMENT, "optimizer: %s is %g, it must be at least 0%s",
                             rows[i].name, (double)rows[i].value,
                             rows[i].limit == 1 ? " and below 1" : " and finite");
    return LENS_OK;
}

lens_status lens_optimizer_scratch(size_t *scratch_count, const lens_context *context,
                                   size_t count) {
    assert(scratch_count && context);
    *scratch_count = context->backend->optimizer_scratch(context, count);
    return LENS_OK;
}

lens_status lens_optimizer_norm(lens_tensor *norm, const lens_tensor *g, lens_tensor *scratch) {
    assert(norm && g);
    LENS_TRY(lens_check_shape("optimizer", "norm", norm->shape, (lens_shape){1, 1, 1, 1}));
    LENS_TRY(LENS_CHECK_TENSORS("optimizer", norm, g, scratch));
    return LENS_BACKEND(norm)->optimizer_norm(norm, g, scratch);
}

static lens_status check_count(const char *what, const lens_tensor *tensor, const lens_tensor *w) {
    if (tensor->count != w->count)
        return lens_fail(LENS_BAD_SHAPE, "optimizer: %s has %zu elements, w %zu", what,
                         tensor->count, w->count);
    return LENS_CHECK_TENSORS("optimizer", w, tensor);
}

lens_status lens_optimizer_step(lens_tensor *w, const lens_tensor *g, lens_tensor *const *slots,
                                const lens_tensor *norm, uint64_t step,
                                const lens_optimizer_opts *opts) {
    assert(w && g && opts);
    LENS_TRY(check_opts(opts));
    LENS_TRY(check_count("g", g, w));
    for (size_t i = 0; i < kinds[opts->kind].slots; i++)
        LENS_TRY(check_count("a slot", slots[i], w));
    if (step == 0)
        return lens_fail(LENS_BAD_ARGUMENT, "optimizer: steps are counted from 1");
    if (opts->clip_norm > 0 && !norm)
        return lens_fail(LENS_BAD_ARGUMENT, "optimizer: clip_norm needs the norm");
    if (norm)
        LENS_TRY(LENS_CHECK_TENSORS("optimizer", w, norm));
    return LENS_BACKEND(w)->optimizer_step(w, g, slots, norm, step, opts);
}
