/* matmul_tiled.cl: matrix products for GPUs, whose factors may be seen through a window: dense
 * layers and convolutions, every pass.
 *
 *     C[m, j] = f( bias + sum over l of A[m, l] B[l, j] ),  f(v) = v, or max(v, 0) with `relu`
 *
 * m is one number; j = (j0, j1, j2) and l = (l0, l1, l2) are three each, and every number has its
 * stride in each of the tensors, so that element (l, j) of B lies at l0 b_l0 + l1 b_l1 + l2 b_l2 +
 * j0 b_j0 + ... Pixel (n, p, q) seen through tap (c, r, s) is such an element, of an input that is
 * padded already.
 *
 * A group of THREADS work-items, in one dimension, computes TILE_M x TILE_J elements, a work-item
 * ROW_VALUES x COLUMN_VALUES of them in registers. SLICE values of l at a time lie in local memory,
 * twice: one slice is multiplied while the next one comes from global memory by way of registers.
 * A work-item fetches the same row of every slice, so its place in l is counted on, not divided.
 * Each element's sum runs over l in order. A long sum may be split into parts, which then lie
 * c_part apart and are added up in order by matmul_tiled_add_parts.
 *
 * get_group_id(0) = tile, rows first; get_group_id(1) = part, and above it the convolution's group.
 */

#ifndef ROWS
#define ROWS 16 /* of work-items in a group */
#define COLUMNS 16
#define ROW_VALUES 8 /* of a work-item, whole float4 */
#define COLUMN_VALUES 8
#define A_ALONG_L 1 /* neighbouring work-items fetch neighbours in l, or in m */
#define B_ALONG_L 0 /* in l, or in j */
#endif

#define SLICE 8
#define THREADS (ROWS * COLUMNS)
#define TILE_M (ROWS * ROW_VALUES)
#define TILE_J (COLUMNS * COLUMN_VALUES)
#define ROW_CHUNKS (ROW_VALUES / 4)
#define COLUMN_CHUNKS (COLUMN_VALUES / 4)

/* Work-items that fetch one row of a slice, and the values of a row for each of them. */
#define LANES (THREADS / SLICE)
#define A_LOADS (TILE_M / LANES)
#define B_LOADS (TILE_J / LANES)

/* In float4. The one that is added spreads neighbours in l over the banks. */
#define A_PITCH (TILE_M / 4 + 1)
#define B_PITCH (TILE_J / 4 + 1)

/* A place in l: its last two numbers, and what all three add to an index. */
typedef struct walk {
    int l1, l2, at;
} walk;

walk walk_from(int l, int L1, int L2, int stride0, int stride1, int stride2) {
    walk w = {l / L2 % L1, l % L2, 0};
    w.at = l / L2 / L1 * stride0 + w.l1 * stride1 + w.l2 * stride2;
    return w;
}

/* SLICE further, which is step0, step1, step2 in its three numbers. */
walk walk_on(walk w, int L1, int L2, int step0, int step1, int step2, int stride0, int stride1,
             int stride2) {
    w.l1 += step1;
    w.l2 += step2;
    w.at += step0 * stride0 + step1 * stride1 + step2 * stride2;
    if (w.l2 >= L2) {
        w.l2 -= L2;
        w.l1 += 1;
        w.at += stride1 - L2 * stride2;
    }
    if (w.l1 >= L1) {
        w.l1 -= L1;
        w.at += stride0 - L1 * stride1;
    }
    return w;
}

/* What j adds to an index. */
int place_of(int j, int J1, int J2, int stride0, int stride1, int stride2) {
    return j / J2 / J1 * stride0 + j / J2 % J1 * stride1 + j % J2 * stride2;
}

/* The next slice's values of a work-item. Where its row is behind the end of l it fetches what is not
 * used. */
#define FETCH(values, count, from, places, at, is_inside)                                          \
    _Pragma("unroll") for (int i = 0; i < count; i++) values[i] =                                  \
        from[is_inside ? places[i] + at : 0]

