/* softmax.cl: softmax over the channels and its gradient.
 *
 * x, y (N, C, HW). One work-item computes all channels of one image's pixel; work-items are
 * one-dimensional, those past the end do nothing. On a GPU a group of any size may share the channels of
 * its pixel instead, in LANES partial sums. Same result as ref_softmax.c but for rounding. The output may be
 * x, or dy.
 */

#define LANES 128

/* The first channel of pixel i. */
size_t first_of(int i, int C, int HW) {
    return (size_t)(i / HW) * C * HW + i % HW;
}

kernel void softmax_forward(global float *y, const ulong y_offset, global const float *x,
                            const ulong x_offset, const int N, const int C, const int HW) {
    const int i = get_global_id(0);
    if (i >= N * HW)
        return;
    const size_t first = first_of(i, C, HW);
    x += x_offset + first;
    y += y_offset + first;
    float most = x[0], sum = 0.0f;
    for (int c = 1; c < C; c++)
        most = LARGER(most, x[c * HW]);
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
    const size_t first = first_of(i, C, HW);
    dx += dx_offset + first;
    dy += dy_offset + first;
    y += y_offset + first;
    float sum = 0.0f;
    for (int c = 0; c < C; c++)
        sum = fma(dy[c * HW], y[c * HW], sum);
    for (int c = 0; c < C; c++)
        dx[c * HW] = y[c * HW] * (dy[c * HW] - sum);
}

/* ---- a group a pixel ------------------------------------------------------------------------- */

kernel void softmax_forward_shared(global float *y, const ulong y_offset, global const float *x,
                                   const ulong x_offset, const int N, const int C, const int HW) {
    local float values[LANES];
    const size_t first = first_of(get_group_id(0), C, HW);
    x += x_offset + first;
    y += y_offset + first;
    EACH_LANE(lane, LANES) {
        float most = -INFINITY;
        EACH_SHARE(c, lane, LANES, C) most = LARGER(most, x[c * HW]);
        values[lane] = most;
    }
    const float most = local_most(values, LANES);
    EACH_LANE(lane, LANES) {
        float sum = 0.0f;
        EACH_SHARE(c, lane, LANES, C) {
            const float e = exp(x[c * HW] - most);
            y[c * HW] = e;
            sum += e;
        }
        values[lane] = sum;
    }
    const float sum = local_sum(values, LANES);
    EACH_LANE(lane, LANES)
        EACH_SHARE(c, lane, LANES, C) y[c * HW] /= sum;
}

kernel void softmax_backward_input_shared(global float *dx, const ulong dx_offset,
                                          global const float *dy, const ulong dy_offset,
                                          global const float *y, const ulong y_offset, const int N,
                                          const int C, const int HW) {
    local float values[LANES];
    const size_t first = first_of(get_group_id(0), C, HW);
    dx += dx_offset + first;
    dy += dy_offset + first;
    y += y_offset + first;
    EACH_LANE(lane, LANES) {
        float sum = 0.0f;
        EACH_SHARE(c, lane, LANES, C) sum = fma(dy[c * HW], y[c * HW], sum);
        values[lane] = sum;
    }
    const float sum = local_sum(values, LANES);
    EACH_LANE(lane, LANES)
        EACH_SHARE(c, lane, LANES, C) dx[c * HW] = y[c * HW] * (dy[c * HW] - sum);
}
