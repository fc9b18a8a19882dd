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

/* e^x and e^x - 1, good to 1.5 ulp: x = n ln 2 + r with |r| <= ln(2) / 2, e^r by a polynomial that was
 * fitted at Chebyshev's points. Our own rather than the built-in functions, so that every device gives
 * the same bits and that a compiler can vectorise a loop over them. Results below 2^-126 are 0, those of
 * x above 88.37 infinite. */
float exp_polynomial(float x, float *scale) {
    const float n = rint(x * 1.44269504f);
    const float r = fma(n, 2.12194440e-4f, fma(n, -0.693359375f, x)); /* ln 2 in two parts */
    float p = fma(1.393373322e-3f, r, 8.363235385e-3f);
    p = fma(p, r, 4.166646417e-2f);
    p = fma(p, r, 1.666657664e-1f);
    p = fma(p, r, 0.5f);
    *scale = as_float(((int)n + 127) << 23); /* 2^n */
    return fma(r * r, p, r);                 /* e^r - 1 */
}

float own_exp(float x) {
    float scale;
    const float p = exp_polynomial(clamp(x, -87.3f, 88.37f), &scale);
    const float result = x < -87.3f ? 0.0f : fma(scale, p, scale);
    return x > 88.37f ? INFINITY : x != x ? x : result;
}

float own_expm1(float x) {
    float scale;
    const float p = exp_polynomial(clamp(x, -87.3f, 88.37f), &scale);
    const float result = fma(scale, p, scale - 1.0f);
    return x > 88.37f ? INFINITY : x != x ? x : result;
}

/* tanh x, good to 2.5 ulp: a polynomial in x^2 near 0, else 1 - 2 / (e^2x + 1). */
float own_tanh(float x) {
    const float a = fabs(x), z = a * a;
    float p = fma(2.270029900e-3f, z, -8.323456787e-3f);
    p = fma(p, z, 2.176245375e-2f);
    p = fma(p, z, -5.395841725e-2f);
    p = fma(p, z, 1.333329948e-1f);
    p = fma(p, z, -3.333333313e-1f);
    const float near = fma(p * z, a, a), far = 1.0f - 2.0f / (own_exp(2.0f * a) + 1.0f);
    return copysign(a < 0.625f ? near : far, x);
}

/* f(x): the formulas of ops.h. */
float activate(int kind, float alpha, float x) {
    switch (kind) {
    case RELU:
        return x < 0 ? 0.0f : x; /* NaN stays */
    case LEAKY_RELU:
        return x > 0 ? x : alpha * x;
    case TANH:
        return own_tanh(x);
    case SCALED_TANH:
        return 1.7159f * own_tanh(x * (2.0f / 3.0f));
    case SIGMOID:
        return 1.0f / (1.0f + own_exp(-x));
    case ELU:
        return x > 0 ? x : alpha * own_expm1(x);
    case SOFTPLUS:
        return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
    }
    return x;
}

/* activate() for `count` private values. One loop a kind, without branches inside, so that a compiler can
 * vectorise it. */
void activate_all(int kind, float alpha, float *x, int count) {
#define LOOP(KIND)                                                                                 \
    case KIND:                                                                                     \
        for (int i = 0; i < count; i++)                                                            \
            x[i] = activate(KIND, alpha, x[i]);                                                    \
        break;
    switch (kind) {
        LOOP(RELU)
        LOOP(LEAKY_RELU)
        LOOP(TANH)
        LOOP(SCALED_TANH)
        LOOP(SIGMOID)
        LOOP(ELU)
        LOOP(SOFTPLUS)
    }
#undef LOOP
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
        return -own_expm1(-y);
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
