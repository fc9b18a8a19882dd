/* lrn.c: lrn's public entry: check, then hand over to the backend. */
#include "ops/check.h"

#include <assert.h>
#include <math.h>

#define MAX_SIZE 64

lens_lrn_opts lens_lrn_defaults(void) {
    return (lens_lrn_opts){LENS_LRN_ACROSS, 5, 1e-4f, 0.75f, 2, false};
}

const char *lens_lrn_kind_name(lens_lrn_kind kind) {
    static const char *const names[] = {"across", "within"};
    return (unsigned)kind <= LENS_LRN_WITHIN ? names[kind] : "unknown";
}

static lens_status check_opts(const lens_lrn_opts *opts) {
    if ((unsigned)opts->kind > LENS_LRN_WITHIN)
        return lens_fail(LENS_BAD_ARGUMENT, "lrn: %d is no kind", (int)opts->kind);
    if (opts->size == 0 || opts->size > MAX_SIZE)
        return lens_fail(LENS_BAD_ARGUMENT, "lrn: the size is %zu, it must be 1 to %d", opts->size,
                         MAX_SIZE);
    if (!(opts->alpha >= 0 && isfinite(opts->alpha)) ||
        !(opts->beta >= 0 && isfinite(opts->beta)) || !(opts->k > 0 && isfinite(opts->k)))
        return lens_fail(LENS_BAD_ARGUMENT,
                         "lrn: alpha %g, beta %g and k %g; alpha and beta must be at least 0, k "
                         "above 0",
                         (double)opts->alpha, (double)opts->beta, (double)opts->k);
    return LENS_OK;
}

lens_status lens_lrn_scratch(size_t *count, const lens_context *context, lens_pass pass,
                             lens_shape x, const lens_lrn_opts *opts) {
    assert(count && context && opts);
    *count = 0;
    LENS_TRY(check_opts(opts));
    LENS_TRY(lens_shape_count(x, NULL));
    *count = context->backend->lrn_scratch(context, pass, x, opts);
    return LENS_OK;
}

lens_status lens_lrn_forward(lens_tensor *y, const lens_tensor *x, const lens_lrn_opts *opts) {
    assert(y && x && opts);
    LENS_TRY(check_opts(opts));
    LENS_TRY(lens_check_shape("lrn", "y", y->shape, x->shape));
    LENS_TRY(LENS_CHECK_TENSORS("lrn", y, x));
    return LENS_BACKEND(y)->lrn_forward(y, x, opts);
}

lens_status lens_lrn_backward_input(lens_tensor *dx, const lens_tensor *dy, const lens_tensor *x,
                                    const lens_lrn_opts *opts, lens_tensor *scratch) {
    assert(dx && dy && x && opts);
    LENS_TRY(check_opts(opts));
    LENS_TRY(lens_check_shape("lrn", "dx", dx->shape, x->shape));
    LENS_TRY(lens_check_shape("lrn", "dy", dy->shape, x->shape));
    LENS_TRY(LENS_CHECK_TENSORS("lrn", dx, dy, x, scratch));
    return LENS_BACKEND(dx)->lrn_backward_input(dx, dy, x, opts, scratch);
}
