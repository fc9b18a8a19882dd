/* ref_subsample.c: trainable subsampling and its gradients, as ops.h states them. */
#include "reference/reference.h"

static double window_sum(const lens_tensor *x, const lens_subsample_opts *opts, size_t n, size_t c,
                         size_t p, size_t q) {
    double sum = 0;
    for (size_t r = 0; r < opts->window_h; r++)
        for (size_t s = 0; s < opts->window_w; s++)
            sum += ref_values(
                x)[ref_at(x->shape, n, c, p * opts->window_h + r, q * opts->window_w + s)];
    return sum;
}

lens_status ref_subsample_forward(lens_tensor *y, const lens_tensor *x, const lens_tensor *w,
                                  const lens_tensor *b, const lens_subsample_opts *opts) {
    lens_shape ys = y->shape;
    for (size_t n = 0; n < ys.n; n++)
        for (size_t c = 0; c < ys.c; c++)
            for (size_t p = 0; p < ys.h; p++)
                for (size_t q = 0; q < ys.w; q++) {
                    double sum = window_sum(x, opts, n, c, p, q);
                    double a = ref_values(b)[c] + ref_values(w)[c] * sum;
                    ref_values(y)[ref_at(ys, n, c, p, q)] =
                        (float)ref_activate(&opts->activation, a);
                }
    return LENS_OK;
}

/* y[n,c,p,q] took w[c] x[n,c,h,w'], so x[n,c,h,w'] receives w[c] dy[n,c,p,q]. */
lens_status ref_subsample_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                         const lens_tensor *w, const lens_subsample_opts *opts) {
    lens_shape xs = dx->shape, ys = dy->shape;
    for (size_t n = 0; n < xs.n; n++)
        for (size_t c = 0; c < xs.c; c++)
            for (size_t h = 0; h < xs.h; h++)
                for (size_t column = 0; column < xs.w; column++) {
                    size_t p = h / opts->window_h, q = column / opts->window_w;
                    bool was_read = p < ys.h && q < ys.w;
                    ref_values(dx)[ref_at(xs, n, c, h, column)] =
                        was_read ? ref_values(w)[c] * ref_values(dy)[ref_at(ys, n, c, p, q)] : 0;
                }
    return LENS_OK;
}

/* y[n,c,p,q] took w[c] times its window's sum, so w[c] receives that sum times dy[n,c,p,q]. */
lens_status ref_subsample_backward_weight(lens_tensor *dw, const lens_tensor *dy,
                                          const lens_tensor *x, const lens_subsample_opts *opts) {
    lens_shape ys = dy->shape;
    for (size_t c = 0; c < ys.c; c++) {
        double sum = 0;
        for (size_t n = 0; n < ys.n; n++)
            for (size_t p = 0; p < ys.h; p++)
                for (size_t q = 0; q < ys.w; q++)
                    sum += ref_values(dy)[ref_at(ys, n, c, p, q)] * window_sum(x, opts, n, c, p, q);
        ref_values(dw)[c] = (float)sum;
    }
    return LENS_OK;
}

lens_status ref_subsample_backward_bias(lens_tensor *db, const lens_tensor *dy) {
    return ref_conv2d_backward_bias(db, dy); /* the same sum */
}
