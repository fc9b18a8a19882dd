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
 * Channels and filters lie in the lanes of vectors, 32 side by side (cl/conv2d_lanes.cl), so that the
 * transforms are sums of whole vectors. Tiles are counted through all images and lie in blocks of 32. One
 * work-item a group; each sum has one order, whatever the number of cores.
 */

#define PIXELS (OUT + TAPS - 1)
#if TAPS == 5
#define SIDE 11
#else
#define SIDE PIXELS
#endif
#define AREA (SIDE * SIDE)
/* Loops over a large tile's rows or columns take a second to compile when unrolled, and are no faster. */
#if TAPS == 5
#define UNROLL_SMALL _Pragma("unroll 1")
#else
#define UNROLL_SMALL _Pragma("unroll")
#endif
#define LANES 16
#define PANEL 32      /* channels, or filters, side by side */
#define BLOCK 32      /* tiles */
#define PART_TILES 16 /* whose products wait in a core's cache to become outputs */
#define ROWS 8 /* of sums in registers */
#define ALIGNED __attribute__((aligned(64)))
/* Floats between the arrays of two elements, whose length is often a multiple of 4096 bytes: a tile's
 * elements would then compete for the same few places of the caches. */
#define GAP 32
#define M_ELEMENT (PART_TILES * PANEL + GAP)
/* An element of the transformed input of a block lies in the order in which it is read. To be filtered:
 * [tile / ROWS][channel / LANES][tile % ROWS][channel % LANES], since ROWS tiles are read through all channels
 * at a time. For the weight gradient: [panel][tile][channel]. Otherwise nothing would fetch it ahead. */
#define INPUT_ELEMENT(panels) ((size_t)(panels)*BLOCK * PANEL + GAP)
#define INPUT_ROWS(panels) ((panels)*ROWS * PANEL)

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

#define TAP_VECTORS ((TAPS * TAPS + LANES - 1) / LANES)

/* packed[g, part, i, c, e]: element i of G g G^T of filter 32 part + e of group g in channel c, zeros for
 * filters past the last of M. w, of `count` floats, is read at g * group_stride + m * m_stride + c *
 * c_stride, turned round if `turned`. global[0] = channels of a group, [1] = parts of its filters, [2] =
 * groups. */
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
conv2d_winograd_filters(global float *restrict packed, const ulong packed_offset,
                        global const float *restrict w, const ulong w_offset, const ulong count,
                        const int M, const int m_stride, const int c_stride,
                        const int group_stride, const int turned) {
    const int c = get_global_id(0), part = get_global_id(1), g = get_global_id(2);
    const int C = get_global_size(0), parts = get_global_size(1);
    const size_t element = PANEL * C + GAP;
    packed += packed_offset + ((size_t)g * parts + part) * AREA * element + c * PANEL;
    w += w_offset;
    for (int e = 0; e < PANEL; e += LANES) {
        float16 read[TAP_VECTORS * LANES], taps[TAPS * TAPS], rows[TAPS * SIDE], columns[SIDE];
#pragma unroll
        for (int v = 0; v < TAP_VECTORS; v++) {
#pragma unroll
            for (int i = 0; i < LANES; i++) {
                const int m = part * PANEL + e + i;
                const size_t at = (size_t)g * group_stride + (size_t)m * m_stride +
                                  (size_t)c * c_stride + v * LANES;
                if (m >= M)
                    read[v * LANES + i] = 0.0f;
                else if (at + LANES <= count)
                    read[v * LANES + i] = vload16(0, w + at);
                else
                    read[v * LANES + i] = load_few(w + at, TAPS * TAPS - v * LANES);
            }
            transpose(read + v * LANES);
        }
#pragma unroll
        for (int i = 0; i < TAPS * TAPS; i++)
            taps[i] = turned ? read[TAPS * TAPS - 1 - i] : read[i];
#pragma unroll
        for (int i = 0; i < TAPS; i++)
            TRANSFORM_FILTER((rows + i * SIDE), 1, (taps + i * TAPS), 1);
UNROLL_SMALL
        for (int j = 0; j < SIDE; j++) {
            TRANSFORM_FILTER(columns, 1, (rows + j), SIDE);
#pragma unroll
            for (int i = 0; i < SIDE; i++)
                STORE16(global, columns[i], packed + (i * SIDE + j) * element + e);
        }
    }
}

