/* pool2d_rows.cl: pooling without padding, rows or planes a work-item: for CPU devices.
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

/* Column s of sixteen windows side by side: x[q STRIDE_W + s] for q = 0 .. 15. With a stride of 2, an
 * odd column is of the vectors of the one before it, so that they are loaded once. */
#if STRIDE_W == 1
#define COLUMN(x, s) vload16(0, (x) + (s))
#else
#define COLUMN(x, s)                                                                               \
    ((s) % 2 ? (float16)(vload16(0, (x) + (s)-1).odd, vload16(1, (x) + (s)-1).odd)                 \
             : (float16)(vload16(0, (x) + (s)).even, vload16(1, (x) + (s)).even))
#endif

/* Whether sixteen windows can be read so, of whose first the corner is `at`: no further than `end`. */
bool sixteen_fit(size_t at, int W, size_t end) {
    return STRIDE_W <= 2 && at + (size_t)(R - 1) * W + S + 15 * STRIDE_W + 1 <= end;
}

/* The best of each of sixteen windows side by side, and where it is from the window's corner. */
typedef struct sixteen {
    float16 best;
    int16 place;
} sixteen;

sixteen best_of_sixteen(global const float *x, int W) {
    sixteen w = {COLUMN(x, 0), 0};
#pragma unroll
    for (int r = 0; r < R; r++)
#pragma unroll
        for (int s = 0; s < S; s++) {
            const float16 v = COLUMN(x + r * W, s);
            const int16 better = (v != v) | (KIND == POOL_MAX ? v > w.best : v < w.best);
            w.best = select(w.best, v, better);
            w.place = select(w.place, (int16)(r * W + s), better);
        }
    return w;
}

/* The better one of each pair, or their sum; the pooled value of the best, or the sum, of a window. */
#define FOLDS(T)                                                                                   \
    T fold_##T(T best, T v) {                                                                      \
        if (KIND == POOL_AVERAGE)                                                                  \
            return best + v;                                                                       \
        return select(best, v, (v != v) | (KIND == POOL_MAX ? v > best : v < best));               \
    }                                                                                              \
    T pooled_##T(T best) {                                                                         \
        return KIND == POOL_AVERAGE ? best / (R * S) : best;                                       \
    }

FOLDS(float)
FOLDS(float16)

#define WAITING 2048 /* columns that wait in the nearest cache, */
#define SEGMENT 512  /* of so many outputs of a row at most */
#define BEHIND (16 * STRIDE_W + S + 16) /* what is read and written behind them */

/* column[i] = the R values of x[i] and below it as one, for i = 0 .. count - 1 and some more. `room`:
 * how far x can be read. */
void fold_rows(float *column, global const float *x, int count, int W, size_t room) {
    int i = 0;
    for (; i < count && (size_t)(R - 1) * W + i + 16 <= room; i += 16) {
        float16 best = vload16(0, x + i);
#pragma unroll
        for (int r = 1; r < R; r++)
            best = fold_float16(best, vload16(0, x + r * W + i));
        STORE16(private, best, column + i);
    }
    for (; i < count; i++) {
        column[i] = x[i];
#pragma unroll
        for (int r = 1; r < R; r++)
            column[i] = fold_float(column[i], x[r * W + i]);
    }
}

/* y[0 .. count - 1] from the columns, and past them what is written later, but not from `room` on. */
void fold_columns(global float *y, const float *column, int count, int room) {
    int q = 0;
#if STRIDE_W <= 2
    for (; q < count; q += 16) {
        const float *at = column + q * STRIDE_W;
        float16 best = COLUMN(at, 0);
#pragma unroll
        for (int s = 1; s < S; s++)
            best = fold_float16(best, COLUMN(at, s));
        best = pooled_float16(best);
        if (q + 16 <= room) {
            STORE16(global, best, y + q);
            continue;
        }
        float rest[16];
        STORE16(private, best, rest);
        for (int e = 0; e < count - q; e++)
            y[q + e] = rest[e];
    }
#endif
    for (; q < count; q++) {
        float best = column[q * STRIDE_W];
#pragma unroll
        for (int s = 1; s < S; s++)
            best = fold_float(best, column[q * STRIDE_W + s]);
        y[q] = pooled_float(best);
    }
}

/* Rows p .. p + rows - 1 of a segment of `count` outputs. First the R values of each column as one, which
 * neighbouring windows share, of all rows: what is stored and read again at once, at another place, waits
 * for the store. */
void pool_rows(global float *y, global const float *x, size_t room, int W, int rows, int Q, int count,
               int y_room) {
    float column[WAITING + BEHIND];
    const int width = (count - 1) * STRIDE_W + S;
    for (int p = 0; p < rows; p++) {
        const int at = p * STRIDE_H * W;
        fold_rows(column + p * width, x + at, width, W, room - at);
    }
    for (int p = 0; p < rows; p++)
        fold_columns(y + p * Q, column + p * width, count, count < Q ? count : y_room - p * Q);
}

