/* pad2d.cl: padding in four modes, and its gradient.
 *
 * x (NC, H, W), images and channels alike  y (NC, top+H+bottom, left+W+right). One work-item computes
 * one element of the result; work-items are one-dimensional, those past the end do nothing. The
 * forward pass copies, so it gives the same bits as ref_pad2d.c.
 */

kernel void pad2d_forward(global float *restrict y, const ulong y_offset,
                          global const float *restrict x, const ulong x_offset, const int NC,
                          const int H, const int W, const int top, const int left,
                          const int bottom, const int right, const int mode, const float value) {
    const int P = top + H + bottom, Q = left + W + right;
    const int i = get_global_id(0);
    if (i >= NC * P * Q)
        return;
    const int row = padded_source(i / Q % P, top, H, mode);
    const int column = padded_source(i % Q, left, W, mode);
    x += x_offset + (size_t)(i / (P * Q)) * H * W;
    y[y_offset + i] = row >= 0 && column >= 0 ? x[row * W + column] : value;
}

/* dx[h,w] = the sum of dy over every place that shows x[h,w]. */
kernel void pad2d_backward_input(global float *restrict dx, const ulong dx_offset,
                                 global const float *restrict dy, const ulong dy_offset,
                                 const int NC, const int H, const int W, const int top,
                                 const int left, const int bottom, const int right,
                                 const int mode) {
    const int P = top + H + bottom, Q = left + W + right;
    const int i = get_global_id(0);
    if (i >= NC * H * W)
        return;
    const int column = i % W, row = i / W % H;
    dy += dy_offset + (size_t)(i / (H * W)) * P * Q;
    float sum = 0.0f;
    for (int p = first_place(row, top, H, bottom, mode); p >= 0;
         p = next_place(p, row, top, H, bottom, mode))
        for (int q = first_place(column, left, W, right, mode); q >= 0;
             q = next_place(q, column, left, W, right, mode))
            sum += dy[p * Q + q];
    dx[dx_offset + i] = sum;
}
