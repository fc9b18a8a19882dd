/* ocl_conv2d_tiled.c: the convolution for GPUs: matrix products of windows (cl/matmul_tiled.cl).
 *
 * The pixel that tap (c, r, s) of output pixel (n, p, q) sees lies, in an input that is padded
 * already, where the tap says plus where the pixel says. So one product does each pass, without
 * columns in memory:
 *
 *     forward          m = k   j = (n, p, q)   l = (c, r, s)   A = w    B = x, padded
 *     weight gradient  m = k   j = (c, r, s)   l = (n, p, q)   A = dy   B = x, padded
 *     input gradient   m = c   j = (n, h, w)   l = (k, r, s)   A = w    B = dy, padded
 *
 * With a stride, the pixels of the input fall into phases, each of which sees its own taps, at a
 * stride of 1: a product for each phase.
 */
#include "opencl/ocl_conv2d_tiled.h"
#include "core/size.h"
#include "opencl/ocl_conv2d_pad.h"
#include "opencl/ocl_matmul_tiled.h"

#include <stdint.h>

#define LEAST_FILTERS 4 /* of a group: for fewer a tile's rows are nearly all empty */

static ptrdiff_t plane(lens_shape s) {
    return (ptrdiff_t)(s.h * s.w);
}

static ptrdiff_t image(lens_shape s) {
    return (ptrdiff_t)(s.c * s.h * s.w);
}

/* ---- forward and weight gradient ------------------------------------------------------------- */

/* x is the padded one. */
static ocl_tiled forward_product(lens_shape x, lens_shape w, lens_shape y,
                                 const lens_conv2d_opts *opts) {
    size_t filters = w.n / opts->groups;
    ptrdiff_t row = (ptrdiff_t)x.w;
    return (ocl_tiled){
        .groups = opts->groups,
        .m = filters,
        .j = {y.n, y.h, y.w},
        .l = {w.c, w.h, w.w},
        .a_group = filters * (size_t)image(w),
        .b_group = w.c * (size_t)plane(x),
        .c_group = filters * (size_t)plane(y),
        .bias_group = filters,
        .bias_m = 1,
        .a_m = image(w),
        .a_l = {plane(w), (ptrdiff_t)w.w, 1},
        .b_l = {plane(x), (ptrdiff_t)opts->dilation_h * row, (ptrdiff_t)opts->dilation_w},
        .b_j = {image(x), (ptrdiff_t)opts->stride_h * row, (ptrdiff_t)opts->stride_w},
        .c_m = plane(y),
        .c_j = {image(y), (ptrdiff_t)y.w, 1},
        .a_along_l = true};
}

static ocl_tiled weight_product(lens_shape x, lens_shape w, lens_shape y,
                                const lens_conv2d_opts *opts) {
    ocl_tiled f = forward_product(x, w, y, opts);
    return (ocl_tiled){.groups = f.groups,
                       .m = f.m,
                       .j = {w.c, w.h, w.w},
                       .l = {y.n, y.h, y.w},
                       .a_group = f.c_group,
                       .b_group = f.b_group,
                       .c_group = f.a_group,
                       .a_m = f.c_m,
                       .a_l = {f.c_j[0], f.c_j[1], f.c_j[2]},
                       .b_l = {f.b_j[0], f.b_j[1], f.b_j[2]},
                       .b_j = {f.b_l[0], f.b_l[1], f.b_l[2]},
                       .c_m = f.a_m,
                       .c_j = {f.a_l[0], f.a_l[1], f.a_l[2]},
                       .a_along_l = true,
                       .b_along_l = true};
}

lens_status ocl_conv2d_tiled_forward(lens_tensor *y, const lens_tensor *x, const lens_tensor *w,
                                     const lens_tensor *b, const lens_conv2d_opts *opts,
                                     lens_tensor *scratch) {
    size_t used = 0;
    lens_tensor padded, sums = {0};
    LENS_TRY(ocl_pad(&padded, x, &opts->padding, scratch, &used));
    ocl_tiled t = forward_product(padded.shape, w->shape, y->shape, opts);
    size_t parts = ocl_matmul_tiled_scratch(y->context, &t, y->count);
    if (parts)
        sums = ocl_carve(scratch, &used, (lens_shape){1, parts, 1, 1});
    return ocl_matmul_tiled(y, w, &padded, b, &opts->activation, &t, &sums);
}

