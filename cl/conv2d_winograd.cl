/* conv2d_winograd.cl: 3x3 and 5x5 convolutions with fewer multiplications, for CPU devices.
 *
 * Winograd's minimal filtering F(OUT x OUT, TAPS x TAPS) as Lavin and Gray (2016, "Fast Algorithms for
 * Convolutional Neural Networks") apply it:
 *
 *     Y = A^T [ sum over c of (G g G^T) * (B^T d B) ] A
 *
 * d are tiles of PIXELS x PIXELS that overlap, Y their OUT x OUT outputs, * is element by element:
 * SIDE^2 matrix products over c, one for each element, instead of TAPS^2 OUT^2.
 *
 *     F(2,3)  of 4 products saves 2.25 times in two dimensions, and is exact for small integers
 *     F(4,3)  of 6 saves 4, and rounds about ten times as much
 *     F(4,5)  of 11 saves 3.3, and is exact for small integers: even and odd taps are filters of their own,
 *             of which Karatsuba's trick needs three products, F(2,3) twice and F(2,2) (fast FIR
 *             algorithms: Mou and Duhamel 1987, "Fast FIR filtering")
 *
 * Tiles are counted through all images and lie in blocks of 32, filters in eights. One work-item a
 * group; each sum has one order, whatever the number of cores.
 */

#define PIXELS (OUT + TAPS - 1)
#if TAPS == 5
#define SIDE 11
#else
#define SIDE PIXELS
#endif
#define AREA (SIDE * SIDE)
/* For the loops over a tile's rows or columns: a large tile's take a second to compile when unrolled, and
 * are no faster. */
#if TAPS == 5
#define UNROLL_SMALL _Pragma("unroll 1")
#else
#define UNROLL_SMALL _Pragma("unroll")
#endif
#define TILE_FILTERS 8
#define BLOCK 32 /* tiles */
/* Floats between the arrays of two elements, whose length is often a multiple of 4096 bytes: a tile's
 * elements would then compete for the same few places of the caches. */
#define GAP 32
#define GROUP_FILTERS 16 /* whose products wait in a core's cache to become outputs */
#define GROUP_EIGHTS (GROUP_FILTERS / TILE_FILTERS)
#define M_ELEMENT (GROUP_FILTERS * BLOCK + GAP)

/* ---- the transforms, along one axis ---------------------------------------------------------- */

/* F(2,3) and F(2,2): B^T, G and A^T; and A and G^T, for the weight gradient. */
#define INPUT_3(to, s, d0, d1, d2, d3)                                                             \
    to[0] = (d0) - (d2), to[s] = (d1) + (d2), to[2 * s] = (d2) - (d1), to[3 * s] = (d1) - (d3)
#define INPUT_2(to, s, d0, d1, d2) to[0] = (d0) - (d1), to[s] = d1, to[2 * s] = (d1) - (d2)
#define FILTER_3(to, s, a, b, c)                                                                   \
    to[0] = a, to[s] = 0.5f * ((a) + (b) + (c)), to[2 * s] = 0.5f * ((a) - (b) + (c)), to[3 * s] = c
#define FILTER_2(to, s, a, b) to[0] = a, to[s] = (a) + (b), to[2 * s] = b
#define FIRST_3(m, s) (m[0] + m[s] + m[2 * s])
#define SECOND_3(m, s) (m[s] - m[2 * s] - m[3 * s])
#define FIRST_2(m, s) (m[0] + m[s])
#define SECOND_2(m, s) (m[s] - m[2 * s])
#define SPREAD_3(to, s, a, b)                                                                      \
    to[0] = a, to[s] = (a) + (b), to[2 * s] = (a) - (b), to[3 * s] = -(b)
#define SPREAD_2(to, s, a, b) to[0] = a, to[s] = (a) + (b), to[2 * s] = -(b)
#define TAP_0_3(u, s) (u[0] + 0.5f * (u[s] + u[2 * s]))
#define TAP_1_3(u, s) (0.5f * (u[s] - u[2 * s]))
#define TAP_2_3(u, s) (0.5f * (u[s] + u[2 * s]) + u[3 * s])
#define TAP_0_2(u, s) (u[0] + u[s])
#define TAP_1_2(u, s) (u[s] + u[2 * s])

/* to[i * ts] = B^T, G, A^T, A, G^T of from[i * fs]. */
#if OUT == 2
#define TRANSFORM_INPUT(to, ts, from, fs)                                                          \
    INPUT_3(to, ts, from[0], from[fs], from[2 * fs], from[3 * fs])