/* A plane (of NC). */
void pool_plane(global float *y, global const float *x, size_t room, int W, int P, int Q) {
    for (int q = 0; q < Q; q += SEGMENT) {
        const int count = min(SEGMENT, Q - q), step = WAITING / ((count - 1) * STRIDE_W + S);
        for (int p = 0; p < P; p += step) {
            const int at = p * STRIDE_H * W + q * STRIDE_W;
            pool_rows(y + p * Q + q, x + at, room - at, W, min(step, P - p), Q, count, (P - p) * Q);
        }
    }
}

/* `planes` planes a work-item. */
kernel void pool2d_rows_forward(global float *restrict y, const ulong y_offset,
                                global const float *restrict x, const ulong x_offset, const int NC,
                                const int H, const int W, const int P, const int Q,
                                const int planes) {
    const int first = get_global_id(0) * planes, end = min(first + planes, NC);
    for (int i = first; i < end; i++)
        pool_plane(y + y_offset + (size_t)i * P * Q, x + x_offset + (size_t)i * H * W,
                   (size_t)(NC - i) * H * W, W, P, Q);
}

#if R == 2 && S == 2 && STRIDE_H == 2 && STRIDE_W == 2
#define PAIRS 1024 /* columns that wait in the nearest cache, W or more */

/* Windows of 2 x 2 that cover whole planes, H = 2 P and W = 2 Q: the rows of each pair as one, and then
 * pairs of columns as if all were one row, however short the rows are. `count` pairs of rows (of NC * P)
 * a work-item. */
kernel void pool2d_pairs_forward(global float *restrict y, const ulong y_offset,
                                 global const float *restrict x, const ulong x_offset,
                                 const int pairs, const int W, const int count) {
    float column[PAIRS + 32];
    const int first = get_global_id(0) * count, end = min(first + count, pairs), step = PAIRS / W;
    for (int i = first; i < end; i += step) {
        const int rows = min(step, end - i);
        global const float *from = x + x_offset + (size_t)i * 2 * W;
        for (int r = 0; r < rows; r++)
            fold_rows(column + r * W, from + r * 2 * W, W, W, (size_t)(pairs - i - r) * 2 * W);
        fold_columns(y + y_offset + (size_t)i * (W / 2), column, rows * (W / 2), (end - i) * (W / 2));
    }
}
#endif

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