lens_status ocl_conv2d_tiled_backward_weight(lens_tensor *dw, const lens_tensor *dy,
                                             const lens_tensor *x, const lens_conv2d_opts *opts,
                                             lens_tensor *scratch) {
    size_t used = 0;
    lens_tensor padded, sums = {0};
    LENS_TRY(ocl_pad(&padded, x, &opts->padding, scratch, &used));
    ocl_tiled t = weight_product(padded.shape, dw->shape, dy->shape, opts);
    size_t parts = ocl_matmul_tiled_scratch(dw->context, &t, dw->count);
    if (parts)
        sums = ocl_carve(scratch, &used, (lens_shape){1, parts, 1, 1});
    return ocl_matmul_tiled(dw, dy, &padded, NULL, NULL, &t, &sums);
}

/* ---- input gradient -------------------------------------------------------------------------- */

/* One axis of the input's gradient: place first + i stride is the sum over t < taps of w at
 * first_tap + t stride times dy at i + shift - t dilation. */
typedef struct phase {
    size_t first, count;
    size_t first_tap, taps;
    size_t shift;
} phase;

typedef struct axis {
    size_t size;   /* places to compute, */
    size_t before; /* the first of them so many behind the padded input's */
    size_t window, stride, dilation, output;
} axis;

static phase phase_of(const axis *a, size_t first) {
    size_t at = first + a->before, tap = at % a->stride;
    return (phase){.first = first,
                   .count = first < a->size ? lens_size_div_up(a->size - first, a->stride) : 0,
                   .first_tap = tap,
                   .taps = tap < a->window ? lens_size_div_up(a->window - tap, a->stride) : 0,
                   .shift = at / a->stride};
}

/* Zeros that dy needs in front and behind for all phases. */
static void zeros_of(const axis *a, size_t *before, size_t *after) {
    *before = *after = 0;
    for (size_t first = 0; first < a->stride; first++) {
        phase p = phase_of(a, first);
        if (!p.taps || !p.count)
            continue;
        size_t reach = (p.taps - 1) * a->dilation, end = p.count + p.shift;
        *before = lens_size_max(*before, reach > p.shift ? reach - p.shift : 0);
        *after = lens_size_max(*after, end > a->output ? end - a->output : 0);
    }
}

/* The gradient of the input itself where padding shows no pixel, else of the padded input, which is
 * folded afterwards. */
typedef struct layout {
    bool fold;
    lens_shape target;
    axis h, w;
    lens_padding zeros;
} layout;

static layout layout_of(lens_shape x, lens_shape w, lens_shape y, const lens_conv2d_opts *opts) {
    const lens_padding *p = &opts->padding;
    layout l = {.fold = ocl_has_padding(p) &&
                        (p->mode == LENS_PAD_REFLECT || p->mode == LENS_PAD_REPLICATE)};
    l.target = l.fold ? ocl_padded_shape(x, p) : x;
    l.h = (axis){l.target.h, l.fold ? 0 : p->top, w.h, opts->stride_h, opts->dilation_h, y.h};
    l.w = (axis){l.target.w, l.fold ? 0 : p->left, w.w, opts->stride_w, opts->dilation_w, y.w};
    l.zeros.mode = LENS_PAD_ZERO;
    zeros_of(&l.h, &l.zeros.top, &l.zeros.bottom);
    zeros_of(&l.w, &l.zeros.left, &l.zeros.right);
    return l;
}

/* The product of one phase, dy being the padded one. */
static ocl_tiled phase_product(const layout *l, const phase *h, const phase *v, lens_shape w,
                               lens_shape dy, size_t groups) {
    size_t filters = w.n / groups;
    bool none = !h->taps || !v->taps;
    ptrdiff_t row = (ptrdiff_t)dy.w, stride_h = (ptrdiff_t)l->h.stride,
              stride_w = (ptrdiff_t)l->w.stride;
    return (ocl_tiled){
        .groups = groups,
        .m = w.c,
        .j = {dy.n, h->count, v->count},
        .l = {none ? 0 : filters, none ? 1 : h->taps, none ? 1 : v->taps},
        .a_group = filters * (size_t)image(w),
        .b_group = filters * (size_t)plane(dy),
        .c_group = w.c * (size_t)plane(l->target),
        .a_m = plane(w),
        .a_l = {image(w), stride_h * (ptrdiff_t)w.w, stride_w},
        .b_l = {plane(dy), -(ptrdiff_t)l->h.dilation * row, -(ptrdiff_t)l->w.dilation},
        .b_j = {image(dy), row, 1},
        .c_m = plane(l->target),
        .c_j = {image(l->target), stride_h * (ptrdiff_t)l->target.w, stride_w},
        .a_along_l = true,
        .whole = l->h.stride * l->w.stride > 1};
}

/* The tensor from `skip` elements further on. */
static lens_tensor after(const lens_tensor *tensor, size_t skip) {
    lens_tensor rest = *tensor;
    rest.offset += skip;
    return rest;
}

