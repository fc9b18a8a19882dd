/* pad2d.c: padding's public entry: check, then hand over to the backend. */
#include "ops/check.h"

#include <assert.h>

lens_status lens_pad2d_output_shape(lens_shape *y, lens_shape x, const lens_padding *opts) {
    assert(y && opts);
    LENS_TRY(lens_shape_count(x, NULL));
    LENS_TRY(lens_check_padding("pad2d", x, opts));
    lens_shape out = {x.n, x.c, opts->top + x.h + opts->bottom, opts->left + x.w + opts->right};
    LENS_TRY(lens_shape_count(out, NULL));
    *y = out;
    return LENS_OK;
}

static lens_status check_shapes(lens_shape x, lens_shape y, const char *output_name,
                                const lens_padding *opts) {
    lens_shape expected;
    LENS_TRY(lens_pad2d_output_shape(&expected, x, opts));
    return lens_check_shape("pad2d", output_name, y, expected);
}

lens_status lens_pad2d_forward(lens_tensor *y, const lens_tensor *x, const lens_padding *opts) {
    assert(y && x && opts);
    LENS_TRY(check_shapes(x->shape, y->shape, "y", opts));
    LENS_TRY(LENS_CHECK_TENSORS("pad2d", y, x));
    return LENS_BACKEND(y)->pad2d_forward(y, x, opts);
}

lens_status lens_pad2d_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                      const lens_padding *opts) {
    assert(dx && dy && opts);
    LENS_TRY(check_shapes(dx->shape, dy->shape, "dy", opts));
    LENS_TRY(LENS_CHECK_TENSORS("pad2d", dx, dy));
    return LENS_BACKEND(dx)->pad2d_backward_input(dx, dy, opts);
}
