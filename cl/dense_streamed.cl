/* dense_streamed.cl: dense layers for CPU devices whose weights are larger than a cache.
 *
 *     y[n,k] = f( b[k] + sum over i of w[k,i] x[n,i] )
 *
 * The weights are read, or their gradient written, once, in long runs of neighbours, and used for
 * all images meanwhile. What is used several times is copied first, so that it lies together: rows of a
 * matrix are often a multiple of 4096 bytes apart, and then compete for the same few places of the
 * nearest cache. One work-item a group; each sum has one order, whatever the number of cores.
 */

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

/* ---- forward --------------------------------------------------------------------------------- */

#define CHUNK 512 /* inputs of eight rows of weights that stay in the nearest cache */

float sum_of(float16 lanes) {
    const float8 eight = lanes.lo + lanes.hi;
    const float4 four = eight.lo + eight.hi;
    const float2 two = four.lo + four.hi;
    return two.x + two.y;
}

/* Sixteen inputs at a time go into the lanes of a sum each for eight outputs and two images.
 * global[0] = eights of outputs. sums: local memory, 16 vectors for each two images. */
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
dense_streamed_forward(global float *restrict y, const ulong y_offset,
                       global const float *restrict x, const ulong x_offset,
                       global const float *restrict w, const ulong w_offset,
                       global const float *restrict b, const ulong b_offset, const int has_bias,
                       const int activation, const float alpha, local float *restrict sums,
                       const int N, const int K, const int I) {
    const int k = get_global_id(0) * TILE_ROWS, rows = min(TILE_ROWS, K - k);
    float panel[TILE_ROWS * CHUNK];
    x += x_offset;
    w += w_offset + (size_t)k * I;
    const int whole = I / 16 * 16;
    for (int first = 0; first < whole || first == 0; first += CHUNK) {
        const int end = min(first + CHUNK, whole);
        for (int i = first; i < end; i += 16) /* all rows at a time: memory is faster that way */
            for (int r = 0; r < TILE_ROWS; r++)
                STORE16(private, vload16(0, w + (size_t)min(r, rows - 1) * I + i),
                        panel + (i - first) * TILE_ROWS + r * 16);
        for (int n = 0; n < N; n += 2) {
            global const float *x0 = x + (size_t)n * I, *x1 = x + (size_t)min(n + 1, N - 1) * I;
            local float *waiting = sums + n / 2 * 16 * 16;
            float16 acc[16];
            if (first == 0) {
#pragma unroll
                for (int i = 0; i < 16; i++)
                    acc[i] = 0.0f;
            } else {
#pragma unroll
                for (int i = 0; i < 16; i++)
                    acc[i] = vload16(i, waiting);
            }
            for (int i = first; i < end; i += 16) {
                if (n == 0 && i + CHUNK < whole)
                    for (int r = 0; r < TILE_ROWS; r++)
                        PREFETCH(w + (size_t)min(r, rows - 1) * I + i + CHUNK);
                const float16 a = vload16(0, x0 + i), c = vload16(0, x1 + i);
                const float *at = panel + (i - first) * TILE_ROWS;
                const float16 w0 = vload16(0, at), w1 = vload16(1, at), w2 = vload16(2, at),
                              w3 = vload16(3, at), w4 = vload16(4, at), w5 = vload16(5, at),
                              w6 = vload16(6, at), w7 = vload16(7, at);
                acc[0] = fma(w0, a, acc[0]);
                acc[1] = fma(w1, a, acc[1]);
                acc[2] = fma(w2, a, acc[2]);
                acc[3] = fma(w3, a, acc[3]);
                acc[4] = fma(w4, a, acc[4]);
                acc[5] = fma(w5, a, acc[5]);
                acc[6] = fma(w6, a, acc[6]);
                acc[7] = fma(w7, a, acc[7]);
                acc[8] = fma(w0, c, acc[8]);
                acc[9] = fma(w1, c, acc[9]);
                acc[10] = fma(w2, c, acc[10]);
                acc[11] = fma(w3, c, acc[11]);
                acc[12] = fma(w4, c, acc[12]);
                acc[13] = fma(w5, c, acc[13]);
                acc[14] = fma(w6, c, acc[14]);
                acc[15] = fma(w7, c, acc[15]);
            }
#pragma unroll
            for (int i = 0; i < 16; i++)
                STORE16(local, acc[i], waiting + 16 * i);
        }
    }
    for (int n = 0; n < N; n++) {
        float tile[TILE_ROWS];
        for (int r = 0; r < rows; r++) {
            tile[r] = sum_of(vload16(n / 2 * 16 + n % 2 * 8 + r, sums));
            for (int i = whole; i < I; i++)
                tile[r] = fma(w[(size_t)r * I + i], x[(size_t)n * I + i], tile[r]);
            if (has_bias)
                tile[r] += b[b_offset + k + r];
        }
        activate_all(activation, alpha, tile, rows);
        for (int r = 0; r < rows; r++)
            y[y_offset + (size_t)n * K + k + r] = tile[r];
    }
}

