/* conv2d_rows.cl: the convolution and its gradients for CPU devices, few filters and a stride of 1:
 *
 *     y[n,k,p,q] = f( b[k] + sum over c,r,s of w[k,c,r,s] x[n, g C/G + c, p + r D_h, q + s D_w] )
 *
 * x is padded already. The output pixel (p, q) has the place p W + q, W being x's width, so that what a
 * tap sees of an image's places is one run of neighbours in x. It is read where it lies, nothing is
 * gathered; the W - Q places behind each row of the output are computed for nothing and dropped. Sums
 * stay in registers, FILTERS or TAP_ROWS or FILTERS * TAPS times VECTORS of them. One work-item a group;
 * each sum has one order, whatever the number of cores.
 *
 * Where a tile hangs over the edge it is moved back until it ends there, and what another tile has too
 * is not stored again.
 */

#define PLACES (16 * VECTORS) /* of a tile */
#define TAPS 2                /* of a tile of the weight gradient */
#define CHUNK_VECTORS 64      /* of places whose dy is laid out at a time */
#define CHUNK_ROW (16 * CHUNK_VECTORS + 16) /* no multiple of 4096 bytes: those share cache lines */

#define CONV2D_ROWS_SIZES                                                                          \
    const int N, const int C, const int H, const int W, const int K, const int CG, const int R,    \
        const int S, const int P, const int Q, const int groups, const int dilation_h,             \
        const int dilation_w

/* Copy, or add, a run of floats. */
#define RUN(name, to_space, from_space, AT16, AT8, AT1)                                            \
    void name(to_space float *to, from_space const float *from, int count) {                       \
        for (; count >= 16; count -= 16, to += 16, from += 16)                                     \
            STORE16(to_space, AT16, to);                                                           \
        if (count >= 8) {                                                                          \
            vstore8(AT8, 0, to);                                                                   \
            count -= 8, to += 8, from += 8;                                                        \
        }                                                                                          \
        for (int i = 0; i < count; i++)                                                            \
            to[i] = AT1;                                                                           \
    }

RUN(copy_run, global, private, vload16(0, from), vload8(0, from), from[i])
RUN(copy_row, global, global, vload16(0, from), vload8(0, from), from[i])
RUN(add_run, global, private, vload16(0, to) + vload16(0, from), vload8(0, to) + vload8(0, from),
    to[i] + from[i])

#ifdef FILTERS

/* The tile of FILTERS filters that this work-item has: its number, its group's first filter, and its
 * first filter in the group. */
typedef struct filter_tile {
    int number, g, k, own; /* own: of its filters the first that no other tile has */
} filter_tile;

filter_tile filter_tile_of(int id, int KG) {
    const int tiles = (KG + FILTERS - 1) / FILTERS;
    filter_tile t = {id, id / tiles, min(id % tiles * FILTERS, KG - FILTERS), 0};
    t.own = id % tiles * FILTERS - t.k;
    return t;
}

/* global[0] = N times the tiles of an image's places, [1] = tiles of filters of all groups. */
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
conv2d_rows_forward(global float *restrict y, const ulong y_offset, global const float *restrict x,
                    const ulong x_offset, global const float *restrict w, const ulong w_offset,
                    global const float *restrict b, const ulong b_offset, const int has_bias,
                    const int activation, const float alpha, CONV2D_ROWS_SIZES) {
    const int places = (P - 1) * W + Q, tiles = (places + PLACES - 1) / PLACES;
    const int n = get_global_id(0) / tiles, first = get_global_id(0) % tiles * PLACES;
    const int begin = min(first, places - PLACES), end = begin + PLACES;
    const int KG = K / groups, taps = CG * R * S;
    const filter_tile tile = filter_tile_of(get_global_id(1), KG);
    const int k = tile.g * KG + tile.k;
    x += x_offset + ((size_t)n * C + tile.g * CG) * H * W + begin;
    w += w_offset + (size_t)k * taps;
    b += b_offset + k;
    y += y_offset + ((size_t)n * K + k) * P * Q;
    float16 sum[FILTERS * VECTORS];
#pragma unroll
    for (int i = 0; i < FILTERS * VECTORS; i++)
        sum[i] = has_bias ? b[i / VECTORS] : 0.0f;
    for (int c = 0; c < CG; c++)
        for (int r = 0; r < R; r++)
            for (int s = 0; s < S; s++, w++) {
                global const float *from = x + (c * H + r * dilation_h) * W + s * dilation_w;
                float16 pixels[VECTORS];
#pragma unroll
                for (int v = 0; v < VECTORS; v++)
                    pixels[v] = vload16(v, from);
#pragma unroll
                for (int i = 0; i < FILTERS; i++) {
                    const float16 weight = w[i * taps];
#pragma unroll
                    for (int v = 0; v < VECTORS; v++)
                        sum[i * VECTORS + v] = fma(weight, pixels[v], sum[i * VECTORS + v]);
                }
            }
    float rows[FILTERS * PLACES];
#pragma unroll
    for (int i = 0; i < FILTERS * VECTORS; i++)
        STORE16(private, sum[i], rows + 16 * i);
    activate_all(activation, alpha, rows, FILTERS * PLACES);
    for (int at = first, p = first / W, q = first % W; at < end; at += W - q, q = 0, p++) {
        const int count = min(Q - q, end - at);
        for (int i = tile.own; count > 0 && i < FILTERS; i++)
            copy_run(y + (i * P + p) * Q + q, rows + i * PLACES + at - begin, count);
    }
}

