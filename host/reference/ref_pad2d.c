/* ref_pad2d.c: padding and its gradient, as ops.h states them. */
#include "reference/reference.h"
#include "core/error.h"

#include <stdlib.h>

lens_status ref_pad2d_forward(lens_tensor *y, const lens_tensor *x, const lens_padding *opts) {
    lens_shape xs = x->shape, ys = y->shape;
    for (size_t n = 0; n < ys.n; n++)
        for (size_t c = 0; c < ys.c; c++)
            for (size_t i = 0; i < ys.h; i++)
                for (size_t j = 0; j < ys.w; j++) {
                    ref_tap tap = ref_padded(xs, opts, i, j);
                    ref_values(y)[ref_at(ys, n, c, i, j)] =
                        tap.is_pixel ? ref_values(x)[ref_at(xs, n, c, tap.h, tap.w)] : tap.value;
                }
    return LENS_OK;
}

/* In the forward pass y[n,c,i,j] was x[n,c,h,w], so here x[n,c,h,w] receives dy[n,c,i,j]. */
lens_status ref_pad2d_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                     const lens_padding *opts) {
    lens_shape xs = dx->shape, ys = dy->shape;
    double *sums = calloc(dx->count, sizeof *sums);
    if (!sums)
        return lens_fail_memory("pad2d: sums of the reference", dx->count * sizeof *sums);
    for (size_t n = 0; n < ys.n; n++)
        for (size_t c = 0; c < ys.c; c++)
            for (size_t i = 0; i < ys.h; i++)
                for (size_t j = 0; j < ys.w; j++) {
                    ref_tap tap = ref_padded(xs, opts, i, j);
                    if (tap.is_pixel)
                        sums[ref_at(xs, n, c, tap.h, tap.w)] +=
                            ref_values(dy)[ref_at(ys, n, c, i, j)];
                }
    for (size_t i = 0; i < dx->count; i++)
        ref_values(dx)[i] = (float)sums[i];
    free(sums);
    return LENS_OK;
}
