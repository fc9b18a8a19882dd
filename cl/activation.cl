/* activation.cl: the activations and their gradients, elementwise.
 *
 * One work-item, RUN elements; the kind is known when the program is compiled, so the loop over them
 * has no branches. Work-items are one-dimensional, those past the end do nothing. Same result as
 * ref_activation.c but for the built-in functions' rounding. The output may be an input.
 */

#ifndef KIND
#define KIND RELU /* the activation */
#endif
#ifndef RUN
#define RUN 1 /* elements of a work-item */
#endif

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
