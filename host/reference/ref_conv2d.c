/* ref_conv2d.c: conv2d and its gradients, as ops.h states them. */
#include "reference/reference.h"
#include "core/error.h"

#include <stdlib.h>

/* The channel of x that channel c of filter k reads: c counts within k's group. */
static size_t input_channel(lens_shape x, lens_shape w, const lens_conv2d_opts *opts, size_t k,
                            size_t c) {
    size_t filters_per_group = w.n / opts->groups;
    return k / filters_per_group * (x.c / opts->groups) + c;
}

/* What filter tap (r, s) of output pixel (p, q) sees of the input. */
static ref_tap tap_of(lens_shape x, const lens_conv2d_opts *opts, size_t p, size_t q, size_t r,
                      size_t s) {
    return ref_padded(x, &opts->padding, p * opts->stride_h + r * opts->dilation_h,
                      q * opts->stride_w + s * opts->dilation_w);
}

lens_status ref_conv2d_forward(lens_tensor *y, const lens_tensor *x, const lens_tensor *w,
                               const lens_tensor *b, const lens_conv2d_opts *opts,
                               lens_tensor *scratch) {
    (void)scratch;
    lens_shape xs = x->shape, ws = w->shape, ys = y->shape;
    for (size_t n = 0; n < ys.n; n++)
        for (size_t k = 0; k < ys.c; k++)
            for (size_t p = 0; p < ys.h; p++)
                for (size_t q = 0; q < ys.w; q++) {
                    double sum = b ? ref_values(b)[k] : 0;
                    for (size_t c = 0; c < ws.c; c++)
                        for (size_t r = 0; r < ws.h; r++)
                            for (size_t s = 0; s < ws.w; s++) {
                                ref_tap tap = tap_of(xs, opts, p, q, r, s);
                                size_t xc = input_channel(xs, ws, opts, k, c);
                                float seen = tap.is_pixel
                                                 ? ref_values(x)[ref_at(xs, n, xc, tap.h, tap.w)]
                                                 : tap.value;
                                sum += (double)ref_values(w)[ref_at(ws, k, c, r, s)] * seen;
                            }
                    ref_values(y)[ref_at(ys, n, k, p, q)] =
                        (float)ref_activate(&opts->activation, sum);
                }
    return LENS_OK;
}

/* In the forward pass y[n,k,p,q] took w[k,c,r,s] x[n,xc,h,w'], so here x[n,xc,h,w'] receives
 * w[k,c,r,s] dy[n,k,p,q]. */
lens_status ref_conv2d_backward_input(lens_tensor *dx, const lens_tensor *dy, const lens_tensor *w,
                                      const lens_conv2d_opts *opts, lens_tensor *scratch) {
    (void)scratch;
    lens_shape xs = dx->shape, ws = w->shape, ys = dy->shape;
    double *sums = calloc(dx->count, sizeof *sums);
    if (!sums)
        return lens_fail_memory("conv2d: sums of the reference", dx->count * sizeof *sums);
    for (size_t n = 0; n < ys.n; n++)
        for (size_t k = 0; k < ys.c; k++)
            for (size_t p = 0; p < ys.h; p++)
                for (size_t q = 0; q < ys.w; q++)
                    for (size_t c = 0; c < ws.c; c++)
                        for (size_t r = 0; r < ws.h; r++)
                            for (size_t s = 0; s < ws.w; s++) {
                                ref_tap tap = tap_of(xs, opts, p, q, r, s);
                                size_t xc = input_channel(xs, ws, opts, k, c);
                                if (tap.is_pixel)
                                    sums[ref_at(xs, n, xc, tap.h, tap.w)] +=
                                        (double)ref_values(w)[ref_at(ws, k, c, r, s)] *
                                        ref_values(dy)[ref_at(ys, n, k, p, q)];
                            }
    for (size_t i = 0; i < dx->count; i++)
        ref_values(dx)[i] = (float)sums[i];
    free(sums);
    return LENS_OK;
}

/* In the forward pass y[n,k,p,q] took w[k,c,r,s] x[n,xc,h,w'], so here w[k,c,r,s] receives
 * x[n,xc,h,w'] dy[n,k,p,q] from every image and output pixel. */
lens_status ref_conv2d_backward_weight(lens_tensor *dw, const lens_tensor *dy, const lens_tensor *x,
                                       const lens_conv2d_opts *opts, lens_tensor *scratch) {
    (void)scratch;
    lens_shape xs = x->shape, ws = dw->shape, ys = dy->shape;
    for (size_t k = 0; k < ws.n; k++)
        for (size_t c = 0; c < ws.c; c++)
            for (size_t r = 0; r < ws.h; r++)
                for (size_t s = 0; s < ws.w; s++) {
                    double sum = 0;
                    for (size_t n = 0; n < ys.n; n++)
                        for (size_t p = 0; p < ys.h; p++)
                            for (size_t q = 0; q < ys.w; q++) {
                                ref_tap tap = tap_of(xs, opts, p, q, r, s);
                                size_t xc = input_channel(xs, ws, opts, k, c);
                                float seen = tap.is_pixel
                                                 ? ref_values(x)[ref_at(xs, n, xc, tap.h, tap.w)]
                                                 : tap.value;
                                sum += (double)ref_values(dy)[ref_at(ys, n, k, p, q)] * seen;
                            }
                    ref_values(dw)[ref_at(ws, k, c, r, s)] = (float)sum;
                }
    return LENS_OK;
}

lens_status ref_conv2d_backward_bias(lens_tensor *db, const lens_tensor *dy) {
    lens_shape ys = dy->shape;
    for (size_t k = 0; k < ys.c; k++) {
        double sum = 0;
        for (size_t n = 0; n < ys.n; n++)
            for (size_t p = 0; p < ys.h; p++)
                for (size_t q = 0; q < ys.w; q++)
                    sum += ref_values(dy)[ref_at(ys, n, k, p, q)];
        ref_values(db)[k] = (float)sum;
    }
    return LENS_OK;
}
