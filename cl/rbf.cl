/* rbf.cl: radial basis function units and their gradients.
 *
 *     y[n,k] = sum over i of (x[n,i] - w[k,i])^2
 *
 * x (N,I)  w (K,I)  y (N,K), contiguous. One work-item computes one element of the result, its sum in
 * a fixed order; work-items are one-dimensional, those past the end do nothing. Same result as
 * ref_rbf.c but for rounding.
 */

kernel void rbf_forward(global float *restrict y, const ulong y_offset,
                        global const float *restrict x, const ulong x_offset,
                        global const float *restrict w, const ulong w_offset, const int N,
                        const int K, const int I) {
    const int at = get_global_id(0);
    if (at >= N * K)
        return;
    x += x_offset + (size_t)(at / K) * I;
    w += w_offset + (size_t)(at % K) * I;
    float sum = 0.0f;
    for (int i = 0; i < I; i++) {
        const float difference = x[i] - w[i];
        sum = fma(difference, difference, sum);
    }
    y[y_offset + at] = sum;
}

/* dx[n,i] = 2 sum over k of dy[n,k] (x[n,i] - w[k,i]) */
kernel void rbf_backward_input(global float *restrict dx, const ulong dx_offset,
                               global const float *restrict dy, const ulong dy_offset,
                               global const float *restrict x, const ulong x_offset,
                               global const float *restrict w, const ulong w_offset, const int N,
                               const int K, const int I) {
    const int at = get_global_id(0);
    if (at >= N * I)
        return;
    dy += dy_offset + (size_t)(at / I) * K;
    w += w_offset + at % I;
    const float v = x[x_offset + at];
    float sum = 0.0f;
    for (int k = 0; k < K; k++)
        sum = fma(dy[k], v - w[(size_t)k * I], sum);
    dx[dx_offset + at] = 2.0f * sum;
}

/* dw[k,i] = 2 sum over n of dy[n,k] (w[k,i] - x[n,i]) */
kernel void rbf_backward_weight(global float *restrict dw, const ulong dw_offset,
                                global const float *restrict dy, const ulong dy_offset,
                                global const float *restrict x, const ulong x_offset,
                                global const float *restrict w, const ulong w_offset, const int N,
                                const int K, const int I) {
    const int at = get_global_id(0);
    if (at >= K * I)
        return;
    dy += dy_offset + at / I;
    x += x_offset + at % I;
    const float code = w[w_offset + at];
    float sum = 0.0f;
    for (int n = 0; n < N; n++)
        sum = fma(dy[(size_t)n * K], code - x[(size_t)n * I], sum);
    dw[dw_offset + at] = 2.0f * sum;
}
