/* dense_streamed.cl: dense layers for CPU devices whose weights are larger than a cache.
 *
 *     y[n,k] = f( b[k] + sum over i of w[k,i] x[n,i] )
 *
 * The weights are read, or their gradient written, once, and used for all images meanwhile. Forward
 * and for the input's gradient they are used as they lie, without a copy: sixteen images, or
 * sixteen inputs, are in the lanes of a vector, and the other factor is one number that a
 * multiply-add takes from memory by itself. What is laid out first is x or dy, which is small. One
 * work-item a group; each sum has one order, whatever the number of cores.
 */

#define LANES 16

/* to[block, l, lane] = from[16 block + lane, l]; zeros past the last image. global[0] = sixteens of
 * l, [1] = blocks of images. */
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
dense_streamed_pack(global float *restrict to, const ulong to_offset,
                    global const float *restrict from, const ulong from_offset, const int N,
                    const int L) {
    const int first = get_global_id(0) * LANES, block = get_global_id(1), n = block * LANES;
    const int count = min(LANES, L - first), images = min(LANES, N - n);
    to += to_offset + ((size_t)block * L + first) * LANES;
    from += from_offset + (size_t)n * L + first;
    for (int l = 0; l < count; l++)
        for (int e = 0; e < LANES; e++)
            to[l * LANES + e] = e < images ? from[(size_t)e * L + l] : 0.0f;
}

/* ---- forward --------------------------------------------------------------------------------- */

#define ROWS 8 /* outputs of a tile: as many lines as the nearest cache keeps of rows that are a
                * multiple of 4096 bytes apart */
#define CHUNK 256 /* inputs of a tile */
#define STRIP 32  /* outputs of a work-item: a chunk of x is in the nearest cache for all of them */

#define MULTIPLY_ROWS(t)                                                                           \
    {                                                                                              \
        const float16 v = vload16(t, x);                                                           \
        acc[0] = fma((float16)w0[t], v, acc[0]);                                                   \
        acc[1] = fma((float16)w1[t], v, acc[1]);                                                   \
        acc[2] = fma((float16)w2[t], v, acc[2]);                                                   \
        acc[3] = fma((float16)w3[t], v, acc[3]);                                                   \
        acc[4] = fma((float16)w4[t], v, acc[4]);                                                   \
        acc[5] = fma((float16)w5[t], v, acc[5]);                                                   \
        acc[6] = fma((float16)w6[t], v, acc[6]);                                                   \
        acc[7] = fma((float16)w7[t], v, acc[7]);                                                   \
    }

/* sums (ROWS vectors of images) += `count` inputs of ROWS outputs, of which row `last` is the last
 * that there is. `ahead`: how far away the weights are that are needed next, 0 when they are at
 * hand. */
void multiply_tile(local float *sums, const int is_first, global const float *x,
                   global const float *w, const int I, const int count, const int last,
                   const long ahead) {
    global const float *w0 = w, *w1 = w + (size_t)min(1, last) * I,
                       *w2 = w + (size_t)min(2, last) * I, *w3 = w + (size_t)min(3, last) * I,
                       *w4 = w + (size_t)min(4, last) * I, *w5 = w + (size_t)min(5, last) * I,
                       *w6 = w + (size_t)min(6, last) * I, *w7 = w + (size_t)min(7, last) * I;
    float16 acc[ROWS];
#pragma unroll
    for (int r = 0; r < ROWS; r++)
        acc[r] = 0.0f;
    int t = 0;
    for (; t + 16 <= count; t += 16) {
        if (ahead) {
            PREFETCH(w0 + t + ahead);
            PREFETCH(w1 + t + ahead);
            PREFETCH(w2 + t + ahead);
            PREFETCH(w3 + t + ahead);
            PREFETCH(w4 + t + ahead);
            PREFETCH(w5 + t + ahead);
            PREFETCH(w6 + t + ahead);
            PREFETCH(w7 + t + ahead);
        }
#pragma unroll
        for (int e = 0; e < 16; e++)
            MULTIPLY_ROWS(t + e)
    }
    for (; t < count; t++)
        MULTIPLY_ROWS(t)
#pragma unroll
    for (int r = 0; r < ROWS; r++)
        STORE16(local, is_first ? acc[r] : acc[r] + vload16(r, sums), sums + r * LANES);
}