#define TRANSFORM_FILTER(to, ts, from, fs) FILTER_3(to, ts, from[0], from[fs], from[2 * fs])
#define TRANSFORM_OUTPUT(to, ts, from, fs) to[0] = FIRST_3(from, fs), to[ts] = SECOND_3(from, fs)
#define SPREAD_OUTPUT(to, ts, from, fs) SPREAD_3(to, ts, from[0], from[fs])
#define GATHER_FILTER(to, ts, from, fs)                                                            \
    to[0] = TAP_0_3(from, fs), to[ts] = TAP_1_3(from, fs), to[2 * ts] = TAP_2_3(from, fs)
#elif TAPS == 5
#define EVEN(from, fs, i) from[2 * (i) * fs]
#define ODD(from, fs, i) from[(2 * (i) + 1) * fs]
#define BEHIND(to, ts, i) (to + (i) * ts)
#define TRANSFORM_INPUT(to, ts, from, fs)                                                          \
    INPUT_3(to, ts, EVEN(from, fs, 0) - ODD(from, fs, 0), EVEN(from, fs, 1) - ODD(from, fs, 1),    \
            EVEN(from, fs, 2) - ODD(from, fs, 2), EVEN(from, fs, 3) - ODD(from, fs, 3)),           \
        INPUT_3(BEHIND(to, ts, 4), ts, ODD(from, fs, 0), ODD(from, fs, 1), ODD(from, fs, 2),       \
                ODD(from, fs, 3)),                                                                 \
        INPUT_2(BEHIND(to, ts, 8), ts, EVEN(from, fs, 1) - ODD(from, fs, 0),                       \
                EVEN(from, fs, 2) - ODD(from, fs, 1), EVEN(from, fs, 3) - ODD(from, fs, 2))
#define TRANSFORM_FILTER(to, ts, from, fs)                                                         \
    FILTER_3(to, ts, from[0], from[2 * fs], from[4 * fs]),                                         \
        FILTER_3(BEHIND(to, ts, 4), ts, from[0] + from[fs], from[2 * fs] + from[3 * fs],           \
                 from[4 * fs]),                                                                    \
        FILTER_2(BEHIND(to, ts, 8), ts, from[fs], from[3 * fs])
#define TRANSFORM_OUTPUT(to, ts, from, fs)                                                         \
    to[0] = FIRST_3(from, fs) + FIRST_3(BEHIND(from, fs, 4), fs),                                  \
    to[ts] = FIRST_3(BEHIND(from, fs, 4), fs) + FIRST_2(BEHIND(from, fs, 8), fs),                  \
    to[2 * ts] = SECOND_3(from, fs) + SECOND_3(BEHIND(from, fs, 4), fs),                           \
    to[3 * ts] = SECOND_3(BEHIND(from, fs, 4), fs) + SECOND_2(BEHIND(from, fs, 8), fs)
#define SPREAD_OUTPUT(to, ts, from, fs)                                                            \
    SPREAD_3(to, ts, from[0], from[2 * fs]),                                                       \
        SPREAD_3(BEHIND(to, ts, 4), ts, from[0] + from[fs], from[2 * fs] + from[3 * fs]),          \
        SPREAD_2(BEHIND(to, ts, 8), ts, from[fs], from[3 * fs])
#define GATHER_FILTER(to, ts, from, fs)                                                            \
    to[0] = TAP_0_3(from, fs) + TAP_0_3(BEHIND(from, fs, 4), fs),                                  \
    to[ts] = TAP_0_3(BEHIND(from, fs, 4), fs) + TAP_0_2(BEHIND(from, fs, 8), fs),                  \
    to[2 * ts] = TAP_1_3(from, fs) + TAP_1_3(BEHIND(from, fs, 4), fs),                             \
    to[3 * ts] = TAP_1_3(BEHIND(from, fs, 4), fs) + TAP_1_2(BEHIND(from, fs, 8), fs),              \
    to[4 * ts] = TAP_2_3(from, fs) + TAP_2_3(BEHIND(from, fs, 4), fs)
#else
#define TRANSFORM_INPUT(to, ts, from, fs)                                                          \
    to[0] = 4 * from[0] - 5 * from[2 * fs] + from[4 * fs],                                         \
    to[ts] = from[4 * fs] + from[3 * fs] - 4 * (from[2 * fs] + from[fs]),                          \
    to[2 * ts] = from[4 * fs] - from[3 * fs] - 4 * (from[2 * fs] - from[fs]),                      \
    to[3 * ts] = from[4 * fs] - from[2 * fs] + 2 * (from[3 * fs] - from[fs]),                      \
    to[4 * ts] = from[4 * fs] - from[2 * fs] - 2 * (from[3 * fs] - from[fs]),                      \
    to[5 * ts] = 4 * from[fs] - 5 * from[3 * fs] + from[5 * fs]