/* Into local memory; zeros behind the end of l. */
#define KEEP(values, count, tile, slice, pitch, row, lane, is_inside)                              \
    _Pragma("unroll") for (int i = 0; i < count; i++)((local float *)(tile))                       \
        [((slice) % 2 * SLICE + row) * pitch * 4 + lane + i * LANES] = is_inside ? values[i] : 0.0f

/* A row of the work-item's tile. */
#define MULTIPLY_ROW(row, value)                                                                   \
    _Pragma("unroll") for (int j = 0; j < COLUMN_CHUNKS; j++) acc[(row)*COLUMN_CHUNKS + j] =       \
        fma((float4)(value), right[j], acc[(row)*COLUMN_CHUNKS + j])

/* A column of it. */
#define STORE_COLUMN(chunk, e, component)                                                          \
    do {                                                                                           \
        const int j = first_j + ((chunk)*COLUMNS + column) * 4 + e;                                \
        const int to = place_of(j, J1, J2, c_j0, c_j1, c_j2);                                      \
        _Pragma("unroll") for (int i = 0; i < ROW_VALUES; i++) {                                   \
            const int m = first_m + (i / 4 * ROWS + row) * 4 + i % 4;                              \
            float v = acc[i * COLUMN_CHUNKS + (chunk)].component;                                  \
            if (m < M && j < J) {                                                                  \
                if (has_bias)                                                                      \
                    v += bias[m * bias_m + j * bias_j];                                            \
                c[m * c_m + to] = relu && v < 0.0f ? 0.0f : v; /* NaN stays */                  \
            }                                                                                      \
        }                                                                                          \
    } while (0)

