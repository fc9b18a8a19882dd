/* conv2d_packed.cl: the convolution and its gradients for CPU devices, as matrix products of packed
 * panels:
 *
 *     y[n,k,p,q] = f( b[k] + sum over t of w[k,t] x[n, offset(t) + p W + q] ),   t = (c,r,s)
 *
 * x is padded already and, where the stride is not 1, spread into stride_h * stride_w planes a channel
 * (conv2d_packed_spread), so that what one tap sees of a row of the output is a row of neighbours.
 * Those are copied into a panel in private memory: PANEL_TAPS taps of some tiles of 32 pixels, counted
 * through all images. The filters lie packed in eights (conv2d_packed_weights), in the order in which
 * they are read, so that the innermost loop is nothing but loads and fma. What does not end within a
 * panel's taps waits in local memory. One work-item a group; each sum has one order, whatever the
 * number of cores.
 */

#define TILE_FILTERS 8
#define TILE_PIXELS 32
#define PANEL_TAPS 128
#ifndef PANEL_TILES
#define PANEL_TILES 3
#endif
#define PANEL_PIXELS (PANEL_TILES * TILE_PIXELS)
#define MAX_RUNS 12 /* of neighbouring pixels in a tile, copied by vectors */

/* x (N, C, H, W) as it lies in memory: C counts planes. */
#define CONV2D_PACKED_SIZES                                                                        \
    const int N, const int C, const int H, const int W, const int K, const int CG, const int R,    \
        const int S, const int P, const int Q, const int groups, const int stride_h,               \
        const int stride_w, const int dilation_h, const int dilation_w

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

/* ---- what lies where ------------------------------------------------------------------------- */

/* Runs of up to 16 pixels of a tile that are neighbours in x. A run is copied by one vector load and
 * store, which writes 16 lanes whatever its length: those too many are overwritten by the runs, or the
 * row, that follow. Returns 0 when there are too many runs for that to pay. */
int find_runs(int *run_at, int *run_lane, const int *at) {
    int runs = 0;
    for (int e = 0; e < TILE_PIXELS; e++) {
        const bool goes_on = runs > 0 && e - run_lane[runs - 1] < 16 && at[e] == at[e - 1] + 1;
        if (goes_on)
            continue;
        if (runs == MAX_RUNS)
            return 0;
        run_at[runs] = at[e];
        run_lane[runs++] = e;
    }
    return runs;
}

/* Where taps first .. first+count-1 of a filter see x, from the pixel's own place. */
void find_taps(int *offset, int first, int count, int R, int S, int H, int W, int stride_h,
               int stride_w, int dilation_h, int dilation_w) {
    int s = first % S, r = first / S % R, c = first / (S * R);
    for (int t = 0; t < count; t++) {
        const int h = r * dilation_h, v = s * dilation_w;
        const int plane = (c * stride_h + h % stride_h) * stride_w + v % stride_w;
        offset[t] = (plane * H + h / stride_h) * W + v / stride_w;
        if (++s == S) {
            s = 0;
            if (++r == R) {
                r = 0;
                c++;
            }
        }
    }
}

/* ---- packing --------------------------------------------------------------------------------- */

/* spread[n, c, a, b, i, j] = x[n, c, i stride_h + a, j stride_w + b], 0 past the end. One work-item
 * a row i of the planes of one a: global[0] = N C stride_h H_SPREAD, one-dimensional. */
kernel void conv2d_packed_spread(global float *restrict spread, const ulong spread_offset,
                                 global const float *restrict x, const ulong x_offset, const int H,
                                 const int W, const int H_SPREAD, const int W_SPREAD,
                                 const int stride_h, const int stride_w, const int rows) {
    const int row = get_global_id(0);
    if (row >= rows)
        return;
    const int i = row % H_SPREAD, a = row / H_SPREAD % stride_h, image = row / H_SPREAD / stride_h;
    const int h = i * stride_h + a;
    global const float *from = x + x_offset + ((size_t)image * H + min(h, H - 1)) * W;
    for (int b = 0; b < stride_w; b++) {
        global float *to = spread + spread_offset +
                           (((size_t)(image * stride_h + a) * stride_w + b) * H_SPREAD + i) * W_SPREAD;
        const int valid = h < H ? (W - b + stride_w - 1) / stride_w : 0;
        for (int j = 0; j < valid; j++)
            to[j] = from[j * stride_w + b];
        for (int j = valid; j < W_SPREAD; j++)
            to[j] = 0.0f;
    }
}

