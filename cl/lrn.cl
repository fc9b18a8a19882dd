/* lrn.cl: local response normalisation and its gradient.
 *
 *     y[i] = x[i] s[i]^-beta,  s[i] = k + a sum over j in the window of i of x[j]^2
 *
 * x, y (N, C, H, W). Work-items are one-dimensional, those past the end do nothing. Same result as
 * ref_lrn.c but for rounding.
 *
 * Across channels a work-item takes LANES neighbouring pixels of an image through all channels; the
 * functions are written once for one pixel (T = float) and for sixteen at a time. Within channels it
 * takes one element.
 */

#ifndef LANES
#define LANES 1 /* 16: a CPU's vectors; 1: a group of work-items is the vector */
#endif

#define MAX_SIZE 64 /* of a window, as in ops/lrn.c */

float load_float(global const float *p) { return *p; }
float16 load_float16(global const float *p) { return vload16(0, p); }
void store_float(float v, global float *p) { *p = v; }
void store_float16(float16 v, global float *p) { vstore16(v, 0, p); }

/* power: s^-beta. The paper's 3/4 without a logarithm.
 * across_scale: s of channel c. across_forward, across_backward_input: all channels of the pixels that
 * begin at x. */
#define ACROSS(T)                                                                                  \
    T power_##T(T s, float beta) {                                                                 \
        if (beta == 0.75f) {                                                                       \
            const T root = sqrt(s);                                                                \
            return 1.0f / (root * sqrt(root));                                                     \
        }                                                                                          \
        return pow(s, (T)-beta);                                                                   \
    }                                                                                              \
    T across_scale_##T(global const float *x, int c, int C, int HW, int size, float a, float k) {  \
        const int last = min(c + (size - 1) / 2, C - 1);                                           \
        T sum = 0.0f;                                                                              \
        for (int j = max(c - size / 2, 0); j <= last; j++) {                                       \
            const T v = load_##T(x + (size_t)j * HW);                                              \
            sum = fma(v, v, sum);                                                                  \
        }                                                                                          \
        return fma((T)a, sum, (T)k);                                                               \
    }                                                                                              \
    void across_forward_##T(global float *y, global const float *x, int C, int HW, int size,       \
                            float a, float beta, float k) {                                        \
        for (int c = 0; c < C; c++) {                                                              \
            const T s = across_scale_##T(x, c, C, HW, size, a, k);                                 \
            store_##T(load_##T(x + (size_t)c * HW) * power_##T(s, beta), y + (size_t)c * HW);      \
        }                                                                                          \
    }                                                                                              \
    void across_backward_input_##T(global float *dx, global const float *dy,                       \
                                   global const float *x, int C, int HW, int size, float a,        \
                                   float beta, float k) {                                          \
        const int ahead = size / 2, behind = (size - 1) / 2;                                       \
        T ring[MAX_SIZE]; /* dy x s^(-beta-1) of the channels whose windows may hold c */          \
        for (int j = 0; j < C + ahead; j++) {                                                      \
            if (j < C) {                                                                           \
                const T s = across_scale_##T(x, j, C, HW, size, a, k), p = power_##T(s, beta);     \
                const T slope = load_##T(dy + (size_t)j * HW) * p;                                 \
                ring[j % size] = slope * load_##T(x + (size_t)j * HW) / s;                         \
                store_##T(slope, dx + (size_t)j * HW);                                             \
            }                                                                                      \
            const int c = j - ahead;                                                               \
            if (c < 0)                                                                             \
                continue;                                                                          \
            const int last = min(j, C - 1);                                                        \
            T sum = 0.0f;                                                                          \
            for (int i = max(c - behind, 0); i <= last; i++)                                       \
                sum += ring[i % size];                                                             \
            const T factor = -2.0f * a * beta * load_##T(x + (size_t)c * HW);                      \
            store_##T(fma(factor, sum, load_##T(dx + (size_t)c * HW)), dx + (size_t)c * HW);       \
        }                                                                                          \
    }

ACROSS(float)
#if LANES == 16
ACROSS(float16)
#endif

/* Run a function for work-item i's pixels: whole vectors where there are as many, else one by one. */
#if LANES == 16
#define EACH_PIXEL(i, call)                                                                        \
    const int strips = (HW + 15) / 16, n = i / strips, first = i % strips * 16;                    \
    const size_t at = (size_t)n * C * HW + first;                                                  \
    if (first + 16 <= HW)                                                                          \
        call(float16, at);                                                                         \
    else                                                                                           \
        for (int p = 0; p < HW - first; p++)                                                       \
            call(float, at + p);
#else
#define EACH_PIXEL(i, call)                                                                        \
    const size_t at = (size_t)(i / HW) * C * HW + i % HW;                                          \
    call(float, at);
