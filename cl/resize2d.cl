/* resize2d.cl: bilinear and nearest resizing with half-pixel centres, and their gradients.
 *
 * x (NC, H, W), images and channels alike  y (NC, P, Q). One work-item computes one element of the
 * result; work-items are one-dimensional, those past the end do nothing. Which pixels are mixed is
 * decided in integers, as in ref_resize2d.c.
 */

/* The two pixels of an input axis of `in` that output index i of `out` mixes, and the second one's
 * share. */
int mix_of(int *second, float *share, int i, int in, int out, int nearest) {
    *share = 0.0f;
    if (nearest)
        return *second = (int)((2 * (long)i + 1) * in / (2 * (long)out));
    const long numerator = (2 * (long)i + 1) * in - out, whole = 2 * (long)out;
    if (numerator <= 0)
        return *second = 0;
    const int first = (int)(numerator / whole);
    if (first >= in - 1)
        return *second = in - 1;
    *second = first + 1;
    *share = (float)(numerator % whole) / (float)whole;
    return first;
}

kernel void resize2d_forward(global float *restrict y, const ulong y_offset,
                             global const float *restrict x, const ulong x_offset, const int NC,
                             const int H, const int W, const int P, const int Q,
                             const int nearest) {
    const int i = get_global_id(0);
    if (i >= NC * P * Q)
        return;
    x += x_offset + (size_t)(i / (P * Q)) * H * W;
    int h2, w2;
    float h_share, w_share;
    const int h1 = mix_of(&h2, &h_share, i / Q % P, H, P, nearest);
    const int w1 = mix_of(&w2, &w_share, i % Q, W, Q, nearest);
    const float above = (1.0f - w_share) * x[h1 * W + w1] + w_share * x[h1 * W + w2];
    const float below = (1.0f - w_share) * x[h2 * W + w1] + w_share * x[h2 * W + w2];
    y[y_offset + i] = (1.0f - h_share) * above + h_share * below;
}

/* The weight with which output index i looks at input index `at`. */
float weight_of(int i, int at, int in, int out, int nearest) {
    int second;
    float share;
    const int first = mix_of(&second, &share, i, in, out, nearest);
    return (first == at ? 1.0f - share : 0.0f) + (second == at ? share : 0.0f);
}

/* The output indices that may look at input index `at` are lowest .. highest: those whose centre is
 * less than a pixel away, and the edge's beyond. One too many at each end does no harm. */
int lowest(int at, int in, int out) {
    return at == 0 ? 0 : max(0, (int)((long)(at - 1) * out / in) - 1);
}

int highest(int at, int in, int out) {
    return at == in - 1 ? out - 1 : min(out - 1, (int)((long)(at + 2) * out / in) + 1);
}

kernel void resize2d_backward_input(global float *restrict dx, const ulong dx_offset,
                                    global const float *restrict dy, const ulong dy_offset,
                                    const int NC, const int H, const int W, const int P,
                                    const int Q, const int nearest) {
    const int i = get_global_id(0);
    if (i >= NC * H * W)
        return;
    const int w = i % W, h = i / W % H;
    dy += dy_offset + (size_t)(i / (H * W)) * P * Q;
    float sum = 0.0f;
    for (int p = lowest(h, H, P); p <= highest(h, H, P); p++) {
        const float h_weight = weight_of(p, h, H, P, nearest);
        if (h_weight == 0.0f)
            continue;
        for (int q = lowest(w, W, Q); q <= highest(w, W, Q); q++)
            sum += h_weight * weight_of(q, w, W, Q, nearest) * dy[p * Q + q];
    }
    dx[dx_offset + i] = sum;
}