/* The filters of a group in eights: for PANEL_TAPS taps at a time, for each eight filters, tap by tap
 * their eight weights; zeros for filters past the last of M. global[0] = eights, [1] = panels of taps,
 * [2] = groups. */
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
conv2d_packed_weights(global float *restrict packed, const ulong packed_offset,
                      global const float *restrict w, const ulong w_offset, const int M,
                      const int taps) {
    const int eight = get_global_id(0), first = get_global_id(1) * PANEL_TAPS, g = get_global_id(2);
    const int count = min(PANEL_TAPS, taps - first), eights = get_global_size(0);
    const int valid = min(TILE_FILTERS, M - eight * TILE_FILTERS);
    global float *to = packed + packed_offset + (size_t)g * eights * TILE_FILTERS * taps +
                       ((size_t)first * eights + eight * count) * TILE_FILTERS;
    w += w_offset + ((size_t)g * M + eight * TILE_FILTERS) * taps + first;
    for (int t = 0; t < count; t++)
        for (int i = 0; i < TILE_FILTERS; i++)
            to[t * TILE_FILTERS + i] = i < valid ? w[(size_t)i * taps + t] : 0.0f;
}

/* The filters that take dy to dx, packed likewise: filter c of the CG channels, taps (k, i, j):
 * w[k, c, R-1-i, S-1-j]. */
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
conv2d_packed_turned_weights(global float *restrict packed, const ulong packed_offset,
                             global const float *restrict w, const ulong w_offset, const int CG,
                             const int taps, const int KG, const int window) {
    const int eight = get_global_id(0), first = get_global_id(1) * PANEL_TAPS, g = get_global_id(2);
    const int count = min(PANEL_TAPS, taps - first), eights = get_global_size(0);
    const int valid = min(TILE_FILTERS, CG - eight * TILE_FILTERS);
    global float *to = packed + packed_offset + (size_t)g * eights * TILE_FILTERS * taps +
                       ((size_t)first * eights + eight * count) * TILE_FILTERS;
    w += w_offset + ((size_t)g * KG * CG + eight * TILE_FILTERS) * window;
    int i = first % window, k = first / window;
    for (int t = 0; t < count; t++) {
        global const float *from = w + (size_t)k * CG * window + window - 1 - i;
        for (int e = 0; e < TILE_FILTERS; e++)
            to[t * TILE_FILTERS + e] = e < valid ? from[e * window] : 0.0f;
        if (++i == window) {
            i = 0;
            k++;
        }
    }
}

/* The taps that spread dy over dx (conv2d_packed_scatter), in eights: packed[g, chunk, eight, k, e] =
 * w[g KG + k, c, r, s], where 8 eight + e counts the taps (c,r,s) of a chunk of channels; zeros past its
 * last. global[0] = eights of a chunk, [1] = chunks, [2] = groups. */
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
conv2d_packed_chunks(global float *restrict packed, const ulong packed_offset,
                     global const float *restrict w, const ulong w_offset, const int KG,
                     const int CG, const int window, const int chunk_channels) {
    const int eight = get_global_id(0), chunk = get_global_id(1), g = get_global_id(2);
    const int eights = get_global_size(0), chunks = get_global_size(1);
    const int channels = min(chunk_channels, CG - chunk * chunk_channels);
    const int first = eight * TILE_FILTERS, valid = min(TILE_FILTERS, channels * window - first);
    packed += packed_offset + (((size_t)g * chunks + chunk) * eights + eight) * KG * TILE_FILTERS;
    w += w_offset + ((size_t)g * KG * CG + chunk * chunk_channels) * window + first;
    for (int k = 0; k < KG; k++)
        for (int e = 0; e < TILE_FILTERS; e++)
            packed[k * TILE_FILTERS + e] = e < valid ? w[(size_t)k * CG * window + e] : 0.0f;
}

