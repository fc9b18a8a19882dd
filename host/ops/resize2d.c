/* resize2d.c: resizing's public entry: check, then hand over to the backend. */
#include "ops/check.h"

#include <assert.h>

static const char *const names[] = {
    [LENS_RESIZE_BILINEAR] = "bilinear", [LENS_RESIZE_NEAREST] = "nearest"};

const char *lens_resize2d_kind_name(lens_resize2d_kind kind) {
    return (size_t)kind < sizeof names / sizeof names[0] ? names[kind] : "unknown";
}

static lens_status check(lens_shape x, lens_shape y, lens_resize2d_kind kind) {
    char x_text[LENS_SHAPE_TEXT], y_text[LENS_SHAPE_TEXT];
    if ((unsigned)kind > LENS_RESIZE_NEAREST)
        return lens_fail(LENS_BAD_ARGUMENT, "resize2d: %d is no kind of resizing", (int)kind);
    if (x.n != y.n || x.c != y.c)
        return lens_fail(LENS_BAD_SHAPE,
                         "resize2d: x is %s and y %s, their images and channels must agree",
                         lens_shape_text(x, x_text), lens_shape_text(y, y_text));
    return LENS_OK;
}

lens_status lens_resize2d_forward(lens_tensor *y, const lens_tensor *x, lens_resize2d_kind kind) {
    assert(y && x);
    LENS_TRY(check(x->shape, y->shape, kind));
    LENS_TRY(LENS_CHECK_TENSORS("resize2d", y, x));
    return LENS_BACKEND(y)->resize2d_forward(y, x, kind);
}

lens_status lens_resize2d_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                         lens_resize2d_kind kind) {
    assert(dx && dy);
    LENS_TRY(check(dx->shape, dy->shape, kind));
    LENS_TRY(LENS_CHECK_TENSORS("resize2d", dx, dy));
    return LENS_BACKEND(dx)->resize2d_backward_input(dx, dy, kind);
}
