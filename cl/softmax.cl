/* softmax.cl: softmax over the channels and its gradient.
 *
 * x, y (N, C, HW). One work-item computes all channels of one image's pixel; work-items are
 * one-dimensional, those past the end do nothing. Same result as ref_softmax.c but for rounding.
 * The output may be x, or dy.
 */

kernel void softmax_forward(global float *y, const ulong y_offset, global const float *x,
                            const ulong x_offset, const int N, const int C, const int HW) {
    const int i = get_global_id(0);
    if (i >= N * HW)
        return;
    const size_t first = (size_t)(i / HW) * C * HW + i % HW;
    x += x_offset + first;
    y += y_offset + first;
    float most = x[0], sum = 0.0f;
    for (int c = 1; c < C; c++)
        most = x[c * HW] > most || isnan(x[c * HW]) ? x[c * HW] : most;
    for (int c = 0; c < C; c++) {
        const float e = exp(x[c * HW] - most);
        y[c * HW] = e;
        sum += e;
    }
    for (int c = 0; c < C; c++)
        y[c * HW] /= sum;
}

/* dx[c] = y[c] (dy[c] - sum over j of dy[j] y[j]) */
kernel void softmax_backward_input(global float *dx, const ulong dx_offset, global const float *dy,
                                   const ulong dy_offset, global const float *y,
                                   const ulong y_offset, const int N, const int C, const int HW) {
    const int i = get_global_id(0);
    if (i >= N * HW)
        return;
    const size_t first = (size_t)(i / HW) * C * HW + i % HW;
    dx += dx_offset + first;
    dy += dy_offset + first;
    y += y_offset + first;
    float sum = 0.0f;
    for (int c = 0; c < C; c++)
        sum = fma(dy[c * HW], y[c * HW], sum);
    for (int c = 0; c < C; c++)
        dx[c * HW] = y[c * HW] * (dy[c * HW] - sum);
}
