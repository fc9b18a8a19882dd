/* loss.c: the losses' public entry: check, then hand over to the backend. */
#include "ops/check.h"

#include <assert.h>

static const char *const names[] = {[LENS_SPARSE_CROSS_ENTROPY] = "sparse_categorical_crossentropy",
                                    [LENS_CROSS_ENTROPY] = "categorical_crossentropy",
                                    [LENS_BINARY_CROSS_ENTROPY] = "binary_crossentropy",
                                    [LENS_MEAN_SQUARED_ERROR] = "mean_squared_error",
                                    [LENS_MAP] = "lenslet>map"};

const char *lens_loss_name(lens_loss_kind kind) {
    return (size_t)kind < sizeof names / sizeof names[0] ? names[kind] : "unknown";
}

lens_status lens_loss_target_shape(lens_shape *t, lens_shape x, lens_loss_kind kind) {
    assert(t);
    LENS_TRY(lens_shape_count(x, NULL));
    if ((unsigned)kind > LENS_MAP)
        return lens_fail(LENS_BAD_ARGUMENT, "loss: %d is no loss", (int)kind);
    *t = x;
    if (kind == LENS_SPARSE_CROSS_ENTROPY || kind == LENS_MAP)
        t->c = 1;
    return LENS_OK;
}

static lens_status check(lens_shape x, lens_shape t, const lens_tensor *w,
                         const lens_loss_opts *opts) {
    lens_shape expected;
    LENS_TRY(lens_loss_target_shape(&expected, x, opts->kind));
    LENS_TRY(lens_check_shape("loss", "t", t, expected));
    if (w)
        LENS_TRY(lens_check_shape("loss", "w", w->shape, (lens_shape){x.n, 1, 1, 1}));
    if (opts->kind == LENS_MEAN_SQUARED_ERROR && opts->from_logits)
        return lens_fail(LENS_BAD_ARGUMENT, "loss: the mean squared error takes no logits");
    if (opts->kind == LENS_MAP && opts->from_logits)
        return lens_fail(LENS_BAD_ARGUMENT, "loss: map takes no logits");
    if (opts->kind == LENS_MAP && !(opts->rejection > 0))
        return lens_fail(LENS_BAD_ARGUMENT, "loss: the rejection of map is %g, it must be above 0",
                         (double)opts->rejection);
    return LENS_OK;
}

lens_status lens_loss_forward(lens_tensor *total, const lens_tensor *x, const lens_tensor *t,
                              const lens_tensor *w, const lens_loss_opts *opts, bool accumulate) {
    assert(total && x && t && opts);
    LENS_TRY(check(x->shape, t->shape, w, opts));
    LENS_TRY(lens_check_shape("loss", "total", total->shape, (lens_shape){1, 2, 1, 1}));
    LENS_TRY(LENS_CHECK_TENSORS("loss", total, x, t, w));
    return LENS_BACKEND(total)->loss_forward(total, x, t, w, opts, accumulate);
}

lens_status lens_loss_backward_input(lens_tensor *dx, const lens_tensor *x, const lens_tensor *t,
                                     const lens_tensor *w, const lens_loss_opts *opts) {
    assert(dx && x && t && opts);
    LENS_TRY(check(x->shape, t->shape, w, opts));
    LENS_TRY(lens_check_shape("loss", "dx", dx->shape, x->shape));
    LENS_TRY(LENS_CHECK_TENSORS("loss", dx, x, t, w));
    return LENS_BACKEND(dx)->loss_backward_input(dx, x, t, w, opts);
}