/* ---- the weight gradient --------------------------------------------------------------------- */

/* Lay a strip's dy out by places: `rows` rows of Q of each filter of the tile, W apart, zeros between
 * and behind. */
void lay_out(global float *panel, global const float *dy, int rows, int vectors, int P, int Q, int W) {
    for (int i = 0; i < FILTERS; i++)
        for (int v = 0; v < vectors; v++)
            STORE16(global, (float16)0.0f, panel + i * CHUNK_ROW + 16 * v);
    for (int i = 0; i < FILTERS; i++)
        for (int p = 0; p < rows; p++)
            copy_row(panel + i * CHUNK_ROW + p * W, dy + (i * P + p) * Q, Q);
}

/* Move a vector's lanes up by `by`: its run of x begins so much earlier. */
void move_lanes(global float *panel, int by) {
    for (int i = 0; i < FILTERS; i++)
        for (int e = 15; e >= 0; e--)
            panel[i * CHUNK_ROW + e] = e >= by ? panel[i * CHUNK_ROW + e - by] : 0.0f;
}

/* Sums of neighbouring lanes of two vectors. */
#define NEIGHBOURS(a, b) ((float16)((a).even, (b).even) + (float16)((a).odd, (b).odd))

/* The sums of each filter's lanes, of sums[filter * TAPS]. */
float8 sums_of_lanes(const float16 *sum) {
    float16 lanes[8];
#pragma unroll
    for (int i = 0; i < 8; i++)
        lanes[i] = i < FILTERS ? sum[min(i, FILTERS - 1) * TAPS] : (float16)0.0f;
    const float16 a = NEIGHBOURS(lanes[0], lanes[1]), b = NEIGHBOURS(lanes[2], lanes[3]),
                  c = NEIGHBOURS(lanes[4], lanes[5]), d = NEIGHBOURS(lanes[6], lanes[7]);
    const float16 e = NEIGHBOURS(a, b), f = NEIGHBOURS(c, d), g = NEIGHBOURS(e, f);
    return g.even + g.odd;
}

