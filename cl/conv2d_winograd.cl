/* conv2d_winograd.cl: 3x3 convolutions with fewer multiplications, for CPU devices.
 *
 * Winograd's minimal filtering F(OUT x OUT, 3x3) as Lavin and Gray (2016, "Fast Algorithms for
 * Convolutional Neural Networks") apply it:
 *
 *     Y = A^T [ sum over c of (G g G^T) * (B^T d B) ] A
 *
 * d are tiles of SIDE x SIDE pixels that overlap by two, Y their OUT x OUT outputs, * is element by
 * element: SIDE^2 matrix products over c, one for each element, instead of 9 OUT^2. OUT 2 saves a
 * factor of 2.25 and is exact for small integers; OUT 4 saves 4, and rounds about ten times as much.
 *
 * Tiles are counted through all images and lie in blocks of 32, filters in eights. One work-item a
 * group; each sum has one order, whatever the number of cores.
 */

#define SIDE (OUT + 2)
#define AREA (SIDE * SIDE)
#define TILE_FILTERS 8
#define BLOCK 32 /* tiles */
/* Floats between the arrays of two elements, whose length is often a multiple of 4096 bytes: a tile's
 * elements would then compete for the same few places of the caches. */
#define GAP 32

/* ---- the transforms, along one axis ---------------------------------------------------------- */

/* to[0 .. SIDE-1] = B^T from, to = G from, to[0 .. OUT-1] = A^T from. from[i] is i * stride on. */
#if OUT == 2
#define TRANSFORM_INPUT(to, from, stride)                                                          \
    do {                                                                                           \
        to[0] = from[0] - from[2 * stride];                                                        \
        to[stride] = from[stride] + from[2 * stride];                                              \
        to[2 * stride] = from[2 * stride] - from[stride];                                          \
        to[3 * stride] = from[stride] - from[3 * stride];                                          \
    } while (0)
#define TRANSFORM_FILTER(to, a, b, c)                                                              \
    do {                                                                                           \
        to[0] = a;                                                                                 \
        to[1] = 0.5f * (a + b + c);                                                                \
        to[2] = 0.5f * (a - b + c);                                                                \
        to[3] = c;                                                                                 \
    } while (0)
#define TRANSFORM_OUTPUT(to, to_stride, from, stride)                                              \
    do {                                                                                           \
        to[0] = from[0] + from[stride] + from[2 * stride];                                         \
        to[to_stride] = from[stride] - from[2 * stride] - from[3 * stride];                        \
    } while (0)
#else
#define TRANSFORM_INPUT(to, from, stride)                                                          \
    do {                                                                                           \
        to[0] = 4 * from[0] - 5 * from[2 * stride] + from[4 * stride];                             \
        to[stride] = from[4 * stride] + from[3 * stride] - 4 * (from[2 * stride] + from[stride]);  \
        to[2 * stride] =                                                                           \
            from[4 * stride] - from[3 * stride] - 4 * (from[2 * stride] - from[stride]);           \
        to[3 * stride] =                                                                           \
            from[4 * stride] - from[2 * stride] + 2 * (from[3 * stride] - from[stride]);           \
        to[4 * stride] =                                                                           \
            from[4 * stride] - from[2 * stride] - 2 * (from[3 * stride] - from[stride]);           \
        to[5 * stride] = 4 * from[stride] - 5 * from[3 * stride] + from[5 * stride];               \
    } while (0)
#define TRANSFORM_FILTER(to, a, b, c)                                                              \
    do {                                                                                           \
        to[0] = 0.25f * a;                                                                         \
        to[1] = (a + b + c) * (-1.0f / 6);                                                         \
        to[2] = (a - b + c) * (-1.0f / 6);                                                         \
        to[3] = (a + 2 * b + 4 * c) * (1.0f / 24);                                                 \
        to[4] = (a - 2 * b + 4 * c) * (1.0f / 24);                                                 \
        to[5] = c;                                                                                 \
    } while (0)
#define TRANSFORM_OUTPUT(to, to_stride, from, stride)                                              \
    do {                                                                                           \
        to[0] = from[0] + (from[stride] + from[2 * stride]) +                                      \
                (from[3 * stride] + from[4 * stride]);                                             \
        to[to_stride] =                                                                            \
            (from[stride] - from[2 * stride]) + 2 * (from[3 * stride] - from[4 * stride]);         \
        to[2 * to_stride] =                                                                        \
            (from[stride] + from[2 * stride]) + 4 * (from[3 * stride] + from[4 * stride]);         \
        to[3 * to_stride] = (from[stride] - from[2 * stride]) +                                    \
                            8 * (from[3 * stride] - from[4 * stride]) + from[5 * stride];          \
    } while (0)
