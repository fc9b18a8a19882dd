/* conv2d.cl: the general convolution and its gradients, for any shape on any device.
 *
 *     y[n,k,p,q] = f( b[k] + sum over c,r,s of w[k,c,r,s] x[n, g C/G + c, h, w'] )
 *
 * x (N,C,H,W)  w (K,C/G,R,S)  b (K)  y (N,K,P,Q), contiguous. One work-item computes one element of
 * the result, its sum in a fixed order; work-items are one-dimensional, those past the end do
 * nothing. Same result as ref_conv2d.c but for rounding.
 */

/* What every kernel here takes, in the order of sizes() in ocl_conv2d.c. */
#define CONV2D_SIZES                                                                               \
    const int N, const int C, const int H, const int W, const int K, const int CG, const int R,    \
        const int S, const int P, const int Q, const int groups, const int stride_h,               \
        const int stride_w, const int dilation_h, const int dilation_w, const int top,             \
        const int left, const int bottom, const int right, const int mode, const float value

kernel void conv2d_forward(global float *restrict y, const ulong y_offset,
                           global const float *restrict x, const ulong x_offset,
                           global const float *restrict w, const ulong w_offset,
                           global const float *restrict b, const ulong b_offset, const int has_bias,
                           const int activation, const float alpha, CONV2D_SIZES) {
    const int i = get_global_id(0);
    if (i >= N * K * P * Q)
        return;
    const int q = i % Q, p = i / Q % P, k = i / (Q * P) % K, n = i / (Q * P * K);
    const int first_channel = k / (K / groups) * CG;
    x += x_offset + (size_t)(n * C + first_channel) * H * W;
    w += w_offset + (size_t)k * CG * R * S;
    float sum = has_bias ? b[b_offset + k] : 0.0f;
    for (int c = 0; c < CG; c++)
        for (int r = 0; r < R; r++) {
            const int row = padded_source(p * stride_h + r * dilation_h, top, H, mode);
            for (int s = 0; s < S; s++) {
                const int column = padded_source(q * stride_w + s * dilation_w, left, W, mode);
                const float seen = row >= 0 && column >= 0 ? x[(c * H + row) * W + column] : value;
                sum = fma(w[(c * R + r) * S + s], seen, sum);
            }
        }
    y[y_offset + i] = activate(activation, alpha, sum);
}

/* x[n,c,h,w'] was read by output pixel (p, q) through tap (r, s) where p stride_h + r dilation_h is
 * one of the places of the padded input that show row h, and q likewise: gather from all of them.
 */
kernel void conv2d_backward_input(global float *restrict dx, const ulong dx_offset,
                                  global const float *restrict dy, const ulong dy_offset,
                                  global const float *restrict w, const ulong w_offset,
                                  CONV2D_SIZES) {
    const int i = get_global_id(0);
    if (i >= N * C * H * W)
        return;
    const int column = i % W, row = i / W % H, c = i / (W * H) % C, n = i / (W * H * C);
    const int KG = K / groups, g = c / CG;
    dy += dy_offset + (size_t)(n * K + g * KG) * P * Q;
    w += w_offset + ((size_t)g * KG * CG + c % CG) * R * S;
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
                    if (along < 0 || along % stride_w || q >= Q)
                        continue;
                    for (int k = 0; k < KG; k++)
                        sum = fma(w[(k * CG * R + r) * S + s], dy[(k * P + p) * Q + q], sum);
                }
        }
    dx[dx_offset + i] = sum;
}

/* Partial sums, so that the error grows with the root of the number of terms: one for each image,
 * added up at the end of it. */
kernel void conv2d_backward_weight(global float *restrict dw, const ulong dw_offset,
                                   global const float *restrict dy, const ulong dy_offset,
                                   global const float *restrict x, const ulong x_offset,
                                   CONV2D_SIZES) {
    const int i = get_global_id(0);
    if (i >= K * CG * R * S)
        return;
    const int s = i % S, r = i / S % R, c = i / (S * R) % CG, k = i / (S * R * CG);
    const int channel = k / (K / groups) * CG + c;
    dy += dy_offset + (size_t)k * P * Q;
    x += x_offset + (size_t)channel * H * W;
    float sum = 0.0f;
    for (int n = 0; n < N; n++) {
        float image_sum = 0.0f;
        for (int p = 0; p < P; p++) {
            const int row = padded_source(p * stride_h + r * dilation_h, top, H, mode);
            for (int q = 0; q < Q; q++) {
                const int column = padded_source(q * stride_w + s * dilation_w, left, W, mode);
                const float seen = row >= 0 && column >= 0 ? x[row * W + column] : value;
                image_sum = fma(dy[p * Q + q], seen, image_sum);
            }
        }
        sum += image_sum;
        dy += (size_t)K * P * Q;
        x += (size_t)C * H * W;
    }
    dw[dw_offset + i] = sum;
}

/* db[k] = sum over n,p,q of dy[n,k,p,q]. */
kernel void conv2d_backward_bias(global float *restrict db, const ulong db_offset,
                                 global const float *restrict dy, const ulong dy_offset,
                                 const int N, const int K, const int PQ) {
    const int k = get_global_id(0);
    if (k >= K)
        return;
    dy += dy_offset + (size_t)k * PQ;
    float sum = 0.0f;
    for (int n = 0; n < N; n++) {
        float image_sum = 0.0f;
        for (int i = 0; i < PQ; i++)
            image_sum += dy[i];
        sum += image_sum;
        dy += (size_t)K * PQ;
    }
    db[db_offset + k] = sum;
}