/* Where a tile lies: the image, the row and the column of tiles. */
typedef struct tile_place {
    int n, p, q;
} tile_place;

tile_place place_of(int tile, int tiles_h, int tiles_w) {
    return (tile_place){tile / (tiles_h * tiles_w), tile / tiles_w % tiles_h, tile % tiles_w};
}

/* Of the next tile: counted on, since a division takes as long as many products. */
tile_place next_place_of(tile_place at, int tiles_h, int tiles_w) {
    if (++at.q == tiles_w) {
        at.q = 0;
        if (++at.p == tiles_h) {
            at.p = 0;
            at.n++;
        }
    }
    return at;
}

/* to[i * element]: element i of B^T d B of a tile in sixteen channels; rows of x are `row` floats. */
void transform_input(global float *to, size_t element, global const float *x, int row) {
    float16 half_way[SIDE * PIXELS];
UNROLL_SMALL
    for (int j = 0; j < PIXELS; j++) {
        float16 in[PIXELS];
#pragma unroll
        for (int i = 0; i < PIXELS; i++)
            in[i] = vload16(0, x + i * row + j * PANEL);
        TRANSFORM_INPUT((half_way + j), PIXELS, in, 1);
    }
UNROLL_SMALL
    for (int i = 0; i < SIDE; i++) {
        float16 done[SIDE];
        TRANSFORM_INPUT(done, 1, (half_way + i * PIXELS), 1);
#pragma unroll
        for (int j = 0; j < SIDE; j++)
            STORE16(global, done[j], to + (i * SIDE + j) * element);
    }
}

/* Of a convolution: tiles in all and of an image; x's rows and columns with its padding. */
#define TILES const int tiles, const int tiles_h, const int tiles_w
#define SIZES TILES, const int H, const int W

/* v of a panel of a block, zeros where there is no tile; x is in lanes and padded so that every tile, the last
 * ones too, lies in it. */
void transform_panel(global float *v, global const float *x, int block, int panel, int panels,
                     int by_panels, SIZES) {
    const int first = block * BLOCK, count = min(BLOCK, tiles - first);
    const size_t element = INPUT_ELEMENT(panels);
    tile_place at = place_of(first, tiles_h, tiles_w);
    /* of v: from tile to tile, from ROWS to ROWS of them, from one half of the panel to the other */
    const int step = by_panels ? PANEL : LANES;
    const int rows = by_panels ? ROWS * PANEL : INPUT_ROWS(panels);
    const int half_panel = by_panels ? LANES : ROWS * LANES;
    v += panel * (by_panels ? BLOCK : ROWS) * PANEL;
    for (int t = 0; t < BLOCK; t++) {
        global float *to = v + t / ROWS * rows + t % ROWS * step;
        if (t < count) {
            global const float *from =
                x + (((size_t)(at.n * panels + panel) * H + at.p * OUT) * W + at.q * OUT) * PANEL;
            transform_input(to, element, from, W * PANEL);
            transform_input(to + half_panel, element, from + LANES, W * PANEL);
            at = next_place_of(at, tiles_h, tiles_w);
            continue;
        }
        for (int i = 0; i < AREA; i++) {
            STORE16(global, (float16)0.0f, to + i * element);
            STORE16(global, (float16)0.0f, to + i * element + half_panel);
        }
    }
}

/* v[block] of blocks from `first_block` on. global[0] = blocks, [1] = panels of all groups. */
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
conv2d_winograd_input(global float *restrict v, const ulong v_offset,
                      global const float *restrict x, const ulong x_offset, const int by_panels,
                      const int first_block, SIZES) {
    const int block = get_global_id(0), panel = get_global_id(1), panels = get_global_size(1);
    transform_panel(v + v_offset + block * AREA * INPUT_ELEMENT(panels), x + x_offset,
                    first_block + block, panel, panels, by_panels, tiles, tiles_h, tiles_w, H, W);
}

/* ---- the products, and behind them ----------------------------------------------------------- */

/* m[tile, filter] of PART_TILES tiles and a panel of filters: the sum over the C channels of v[tile, c]
 * packed[c, filter]. */
