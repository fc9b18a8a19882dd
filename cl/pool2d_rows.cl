/* pool2d_rows.cl: pooling without padding, a whole row a work-item: for CPU devices.
 *
 * As pool2d.cl, with the window, the stride and the kind known when it is compiled, so that the
 * loop along the row has no branches and the compiler can vectorise it. The gradient has two kernels:
 * for windows that do not overlap, R <= STRIDE_H and S <= STRIDE_W, and for those that may.
 * Work-items are one-dimensional, those past the end do nothing.
 */

#ifndef KIND
#define KIND POOL_MAX /* the kind of pooling */
#endif
#ifndef R
#define R 2 /* rows of the window */
#endif
#ifndef S
#define S 2 /* its columns */
#endif
#ifndef STRIDE_H
#define STRIDE_H 2
#endif
#ifndef STRIDE_W
#define STRIDE_W 2
#endif

/* True when `v` takes the place of the best so far: NaN always does, equals never do. */
bool replaces(float v, float best) {
    return (v != v) | (KIND == POOL_MAX ? v > best : v < best);
}

/* One output row (of NC * P) a work-item. */
kernel void pool2d_rows_forward(global float *restrict y, const ulong y_offset,
                                global const float *restrict x, const ulong x_offset, const int NC,
                                const int H, const int W, const int P, const int Q) {
    const int i = get_global_id(0);
    if (i >= NC * P)
        return;
    x += x_offset + ((size_t)(i / P) * H + i % P * STRIDE_H) * W;
    y += y_offset + (size_t)i * Q;
    for (int q = 0; q < Q; q++) {
        float best = x[q * STRIDE_W], sum = 0.0f;
#pragma unroll
        for (int r = 0; r < R; r++)
#pragma unroll
            for (int s = 0; s < S; s++) {
                const float v = x[r * W + q * STRIDE_W + s];
                sum += v;
                best = replaces(v, best) ? v : best;
            }
        y[q] = KIND == POOL_AVERAGE ? sum / (R * S) : best;
    }
}

/* The gradient of COUNT windows of 2 x 2 side by side, with the vectors' even and odd lanes as the
 * windows' columns: the same choices as pool2d_rows_backward_input makes one by one. */
#define VECTOR_BACKWARD(NAME, COUNT, LANES, HALF, INTS, LOAD, STORE, LOAD_HALF)                    \
    void NAME(global float *dx, global const float *dy, global const float *x, const int W) {      \
        const LANES above = LOAD(0, x), below = LOAD(0, x + W);                                    \
        HALF best = above.even;                                                                    \
        INTS place = 0;                                                                            \
        VECTOR_TAP(HALF, above.odd, 1)                                                             \
        VECTOR_TAP(HALF, below.even, 2)                                                            \
        VECTOR_TAP(HALF, below.odd, 3)                                                             \
        const HALF slope = LOAD_HALF(0, dy), none = 0.0f;                                          \
        const HALF share = slope / 4.0f;                                                           \
        LANES upper, lower;                                                                        \
        const bool all = KIND == POOL_AVERAGE;                                                     \
        upper.even = all ? share : select(none, slope, place == 0);                                \
        upper.odd = all ? share : select(none, slope, place == 1);                                 \
        lower.even = all ? share : select(none, slope, place == 2);                                \
        lower.odd = all ? share : select(none, slope, place == 3);                                 \
        STORE(upper, 0, dx);                                                                       \
        STORE(lower, 0, dx + W);                                                                   \
    }

#define VECTOR_TAP(HALF, TAP, PLACE)                                                               \
    {                                                                                              \
        const HALF v = TAP;                                                                        \
        const __typeof__(place) better = (v != v) | (KIND == POOL_MAX ? v > best : v < best);      \
        best = select(best, v, better);                                                            \
        place = select(place, (__typeof__(place))PLACE, better);                                   \
    }

VECTOR_BACKWARD(backward_8, 8, float16, float8, int8, vload16, vstore16, vload8)
VECTOR_BACKWARD(backward_4, 4, float8, float4, int4, vload8, vstore8, vload4)

/* One output row (of NC * P) a work-item: the STRIDE_H input rows from its windows' first on, and for
 * the last output row of a plane those below as well. Pixels that no window covers get 0. */