/* ---- backward -------------------------------------------------------------------------------- */

#define COLUMNS 256 /* inputs of one work-item */
#define DEPTH 32    /* outputs whose weights stay in the nearest cache */

/* `count` rows of `columns` values, `stride` apart, as tiles of 32 columns one behind the other; the last
 * sixteen are filled with zeros. */
#define COPY_TILES(space, to, from, stride, count, columns)                                        \
    for (int e = 0; e < columns; e += 16)                                                          \
        for (int t = 0; t < count; t++) {                                                          \
            global const float *at = (from) + (size_t)t * stride + e;                              \
            space float *into = to + (e / TILE_COLUMNS * count + t) * TILE_COLUMNS + e % TILE_COLUMNS; \
            if (e + 16 <= columns)                                                                 \
                STORE16(space, vload16(0, at), into);                                              \
            else                                                                                   \
                for (int i = 0; i < 16; i++)                                                       \
                    into[i] = e + i < columns ? at[i] : 0.0f;                                      \
        }

#define OF_IMAGE(i) slopes[i * DEPTH + t]

/* dx[n,i] = sum over k of dy[n,k] w[k,i]. global[0] = blocks of COLUMNS inputs. sums: local memory,
 * COLUMNS values for each image, images rounded up to eights. */
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
dense_streamed_backward_input(global float *restrict dx, const ulong dx_offset,
                              global const float *restrict dy, const ulong dy_offset,
                              global const float *restrict w, const ulong w_offset,
                              local float *restrict sums, const int N, const int K, const int I) {
    float panel[DEPTH * COLUMNS], slopes[DEPTH * TILE_ROWS];
    const int first = get_global_id(0) * COLUMNS, columns = min(COLUMNS, I - first);
    w += w_offset + first;
    dy += dy_offset;
    for (int k = 0; k < K; k += DEPTH) {
        const int count = min(DEPTH, K - k);
        COPY_TILES(private, panel, w + (size_t)k * I, I, count, columns)
        for (int n = 0; n < N; n += TILE_ROWS) {
            for (int e = 0; e < TILE_ROWS; e++) { /* the last image again past the end */
                global const float *from = dy + (size_t)min(n + e, N - 1) * K + k;
                if (count == DEPTH) {
                    STORE16(private, vload16(0, from), slopes + e * DEPTH);
                    STORE16(private, vload16(1, from), slopes + e * DEPTH + 16);
                } else
                    for (int t = 0; t < count; t++)
                        slopes[e * DEPTH + t] = from[t];
            }
            for (int j = 0; j < columns; j += TILE_COLUMNS) {
                const float *weights = panel + j * count;
                local float *waiting = sums + (n * COLUMNS + j * TILE_ROWS);
                float16 acc[2 * TILE_ROWS];
                if (k == 0) {
#pragma unroll
                    for (int i = 0; i < 2 * TILE_ROWS; i++)
                        acc[i] = 0.0f;
                } else {
#pragma unroll
                    for (int i = 0; i < 2 * TILE_ROWS; i++)
                        acc[i] = vload16(i, waiting);
                }
                if (n == 0 && k + count < K)
                    for (int t = 0; t < count; t++) {
                        PREFETCH(w + (size_t)(k + count + t) * I + j);
                        PREFETCH(w + (size_t)(k + count + t) * I + j + 16);
                    }
                MULTIPLY(acc, count, vload16(2 * t, weights), vload16(2 * t + 1, weights), OF_IMAGE)
#pragma unroll
                for (int i = 0; i < 2 * TILE_ROWS; i++)
                    STORE16(local, acc[i], waiting + 16 * i);
            }
        }
    }
    dx += dx_offset + first;
    for (int n = 0; n < N; n++)
        for (int i = 0; i < columns; i++)
            dx[(size_t)n * I + i] = sums[n / TILE_ROWS * TILE_ROWS * COLUMNS +
                                         i / TILE_COLUMNS * TILE_COLUMNS * TILE_ROWS +
                                         n % TILE_ROWS * TILE_COLUMNS + i % TILE_COLUMNS];
}

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