/* ---- forward --------------------------------------------------------------------------------- */

/* One tile's sums, rows of 32, into y; `to` is where each pixel is in y's first filter. */
void store_tile(global float *y, const float *tile, const int *to, int pixels, int filters, int PQ) {
    if (to[pixels - 1] - to[0] == pixels - 1 && pixels == TILE_PIXELS) {
        for (int i = 0; i < filters; i++) {
            STORE16(global, vload16(2 * i, tile), y + i * PQ + to[0]);
            STORE16(global, vload16(2 * i + 1, tile), y + i * PQ + to[0] + 16);
        }
        return;
    }
    for (int i = 0; i < filters; i++)
        for (int e = 0; e < pixels; e++)
            y[i * PQ + to[e]] = tile[i * TILE_PIXELS + e];
}

#define WEIGHT(i) weights[t * TILE_FILTERS + i]

/* global[0] = panels of pixels, [1] = groups. sums: local memory for PANEL_TILES tiles of all filters
 * of a group. */
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
conv2d_packed_forward(global float *restrict y, const ulong y_offset,
                      global const float *restrict x, const ulong x_offset,
                      global const float *restrict packed, const ulong packed_offset,
                      global const float *restrict b, const ulong b_offset, const int has_bias,
                      const int activation, const float alpha, local float *restrict sums,
                      CONV2D_PACKED_SIZES) {
    float panel[PANEL_TILES * PANEL_TAPS * TILE_PIXELS + 16], tile[TILE_FILTERS * TILE_PIXELS];
    int at[PANEL_PIXELS]; /* where each pixel's window begins in x's first plane */
    int to[PANEL_PIXELS]; /* where each pixel is in y's first filter */
    int run_at[PANEL_TILES][MAX_RUNS], run_lane[PANEL_TILES][MAX_RUNS], runs[PANEL_TILES];
    int offset[PANEL_TAPS];
    const int PQ = P * Q, KG = K / groups, taps = CG * R * S, g = get_global_id(1);
    const int eights = (KG + TILE_FILTERS - 1) / TILE_FILTERS;
    const int first = get_global_id(0) * PANEL_PIXELS, pixels = min(PANEL_PIXELS, N * PQ - first);
    const int tiles = (pixels + TILE_PIXELS - 1) / TILE_PIXELS;
    for (int e = 0; e < PANEL_PIXELS; e++) {
        const int i = first + min(e, pixels - 1); /* past the end: the last one again */
        const int n = i / PQ, pixel = i % PQ;
        at[e] = n * C * H * W + pixel / Q * W + pixel % Q;
        to[e] = n * K * PQ + pixel;
    }
    const int beyond = (C * H - 1) * W; /* no tap is further from its window's begin */
    for (int j = 0; j < tiles; j++) {
        const int last = at[(j + 1) * TILE_PIXELS - 1];
        const bool is_whole = (j + 1) * TILE_PIXELS <= pixels && last + beyond + 16 <= N * C * H * W;
        runs[j] = is_whole ? find_runs(run_at[j], run_lane[j], at + j * TILE_PIXELS) : 0;
    }
    x += x_offset + (size_t)g * (C / groups) * H * W;
    packed += packed_offset + (size_t)g * eights * TILE_FILTERS * taps;
    b += b_offset + g * KG;
    y += y_offset + (size_t)g * KG * PQ;
    for (int t0 = 0; t0 < taps; t0 += PANEL_TAPS) {
        const int count = min(PANEL_TAPS, taps - t0);
        const bool last = t0 + count == taps;
        find_taps(offset, t0, count, R, S, H, W, stride_h, stride_w, dilation_h, dilation_w);
        for (int j = 0; j < tiles; j++) {
            float *rows = panel + j * PANEL_TAPS * TILE_PIXELS;
            if (runs[j] > 0)
                for (int t = 0; t < count; t++)
                    for (int i = 0; i < runs[j]; i++)
                        STORE16(private, vload16(0, x + offset[t] + run_at[j][i]),
                                rows + t * TILE_PIXELS + run_lane[j][i]);
            else
                for (int t = 0; t < count; t++)
                    for (int e = 0; e < TILE_PIXELS; e++)
                        rows[t * TILE_PIXELS + e] = x[offset[t] + at[j * TILE_PIXELS + e]];
        }
        for (int j = 0; j < tiles; j++) {
            const float *rows = panel + j * PANEL_TAPS * TILE_PIXELS;
            for (int eight = 0; eight < eights; eight++) {
                const int k = eight * TILE_FILTERS, filters = min(TILE_FILTERS, KG - k);
                global const float *weights =
                    packed + ((size_t)t0 * eights + eight * count) * TILE_FILTERS;
                local float *waiting = sums + (j * eights + eight) * TILE_FILTERS * TILE_PIXELS;
                float16 acc[2 * TILE_FILTERS];
                if (t0 == 0) {
#pragma unroll
                    for (int i = 0; i < TILE_FILTERS; i++)
                        acc[2 * i] = acc[2 * i + 1] =
                            (float16)(has_bias ? b[k + min(i, filters - 1)] : 0.0f);
                } else {
#pragma unroll
                    for (int i = 0; i < 2 * TILE_FILTERS; i++)
                        acc[i] = vload16(i, waiting);
                }
                MULTIPLY(acc, count, vload16(2 * t, rows), vload16(2 * t + 1, rows), WEIGHT);
                if (!last) {
#pragma unroll
                    for (int i = 0; i < 2 * TILE_FILTERS; i++)
                        STORE16(local, acc[i], waiting + 16 * i);
                    continue;
                }
#pragma unroll
                for (int i = 0; i < 2 * TILE_FILTERS; i++)
                    STORE16(private, acc[i], tile + 16 * i);
                activate_all(activation, alpha, tile, filters * TILE_PIXELS);
                store_tile(y + k * PQ, tile, to + j * TILE_PIXELS,
                           min(TILE_PIXELS, pixels - j * TILE_PIXELS), filters, PQ);
            }
        }
    }
}

