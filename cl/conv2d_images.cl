/* conv2d_images.cl: the convolution and its gradients for CPU devices, batches of small maps and a stride of
 * 1: sixteen images in the lanes.
 *
 *     y[n,k,p,q] = f( b[k] + sum over c,r,s of w[k,c,r,s] x[n,c,p+r,q+s] )
 *
 * x is padded already. A work-item brings a block of sixteen images into the lanes: a pixel of all of them is
 * one vector. Every product then counts, whatever the width of the map, and weights are single numbers. The
 * tiles are FILTERS filters (in the input's gradient channels) by COLUMNS neighbours of a row, or FILTERS
 * filters by the taps of a filter's row, whose sums stay in registers.
 *
 * One work-item a group; global[0] = blocks, or parts of some blocks, [1] = shares, each of so many filters.
 * The last block is moved back until it ends at the last image, and the last tile of a share likewise; what
 * another has too is not stored again. Each sum has one order, whatever the number of cores.
 */

#ifndef FILTERS
#define FILTERS 3 /* of a tile */
#endif
#ifndef COLUMNS
#define COLUMNS 8 /* of a tile; they divide Q */
#endif
#ifndef TAPS
#define TAPS 5 /* S, the columns of a filter */
#endif

#define SPAN (COLUMNS + TAPS - 1) /* what a tile's columns see of a row of x */

#define CONV2D_IMAGES_SIZES                                                                        \
    const int N, const int C, const int H, const int W, const int K, const int R, const int P,     \
        const int Q

/* ---- images into lanes, and back --------------------------------------------------------------- */

/* `count` vectors, each an element of sixteen images that are `stride` apart; count >= 16. */
void to_lanes(global float *to, global const float *from, size_t stride, int count) {
    for (int i = 0; i < count; i += 16) {
        const int at = min(i, count - 16);
        float16 v[16];
#pragma unroll
        for (int n = 0; n < 16; n++)
            v[n] = vload16(0, from + n * stride + at);
        transpose(v);
#pragma unroll
        for (int n = 0; n < 16; n++)
            STORE16(global, v[n], to + 16 * (at + n));
    }
}

/* The way back, of the images from `own` on. */
void from_lanes(global float *to, global const float *from, size_t stride, int count, int own) {
    for (int i = 0; i < count; i += 16) {
        const int at = min(i, count - 16);
        float16 v[16];
#pragma unroll
        for (int n = 0; n < 16; n++)
            v[n] = vload16(at + n, from);
        transpose(v);
#pragma unroll
        for (int n = 0; n < 16; n++)
            if (n >= own)
                STORE16(global, v[n], to + n * stride + at);
    }
}

