/* matmul_blocked.cl: a matrix product for CPU devices.
 *
 *     C[m,j] = f( b[j] + sum over l of A[m,l] B[l,j] )
 *
 * A is read at m * a_row + l * a_column, B at l * b_row + j * b_column, so each may be transposed;
 * C (M, J) is row-major. One work-item, one group, computes TILE_ROWS x TILE_COLUMNS elements at a
 * time of a strip of `rows` rows: a tile is 2 x 8 vectors of 16 lanes that stay in registers. Where
 * B's columns are not neighbours, or the tile hangs over the edge, a run of B is first copied into
 * a panel in private memory. Each element's sum runs over l in order, whatever the tiles.
 */

#define TILE_ROWS 8
#define TILE_COLUMNS 32
#define PANEL_ROWS 256 /* of B that are copied at a time */

/* Copy rows first .. first+count-1 of B's columns j .. j+31 into the panel, zeros past column J. */
void fill_panel(float *panel, global const float *b, int first, int count, int j, int J,
                ulong b_row, ulong b_column) {
    const int columns = min(TILE_COLUMNS, J - j);
    for (int e = 0; e < columns; e++) {
        global const float *from = b + first * b_row + (j + e) * b_column;
        for (int l = 0; l < count; l++)
            panel[l * TILE_COLUMNS + e] = from[l * b_row];
    }
    for (int l = 0; l < count; l++)
        for (int e = columns; e < TILE_COLUMNS; e++)
            panel[l * TILE_COLUMNS + e] = 0.0f;
}

/* acc += A's 8 rows times `count` rows of B, which are `b_row` apart. A row past the end repeats the
 * last one; it is never stored. */
#define MULTIPLY(acc, a, a_row, a_column, rows, count, b, b_row)                                   \
    do {                                                                                           \
        const ulong row1 = min(1, rows - 1) * a_row, row2 = min(2, rows - 1) * a_row,              \
                    row3 = min(3, rows - 1) * a_row, row4 = min(4, rows - 1) * a_row,              \
                    row5 = min(5, rows - 1) * a_row, row6 = min(6, rows - 1) * a_row,              \
                    row7 = min(7, rows - 1) * a_row;                                               \
        for (int l = 0; l < count; l++) {                                                          \
            global const float *at = a + l * a_column;                                             \
            const float16 low = vload16(0, b + l * b_row), high = vload16(1, b + l * b_row);       \
            const float a0 = at[0], a1 = at[row1], a2 = at[row2], a3 = at[row3], a4 = at[row4],    \
                        a5 = at[row5], a6 = at[row6], a7 = at[row7];                               \
            acc[0] = fma((float16)a0, low, acc[0]);                                                \
            acc[1] = fma((float16)a0, high, acc[1]);                                               \
            acc[2] = fma((float16)a1, low, acc[2]);                                                \
            acc[3] = fma((float16)a1, high, acc[3]);                                               \
            acc[4] = fma((float16)a2, low, acc[4]);                                                \
            acc[5] = fma((float16)a2, high, acc[5]);                                               \
            acc[6] = fma((float16)a3, low, acc[6]);                                                \
            acc[7] = fma((float16)a3, high, acc[7]);                                               \
            acc[8] = fma((float16)a4, low, acc[8]);                                                \
            acc[9] = fma((float16)a4, high, acc[9]);                                               \
            acc[10] = fma((float16)a5, low, acc[10]);                                              \
            acc[11] = fma((float16)a5, high, acc[11]);                                             \
            acc[12] = fma((float16)a6, low, acc[12]);                                              \
            acc[13] = fma((float16)a6, high, acc[13]);                                             \
            acc[14] = fma((float16)a7, low, acc[14]);                                              \
            acc[15] = fma((float16)a7, high, acc[15]);                                             \
        }                                                                                          \
    } while (0)

/* global[0] = column tiles, global[1] = strips of `rows` rows. */
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
matmul_blocked(global float *restrict c, const ulong c_offset, global const float *restrict a,
               const ulong a_offset, global const float *restrict b, const ulong b_offset,
               global const float *restrict bias, const ulong bias_offset, const int has_bias,
               const int activation, const float alpha, const int M, const int J, const int L,
               const ulong a_row, const ulong a_column, const ulong b_row, const ulong b_column,
               const int rows) {
    float panel[PANEL_ROWS * TILE_COLUMNS];
    const int j = get_global_id(0) * TILE_COLUMNS, columns = min(TILE_COLUMNS, J - j);
    const int first_row = get_global_id(1) * rows, last_row = min(first_row + rows, M);
    const bool direct = b_column == 1 && columns == TILE_COLUMNS;
    a += a_offset;
    b += b_offset;
    c += c_offset;
    bias += bias_offset;
    for (int first = 0; first < L; first += PANEL_ROWS) {
        const int count = direct ? L : min(PANEL_ROWS, L - first);
        const bool last = first + count >= L;
        if (!direct)
            fill_panel(panel, b, first, count, j, J, b_row, b_column);
        for (int m = first_row; m < last_row; m += TILE_ROWS) {
            const int valid = min(TILE_ROWS, last_row - m);
            float16 acc[2 * TILE_ROWS];
            float tile[TILE_ROWS * TILE_COLUMNS] = {0.0f}; /* what hangs over the edge stays 0 */
#pragma unroll
            for (int i = 0; i < 2 * TILE_ROWS; i++)
                acc[i] = 0.0f;
            if (first > 0) {
                for (int i = 0; i < valid; i++)
                    for (int e = 0; e < columns; e++)
                        tile[i * TILE_COLUMNS + e] = c[(size_t)(m + i) * J + j + e];
#pragma unroll
                for (int i = 0; i < 2 * TILE_ROWS; i++)
                    acc[i] = vload16(i, tile);
            } else if (has_bias) {
                for (int e = 0; e < columns; e++)
                    tile[e] = bias[j + e];
#pragma unroll
                for (int i = 0; i < 2 * TILE_ROWS; i++)
                    acc[i] = vload16(i % 2, tile);
            }
            global const float *from = a + m * a_row + first * a_column;
            if (direct)
                MULTIPLY(acc, from, a_row, a_column, valid, count, (b + j), b_row);
            else
                MULTIPLY(acc, from, a_row, a_column, valid, count, panel, TILE_COLUMNS);
#pragma unroll
            for (int i = 0; i < 2 * TILE_ROWS; i++)
                vstore16(acc[i], i, tile);
            if (last)
                activate_all(activation, alpha, tile, valid * TILE_COLUMNS);
            for (int i = 0; i < valid; i++)
                for (int e = 0; e < columns; e++)
                    c[(size_t)(m + i) * J + j + e] = tile[i * TILE_COLUMNS + e];
        }
        if (direct)
            break;
    }
}