kernel __attribute__((reqd_work_group_size(THREADS, 1, 1))) void
matmul_tiled(global float *restrict c, const ulong c_offset, global const float *restrict a,
             const ulong a_offset, global const float *restrict b, const ulong b_offset,
             global const float *restrict bias, const ulong bias_offset, const int has_bias,
             const int relu, const int M, const int J0, const int J1, const int J2, const int L0,
             const int L1, const int L2, const int parts, const int part_slices,
             const int tiles_m, const ulong a_group, const ulong b_group,
             const ulong c_group, const ulong c_part, const int bias_group, const int bias_m,
             const int bias_j, const int a_m, const int a_l0, const int a_l1, const int a_l2,
             const int b_l0, const int b_l1, const int b_l2, const int b_j0, const int b_j1,
             const int b_j2, const int c_m, const int c_j0, const int c_j1, const int c_j2) {
    local float4 a_tile[2 * SLICE * A_PITCH], b_tile[2 * SLICE * B_PITCH];
    const int me = get_local_id(0), column = me % COLUMNS, row = me / COLUMNS;
    const int first_m = get_group_id(0) % tiles_m * TILE_M;
    const int first_j = get_group_id(0) / tiles_m * TILE_J;
    const int part = get_group_id(1) % parts, group = get_group_id(1) / parts;
    const int J = J0 * J1 * J2, first = part * part_slices * SLICE;
    const int length = min(L0 * L1 * L2 - first, part_slices * SLICE); /* of the part's sum */
    a += a_offset + group * a_group;
    b += b_offset + group * b_group;
    c += c_offset + group * c_group + part * c_part;
    bias += bias_offset + group * bias_group;

    /* What this work-item fetches: row `a_row` of a slice, every LANES-th value from a_lane on. */
    const int a_row = A_ALONG_L ? me % SLICE : me / LANES;
    const int a_lane = A_ALONG_L ? me / SLICE : me % LANES;
    const int b_row = B_ALONG_L ? me % SLICE : me / LANES;
    const int b_lane = B_ALONG_L ? me / SLICE : me % LANES;
    int a_places[A_LOADS], b_places[B_LOADS];
    float a_values[A_LOADS], b_values[B_LOADS];
    /* Rows and columns behind the last repeat it: they are never stored. */
#pragma unroll
    for (int i = 0; i < A_LOADS; i++)
        a_places[i] = min(first_m + a_lane + i * LANES, M - 1) * a_m;
#pragma unroll
    for (int i = 0; i < B_LOADS; i++)
        b_places[i] = place_of(min(first_j + b_lane + i * LANES, J - 1), J1, J2, b_j0, b_j1, b_j2);
    walk a_at = walk_from(first + a_row, L1, L2, a_l0, a_l1, a_l2);
    walk b_at = walk_from(first + b_row, L1, L2, b_l0, b_l1, b_l2);
    const int step2 = SLICE % L2, step1 = SLICE / L2 % L1, step0 = SLICE / L2 / L1;

    float4 acc[ROW_VALUES * COLUMN_CHUNKS];
#pragma unroll
    for (int i = 0; i < ROW_VALUES * COLUMN_CHUNKS; i++)
        acc[i] = 0.0f;
    FETCH(a_values, A_LOADS, a, a_places, a_at.at, a_row < length);
    FETCH(b_values, B_LOADS, b, b_places, b_at.at, b_row < length);
    KEEP(a_values, A_LOADS, a_tile, 0, A_PITCH, a_row, a_lane, a_row < length);
    KEEP(b_values, B_LOADS, b_tile, 0, B_PITCH, b_row, b_lane, b_row < length);
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int slice = 0; slice * SLICE < length; slice++) {
        const int rest = length - (slice + 1) * SLICE; /* of the sum, behind this slice */
        a_at = walk_on(a_at, L1, L2, step0, step1, step2, a_l0, a_l1, a_l2);
        b_at = walk_on(b_at, L1, L2, step0, step1, step2, b_l0, b_l1, b_l2);
        FETCH(a_values, A_LOADS, a, a_places, a_at.at, a_row < rest);
        FETCH(b_values, B_LOADS, b, b_places, b_at.at, b_row < rest);
        local const float4 *a_from = a_tile + slice % 2 * SLICE * A_PITCH + row;
        local const float4 *b_from = b_tile + slice % 2 * SLICE * B_PITCH + column;
#pragma unroll
        for (int l = 0; l < SLICE; l++) {
            float4 right[COLUMN_CHUNKS];
#pragma unroll
            for (int j = 0; j < COLUMN_CHUNKS; j++)
                right[j] = b_from[l * B_PITCH + j * COLUMNS];
#pragma unroll
            for (int i = 0; i < ROW_CHUNKS; i++) {
                const float4 left = a_from[l * A_PITCH + i * ROWS];
                MULTIPLY_ROW(4 * i, left.x);
                MULTIPLY_ROW(4 * i + 1, left.y);
                MULTIPLY_ROW(4 * i + 2, left.z);
                MULTIPLY_ROW(4 * i + 3, left.w);
            }
        }
        KEEP(a_values, A_LOADS, a_tile, slice + 1, A_PITCH, a_row, a_lane, a_row < rest);
        KEEP(b_values, B_LOADS, b_tile, slice + 1, B_PITCH, b_row, b_lane, b_row < rest);
        barrier(CLK_LOCAL_MEM_FENCE);
    }
#pragma unroll
    for (int chunk = 0; chunk < COLUMN_CHUNKS; chunk++) {
        STORE_COLUMN(chunk, 0, x);
        STORE_COLUMN(chunk, 1, y);
        STORE_COLUMN(chunk, 2, z);
        STORE_COLUMN(chunk, 3, w);
    }
}

/* c[i] = sum over parts of sums[part, i]. One-dimensional, one work-item an element. */
kernel void matmul_tiled_add_parts(global float *restrict c, const ulong c_offset,
                                   global const float *restrict sums, const ulong sums_offset,
                                   const int count, const int parts) {
    const int i = get_global_id(0);
    if (i >= count)
        return;
    float sum = 0.0f;
    sums += sums_offset + i;
    for (int part = 0; part < parts; part++)
        sum += sums[(size_t)part * count];
    c[c_offset + i] = sum;
}