/* ---- backward -------------------------------------------------------------------------------- */

/* phases[n, (c,a,b), i, j]: row i stride_h + a and column j stride_w + b of the gradient of the padded input,
 *
 *     sum over k and the taps that see it of w[k,c,r,s] dy[n,k,p,q]
 *
 * Each tap's sums over k, of 32 pixels of dy at a time, are added where they belong: in the phase of that tap
 * they are neighbours, for dy has zeros at the end of each row and below, so that its rows are as wide as
 * those of a phase, W. A work-item does a chunk of an image's channels. global[0] = N, [1] = chunks of a
 * group's channels, [2] = groups. at: local memory, where each tap of a chunk begins. */
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
conv2d_packed_scatter(global float *restrict phases, const ulong phases_offset,
                      global const float *restrict dy, const ulong dy_offset,
                      global const float *restrict packed, const ulong packed_offset,
                      local int *restrict at, const int chunk_channels, const int CG, const int KG,
                      const int H, const int W, const int P, const int H_DY, const int R,
                      const int S, const int stride_h, const int stride_w, const int dilation_h,
                      const int dilation_w) {
    float panel[PANEL_TAPS * TILE_PIXELS];
    const int n = get_global_id(0), chunk = get_global_id(1), g = get_global_id(2);
    const int groups = get_global_size(2), first_channel = chunk * chunk_channels;
    const int channels = min(chunk_channels, CG - first_channel), taps = channels * R * S;
    const int eights = (chunk_channels * R * S + TILE_FILTERS - 1) / TILE_FILTERS;
    const int plane = H * W, planes = channels * stride_h * stride_w;
    for (int t = 0; t < taps; t++) {
        const int c = t / (R * S), h = t / S % R * dilation_h, v = t % S * dilation_w;
        const int phase = (c * stride_h + h % stride_h) * stride_w + v % stride_w;
        at[t] = phase * plane + h / stride_h * W + v / stride_w;
    }
    phases += phases_offset +
              ((size_t)(n * groups + g) * CG + first_channel) * stride_h * stride_w * plane;
    dy += dy_offset + (size_t)(n * groups + g) * KG * H_DY * W;
    packed += packed_offset +
              ((size_t)g * get_global_size(1) + chunk) * eights * KG * TILE_FILTERS;
    for (int i = 0; i < planes * plane; i++)
        phases[i] = 0.0f;
    for (int k0 = 0; k0 < KG; k0 += PANEL_TAPS)
        for (int first = 0; first < P * W; first += TILE_PIXELS) {
            const int count = min(PANEL_TAPS, KG - k0);
            for (int k = 0; k < count; k++) {
                global const float *from = dy + (size_t)(k0 + k) * H_DY * W + first;
                STORE16(private, vload16(0, from), panel + k * TILE_PIXELS);
                STORE16(private, vload16(1, from), panel + k * TILE_PIXELS + 16);
            }
            for (int t0 = 0; t0 < taps; t0 += TILE_FILTERS) {
                global const float *weights = packed + (size_t)t0 * KG + k0 * TILE_FILTERS;
                float16 acc[2 * TILE_FILTERS];
#pragma unroll
                for (int i = 0; i < 2 * TILE_FILTERS; i++)
                    acc[i] = 0.0f;
                MULTIPLY(acc, count, vload16(2 * t, panel), vload16(2 * t + 1, panel), WEIGHT);
#pragma unroll
                for (int i = 0; i < TILE_FILTERS; i++)
                    if (t0 + i < taps) {
                        global float *to = phases + at[t0 + i] + first;
                        STORE16(global, vload16(0, to) + acc[2 * i], to);
                        STORE16(global, vload16(1, to) + acc[2 * i + 1], to + 16);
                    }
            }
        }
}