#define TRANSFORM_FILTER(to, ts, from, fs)                                                         \
    to[0] = 0.25f * from[0], to[ts] = (from[0] + from[fs] + from[2 * fs]) * (-1.0f / 6),           \
    to[2 * ts] = (from[0] - from[fs] + from[2 * fs]) * (-1.0f / 6),                                \
    to[3 * ts] = (from[0] + 2 * from[fs] + 4 * from[2 * fs]) * (1.0f / 24),                        \
    to[4 * ts] = (from[0] - 2 * from[fs] + 4 * from[2 * fs]) * (1.0f / 24),                        \
    to[5 * ts] = from[2 * fs]
#define TRANSFORM_OUTPUT(to, ts, from, fs)                                                         \
    to[0] = from[0] + (from[fs] + from[2 * fs]) + (from[3 * fs] + from[4 * fs]),                   \
    to[ts] = (from[fs] - from[2 * fs]) + 2 * (from[3 * fs] - from[4 * fs]),                        \
    to[2 * ts] = (from[fs] + from[2 * fs]) + 4 * (from[3 * fs] + from[4 * fs]),                    \
    to[3 * ts] = (from[fs] - from[2 * fs]) + 8 * (from[3 * fs] - from[4 * fs]) + from[5 * fs]
#endif

/* ---- before ---------------------------------------------------------------------------------- */

/* packed[g, m / GROUP_FILTERS, i, eight, c, e]: element i of G g G^T of a filter of group g, zeros for
 * filters past the last of M. w is read at m * m_stride + c * c_stride, turned round if `turned`.
 * global[0] = channels of a group, [1] = eights, [2] = groups. */
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
conv2d_winograd_filters(global float *restrict packed, const ulong packed_offset,
                        global const float *restrict w, const ulong w_offset, const int M,
                        const int m_stride, const int c_stride, const int group_stride,
                        const int turned) {
    const int c = get_global_id(0), eight = get_global_id(1), g = get_global_id(2);
    const int C = get_global_size(0), eights = get_global_size(1);
    const int parts = (eights + GROUP_EIGHTS - 1) / GROUP_EIGHTS, part = eight / GROUP_EIGHTS;
    const size_t element = GROUP_FILTERS * C + GAP;
    global float *to = packed + packed_offset + ((size_t)g * parts + part) * AREA * element +
                       (eight % GROUP_EIGHTS * C + c) * TILE_FILTERS;
    w += w_offset + (size_t)g * group_stride + (size_t)c * c_stride;
    float filters[TAPS * TAPS][TILE_FILTERS];
    for (int e = 0; e < TILE_FILTERS; e++) {
        const int m = eight * TILE_FILTERS + e;
        for (int i = 0; i < TAPS * TAPS; i++)
            filters[i][e] =
                m < M ? w[(size_t)m * m_stride + (turned ? TAPS * TAPS - 1 - i : i)] : 0.0f;
    }
    float8 taps[TAPS * TAPS], rows[TAPS * SIDE], columns[SIDE];
#pragma unroll
    for (int i = 0; i < TAPS * TAPS; i++)
        taps[i] = vload8(0, filters[i]);
#pragma unroll
    for (int i = 0; i < TAPS; i++)
        TRANSFORM_FILTER((rows + i * SIDE), 1, (taps + i * TAPS), 1);
    for (int j = 0; j < SIDE; j++) {
        TRANSFORM_FILTER(columns, 1, (rows + j), SIDE);
#pragma unroll
        for (int i = 0; i < SIDE; i++)
            vstore8(columns[i], 0, to + (i * SIDE + j) * element);
    }
}

/* Tiles of one row of tiles, which are neighbours: up to RUN of them at a time, from number `tile` on. */
#define RUN 8
#define D_ROW (BLOCK + 16) /* room for what a run is too long */

typedef struct tile_run {
    int n, p, q, count;
} tile_run;

tile_run first_run(int tile, int end, int tiles_h, int tiles_w) {
    const int n = tile / (tiles_h * tiles_w), p = tile / tiles_w % tiles_h, q = tile % tiles_w;
    return (tile_run){n, p, q, min(RUN, min(tiles_w - q, end - tile))};
}

