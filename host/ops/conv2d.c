/* conv2d.c: the convolution's public entry: check, then hand over to the backend. */
#include "ops/check.h"

#include <assert.h>

lens_conv2d_opts lens_conv2d_defaults(void) {
    return (lens_conv2d_opts){
        .stride_h = 1, .stride_w = 1, .dilation_h = 1, .dilation_w = 1, .groups = 1};
}

lens_status lens_conv2d_output_shape(lens_shape *y, lens_shape x, lens_shape w,
                                     const lens_conv2d_opts *opts) {
    assert(y && opts);
    LENS_TRY(lens_shape_count(x, NULL));
    LENS_TRY(lens_shape_count(w, NULL));
    if (opts->groups == 0 || x.c % opts->groups || w.n % opts->groups)
        return lens_fail(
            LENS_BAD_SHAPE,
            "conv2d: %zu groups must divide the %zu input channels and the %zu filters",
            opts->groups, x.c, w.n);
    if (w.c != x.c / opts->groups)
        return lens_fail(LENS_BAD_SHAPE,
                         "conv2d: x has %zu channels in %zu groups, w expects %zu a group", x.c,
                         opts->groups, w.c);
    LENS_TRY(lens_check_padding("conv2d", x, &opts->padding));
    LENS_TRY(lens_check_activation("conv2d", &opts->activation));
    const lens_padding *pad = &opts->padding;
    lens_shape out = {.n = x.n, .c = w.n};
    LENS_TRY(lens_output_size(&out.h, "conv2d", "rows", x.h, pad->top, pad->bottom, w.h,
                              opts->stride_h, opts->dilation_h));
    LENS_TRY(lens_output_size(&out.w, "conv2d", "columns", x.w, pad->left, pad->right, w.w,
                              opts->stride_w, opts->dilation_w));
    LENS_TRY(lens_shape_count(out, NULL));
    *y = out;
    return LENS_OK;
}

lens_status lens_conv2d_scratch(size_t *count, const lens_context *context, lens_pass pass,
                                lens_shape x, lens_shape w, const lens_conv2d_opts *opts) {
    assert(count && context && opts);
    lens_shape y;
    LENS_TRY(lens_conv2d_output_shape(&y, x, w, opts));
    *count = context->backend->conv2d_scratch(context, pass, x, w, y, opts);
    return LENS_OK;
}

/* The shapes of one convolution's tensors fit together. */
static lens_status check_shapes(lens_shape x, lens_shape w, lens_shape y, const char *output_name,
                                const lens_conv2d_opts *opts) {
    lens_shape expected;
    LENS_TRY(lens_conv2d_output_shape(&expected, x, w, opts));
    return lens_check_shape("conv2d", output_name, y, expected);
}

lens_status lens_conv2d_forward(lens_tensor *y, const lens_tensor *x, const lens_tensor *w,
                                const lens_tensor *b, const lens_conv2d_opts *opts,
                                lens_tensor *scratch) {
    assert(y && x && w && opts);
    LENS_TRY(check_shapes(x->shape, w->shape, y->shape, "y", opts));
    if (b)
        LENS_TRY(lens_check_shape("conv2d", "b", b->shape, (lens_shape){1, w->shape.n, 1, 1}));
    LENS_TRY(LENS_CHECK_TENSORS("conv2d", y, x, w, b, scratch));
    return LENS_BACKEND(y)->conv2d_forward(y, x, w, b, opts, scratch);
}

lens_status lens_conv2d_backward_input(lens_tensor *dx, const lens_tensor *dy, const lens_tensor *w,
                                       const lens_conv2d_opts *opts, lens_tensor *scratch) {
    assert(dx && dy && w && opts);
    LENS_TRY(check_shapes(dx->shape, w->shape, dy->shape, "dy", opts));
    LENS_TRY(LENS_CHECK_TENSORS("conv2d", dx, dy, w, scratch));
    return LENS_BACKEND(dx)->conv2d_backward_input(dx, dy, w, opts, scratch);
}

lens_status lens_conv2d_backward_weight(lens_tensor *dw, const lens_tensor *dy,
                                        const lens_tensor *x, const lens_conv2d_opts *opts,
                                        lens_tensor *scratch) {
    assert(dw && dy && x && opts);
    LENS_TRY(check_shapes(x->shape, dw->shape, dy->shape, "dy", opts));
    LENS_TRY(LENS_CHECK_TENSORS("conv2d", dw, dy, x, scratch));
    return LENS_BACKEND(dw)->conv2d_backward_weight(dw, dy, x, opts, scratch);
}

lens_status lens_conv2d_backward_bias(lens_tensor *db, const lens_tensor *dy) {
    assert(db && dy);
    LENS_TRY(lens_check_shape("conv2d", "db", db->shape, (lens_shape){1, dy->shape.c, 1, 1}));
    LENS_TRY(LENS_CHECK_TENSORS("conv2d", db, dy));
    return LENS_BACKEND(db)->conv2d_backward_bias(db, dy);
}
