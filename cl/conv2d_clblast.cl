/* conv2d_clblast.cl: what surrounds CLBlast's matrix products in a convolution.
 *
 * Columns (N, C, R, S, P, Q): element (n, c, r, s, p, q) is the pixel that tap (r, s) of output
 * pixel (p, q) sees in channel c of image n. Work-items are one-dimensional, one an element of the
 * result unless a kernel says otherwise; those past the end do nothing. Every sum has a fixed order.
 */

#define LANES 1024 /* partial sums of a channel's gradient, whatever the group's size */

/* In the order of arg_sizes() in ocl_conv2d_clblast.c. */
#define CONV2D_CLBLAST_SIZES                                                                       \
    const int N, const int C, const int H, const int W, const int R, const int S, const int P,     \
        const int Q, const int stride_h, const int stride_w, const int dilation_h,                 \
        const int dilation_w, const int top, const int left, const int bottom, const int right,    \
        const int mode, const float value

/* columns[n,c,r,s,p,q] = x[n, c, p stride_h + r dilation_h - top, q ... - left], or the padding. */
kernel void conv2d_clblast_gather(global float *restrict columns, const ulong columns_offset,
                                  global const float *restrict x, const ulong x_offset,
                                  CONV2D_CLBLAST_SIZES) {
    const int i = get_global_id(0);
    if (i >= N * C * R * S * P * Q)
        return;
    const int q = i % Q, p = i / Q % P, s = i / (Q * P) % S, r = i / (Q * P * S) % R,
              plane = i / (Q * P * S * R);
    const int row = padded_source(p * stride_h + r * dilation_h, top, H, mode);
    const int column = padded_source(q * stride_w + s * dilation_w, left, W, mode);
    columns[columns_offset + i] =
        row >= 0 && column >= 0 ? x[x_offset + ((size_t)plane * H + row) * W + column] : value;
}

/* dx[n,c,h,w] = sum over the p,q,r,s whose column element is this pixel of columns[n,c,r,s,p,q]. */
kernel void conv2d_clblast_scatter(global float *restrict dx, const ulong dx_offset,
                                   global const float *restrict columns,
                                   const ulong columns_offset, CONV2D_CLBLAST_SIZES) {
    const int i = get_global_id(0);
    if (i >= N * C * H * W)
        return;
    const int column = i % W, row = i / W % H, plane = i / (W * H);
    columns += columns_offset + (size_t)plane * R * S * P * Q;
    float sum = 0.0f;
    for (int a = first_place(row, top, H, bottom, mode); a >= 0;
         a = next_place(a, row, top, H, bottom, mode))
        for (int r = 0; r < R; r++) {
            const int down = a - r * dilation_h, p = down / stride_h;
            if (down < 0 || down % stride_h || p >= P)
                continue;
            for (int e = first_place(column, left, W, right, mode); e >= 0;
                 e = next_place(e, column, left, W, right, mode))
                for (int s = 0; s < S; s++) {
                    const int along = e - s * dilation_w, q = along / stride_w;
                    if (along >= 0 && along % stride_w == 0 && q < Q)
                        sum += columns[((r * S + s) * P + p) * Q + q];
                }
        }
    dx[dx_offset + i] = sum;
}

/* dw[i] = (accumulate ? dw[i] : 0) + sum over images of parts[image, i] */
kernel void conv2d_clblast_add_parts(global float *restrict dw, const ulong dw_offset,
                                     global const float *restrict parts, const ulong parts_offset,
                                     const int count, const int images, const int accumulate) {
    const int i = get_global_id(0);
    if (i >= count)
        return;
    float sum = accumulate ? dw[dw_offset + i] : 0.0f;
    parts += parts_offset + i;
    for (int n = 0; n < images; n++)
        sum += parts[(size_t)n * count];
    dw[dw_offset + i] = sum;
}

/* db[k] = sum over n,p,q of dy[n,k,p,q]. One group of any size a channel. */
kernel void conv2d_clblast_backward_bias(global float *restrict db, const ulong db_offset,
                                         global const float *restrict dy, const ulong dy_offset,
                                         const int N, const int K, const int PQ) {
    local float values[LANES];
    const int k = get_group_id(0);
    dy += dy_offset + (size_t)k * PQ;
    for (int lane = get_local_id(0); lane < LANES; lane += get_local_size(0)) {
        float sum = 0.0f;
        EACH_OF_LANE(n, i, lane, LANES, N, PQ) sum += dy[(size_t)n * K * PQ + i];
        values[lane] = sum;
    }
    const float sum = local_sum(values, LANES);
    if (get_local_id(0) == 0)
        db[db_offset + k] = sum;
}