/* `left`: tiles from the next one on. */
tile_run next_run(tile_run r, int left, int tiles_h, int tiles_w) {
    r.q += r.count;
    if (r.q == tiles_w) {
        r.q = 0;
        if (++r.p == tiles_h) {
            r.p = 0;
            r.n++;
        }
    }
    r.count = min(RUN, min(tiles_w - r.q, left));
    return r;
}

/* d[j, 0 .. 7] = pixel j of eight tiles side by side: every OUT-th of a row. */
void gather_row(float *d, global const float *row) {
    const float16 low = vload16(0, row);
#if OUT == 2
    vstore8(low.even, 0, d);
    vstore8(low.odd, 0, d + D_ROW);
#else
    const float16 high = vload16(1, row);
    vstore8((float8)(low.s048c, high.s048c), 0, d);
    vstore8((float8)(low.s159d, high.s159d), 0, d + D_ROW);
    vstore8((float8)(low.s26ae, high.s26ae), 0, d + 2 * D_ROW);
    vstore8((float8)(low.s37bf, high.s37bf), 0, d + 3 * D_ROW);
#endif
}

/* d[i * PIXELS + j, 0 .. count-1] = pixel (i, j) of `count` tiles side by side, the first of them at
 * `from`. Lanes beyond `count`, and up to OUT rows of d beyond the last, hold what follows; `inside` is
 * whether that may be read. */
void gather_tiles(float *d, global const float *from, int count, int W, bool inside) {
    for (int i = 0; inside && i < PIXELS; i++)
        for (int j = 0; j < PIXELS; j += OUT)
            gather_row(d + (i * PIXELS + j) * D_ROW, from + i * W + j);
    for (int i = 0; !inside && i < PIXELS; i++)
        for (int j = 0; j < PIXELS; j++)
            for (int e = 0; e < count; e++)
                d[(i * PIXELS + j) * D_ROW + e] = from[i * W + j + e * OUT];
}

/* to[i * element + lane]: element i of B^T d B of tile 32 block + lane in channel c, zeros where there is
 * none. x (N, C, H, W) is padded so that every tile, the last ones too, lies in it. */
void transform_input(float *to, int element, global const float *x, int block, int c, int tiles,
                     int tiles_h, int tiles_w, int H, int W, int N, int C) {
    const int first = block * BLOCK, count = min(BLOCK, tiles - first);
    const size_t end = (size_t)N * C * H * W;
    float d[(PIXELS * PIXELS + OUT) * D_ROW];
    tile_run r = first_run(first, first + count, tiles_h, tiles_w);
    for (int lane = 0; lane < count; lane += r.count, r = next_run(r, count - lane, tiles_h, tiles_w)) {
        const size_t at = (((size_t)r.n * C + c) * H + r.p * OUT) * W + r.q * OUT;
        gather_tiles(d + lane, x + at, r.count, W,
                     at + (PIXELS - 1) * W + (RUN + 1) * OUT <= end);
    }
    for (int lane = count; lane < BLOCK; lane++)
        for (int i = 0; i < PIXELS * PIXELS; i++)
            d[i * D_ROW + lane] = 0.0f;
    for (int part = 0; part < 2; part++) {
        float16 half_way[SIDE * PIXELS];
UNROLL_SMALL
        for (int j = 0; j < PIXELS; j++) {
            float16 in[PIXELS];
#pragma unroll
            for (int i = 0; i < PIXELS; i++)
                in[i] = vload16(0, d + (i * PIXELS + j) * D_ROW + 16 * part);
            TRANSFORM_INPUT((half_way + j), PIXELS, in, 1);
        }
UNROLL_SMALL
        for (int i = 0; i < SIDE; i++) {
            float16 done[SIDE];
            TRANSFORM_INPUT(done, 1, (half_way + i * PIXELS), 1);
#pragma unroll
            for (int j = 0; j < SIDE; j++)
                STORE16(private, done[j], to + (i * SIDE + j) * element + 16 * part);
        }
    }
}

/* v[block, i, c, lane] of blocks from `first_block` on. global[0] = blocks, [1] = C. */
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
conv2d_winograd_input(global float *restrict v, const ulong v_offset,
                      global const float *restrict x, const ulong x_offset, const int first_block,
                      const int tiles, const int tiles_h, const int tiles_w, const int H,
                      const int W, const int N) {
    const int block = get_global_id(0), c = get_global_id(1), C = get_global_size(1);
    const size_t element = (size_t)C * BLOCK + GAP;
    float done[AREA * BLOCK];
    transform_input(done, BLOCK, x + x_offset, first_block + block, c, tiles, tiles_h, tiles_w, H,
                    W, N, C);
    global float *to = v + v_offset + block * AREA * element + (size_t)c * BLOCK;
    for (int i = 0; i < AREA; i++)
        for (int part = 0; part < 2; part++)
            STORE16(global, vload16(2 * i + part, done), to + i * element + 16 * part);
}

