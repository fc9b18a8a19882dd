/* pool2d.cl: the general pooling and its gradient, for any window on any device.
 *
 * x (NC, H, W), images and channels alike  y (NC, P, Q). One work-item computes one element of the
 * result; work-items are one-dimensional, those past the end do nothing. With zero padding the taps
 * outside the input are nothing (`count_padding`: zeros of an average). Same result as ref_pool2d.c
 * but for the rounding of sums.
 */

#define POOL2D_SIZES                                                                               \
    const int NC, const int H, const int W, const int P, const int Q, const int R, const int S,    \
        const int stride_h, const int stride_w, const int top, const int left, const int bottom,   \
        const int right, const int mode, const float value, const int kind,                        \
        const int count_padding

/* How many of `size` taps from padded place `start` on lie on the input's axis. */
int taps_inside(int start, int size, int before, int axis) {
    return min(start + size, before + axis) - max(start, before);
}

/* What an average divides by. */
float tap_count(int p, int q, int H, int W, int R, int S, int top, int left, int mode,
                int count_padding) {
    if (count_padding || mode != PAD_ZERO)
        return (float)(R * S);
    return (float)(taps_inside(p, R, top, H) * taps_inside(q, S, left, W));
}

/* True when `v` takes the place of the best so far: NaN always does, equals never do. */
bool replaces(int kind, float v, float best) {
    return isnan(v) || (kind == POOL_MAX ? v > best : v < best);
}

kernel void pool2d_forward(global float *restrict y, const ulong y_offset,
                           global const float *restrict x, const ulong x_offset, POOL2D_SIZES) {
    const int i = get_global_id(0);
    if (i >= NC * P * Q)
        return;
    const int first_row = i / Q % P * stride_h, first_column = i % Q * stride_w;
    x += x_offset + (size_t)(i / (P * Q)) * H * W;
    float sum = 0.0f, best = 0.0f;
    bool found = false;
    for (int r = 0; r < R; r++) {
        const int row = padded_source(first_row + r, top, H, mode);
        for (int s = 0; s < S; s++) {
            const int column = padded_source(first_column + s, left, W, mode);
            const bool is_pixel = row >= 0 && column >= 0;
            if (!is_pixel && mode == PAD_ZERO)
                continue;
            const float v = is_pixel ? x[row * W + column] : value;
            sum += v;
            if (!found || replaces(kind, v, best))
                best = v;
            found = true;
        }
    }
    y[y_offset + i] = kind == POOL_AVERAGE ? sum / tap_count(first_row, first_column, H, W, R, S,
                                                             top, left, mode, count_padding)
                                           : best;
}

/* The padded place, row * padded width + column, that a max or min window's gradient goes to. */
int best_place(global const float *restrict x, int first_row, int first_column, int padded_width,
               int H, int W, int R, int S, int top, int left, int mode, float value, int kind) {
    float best = 0.0f;
    int place = -1;
    for (int r = 0; r < R; r++) {
        const int row = padded_source(first_row + r, top, H, mode);
        for (int s = 0; s < S; s++) {
            const int column = padded_source(first_column + s, left, W, mode);
            const bool is_pixel = row >= 0 && column >= 0;
            if (!is_pixel && mode == PAD_ZERO)
                continue;
            const float v = is_pixel ? x[row * W + column] : value;
            if (place < 0 || replaces(kind, v, best)) {
                best = v;
                place = (first_row + r) * padded_width + first_column + s;
            }
        }
    }
    return place;
}

/* Gather: for every padded place (a, e) that shows the pixel, every window over that place. */
kernel void pool2d_backward_input(global float *restrict dx, const ulong dx_offset,
                                  global const float *restrict dy, const ulong dy_offset,
                                  global const float *restrict x, const ulong x_offset,
                                  POOL2D_SIZES) {
    const int i = get_global_id(0);
    if (i >= NC * H * W)
        return;
    const int column = i % W, row = i / W % H, padded_width = left + W + right;
    x += x_offset + (size_t)(i / (H * W)) * H * W;
    dy += dy_offset + (size_t)(i / (H * W)) * P * Q;
    float sum = 0.0f;
    for (int a = first_place(row, top, H, bottom, mode); a >= 0;
         a = next_place(a, row, top, H, bottom, mode))
        for (int p = max(0, (a - R + stride_h) / stride_h); p <= min(a / stride_h, P - 1); p++)
            for (int e = first_place(column, left, W, right, mode); e >= 0;
                 e = next_place(e, column, left, W, right, mode))
                for (int q = max(0, (e - S + stride_w) / stride_w);
                     q <= min(e / stride_w, Q - 1); q++) {
                    const int first_row = p * stride_h, first_column = q * stride_w;
                    if (kind == POOL_AVERAGE)
                        sum += dy[p * Q + q] / tap_count(first_row, first_column, H, W, R, S, top,
                                                         left, mode, count_padding);
                    else if (best_place(x, first_row, first_column, padded_width, H, W, R, S, top,
                                        left, mode, value, kind) == a * padded_width + e)
                        sum += dy[p * Q + q];
                }
    dx[dx_offset + i] = sum;
}