void multiply(float *m, global const float *packed, global const float *v, int panels, int C) {
    for (int first = 0; first < PART_TILES; first += ROWS, v += INPUT_ROWS(panels)) {
        float16 acc[2 * ROWS];
#pragma unroll
        for (int e = 0; e < 2 * ROWS; e++)
            acc[e] = 0.0f;
        for (int c0 = 0; c0 < C; c0 += LANES) {
            global const float *pixels = v + c0 * ROWS, *weights = packed + c0 * PANEL;
            for (int c = 0; c < min(LANES, C - c0); c++) {
                const float16 low = vload16(2 * c, weights), high = vload16(2 * c + 1, weights);
#pragma unroll
                for (int e = 0; e < ROWS; e++) {
                    const float16 pixel = (float16)pixels[e * LANES + c];
                    acc[2 * e] = fma(pixel, low, acc[2 * e]);
                    acc[2 * e + 1] = fma(pixel, high, acc[2 * e + 1]);
                }
            }
        }
#pragma unroll
        for (int e = 0; e < 2 * ROWS; e++)
            STORE16(private, acc[e], m + first * PANEL + 16 * e);
    }
}

#define RUN (LANES / OUT) /* tiles side by side, whose outputs fill a vector */

/* Row i, column j of d, LANES columns of LANES filters: start + A^T m A. */
void transform_output(float *d, const float *m, float16 start) {
    float16 half_way[OUT * SIDE];
UNROLL_SMALL
    for (int j = 0; j < SIDE; j++) {
        float16 in[SIDE];
#pragma unroll
        for (int i = 0; i < SIDE; i++)
            in[i] = vload16(0, m + (i * SIDE + j) * M_ELEMENT);
        TRANSFORM_OUTPUT((half_way + j), SIDE, in, 1);
    }
UNROLL_SMALL
    for (int i = 0; i < OUT; i++) {
        float16 done[OUT];
        TRANSFORM_OUTPUT(done, 1, (half_way + i * SIDE), 1);
#pragma unroll
        for (int j = 0; j < OUT; j++)
            STORE16(private, done[j] + start, d + (i * LANES + j) * LANES);
    }
}

/* y[filter * pitch + 0 .. width-1] from a row of d. */
void store_row(global float *y, const float *d, int filters, int width, int pitch) {
    float16 vectors[LANES];
    float rows[LANES * LANES] ALIGNED;
#pragma unroll
    for (int e = 0; e < LANES; e++)
        vectors[e] = vload16(e, d);
    transpose(vectors);
#pragma unroll
    for (int e = 0; e < LANES; e++)
        STORE16(private, vectors[e], rows + e * LANES);
    for (int e = 0; e < filters; e++, y += pitch) {
        const float *row = rows + e * LANES;
        if (width == LANES) {
            STORE16(global, vload16(0, row), y);
        } else if (width >= 8) { /* the last ones: some are stored again */
            vstore8(vload8(0, row), 0, y);
            vstore8(vload8(0, row + width - 8), 0, y + width - 8);
        } else if (width >= 4) {
            vstore4(vload4(0, row), 0, y);
            vstore4(vload4(0, row + width - 4), 0, y + width - 4);
        } else
            for (int i = 0; i < width; i++)
                y[i] = row[i];
    }
}

/* What becomes of the products. */
typedef struct ending {
    global const float *bias;
    int has_bias, activation;
    float alpha;
} ending;

