/* ref_activation.c: the activations and their derivatives. */
#include "reference/reference.h"
#include "core/error.h"

#include <math.h>

/* LeCun et al. 1998, appendix A: 1.7159 tanh(2x/3) has f(1) = 1, f(-1) = -1. */
#define SCALED_TANH_HEIGHT 1.7159
#define SCALED_TANH_SLOPE (2.0 / 3.0)

double ref_activate(const lens_activation *activation, double x) {
    switch (activation->kind) {
    case LENS_RELU:
        return x > 0 || isnan(x) ? x : 0;
    case LENS_LEAKY_RELU:
        return x > 0 ? x : (double)activation->alpha * x;
    case LENS_TANH:
        return tanh(x);
    case LENS_SCALED_TANH:
        return SCALED_TANH_HEIGHT * tanh(SCALED_TANH_SLOPE * x);
    case LENS_SIGMOID:
        return 1 / (1 + exp(-x));
    case LENS_ELU:
        return x > 0 ? x : (double)activation->alpha * expm1(x);
    case LENS_SOFTPLUS:
        return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)); /* exp cannot overflow */
    case LENS_LINEAR:
        break;
    }
    return x;
}

double ref_activation_slope(const lens_activation *activation, double y) {
    double alpha = activation->alpha;
    switch (activation->kind) {
    case LENS_RELU:
        return y > 0;
    case LENS_LEAKY_RELU:
        return y > 0 ? 1 : alpha;
    case LENS_TANH: /* tanh' = 1 - tanh^2 */
        return 1 - y * y;
    case LENS_SCALED_TANH: {
        double t = y / SCALED_TANH_HEIGHT;
        return SCALED_TANH_HEIGHT * SCALED_TANH_SLOPE * (1 - t * t);
    }
    case LENS_SIGMOID: /* s' = s (1 - s) */
        return y * (1 - y);
    case LENS_ELU: /* (alpha (e^x - 1))' = alpha e^x = y + alpha */
        return y > 0 ? 1 : y + alpha;
    case LENS_SOFTPLUS: /* log(1 + e^x)' = sigmoid x = 1 - e^-y */
        return -expm1(-y);
    case LENS_LINEAR:
        break;
    }
    return 1;
}

lens_status ref_activation_forward(lens_tensor *y, const lens_tensor *x,
                                   const lens_activation *opts) {
    for (size_t i = 0; i < y->count; i++)
        ref_values(y)[i] = (float)ref_activate(opts, ref_values(x)[i]);
    return LENS_OK;
}

lens_status ref_activation_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                          const lens_tensor *y, const lens_activation *opts) {
    for (size_t i = 0; i < dx->count; i++)
        ref_values(dx)[i] =
            (float)(ref_values(dy)[i] * ref_activation_slope(opts, ref_values(y)[i]));
    return LENS_OK;
}

lens_status ref_activation_backward_bias(lens_tensor *dx, lens_tensor *db, const lens_tensor *dy,
                                         const lens_tensor *y, const lens_activation *opts) {
    LENS_TRY(ref_activation_backward_input(dx, dy, y, opts));
    return ref_conv2d_backward_bias(db, dx);
}
