/* pad2d_rows.cl: padding, a whole row a work-item: for CPU devices.
 *
 * As pad2d.cl. Between its ends a row is a copy of neighbours, which the compiler vectorises.
 * Work-items are one-dimensional, those past the end do nothing.
 */

/* One output row (of NC * P) a work-item. */
kernel void pad2d_rows_forward(global float *restrict y, const ulong y_offset,
                               global const float *restrict x, const ulong x_offset, const int NC,
                               const int H, const int W, const int top, const int left,
                               const int bottom, const int right, const int mode,
                               const float value) {
    const int P = top + H + bottom, Q = left + W + right;
    const int i = get_global_id(0);
    if (i >= NC * P)
        return;
    const int row = padded_source(i % P, top, H, mode);
    y += y_offset + (size_t)i * Q;
    if (row < 0) {
        for (int q = 0; q < Q; q++)
            y[q] = value;
        return;
    }
    x += x_offset + ((size_t)(i / P) * H + row) * W;
    const bool shows_pixels = mode == PAD_REFLECT || mode == PAD_REPLICATE;
    for (int q = 0; q < left; q++)
        y[q] = shows_pixels ? x[padded_source(q, left, W, mode)] : value;
    for (int w = 0; w < W; w++)
        y[left + w] = x[w];
    for (int q = left + W; q < Q; q++)
        y[q] = shows_pixels ? x[padded_source(q, left, W, mode)] : value;
}

/* One input row (of NC * H) a work-item: a pixel collects its own place and, in the reflect and
 * replicate modes, every place that shows it. Rows are added in the order of their places. */
kernel void pad2d_rows_backward_input(global float *restrict dx, const ulong dx_offset,
                                      global const float *restrict dy, const ulong dy_offset,
                                      const int NC, const int H, const int W, const int top,
                                      const int left, const int bottom, const int right,
                                      const int mode) {
    const int P = top + H + bottom, Q = left + W + right;
    const int i = get_global_id(0);
    if (i >= NC * H)
        return;
    const int row = i % H;
    dx += dx_offset + (size_t)i * W;
    dy += dy_offset + (size_t)(i / H) * P * Q;
    const bool shows_pixels = mode == PAD_REFLECT || mode == PAD_REPLICATE;
    int p = first_place(row, top, H, bottom, mode);
    for (int w = 0; w < W; w++)
        dx[w] = dy[p * Q + left + w];
    if (!shows_pixels)
        return;
    for (;;) {
        for (int q = 0; q < left; q++)
            dx[padded_source(q, left, W, mode)] += dy[p * Q + q];
        for (int q = left + W; q < Q; q++)
            dx[padded_source(q, left, W, mode)] += dy[p * Q + q];
        p = next_place(p, row, top, H, bottom, mode);
        if (p < 0)
            return;
        for (int w = 0; w < W; w++)
            dx[w] += dy[p * Q + left + w];
    }
}