/* Tiles `first` on, PART_TILES of them, of a part of the filters of a group, from their v. */
void filter_tiles(global float *y, global const float *packed, global const float *v, ending end,
                  int first, int g, int groups, int part, int CG, int KG, int P, int Q, TILES) {
    const int parts = (KG + PANEL - 1) / PANEL, panels = (CG + PANEL - 1) / PANEL;
    const int filters = min(PANEL, KG - part * PANEL), count = min(PART_TILES, tiles - first);
    const size_t filter_element = PANEL * CG + GAP, input_element = INPUT_ELEMENT(groups * panels);
    float m[AREA * M_ELEMENT] ALIGNED, d[OUT * LANES * LANES] ALIGNED, bias[PANEL];
    packed += ((size_t)g * parts + part) * AREA * filter_element;
    v += g * INPUT_ROWS(panels) + first % BLOCK / ROWS * INPUT_ROWS(groups * panels);
    for (int i = 0; count > 0 && i < AREA; i++)
        multiply(m + i * M_ELEMENT, packed + i * filter_element, v + i * input_element,
                 groups * panels, CG);
    for (int e = 0; e < PANEL; e++)
        bias[e] = end.has_bias && e < filters ? end.bias[g * KG + part * PANEL + e] : 0.0f;
    tile_place at = place_of(first, tiles_h, tiles_w);
    for (int t = 0; t < count;) {
        const int run = min(RUN, min(tiles_w - at.q, count - t)), p = at.p * OUT, q = at.q * OUT;
        for (int e = 0; e < filters; e += LANES) {
            for (int j = 0; j < run; j++)
                transform_output(d + j * OUT * LANES, m + (t + j) * PANEL + e, vload16(0, bias + e));
            activate_all(end.activation, end.alpha, d, OUT * LANES * LANES);
            const size_t k = (size_t)(at.n * groups + g) * KG + part * PANEL + e;
            for (int i = 0; i < min(OUT, P - p); i++)
                store_row(y + (k * P + p + i) * Q + q, d + i * LANES * LANES,
                          min(LANES, filters - e), min(run * OUT, Q - q), P * Q);
        }
        for (int j = 0; j < run; j++, t++)
            at = next_place_of(at, tiles_h, tiles_w);
    }
}

#define FILTER_ARGUMENTS                                                                           \
    global float *restrict y, const ulong y_offset, global const float *restrict packed,           \
        const ulong packed_offset, global float *restrict v, const ulong v_offset,                 \
        global const float *restrict b, const ulong b_offset, const int has_bias,                  \
        const int activation, const float alpha, const int CG, const int KG, const int P, const int Q

/* y[n,k,p,q] = f( b[k] + A^T [ sum over the CG channels of a group of packed v ] A ).
 * global[0] = parts of the blocks from `first_block` on, [1] = parts of a group's KG filters, which stay in the
 * caches meanwhile, [2] = groups. */
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
conv2d_winograd_output(FILTER_ARGUMENTS, const int first_block, TILES) {
    const int id = get_global_id(0), groups = get_global_size(2);
    const int panels = (CG + PANEL - 1) / PANEL;
    const ending end = {b + b_offset, has_bias, activation, alpha};
    filter_tiles(y + y_offset, packed + packed_offset,
                 v + v_offset + id * PART_TILES / BLOCK * AREA * INPUT_ELEMENT(groups * panels), end,
                 first_block * BLOCK + id * PART_TILES, get_global_id(2), groups, get_global_id(1),
                 CG, KG, P, Q, tiles, tiles_h, tiles_w);
}

/* The same from x, for filters that all stay in the caches: a work-item's v is its own, of one block of tiles
 * after the other. global[0] = work-items, among which the blocks are dealt out. */
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
conv2d_winograd_filter(FILTER_ARGUMENTS, global const float *restrict x, const ulong x_offset,
                       const int groups, SIZES) {
    const int panels = (CG + PANEL - 1) / PANEL, parts = (KG + PANEL - 1) / PANEL;
    const ending end = {b + b_offset, has_bias, activation, alpha};
    v += v_offset + get_global_id(0) * AREA * INPUT_ELEMENT(groups * panels);
    for (int block = get_global_id(0); block * BLOCK < tiles; block += get_global_size(0)) {
        for (int panel = 0; panel < groups * panels; panel++)
            transform_panel(v, x + x_offset, block, panel, groups * panels, false, tiles, tiles_h,
                            tiles_w, H, W);
        for (int part = 0; part < groups * parts; part++)
            for (int first = block * BLOCK; first < (block + 1) * BLOCK; first += PART_TILES)
                filter_tiles(y + y_offset, packed + packed_offset, v, end, first, part / parts, groups,
                             part % parts, CG, KG, P, Q, tiles, tiles_h, tiles_w);
    }
}

/* ---- the weight gradient --------------------------------------------------------------------- */

/* The transposed algorithm: dg = G^T [ sum over tiles of (A dY A^T) * (B^T d B) ] G, whose products are
 * SIDE^2 matrix products over the tiles. Channels lie in the lanes of vectors. */
#if OUT == 2 || TAPS == 5

