/* dense.cl: the general dense layer and its gradients, for any shape on any device.
 *
 *     y[n,k] = f( b[k] + sum over i of w[k,i] x[n,i] )
 *
 * x (N, I)  w (K, I)  b (K)  y (N, K). One work-item computes one element of the result, its sum in
 * a fixed order; work-items are one-dimensional, those past the end do nothing. Same result as
 * ref_dense.c but for rounding.
 */

kernel void dense_forward(global float *restrict y, const ulong y_offset,
                          global const float *restrict x, const ulong x_offset,
                          global const float *restrict w, const ulong w_offset,
                          global const float *restrict b, const ulong b_offset, const int has_bias,
                          const int activation, const float alpha, const int N, const int K,
                          const int I) {
    const int at = get_global_id(0);
    if (at >= N * K)
        return;
    const int k = at % K, n = at / K;
    x += x_offset + (size_t)n * I;
    w += w_offset + (size_t)k * I;
    float sum = has_bias ? b[b_offset + k] : 0.0f;
    for (int i = 0; i < I; i++)
        sum = fma(w[i], x[i], sum);
    y[y_offset + at] = activate(activation, alpha, sum);
}

/* dx[n,i] = sum over k of dy[n,k] w[k,i] */
kernel void dense_backward_input(global float *restrict dx, const ulong dx_offset,
                                 global const float *restrict dy, const ulong dy_offset,
                                 global const float *restrict w, const ulong w_offset, const int N,
                                 const int K, const int I) {
    const int at = get_global_id(0);
    if (at >= N * I)
        return;
    dy += dy_offset + (size_t)(at / I) * K;
    w += w_offset + at % I;
    float sum = 0.0f;
    for (int k = 0; k < K; k++)
        sum = fma(dy[k], w[(size_t)k * I], sum);
    dx[dx_offset + at] = sum;
}

/* dw[k,i] = sum over n of dy[n,k] x[n,i] */
kernel void dense_backward_weight(global float *restrict dw, const ulong dw_offset,
                                  global const float *restrict dy, const ulong dy_offset,
                                  global const float *restrict x, const ulong x_offset,
                                  const int N, const int K, const int I) {
    const int at = get_global_id(0);
    if (at >= K * I)
        return;
    dy += dy_offset + at / I;
    x += x_offset + at % I;
    float sum = 0.0f;
    for (int n = 0; n < N; n++)
        sum = fma(dy[(size_t)n * K], x[(size_t)n * I], sum);
    dw[dw_offset + at] = sum;
}

/* db[k] = sum over n of dy[n,k] */
kernel void dense_backward_bias(global float *restrict db, const ulong db_offset,
                                global const float *restrict dy, const ulong dy_offset,
                                const int N, const int K) {
    const int k = get_global_id(0);
    if (k >= K)
        return;
    dy += dy_offset + k;
    float sum = 0.0f;
    for (int n = 0; n < N; n++)
        sum += dy[(size_t)n * K];
    db[db_offset + k] = sum;
}
