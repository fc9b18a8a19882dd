/* batchnorm.cl: batch normalisation and its gradients.
 *
 *     y = gamma z + beta,  z = (x - mean) inverse,  inverse = 1 / sqrt(variance + epsilon)
 *
 * x, y (N, C, HW). On a CPU a group is one work-item, which takes a channel, by vectors along each image's
 * plane. On a GPU a group of any size adds up a channel in LANES partial sums, and what has no sums takes several
 * groups a channel. Short sums, so that float32 is enough, in an order that depends on the shape alone.
 * Same result as ref_batchnorm.c but for rounding.
 */

#ifndef VECTORS
#define VECTORS 0 /* 1 on a CPU */
#endif

#if VECTORS

#define LANES 1
#define EACH_VECTOR(p, HW) for (int p = 0; p + 16 <= HW; p += 16)
#define EACH_PIXEL(p, HW) for (int p = (HW) / 16 * 16; p < HW; p++)

/* The channel's sum of x - mean, or of its square. */
float channel_sum(local float *values, global const float *x, int N, size_t image, int HW,
                  float mean, int squares) {
    float sum = 0.0f;
    for (int n = 0; n < N; n++, x += image) {
        float16 lanes = 0.0f;
        EACH_VECTOR(p, HW) {
            const float16 v = vload16(0, x + p) - mean;
            lanes = squares ? fma(v, v, lanes) : lanes + v;
        }
        float rest = lanes_sum(lanes);
        EACH_PIXEL(p, HW) {
            const float v = x[p] - mean;
            rest = squares ? fma(v, v, rest) : rest + v;
        }
        sum += rest;
    }
    return sum;
}

/* The same of dy, or of dy (x - mean). */
float channel_product(local float *values, global const float *dy, global const float *x, int N,
                      size_t image, int HW, float mean, int products) {
    float sum = 0.0f;
    for (int n = 0; n < N; n++, dy += image, x += image) {
        float16 lanes = 0.0f;
        EACH_VECTOR(p, HW) {
            const float16 v = vload16(0, dy + p);
            lanes = products ? fma(v, vload16(0, x + p) - mean, lanes) : lanes + v;
        }
        float rest = lanes_sum(lanes);
        EACH_PIXEL(p, HW) rest = products ? fma(dy[p], x[p] - mean, rest) : rest + dy[p];
        sum += rest;
    }
    return sum;
}

#else

#define LANES 1024 /* partial sums of a channel */

/* A work-item's pixels of a channel whose groups lie along the second dimension. */
#define EACH_OWN(n, p, N, HW)                                                                      \
    EACH_OF_LANE(n, p, (int)get_global_id(1) * (int)get_local_size(0) + (int)get_local_id(0),      \
                 (int)(get_local_size(0) * get_global_size(1)), N, HW)

/* The same for all work-items of a group. */
float channel_sum(local float *values, global const float *x, int N, size_t image, int HW,
                  float mean, int squares) {
    for (int lane = get_local_id(0); lane < LANES; lane += get_local_size(0)) {
        float sum = 0.0f;
        EACH_OF_LANE(n, p, lane, LANES, N, HW) {
            const float v = x[n * image + p] - mean;
            sum = squares ? fma(v, v, sum) : sum + v;
        }
        values[lane] = sum;
    }
    return local_sum(values, LANES);
}

float channel_product(local float *values, global const float *dy, global const float *x, int N,
                      size_t image, int HW, float mean, int products) {
    for (int lane = get_local_id(0); lane < LANES; lane += get_local_size(0)) {
        float sum = 0.0f;
        EACH_OF_LANE(n, p, lane, LANES, N, HW) {
            const float slope = dy[n * image + p];
            sum = products ? fma(slope, x[n * image + p] - mean, sum) : sum + slope;
        }
        values[lane] = sum;
    }
    return local_sum(values, LANES);
}

#endif

/* The mean and the inverse of channel c of the batch. It and the variance also move the running ones, and
 * both become `saved`: C means and C inverses. */
float2 statistics(local float *values, global const float *x, global float *running_mean,
                  global float *running_variance, global float *saved, int c, int N, int C, int HW,
                  float epsilon, float momentum) {
    const size_t image = (size_t)C * HW;
    const float m = (float)N * (float)HW;
    const float mean = channel_sum(values, x, N, image, HW, 0.0f, 0) / m;
    const float variance = channel_sum(values, x, N, image, HW, mean, 1) / m;
    const float inverse = 1.0f / sqrt(variance + epsilon);
    if (get_local_id(0) == 0) {
        saved[c] = mean;
        saved[C + c] = inverse;
        running_mean[c] = momentum * running_mean[c] + (1.0f - momentum) * mean;
        running_variance[c] = momentum * running_variance[c] + (1.0f - momentum) * variance;
    }
    return (float2)(mean, inverse);
}

#define STATISTICS                                                                                 \
    global float *running_mean, const ulong running_mean_offset, global float *running_variance,   \
        const ulong running_variance_offset, global float *saved, const ulong saved_offset