#define U_ELEMENT(panels) ((size_t)(panels)*LANES * PANEL + GAP)
#define S_ELEMENT (BLOCK * LANES + GAP)

/* s[i * S_ELEMENT]: element i of A dY A^T of a tile in sixteen filters; rows of dy are `row` floats. */
void spread_output(float *s, global const float *dy, int row) {
    float16 half_way[SIDE * OUT];
UNROLL_SMALL
    for (int j = 0; j < OUT; j++) {
        float16 in[OUT];
#pragma unroll
        for (int i = 0; i < OUT; i++)
            in[i] = vload16(0, dy + i * row + j * PANEL);
        SPREAD_OUTPUT((half_way + j), OUT, in, 1);
    }
UNROLL_SMALL
    for (int i = 0; i < SIDE; i++) {
        float16 done[SIDE];
        SPREAD_OUTPUT(done, 1, (half_way + i * OUT), 1);
#pragma unroll
        for (int j = 0; j < SIDE; j++)
            STORE16(private, done[j], s + (i * SIDE + j) * S_ELEMENT);
    }
}

/* u[filter, channel] of a panel, or with `add` more: the sum over a block's tiles of s[tile, filter]
 * v[tile, channel]. */
void multiply_tiles(global float *u, const float *s, global const float *v, bool add) {
    for (int first = 0; first < LANES; first += ROWS, u += ROWS * PANEL) {
        float16 acc[2 * ROWS];
#pragma unroll
        for (int e = 0; e < 2 * ROWS; e++)
            acc[e] = add ? vload16(e, u) : 0.0f;
        for (int t = 0; t < BLOCK; t++) {
            const float16 low = vload16(2 * t, v), high = vload16(2 * t + 1, v);
#pragma unroll
            for (int e = 0; e < ROWS; e++) {
                const float16 slope = (float16)s[t * LANES + first + e];
                acc[2 * e] = fma(slope, low, acc[2 * e]);
                acc[2 * e + 1] = fma(slope, high, acc[2 * e + 1]);
            }
        }
#pragma unroll
        for (int e = 0; e < 2 * ROWS; e++)
            STORE16(global, acc[e], u + 16 * e);
    }
}

/* Slopes of a block's tiles in sixteen filters: s[i * S_ELEMENT + tile * LANES + filter]. dy is in lanes, of
 * `panels`, H x W so that every tile lies in it. */
void spread_block(float *s, global const float *dy, int block, int panels, SIZES) {
    const int first = block * BLOCK, count = min(BLOCK, tiles - first);
    tile_place at = place_of(first, tiles_h, tiles_w);
    for (int t = 0; t < count; t++, at = next_place_of(at, tiles_h, tiles_w))
        spread_output(s + t * LANES,
                      dy + (((size_t)at.n * panels * H + at.p * OUT) * W + at.q * OUT) * PANEL,
                      W * PANEL);
    for (int i = 0; i < AREA; i++)
        for (int e = count * LANES; e < BLOCK * LANES; e += LANES)
            STORE16(private, (float16)0.0f, s + i * S_ELEMENT + e);
}

#define PART_PANELS 4 /* for which the filters' slopes are spread once */

/* u[g, part, i, panel, filter, channel], or with `add` more: the sum over `blocks` blocks of tiles, from
 * `first_block` on; H and W are of dy. global[0] = parts of sixteen of a group's filters, [1] = parts of a
 * group's `panels`, [2] = groups. */
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
conv2d_winograd_products(global float *restrict u, const ulong u_offset,
                         global const float *restrict dy, const ulong dy_offset,
                         global const float *restrict v, const ulong v_offset,
                         const int first_block, const int blocks, SIZES, const int panels,
                         const int add) {
    const int part = get_global_id(0), g = get_global_id(2);
    const int parts = get_global_size(0), groups = get_global_size(2), dy_panels = (parts + 1) / 2;
    const int first_panel = get_global_id(1) * PART_PANELS;
    const int last_panel = min(first_panel + PART_PANELS, panels);
    float s[AREA * S_ELEMENT] ALIGNED;
    u += u_offset + ((size_t)g * parts + part) * AREA * U_ELEMENT(panels);
    v += v_offset + g * panels * BLOCK * PANEL;
    dy += dy_offset + (size_t)(g * dy_panels + part / 2) * H * W * PANEL + part % 2 * LANES;
    for (int block = 0; block < blocks; block++) {
        spread_block(s, dy, first_block + block, groups * dy_panels, tiles, tiles_h, tiles_w, H, W);
        for (int i = 0; i < AREA; i++, v += INPUT_ELEMENT(groups * panels))
            for (int panel = first_panel; panel < last_panel; panel++)
                multiply_tiles(u + i * U_ELEMENT(panels) + panel * LANES * PANEL,
                               s + i * S_ELEMENT, v + panel * BLOCK * PANEL, add || block > 0);
    }
}

