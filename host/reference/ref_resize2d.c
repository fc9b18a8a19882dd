/* ref_resize2d.c: resizing and its gradient, as ops.h states them. */
#include "reference/reference.h"
#include "core/error.h"

#include <math.h>
#include <stdlib.h>

/* The two pixels of an input axis that output index i mixes, and the second one's share. */
typedef struct mix {
    size_t first, second;
    double share;
} mix;

/* Half-pixel centres. The centre is the fraction ((2i + 1) in - out) / (2 out), taken apart in
 * integers, so that every device sees the same pixels whatever its rounding. */
static mix mix_of(size_t i, size_t in, size_t out, lens_resize2d_kind kind) {
    if (kind == LENS_RESIZE_NEAREST) {
        size_t source = (2 * i + 1) * in / (2 * out);
        return (mix){source, source, 0};
    }
    int64_t numerator = (int64_t)((2 * i + 1) * in) - (int64_t)out;
    if (numerator <= 0)
        return (mix){0, 0, 0}; /* clamped at the edge */
    size_t first = (size_t)numerator / (2 * out), rest = (size_t)numerator % (2 * out);
    if (first >= in - 1)
        return (mix){in - 1, in - 1, 0};
    return (mix){first, first + 1, (double)rest / (double)(2 * out)};
}

lens_status ref_resize2d_forward(lens_tensor *y, const lens_tensor *x, lens_resize2d_kind kind) {
    lens_shape xs = x->shape, ys = y->shape;
    const float *values = ref_values(x);
    for (size_t n = 0; n < ys.n; n++)
        for (size_t c = 0; c < ys.c; c++)
            for (size_t p = 0; p < ys.h; p++)
                for (size_t q = 0; q < ys.w; q++) {
                    mix h = mix_of(p, xs.h, ys.h, kind), w = mix_of(q, xs.w, ys.w, kind);
                    double above = (1 - w.share) * values[ref_at(xs, n, c, h.first, w.first)] +
                                   w.share * values[ref_at(xs, n, c, h.first, w.second)];
                    double below = (1 - w.share) * values[ref_at(xs, n, c, h.second, w.first)] +
                                   w.share * values[ref_at(xs, n, c, h.second, w.second)];
                    ref_values(y)[ref_at(ys, n, c, p, q)] =
                        (float)((1 - h.share) * above + h.share * below);
                }
    return LENS_OK;
}

/* In the forward pass y[p,q] mixed four pixels, so here each receives its share of dy[p,q]. */
lens_status ref_resize2d_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                        lens_resize2d_kind kind) {
    lens_shape xs = dx->shape, ys = dy->shape;
    double *sums = calloc(dx->count, sizeof *sums);
    if (!sums)
        return lens_fail_memory("resize2d: sums of the reference", dx->count * sizeof *sums);
    for (size_t n = 0; n < ys.n; n++)
        for (size_t c = 0; c < ys.c; c++)
            for (size_t p = 0; p < ys.h; p++)
                for (size_t q = 0; q < ys.w; q++) {
                    mix h = mix_of(p, xs.h, ys.h, kind), w = mix_of(q, xs.w, ys.w, kind);
                    double d = ref_values(dy)[ref_at(ys, n, c, p, q)];
                    sums[ref_at(xs, n, c, h.first, w.first)] += (1 - h.share) * (1 - w.share) * d;
                    sums[ref_at(xs, n, c, h.first, w.second)] += (1 - h.share) * w.share * d;
                    sums[ref_at(xs, n, c, h.second, w.first)] += h.share * (1 - w.share) * d;
                    sums[ref_at(xs, n, c, h.second, w.second)] += h.share * w.share * d;
                }
    for (size_t i = 0; i < dx->count; i++)
        ref_values(dx)[i] = (float)sums[i];
    free(sums);
    return LENS_OK;
}
