/* pool2d.c: pooling's public entry: check, fill in the defaults, hand over to the backend. */
#include "ops/check.h"

#include <assert.h>

static const char *const names[] = {
    [LENS_POOL_MAX] = "max", [LENS_POOL_AVERAGE] = "average", [LENS_POOL_MIN] = "min"};

const char *lens_pool2d_kind_name(lens_pool2d_kind kind) {
    return (size_t)kind < sizeof names / sizeof names[0] ? names[kind] : "unknown";
}

lens_pool2d_opts lens_pool2d_defaults(lens_pool2d_kind kind, size_t window) {
    return (lens_pool2d_opts){.kind = kind, .window_h = window, .window_w = window};
}

static bool has_padding(const lens_padding *padding) {
    return padding->top || padding->left || padding->bottom || padding->right;
}

/* The options with window and stride as numbers: 0 stands for the whole input, and for the window.
 */
static lens_status complete(lens_pool2d_opts *out, lens_shape x, const lens_pool2d_opts *opts) {
    *out = *opts;
    if ((unsigned)opts->kind > LENS_POOL_MIN)
        return lens_fail(LENS_BAD_ARGUMENT, "pool2d: %d is no kind of pooling", (int)opts->kind);
    if ((opts->window_h == 0) != (opts->window_w == 0))
        return lens_fail(LENS_BAD_ARGUMENT,
                         "pool2d: window %zux%zu; both sizes are 0 (global pooling) or neither",
                         opts->window_h, opts->window_w);
    if (opts->window_h == 0) {
        if (has_padding(&opts->padding))
            return lens_fail(LENS_BAD_ARGUMENT, "pool2d: global pooling takes no padding");
        out->window_h = x.h;
        out->window_w = x.w;
    }
    if (out->stride_h == 0)
        out->stride_h = out->window_h;
    if (out->stride_w == 0)
        out->stride_w = out->window_w;
    return LENS_OK;
}

/* With zero padding every window must see a pixel: the first and the last are the outermost. */
static lens_status check_windows(const char *axis, size_t size, size_t before, size_t window,
                                 size_t stride, size_t outputs) {
    size_t last = (outputs - 1) * stride;
    if (window <= before || last >= before + size)
        return lens_fail(
            LENS_BAD_SHAPE,
            "pool2d: a window of %zu with stride %zu lies wholly in the padding of the "
            "%zu %s",
            window, stride, size, axis);
    return LENS_OK;
}

static lens_status output_shape(lens_shape *y, lens_shape x, const lens_pool2d_opts *opts) {
    const lens_padding *pad = &opts->padding;
    LENS_TRY(lens_check_padding("pool2d", x, pad));
    lens_shape out = {.n = x.n, .c = x.c};
    LENS_TRY(lens_output_size(&out.h, "pool2d", "rows", x.h, pad->top, pad->bottom, opts->window_h,
                              opts->stride_h, 1));
    LENS_TRY(lens_output_size(&out.w, "pool2d", "columns", x.w, pad->left, pad->right,
                              opts->window_w, opts->stride_w, 1));
    if (pad->mode == LENS_PAD_ZERO) {
        LENS_TRY(check_windows("rows", x.h, pad->top, opts->window_h, opts->stride_h, out.h));
        LENS_TRY(check_windows("columns", x.w, pad->left, opts->window_w, opts->stride_w, out.w));
    }
    LENS_TRY(lens_shape_count(out, NULL));
    *y = out;
    return LENS_OK;
}

lens_status lens_pool2d_output_shape(lens_shape *y, lens_shape x, const lens_pool2d_opts *opts) {
    assert(y && opts);
    LENS_TRY(lens_shape_count(x, NULL));
    lens_pool2d_opts whole;
    LENS_TRY(complete(&whole, x, opts));
    return output_shape(y, x, &whole);
}

static lens_status check_shapes(lens_pool2d_opts *whole, lens_shape x, lens_shape y,
                                const char *output_name, const lens_pool2d_opts *opts) {
    lens_shape expected;
    LENS_TRY(complete(whole, x, opts));
    LENS_TRY(output_shape(&expected, x, whole));
    return lens_check_shape("pool2d", output_name, y, expected);
}

lens_status lens_pool2d_forward(lens_tensor *y, const lens_tensor *x,
                                const lens_pool2d_opts *opts) {
    assert(y && x && opts);
    lens_pool2d_opts whole;
    LENS_TRY(check_shapes(&whole, x->shape, y->shape, "y", opts));
    LENS_TRY(LENS_CHECK_TENSORS("pool2d", y, x));
    return LENS_BACKEND(y)->pool2d_forward(y, x, &whole);
}

lens_status lens_pool2d_backward_input(lens_tensor *dx, const lens_tensor *dy, const lens_tensor *x,
                                       const lens_pool2d_opts *opts) {
    assert(dx && dy && x && opts);
    lens_pool2d_opts whole;
    LENS_TRY(check_shapes(&whole, x->shape, dy->shape, "dy", opts));
    LENS_TRY(lens_check_shape("pool2d", "dx", dx->shape, x->shape));
    LENS_TRY(LENS_CHECK_TENSORS("pool2d", dx, dy, x));
    return LENS_BACKEND(dx)->pool2d_backward_input(dx, dy, x, &whole);
}