/* Partial weight gradients: parts[part, tile of filters, t, filter] = sum over the part's images and all
 * p,q of dy[n,k,p,q] x[n, g C/G + c, p + r D_h, q + s D_w], t = (c,r,s), eight floats for the filters.
 * Part i has images i * part_images on, each in strips of strip_rows rows of the output, whose places
 * fill strip_vectors vectors. global[0] = parts, [1] = tiles of filters of all groups. `panels` is
 * private memory of the work-items, FILTERS * CHUNK_ROW floats each. */
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
conv2d_rows_backward_weight(global float *restrict parts, const ulong parts_offset,
                            global const float *restrict dy, const ulong dy_offset,
                            global const float *restrict x, const ulong x_offset,
                            global float *restrict panels, const ulong panels_offset,
                            const int part_images, const int strip_rows, const int strip_vectors,
                            CONV2D_ROWS_SIZES) {
    int begin[CHUNK_VECTORS]; /* where each vector's places begin in x */
    const int part = get_global_id(0), tiles = get_global_size(1);
    const int KG = K / groups, taps = CG * R * S, strips = (P + strip_rows - 1) / strip_rows;
    const filter_tile tile = filter_tile_of(get_global_id(1), KG);
    const int beyond = ((CG - 1) * H + (R - 1) * dilation_h) * W + (S - 1) * dilation_w;
    const int last_begin = (N * C - tile.g * CG) * H * W - beyond - 16;
    global float *panel =
        panels + panels_offset + (size_t)(part * tiles + tile.number) * FILTERS * CHUNK_ROW;
    parts += parts_offset + (size_t)(part * tiles + tile.number) * taps * 8;
    dy += dy_offset + (size_t)(tile.g * KG + tile.k) * P * Q;
    x += x_offset + (size_t)tile.g * CG * H * W;
    const int first = part * part_images * strips, end = min((part + 1) * part_images, N) * strips;
    for (int strip = first; strip < end; strip += CHUNK_VECTORS / strip_vectors) {
        const int count = min(CHUNK_VECTORS / strip_vectors, end - strip);
        const int vectors = count * strip_vectors;
        for (int i = 0; i < count; i++) {
            const int n = (strip + i) / strips, p = (strip + i) % strips * strip_rows;
            global float *row = panel + i * strip_vectors * 16;
            lay_out(row, dy + ((size_t)n * K * P + p) * Q, min(strip_rows, P - p), strip_vectors, P, Q,
                    W);
            for (int v = 0; v < strip_vectors; v++) {
                const int at = (n * C * H + p) * W + 16 * v;
                begin[i * strip_vectors + v] = min(at, last_begin);
                if (at > last_begin)
                    move_lanes(row + 16 * v, at - last_begin);
            }
        }
        for (int t = 0; t < taps; t += TAPS) {
            const int t0 = min(t, taps - TAPS);
            int offset[TAPS];
#pragma unroll
            for (int j = 0; j < TAPS; j++) {
                const int c = (t0 + j) / (R * S), r = (t0 + j) / S % R, s = (t0 + j) % S;
                offset[j] = (c * H + r * dilation_h) * W + s * dilation_w;
            }
            float16 sum[FILTERS * TAPS];
#pragma unroll
            for (int i = 0; i < FILTERS * TAPS; i++)
                sum[i] = 0.0f;
            for (int v = 0; v < vectors; v++) {
                global const float *from = x + begin[v], *slopes = panel + 16 * v;
                float16 pixels[TAPS];
#pragma unroll
                for (int j = 0; j < TAPS; j++)
                    pixels[j] = vload16(0, from + offset[j]);
#pragma unroll
                for (int i = 0; i < FILTERS; i++) {
                    const float16 slope = vload16(0, slopes + i * CHUNK_ROW);
#pragma unroll
                    for (int j = 0; j < TAPS; j++)
                        sum[i * TAPS + j] = fma(slope, pixels[j], sum[i * TAPS + j]);
                }
            }
#pragma unroll
            for (int j = 0; j < TAPS; j++)
                if (t0 + j >= t) {
                    const float8 more = sums_of_lanes(sum + j);
                    vstore8(strip == first ? more : more + vload8(t0 + j, parts), t0 + j, parts);
                }
        }
    }
}

#define TAP_RUN 16 /* taps of a work-item that adds up parts */

/* dw[k,t] = the sum over the parts, in their order, for the filters of a tile. global[0] = runs of taps, [1] =
 * tiles of filters of all groups. */
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
conv2d_rows_add_parts(global float *restrict dw, const ulong dw_offset, global const float *restrict parts,
                      const ulong parts_offset, const int KG, const int taps, const int part_count) {
    const int first = get_global_id(0) * TAP_RUN, end = min(first + TAP_RUN, taps);
    const filter_tile tile = filter_tile_of(get_global_id(1), KG);
    const size_t part_size = get_global_size(1) * taps;
    parts += parts_offset + (size_t)tile.number * taps * 8;
    dw += dw_offset + (size_t)(tile.g * KG + tile.k) * taps;
    for (int t = first; t < end; t++) {
        float sums[8];
        float8 sum = 0.0f;
        for (int part = 0; part < part_count; part++)
            sum += vload8(part * part_size + t, parts);
        vstore8(sum, 0, sums);
        for (int i = tile.own; i < FILTERS; i++)
            dw[i * taps + t] = sums[i];
    }
}

#endif

#ifdef TAP_ROWS

/* ---- the input gradient ---------------------------------------------------------------------- */

/* A tile's rows from a whole map, added to a channel of dx: place (p, q) of tap row r to row
 * p + r D_h, COUNT columns at a time. */
#define ADD_COLUMNS(COUNT, T, LOAD, STORE)                                                         \
    for (; q + COUNT <= Q; q += COUNT) {                                                           \
        T sum = LOAD(0, to + q);                                                                   \
        _Pragma("unroll") for (int r = 0; r < TAP_ROWS; r++) {                                     \
            const int p = h - r * dilation_h;                                                      \
            if (p >= 0 && p < P)                                                                   \
                sum += LOAD(0, rows + r * PLACES + p * Q + q);                                     \
        }                                                                                          \
        STORE(sum, 0, to + q);                                                                     \
    }

