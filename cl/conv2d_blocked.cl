/* conv2d_blocked.cl: the convolution and its weight gradient for CPU devices.
 *
 *     y[n,k,p,q] = f( b[k] + sum over c,r,s of w[k,c,r,s] x[n, g C/G + c, h, w'] )
 *
 * As a matrix product whose second factor, the patches of x, is gathered as it is needed: a panel of
 * patches in private memory is shared by all filters of the group. x is padded already
 * (ocl_conv2d_blocked.c sees to it), so every tap is a pixel. One work-item a group. Each sum has one
 * order, whatever the number of cores.
 *
 * The input's gradient is conv2d_blocked_forward over dy with the filters that conv2d_blocked_flip
 * turned round.
 */

#define TILE_FILTERS 8
#define TILE_PIXELS 32
#define PANEL_TAPS 256 /* most taps (c,r,s) gathered at a time; R S is at most that */
#define MAX_RUNS 12    /* of neighbouring pixels in a tile, gathered by vectors */
#define MAX_PANEL_PIXELS 512 /* panel_pixels of the weight gradient is at most that */

#define CONV2D_BLOCKED_SIZES                                                                       \
    const int N, const int C, const int H, const int W, const int K, const int CG, const int R,    \
        const int S, const int P, const int Q, const int groups, const int stride_h,               \
        const int stride_w, const int dilation_h, const int dilation_w

/* acc (8 filters x 2 vectors) += 8 rows of w times the panel's `taps` rows. */
#define MULTIPLY(acc, w, row1, row2, row3, row4, row5, row6, row7, taps, panel)                    \
    for (int t = 0; t < taps; t++) {                                                               \
        const float16 low = vload16(2 * t, panel), high = vload16(2 * t + 1, panel);               \
        const float w0 = w[t], w1 = w[row1 + t], w2 = w[row2 + t], w3 = w[row3 + t],               \
                    w4 = w[row4 + t], w5 = w[row5 + t], w6 = w[row6 + t], w7 = w[row7 + t];        \
        acc[0] = fma((float16)w0, low, acc[0]);                                                    \
        acc[1] = fma((float16)w0, high, acc[1]);                                                   \
        acc[2] = fma((float16)w1, low, acc[2]);                                                    \
        acc[3] = fma((float16)w1, high, acc[3]);                                                   \
        acc[4] = fma((float16)w2, low, acc[4]);                                                    \
        acc[5] = fma((float16)w2, high, acc[5]);                                                   \
        acc[6] = fma((float16)w3, low, acc[6]);                                                    \
        acc[7] = fma((float16)w3, high, acc[7]);                                                   \
        acc[8] = fma((float16)w4, low, acc[8]);                                                    \
        acc[9] = fma((float16)w4, high, acc[9]);                                                   \
        acc[10] = fma((float16)w5, low, acc[10]);                                                  \
        acc[11] = fma((float16)w5, high, acc[11]);                                                 \
        acc[12] = fma((float16)w6, low, acc[12]);                                                  \
        acc[13] = fma((float16)w6, high, acc[13]);                                                 \
        acc[14] = fma((float16)w7, low, acc[14]);                                                  \
        acc[15] = fma((float16)w7, high, acc[15]);                                                 \
    }

/* Where `count` output pixels of all images lie, from number `first` on: at, their windows' begin in x's
 * first channel; to, in y's first filter. From number `valid` on it is the last one again. Counted on,
 * since a division takes as long as many products. */
void place_pixels(int *at, int *to, int first, int count, int valid, int P, int Q, int x_image,
                  int x_row, int x_step, int y_image) {
    int n = first / (P * Q), p = first % (P * Q) / Q, q = first % Q;
    for (int e = 0; e < count; e++) {
        at[e] = n * x_image + p * x_row + q * x_step;
        to[e] = n * y_image + p * Q + q;
        if (e + 1 >= valid || ++q < Q)
            continue;
        q = 0;
        if (++p == P) {
            p = 0;
            n++;
        }
    }
}

/* The pixels whose windows are neighbours in x, as runs of up to 16: a run is gathered by one vector load
 * and store. A store writes 16 lanes whatever the run's length; those too many are overwritten by the
 * runs, or the row, that follow. Returns 0 when there are too many runs for that to pay. */
