/* batchnorm.cl: batch normalisation and its gradients.
 *
 *     y = gamma z + beta,  z = (x - mean) inverse,  inverse = 1 / sqrt(variance + epsilon)
 *
 * x, y (N, C, HW). One group does one channel, its work-items share the pixels of each image's plane.
 * A sum is one of planes, each of which is one of lanes: short sums, so that float32 is enough, in an
 * order that depends on the group's size alone. Same result as ref_batchnorm.c but for rounding.
 */

#ifndef LANES
#define LANES 1 /* 16: a CPU's vectors; 1: the group is the vector */
#endif
#define MAX_ITEMS 64 /* of a group */

/* Where work-item's share of a plane begins, one by one, behind the whole vectors. */
#if LANES == 16
#define TAIL(HW) ((HW) / 16 * 16 + (int)get_local_id(0))
#else
#define TAIL(HW) ((int)get_local_id(0))
#endif
#define EACH_VECTOR(p, HW)                                                                         \
    for (int p = get_local_id(0) * 16; p + 16 <= HW; p += get_local_size(0) * 16)
#define EACH_PIXEL(p, HW) for (int p = TAIL(HW); p < HW; p += get_local_size(0))

float lanes_sum(float16 v) {
    const float8 a = v.lo + v.hi;
    const float4 b = a.lo + a.hi;
    return (b.x + b.z) + (b.y + b.w);
}

/* The work-items' values, added up for all of them. */
float group_sum(local float *values, float own) {
    barrier(CLK_LOCAL_MEM_FENCE);
    values[get_local_id(0)] = own;
    barrier(CLK_LOCAL_MEM_FENCE);
    float sum = 0.0f;
    for (int i = 0; i < (int)get_local_size(0); i++)
        sum += values[i];
    return sum;
}

/* A work-item's share of a plane's sum of x - mean, or of its square. */
float plane_sum(global const float *x, int HW, float mean, int squares) {
    float sum = 0.0f;
#if LANES == 16
    float16 lanes = 0.0f;
    EACH_VECTOR(p, HW) {
        const float16 v = vload16(0, x + p) - mean;
        lanes = squares ? fma(v, v, lanes) : lanes + v;
    }
    sum = lanes_sum(lanes);
#endif
    EACH_PIXEL(p, HW) {
        const float v = x[p] - mean;
        sum = squares ? fma(v, v, sum) : sum + v;
    }
    return sum;
}

/* The same of dy, or of dy (x - mean). */
float plane_product(global const float *dy, global const float *x, int HW, float mean,
                    int products) {
    float sum = 0.0f;
#if LANES == 16
    float16 lanes = 0.0f;
    EACH_VECTOR(p, HW) {
        const float16 v = vload16(0, dy + p);
        lanes = products ? fma(v, vload16(0, x + p) - mean, lanes) : lanes + v;
    }
    sum = lanes_sum(lanes);
#endif
    EACH_PIXEL(p, HW) sum = products ? fma(dy[p], x[p] - mean, sum) : sum + dy[p];
    return sum;
}

/* With the running statistics, or, when training, with the batch's, which move the running ones and
 * become `saved`: C means and C inverses. */
kernel void batchnorm_forward(global float *y, const ulong y_offset, global const float *x,
                              const ulong x_offset, global const float *gamma,
                              const ulong gamma_offset, global const float *beta,
                              const ulong beta_offset, global float *running_mean,
                              const ulong running_mean_offset, global float *running_variance,
                              const ulong running_variance_offset, global float *saved,
                              const ulong saved_offset, const int training, const int N,
                              const int C, const int HW, const float epsilon,
                              const float momentum) {
    local float values[MAX_ITEMS];
    const int c = get_group_id(0);
    const size_t image = (size_t)C * HW, first = (size_t)c * HW;
    const float m = (float)N * (float)HW;
    x += x_offset + first;
    y += y_offset + first;
    running_mean += running_mean_offset + c;
    running_variance += running_variance_offset + c;
    float mean, variance;
    if (training) {
        float sum = 0.0f, squares = 0.0f;
        for (int n = 0; n < N; n++)
            sum += plane_sum(x + n * image, HW, 0.0f, 0);
        mean = group_sum(values, sum) / m;
        for (int n = 0; n < N; n++)
            squares += plane_sum(x + n * image, HW, mean, 1);
        variance = group_sum(values, squares) / m;
    } else {
        mean = *running_mean;
        variance = *running_variance;
    }
    const float inverse = 1.0f / sqrt(variance + epsilon);
    if (training && get_local_id(0) == 0) {
        saved[saved_offset + c] = mean;
        saved[saved_offset + C + c] = inverse;
        *running_mean = momentum * *running_mean + (1.0f - momentum) * mean;
        *running_variance = momentum * *running_variance + (1.0f - momentum) * variance;
    }
    const float factor = gamma[gamma_offset + c] * inverse, shift = beta[beta_offset + c];
    for (int n = 0; n < N; n++) {
        global const float *in = x + n * image;
        global float *out = y + n * image;
#if LANES == 16
        EACH_VECTOR(p, HW)
        vstore16(fma(vload16(0, in + p) - mean, (float16)factor, (float16)shift), 0, out + p);
#endif
        EACH_PIXEL(p, HW) out[p] = fma(in[p] - mean, factor, shift);
    }
}

/* dgamma = sum of dy z,  dbeta = sum of dy */
kernel void batchnorm_backward_weight(global float *dgamma, const ulong dgamma_offset,
                                      global float *dbeta, const ulong dbeta_offset,
                                      global const float *dy, const ulong dy_offset,
                                      global const float *x, const ulong x_offset,
                                      global const float *saved, const ulong saved_offset,
                                      const int N, const int C, const int HW) {
    local float values[MAX_ITEMS];
    const int c = get_group_id(0);
    const size_t image = (size_t)C * HW, first = (size_t)c * HW;
    const float mean = saved[saved_offset + c], inverse = saved[saved_offset + C + c];
    x += x_offset + first;
    dy += dy_offset + first;
    float sum = 0.0f, products = 0.0f;
    for (int n = 0; n < N; n++) {
        sum += plane_product(dy + n * image, x + n * image, HW, mean, 0);
        products += plane_product(dy + n * image, x + n * image, HW, mean, 1);
    }
    sum = group_sum(values, sum);
    products = group_sum(values, products);
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
    for (int n = 0; n < N; n++) {
        global const float *in = x + n * image, *slopes = dy + n * image;
        global float *out = dx + n * image;
#if LANES == 16
        EACH_VECTOR(p, HW) {
            const float16 z = vload16(0, in + p) - mean;
            vstore16(factor * fma(z, (float16)-tilt, vload16(0, slopes + p) - slope), 0, out + p);
        }
#endif
        EACH_PIXEL(p, HW) out[p] = factor * fma(in[p] - mean, -tilt, slopes[p] - slope);
    }
}
