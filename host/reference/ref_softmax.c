/* ref_softmax.c: softmax over the channels and its gradient, as ops.h states them. */
#include "reference/reference.h"

#include <math.h>

/* The channels of one image's pixel are `stride` elements apart, the first at first_of(). */
static size_t first_of(lens_shape shape, size_t pixel) {
    size_t stride = shape.h * shape.w;
    return pixel / stride * shape.c * stride + pixel % stride;
}

lens_status ref_softmax_forward(lens_tensor *y, const lens_tensor *x) {
    lens_shape shape = x->shape;
    size_t stride = shape.h * shape.w;
    for (size_t pixel = 0; pixel < shape.n * stride; pixel++) {
        const float *in = ref_values(x) + first_of(shape, pixel);
        float *out = ref_values(y) + first_of(shape, pixel);
        double most = in[0], sum = 0;
        for (size_t c = 1; c < shape.c; c++)
            if (in[c * stride] > most || isnan(in[c * stride]))
                most = in[c * stride];
        for (size_t c = 0; c < shape.c; c++)
            sum += exp(in[c * stride] - most);
        for (size_t c = 0; c < shape.c; c++)
            out[c * stride] = (float)(exp(in[c * stride] - most) / sum);
    }
    return LENS_OK;
}

/* dy_i/dx_j = y_i (1(i = j) - y_j), so dx_j = y_j (dy_j - sum of dy_i y_i). */
lens_status ref_softmax_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                       const lens_tensor *y) {
    lens_shape shape = y->shape;
    size_t stride = shape.h * shape.w;
    for (size_t pixel = 0; pixel < shape.n * stride; pixel++) {
        size_t first = first_of(shape, pixel);
        const float *gradient = ref_values(dy) + first, *out = ref_values(y) + first;
        double sum = 0;
        for (size_t c = 0; c < shape.c; c++)
            sum += (double)gradient[c * stride] * out[c * stride];
        for (size_t c = 0; c < shape.c; c++)
            ref_values(dx)[first + c * stride] =
                (float)(out[c * stride] * (gradient[c * stride] - sum));
    }
    return LENS_OK;
}