/* global[0] = strips of STRIP outputs. x: as packed. sums: local memory, a vector for each output and
 * block of images. */
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
dense_streamed_forward(global float *restrict y, const ulong y_offset,
                       global const float *restrict x, const ulong x_offset,
                       global const float *restrict w, const ulong w_offset,
                       global const float *restrict b, const ulong b_offset, const int has_bias,
                       const int activation, const float alpha, local float *restrict sums,
                       const int N, const int K, const int I) {
    const int start = get_global_id(0) * STRIP, end = min(start + STRIP, K);
    const int blocks = (N + LANES - 1) / LANES;
    x += x_offset;
    w += w_offset;
    y += y_offset;
    for (int first = 0; first < I; first += CHUNK)
        for (int k = start; k < end; k += ROWS) {
            const long ahead = k + ROWS < end ? (long)ROWS * I : CHUNK - (long)(k - start) * I;
            for (int block = 0; block < blocks; block++)
                multiply_tile(sums + ((k - start) * blocks + block * ROWS) * LANES, first == 0,
                              x + ((size_t)block * I + first) * LANES, w + (size_t)k * I + first, I,
                              min(CHUNK, I - first), min(ROWS, end - k) - 1,
                              block == 0 ? ahead : 0);
        }
    for (int n = 0; n < N; n++)
        for (int k = start; k < end; k += ROWS) {
            float tile[ROWS];
            local const float *from =
                sums + ((k - start) * blocks + n / LANES * ROWS) * LANES + n % LANES;
            const int count = min(ROWS, end - k);
            for (int r = 0; r < count; r++)
                tile[r] = from[r * LANES] + (has_bias ? b[b_offset + k + r] : 0.0f);
            activate_all(activation, alpha, tile, count);
            for (int r = 0; r < count; r++)
                y[(size_t)n * K + k + r] = tile[r];
        }
}

/* ---- backward -------------------------------------------------------------------------------- */

#define DEPTH 32 /* outputs of a tile */

/* sums (a vector of inputs for each of sixteen images) += `count` outputs of sixteen inputs.
 * dy: as packed. */
void multiply_images(local float *sums, const int is_first, global const float *dy,
                     global const float *w, const int I, const int count, const long ahead) {
    float16 acc[LANES];
#pragma unroll
    for (int n = 0; n < LANES; n++)
        acc[n] = 0.0f;
    for (int t = 0; t < count; t++, w += I, dy += LANES) {
        const float16 v = vload16(0, w);
        if (ahead) {
            PREFETCH(w + LANES);
            PREFETCH(w + ahead);
        }
#pragma unroll
        for (int n = 0; n < LANES; n++)
            acc[n] = fma((float16)dy[n], v, acc[n]);
    }
#pragma unroll
    for (int n = 0; n < LANES; n++)
        STORE16(local, is_first ? acc[n] : acc[n] + vload16(n, sums), sums + n * LANES);
}