#endif

/* ---- before ---------------------------------------------------------------------------------- */

/* packed[i, g, eight, c, e]: element i of G g G^T of filter 8 eight + e and channel c of group g, zeros
 * for filters past the last of M. w is read at m * m_stride + c * c_stride, turned round if `turned`.
 * global[0] = eights, [1] = channels of a group, [2] = groups. */
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
conv2d_winograd_filters(global float *restrict packed, const ulong packed_offset,
                        global const float *restrict w, const ulong w_offset, const int M,
                        const int m_stride, const int c_stride, const int group_stride,
                        const int turned) {
    const int eight = get_global_id(0), c = get_global_id(1), g = get_global_id(2);
    const int eights = get_global_size(0), C = get_global_size(1), groups = get_global_size(2);
    global float *to = packed + packed_offset +
                       (((size_t)g * eights + eight) * C + c) * TILE_FILTERS;
    const size_t element = (size_t)groups * eights * C * TILE_FILTERS + GAP;
    w += w_offset + (size_t)g * group_stride + (size_t)c * c_stride;
    float filters[9][TILE_FILTERS];
    for (int e = 0; e < TILE_FILTERS; e++) {
        const int m = eight * TILE_FILTERS + e;
        for (int i = 0; i < 9; i++)
            filters[i][e] = m < M ? w[(size_t)m * m_stride + (turned ? 8 - i : i)] : 0.0f;
    }
    float8 g9[9], rows[3 * SIDE], columns[SIDE];
#pragma unroll
    for (int i = 0; i < 9; i++)
        g9[i] = vload8(0, filters[i]);
#pragma unroll
    for (int i = 0; i < 3; i++)
        TRANSFORM_FILTER((rows + i * SIDE), g9[3 * i], g9[3 * i + 1], g9[3 * i + 2]);
#pragma unroll
    for (int j = 0; j < SIDE; j++) {
        TRANSFORM_FILTER(columns, rows[j], rows[SIDE + j], rows[2 * SIDE + j]);
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

/* d[i * SIDE + j, 0 .. count-1] = pixel (i, j) of `count` tiles side by side, the first of them at
 * `from`. Eight tiles of OUT 2 are the even and odd lanes of two vectors, of which lanes beyond `count`
 * hold what follows; `inside` is whether that may be read. */
void gather_tiles(float *d, global const float *from, int count, int W, bool inside) {
#if OUT == 2
    for (int i = 0; inside && i < SIDE; i++) {
        const float16 here = vload16(0, from + i * W), next = vload16(0, from + i * W + 2);
        vstore8(here.even, 0, d + i * SIDE * D_ROW);
        vstore8(here.odd, 0, d + (i * SIDE + 1) * D_ROW);
        vstore8(next.even, 0, d + (i * SIDE + 2) * D_ROW);
        vstore8(next.odd, 0, d + (i * SIDE + 3) * D_ROW);
    }
    if (inside)
        return;
#endif
    for (int i = 0; i < SIDE; i++)
        for (int j = 0; j < SIDE; j++)
            for (int e = 0; e < count; e++)
                d[(i * SIDE + j) * D_ROW + e] = from[i * W + j + e * OUT];
}

/* v: element i of B^T d B of tile 32 block + lane in channel c, at i * (blocks C 32 + GAP) + block *
 * block_stride + c * c_stride + lane. x (N, C, H, W) is padded so that every tile, the last ones too, lies
 * in it. global[0] = blocks, [1] = C. */
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
conv2d_winograd_input(global float *restrict v, const ulong v_offset,
                      global const float *restrict x, const ulong x_offset, const int tiles,
                      const int tiles_h, const int tiles_w, const int H, const int W, const int N,
                      const int block_stride, const int c_stride) {
    const int block = get_global_id(0), c = get_global_id(1);
    const int blocks = get_global_size(0), C = get_global_size(1);
    const int first = block * BLOCK, count = min(BLOCK, tiles - first);
    const size_t end = (size_t)N * C * H * W; /* of x */
    float d[AREA * D_ROW];
    float16 half_way[AREA], done[AREA];
    x += x_offset;
    tile_run r = first_run(first, first + count, tiles_h, tiles_w);
    for (int lane = 0; lane < count; lane += r.count, r = next_run(r, count - lane, tiles_h, tiles_w)) {
        const size_t at = (((size_t)r.n * C + c) * H + r.p * OUT) * W + r.q * OUT;
        gather_tiles(d + lane, x + at, r.count, W, at + (SIDE - 1) * W + 18 <= end);
    }
    for (int lane = count; lane < BLOCK; lane++) /* lanes without a tile, whose products are dropped */
        for (int i = 0; i < AREA; i++)
            d[i * D_ROW + lane] = 0.0f;
    const size_t element = (size_t)blocks * C * BLOCK + GAP;
    global float *to = v + v_offset + (size_t)block * block_stride + (size_t)c * c_stride;
    for (int part = 0; part < 2; part++) {
        float16 in[AREA];
#pragma unroll
        for (int i = 0; i < AREA; i++)
            in[i] = vload16(0, d + i * D_ROW + 16 * part);
#pragma unroll
        for (int i = 0; i < SIDE; i++)
            TRANSFORM_INPUT((half_way + i), (in + i), SIDE);
#pragma unroll
        for (int i = 0; i < SIDE; i++)
            TRANSFORM_INPUT((done + i * SIDE), (half_way + i * SIDE), 1);
#pragma unroll
        for (int i = 0; i < AREA; i++)
            STORE16(global, done[i], to + i * element + 16 * part);
    }
}

/* ---- the products ---------------------------------------------------------------------------- */

#define GROUP_BLOCKS 3 /* of tiles, for which the filters are read once */

/* m[i, block, k, lane] = sum over the CG channels of a group of packed[i, g, k, c] v[i, block, c, lane].
 * global[0] = block groups, [1] = AREA, [2] = groups. */
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
conv2d_winograd_multiply(global float *restrict m, const ulong m_offset,
                         global const float *restrict packed, const ulong packed_offset,
                         global const float *restrict v, const ulong v_offset, const int blocks,
                         const int eights, const int CG) {
    const int first = get_global_id(0) * GROUP_BLOCKS, i = get_global_id(1), g = get_global_id(2);
    const int groups = get_global_size(2), last = min(first + GROUP_BLOCKS, blocks);
    packed += packed_offset + (size_t)(i * groups + g) * eights * CG * TILE_FILTERS + i * GAP;
    v += v_offset + ((size_t)i * blocks * groups * CG + g * CG) * BLOCK + i * GAP;
    m += m_offset + (size_t)(i * blocks * groups + g) * eights * TILE_FILTERS * BLOCK + i * GAP;
    for (int eight = 0; eight < eights; eight++) {
        global const float *weights = packed + (size_t)eight * CG * TILE_FILTERS;
        for (int block = first; block < last; block++) {
            global const float *rows = v + (size_t)block * groups * CG * BLOCK;
            float16 acc[2 * TILE_FILTERS];
#pragma unroll
            for (int e = 0; e < 2 * TILE_FILTERS; e++)
                acc[e] = 0.0f;
            for (int t = 0; t < CG; t++) {
                const float16 low = vload16(2 * t, rows), high = vload16(2 * t + 1, rows);
#pragma unroll
                for (int e = 0; e < TILE_FILTERS; e++) {
                    const float16 weight = (float16)weights[t * TILE_FILTERS + e];
                    acc[2 * e] = fma(weight, low, acc[2 * e]);
                    acc[2 * e + 1] = fma(weight, high, acc[2 * e + 1]);
                }
            }
            global float *to =
                m + ((size_t)block * groups * eights + eight) * TILE_FILTERS * BLOCK;
#pragma unroll
            for (int e = 0; e < 2 * TILE_FILTERS; e++)
                STORE16(global, acc[e], to + 16 * e);
        }
    }
}

/* ---- behind ---------------------------------------------------------------------------------- */

/* to[0 .. width-1]: a row of the outputs of `count` tiles side by side, whose column j is d[j][0 .. ]. */
void scatter_row(global float *to, const float *d, int count, int width) {
    float row[OUT * RUN];
#if OUT == 2
    float16 pixels;
    pixels.even = vload8(0, d);
    pixels.odd = vload8(0, d + BLOCK);
    STORE16(private, pixels, row);
#else
    for (int e = 0; e < count; e++)
        for (int j = 0; j < OUT; j++)
            row[e * OUT + j] = d[j * BLOCK + e];
#endif
    if (OUT == 2 && width == 16) {
        STORE16(global, vload16(0, row), to);
        return;
    }
    int at = 0;
    for (; at + 4 <= width; at += 4)
        vstore4(vload4(0, row + at), 0, to + at);
    for (; at < width; at++)
        to[at] = row[at];
}

/* y[n,k,p,q] = f( b[k] + A^T m A ). m's filters are rounded up to eights in each group of KG.
 * global[0] = blocks, [1] = K. */
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
conv2d_winograd_output(global float *restrict y, const ulong y_offset,
                       global const float *restrict m, const ulong m_offset,
                       global const float *restrict b, const ulong b_offset, const int has_bias,
                       const int activation, const float alpha, const int tiles, const int tiles_h,
                       const int tiles_w, const int KG, const int groups, const int P,
                       const int Q) {
    const int block = get_global_id(0), k = get_global_id(1);
    const int blocks = get_global_size(0), K = get_global_size(1);
    const int rounded = (KG + TILE_FILTERS - 1) / TILE_FILTERS * TILE_FILTERS;
    const size_t element = (size_t)blocks * groups * rounded * BLOCK + GAP;
    global const float *from =
        m + m_offset + ((size_t)(block * groups + k / KG) * rounded + k % KG) * BLOCK;
    const float16 start = (float16)(has_bias ? b[b_offset + k] : 0.0f);
    float d[OUT * OUT * BLOCK + RUN];
    for (int part = 0; part < 2; part++) {
        float16 in[AREA], half_way[OUT * SIDE], done[OUT * OUT];
#pragma unroll
        for (int i = 0; i < AREA; i++)
            in[i] = vload16(part, from + i * element);
#pragma unroll
        for (int i = 0; i < SIDE; i++)
            TRANSFORM_OUTPUT((half_way + i), SIDE, (in + i), SIDE);
#pragma unroll
        for (int i = 0; i < OUT; i++)
            TRANSFORM_OUTPUT((done + i * OUT), 1, (half_way + i * SIDE), 1);
#pragma unroll
        for (int i = 0; i < OUT * OUT; i++)
            vstore16(done[i] + start, 2 * i + part, d);
    }
    activate_all(activation, alpha, d, OUT * OUT * BLOCK);
    const int first = block * BLOCK, count = min(BLOCK, tiles - first);
    tile_run r = first_run(first, first + count, tiles_h, tiles_w);
    y += y_offset;
    for (int lane = 0; lane < count; lane += r.count, r = next_run(r, count - lane, tiles_h, tiles_w)) {
        const int p = r.p * OUT, q = r.q * OUT;
        global float *to = y + (((size_t)r.n * K + k) * P + p) * Q + q;
        for (int i = 0; i < min(OUT, P - p); i++)
            scatter_row(to + i * Q, d + i * OUT * BLOCK + lane, r.count, min(r.count * OUT, Q - q));
    }
}

/* ---- the weight gradient, OUT 2 -------------------------------------------------------------- */

/* The transposed algorithm: dg = G^T [ sum over tiles of (A dY A^T) * (B^T d B) ] G, whose products are
 * sixteen matrix products over the tiles. */
#if OUT == 2

/* to[0 .. 3] = A (a, b) */
#define SPREAD_OUTPUT(to, stride, a, b)                                                            \
    do {                                                                                           \
        to[0] = a;                                                                                 \
        to[stride] = a + b;                                                                        \
        to[2 * stride] = a - b;                                                                    \
        to[3 * stride] = -b;                                                                       \
    } while (0)

/* d[i * 2 + j, 0 .. count-1] = pixel (i, j) of the outputs of `count` tiles side by side, zeros past the
 * plane's edge, which `width` and `height` pixels are away from the first. */
void gather_outputs(float *d, global const float *from, int count, int width, int height, int Q) {
    for (int i = 0; i < OUT; i++)
        for (int j = 0; j < OUT; j++)
            for (int e = 0; e < count; e++)
                d[(i * OUT + j) * D_ROW + e] =
                    i < height && 2 * e + j < width ? from[i * Q + 2 * e + j] : 0.0f;
}

/* m: element i of A dY A^T of tile 32 block + lane of filter k, at i * (K blocks 32 + GAP) +
 * (k blocks + block) 32 + lane; zeros without a tile. global[0] = blocks, [1] = K. */
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
conv2d_winograd_slopes(global float *restrict m, const ulong m_offset,
                       global const float *restrict dy, const ulong dy_offset, const int tiles,
                       const int tiles_h, const int tiles_w, const int P, const int Q) {
    const int block = get_global_id(0), k = get_global_id(1);
    const int blocks = get_global_size(0), K = get_global_size(1);
    const int first = block * BLOCK, count = min(BLOCK, tiles - first);
    float d[OUT * OUT * D_ROW];
    float16 half_way[OUT * SIDE], done[AREA];
    for (int i = 0; i < OUT * OUT; i++)
        for (int lane = 0; lane < BLOCK; lane++)
            d[i * D_ROW + lane] = 0.0f;
    tile_run r = first_run(first, first + count, tiles_h, tiles_w);
    for (int lane = 0; lane < count; lane += r.count, r = next_run(r, count - lane, tiles_h, tiles_w)) {
        const int p = r.p * OUT, q = r.q * OUT;
        global const float *from = dy + dy_offset + (((size_t)r.n * K + k) * P + p) * Q + q;
        if (q + 2 * r.count <= Q && p + OUT <= P && r.count == RUN)
            for (int i = 0; i < OUT; i++) {
                const float16 pixels = vload16(0, from + i * Q);
                vstore8(pixels.even, 0, d + i * OUT * D_ROW + lane);
                vstore8(pixels.odd, 0, d + (i * OUT + 1) * D_ROW + lane);
            }
        else
            gather_outputs(d + lane, from, r.count, Q - q, P - p, Q);
    }
    const size_t element = (size_t)K * blocks * BLOCK + GAP;
    global float *to = m + m_offset + ((size_t)k * blocks + block) * BLOCK;
    for (int part = 0; part < 2; part++) {
        float16 in[OUT * OUT];
#pragma unroll
        for (int i = 0; i < OUT * OUT; i++)
            in[i] = vload16(0, d + i * D_ROW + 16 * part);
#pragma unroll
        for (int i = 0; i < OUT; i++)
            SPREAD_OUTPUT((half_way + i * SIDE), 1, in[i * OUT], in[i * OUT + 1]);
#pragma unroll
        for (int j = 0; j < SIDE; j++)
            SPREAD_OUTPUT((done + j), SIDE, half_way[j], half_way[SIDE + j]);
#pragma unroll
        for (int i = 0; i < AREA; i++)
            STORE16(global, done[i], to + i * element + 16 * part);
    }
}

/* to[0 .. 2] = G^T (a, b, c, d) */
#define GATHER_FILTER(to, stride, a, b, c, d)                                                      \
    do {                                                                                           \
        to[0] = a + 0.5f * (b + c);                                                                \
        to[stride] = 0.5f * (b - c);                                                               \
        to[2 * stride] = 0.5f * (b + c) + d;                                                       \
    } while (0)

/* dw[k,c] = G^T u[., k, c] G; u's elements are `element` apart. global[0] = all filters and their channels,
 * one-dimensional. */
kernel void conv2d_winograd_gradients(global float *restrict dw, const ulong dw_offset,
                                      global const float *restrict u, const ulong u_offset,
                                      const int count, const int element) {
    const int at = get_global_id(0);
    if (at >= count)
        return;
    float half_way[3 * SIDE], done[9];
    u += u_offset + at;
#pragma unroll
    for (int j = 0; j < SIDE; j++)
        GATHER_FILTER((half_way + j), SIDE, u[(size_t)j * element], u[(size_t)(SIDE + j) * element],
                      u[(size_t)(2 * SIDE + j) * element], u[(size_t)(3 * SIDE + j) * element]);
#pragma unroll
    for (int i = 0; i < 3; i++)
        GATHER_FILTER((done + 3 * i), 1, half_way[i * SIDE], half_way[i * SIDE + 1],
                      half_way[i * SIDE + 2], half_way[i * SIDE + 3]);
    dw += dw_offset + (size_t)at * 9;
    for (int i = 0; i < 9; i++)
        dw[i] = done[i];
}

#endif
