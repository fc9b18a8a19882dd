/* matmul_dots.cl: a matrix product for CPU devices whose factors both lie row by row along the sum:
 *
 *     c[m,j] = f( bias[j] + sum over l of a[m,l] b[j,l] ),   L >= 16
 *
 * A tile of ROWS x COLUMNS elements is sixteen vectors of partial sums, which are added up across their
 * lanes at the end. A single row has SHARES vectors an element, so that memory is read in long runs of
 * few columns. One work-item a group. Each element's sum has one order, whatever the tiles.
 */

#ifndef ROWS
#define ROWS 4 /* of a tile, or 1 */
#endif
#define COLUMNS 4
#define SHARES (16 / (ROWS * COLUMNS))
#define STEP (16 * SHARES)
#define AHEAD 1024 /* floats to ask memory for: what is read in some hundred cycles */

/* Sums of neighbouring lanes of two vectors. */
#define NEIGHBOURS(a, b) ((float16)((a).even, (b).even) + (float16)((a).odd, (b).odd))

/* Lane i: the sum of vector i's lanes. */
float16 sums_of_lanes(const float16 *sum) {
    float16 two[8], four[4];
#pragma unroll
    for (int i = 0; i < 8; i++)
        two[i] = NEIGHBOURS(sum[2 * i], sum[2 * i + 1]);
#pragma unroll
    for (int i = 0; i < 4; i++)
        four[i] = NEIGHBOURS(two[2 * i], two[2 * i + 1]);
    return NEIGHBOURS(NEIGHBOURS(four[0], four[1]), NEIGHBOURS(four[2], four[3]));
}

/* sum += the products at l .. l + STEP - 1. */
#define MULTIPLY(l)                                                                                \
    do {                                                                                           \
        float16 left[ROWS * SHARES], right[COLUMNS * SHARES];                                      \
        _Pragma("unroll") for (int i = 0; i < ROWS * SHARES; i++) left[i] =                        \
            vload16(0, a + row[i / SHARES] + l + i % SHARES * 16);                                 \
        _Pragma("unroll") for (int i = 0; i < COLUMNS * SHARES; i++) right[i] =                    \
            vload16(0, b + column[i / SHARES] + l + i % SHARES * 16);                              \
        _Pragma("unroll") for (int i = 0; i < 16; i++) sum[i] =                                    \
            fma(left[i / (COLUMNS * SHARES) * SHARES + i % SHARES], right[i % (COLUMNS * SHARES)], \
                sum[i]);                                                                           \
    } while (0)

/* The same at l .. l + 15, of which only the last `count` count, into each element's first share. */
#define MULTIPLY_LAST(l, count)                                                                    \
    do {                                                                                           \
        _Pragma("unroll") for (int i = 0; i < ROWS * COLUMNS; i++) sum[i * SHARES] =               \
            fma(LAST(count, vload16(0, a + row[i / COLUMNS] + l)),                                 \
                LAST(count, vload16(0, b + column[i % COLUMNS] + l)), sum[i * SHARES]);            \
    } while (0)

#define LANES ((int16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15))
#define LAST(count, vector) select((float16)0.0f, vector, LANES >= 16 - (count))

/* global[0] = tiles of columns, [1] = strips of `strip_rows` rows. A row or column past the last repeats
 * it and is not stored. */
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
matmul_dots(global float *restrict c, const ulong c_offset, global const float *restrict a,
            const ulong a_offset, global const float *restrict b, const ulong b_offset,
            global const float *restrict bias, const ulong bias_offset, const int has_bias,
            const int activation, const float alpha, const int M, const int J, const int L,
            const ulong a_row, const ulong b_column, const int strip_rows) {
    const int j = get_global_id(0) * COLUMNS, columns = min(COLUMNS, J - j);
    const int first = get_global_id(1) * strip_rows, end = min(first + strip_rows, M);
    size_t column[COLUMNS], row[ROWS];
    float tile[16];
    a += a_offset;
    b += b_offset;
    c += c_offset + j;
    bias += bias_offset + j;
    float start[COLUMNS];
#pragma unroll
    for (int i = 0; i < COLUMNS; i++) {
        column[i] = min(j + i, J - 1) * b_column;
        start[i] = has_bias ? bias[min(i, columns - 1)] : 0.0f;
    }
    for (int m = first; m < end; m += ROWS) {
        float16 sum[16];
#pragma unroll
        for (int i = 0; i < ROWS; i++)
            row[i] = min(m + i, end - 1) * a_row;
#pragma unroll
        for (int i = 0; i < 16; i++)
            sum[i] = 0.0f;
        int l = 0;
        for (; l + STEP <= L; l += STEP) {
#if ROWS == 1
#pragma unroll
            for (int i = 0; i < 16; i++)
                PREFETCH(b + column[i / SHARES] + l + AHEAD + i % SHARES * 16);
#endif
            MULTIPLY(l);
        }
        for (; l + 16 <= L; l += 16)
            MULTIPLY_LAST(l, 16);
        if (l < L)
            MULTIPLY_LAST(L - 16, L - l);
        STORE16(private, sums_of_lanes(sum), tile);
#pragma unroll
        for (int i = 0; i < ROWS * COLUMNS; i++) {
            float total = tile[i * SHARES];
#pragma unroll
            for (int e = 1; e < SHARES; e++)
                total += tile[i * SHARES + e];
            tile[i] = total + start[i % COLUMNS];
        }
        activate_all(activation, alpha, tile, ROWS * COLUMNS);
        for (int i = 0; i < min(ROWS, end - m); i++)
            for (int e = 0; e < columns; e++)
                c[(size_t)(m + i) * J + e] = tile[i * COLUMNS + e];
    }
}
