/* softmax.c: softmax's public entry: check, then hand over to the backend. */
#include "ops/check.h"

#include <assert.h>

lens_status lens_softmax_forward(lens_tensor *y, const lens_tensor *x) {
    assert(y && x);
    LENS_TRY(lens_check_shape("softmax", "y", y->shape, x->shape));
    LENS_TRY(lens_check_in_place("softmax", y, x));
    return LENS_BACKEND(y)->softmax_forward(y, x);
}

lens_status lens_softmax_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                        const lens_tensor *y) {
    assert(dx && dy && y);
    LENS_TRY(lens_check_shape("softmax", "dx", dx->shape, y->shape));
    LENS_TRY(lens_check_shape("softmax", "dy", dy->shape, y->shape));
    LENS_TRY(lens_check_in_place("softmax", dx, dy));
    LENS_TRY(LENS_CHECK_TENSORS("softmax", dx, y));
    return LENS_BACKEND(dx)->softmax_backward_input(dx, dy, y);
}
