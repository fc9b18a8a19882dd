/* pool2d_rows.cl: pooling without padding, a whole row a work-item: for CPU devices.
 *
 * As pool2d.cl, with the window, the stride and the kind known when it is compiled, so that the
 * loop along the row has no branches and the compiler can vectorise it. The gradient also needs
 * windows that do not overlap: R <= STRIDE_H and S <= STRIDE_W, which ocl_pool2d.c sees to.
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
    for (int q = 0; q < Q; q++) {
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
