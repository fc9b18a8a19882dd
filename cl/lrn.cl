/* lrn.cl: local response normalisation and its gradient.
 *
 *     y[i] = x[i] s[i]^-beta,  s[i] = k + a sum over j in the window of i of x[j]^2
 *
 * x, y (N, C, H, W). Work-items are one-dimensional, those past the end do nothing. Same result as
 * ref_lrn.c but for rounding.
 *
 * Across channels a work-item takes neighbouring pixels of an image through all channels: one on a GPU;
 * on a CPU some vectors of sixteen, so that what it reads of a channel is a run of memory, of which each
 * value is fetched once and its square waits in a ring for the windows that hold it. Within channels
 * it takes one element.
 */

#ifndef PIXELS
#define PIXELS 1 /* of a work-item across channels: 1, or whole vectors on a CPU */
#endif

#ifndef SIZE
#define SIZE 5 /* of a window */
#endif
#define BACK (SIZE / 2) /* places of a window before its own, */
#define FRONT ((SIZE - 1) / 2) /* and behind it */

/* s^-beta. The paper's 3/4 without a logarithm, to 1.7 ulp: a first guess good to 5 % from the bits of s,
 * then twice y (1 - d)^-1/4 with d = 1 - s^3 y^4, by its series. Square roots and a division of vectors
 * take four times as long. */
#define POWER(T, I)                                                                                \
    T power_##T(T s, float beta) {                                                                 \
        if (beta != 0.75f)                                                                         \
            return pow(s, (T)-beta);                                                               \
        T y = as_##T(0x6f14e440 - (as_##I(s) >> 2) * 3);                                           \
        for (int i = 0; i < 2; i++) {                                                              \
            const T root = s * y; /* s^1/4 */                                                      \
            const T d = fma(-(root * root * root), y, (T)1.0f);                                    \
            y = fma(y * d, fma((T)(5.0f / 32), d, (T)0.25f), y);                                   \
        }                                                                                          \
        y = select(y, (T)0.0f, s > FLT_MAX);                                                       \
        return select(y, (T)INFINITY, s < FLT_MIN);                                                \
    }

POWER(float, int)
POWER(float16, int16)

/* ---- across channels, a pixel ---------------------------------------------------------------- */

/* s of channel c. */
float across_scale(global const float *x, int c, int C, int HW, float a, float k) {
    const int last = min(c + FRONT, C - 1);
    float sum = 0.0f;
    for (int j = max(c - BACK, 0); j <= last; j++) {
        const float v = x[(size_t)j * HW];
        sum = fma(v, v, sum);
    }
    return fma(a, sum, k);
}

void across_forward(global float *y, global const float *x, int C, int HW, float a,
                    float beta, float k) {
    for (int c = 0; c < C; c++)
        y[(size_t)c * HW] =
            x[(size_t)c * HW] * power_float(across_scale(x, c, C, HW, a, k), beta);
}

void across_backward_input(global float *dx, global const float *dy, global const float *x, int C,
                           int HW, float a, float beta, float k) {
    float shares[SIZE]; /* dy x s^(-beta-1) of the channels whose windows hold c, in registers */
#pragma unroll
    for (int i = 0; i < SIZE; i++)
        shares[i] = 0.0f;
    for (int j = 0; j < C + BACK; j++) {
#pragma unroll
        for (int i = 0; i < SIZE - 1; i++)
            shares[i] = shares[i + 1];
        shares[SIZE - 1] = 0.0f;
        if (j < C) {
            const float s = across_scale(x, j, C, HW, a, k);
            const float slope = dy[(size_t)j * HW] * power_float(s, beta);
            shares[SIZE - 1] = slope * x[(size_t)j * HW] / s;
            dx[(size_t)j * HW] = slope;
        }
        const int c = j - BACK;
        if (c < 0)
            continue;
        float sum = 0.0f;
#pragma unroll
        for (int i = 0; i < SIZE; i++)
            sum += shares[i];
        const float factor = -2.0f * a * beta * x[(size_t)c * HW];
        dx[(size_t)c * HW] = fma(factor, sum, dx[(size_t)c * HW]);
    }
}

/* ---- across channels, some vectors of pixels ------------------------------------------------- */

#if PIXELS > 1
#define VECTORS (PIXELS / 16)

/* Rings have a power of two places, SIZE at least, which is 64 at most: channel c is at c & MASK. */
#define PLACES                                                                                     \
    (SIZE <= 4 ? 4 : SIZE <= 8 ? 8 : SIZE <= 16 ? 16 : SIZE <= 32 ? 32 : 64)