#endif

/* items = N times the strips of LANES pixels of an image */
kernel void lrn_across_forward(global float *y, const ulong y_offset, global const float *x,
                               const ulong x_offset, const int items, const int C, const int HW,
                               const int size, const float a, const float beta, const float k) {
    const int i = get_global_id(0);
    if (i >= items)
        return;
    y += y_offset;
    x += x_offset;
#define CALL(T, at) across_forward_##T(y + (at), x + (at), C, HW, size, a, beta, k)
    EACH_PIXEL(i, CALL)
#undef CALL
}

kernel void lrn_across_backward_input(global float *dx, const ulong dx_offset,
                                      global const float *dy, const ulong dy_offset,
                                      global const float *x, const ulong x_offset, const int items,
                                      const int C, const int HW, const int size, const float a,
                                      const float beta, const float k) {
    const int i = get_global_id(0);
    if (i >= items)
        return;
    dx += dx_offset;
    dy += dy_offset;
    x += x_offset;
#define CALL(T, at) across_backward_input_##T(dx + (at), dy + (at), x + (at), C, HW, size, a, beta, k)
    EACH_PIXEL(i, CALL)
#undef CALL
}

/* ---- within channels -------------------------------------------------------------------------- */

/* s of pixel (h, w) of one channel's plane. */
float within_scale(global const float *x, int h, int w, int H, int W, int size, float a, float k) {
    const int last_h = min(h + (size - 1) / 2, H - 1), last_w = min(w + (size - 1) / 2, W - 1);
    float sum = 0.0f;
    for (int i = max(h - size / 2, 0); i <= last_h; i++)
        for (int j = max(w - size / 2, 0); j <= last_w; j++)
            sum = fma(x[i * W + j], x[i * W + j], sum);
    return fma(a, sum, k);
}

/* What an element's neighbours' gradients take from it: dy x s^(-beta-1). */
float within_share(global const float *dy, global const float *x, int h, int w, int H, int W, int size,
                   float a, float beta, float k) {
    const float s = within_scale(x, h, w, H, W, size, a, k);
    return dy[h * W + w] * power_float(s, beta) * x[h * W + w] / s;
}

/* count = N C H W */
kernel void lrn_within_forward(global float *y, const ulong y_offset, global const float *x,
                               const ulong x_offset, const int count, const int H, const int W,
                               const int size, const float a, const float beta, const float k) {
    const int i = get_global_id(0);
    if (i >= count)
        return;
    const int pixel = i % (H * W);
    global const float *plane = x + x_offset + (i - pixel);
    const float s = within_scale(plane, pixel / W, pixel % W, H, W, size, a, k);
    y[y_offset + i] = plane[pixel] * power_float(s, beta);
}

kernel void lrn_within_shares(global float *shares, const ulong shares_offset,
                              global const float *dy, const ulong dy_offset, global const float *x,
                              const ulong x_offset, const int count, const int H, const int W,
                              const int size, const float a, const float beta, const float k) {
    const int i = get_global_id(0);
    if (i >= count)
        return;
    const int pixel = i % (H * W);
    shares[shares_offset + i] =
        within_share(dy + dy_offset + (i - pixel), x + x_offset + (i - pixel), pixel / W, pixel % W,
                     H, W, size, a, beta, k);
}

/* The shares are read when there are some, else computed again for each element that wants them. */
kernel void lrn_within_backward_input(global float *dx, const ulong dx_offset,
                                      global const float *dy, const ulong dy_offset,
                                      global const float *x, const ulong x_offset,
                                      global const float *shares, const ulong shares_offset,
                                      const int has_shares, const int count, const int H,
                                      const int W, const int size, const float a, const float beta,
                                      const float k) {
    const int i = get_global_id(0);
    if (i >= count)
        return;
    const int pixel = i % (H * W), h = pixel / W, w = pixel % W;
    dy += dy_offset + (i - pixel);
    x += x_offset + (i - pixel);
    shares += shares_offset + (i - pixel);
    const int last_h = min(h + size / 2, H - 1), last_w = min(w + size / 2, W - 1);
    float sum = 0.0f;
    for (int j = max(h - (size - 1) / 2, 0); j <= last_h; j++)
        for (int l = max(w - (size - 1) / 2, 0); l <= last_w; l++)
            sum += has_shares ? shares[j * W + l]
                              : within_share(dy, x, j, l, H, W, size, a, beta, k);
    const float own = dy[pixel] * power_float(within_scale(x, h, w, H, W, size, a, k), beta);
    dx[dx_offset + i] = fma(-2.0f * a * beta * x[pixel], sum, own);
}