/* The same from x, for sums that all stay in the caches: u[share, g, part, i, panel, filter, channel], or with
 * `add` more, of every share of share_blocks blocks. A work-item's v is its own, of one block after the other. H
 * and W are of x, H_DY and W_DY of dy. global[0] = shares. */
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
conv2d_winograd_shares(global float *restrict u, const ulong u_offset,
                       global const float *restrict dy, const ulong dy_offset,
                       global float *restrict v, const ulong v_offset,
                       global const float *restrict x, const ulong x_offset, const int share_blocks,
                       SIZES, const int H_DY, const int W_DY, const int groups, const int parts,
                       const int panels, const int add) {
    const int share = get_global_id(0), dy_panels = (parts + 1) / 2;
    const int first = share * share_blocks, blocks = (tiles + BLOCK - 1) / BLOCK;
    const int end = min(first + share_blocks, blocks);
    float s[AREA * S_ELEMENT] ALIGNED;
    v += v_offset + share * AREA * INPUT_ELEMENT(groups * panels);
    u += u_offset + share * groups * parts * AREA * U_ELEMENT(panels);
    for (int block = first; block < end; block++) {
        for (int panel = 0; panel < groups * panels; panel++)
            transform_panel(v, x + x_offset, block, panel, groups * panels, true, tiles, tiles_h,
                            tiles_w, H, W);
        for (int part = 0; part < groups * parts; part++) {
            const int g = part / parts, own = part % parts;
            spread_block(s,
                         dy + dy_offset + (size_t)(g * dy_panels + own / 2) * H_DY * W_DY * PANEL +
                             own % 2 * LANES,
                         block, groups * dy_panels, tiles, tiles_h, tiles_w, H_DY, W_DY);
            for (int i = 0; i < AREA; i++)
                for (int panel = 0; panel < panels; panel++)
                    multiply_tiles(u + (part * AREA + i) * U_ELEMENT(panels) + panel * LANES * PANEL,
                                   s + i * S_ELEMENT,
                                   v + i * INPUT_ELEMENT(groups * panels) +
                                       (g * panels + panel) * BLOCK * PANEL,
                                   add || block > first);
        }
    }
}

/* dw[k,c] = G^T u[., k, c] G, u added up over its shares, in their order. global[0] = sixteens of a group's channels, [1] = KG, [2] = groups. */
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
conv2d_winograd_gradients(global float *restrict dw, const ulong dw_offset,
                          global const float *restrict u, const ulong u_offset, const int CG,
                          const int shares) {
    const int first = get_global_id(0) * LANES, k = get_global_id(1), g = get_global_id(2);
    const int KG = get_global_size(1), count = min(LANES, CG - first);
    const int parts = (KG + LANES - 1) / LANES;
    const int panels = (CG + PANEL - 1) / PANEL;
    const size_t share_stride = (size_t)get_global_size(2) * parts * AREA * U_ELEMENT(panels);
    float16 half_way[TAPS * SIDE], done[TAPS];
    float taps[TAPS * TAPS * LANES];
    u += u_offset + ((size_t)g * parts + k / LANES) * AREA * U_ELEMENT(panels) +
         (first / PANEL * LANES + k % LANES) * PANEL + first % PANEL;
    for (int j = 0; j < SIDE; j++) {
        float16 in[SIDE];
#pragma unroll
        for (int i = 0; i < SIDE; i++)
            in[i] = vload16(0, u + (i * SIDE + j) * U_ELEMENT(panels));
        for (int share = 1; share < shares; share++)
#pragma unroll
            for (int i = 0; i < SIDE; i++)
                in[i] += vload16(0, u + share * share_stride + (i * SIDE + j) * U_ELEMENT(panels));
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