#define MASK (PLACES - 1)

/* The sum over a window whose first channel is `first`. A ring has zeros where there is no channel. */
float16 ring_sum(const float16 *ring, int first, int v) {
    float16 sum = 0.0f;
#pragma unroll
    for (int i = 0; i < SIZE; i++)
        sum += ring[(first + i & MASK) * VECTORS + v];
    return sum;
}

void clear(float16 *values, int count) {
    for (int i = 0; i < count; i++)
        values[i] = 0.0f;
}

/* Memory is asked for the channel after the next, since runs this short do not make it come by itself. */
void keep_squares(float16 *squares, global const float *x, int vectors, int HW) {
    for (int v = 0; v < vectors; v++) {
        PREFETCH(x + 2 * HW + 16 * v);
        const float16 value = vload16(v, x);
        squares[v] = value * value;
    }
}

void across_forward_vectors(global float *y, global const float *x, int vectors, int C, int HW,
                            float a, float beta, float k) {
    float16 squares[PLACES * VECTORS];
    clear(squares, PLACES * VECTORS);
    for (int j = 0; j < C + FRONT; j++) {
        float16 *in = squares + (j & MASK) * VECTORS;
        if (j < C)
            keep_squares(in, x + (size_t)j * HW, vectors, HW);
        else
            clear(in, vectors);
        const int c = j - FRONT;
        for (int v = 0; v < vectors && c >= 0; v++) {
            const float16 s = fma((float16)a, ring_sum(squares, c - BACK, v), (float16)k);
            STORE16(global, vload16(v, x + (size_t)c * HW) * power_float16(s, beta),
                    y + (size_t)c * HW + 16 * v);
        }
    }
}

/* Channel j's squares come in; channel c, FRONT behind it, then has its s, and gives its share to the
 * windows that hold it; channel e, further behind, then has all shares. */
void across_backward_input_vectors(global float *dx, global const float *dy, global const float *x,
                                   int vectors, int C, int HW, float a, float beta, float k) {
    float16 squares[PLACES * VECTORS], shares[PLACES * VECTORS];
    clear(squares, PLACES * VECTORS);
    clear(shares, PLACES * VECTORS);
    for (int j = 0; j < C + FRONT + BACK; j++) {
        const int c = j - FRONT, e = c - BACK;
        if (j < C)
            keep_squares(squares + (j & MASK) * VECTORS, x + (size_t)j * HW, vectors, HW);
        else
            clear(squares + (j & MASK) * VECTORS, vectors);
        if (c >= C)
            clear(shares + (c & MASK) * VECTORS, vectors);
        for (int v = 0; v < vectors && c >= 0 && c < C; v++) {
            const float16 s = fma((float16)a, ring_sum(squares, c - BACK, v), (float16)k);
            PREFETCH(dy + (size_t)(c + 2) * HW + 16 * v);
            const float16 slope = vload16(v, dy + (size_t)c * HW) * power_float16(s, beta);
            shares[(c & MASK) * VECTORS + v] = slope * vload16(v, x + (size_t)c * HW) / s;
            STORE16(global, slope, dx + (size_t)c * HW + 16 * v);
        }
        for (int v = 0; v < vectors && e >= 0; v++) {
            const float16 factor = -2.0f * a * beta * vload16(v, x + (size_t)e * HW);
            global float *to = dx + (size_t)e * HW + 16 * v;
            STORE16(global, fma(factor, ring_sum(shares, e - FRONT, v), vload16(0, to)), to);
        }
    }
}
#endif

/* ---- across channels ------------------------------------------------------------------------- */

/* items = N times the strips of PIXELS pixels of an image. */
kernel void lrn_across_forward(global float *y, const ulong y_offset, global const float *x,
                               const ulong x_offset, const int items, const int C, const int HW,
                               const float a, const float beta, const float k) {
    const int i = get_global_id(0), strips = (HW + PIXELS - 1) / PIXELS;
    if (i >= items)
        return;
    const int first = i % strips * PIXELS, pixels = min(PIXELS, HW - first);
    y += y_offset + (size_t)(i / strips) * C * HW + first;
    x += x_offset + (size_t)(i / strips) * C * HW + first;
    int pixel = 0;
#if PIXELS > 1
    across_forward_vectors(y, x, pixels / 16, C, HW, a, beta, k);
    pixel = pixels / 16 * 16;
#endif
    for (; pixel < pixels; pixel++)
        across_forward(y + pixel, x + pixel, C, HW, a, beta, k);
}