/* dx[n,i] = sum over k of dy[n,k] w[k,i]. global[0] = runs of `columns` inputs, a multiple of
 * LANES; there are LANES inputs at least: the last vector steps back to be whole. dy: as packed.
 * sums: local memory, `columns` values for each image, images rounded up to whole vectors. */
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
dense_streamed_backward_input(global float *restrict dx, const ulong dx_offset,
                              global const float *restrict dy, const ulong dy_offset,
                              global const float *restrict w, const ulong w_offset,
                              local float *restrict sums, const int N, const int K, const int I,
                              const int columns) {
    const int first = get_global_id(0) * columns, end = min(first + columns, I);
    const int blocks = (N + LANES - 1) / LANES;
    w += w_offset;
    dy += dy_offset;
    dx += dx_offset;
    for (int k = 0; k < K; k += DEPTH) {
        const int count = min(DEPTH, K - k);
        for (int block = 0; block < blocks; block++)
            for (int i = first; i < end; i += LANES)
                multiply_images(sums + (block * columns + i - first) * LANES, k == 0,
                                dy + ((size_t)block * K + k) * LANES,
                                w + (size_t)k * I + min(i, I - LANES), I, count,
                                block == 0 ? DEPTH * (long)I : 0);
    }
    for (int n = 0; n < N; n++)
        for (int i = first; i < end; i += LANES) {
            local const float *from =
                sums + (n / LANES * columns + i - first + n % LANES) * LANES;
            global float *to = dx + (size_t)n * I + i;
            if (i + LANES <= end)
                STORE16(global, vload16(0, from), to);
            else
                for (int e = 0; e < end - i; e++)
                    to[e] = from[LANES - (end - i) + e];
        }
}

#define COLUMNS 256 /* inputs of one work-item */
#define AHEAD 8 /* rows to ask memory for */

/* The same of one image, of COLUMNS inputs or more: its sums stay in registers. The last work-item
 * steps back to have whole vectors. */
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
dense_streamed_backward_input_one(global float *restrict dx, const ulong dx_offset,
                                  global const float *restrict dy, const ulong dy_offset,
                                  global const float *restrict w, const ulong w_offset,
                                  const int K, const int I) {
    const int first = get_global_id(0) * COLUMNS, start = min(first, I - COLUMNS);
    float tile[COLUMNS];
    float16 acc[COLUMNS / 16];
    w += w_offset + start;
    dy += dy_offset;
#pragma unroll
    for (int v = 0; v < COLUMNS / 16; v++)
        acc[v] = 0.0f;
    for (int k = 0; k < K; k++, w += I) {
        const float16 slope = dy[k];
#pragma unroll
        for (int v = 0; v < COLUMNS / 16; v++) {
            PREFETCH(w + (size_t)AHEAD * I + 16 * v);
            acc[v] = fma(slope, vload16(v, w), acc[v]);
        }
    }
#pragma unroll
    for (int v = 0; v < COLUMNS / 16; v++)
        STORE16(private, acc[v], tile + 16 * v);
    for (int i = first - start; i < COLUMNS; i++)
        dx[dx_offset + start + i] = tile[i];
}

/* ---- the weights' gradient -------------------------------------------------------------------- */

#define TILE_ROWS 8
#define TILE_COLUMNS 32

/* acc (8 rows of 2 vectors) += eight numbers times two vectors, `count` times. */
#define MULTIPLY(acc, count, low_at, high_at, number_at)                                           \
    for (int t = 0; t < count; t++) {                                                              \
        const float16 low = low_at, high = high_at;                                                \
        acc[0] = fma((float16)number_at(0), low, acc[0]);                                          \
        acc[1] = fma((float16)number_at(0), high, acc[1]);                                         \
        acc[2] = fma((float16)number_at(1), low, acc[2]);                                          \
        acc[3] = fma((float16)number_at(1), high, acc[3]);                                         \
        acc[4] = fma((float16)number_at(2), low, acc[4]);                                          \
        acc[5] = fma((float16)number_at(2), high, acc[5]);                                         \
        acc[6] = fma((float16)number_at(3), low, acc[6]);                                          \
        acc[7] = fma((float16)number_at(3), high, acc[7]);                                         \
        acc[8] = fma((float16)number_at(4), low, acc[8]);                                          \
        acc[9] = fma((float16)number_at(4), high, acc[9]);                                         \
        acc[10] = fma((float16)number_at(5), low, acc[10]);                                        \
        acc[11] = fma((float16)number_at(5), high, acc[11]);                                       \
        acc[12] = fma((float16)number_at(6), low, acc[12]);                                        \
        acc[13] = fma((float16)number_at(6), high, acc[13]);                                       \
        acc[14] = fma((float16)number_at(7), low, acc[14]);                                        \
        acc[15] = fma((float16)number_at(7), high, acc[15]);                                       \
    }

