/* ref_dense.c: the dense layer and its gradients, as ops.h states them. */
#include "reference/reference.h"

size_t ref_dense_scratch(const lens_context *context, lens_pass pass, lens_shape x, lens_shape w) {
    (void)context, (void)pass, (void)x, (void)w;
    return 0;
}

lens_status ref_dense_forward(lens_tensor *y, const lens_tensor *x, const lens_tensor *w,
                              const lens_tensor *b, const lens_dense_opts *opts,
                              lens_tensor *scratch) {
    (void)scratch;
    size_t filters = w->shape.n, features = w->shape.c;
    for (size_t n = 0; n < y->shape.n; n++)
        for (size_t k = 0; k < filters; k++) {
            double sum = b ? ref_values(b)[k] : 0;
            for (size_t i = 0; i < features; i++)
                sum += (double)ref_values(w)[k * features + i] * ref_values(x)[n * features + i];
            ref_values(y)[n * filters + k] = (float)ref_activate(&opts->activation, sum);
        }
    return LENS_OK;
}

/* y[n,k] took w[k,i] x[n,i], so x[n,i] receives w[k,i] dy[n,k]. */
lens_status ref_dense_backward_input(lens_tensor *dx, const lens_tensor *dy, const lens_tensor *w,
                                     lens_tensor *scratch) {
    (void)scratch;
    size_t filters = w->shape.n, features = w->shape.c;
    for (size_t n = 0; n < dx->shape.n; n++)
        for (size_t i = 0; i < features; i++) {
            double sum = 0;
            for (size_t k = 0; k < filters; k++)
                sum += (double)ref_values(dy)[n * filters + k] * ref_values(w)[k * features + i];
            ref_values(dx)[n * features + i] = (float)sum;
        }
    return LENS_OK;
}

/* y[n,k] took w[k,i] x[n,i], so w[k,i] receives x[n,i] dy[n,k] from every image. */
lens_status ref_dense_backward_weight(lens_tensor *dw, const lens_tensor *dy, const lens_tensor *x,
                                      lens_tensor *scratch) {
    (void)scratch;
    size_t filters = dw->shape.n, features = dw->shape.c;
    for (size_t k = 0; k < filters; k++)
        for (size_t i = 0; i < features; i++) {
            double sum = 0;
            for (size_t n = 0; n < dy->shape.n; n++)
                sum += (double)ref_values(dy)[n * filters + k] * ref_values(x)[n * features + i];
            ref_values(dw)[k * features + i] = (float)sum;
        }
    return LENS_OK;
}

lens_status ref_dense_backward_bias(lens_tensor *db, const lens_tensor *dy) {
    for (size_t k = 0; k < db->shape.c; k++) {
        double sum = 0;
        for (size_t n = 0; n < dy->shape.n; n++)
            sum += ref_values(dy)[n * db->shape.c + k];
        ref_values(db)[k] = (float)sum;
    }
    return LENS_OK;
}