kernel void lrn_across_backward_input(global float *dx, const ulong dx_offset,
                                      global const float *dy, const ulong dy_offset,
                                      global const float *x, const ulong x_offset, const int items,
                                      const int C, const int HW, const float a,
                                      const float beta, const float k) {
    const int i = get_global_id(0), strips = (HW + PIXELS - 1) / PIXELS;
    if (i >= items)
        return;
    const int first = i % strips * PIXELS, pixels = min(PIXELS, HW - first);
    dx += dx_offset + (size_t)(i / strips) * C * HW + first;
    dy += dy_offset + (size_t)(i / strips) * C * HW + first;
    x += x_offset + (size_t)(i / strips) * C * HW + first;
    int pixel = 0;
#if PIXELS > 1
    across_backward_input_vectors(dx, dy, x, pixels / 16, C, HW, a, beta, k);
    pixel = pixels / 16 * 16;
#endif
    for (; pixel < pixels; pixel++)
        across_backward_input(dx + pixel, dy + pixel, x + pixel, C, HW, a, beta, k);
}

/* ---- within channels -------------------------------------------------------------------------- */

/* s of pixel (h, w) of one channel's plane. */
float within_scale(global const float *x, int h, int w, int H, int W, float a, float k) {
    const int last_h = min(h + FRONT, H - 1), last_w = min(w + FRONT, W - 1);
    float sum = 0.0f;
    for (int i = max(h - BACK, 0); i <= last_h; i++)
        for (int j = max(w - BACK, 0); j <= last_w; j++)
            sum = fma(x[i * W + j], x[i * W + j], sum);
    return fma(a, sum, k);
}

/* What an element's neighbours' gradients take from it: dy x s^(-beta-1). */
float within_share(global const float *dy, global const float *x, int h, int w, int H, int W,
                   float a, float beta, float k) {
    const float s = within_scale(x, h, w, H, W, a, k);
    return dy[h * W + w] * power_float(s, beta) * x[h * W + w] / s;
}

/* count = N C H W */
kernel void lrn_within_forward(global float *y, const ulong y_offset, global const float *x,
                               const ulong x_offset, const int count, const int H, const int W,
                               const float a, const float beta, const float k) {
    const int i = get_global_id(0);
    if (i >= count)
        return;
    const int pixel = i % (H * W);
    global const float *plane = x + x_offset + (i - pixel);
    const float s = within_scale(plane, pixel / W, pixel % W, H, W, a, k);
    y[y_offset + i] = plane[pixel] * power_float(s, beta);
}

kernel void lrn_within_shares(global float *shares, const ulong shares_offset,
                              global const float *dy, const ulong dy_offset, global const float *x,
                              const ulong x_offset, const int count, const int H, const int W,
                              const float a, const float beta, const float k) {
    const int i = get_global_id(0);
    if (i >= count)
        return;
    const int pixel = i % (H * W);
    shares[shares_offset + i] =
        within_share(dy + dy_offset + (i - pixel), x + x_offset + (i - pixel), pixel / W, pixel % W,
                     H, W, a, beta, k);
}

/* The shares are read when there are some, else computed again for each element that wants them. */
kernel void lrn_within_backward_input(global float *dx, const ulong dx_offset,
                                      global const float *dy, const ulong dy_offset,
                                      global const float *x, const ulong x_offset,
                                      global const float *shares, const ulong shares_offset,
                                      const int has_shares, const int count, const int H,
                                      const int W, const float a, const float beta,
                                      const float k) {
    const int i = get_global_id(0);
    if (i >= count)
        return;
    const int pixel = i % (H * W), h = pixel / W, w = pixel % W;
    dy += dy_offset + (i - pixel);
    x += x_offset + (i - pixel);
    shares += shares_offset + (i - pixel);
    const int last_h = min(h + BACK, H - 1), last_w = min(w + BACK, W - 1);
    float sum = 0.0f;
    for (int j = max(h - FRONT, 0); j <= last_h; j++)
        for (int l = max(w - FRONT, 0); l <= last_w; l++)
            sum += has_shares ? shares[j * W + l]
                              : within_share(dy, x, j, l, H, W, a, beta, k);
    const float own = dy[pixel] * power_float(within_scale(x, h, w, H, W, a, k), beta);
    dx[dx_offset + i] = fma(-2.0f * a * beta * x[pixel], sum, own);
}