/* Zeros in the lanes before `own`. */
void clear_lanes(global float *lanes, int count, int own) {
    const int16 lane = (int16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    for (int i = 0; i < count && own > 0; i++)
        STORE16(global, select((float16)0.0f, vload16(i, lanes), lane >= own), lanes + 16 * i);
}

/* The first image of a block, and the first of its lanes that no other block has. */
typedef struct block {
    int first, own;
} block;

block block_of(int number, int N) {
    const int first = min(16 * number, N - 16);
    return (block){first, 16 * number - first};
}

/* ---- forward ----------------------------------------------------------------------------------- */

/* A tile's outputs from column q on of row p, into `to`, where a filter's map is P Q vectors. */
void forward_tile(global float *to, global const float *x, global const float *w, const float *bias,
                  int activation, float alpha, int p, int q, CONV2D_IMAGES_SIZES) {
    const int taps = C * R * TAPS;
    float16 sum[FILTERS * COLUMNS];
    float tile[FILTERS * COLUMNS * 16];
#pragma unroll
    for (int i = 0; i < FILTERS * COLUMNS; i++)
        sum[i] = bias[i / COLUMNS];
    for (int c = 0; c < C; c++)
        for (int r = 0; r < R; r++, w += TAPS) {
            global const float *row = x + (size_t)((c * H + p + r) * W + q) * 16;
#pragma unroll
            for (int s = 0; s < TAPS; s++) {
                float16 weight[FILTERS];
#pragma unroll
                for (int i = 0; i < FILTERS; i++)
                    weight[i] = w[i * taps + s];
#pragma unroll
                for (int j = 0; j < COLUMNS; j++) {
                    const float16 pixel = vload16(j + s, row);
#pragma unroll
                    for (int i = 0; i < FILTERS; i++)
                        sum[i * COLUMNS + j] = fma(weight[i], pixel, sum[i * COLUMNS + j]);
                }
            }
        }
#pragma unroll
    for (int i = 0; i < FILTERS * COLUMNS; i++)
        STORE16(private, sum[i], tile + 16 * i);
    activate_all(activation, alpha, tile, FILTERS * COLUMNS * 16);
#pragma unroll
    for (int i = 0; i < FILTERS * COLUMNS; i++)
        STORE16(global, vload16(i, tile), to + (i / COLUMNS * P * Q + p * Q + q + i % COLUMNS) * 16);
}

/* `lanes` is memory of the work-items: C H W and FILTERS P Q vectors each. */
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
conv2d_images_forward(global float *restrict y, const ulong y_offset, global const float *restrict x,
                      const ulong x_offset, global const float *restrict w, const ulong w_offset,
                      global const float *restrict b, const ulong b_offset, const int has_bias,
                      const int activation, const float alpha, global float *restrict lanes,
                      const ulong lanes_offset, const int share, CONV2D_IMAGES_SIZES) {
    const block images = block_of(get_global_id(0), N);
    const int begin = get_global_id(1) * share, end = min(begin + share, K);
    const size_t group = get_global_id(0) * get_global_size(1) + get_global_id(1);
    const int pixels = C * H * W, map = P * Q;
    lanes += lanes_offset + group * (pixels + FILTERS * map) * 16;
    global float *maps = lanes + (size_t)pixels * 16;
    to_lanes(lanes, x + x_offset + (size_t)images.first * pixels, pixels, pixels);
    for (int k = begin; k < end; k += FILTERS) {
        const int first = min(k, end - FILTERS);
        float bias[FILTERS];
        for (int i = 0; i < FILTERS; i++)
            bias[i] = has_bias ? b[b_offset + first + i] : 0.0f;
        for (int p = 0; p < P; p++)
            for (int q = 0; q < Q; q += COLUMNS)
                forward_tile(maps, lanes, w + w_offset + (size_t)first * C * R * TAPS, bias, activation,
                             alpha, p, q, N, C, H, W, K, R, P, Q);
        from_lanes(y + y_offset + ((size_t)images.first * K + k) * map, maps + (k - first) * map * 16,
                   (size_t)K * map, (FILTERS - k + first) * map, images.own);
    }
}

/* ---- the input gradient ------------------------------------------------------------------------ */

/* What is read once and stays in registers while the other passes by: the weights of a filter's row where
 * they are fewer, or the slopes of a tile's columns. */
#define WEIGHTS_STAY (FILTERS * TAPS < COLUMNS)

/* Row h of a tile's channels from column q on, into or on top of what the columns before gave. */
void input_tile(global float *to, global const float *dy, global const float *w, int h, int q,
                CONV2D_IMAGES_SIZES) {
    float16 sum[FILTERS * SPAN];
    to += (h * W + q) * 16;
#pragma unroll
    for (int i = 0; i < FILTERS * SPAN; i++)
        sum[i] = q > 0 && i % SPAN < TAPS - 1 ? vload16(i / SPAN * H * W + i % SPAN, to) : 0.0f;
    for (int k = 0; k < K; k++)
        for (int r = max(0, h - P + 1); r < min(R, h + 1); r++) {
            global const float *row = dy + (size_t)((k * P + h - r) * Q + q) * 16;
            global const float *from = w + (k * C * R + r) * TAPS;
#pragma unroll
            for (int e = 0; e < COLUMNS * TAPS; e++) {
                const int j = WEIGHTS_STAY ? e / TAPS : e % COLUMNS;
                const int s = WEIGHTS_STAY ? e % TAPS : e / COLUMNS;
                const float16 slope = vload16(j, row);
#pragma unroll
                for (int i = 0; i < FILTERS; i++)
                    sum[i * SPAN + j + s] = fma(from[i * R * TAPS + s], slope, sum[i * SPAN + j + s]);
            }
        }
#pragma unroll
    for (int i = 0; i < FILTERS * SPAN; i++)
        STORE16(global, sum[i], to + (i / SPAN * H * W + i % SPAN) * 16);
}

/* dx[n,c,p+r,q+s] += sum over k of w[k,c,r,s] dy[n,k,p,q]. FILTERS are channels, `share` so many of C.
 * `lanes`: K P Q and FILTERS H W vectors. */
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
conv2d_images_backward_input(global float *restrict dx, const ulong dx_offset,
                             global const float *restrict dy, const ulong dy_offset,
                             global const float *restrict w, const ulong w_offset,
                             global float *restrict lanes, const ulong lanes_offset, const int share,
                             CONV2D_IMAGES_SIZES) {
    const block images = block_of(get_global_id(0), N);
    const int begin = get_global_id(1) * share, end = min(begin + share, C);
    const size_t group = get_global_id(0) * get_global_size(1) + get_global_id(1);
    const int slopes = K * P * Q, map = H * W;
    lanes += lanes_offset + group * (slopes + FILTERS * map) * 16;
    global float *maps = lanes + (size_t)slopes * 16;
    to_lanes(lanes, dy + dy_offset + (size_t)images.first * slopes, slopes, slopes);
    for (int c = begin; c < end; c += FILTERS) {
        const int first = min(c, end - FILTERS);
        for (int h = 0; h < H; h++)
            for (int q = 0; q < Q; q += COLUMNS)
                input_tile(maps, lanes, w + w_offset + first * R * TAPS, h, q, N, C, H, W, K, R, P, Q);
        from_lanes(dx + dx_offset + ((size_t)images.first * C + c) * map, maps + (c - first) * map * 16,
                   (size_t)C * map, (FILTERS - c + first) * map, images.own);
    }
}

/* ---- the weight gradient ----------------------------------------------------------------------- */

/* Sums of neighbouring lanes of two vectors. */
#define NEIGHBOURS(a, b) ((float16)((a).even, (b).even) + (float16)((a).odd, (b).odd))

/* Lane i: the sum of vector i's lanes. */
__attribute__((always_inline)) float16 sums_of_lanes(const float16 *sum) {
    float16 two[8], four[4];
#pragma unroll
    for (int i = 0; i < 8; i++)
        two[i] = NEIGHBOURS(sum[2 * i], sum[2 * i + 1]);
#pragma unroll
    for (int i = 0; i < 4; i++)
        four[i] = NEIGHBOURS(two[2 * i], two[2 * i + 1]);
    return NEIGHBOURS(NEIGHBOURS(four[0], four[1]), NEIGHBOURS(four[2], four[3]));
}

#define SUMS (FILTERS * TAPS)
#define SUM_VECTORS ((SUMS + 15) / 16)

/* totals[i TAPS + s] = sum over all pixels of dy of filter i times x that the tap (c,r,s) sees of them. */
void weight_tile(float *totals, global const float *dy, global const float *x, int c, int r,
                 CONV2D_IMAGES_SIZES) {
    float16 sum[16 * SUM_VECTORS];
#pragma unroll
    for (int i = 0; i < 16 * SUM_VECTORS; i++)
        sum[i] = 0.0f;
    for (int p = 0; p < P; p++) {
        global const float *slopes = dy + p * Q * 16;
        global const float *row = x + (size_t)((c * H + p + r) * W) * 16;
        for (int q = 0; q < Q; q++, slopes += 16, row += 16) {
            float16 slope[FILTERS];
#pragma unroll
            for (int i = 0; i < FILTERS; i++)
                slope[i] = vload16(i * P * Q, slopes);
#pragma unroll
            for (int s = 0; s < TAPS; s++) {
                const float16 pixel = vload16(s, row);
#pragma unroll
                for (int i = 0; i < FILTERS; i++)
                    sum[i * TAPS + s] = fma(slope[i], pixel, sum[i * TAPS + s]);
            }
        }
    }
#pragma unroll
    for (int i = 0; i < SUM_VECTORS; i++)
        STORE16(private, sums_of_lanes(sum + 16 * i), totals + 16 * i);
}

/* Partial gradients: parts[part,k,c,r,s] = sum over the part's images and all p,q of dy[n,k,p,q]
 * x[n,c,p+r,q+s]. Part i has blocks i * part_blocks on. `lanes`: C H W and FILTERS P Q vectors. */
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
conv2d_images_backward_weight(global float *restrict parts, const ulong parts_offset,
                              global const float *restrict dy, const ulong dy_offset,
                              global const float *restrict x, const ulong x_offset,
                              global float *restrict lanes, const ulong lanes_offset, const int share,
                              const int part_blocks, CONV2D_IMAGES_SIZES) {
    const int part = get_global_id(0), first_block = part * part_blocks;
    const int end_block = min(first_block + part_blocks, (N + 15) / 16);
    const int begin = get_global_id(1) * share, end = min(begin + share, K);
    const size_t group = part * get_global_size(1) + get_global_id(1);
    const int pixels = C * H * W, map = P * Q, taps = C * R * TAPS;
    lanes += lanes_offset + group * (pixels + FILTERS * map) * 16;
    global float *slopes = lanes + (size_t)pixels * 16;
    parts += parts_offset + (size_t)part * K * taps;
    for (int number = first_block; number < end_block; number++) {
        const block images = block_of(number, N);
        to_lanes(lanes, x + x_offset + (size_t)images.first * pixels, pixels, pixels);
        for (int k = begin; k < end; k += FILTERS) {
            const int first = min(k, end - FILTERS);
            to_lanes(slopes, dy + dy_offset + ((size_t)images.first * K + first) * map, (size_t)K * map,
                     FILTERS * map);
            clear_lanes(slopes, FILTERS * map, images.own);
            for (int i = 0; i < C * R; i++) {
                float totals[16 * SUM_VECTORS];
                weight_tile(totals, slopes, lanes, i / R, i % R, N, C, H, W, K, R, P, Q);
                for (int e = (k - first) * TAPS; e < SUMS; e++) {
                    global float *to = parts + (first + e / TAPS) * taps + i * TAPS + e % TAPS;
                    *to = number == first_block ? totals[e] : *to + totals[e];
                }
            }
        }
    }
}

/* dw = the sum of the parts, in their order: sixteen elements a work-item, or those at the end. */
kernel void conv2d_images_add_parts(global float *restrict dw, const ulong dw_offset,
                                    global const float *restrict parts, const ulong parts_offset,
                                    const int count, const int part_count) {
    const int first = get_global_id(0) * 16;
    dw += dw_offset;
    parts += parts_offset;
    if (first + 16 <= count) {
        float16 sum = vload16(0, parts + first);
        for (int part = 1; part < part_count; part++)
            sum += vload16(0, parts + (size_t)part * count + first);
        STORE16(global, sum, dw + first);
        return;
    }
    for (int i = first; i < count; i++) {
        float sum = parts[i];
        for (int part = 1; part < part_count; part++)
            sum += parts[(size_t)part * count + i];
        dw[i] = sum;
    }
}
