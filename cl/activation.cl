/* activation.cl: the activations and their gradients, elementwise.
 *
 * One work-item, RUN elements; the kind is known when the program is compiled, so the loop over them
 * has no branches. Work-items are one-dimensional, those past the end do nothing. Same result as
 * ref_activation.c but for the built-in functions' rounding. The output may be an input.
 *
 * With the gradient of a bias, y (N, C, HW), each channel's sum is one work-item's or one group's.
 */

#ifndef KIND
#define KIND RELU /* the activation */
#endif
#ifndef RUN
#define RUN 1 /* elements of a work-item */
#endif
#define LANES 1024 /* partial sums of a channel, whatever the group's size */

/* y = f(x) */
kernel void activation_forward(global float *y, const ulong y_offset, global const float *x,
                               const ulong x_offset, const int count, const float alpha) {
    const int first = get_global_id(0) * RUN, last = min(first + RUN, count);
    y += y_offset;
    x += x_offset;
    int i = first;
#if RUN >= 16 && KIND != SOFTPLUS
    for (; i + 16 <= last; i += 16)
        STORE16(global, activate_float16(KIND, alpha, vload16(0, x + i)), y + i);
#endif
    for (; i < last; i++)
        y[i] = activate(KIND, alpha, x[i]);
}

/* dx = dy f'(x), from y */
kernel void activation_backward_input(global float *dx, const ulong dx_offset,
                                      global const float *dy, const ulong dy_offset,
                                      global const float *y, const ulong y_offset, const int count,
                                      const float alpha) {
    const int first = get_global_id(0) * RUN, last = min(first + RUN, count);
    dx += dx_offset;
    dy += dy_offset;
    y += y_offset;
    int i = first;
#if RUN >= 16
    for (; i + 16 <= last; i += 16) {
        const float16 slope = activation_slope_float16(KIND, alpha, vload16(0, y + i));
        STORE16(global, vload16(0, dy + i) * slope, dx + i);
    }
#endif
    for (; i < last; i++)
        dx[i] = dy[i] * activation_slope_float(KIND, alpha, y[i]);
}

#if RUN >= 16 /* a CPU's */
#define PLACES ((int16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15))

/* dx = dy f'(x), from y, and db[c] = the sum of dx over n and p: one work-item a channel, sixteen
 * partial sums along each plane. What a plane's vectors leave over is done by one more, its last
 * sixteen, read before any of them is overwritten. */
kernel void activation_backward_bias(global float *dx, const ulong dx_offset, global float *db,
                                     const ulong db_offset, global const float *dy,
                                     const ulong dy_offset, global const float *y,
                                     const ulong y_offset, const int N, const int C, const int HW,
                                     const float alpha) {
    const int c = get_global_id(0);
    if (c >= C)
        return;
    float16 lanes = 0.0f;
    float rest = 0.0f;
    for (int n = 0; n < N; n++) {
        const size_t plane = (size_t)(n * C + c) * HW;
        global float *to = dx + dx_offset + plane;
        global const float *from = dy + dy_offset + plane, *out = y + y_offset + plane;
        if (HW < 16) {
            for (int i = 0; i < HW; i++) {
                const float v = from[i] * activation_slope_float(KIND, alpha, out[i]);
                to[i] = v;
                rest += v;
            }
            continue;
        }
        const float16 last = vload16(0, from + HW - 16) *
                             activation_slope_float16(KIND, alpha, vload16(0, out + HW - 16));
        for (int i = 0; i + 16 <= HW; i += 16) {
            const float16 slope = activation_slope_float16(KIND, alpha, vload16(0, out + i));
            const float16 v = vload16(0, from + i) * slope;
            STORE16(global, v, to + i);
            lanes += v;
        }
        if (HW % 16 == 0)
            continue;
        STORE16(global, last, to + HW - 16);
        lanes += select((float16)0.0f, last, PLACES >= 16 - HW % 16);
    }
    db[db_offset + c] = lanes_sum(lanes) + rest;
}
#else
/* The same by groups of any size, a channel each. */
kernel void activation_backward_bias_group(global float *dx, const ulong dx_offset,
                                           global float *db, const ulong db_offset,
                                           global const float *dy, const ulong dy_offset,
                                           global const float *y, const ulong y_offset,
                                           const int N, const int C, const int HW,
                                           const float alpha) {
    local float values[LANES];
    const int c = get_group_id(0);
    dx += dx_offset;
    dy += dy_offset;
    y += y_offset;
    for (int lane = get_local_id(0); lane < LANES; lane += get_local_size(0)) {
        float sum = 0.0f;
        EACH_OF_LANE(n, p, lane, LANES, N, HW) {
            const size_t i = (size_t)(n * C + c) * HW + p;
            const float v = dy[i] * activation_slope_float(KIND, alpha, y[i]);
            dx[i] = v;
            sum += v;
        }
        values[lane] = sum;
    }
    const float sum = local_sum(values, LANES);
    if (get_local_id(0) == 0)
        db[db_offset + c] = sum;
}
#endif

/* The same of HW = 1, as dense layers have it: one work-item, CHANNELS of them; of a GPU's one, so that
 * neighbours read neighbours. */
#define CHANNELS (RUN >= 64 ? 64 : 1)

kernel void activation_backward_bias_flat(global float *dx, const ulong dx_offset, global float *db,
                                          const ulong db_offset, global const float *dy,
                                          const ulong dy_offset, global const float *y,
                                          const ulong y_offset, const int N, const int C,
                                          const int HW, const float alpha) {
    const int first = get_global_id(0) * CHANNELS, last = min(first + CHANNELS, C);
    int c = first;
    dx += dx_offset;
    dy += dy_offset;
    y += y_offset;
#if RUN >= 16
    for (; c + 16 <= last; c += 16) {
        float16 sum = 0.0f;
        for (size_t i = c; i < (size_t)N * C; i += C) {
            const float16 slope = activation_slope_float16(KIND, alpha, vload16(0, y + i));
            const float16 v = vload16(0, dy + i) * slope;
            STORE16(global, v, dx + i);
            sum += v;
        }
        STORE16(global, sum, db + db_offset + c);
    }
#endif
    for (; c < last; c++) {
        float sum = 0.0f;
        for (size_t i = c; i < (size_t)N * C; i += C) {
            const float v = dy[i] * activation_slope_float(KIND, alpha, y[i]);
            dx[i] = v;
            sum += v;
        }
        db[db_offset + c] = sum;
    }
}
