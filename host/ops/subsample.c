/* subsample.c: trainable subsampling's public entry: check, then hand over to the backend. */
#include "ops/check.h"

#include <assert.h>

lens_subsample_opts lens_subsample_defaults(void) {
    return (lens_subsample_opts){.window_h = 2, .window_w = 2, .activation = {.kind = LENS_LINEAR}};
}

lens_status lens_subsample_output_shape(lens_shape *y, lens_shape x,
                                        const lens_subsample_opts *opts) {
    assert(y && opts);
    LENS_TRY(lens_shape_count(x, NULL));
    LENS_TRY(lens_check_activation("subsample", &opts->activation));
    lens_shape out = {.n = x.n, .c = x.c};
    LENS_TRY(lens_output_size(&out.h, "subsample", "rows", x.h, 0, 0, opts->window_h,
                              opts->window_h, 1));
    LENS_TRY(lens_output_size(&out.w, "subsample", "columns", x.w, 0, 0, opts->window_w,
                              opts->window_w, 1));
    *y = out;
    return LENS_OK;
}

static lens_status check_shapes(lens_shape x, lens_shape y, const char *output_name,
                                const lens_subsample_opts *opts) {
    lens_shape expected;
    LENS_TRY(lens_subsample_output_shape(&expected, x, opts));
    return lens_check_shape("subsample", output_name, y, expected);
}

/* One number a map. */
static lens_status check_per_map(const char *what, lens_shape got, lens_shape x) {
    return lens_check_shape("subsample", what, got, (lens_shape){1, x.c, 1, 1});
}

lens_status lens_subsample_forward(lens_tensor *y, const lens_tensor *x, const lens_tensor *w,
                                   const lens_tensor *b, const lens_subsample_opts *opts) {
    assert(y && x && w && b && opts);
    LENS_TRY(check_shapes(x->shape, y->shape, "y", opts));
    LENS_TRY(check_per_map("w", w->shape, x->shape));
    LENS_TRY(check_per_map("b", b->shape, x->shape));
    LENS_TRY(LENS_CHECK_TENSORS("subsample", y, x, w, b));
    return LENS_BACKEND(y)->subsample_forward(y, x, w, b, opts);
}

lens_status lens_subsample_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                          const lens_tensor *w, const lens_subsample_opts *opts) {
    assert(dx && dy && w && opts);
    LENS_TRY(check_shapes(dx->shape, dy->shape, "dy", opts));
    LENS_TRY(check_per_map("w", w->shape, dx->shape));
    LENS_TRY(LENS_CHECK_TENSORS("subsample", dx, dy, w));
    return LENS_BACKEND(dx)->subsample_backward_input(dx, dy, w, opts);
}

lens_status lens_subsample_backward_weight(lens_tensor *dw, const lens_tensor *dy,
                                           const lens_tensor *x, const lens_subsample_opts *opts) {
    assert(dw && dy && x && opts);
    LENS_TRY(check_shapes(x->shape, dy->shape, "dy", opts));
    LENS_TRY(check_per_map("dw", dw->shape, x->shape));
    LENS_TRY(LENS_CHECK_TENSORS("subsample", dw, dy, x));
    return LENS_BACKEND(dw)->subsample_backward_weight(dw, dy, x, opts);
}

lens_status lens_subsample_backward_bias(lens_tensor *db, const lens_tensor *dy) {
    assert(db && dy);
    LENS_TRY(check_per_map("db", db->shape, dy->shape));
    LENS_TRY(LENS_CHECK_TENSORS("subsample", db, dy));
    return LENS_BACKEND(db)->subsample_backward_bias(db, dy);
}