/* ---- the products, and behind them ----------------------------------------------------------- */

/* m[filter, lane] = sum over the C channels of packed[eight, c, filter] v[c, lane]. */
void multiply(float *m, global const float *packed, global const float *v, int eights, int C) {
    for (int eight = 0; eight < eights; eight++, packed += (size_t)C * TILE_FILTERS) {
        float16 acc[2 * TILE_FILTERS];
#pragma unroll
        for (int e = 0; e < 2 * TILE_FILTERS; e++)
            acc[e] = 0.0f;
        for (int t = 0; t < C; t++) {
            const float16 low = vload16(2 * t, v), high = vload16(2 * t + 1, v);
#pragma unroll
            for (int e = 0; e < TILE_FILTERS; e++) {
                const float16 weight = (float16)packed[t * TILE_FILTERS + e];
                acc[2 * e] = fma(weight, low, acc[2 * e]);
                acc[2 * e + 1] = fma(weight, high, acc[2 * e + 1]);
            }
        }
#pragma unroll
        for (int e = 0; e < 2 * TILE_FILTERS; e++)
            STORE16(private, acc[e], m + (eight * 2 * TILE_FILTERS + e) * 16);
    }
}

/* d[i * OUT + j, lane] = start + A^T m A of 32 tiles. */
void transform_output(float *d, const float *m, float start) {
    for (int part = 0; part < 2; part++) {
        float16 half_way[OUT * SIDE];
UNROLL_SMALL
        for (int j = 0; j < SIDE; j++) {
            float16 in[SIDE];
#pragma unroll
            for (int i = 0; i < SIDE; i++)
                in[i] = vload16(part, m + (i * SIDE + j) * M_ELEMENT);
            TRANSFORM_OUTPUT((half_way + j), SIDE, in, 1);
        }
UNROLL_SMALL
        for (int i = 0; i < OUT; i++) {
            float16 done[OUT];
            TRANSFORM_OUTPUT(done, 1, (half_way + i * SIDE), 1);
#pragma unroll
            for (int j = 0; j < OUT; j++)
                STORE16(private, done[j] + start, d + (i * OUT + j) * BLOCK + 16 * part);
        }
    }
}

/* to[0 .. width-1]: a row of the outputs of some tiles side by side, whose column j is d[j][0 .. ]. */
void scatter_row(global float *to, const float *d, int width) {
    float row[OUT * RUN];
    float16 pixels;
#if OUT == 2
    pixels.even = vload8(0, d);
    pixels.odd = vload8(0, d + BLOCK);
    STORE16(private, pixels, row);
#else
#pragma unroll
    for (int i = 0; i < 2; i++) {
        pixels.s048c = vload4(i, d);
        pixels.s159d = vload4(i, d + BLOCK);
        pixels.s26ae = vload4(i, d + 2 * BLOCK);
        pixels.s37bf = vload4(i, d + 3 * BLOCK);
        STORE16(private, pixels, row + 16 * i);
    }
#endif
    int at = 0;
    for (; at + 16 <= width; at += 16)
        STORE16(global, vload16(0, row + at), to + at);
    for (; at + 4 <= width; at += 4)
        vstore4(vload4(0, row + at), 0, to + at);
    for (; at < width; at++)
        to[at] = row[at];
}

