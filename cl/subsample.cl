/* subsample.cl: trainable subsampling and its gradients.
 *
 *     y[n,c,p,q] = f( b[c] + w[c] sum over r,s of x[n, c, p R + r, q S + s] )
 *
 * x (N,C,H,W)  w (C)  b (C)  y (N,C,P,Q), contiguous; windows of R x S that do not overlap, P = H / R
 * and Q = W / S rounded down. One work-item computes one element of the result, its sum in a fixed
 * order; work-items are one-dimensional, those past the end do nothing. Same result as
 * ref_subsample.c but for rounding.
 */

/* What every kernel but the bias's takes, in the order of arg_sizes() in ocl_subsample.c. */
#define SUBSAMPLE_SIZES                                                                            \
    const int N, const int C, const int H, const int W, const int P, const int Q, const int R,     \
        const int S

/* The sum of window (p, q) of one map. */
float window_sum(global const float *restrict x, int p, int q, int W, int R, int S) {
    float sum = 0.0f;
    for (int r = 0; r < R; r++)
        for (int s = 0; s < S; s++)
            sum += x[(p * R + r) * W + q * S + s];
    return sum;
}

kernel void subsample_forward(global float *restrict y, const ulong y_offset,
                              global const float *restrict x, const ulong x_offset,
                              global const float *restrict w, const ulong w_offset,
                              global const float *restrict b, const ulong b_offset,
                              const int activation, const float alpha, SUBSAMPLE_SIZES) {
    const int i = get_global_id(0);
    if (i >= N * C * P * Q)
        return;
    const int q = i % Q, p = i / Q % P, c = i / (Q * P) % C;
    x += x_offset + (size_t)(i / (Q * P)) * H * W;
    const float sum = window_sum(x, p, q, W, R, S);
    y[y_offset + i] = activate(activation, alpha, fma(w[w_offset + c], sum, b[b_offset + c]));
}

/* dx[n,c,h,w'] = w[c] dy[n, c, h / R, w' / S], 0 outside the windows. */
kernel void subsample_backward_input(global float *restrict dx, const ulong dx_offset,
                                     global const float *restrict dy, const ulong dy_offset,
                                     global const float *restrict w, const ulong w_offset,
                                     SUBSAMPLE_SIZES) {
    const int i = get_global_id(0);
    if (i >= N * C * H * W)
        return;
    const int q = i % W / S, p = i / W % H / R, c = i / (W * H) % C;
    dy += dy_offset + (size_t)(i / (W * H)) * P * Q;
    dx[dx_offset + i] = p < P && q < Q ? w[w_offset + c] * dy[p * Q + q] : 0.0f;
}

/* dw[c] = sum over n,p,q of dy[n,c,p,q] times its window's sum; partial sums by image, as in
 * conv2d.cl. */
kernel void subsample_backward_weight(global float *restrict dw, const ulong dw_offset,
                                      global const float *restrict dy, const ulong dy_offset,
                                      global const float *restrict x, const ulong x_offset,
                                      SUBSAMPLE_SIZES) {
    const int c = get_global_id(0);
    if (c >= C)
        return;
    dy += dy_offset + (size_t)c * P * Q;
    x += x_offset + (size_t)c * H * W;
    float sum = 0.0f;
    for (int n = 0; n < N; n++) {
        float image_sum = 0.0f;
        for (int p = 0; p < P; p++)
            for (int q = 0; q < Q; q++)
                image_sum = fma(dy[p * Q + q], window_sum(x, p, q, W, R, S), image_sum);
        sum += image_sum;
        dy += (size_t)C * P * Q;
        x += (size_t)C * H * W;
    }
    dw[dw_offset + c] = sum;
}

/* db[c] = sum over n,p,q of dy[n,c,p,q]. */
kernel void subsample_backward_bias(global float *restrict db, const ulong db_offset,
                                    global const float *restrict dy, const ulong dy_offset,
                                    const int N, const int C, const int PQ) {
    const int c = get_global_id(0);
    if (c >= C)
        return;
    dy += dy_offset + (size_t)c * PQ;
    float sum = 0.0f;
    for (int n = 0; n < N; n++) {
        float image_sum = 0.0f;
        for (int i = 0; i < PQ; i++)
            image_sum += dy[i];
        sum += image_sum;
        dy += (size_t)C * PQ;
    }
    db[db_offset + c] = sum;
}
