/* batchnorm.c: batchnorm's public entry: check, then hand over to the backend. */
#include "ops/check.h"

#include <assert.h>
#include <math.h>

lens_batchnorm_opts lens_batchnorm_defaults(void) {
    return (lens_batchnorm_opts){.epsilon = 1e-3f, .momentum = 0.99f};
}

static lens_status check_opts(const lens_batchnorm_opts *opts) {
    if (!(opts->epsilon > 0 && isfinite(opts->epsilon)))
        return lens_fail(LENS_BAD_ARGUMENT, "batchnorm: epsilon is %g, it must be above 0",
                         (double)opts->epsilon);
    if (!(opts->momentum >= 0 && opts->momentum <= 1))
        return lens_fail(LENS_BAD_ARGUMENT, "batchnorm: momentum is %g, it must be 0 to 1",
                         (double)opts->momentum);
    return LENS_OK;
}

/* An array of one value a channel. */
static lens_status check_channels(const char *what, const lens_tensor *tensor, size_t channels) {
    return lens_check_shape("batchnorm", what, tensor->shape, (lens_shape){1, channels, 1, 1});
}

static lens_status check_forward(const lens_tensor *y, const lens_tensor *x,
                                 const lens_tensor *gamma, const lens_tensor *beta,
                                 const lens_tensor *mean, const lens_tensor *variance,
                                 const lens_batchnorm_opts *opts) {
    LENS_TRY(check_opts(opts));
    LENS_TRY(lens_check_shape("batchnorm", "y", y->shape, x->shape));
    LENS_TRY(check_channels("gamma", gamma, x->shape.c));
    LENS_TRY(check_channels("beta", beta, x->shape.c));
    LENS_TRY(check_channels("mean", mean, x->shape.c));
    LENS_TRY(check_channels("variance", variance, x->shape.c));
    return LENS_CHECK_TENSORS("batchnorm", y, x, gamma, beta, mean, variance);
}

lens_status lens_batchnorm_forward(lens_tensor *y, const lens_tensor *x, const lens_tensor *gamma,
                                   const lens_tensor *beta, const lens_tensor *mean,
                                   const lens_tensor *variance, const lens_batchnorm_opts *opts) {
    assert(y && x && gamma && beta && mean && variance && opts);
    LENS_TRY(check_forward(y, x, gamma, beta, mean, variance, opts));
    return LENS_BACKEND(y)->batchnorm_forward(y, x, gamma, beta, mean, variance, opts);
}

lens_status lens_batchnorm_forward_training(lens_tensor *y, const lens_tensor *x,
                                            const lens_tensor *gamma, const lens_tensor *beta,
                                            lens_tensor *mean, lens_tensor *variance,
                                            lens_tensor *saved, const lens_batchnorm_opts *opts) {
    assert(y && x && gamma && beta && mean && variance && saved && opts);
    LENS_TRY(check_forward(y, x, gamma, beta, mean, variance, opts));
    LENS_TRY(check_channels("saved", saved, 2 * x->shape.c));
    LENS_TRY(LENS_CHECK_TENSORS("batchnorm", saved, y, x, gamma, beta, mean, variance));
    LENS_TRY(LENS_CHECK_TENSORS("batchnorm", mean, x, gamma, beta, variance));
    LENS_TRY(LENS_CHECK_TENSORS("batchnorm", variance, x, gamma, beta));
    return LENS_BACKEND(y)->batchnorm_forward_training(y, x, gamma, beta, mean, variance, saved,
                                                       opts);
}

lens_status lens_batchnorm_backward_weight(lens_tensor *dgamma, lens_tensor *dbeta,
                                           const lens_tensor *dy, const lens_tensor *x,
                                           const lens_tensor *saved) {
    assert(dgamma && dbeta && dy && x && saved);
    LENS_TRY(lens_check_shape("batchnorm", "dy", dy->shape, x->shape));
    LENS_TRY(check_channels("dgamma", dgamma, x->shape.c));
    LENS_TRY(check_channels("dbeta", dbeta, x->shape.c));
    LENS_TRY(check_channels("saved", saved, 2 * x->shape.c));
    LENS_TRY(LENS_CHECK_TENSORS("batchnorm", dgamma, dbeta, dy, x, saved));
    LENS_TRY(LENS_CHECK_TENSORS("batchnorm", dbeta, dy, x, saved));
    return LENS_BACKEND(dgamma)->batchnorm_backward_weight(dgamma, dbeta, dy, x, saved);
}

lens_status lens_batchnorm_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                          const lens_tensor *x, const lens_tensor *gamma,
                                          const lens_tensor *saved, const lens_tensor *dgamma,
                                          const lens_tensor *dbeta) {
    assert(dx && dy && x && gamma && saved && dgamma && dbeta);
    LENS_TRY(lens_check_shape("batchnorm", "dx", dx->shape, x->shape));
    LENS_TRY(lens_check_shape("batchnorm", "dy", dy->shape, x->shape));
    LENS_TRY(check_channels("gamma", gamma, x->shape.c));
    LENS_TRY(check_channels("dgamma", dgamma, x->shape.c));
    LENS_TRY(check_channels("dbeta", dbeta, x->shape.c));
    LENS_TRY(check_channels("saved", saved, 2 * x->shape.c));
    LENS_TRY(lens_check_in_place("batchnorm", dx, dy));
    LENS_TRY(LENS_CHECK_TENSORS("batchnorm", dx, x, gamma, saved, dgamma, dbeta));
    return LENS_BACKEND(dx)->batchnorm_backward_input(dx, dy, x, gamma, saved, dgamma, dbeta);
}