int find_runs(int *run_at, int *run_lane, const int *at) {
    int runs = 0;
    for (int e = 0; e < TILE_PIXELS; e++) {
        const bool goes_on =
            runs > 0 && e - run_lane[runs - 1] < 16 && at[e] == at[e - 1] + 1;
        if (goes_on)
            continue;
        if (runs == MAX_RUNS)
            return 0;
        run_at[runs] = at[e];
        run_lane[runs++] = e;
    }
    return runs;
}

/* global[0] = tiles of 32 output pixels, counted through all images, [1] = groups. */
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
conv2d_blocked_forward(global float *restrict y, const ulong y_offset,
                       global const float *restrict x, const ulong x_offset,
                       global const float *restrict w, const ulong w_offset,
                       global const float *restrict b, const ulong b_offset, const int has_bias,
                       const int activation, const float alpha, CONV2D_BLOCKED_SIZES) {
    float panel[PANEL_TAPS * TILE_PIXELS + 16], tile[TILE_FILTERS * TILE_PIXELS];
    int at[TILE_PIXELS];   /* where each pixel's window begins in x's first channel */
    int to[TILE_PIXELS];   /* where each pixel is in y's first filter */
    const int PQ = P * Q, KG = K / groups, taps_all = CG * R * S;
    const int first = get_global_id(0) * TILE_PIXELS, pixels = min(TILE_PIXELS, N * PQ - first);
    const int g = get_global_id(1);
    place_pixels(at, to, first, TILE_PIXELS, pixels, P, Q, C * H * W, stride_h * W, stride_w, K * PQ);
    const bool in_a_row = to[pixels - 1] - to[0] == pixels - 1;
    int run_at[MAX_RUNS], run_lane[MAX_RUNS];
    const int beyond = (C * H - 1) * W; /* no tap is further from its window's begin */
    const bool reads_inside = at[TILE_PIXELS - 1] + beyond + 16 <= N * C * H * W;
    const int runs = pixels == TILE_PIXELS && reads_inside ? find_runs(run_at, run_lane, at) : 0;
    x += x_offset + (size_t)g * CG * H * W;
    w += w_offset + (size_t)g * KG * taps_all;
    b += b_offset + g * KG;
    y += y_offset + (size_t)g * KG * PQ;
    const int panel_channels = PANEL_TAPS / (R * S);
    for (int c0 = 0; c0 < CG; c0 += panel_channels) {
        const int channels = min(panel_channels, CG - c0), taps = channels * R * S;
        int t = 0;
        for (int c = c0; c < c0 + channels; c++)
            for (int r = 0; r < R; r++)
                for (int s = 0; s < S; s++, t++) {
                    global const float *from = x + (c * H + r * dilation_h) * W + s * dilation_w;
                    float *to_row = panel + t * TILE_PIXELS;
                    if (runs > 0)
                        for (int i = 0; i < runs; i++)
                            STORE16(private, vload16(0, from + run_at[i]), to_row + run_lane[i]);
                    else
                        for (int e = 0; e < TILE_PIXELS; e++)
                            to_row[e] = from[at[e]];
                }
        const bool last = c0 + channels >= CG;
        for (int k = 0; k < KG; k += TILE_FILTERS) {
            const int filters = min(TILE_FILTERS, KG - k);
            float16 acc[2 * TILE_FILTERS];
            if (c0 == 0) {
#pragma unroll
                for (int i = 0; i < TILE_FILTERS; i++)
                    acc[2 * i] = acc[2 * i + 1] =
                        (float16)(has_bias ? b[k + min(i, filters - 1)] : 0.0f);
            } else {
                for (int i = 0; i < filters; i++)
                    for (int e = 0; e < pixels; e++)
                        tile[i * TILE_PIXELS + e] = y[(k + i) * PQ + to[e]];
#pragma unroll
                for (int i = 0; i < 2 * TILE_FILTERS; i++)
                    acc[i] = vload16(i, tile);
            }
            global const float *from = w + (size_t)k * taps_all + c0 * R * S;
            MULTIPLY(acc, from, min(1, filters - 1) * taps_all, min(2, filters - 1) * taps_all,
                     min(3, filters - 1) * taps_all, min(4, filters - 1) * taps_all,
                     min(5, filters - 1) * taps_all, min(6, filters - 1) * taps_all,
                     min(7, filters - 1) * taps_all, taps, panel);
#pragma unroll
            for (int i = 0; i < 2 * TILE_FILTERS; i++)
                STORE16(private, acc[i], tile + 16 * i);
            if (last)
                activate_all(activation, alpha, tile, filters * TILE_PIXELS);
            for (int i = 0; i < filters; i++) {
                global float *row = y + (k + i) * PQ;
                if (in_a_row && pixels == TILE_PIXELS) {
                    STORE16(global, vload16(2 * i, tile), row + to[0]);
                    STORE16(global, vload16(2 * i + 1, tile), row + to[0] + 16);
                } else
                    for (int e = 0; e < pixels; e++)
                        row[to[e]] = tile[i * TILE_PIXELS + e];
            }
        }
    }
}

