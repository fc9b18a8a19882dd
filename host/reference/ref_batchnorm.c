/* ref_batchnorm.c: batch normalisation and its gradients, as ops.h states them. */
#include "reference/reference.h"

#include <math.h>

/* Element `i` of the m = n h w values of channel c. */
static size_t at(lens_shape s, size_t c, size_t i) {
    size_t plane = s.h * s.w;
    return (i / plane * s.c + c) * plane + i % plane;
}

static void normalise(lens_tensor *y, const lens_tensor *x, size_t c, double mean, double inverse,
                      double gamma, double beta) {
    lens_shape s = x->shape;
    for (size_t i = 0; i < s.n * s.h * s.w; i++) {
        double z = (ref_values(x)[at(s, c, i)] - mean) * inverse;
        ref_values(y)[at(s, c, i)] = (float)(gamma * z + beta);
    }
}

lens_status ref_batchnorm_forward(lens_tensor *y, const lens_tensor *x, const lens_tensor *gamma,
                                  const lens_tensor *beta, const lens_tensor *mean,
                                  const lens_tensor *variance, const lens_batchnorm_opts *opts) {
    for (size_t c = 0; c < x->shape.c; c++)
        normalise(y, x, c, ref_values(mean)[c],
                  1 / sqrt((double)ref_values(variance)[c] + opts->epsilon), ref_values(gamma)[c],
                  ref_values(beta)[c]);
    return LENS_OK;
}

static float moved(float running, double batch, double momentum) {
    return (float)(momentum * running + (1 - momentum) * batch);
}

lens_status ref_batchnorm_forward_training(lens_tensor *y, const lens_tensor *x,
                                           const lens_tensor *gamma, const lens_tensor *beta,
                                           lens_tensor *mean, lens_tensor *variance,
                                           lens_tensor *saved, const lens_batchnorm_opts *opts) {
    lens_shape s = x->shape;
    size_t m = s.n * s.h * s.w;
    for (size_t c = 0; c < s.c; c++) {
        double sum = 0, squares = 0;
        for (size_t i = 0; i < m; i++)
            sum += ref_values(x)[at(s, c, i)];
        double batch_mean = sum / (double)m;
        for (size_t i = 0; i < m; i++) {
            double difference = ref_values(x)[at(s, c, i)] - batch_mean;
            squares += difference * difference;
        }
        double batch_variance = squares / (double)m;
        double inverse = 1 / sqrt(batch_variance + opts->epsilon);
        normalise(y, x, c, batch_mean, inverse, ref_values(gamma)[c], ref_values(beta)[c]);
        ref_values(saved)[c] = (float)batch_mean;
        ref_values(saved)[s.c + c] = (float)inverse;
        ref_values(mean)[c] = moved(ref_values(mean)[c], batch_mean, opts->momentum);
        ref_values(variance)[c] = moved(ref_values(variance)[c], batch_variance, opts->momentum);
    }
    return LENS_OK;
}

/* z of element i of channel c. */
static double normalised(const lens_tensor *x, const lens_tensor *saved, size_t c, size_t i) {
    lens_shape s = x->shape;
    double mean = ref_values(saved)[c], inverse = ref_values(saved)[s.c + c];
    return (ref_values(x)[at(s, c, i)] - mean) * inverse;
}

lens_status ref_batchnorm_backward_weight(lens_tensor *dgamma, lens_tensor *dbeta,
                                          const lens_tensor *dy, const lens_tensor *x,
                                          const lens_tensor *saved) {
    lens_shape s = x->shape;
    for (size_t c = 0; c < s.c; c++) {
        double sum = 0, products = 0;
        for (size_t i = 0; i < s.n * s.h * s.w; i++) {
            double slope = ref_values(dy)[at(s, c, i)];
            sum += slope;
            products += slope * normalised(x, saved, c, i);
        }
        ref_values(dgamma)[c] = (float)products;
        ref_values(dbeta)[c] = (float)sum;
    }
    return LENS_OK;
}

lens_status ref_batchnorm_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                         const lens_tensor *x, const lens_tensor *gamma,
                                         const lens_tensor *saved, const lens_tensor *dgamma,
                                         const lens_tensor *dbeta) {
    lens_shape s = x->shape;
    double m = (double)(s.n * s.h * s.w);
    for (size_t c = 0; c < s.c; c++) {
        double factor = (double)ref_values(gamma)[c] * ref_values(saved)[s.c + c];
        double mean_slope = ref_values(dbeta)[c] / m, mean_product = ref_values(dgamma)[c] / m;
        for (size_t i = 0; i < s.n * s.h * s.w; i++) {
            double z = normalised(x, saved, c, i), slope = ref_values(dy)[at(s, c, i)];
            ref_values(dx)[at(s, c, i)] = (float)(factor * (slope - mean_slope - z * mean_product));
        }
    }
    return LENS_OK;
}