/* y[n,k,p,q] = f( b[k] + A^T [ sum over the CG channels of a group of packed v ] A ).
 * global[0] = parts of GROUP_FILTERS of a group's KG filters, [1] = groups, [2] = blocks from `first_block`
 * on. */
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
conv2d_winograd_output(global float *restrict y, const ulong y_offset,
                       global const float *restrict packed, const ulong packed_offset,
                       global const float *restrict v, const ulong v_offset,
                       global const float *restrict b, const ulong b_offset, const int has_bias,
                       const int activation, const float alpha, const int first_block,
                       const int tiles, const int tiles_h, const int tiles_w, const int CG,
                       const int KG, const int P, const int Q) {
    const int part = get_global_id(0), g = get_global_id(1), block = get_global_id(2);
    const int parts = get_global_size(0), groups = get_global_size(1);
    const int first_filter = part * GROUP_FILTERS, filters = min(GROUP_FILTERS, KG - first_filter);
    const int first = (first_block + block) * BLOCK, count = min(BLOCK, tiles - first);
    const size_t filter_element = GROUP_FILTERS * CG + GAP;
    const size_t input_element = (size_t)groups * CG * BLOCK + GAP;
    float m[AREA * M_ELEMENT], d[OUT * OUT * BLOCK + RUN];
    packed += packed_offset + ((size_t)g * parts + part) * AREA * filter_element;
    v += v_offset + block * AREA * input_element + (size_t)g * CG * BLOCK;
    for (int i = 0; i < AREA; i++)
        multiply(m + i * M_ELEMENT, packed + i * filter_element, v + i * input_element,
                 (filters + TILE_FILTERS - 1) / TILE_FILTERS, CG);
    for (int e = 0; e < filters; e++) {
        const int k = g * KG + first_filter + e;
        transform_output(d, m + e * BLOCK, has_bias ? b[b_offset + k] : 0.0f);
        activate_all(activation, alpha, d, OUT * OUT * BLOCK);
        tile_run r = first_run(first, first + count, tiles_h, tiles_w);
        for (int lane = 0; lane < count;
             lane += r.count, r = next_run(r, count - lane, tiles_h, tiles_w)) {
            const int p = r.p * OUT, q = r.q * OUT;
            global float *to =
                y + y_offset + (((size_t)r.n * groups * KG + k) * P + p) * Q + q;
            for (int i = 0; i < min(OUT, P - p); i++)
                scatter_row(to + i * Q, d + i * OUT * BLOCK + lane, min(r.count * OUT, Q - q));
        }
    }
}

/* ---- the weight gradient --------------------------------------------------------------------- */

/* The transposed algorithm: dg = G^T [ sum over tiles of (A dY A^T) * (B^T d B) ] G, whose products are
 * SIDE^2 matrix products over the tiles. Channels lie in the lanes of vectors. */
#if OUT == 2 || TAPS == 5

#define LANES 16
#define CHANNELS 32 /* of a panel */
#define U_ELEMENT(panels) ((size_t)(panels)*GROUP_FILTERS * CHANNELS + GAP)
#define V_ELEMENT(panels) ((size_t)(panels)*BLOCK * CHANNELS + GAP)

/* Sixteen vectors turned into their lanes. Four times, each vector is shuffled with the one eight behind. */
void transpose(float16 *vectors) {
    float16 other[LANES];
#pragma unroll
    for (int round = 0; round < 4; round++) {
#pragma unroll
        for (int i = 0; i < LANES / 2; i++) {
            other[2 * i].even = vectors[i].lo;
            other[2 * i].odd = vectors[i + LANES / 2].lo;
            other[2 * i + 1].even = vectors[i].hi;
            other[2 * i + 1].odd = vectors[i + LANES / 2].hi;
        }
#pragma unroll
        for (int i = 0; i < LANES; i++)
            vectors[i] = other[i];
    }
}

/* v[block, i, g, panel, tile, channel] of blocks from `first_block` on, half a panel of channels a work-item;
 * zeros for channels past the last of a group's CG. global[0] = blocks, [1] = halves of a group's panels,
 * [2] = groups. */
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
conv2d_winograd_panels(global float *restrict v, const ulong v_offset,
                       global const float *restrict x, const ulong x_offset, const int first_block,
                       const int tiles, const int tiles_h, const int tiles_w, const int H,
                       const int W, const int N, const int CG) {
    const int block = get_global_id(0), half_panel = get_global_id(1), g = get_global_id(2);
    const int panels = get_global_size(1) / 2, groups = get_global_size(2);
    const int first = half_panel * LANES;
    const size_t element = V_ELEMENT(groups * panels);
    float done[AREA * M_ELEMENT];
    for (int e = 0; e < LANES; e++)
        if (first + e < CG)
            transform_input(done + e * BLOCK, M_ELEMENT, x + x_offset, first_block + block,
                            g * CG + first + e, tiles, tiles_h, tiles_w, H, W, N, groups * CG);
        else
            for (int i = 0; i < AREA; i++)
                for (int lane = 0; lane < BLOCK; lane++)
                    done[i * M_ELEMENT + e * BLOCK + lane] = 0.0f;
    v += v_offset + block * AREA * element + (size_t)g * panels * BLOCK * CHANNELS +
         half_panel / 2 * BLOCK * CHANNELS + half_panel % 2 * LANES;
    for (int i = 0; i < AREA; i++, v += element)
        for (int part = 0; part < 2; part++) {
            float16 vectors[LANES];
#pragma unroll
            for (int e = 0; e < LANES; e++)
                vectors[e] = vload16(2 * e + part, done + i * M_ELEMENT);
            transpose(vectors);
#pragma unroll
            for (int e = 0; e < LANES; e++)
                STORE16(global, vectors[e], v + (part * LANES + e) * CHANNELS);
        }
}