/* flipped[g, c, k, r, s] = w[g, k, c, R-1-r, S-1-s]: filters that take dy back to dx. One work-item an
 * element, one-dimensional; those past the end do nothing. */
kernel void conv2d_blocked_flip(global float *restrict flipped, const ulong flipped_offset,
                                global const float *restrict w, const ulong w_offset, const int K,
                                const int CG, const int R, const int S, const int groups) {
    const int i = get_global_id(0), KG = K / groups;
    if (i >= K * CG * R * S)
        return;
    const int s = i % S, r = i / S % R, k = i / (S * R) % KG, c = i / (S * R * KG) % CG,
              g = i / (S * R * KG * CG);
    flipped[flipped_offset + i] =
        w[w_offset + (((size_t)(g * KG + k) * CG + c) * R + R - 1 - r) * S + S - 1 - s];
}

/* Partial weight gradients: parts[part, k, t] = sum over the part's images and all p,q of
 * dy[n,k,p,q] x[n, g C/G + c, h, w'], with t = (c, r, s) and rows of T_ROW floats, a multiple of 32.
 * Part i has images i * part_images on. The patches of some pixels are gathered, tap by tap in a
 * row, and shared by all filters of the group. global[0] = parts, [1] = groups. `panel` is private
 * memory of the work-item in scratch, panel_pixels rows of T_ROW and 8 floats. */
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
conv2d_blocked_backward_weight(global float *restrict parts, const ulong parts_offset,
                               global const float *restrict dy, const ulong dy_offset,
                               global const float *restrict x, const ulong x_offset,
                               const ulong panels_offset, const int part_images,
                               const int panel_pixels, const int T_ROW, CONV2D_BLOCKED_SIZES) {
    int at[MAX_PANEL_PIXELS];    /* where each pixel of the panel is in dy's first filter */
    int begin[MAX_PANEL_PIXELS]; /* and where its window begins in x's first channel */
    const int part = get_global_id(0), g = get_global_id(1);
    const int PQ = P * Q, KG = K / groups, taps = CG * R * S;
    global float *panel =
        parts + panels_offset + (size_t)(part * groups + g) * (panel_pixels * T_ROW + 8);
    parts += parts_offset + ((size_t)part * K + g * KG) * T_ROW;
    for (size_t i = 0; i < (size_t)KG * T_ROW; i++)
        parts[i] = 0.0f;
    for (int i = 0; i < panel_pixels; i++)
        for (int t = taps; t < T_ROW; t++)
            panel[(size_t)i * T_ROW + t] = 0.0f;
    const int end = min((part + 1) * part_images, N) * PQ;
    dy += dy_offset + (size_t)g * KG * PQ;
    x += x_offset + (size_t)g * CG * H * W;
    for (int first = part * part_images * PQ; first < end; first += panel_pixels) {
        const int pixels = min(panel_pixels, end - first);
        place_pixels(begin, at, first, pixels, pixels, P, Q, C * H * W, stride_h * W, stride_w,
                     K * PQ);
        for (int i = 0; i < pixels; i++) {
            global const float *from = x + begin[i];
            global float *to = panel + (size_t)i * T_ROW;
            const int last = begin[i] + (C * H - 1) * W; /* no tap's row begins behind it */
            const bool by_vectors = dilation_w == 1 && S <= 8 && last + 2 * W + 8 <= N * C * H * W;
            for (int c = 0; c < CG; c++)
                for (int r = 0; r < R; r++, to += S) {
                    global const float *row = from + (c * H + r * dilation_h) * W;
                    if (by_vectors) /* what is too much is overwritten by the next row of taps */
                        vstore8(vload8(0, row), 0, to);
                    else
                        for (int s = 0; s < S; s++)
                            to[s] = row[s * dilation_w];
                }
        }
        for (int k = 0; k < KG; k += TILE_FILTERS) {
            const int filters = min(TILE_FILTERS, KG - k);
            global const float *rows = dy + k * PQ;
            for (int t = 0; t < T_ROW; t += TILE_PIXELS) {
                float16 acc[2 * TILE_FILTERS];
                global float *sums = parts + (size_t)k * T_ROW + t;
#pragma unroll
                for (int i = 0; i < TILE_FILTERS; i++) {
                    acc[2 * i] = vload16(0, sums + min(i, filters - 1) * T_ROW);
                    acc[2 * i + 1] = vload16(1, sums + min(i, filters - 1) * T_ROW);
                }
                const int row1 = min(1, filters - 1) * PQ, row2 = min(2, filters - 1) * PQ,
                          row3 = min(3, filters - 1) * PQ, row4 = min(4, filters - 1) * PQ,
                          row5 = min(5, filters - 1) * PQ, row6 = min(6, filters - 1) * PQ,
                          row7 = min(7, filters - 1) * PQ;
                for (int i = 0; i < pixels; i++) {
                    global const float *patch = panel + (size_t)i * T_ROW + t;
                    global const float *slopes = rows + at[i];
                    const float16 low = vload16(0, patch), high = vload16(1, patch);
                    acc[0] = fma((float16)slopes[0], low, acc[0]);
                    acc[1] = fma((float16)slopes[0], high, acc[1]);
                    acc[2] = fma((float16)slopes[row1], low, acc[2]);
                    acc[3] = fma((float16)slopes[row1], high, acc[3]);
                    acc[4] = fma((float16)slopes[row2], low, acc[4]);
                    acc[5] = fma((float16)slopes[row2], high, acc[5]);
                    acc[6] = fma((float16)slopes[row3], low, acc[6]);
                    acc[7] = fma((float16)slopes[row3], high, acc[7]);
                    acc[8] = fma((float16)slopes[row4], low, acc[8]);
                    acc[9] = fma((float16)slopes[row4], high, acc[9]);
                    acc[10] = fma((float16)slopes[row5], low, acc[10]);
                    acc[11] = fma((float16)slopes[row5], high, acc[11]);
                    acc[12] = fma((float16)slopes[row6], low, acc[12]);
                    acc[13] = fma((float16)slopes[row6], high, acc[13]);
                    acc[14] = fma((float16)slopes[row7], low, acc[14]);
                    acc[15] = fma((float16)slopes[row7], high, acc[15]);
                }
#pragma unroll
                for (int i = TILE_FILTERS - 1; i >= 0; i--)
                    if (i < filters) {
                        STORE16(global, acc[2 * i], sums + i * T_ROW);
                        STORE16(global, acc[2 * i + 1], sums + i * T_ROW + 16);
                    }
            }
        }
    }
}

