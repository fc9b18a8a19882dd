/* common.cl: put in front of every kernel file.
 *
 * One alphabet (capital = size, lower case = index):
 *     N C H W  images, channels, rows, columns of an input
 *     K R S    filters, rows, columns of a filter or window
 *     P Q      rows, columns of an output
 *
 * A tensor parameter is a buffer and the offset of its first element: views share buffers.
 * The numbers of padding modes and activations come from the host (ocl_program.c).
 */

#pragma OPENCL FP_CONTRACT OFF

/* f(x): the formulas of ops.h. */
float activate(int kind, float alpha, float x) {
    switch (kind) {
    case RELU:
        return x > 0 || isnan(x) ? x : 0.0f;
    case LEAKY_RELU:
        return x > 0 ? x : alpha * x;
    case TANH:
        return tanh(x);
    case SCALED_TANH:
        return 1.7159f * tanh(x * (2.0f / 3.0f));
    case SIGMOID:
        return 1.0f / (1.0f + exp(-x));
    case ELU:
        return x > 0 ? x : alpha * expm1(x);
    case SOFTPLUS:
        return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
    }
    return x;
}

/* f'(x) from y = f(x). */
float activation_slope(int kind, float alpha, float y) {
    switch (kind) {
    case RELU:
        return y > 0 ? 1.0f : 0.0f;
    case LEAKY_RELU:
        return y > 0 ? 1.0f : alpha;
    case TANH:
        return 1.0f - y * y;
    case SCALED_TANH:
        return (2.0f / 3.0f) * (1.7159f - y * y / 1.7159f);
    case SIGMOID:
        return y * (1.0f - y);
    case ELU:
        return y > 0 ? 1.0f : y + alpha;
    case SOFTPLUS:
        return -expm1(-y);
    }
    return 1.0f;
}

/* The index in 0 .. size-1 that place i of a padded axis shows, `before` places being in front of
 * it; -1 where it shows no pixel. */
int padded_source(int i, int before, int size, int mode) {
    int at = i - before;
    if (at >= 0 && at < size)
        return at;
    if (mode == PAD_REFLECT)
        return at < 0 ? -at : 2 * (size - 1) - at;
    if (mode == PAD_REPLICATE)
        return at < 0 ? 0 : size - 1;
    return -1;
}

/* Walk the places of a padded axis, `before` + size + `after` long, that show pixel `at`: from
 * first_place(), on with next_place(), until -1. The pixel's own place comes in its turn. */
int next_place(int i, int at, int before, int size, int after, int mode) {
    int own = before + at;
    if (mode != PAD_REFLECT && mode != PAD_REPLICATE)
        return i < own ? own : -1;
    for (i++; i < before + size + after; i++) {
        if (i == before)
            i = own; /* of the pixels' own places only this one */
        else if (i == own + 1)
            i = before + size;
        if (i < before + size + after && padded_source(i, before, size, mode) == at)
            return i;
    }
    return -1;
}

int first_place(int at, int before, int size, int after, int mode) {
    return next_place(-1, at, before, size, after, mode);
}