/* x[n,c,h,w] from the phases: phases[n, (c,a,b), i, j] is row i stride_h + a - top and column j stride_w + b -
 * left. Pixels that no window saw, past the phases, are 0. One work-item a row of x, one-dimensional. */
kernel void conv2d_packed_gather_phases(global float *restrict x, const ulong x_offset,
                                        global const float *restrict phases,
                                        const ulong phases_offset, const int H, const int W,
                                        const int H_PHASE, const int W_PHASE, const int stride_h,
                                        const int stride_w, const int top, const int left,
                                        const int rows) {
    const int row = get_global_id(0);
    if (row >= rows)
        return;
    const int h = row % H + top, image = row / H, a = h % stride_h, i = h / stride_h;
    global float *to = x + x_offset + (size_t)row * W;
    phases += phases_offset + ((size_t)(image * stride_h + a) * stride_w * H_PHASE + i) * W_PHASE;
    for (int b = 0; b < stride_w; b++, phases += H_PHASE * W_PHASE) {
        int j = b < left ? (left - b + stride_w - 1) / stride_w : 0, w = j * stride_w + b - left;
        for (; w < W && j < W_PHASE && i < H_PHASE; w += stride_w, j++)
            to[w] = phases[j];
        for (; w < W; w += stride_w)
            to[w] = 0.0f;
    }
}

#define LANES 32        /* filters side by side */
#define BLOCK_TAPS 96   /* taps of one work-item at most */
#define BLOCK_PIXELS 128 /* pixels that are copied at a time */

#define PIXEL(i) rows[i * BLOCK_PIXELS + t]

