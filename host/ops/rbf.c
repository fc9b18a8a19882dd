/* rbf.c: the radial basis function units' public entry: check, then hand over to the backend. */
#include "ops/check.h"

#include <assert.h>

lens_status lens_rbf_output_shape(lens_shape *y, lens_shape x, lens_shape w) {
    assert(y);
    LENS_TRY(lens_shape_count(x, NULL));
    LENS_TRY(lens_shape_count(w, NULL));
    size_t features = x.c * x.h * x.w;
    if (w.h != 1 || w.w != 1 || w.c != features)
        return lens_fail(LENS_BAD_SHAPE,
                         "rbf: x has %zu features an image, w is (%zu, %zu, %zu, %zu) and expects "
                         "(k, %zu, 1, 1)",
                         features, w.n, w.c, w.h, w.w, features);
    lens_shape out = {x.n, w.n, 1, 1};
    LENS_TRY(lens_shape_count(out, NULL));
    *y = out;
    return LENS_OK;
}

static lens_status check_shapes(lens_shape x, lens_shape w, lens_shape y, const char *output_name) {
    lens_shape expected;
    LENS_TRY(lens_rbf_output_shape(&expected, x, w));
    return lens_check_shape("rbf", output_name, y, expected);
}

lens_status lens_rbf_forward(lens_tensor *y, const lens_tensor *x, const lens_tensor *w) {
    assert(y && x && w);
    LENS_TRY(check_shapes(x->shape, w->shape, y->shape, "y"));
    LENS_TRY(LENS_CHECK_TENSORS("rbf", y, x, w));
    return LENS_BACKEND(y)->rbf_forward(y, x, w);
}

lens_status lens_rbf_backward_input(lens_tensor *dx, const lens_tensor *dy, const lens_tensor *x,
                                    const lens_tensor *w) {
    assert(dx && dy && x && w);
    LENS_TRY(check_shapes(x->shape, w->shape, dy->shape, "dy"));
    LENS_TRY(lens_check_shape("rbf", "dx", dx->shape, x->shape));
    LENS_TRY(LENS_CHECK_TENSORS("rbf", dx, dy, x, w));
    return LENS_BACKEND(dx)->rbf_backward_input(dx, dy, x, w);
}

lens_status lens_rbf_backward_weight(lens_tensor *dw, const lens_tensor *dy, const lens_tensor *x,
                                     const lens_tensor *w) {
    assert(dw && dy && x && w);
    LENS_TRY(check_shapes(x->shape, w->shape, dy->shape, "dy"));
    LENS_TRY(lens_check_shape("rbf", "dw", dw->shape, w->shape));
    LENS_TRY(LENS_CHECK_TENSORS("rbf", dw, dy, x, w));
    return LENS_BACKEND(dw)->rbf_backward_weight(dw, dy, x, w);
}
