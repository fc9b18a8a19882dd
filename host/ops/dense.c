/* dense.c: the dense layer's public entry: check, then hand over to the backend. */
#include "ops/check.h"

#include <assert.h>

lens_dense_opts lens_dense_defaults(void) {
    return (lens_dense_opts){.activation = {.kind = LENS_LINEAR}};
}

lens_status lens_dense_output_shape(lens_shape *y, lens_shape x, lens_shape w) {
    assert(y);
    LENS_TRY(lens_shape_count(x, NULL));
    LENS_TRY(lens_shape_count(w, NULL));
    size_t features = x.c * x.h * x.w;
    if (w.h != 1 || w.w != 1 || w.c != features)
        return lens_fail(
            LENS_BAD_SHAPE,
            "dense: x has %zu features an image, w is (%zu, %zu, %zu, %zu) and expects "
            "(k, %zu, 1, 1)",
            features, w.n, w.c, w.h, w.w, features);
    lens_shape out = {x.n, w.n, 1, 1};
    LENS_TRY(lens_shape_count(out, NULL));
    *y = out;
    return LENS_OK;
}

lens_status lens_dense_scratch(size_t *count, const lens_context *context, lens_pass pass,
                               lens_shape x, lens_shape w) {
    assert(count && context);
    lens_shape y;
    LENS_TRY(lens_dense_output_shape(&y, x, w));
    *count = context->backend->dense_scratch(context, pass, x, w);
    return LENS_OK;
}

static lens_status check_shapes(lens_shape x, lens_shape w, lens_shape y, const char *output_name) {
    lens_shape expected;
    LENS_TRY(lens_dense_output_shape(&expected, x, w));
    return lens_check_shape("dense", output_name, y, expected);
}

lens_status lens_dense_forward(lens_tensor *y, const lens_tensor *x, const lens_tensor *w,
                               const lens_tensor *b, const lens_dense_opts *opts,
                               lens_tensor *scratch) {
    assert(y && x && w && opts);
    LENS_TRY(check_shapes(x->shape, w->shape, y->shape, "y"));
    LENS_TRY(lens_check_activation("dense", &opts->activation));
    if (b)
        LENS_TRY(lens_check_shape("dense", "b", b->shape, (lens_shape){1, w->shape.n, 1, 1}));
    LENS_TRY(LENS_CHECK_TENSORS("dense", y, x, w, b, scratch));
    return LENS_BACKEND(y)->dense_forward(y, x, w, b, opts, scratch);
}

lens_status lens_dense_backward_input(lens_tensor *dx, const lens_tensor *dy, const lens_tensor *w,
                                      lens_tensor *scratch) {
    assert(dx && dy && w);
    LENS_TRY(check_shapes(dx->shape, w->shape, dy->shape, "dy"));
    LENS_TRY(LENS_CHECK_TENSORS("dense", dx, dy, w, scratch));
    return LENS_BACKEND(dx)->dense_backward_input(dx, dy, w, scratch);
}

lens_status lens_dense_backward_weight(lens_tensor *dw, const lens_tensor *dy, const lens_tensor *x,
                                       lens_tensor *scratch) {
    assert(dw && dy && x);
    LENS_TRY(check_shapes(x->shape, dw->shape, dy->shape, "dy"));
    LENS_TRY(LENS_CHECK_TENSORS("dense", dw, dy, x, scratch));
    return LENS_BACKEND(dw)->dense_backward_weight(dw, dy, x, scratch);
}

lens_status lens_dense_backward_bias(lens_tensor *db, const lens_tensor *dy) {
    assert(db && dy);
    if (dy->shape.h != 1 || dy->shape.w != 1)
        return lens_check_shape("dense", "dy", dy->shape,
                                (lens_shape){dy->shape.n, dy->shape.c, 1, 1});
    LENS_TRY(lens_check_shape("dense", "db", db->shape, (lens_shape){1, dy->shape.c, 1, 1}));
    LENS_TRY(LENS_CHECK_TENSORS("dense", db, dy));
    return LENS_BACKEND(db)->dense_backward_bias(db, dy);
}