/* Partial weight gradients: parts[part, g KG + k, t] = sum over the part's images and all p,q of
 * dy[n,k,p,q] x[n, offset(t) + p W + q]. A work-item does block_taps taps of all filters of a group, so
 * nothing of x is copied twice; dy lies in lanes (cl/conv2d_lanes.cl), panel by panel. global[0] = blocks of taps,
 * [1] = parts of part_images images, [2] = groups. sums: local memory for block_taps taps of all tiles
 * of filters. */
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
conv2d_packed_backward_weight(global float *restrict parts, const ulong parts_offset,
                              global const float *restrict lanes, const ulong lanes_offset,
                              global const float *restrict x, const ulong x_offset,
                              local float *restrict sums, const int block_taps,
                              const int part_images, CONV2D_PACKED_SIZES) {
    float panel[BLOCK_TAPS * BLOCK_PIXELS + 16];
    int at[BLOCK_PIXELS], run_at[BLOCK_PIXELS], run_pixel[BLOCK_PIXELS], offset[BLOCK_TAPS];
    const int PQ = P * Q, KG = K / groups, taps = CG * R * S;
    const int t0 = get_global_id(0) * block_taps, part = get_global_id(1), g = get_global_id(2);
    const int count = min(block_taps, taps - t0), tiles = (KG + LANES - 1) / LANES;
    const int start = part * part_images * PQ, end = min((part + 1) * part_images, N) * PQ;
    find_taps(offset, t0, count, R, S, H, W, stride_h, stride_w, dilation_h, dilation_w);
    x += x_offset + (size_t)g * (C / groups) * H * W;
    lanes += lanes_offset + (size_t)g * tiles * N * PQ * LANES;
    for (int i = count * BLOCK_PIXELS; i < (count + 7) / 8 * 8 * BLOCK_PIXELS; i++)
        panel[i] = 0.0f; /* taps that fill the last eight */
    for (int first = start; first < end; first += BLOCK_PIXELS) {
        const int pixels = min(BLOCK_PIXELS, end - first);
        int runs = 0;
        for (int i = 0; i < pixels; i++) {
            const int n = (first + i) / PQ, pixel = (first + i) % PQ;
            at[i] = n * C * H * W + pixel / Q * W + pixel % Q;
            if (runs == 0 || i - run_pixel[runs - 1] == 16 || at[i] != at[i - 1] + 1) {
                run_at[runs] = at[i];
                run_pixel[runs++] = i;
            }
        }
        const bool by_runs = at[pixels - 1] + (C * H - 1) * W + 16 <= N * C * H * W;
        for (int t = 0; t < count; t++) {
            float *row = panel + t * BLOCK_PIXELS;
            if (by_runs) /* what is too much is overwritten by the next run or row */
                for (int i = 0; i < runs; i++)
                    STORE16(private, vload16(0, x + offset[t] + run_at[i]), row + run_pixel[i]);
            else
                for (int i = 0; i < pixels; i++)
                    row[i] = x[offset[t] + at[i]];
        }
        for (int tile = 0; tile < tiles; tile++) {
            global const float *slopes = lanes + ((size_t)tile * N * PQ + first) * LANES;
            for (int t8 = 0; t8 < count; t8 += 8) {
                const float *rows = panel + t8 * BLOCK_PIXELS;
                local float *waiting = sums + (t8 / 8 * tiles + tile) * 8 * LANES;
                float16 acc[16];
                if (first == start) {
#pragma unroll
                    for (int i = 0; i < 16; i++)
                        acc[i] = 0.0f;
                } else {
#pragma unroll
                    for (int i = 0; i < 16; i++)
                        acc[i] = vload16(i, waiting);
                }
                MULTIPLY(acc, pixels, vload16(2 * t, slopes), vload16(2 * t + 1, slopes), PIXEL);
#pragma unroll
                for (int i = 0; i < 16; i++)
                    STORE16(local, acc[i], waiting + 16 * i);
            }
        }
    }
    parts += parts_offset + ((size_t)part * K + g * KG) * taps + t0;
    for (int k = 0; k < KG; k++)
        for (int t = 0; t < count; t++)
            parts[(size_t)k * taps + t] =
                sums[((t / 8 * tiles + k / LANES) * 8 + t % 8) * LANES + k % LANES];
}

/* dw[i] = the sum over the parts, in their order. One work-item sixteen elements, one-dimensional. */
kernel void conv2d_packed_add_parts(global float *restrict dw, const ulong dw_offset,
                                    global const float *restrict parts, const ulong parts_offset,
                                    const int count, const int part_count) {
    const int first = get_global_id(0) * 16;
    if (first + 16 <= count) {
        float16 sum = 0.0f;
        for (int part = 0; part < part_count; part++)
            sum += vload16(0, parts + parts_offset + (size_t)part * count + first);
        vstore16(sum, 0, dw + dw_offset + first);
        return;
    }
    for (int i = first; i < count; i++) {
        float sum = 0.0f;
        for (int part = 0; part < part_count; part++)
            sum += parts[parts_offset + (size_t)part * count + i];
        dw[dw_offset + i] = sum;
    }
}