/* d[i * OUT + j, 0 .. count-1] = pixel (i, j) of the outputs of `count` tiles side by side, zeros past the
 * plane's edge, which `width` and `height` pixels are away from the first. Lanes beyond `count` hold what
 * follows; `inside` is whether that may be read. */
void gather_outputs(float *d, global const float *from, int count, int width, int height, int Q,
                    bool inside) {
    const int last = count - 1, there = min(OUT, width - last * OUT); /* columns of the last tile */
    for (int i = 0; i < OUT; i++, d += OUT * D_ROW) {
        if (i < height && inside)
            gather_row(d, from + i * Q);
        else
            for (int j = 0; j < OUT; j++)
                for (int e = 0; e < count; e++)
                    d[j * D_ROW + e] =
                        i < height && OUT * e + j < width ? from[i * Q + OUT * e + j] : 0.0f;
        for (int j = there; j < OUT; j++)
            d[j * D_ROW + last] = 0.0f;
    }
}

/* m[i * M_ELEMENT + lane]: element i of A dY A^T of tile 32 block + lane of filter k of K; zeros without a
 * tile. */
void spread_outputs(float *m, global const float *dy, int block, int k, int tiles, int tiles_h,
                    int tiles_w, int P, int Q, int N, int K) {
    const int first = block * BLOCK, count = min(BLOCK, tiles - first);
    const size_t end = (size_t)N * K * P * Q;
    float d[OUT * OUT * D_ROW];
    tile_run r = first_run(first, first + count, tiles_h, tiles_w);
    for (int lane = 0; lane < count; lane += r.count, r = next_run(r, count - lane, tiles_h, tiles_w)) {
        const int p = r.p * OUT, q = r.q * OUT;
        const size_t at = (((size_t)r.n * K + k) * P + p) * Q + q;
        gather_outputs(d + lane, dy + at, r.count, Q - q, P - p, Q,
                       at + (OUT - 1) * Q + RUN * OUT <= end);
    }
    for (int lane = count; lane < BLOCK; lane++)
        for (int i = 0; i < OUT * OUT; i++)
            d[i * D_ROW + lane] = 0.0f;
    for (int part = 0; part < 2; part++) {
        float16 half_way[SIDE * OUT];
UNROLL_SMALL
        for (int j = 0; j < OUT; j++) {
            float16 in[OUT];
#pragma unroll
            for (int i = 0; i < OUT; i++)
                in[i] = vload16(0, d + (i * OUT + j) * D_ROW + 16 * part);
            SPREAD_OUTPUT((half_way + j), OUT, in, 1);
        }
UNROLL_SMALL
        for (int i = 0; i < SIDE; i++) {
            float16 done[SIDE];
            SPREAD_OUTPUT(done, 1, (half_way + i * OUT), 1);
#pragma unroll
            for (int j = 0; j < SIDE; j++)
                STORE16(private, done[j], m + (i * SIDE + j) * M_ELEMENT + 16 * part);
        }
    }
}

/* u[filter, channel] of a panel, or with `add` more: the sum over 32 tiles of m[filter, tile]
 * v[tile, channel]. */
void multiply_tiles(global float *u, const float *m, global const float *v, int eights, bool add) {
    for (int eight = 0; eight < eights; eight++) {
        float16 acc[2 * TILE_FILTERS];
#pragma unroll
        for (int e = 0; e < 2 * TILE_FILTERS; e++)
            acc[e] = add ? vload16(e, u) : 0.0f;
        for (int t = 0; t < BLOCK; t++) {
            const float16 low = vload16(2 * t, v), high = vload16(2 * t + 1, v);
#pragma unroll
            for (int e = 0; e < TILE_FILTERS; e++) {
                const float16 slope = (float16)m[e * BLOCK + t];
                acc[2 * e] = fma(slope, low, acc[2 * e]);
                acc[2 * e + 1] = fma(slope, high, acc[2 * e + 1]);
            }
        }
#pragma unroll
        for (int e = 0; e < 2 * TILE_FILTERS; e++)
            STORE16(global, acc[e], u + 16 * e);
        u += TILE_FILTERS * CHANNELS;
        m += TILE_FILTERS * BLOCK;
    }
}