/* The gradients of a row's windows from the `q`-th on one by one. */
void backward_windows(global float *dx, global const float *dy, global const float *x, int q, int Q, int W) {
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

/* The same of a whole row. */
void backward_row(global float *dx, global const float *dy, global const float *x, int Q, int W) {
    int q = 0;
#if R == 2 && S == 2 && STRIDE_H == 2 && STRIDE_W == 2
    const int step = Q >= 8 ? 8 : 4;
    for (; Q >= 4 && q < Q; q += step) {
        const int at = min(q, Q - step); /* the last moves back: it writes the same again */
        if (Q >= 8)
            backward_8(dx + 2 * at, dy + at, x + 2 * at, W);
        else
            backward_4(dx + 2 * at, dy + at, x + 2 * at, W);
    }
#endif
    backward_windows(dx, dy, x, q, Q, W);
}

/* As pool2d_pairs_forward. */
kernel void pool2d_pairs_backward_input(global float *restrict dx, const ulong dx_offset,
                                        global const float *restrict dy, const ulong dy_offset,
                                        global const float *restrict x, const ulong x_offset,
                                        const int pairs, const int W, const int count) {
    const int first = get_global_id(0) * count, end = min(first + count, pairs);
    for (int i = first; i < end; i++)
        backward_row(dx + dx_offset + (size_t)i * 2 * W, dy + dy_offset + (size_t)i * (W / 2),
                     x + x_offset + (size_t)i * 2 * W, W / 2, W);
}

/* Zeros in the pixels of `rows` rows that no window covers. */
void clear_rest(global float *dx, int rows, int Q, int W) {
    if (R * S < STRIDE_H * STRIDE_W) /* windows leave gaps */
        for (int at = 0; at < rows * W; at++)
            dx[at] = 0.0f;
    else {
        for (int r = 0; r < R; r++)
            for (int w = Q * STRIDE_W; w < W; w++)
                dx[r * W + w] = 0.0f;
        for (int at = R * W; at < rows * W; at++)
            dx[at] = 0.0f;
    }
}

/* `planes` planes a work-item. */
kernel void pool2d_rows_backward_input(global float *restrict dx, const ulong dx_offset,
                                       global const float *restrict dy, const ulong dy_offset,
                                       global const float *restrict x, const ulong x_offset,
                                       const int NC, const int H, const int W, const int P, const int Q,
                                       const int planes) {
    const int first = get_global_id(0) * planes, end = min(first + planes, NC);
    for (int i = first; i < end; i++)
        for (int p = 0; p < P; p++) {
            const size_t at = ((size_t)i * H + p * STRIDE_H) * W;
            clear_rest(dx + dx_offset + at, p + 1 < P ? STRIDE_H : H - p * STRIDE_H, Q, W);
            backward_row(dx + dx_offset + at, dy + dy_offset + ((size_t)i * P + p) * Q, x + x_offset + at,
                         Q, W);
        }
}

/* to[0 .. 31] += even, odd, even, odd, ... */
void add_pairs(global float *to, float16 even, float16 odd) {
    float16 low, high;
    low.even = even.lo;
    low.odd = odd.lo;
    high.even = even.hi;
    high.odd = odd.hi;
    STORE16(global, vload16(0, to) + low, to);
    STORE16(global, vload16(1, to) + high, to + 16);
}

/* The gradients of `count` windows of 3 x 3 with a stride of 2 side by side, sixteen at most, to the
 * pixels that they came from: for each tap a vector of what the windows give it. The taps of column 2
 * fall on those of column 0 of the next window; those of the last window on carry[0 .. 2], the pixels
 * behind the vectors. Also adds nothing to pixels behind the last window's. */
void spread_sixteen(global float *dx, float *carry, global const float *dy, global const float *x,
                    int count, int W) {
    const int16 lane = (int16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const float16 none = 0.0f, slopes = select(none, vload16(0, dy), lane < count);
    const float16 share = slopes / 9;
    const int16 place = KIND == POOL_AVERAGE ? 0 : best_of_sixteen(x, W).place;
    float16 given[3];
#pragma unroll
    for (int r = 0; r < 3; r++) {
#pragma unroll
        for (int s = 0; s < 3; s++)
            given[s] = KIND == POOL_AVERAGE ? share : select(none, slopes, place == r * W + s);
        float16 next = given[2].s00123456789abcde;
        next.s0 = carry[r];
        carry[r] = given[2].sf;
        add_pairs(dx + r * W, given[0] + next, given[1]);
    }
}

/* The same one by one. */
void spread_windows(global float *dx, global const float *dy, global const float *x, int count, int W) {
    for (int q = 0; q < count; q++, dx += STRIDE_W, x += STRIDE_W) {
        float best = x[0];
        int place = 0;
#pragma unroll
        for (int r = 0; r < R; r++)
#pragma unroll
            for (int s = 0; s < S; s++) {
                const bool better = replaces(x[r * W + s], best);
                best = better ? x[r * W + s] : best;
                place = better ? r * W + s : place;
                if (KIND == POOL_AVERAGE)
                    dx[r * W + s] += dy[q] / (R * S);
            }
        if (KIND != POOL_AVERAGE)
            dx[place] += dy[q];
    }
}

/* The gradient of a plane (of NC). `slopes_room`: how far dy can be read. */
void spread_plane(global float *dx, global const float *dy, global const float *x, size_t slopes_room,
                  int H, int W, int P, int Q) {
    for (int at = 0; at < H * W; at++)
        dx[at] = 0.0f;
    for (int p = 0; p < P; p++) {
        float carry[3] = {0.0f, 0.0f, 0.0f};
        int q = 0, corner = p * STRIDE_H * W;
        global const float *slopes = dy + p * Q;
        for (; q < Q && sixteen_fit(corner, W, H * W) && (size_t)(p * Q + q + 16) <= slopes_room;
             q += 16, corner += 32)
            spread_sixteen(dx + corner, carry, slopes + q, x + corner, min(16, Q - q), W);
        for (int r = 0; r < 3 && q > 0 && q <= Q; r++)
            dx[corner + r * W] += carry[r];
        spread_windows(dx + corner, slopes + q, x + corner, Q - q, W);
    }
}

/* Windows that overlap, which are 3 x 3 with a stride of 2: `planes` planes a work-item, so that no
 * pixel's sum is another's. */
kernel void pool2d_planes_backward_input(global float *restrict dx, const ulong dx_offset,
                                         global const float *restrict dy, const ulong dy_offset,
                                         global const float *restrict x, const ulong x_offset,
                                         const int NC, const int H, const int W, const int P,
                                         const int Q, const int planes) {
    const int first = get_global_id(0) * planes, end = min(first + planes, NC);
    for (int i = first; i < end; i++)
        spread_plane(dx + dx_offset + (size_t)i * H * W, dy + dy_offset + (size_t)i * P * Q,
                     x + x_offset + (size_t)i * H * W, (size_t)(NC - i) * P * Q, H, W, P, Q);
}