/* dw[k,t] = the sum over the parts, in their order. One work-item an element. */
kernel void conv2d_blocked_add_parts(global float *restrict dw, const ulong dw_offset,
                                     global const float *restrict parts, const ulong parts_offset,
                                     const int K, const int taps, const int T_ROW,
                                     const int part_count) {
    const int i = get_global_id(0);
    if (i >= K * taps)
        return;
    parts += parts_offset + (size_t)(i / taps) * T_ROW + i % taps;
    float sum = 0.0f;
    for (int part = 0; part < part_count; part++)
        sum += parts[(size_t)part * K * T_ROW];
    dw[dw_offset + i] = sum;
}

/* db[k] = sum over n,p,q of dy[n,k,p,q], sixteen partial sums along each plane. One work-item a
 * filter. */
kernel void conv2d_blocked_backward_bias(global float *restrict db, const ulong db_offset,
                                         global const float *restrict dy, const ulong dy_offset,
                                         const int N, const int K, const int PQ) {
    const int k = get_global_id(0);
    if (k >= K)
        return;
    float16 lanes = 0.0f;
    float rest = 0.0f;
    for (int n = 0; n < N; n++) {
        global const float *plane = dy + dy_offset + (size_t)(n * K + k) * PQ;
        int i = 0;
        for (; i + 16 <= PQ; i += 16)
            lanes += vload16(0, plane + i);
        for (; i < PQ; i++)
            rest += plane[i];
    }
    db[db_offset + k] = lanes_sum(lanes) + rest;
}