#define PART_PANELS 4 /* for which the filters' slopes are spread once */

/* u[g, part, i, panel, filter, channel], or with `add` more: the sum over `blocks` blocks of tiles, from
 * `first_block` on. global[0] = parts of GROUP_FILTERS of a group's KG filters, [1] = parts of a group's
 * `panels`, [2] = groups. */
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
conv2d_winograd_products(global float *restrict u, const ulong u_offset,
                         global const float *restrict dy, const ulong dy_offset,
                         global const float *restrict v, const ulong v_offset,
                         const int first_block, const int blocks, const int tiles,
                         const int tiles_h, const int tiles_w, const int P, const int Q,
                         const int N, const int KG, const int panels, const int add) {
    const int part = get_global_id(0), g = get_global_id(2);
    const int parts = get_global_size(0), groups = get_global_size(2);
    const int first_panel = get_global_id(1) * PART_PANELS;
    const int last_panel = min(first_panel + PART_PANELS, panels);
    const int first_filter = part * GROUP_FILTERS, filters = min(GROUP_FILTERS, KG - first_filter);
    const int eights = (filters + TILE_FILTERS - 1) / TILE_FILTERS;
    float m[AREA * M_ELEMENT];
    u += u_offset + ((size_t)g * parts + part) * AREA * U_ELEMENT(panels);
    v += v_offset + (size_t)g * panels * BLOCK * CHANNELS;
    for (int i = 0; filters < GROUP_FILTERS && i < AREA; i++) /* no filter */
        for (int e = filters * BLOCK; e < GROUP_FILTERS * BLOCK; e++)
            m[i * M_ELEMENT + e] = 0.0f;
    for (int block = 0; block < blocks; block++) {
        for (int e = 0; e < filters; e++)
            spread_outputs(m + e * BLOCK, dy + dy_offset, first_block + block,
                           g * KG + first_filter + e, tiles, tiles_h, tiles_w, P, Q, N,
                           groups * KG);
        for (int i = 0; i < AREA; i++, v += V_ELEMENT(groups * panels))
            for (int panel = first_panel; panel < last_panel; panel++)
                multiply_tiles(u + i * U_ELEMENT(panels) + panel * GROUP_FILTERS * CHANNELS,
                               m + i * M_ELEMENT, v + panel * BLOCK * CHANNELS, eights,
                               add || block > 0);
    }
}

/* dw[k,c] = G^T u[., k, c] G. global[0] = sixteens of a group's channels, [1] = KG, [2] = groups. */
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
conv2d_winograd_gradients(global float *restrict dw, const ulong dw_offset,
                          global const float *restrict u, const ulong u_offset, const int CG) {
    const int first = get_global_id(0) * LANES, k = get_global_id(1), g = get_global_id(2);
    const int KG = get_global_size(1), count = min(LANES, CG - first);
    const int parts = (KG + GROUP_FILTERS - 1) / GROUP_FILTERS;
    const int panels = (CG + CHANNELS - 1) / CHANNELS;
    float16 half_way[TAPS * SIDE], done[TAPS];
    float taps[TAPS * TAPS * LANES];
    u += u_offset + ((size_t)g * parts + k / GROUP_FILTERS) * AREA * U_ELEMENT(panels) +
         (first / CHANNELS * GROUP_FILTERS + k % GROUP_FILTERS) * CHANNELS + first % CHANNELS;
    for (int j = 0; j < SIDE; j++) {
        float16 in[SIDE];
#pragma unroll
        for (int i = 0; i < SIDE; i++)
            in[i] = vload16(0, u + (i * SIDE + j) * U_ELEMENT(panels));
        GATHER_FILTER((half_way + j), SIDE, in, 1);
    }
    for (int i = 0; i < TAPS; i++) {
        GATHER_FILTER(done, 1, (half_way + i * SIDE), 1);
#pragma unroll
        for (int j = 0; j < TAPS; j++)
            STORE16(private, done[j], taps + (i * TAPS + j) * LANES);
    }
    dw += dw_offset + ((size_t)(g * KG + k) * CG + first) * TAPS * TAPS;
    for (int e = 0; e < count; e++)
        for (int i = 0; i < TAPS * TAPS; i++)
            dw[e * TAPS * TAPS + i] = taps[i * LANES + e];
}

#endif
