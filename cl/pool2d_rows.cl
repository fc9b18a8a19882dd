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

/* One input row (of NC * H) a work-item: what its windows give to their row r. */
kernel void pool2d_rows_backward_input(global float *restrict dx, const ulong dx_offset,
                                       global const float *restrict dy, const ulong dy_offset,
                                       global const float *restrict x, const ulong x_offset,
                                       const int NC, const int H, const int W, const int P,
                                       const int Q) {
    const int i = get_global_id(0);
    if (i >= NC * H)
        return;
    const int h = i % H, p = h / STRIDE_H, own = h % STRIDE_H;
    dx += dx_offset + (size_t)i * W;
    const int covered = own < R && p < P ? Q * STRIDE_W : 0;
    for (int w = (covered < W ? covered : W); w < W; w++)
        dx[w] = 0.0f;
    if (covered == 0)
        return;
    x += x_offset + ((size_t)(i / H) * H + p * STRIDE_H) * W;
    dy += dy_offset + ((size_t)(i / H) * P + p) * Q;
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
        const float gradient = dy[q];
#pragma unroll
        for (int s = 0; s < STRIDE_W; s++) {
            const bool mine = s < S && place == own * S + s;
            const float share = s < S ? gradient / (R * S) : 0.0f;
            if (q * STRIDE_W + s < W)
                dx[q * STRIDE_W + s] =
                    KIND == POOL_AVERAGE ? share : (mine ? gradient : 0.0f);
        }
    }
}