kernel void pool2d_rows_backward_input(global float *restrict dx, const ulong dx_offset,
                                       global const float *restrict dy, const ulong dy_offset,
                                       global const float *restrict x, const ulong x_offset,
                                       const int NC, const int H, const int W, const int P,
                                       const int Q) {
    const int i = get_global_id(0);
    if (i >= NC * P)
        return;
    const int p = i % P, first = p * STRIDE_H, end = p + 1 < P ? first + STRIDE_H : H;
    const size_t start = ((size_t)(i / P) * H + first) * W;
    dx += dx_offset + start;
    x += x_offset + start;
    dy += dy_offset + (size_t)i * Q;
    if (R * S < STRIDE_H * STRIDE_W)
        for (int at = 0; at < (end - first) * W; at++)
            dx[at] = 0.0f;
    else { /* only what the windows leave over */
        for (int r = 0; r < R; r++)
            for (int w = Q * STRIDE_W; w < W; w++)
                dx[r * W + w] = 0.0f;
        for (int at = R * W; at < (end - first) * W; at++)
            dx[at] = 0.0f;
    }
    int q = 0;
#if R == 2 && S == 2 && STRIDE_H == 2 && STRIDE_W == 2
    for (; q + 8 <= Q; q += 8)
        backward_8(dx + 2 * q, dy + q, x + 2 * q, W);
    for (; q + 4 <= Q; q += 4)
        backward_4(dx + 2 * q, dy + q, x + 2 * q, W);
#endif
    for (; q < Q; q++) {
        float best = x[q * STRIDE_W];
        int place = 0;
#pragma unroll
        for (int r = 0; r < R; r++)
#pragma unroll
            for (int s = 0; s < S; s++) {
                const float v = x[r * W + q * STRIDE_W + s];
                const bool better = replaces(v, best);
                best = better ? v : best;
                place = better ? r * S + s : place;
            }
        const float gradient = KIND == POOL_AVERAGE ? dy[q] / (R * S) : dy[q];
#pragma unroll
        for (int r = 0; r < R; r++)
#pragma unroll
            for (int s = 0; s < S; s++)
                dx[r * W + q * STRIDE_W + s] =
                    KIND == POOL_AVERAGE || place == r * S + s ? gradient : 0.0f;
    }
}

#define CHUNK 32 /* windows whose winners are found before their gradients are handed out */

/* Windows that overlap: one plane (of NC) a work-item, so that no pixel's sum is another's. */
kernel void pool2d_planes_backward_input(global float *restrict dx, const ulong dx_offset,
                                         global const float *restrict dy, const ulong dy_offset,
                                         global const float *restrict x, const ulong x_offset,
                                         const int NC, const int H, const int W, const int P,
                                         const int Q) {
    const int i = get_global_id(0);
    if (i >= NC)
        return;
    dx += dx_offset + (size_t)i * H * W;
    x += x_offset + (size_t)i * H * W;
    dy += dy_offset + (size_t)i * P * Q;
    int place[CHUNK]; /* of the winner in each window, from the window's first pixel */
    for (int at = 0; at < H * W; at++)
        dx[at] = 0.0f;
    for (int p = 0; p < P; p++)
        for (int first = 0; first < Q; first += CHUNK) {
            const int count = min(CHUNK, Q - first);
            const size_t corner = (size_t)p * STRIDE_H * W + first * STRIDE_W;
            global const float *in = x + corner, *slopes = dy + p * Q + first;
            global float *out = dx + corner;
            for (int q = 0; KIND != POOL_AVERAGE && q < count; q++) {
                float best = in[q * STRIDE_W];
                int winner = 0;
#pragma unroll
                for (int r = 0; r < R; r++)
#pragma unroll
                    for (int s = 0; s < S; s++) {
                        const float v = in[r * W + q * STRIDE_W + s];
                        const bool better = replaces(v, best);
                        best = better ? v : best;
                        winner = better ? r * W + s : winner;
                    }
                place[q] = winner + q * STRIDE_W;
            }
            for (int q = 0; q < count; q++)
                if (KIND == POOL_AVERAGE)
#pragma unroll
                    for (int r = 0; r < R; r++)
#pragma unroll
                        for (int s = 0; s < S; s++)
                            out[r * W + q * STRIDE_W + s] += slopes[q] / (R * S);
                else
                    out[place[q]] += slopes[q];
        }
}
