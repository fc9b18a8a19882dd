/* batchnorm_flat.cl: batch normalisation of maps of one pixel, as dense layers have them, and its gradients: for
 * CPU devices, sixteen channels in the lanes.
 *
 * The formulas and arguments of batchnorm.cl with x, y (N, C) and HW = 1. A work-item takes CHANNELS channels,
 * sixteen at a time, and those left over one by one; each sum runs over the images in their order.
 */

#define CHANNELS 64

/* As in batchnorm.cl: whose statistics forward takes. */
#define RUNNING 0

#define STATISTICS                                                                                 \
    global float *running_mean, const ulong running_mean_offset, global float *running_variance,   \
        const ulong running_variance_offset, global float *saved, const ulong saved_offset

#define LOAD_float(at) (*(at))
#define LOAD_float16(at) vload16(0, at)
#define STORE_float(value, at) (*(at) = (value))
#define STORE_float16(value, at) STORE16(global, value, at)

/* The channels from the pointers on, as many as T has lanes. */
#define FLAT(T)                                                                                    \
    /* Mean and inverse of the batch; the running ones move, `saved` keeps them. */                \
    void statistics_##T(T *mean, T *inverse, global const float *x, global float *running_mean,    \
                        global float *running_variance, global float *saved, int N, int C,         \
                        float epsilon, float momentum) {                                           \
        T sum = 0.0f, squares = 0.0f;                                                              \
        for (int n = 0; n < N; n++)                                                                \
            sum += LOAD_##T(x + (size_t)n * C);                                                    \
        *mean = sum / (float)N;                                                                    \
        for (int n = 0; n < N; n++) {                                                              \
            const T v = LOAD_##T(x + (size_t)n * C) - *mean;                                       \
            squares = fma(v, v, squares);                                                          \
        }                                                                                          \
        const T variance = squares / (float)N;                                                     \
        *inverse = 1.0f / sqrt(variance + epsilon);                                                \
        STORE_##T(*mean, saved);                                                                   \
        STORE_##T(*inverse, saved + C);                                                            \
        const T old_mean = LOAD_##T(running_mean), old = LOAD_##T(running_variance);               \
        STORE_##T(momentum * old_mean + (1.0f - momentum) * *mean, running_mean);                  \
        STORE_##T(momentum * old + (1.0f - momentum) * variance, running_variance);                \
    }                                                                                              \
    void forward_##T(global float *y, global const float *x, global const float *gamma,            \
                     global const float *beta, T mean, T inverse, int N, int C) {                  \
        const T factor = LOAD_##T(gamma) * inverse, shift = LOAD_##T(beta);                        \
        for (int n = 0; n < N; n++)                                                                \
            STORE_##T(fma(LOAD_##T(x + (size_t)n * C) - mean, factor, shift), y + (size_t)n * C);  \
    }                                                                                              \
    void backward_weight_##T(global float *dgamma, global float *dbeta, global const float *dy,    \
                             global const float *x, global const float *saved, int N, int C) {     \
        const T mean = LOAD_##T(saved);                                                            \
        T sum = 0.0f, products = 0.0f;                                                             \
        for (int n = 0; n < N; n++) {                                                              \
            const T slope = LOAD_##T(dy + (size_t)n * C);                                          \
            products = fma(slope, LOAD_##T(x + (size_t)n * C) - mean, products);                   \
            sum += slope;                                                                          \
        }                                                                                          \
        STORE_##T(products * LOAD_##T(saved + C), dgamma);                                         \
        STORE_##T(sum, dbeta);                                                                     \
    }                                                                                              \
    void backward_input_##T(global float *dx, global const float *dy, global const float *x,       \
                            global const float *gamma, global const float *saved,                  \
                            global const float *dgamma, global const float *dbeta, int N, int C) { \
        const T mean = LOAD_##T(saved), inverse = LOAD_##T(saved + C);                             \
        const T factor = LOAD_##T(gamma) * inverse, slope = LOAD_##T(dbeta) / (float)N;            \
        const T tilt = LOAD_##T(dgamma) / (float)N * inverse;                                      \
        for (int n = 0; n < N; n++) {                                                              \
            const size_t at = (size_t)n * C;                                                       \
            const T z = LOAD_##T(x + at) - mean;                                                   \
            STORE_##T(factor * fma(z, -tilt, LOAD_##T(dy + at) - slope), dx + at);                 \
        }                                                                                          \
    }

FLAT(float)
FLAT(float16)

/* DO(float16, c) and DO(float, c) for this work-item's channels c. */
#define EACH_CHANNEL(DO)                                                                           \
    int c = get_global_id(0) * CHANNELS;                                                           \
    const int last = min(c + CHANNELS, C);                                                         \
    for (; c + 16 <= last; c += 16)                                                                \
        DO(float16)                                                                                \
    for (; c < last; c++)                                                                          \
        DO(float)

kernel void batchnorm_flat_forward(global float *y, const ulong y_offset, global const float *x,
                                   const ulong x_offset, global const float *gamma,
                                   const ulong gamma_offset, global const float *beta,
                                   const ulong beta_offset, STATISTICS, const int which, const int N,
                                   const int C, const int HW, const float epsilon,
                                   const float momentum) {
    y += y_offset, x += x_offset, gamma += gamma_offset, beta += beta_offset;
    running_mean += running_mean_offset, running_variance += running_variance_offset;
    saved += saved_offset;
#define FORWARD(T)                                                                                 \
    {                                                                                              \
        T mean, inverse;                                                                           \
        if (which == RUNNING) {                                                                    \
            mean = LOAD_##T(running_mean + c);                                                     \
            inverse = 1.0f / sqrt(LOAD_##T(running_variance + c) + epsilon);                       \
        } else                                                                                     \
            statistics_##T(&mean, &inverse, x + c, running_mean + c, running_variance + c,         \
                           saved + c, N, C, epsilon, momentum);                                    \
        forward_##T(y + c, x + c, gamma + c, beta + c, mean, inverse, N, C);                       \
    }
    EACH_CHANNEL(FORWARD)
}

kernel void batchnorm_flat_backward_weight(global float *dgamma, const ulong dgamma_offset,
                                           global float *dbeta, const ulong dbeta_offset,
                                           global const float *dy, const ulong dy_offset,
                                           global const float *x, const ulong x_offset,
                                           global const float *saved, const ulong saved_offset,
                                           const int N, const int C, const int HW) {
    dgamma += dgamma_offset, dbeta += dbeta_offset, dy += dy_offset, x += x_offset;
    saved += saved_offset;
#define BACKWARD_WEIGHT(T) backward_weight_##T(dgamma + c, dbeta + c, dy + c, x + c, saved + c, N, C);
    EACH_CHANNEL(BACKWARD_WEIGHT)
}

kernel void batchnorm_flat_backward_input(global float *dx, const ulong dx_offset,
                                          global const float *dy, const ulong dy_offset,
                                          global const float *x, const ulong x_offset,
                                          global const float *gamma, const ulong gamma_offset,
                                          global const float *saved, const ulong saved_offset,
                                          global const float *dgamma, const ulong dgamma_offset,
                                          global const float *dbeta, const ulong dbeta_offset,
                                          const int N, const int C, const int HW) {
    dx += dx_offset, dy += dy_offset, x += x_offset, gamma += gamma_offset, saved += saved_offset;
    dgamma += dgamma_offset, dbeta += dbeta_offset;
#define BACKWARD_INPUT(T)                                                                          \
    backward_input_##T(dx + c, dy + c, x + c, gamma + c, saved + c, dgamma + c, dbeta + c, N, C);
    EACH_CHANNEL(BACKWARD_INPUT)
}
