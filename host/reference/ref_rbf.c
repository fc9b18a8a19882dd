/* ref_rbf.c: the radial basis function units and their gradients, as ops.h states them. */
#include "reference/reference.h"

/* x[n,i] - w[k,i] */
static double difference(const lens_tensor *x, const lens_tensor *w, size_t n, size_t k, size_t i) {
    size_t features = w->shape.c;
    return (double)ref_values(x)[n * features + i] - ref_values(w)[k * features + i];
}

lens_status ref_rbf_forward(lens_tensor *y, const lens_tensor *x, const lens_tensor *w) {
    size_t units = w->shape.n, features = w->shape.c;
    for (size_t n = 0; n < y->shape.n; n++)
        for (size_t k = 0; k < units; k++) {
            double sum = 0;
            for (size_t i = 0; i < features; i++)
                sum += difference(x, w, n, k, i) * difference(x, w, n, k, i);
            ref_values(y)[n * units + k] = (float)sum;
        }
    return LENS_OK;
}

/* y[n,k] took (x[n,i] - w[k,i])^2, so x[n,i] receives 2 (x[n,i] - w[k,i]) dy[n,k]. */
lens_status ref_rbf_backward_input(lens_tensor *dx, const lens_tensor *dy, const lens_tensor *x,
                                   const lens_tensor *w) {
    size_t units = w->shape.n, features = w->shape.c;
    for (size_t n = 0; n < dx->shape.n; n++)
        for (size_t i = 0; i < features; i++) {
            double sum = 0;
            for (size_t k = 0; k < units; k++)
                sum += 2 * ref_values(dy)[n * units + k] * difference(x, w, n, k, i);
            ref_values(dx)[n * features + i] = (float)sum;
        }
    return LENS_OK;
}

/* ... and w[k,i] receives -2 (x[n,i] - w[k,i]) dy[n,k] from every image. */
lens_status ref_rbf_backward_weight(lens_tensor *dw, const lens_tensor *dy, const lens_tensor *x,
                                    const lens_tensor *w) {
    size_t units = w->shape.n, features = w->shape.c;
    for (size_t k = 0; k < units; k++)
        for (size_t i = 0; i < features; i++) {
            double sum = 0;
            for (size_t n = 0; n < dy->shape.n; n++)
                sum -= 2 * ref_values(dy)[n * units + k] * difference(x, w, n, k, i);
            ref_values(dw)[k * features + i] = (float)sum;
        }
    return LENS_OK;
}
