/* activation.cl: the activations and their gradients, elementwise.
 *
 * One work-item, one element; those past the end do nothing. Same result as ref_activation.c but
 * for the built-in functions' rounding. The output may be an input.
 */

/* y = f(x) */
kernel void activation_forward(global float *y, const ulong y_offset, global const float *x,
                               const ulong x_offset, const int count, const int kind,
                               const float alpha) {
    const int i = get_global_id(0);
    if (i < count)
        y[y_offset + i] = activate(kind, alpha, x[x_offset + i]);
}

/* dx = dy f'(x), from y */
kernel void activation_backward_input(global float *dx, const ulong dx_offset,
                                      global const float *dy, const ulong dy_offset,
                                      global const float *y, const ulong y_offset, const int count,
                                      const int kind, const float alpha) {
    const int i = get_global_id(0);
    if (i < count)
        dx[dx_offset + i] = dy[dy_offset + i] * activation_slope(kind, alpha, y[y_offset + i]);
}