void add_map(global float *dx, const float *rows, int P, int Q, int W, int dilation_h) {
    for (int h = 0; h < P + (TAP_ROWS - 1) * dilation_h; h++) {
        global float *to = dx + h * W;
        int q = 0;
        ADD_COLUMNS(8, float8, vload8, vstore8)
        ADD_COLUMNS(4, float4, vload4, vstore4)
        ADD_COLUMNS(2, float2, vload2, vstore2)
        for (; q < Q; q++)
            for (int r = 0; r < TAP_ROWS; r++) {
                const int p = h - r * dilation_h;
                if (p >= 0 && p < P)
                    to[q] += rows[r * PLACES + p * Q + q];
            }
    }
}

/* The same from places `first` to `end` of a larger map, of a tile that begins at `begin`. */
void add_tile(global float *dx, const float *rows, int first, int begin, int end, int Q, int W,
              int dilation_h) {
    for (int r = 0; r < TAP_ROWS; r++)
        for (int at = first, p = first / Q, q = first % Q; at < end; at += Q - q, q = 0, p++)
            add_run(dx + (p + r * dilation_h) * W + q, rows + r * PLACES + at - begin,
                    min(Q - q, end - at));
}

/* dx[n, g C/G + c, p + r D_h, q + s D_w] += sum over k of w[k,c,r,s] dy[n,k,p,q]: for one column of a
 * channel's taps, or all of them, and some pixels of dy at a time these sums, which then are added where
 * they belong. TAP_ROWS is R, TAP_COLUMNS 1 or S. A filter's pixels of dy are `pitch` apart from the next one's: P Q, or PLACES and zeros
 * behind them where there are fewer. global[0] = C, [1] = N. */
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
conv2d_rows_backward_input(global float *restrict dx, const ulong dx_offset,
                           global const float *restrict dy, const ulong dy_offset,
                           global const float *restrict w, const ulong w_offset, const int pitch,
                           CONV2D_ROWS_SIZES) {
    const int n = get_global_id(1), c = get_global_id(0) % CG, g = get_global_id(0) / CG;
    const int KG = K / groups, PQ = P * Q, taps = CG * R * S;
    float rows[TAP_COLUMNS * TAP_ROWS * PLACES];
    dx += dx_offset + ((size_t)n * C + g * CG + c) * H * W;
    dy += dy_offset + ((size_t)n * K + g * KG) * pitch;
    w += w_offset + (size_t)g * KG * taps + c * R * S;
    for (int i = 0; i < H * W; i++)
        dx[i] = 0.0f;
    for (int first = 0; first < PQ; first += PLACES) {
        const int begin = min(first, pitch - PLACES), end = min(begin + PLACES, PQ);
        for (int s = 0; s < S; s += TAP_COLUMNS) {
            float16 sum[TAP_COLUMNS * TAP_ROWS * VECTORS];
#pragma unroll
            for (int i = 0; i < TAP_COLUMNS * TAP_ROWS * VECTORS; i++)
                sum[i] = 0.0f;
            for (int k = 0; k < KG; k++) {
                float16 slopes[VECTORS];
#pragma unroll
                for (int v = 0; v < VECTORS; v++)
                    slopes[v] = vload16(v, dy + (size_t)k * pitch + begin);
#pragma unroll
                for (int i = 0; i < TAP_COLUMNS * TAP_ROWS; i++) {
                    const float16 weight = w[k * taps + i % TAP_ROWS * S + s + i / TAP_ROWS];
#pragma unroll
                    for (int v = 0; v < VECTORS; v++)
                        sum[i * VECTORS + v] = fma(weight, slopes[v], sum[i * VECTORS + v]);
                }
            }
#pragma unroll
            for (int i = 0; i < TAP_COLUMNS * TAP_ROWS * VECTORS; i++)
                STORE16(private, sum[i], rows + 16 * i);
            for (int e = 0; e < TAP_COLUMNS; e++) {
                const float *column = rows + e * TAP_ROWS * PLACES;
                global float *to = dx + (s + e) * dilation_w;
                if (PQ <= PLACES)
                    add_map(to, column, P, Q, W, dilation_h);
                else
                    add_tile(to, column, first, begin, end, Q, W, dilation_h);
            }
        }
    }
}

#endif
