/* ref_pool2d.c: pooling and its gradient, as ops.h states them. */
#include "reference/reference.h"
#include "core/error.h"

#include <math.h>
#include <stdlib.h>

/* One window walked in row order. With zero padding, taps outside the input are nothing. */
typedef struct window {
    double sum;
    size_t taps;   /* that count in an average */
    float extreme; /* the max or min */
    bool found;    /* extreme is set */
    bool at_pixel; /* ... by the pixel (h, w), not by a padding value */
    size_t h, w;
} window;

static bool replaces(lens_pool2d_kind kind, float value, const window *best) {
    if (!best->found || isnan(value))
        return true;
    return kind == LENS_POOL_MAX ? value > best->extreme : value < best->extreme;
}

static window walk(const lens_tensor *x, const lens_pool2d_opts *opts, size_t n, size_t c, size_t p,
                   size_t q) {
    window result = {.found = false};
    for (size_t r = 0; r < opts->window_h; r++)
        for (size_t s = 0; s < opts->window_w; s++) {
            ref_tap tap = ref_padded(x->shape, &opts->padding, p * opts->stride_h + r,
                                     q * opts->stride_w + s);
            if (!tap.is_pixel && opts->padding.mode == LENS_PAD_ZERO) {
                result.taps += opts->count_padding;
                continue;
            }
            float value =
                tap.is_pixel ? ref_values(x)[ref_at(x->shape, n, c, tap.h, tap.w)] : tap.value;
            result.taps++;
            result.sum += value;
            if (replaces(opts->kind, value, &result)) {
                result.extreme = value;
                result.found = true;
                result.at_pixel = tap.is_pixel;
                result.h = tap.h, result.w = tap.w;
            }
        }
    return result;
}

lens_status ref_pool2d_forward(lens_tensor *y, const lens_tensor *x, const lens_pool2d_opts *opts) {
    lens_shape ys = y->shape;
    for (size_t n = 0; n < ys.n; n++)
        for (size_t c = 0; c < ys.c; c++)
            for (size_t p = 0; p < ys.h; p++)
                for (size_t q = 0; q < ys.w; q++) {
                    window seen = walk(x, opts, n, c, p, q);
                    ref_values(y)[ref_at(ys, n, c, p, q)] =
                        opts->kind == LENS_POOL_AVERAGE ? (float)(seen.sum / (double)seen.taps)
                                                        : seen.extreme;
                }
    return LENS_OK;
}

/* Every pixel of an averaged window receives dy / taps. */
static void spread(double *sums, lens_shape xs, const lens_pool2d_opts *opts, size_t n, size_t c,
                   size_t p, size_t q, double share) {
    for (size_t r = 0; r < opts->window_h; r++)
        for (size_t s = 0; s < opts->window_w; s++) {
            ref_tap tap =
                ref_padded(xs, &opts->padding, p * opts->stride_h + r, q * opts->stride_w + s);
            if (tap.is_pixel)
                sums[ref_at(xs, n, c, tap.h, tap.w)] += share;
        }
}

lens_status ref_pool2d_backward_input(lens_tensor *dx, const lens_tensor *dy, const lens_tensor *x,
                                      const lens_pool2d_opts *opts) {
    lens_shape xs = dx->shape, ys = dy->shape;
    double *sums = calloc(dx->count, sizeof *sums);
    if (!sums)
        return lens_fail_memory("pool2d: sums of the reference", dx->count * sizeof *sums);
    for (size_t n = 0; n < ys.n; n++)
        for (size_t c = 0; c < ys.c; c++)
            for (size_t p = 0; p < ys.h; p++)
                for (size_t q = 0; q < ys.w; q++) {
                    window seen = walk(x, opts, n, c, p, q);
                    double gradient = ref_values(dy)[ref_at(ys, n, c, p, q)];
                    if (opts->kind == LENS_POOL_AVERAGE)
                        spread(sums, xs, opts, n, c, p, q, gradient / (double)seen.taps);
                    else if (seen.at_pixel)
                        sums[ref_at(xs, n, c, seen.h, seen.w)] += gradient;
                }
    for (size_t i = 0; i < dx->count; i++)
        ref_values(dx)[i] = (float)sums[i];
    free(sums);
    return LENS_OK;
}