static lens_status run_phase(lens_tensor *target, const lens_tensor *dy, const lens_tensor *w,
                             const layout *l, size_t first_h, size_t first_w, size_t groups,
                             const lens_tensor *sums) {
    phase h = phase_of(&l->h, first_h), v = phase_of(&l->w, first_w);
    if (!h.count || !v.count)
        return LENS_OK;
    ocl_tiled t = phase_product(l, &h, &v, w->shape, dy->shape, groups);
    bool none = !t.l[0];
    lens_tensor c = after(target, h.first * target->shape.w + v.first);
    lens_tensor a = after(w, none ? 0 : h.first_tap * w->shape.w + v.first_tap);
    lens_tensor b =
        after(dy, none ? 0 : (h.shift + l->zeros.top) * dy->shape.w + v.shift + l->zeros.left);
    return ocl_matmul_tiled(&c, &a, &b, NULL, NULL, &t, sums);
}

lens_status ocl_conv2d_tiled_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                            const lens_tensor *w, const lens_conv2d_opts *opts,
                                            lens_tensor *scratch) {
    layout l = layout_of(dx->shape, w->shape, dy->shape, opts);
    size_t used = 0;
    lens_tensor wide, target = *dx, sums = {0};
    LENS_TRY(ocl_pad(&wide, dy, &l.zeros, scratch, &used));
    if (l.fold)
        target = ocl_carve(scratch, &used, l.target);
    if (scratch)
        sums = ocl_carve(scratch, &used, (lens_shape){1, scratch->count - used, 1, 1});
    for (size_t h = 0; h < opts->stride_h; h++)
        for (size_t v = 0; v < opts->stride_w; v++)
            LENS_TRY(run_phase(&target, &wide, w, &l, h, v, opts->groups, &sums));
    return l.fold ? ocl_pad2d_backward_input(dx, &target, &opts->padding) : LENS_OK;
}

/* ---- the choice ------------------------------------------------------------------------------ */

/* Of an input gradient with a stride the first phase's, whose tiles and parts the others have too.
 */
static ocl_tiled product_of(lens_pass pass, lens_shape x, lens_shape w, lens_shape y,
                            const lens_conv2d_opts *opts) {
    if (pass == LENS_BACKWARD_INPUT) {
        layout l = layout_of(x, w, y, opts);
        phase h = phase_of(&l.h, 0), v = phase_of(&l.w, 0);
        return phase_product(&l, &h, &v, w, ocl_padded_shape(y, &l.zeros), opts->groups);
    }
    lens_shape seen = ocl_padded_shape(x, &opts->padding);
    return pass == LENS_FORWARD ? forward_product(seen, w, y, opts)
                                : weight_product(seen, w, y, opts);
}

size_t ocl_conv2d_tiled_scratch(const lens_context *context, lens_pass pass, lens_shape x,
                                lens_shape w, lens_shape y, const lens_conv2d_opts *opts) {
    ocl_tiled t = product_of(pass, x, w, y, opts);
    if (pass == LENS_BACKWARD_INPUT) {
        layout l = layout_of(x, w, y, opts);
        return (ocl_has_padding(&l.zeros) ? ocl_count_of(ocl_padded_shape(y, &l.zeros)) : 0) +
               (l.fold ? ocl_count_of(l.target) : 0) +
               ocl_matmul_tiled_scratch(context, &t, ocl_count_of(l.target));
    }
    lens_shape seen = ocl_padded_shape(x, &opts->padding);
    return (ocl_has_padding(&opts->padding) ? ocl_count_of(seen) : 0) +
           ocl_matmul_tiled_scratch(context, &t, ocl_count_of(pass == LENS_FORWARD ? y : w));
}

bool ocl_conv2d_tiled_possible(const lens_context *context, lens_pass pass, lens_shape x,
                               lens_shape w, lens_shape y, const lens_conv2d_opts *opts) {
    bool one_of_both = (opts->stride_h == 1 || opts->dilation_h == 1) &&
                       (opts->stride_w == 1 || opts->dilation_w == 1);
    if (ocl_is_cpu(context) || (pass == LENS_BACKWARD_INPUT && !one_of_both) ||
        ocl_count_of(ocl_padded_shape(x, &opts->padding)) > INT32_MAX)
        return false;
    ocl_tiled t = product_of(pass, x, w, y, opts);
    return ocl_matmul_tiled_possible(context, &t) &&
           ocl_conv2d_tiled_scratch(context, pass, x, w, y, opts) * sizeof(float) <=
               context->device.allocation_bytes;
}

bool ocl_conv2d_tiled_pays(const lens_context *context, lens_pass pass, lens_shape x, lens_shape w,
                           lens_shape y, const lens_conv2d_opts *opts) {
    (void)context, (void)x, (void)y;
    return (pass == LENS_BACKWARD_INPUT ? w.c : w.n / opts->groups) >= LEAST_FILTERS;
}
