/* dropout.c: dropout's public entry: check, then hand over to the backend. */
#include "ops/check.h"

#include <assert.h>

static lens_status check_opts(const lens_dropout_opts *opts) {
    if (!(opts->rate >= 0 && opts->rate < 1))
        return lens_fail(LENS_BAD_ARGUMENT,
                         "dropout: the rate is %g, it must be 0 or more and below 1",
                         (double)opts->rate);
    if (opts->index >> 24)
        return lens_fail(LENS_BAD_ARGUMENT, "dropout: the index is %u, it must be below 2^24",
                         (unsigned)opts->index);
    return LENS_OK;
}

lens_status lens_dropout_forward(lens_tensor *y, const lens_tensor *x,
                                 const lens_dropout_opts *opts) {
    assert(y && x && opts);
    LENS_TRY(check_opts(opts));
    LENS_TRY(lens_check_shape("dropout", "y", y->shape, x->shape));
    LENS_TRY(lens_check_in_place("dropout", y, x));
    return LENS_BACKEND(y)->dropout_forward(y, x, opts);
}

lens_status lens_dropout_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                        const lens_dropout_opts *opts) {
    assert(dx && dy && opts);
    LENS_TRY(check_opts(opts));
    LENS_TRY(lens_check_shape("dropout", "dx", dx->shape, dy->shape));
    LENS_TRY(lens_check_in_place("dropout", dx, dy));
    return LENS_BACKEND(dx)->dropout_backward_input(dx, dy, opts);
}