/* One group a channel; batchnorm_forward follows. */
kernel void batchnorm_statistics(global const float *x, const ulong x_offset, STATISTICS,
                                 const int N, const int C, const int HW, const float epsilon,
                                 const float momentum) {
    local float values[LANES];
    const int c = get_group_id(0);
    statistics(values, x + x_offset + (size_t)c * HW, running_mean + running_mean_offset,
               running_variance + running_variance_offset, saved + saved_offset, c, N, C, HW,
               epsilon, momentum);
}

/* With the running statistics, or, when training, with the batch's: its own, one group a channel, or those that
 * are in `saved`. */
#define RUNNING 0
#define OWN 1
#define SAVED 2

kernel void batchnorm_forward(global float *y, const ulong y_offset, global const float *x,
                              const ulong x_offset, global const float *gamma,
                              const ulong gamma_offset, global const float *beta,
                              const ulong beta_offset, STATISTICS, const int which, const int N,
                              const int C, const int HW, const float epsilon,
                              const float momentum) {
    const int c = get_group_id(0);
    const size_t image = (size_t)C * HW, first = (size_t)c * HW;
    x += x_offset + first;
    y += y_offset + first;
    running_mean += running_mean_offset;
    running_variance += running_variance_offset;
    saved += saved_offset;
    float2 its = 0.0f; /* mean and inverse */
    if (which == RUNNING)
        its = (float2)(running_mean[c], 1.0f / sqrt(running_variance[c] + epsilon));
    else if (which == SAVED)
        its = (float2)(saved[c], saved[C + c]);
#if VECTORS
    local float values[LANES];
    if (which == OWN)
        its = statistics(values, x, running_mean, running_variance, saved, c, N, C, HW, epsilon,
                         momentum);
#endif
    const float mean = its.x, inverse = its.y;
    const float factor = gamma[gamma_offset + c] * inverse, shift = beta[beta_offset + c];
#if VECTORS
    for (int n = 0; n < N; n++) {
        global const float *in = x + n * image;
        global float *out = y + n * image;
        EACH_VECTOR(p, HW)
            vstore16(fma(vload16(0, in + p) - mean, (float16)factor, (float16)shift), 0, out + p);
        EACH_PIXEL(p, HW) out[p] = fma(in[p] - mean, factor, shift);
    }
#else
    EACH_OWN(n, p, N, HW) y[n * image + p] = fma(x[n * image + p] - mean, factor, shift);
#endif
}

/* dgamma = sum of dy z,  dbeta = sum of dy. One group a channel. */
kernel void batchnorm_backward_weight(global float *dgamma, const ulong dgamma_offset,
                                      global float *dbeta, const ulong dbeta_offset,
                                      global const float *dy, const ulong dy_offset,
                                      global const float *x, const ulong x_offset,
                                      global const float *saved, const ulong saved_offset,
                                      const int N, const int C, const int HW) {
    local float values[LANES];
    const int c = get_group_id(0);
    const size_t image = (size_t)C * HW, first = (size_t)c * HW;
    const float mean = saved[saved_offset + c], inverse = saved[saved_offset + C + c];
    x += x_offset + first;
    dy += dy_offset + first;
    const float sum = channel_product(values, dy, x, N, image, HW, mean, 0);
    const float products = channel_product(values, dy, x, N, image, HW, mean, 1);
    if (get_local_id(0) == 0) {
        dgamma[dgamma_offset + c] = products * inverse;
        dbeta[dbeta_offset + c] = sum;
    }
}

/* dx = gamma inverse (dy - (dbeta + z dgamma) / m); dx may be dy */
kernel void batchnorm_backward_input(global float *dx, const ulong dx_offset,
                                     global const float *dy, const ulong dy_offset,
                                     global const float *x, const ulong x_offset,
                                     global const float *gamma, const ulong gamma_offset,
                                     global const float *saved, const ulong saved_offset,
                                     global const float *dgamma, const ulong dgamma_offset,
                                     global const float *dbeta, const ulong dbeta_offset,
                                     const int N, const int C, const int HW) {
    const int c = get_group_id(0);
    const size_t image = (size_t)C * HW, first = (size_t)c * HW;
    const float m = (float)N * (float)HW;
    const float mean = saved[saved_offset + c], inverse = saved[saved_offset + C + c];
    const float factor = gamma[gamma_offset + c] * inverse;
    const float slope = dbeta[dbeta_offset + c] / m; /* the mean of dy, */
    const float tilt = dgamma[dgamma_offset + c] / m * inverse; /* and of dy z, times inverse */
    dx += dx_offset + first;
    dy += dy_offset + first;
    x += x_offset + first;
#if VECTORS
    for (int n = 0; n < N; n++) {
        global const float *in = x + n * image, *slopes = dy + n * image;
        global float *out = dx + n * image;
        EACH_VECTOR(p, HW) {
            const float16 z = vload16(0, in + p) - mean;
            vstore16(factor * fma(z, (float16)-tilt, vload16(0, slopes + p) - slope), 0, out + p);
        }
        EACH_PIXEL(p, HW) out[p] = factor * fma(in[p] - mean, -tilt, slopes[p] - slope);
    }
#else
    EACH_OWN(n, p, N, HW) {
        const size_t at = n * image + p;
        dx[at] = factor * fma(x[at] - mean, -tilt, dy[at] - slope);
    }
#endif
}