/* `count` rows of `columns` values, `stride` apart, as tiles of 32 columns one behind the other; the last
 * is filled with zeros. */
#define COPY_TILES(space, to, from, stride, count, columns)                                        \
    for (int e = 0; e < columns || e % TILE_COLUMNS; e += 16)                                      \
        for (int t = 0; t < count; t++) {                                                          \
            global const float *at = (from) + (size_t)t * stride + e;                              \
            space float *into = to + (e / TILE_COLUMNS * count + t) * TILE_COLUMNS + e % TILE_COLUMNS; \
            if (e + 16 <= columns)                                                                 \
                STORE16(space, vload16(0, at), into);                                              \
            else                                                                                   \
                for (int i = 0; i < 16; i++)                                                       \
                    into[i] = e + i < columns ? at[i] : 0.0f;                                      \
        }

#define STRIP_ROWS 256 /* outputs of one work-item of the weights' gradient */
#define OF_OUTPUT(i) slopes[t * TILE_ROWS + i]

/* dw[k,i] = sum over n of dy[n,k] x[n,i]. global[0] = blocks of COLUMNS inputs, [1] = strips of
 * STRIP_ROWS outputs. Local memory: panel, COLUMNS values for each image; slopes, eight. */
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
dense_streamed_backward_weight(global float *restrict dw, const ulong dw_offset,
                               global const float *restrict dy, const ulong dy_offset,
                               global const float *restrict x, const ulong x_offset,
                               local float *restrict panel, local float *restrict slopes,
                               const int N, const int K, const int I) {
    float tile[TILE_ROWS * TILE_COLUMNS];
    const int first = get_global_id(0) * COLUMNS, columns = min(COLUMNS, I - first);
    const int start = get_global_id(1) * STRIP_ROWS, end = min(start + STRIP_ROWS, K);
    x += x_offset + first;
    dw += dw_offset + first;
    dy += dy_offset;
    COPY_TILES(local, panel, x, I, N, columns)
    for (int k = start; k < end; k += TILE_ROWS) {
        const int rows = min(TILE_ROWS, end - k);
        for (int t = 0; t < N; t++)
            if (rows == TILE_ROWS)
                vstore8(vload8(0, dy + (size_t)t * K + k), t, slopes);
            else
                for (int e = 0; e < TILE_ROWS; e++) /* the last output again past the end */
                    slopes[t * TILE_ROWS + e] = dy[(size_t)t * K + k + min(e, rows - 1)];
        for (int j = 0; j < columns; j += TILE_COLUMNS) {
            local const float *images = panel + j * N;
            global float *to = dw + (size_t)k * I + j;
            float16 acc[2 * TILE_ROWS];
#pragma unroll
            for (int i = 0; i < 2 * TILE_ROWS; i++)
                acc[i] = 0.0f;
            MULTIPLY(acc, N, vload16(2 * t, images), vload16(2 * t + 1, images), OF_OUTPUT)
            if (columns - j >= TILE_COLUMNS) {
#pragma unroll
                for (int i = 0; i < TILE_ROWS; i++)
                    if (i < rows) {
                        STREAM16(acc[2 * i], to + (size_t)i * I);
                        STREAM16(acc[2 * i + 1], to + (size_t)i * I + 16);
                    }
                continue;
            }
#pragma unroll
            for (int i = 0; i < 2 * TILE_ROWS; i++)
                vstore16(acc[i], i, tile);
            for (int i = 0; i < rows; i++)
                for (int e = 0; e < columns - j; e++)
                    to[(size_t)i * I + e] = tile[i * TILE_COLUMNS + e];
        }
    }
}
