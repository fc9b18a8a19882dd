/* loss.cl: the losses and their gradients.
 *
 * x (N, C, HW), the prediction  t (N, HW) class numbers, or like x  w (N), not read unless `weighted`.
 * The formulas stand in ops.h and
 * ref_loss.c; same result but for rounding.
 */

#define CLIP 1e-7f /* Keras's epsilon: probabilities stay this far from 0 and 1 */

/* Partial sums of loss_forward, whatever the size of its work-group: the sum's order is fixed. */
#define LANES 64

float clipped(float p) {
    return p < CLIP ? CLIP : p > 1.0f - CLIP ? 1.0f - CLIP : p;
}

bool is_clipped(float p) {
    return p < CLIP || p > 1.0f - CLIP;
}

/* 0 log 0 = 0: a class that is not the target's does not count, whatever its probability. */
float times(float weight, float value) {
    return weight == 0.0f ? 0.0f : weight * value;
}

bool takes_class_numbers(int kind) {
    return kind == SPARSE_CROSS_ENTROPY || kind == MAP;
}

/* The target of channel c: of a class number 1 or 0, or NaN when it is none of the classes. `t` is the
 * pixel's first target. */
float target(global const float *t, int c, int C, int HW, int kind) {
    if (!takes_class_numbers(kind))
        return t[c * HW];
    return t[0] >= 0.0f && t[0] < (float)C && t[0] == floor(t[0]) ? (t[0] == (float)c ? 1.0f : 0.0f)
                                                                  : NAN;
}

float log_sum_exp(global const float *x, int C, int HW) {
    float most = -INFINITY, sum = 0.0f;
    for (int c = 0; c < C; c++)
        most = x[c * HW] > most ? x[c * HW] : most;
    for (int c = 0; c < C; c++)
        sum += exp(x[c * HW] - most);
    return most + log(sum);
}

/* log(e^-j + sum of e^-x), from the least penalty on. */
float log_evidence(global const float *x, int C, int HW, float rejection) {
    float least = rejection, sum = 0.0f;
    for (int c = 0; c < C; c++)
        least = x[c * HW] < least ? x[c * HW] : least;
    for (int c = 0; c < C; c++)
        sum += exp(least - x[c * HW]);
    return log(sum + exp(least - rejection)) - least;
}

/* The logarithm that the loss's shares are taken from; 0 where there is none. */
float normal_of(global const float *x, int C, int HW, int kind, int from_logits, float rejection) {
    if (kind == MAP)
        return log_evidence(x, C, HW, rejection);
    const bool classes = kind == SPARSE_CROSS_ENTROPY || kind == CROSS_ENTROPY;
    return classes && from_logits ? log_sum_exp(x, C, HW) : 0.0f;
}

/* The loss of one pixel, summed over its channels. */
float pixel_loss(global const float *x, global const float *t, int C, int HW, int kind,
                 int from_logits, float rejection) {
    const bool classes = kind == SPARSE_CROSS_ENTROPY || kind == CROSS_ENTROPY;
    const float normal = normal_of(x, C, HW, kind, from_logits, rejection);
    float sum = kind == MAP ? normal : 0.0f;
    for (int c = 0; c < C; c++) {
        const float v = x[c * HW], goal = target(t, c, C, HW, kind);
        if (classes)
            sum -= times(goal, from_logits ? v - normal : log(clipped(v)));
        else if (kind == MAP)
            sum += times(goal, v);
        else if (kind == MEAN_SQUARED_ERROR)
            sum += (v - goal) * (v - goal);
        else if (from_logits)
            sum += fmax(v, 0.0f) - v * goal + log1p(exp(-fabs(v)));
        else
            sum -= times(goal, log(clipped(v))) + times(1.0f - goal, log1p(-clipped(v)));
    }
    return sum;
}

bool pixel_is_right(global const float *x, global const float *t, int C, int HW, int kind,
                    int from_logits) {
    int best = 0, best_target = 0;
    for (int c = 0; c < C; c++) {
        if (kind == BINARY_CROSS_ENTROPY &&
            (x[c * HW] > (from_logits ? 0.0f : 0.5f)) != (t[c * HW] > 0.5f))
            return false;
        if (kind == MAP ? x[c * HW] < x[best * HW] : x[c * HW] > x[best * HW])
            best = c;
        if (!takes_class_numbers(kind) && t[c * HW] > t[best_target * HW])
            best_target = c;
    }
    if (kind == BINARY_CROSS_ENTROPY)
        return true;
    if (takes_class_numbers(kind))
        return t[0] == (float)best;
    return C > 1 && best == best_target;
}

/* total[0] += sum of losses / divisor, total[1] += number right. One work-group of any size: each
 * work-item sums some of the LANES, the first adds them up. */
kernel void loss_forward(global float *restrict total, const ulong total_offset,
                         global const float *restrict x, const ulong x_offset,
                         global const float *restrict t, const ulong t_offset,
                         global const float *restrict w, const ulong w_offset, const int weighted,
                         const int N, const int C, const int HW, const int kind,
                         const int from_logits, const float rejection, const float divisor,
                         const int accumulate) {
    local float losses[LANES], rights[LANES];
    x += x_offset;
    t += t_offset;
    for (int lane = get_local_id(0); lane < LANES; lane += get_local_size(0)) {
        float loss = 0.0f, right = 0.0f;
        for (int i = lane; i < N * HW; i += LANES) {
            const size_t first = (size_t)(i / HW) * C * HW + i % HW;
            global const float *goal = t + (takes_class_numbers(kind) ? (size_t)i : first);
            loss += (weighted ? w[w_offset + i / HW] : 1.0f) *
                    pixel_loss(x + first, goal, C, HW, kind, from_logits, rejection);
            right += pixel_is_right(x + first, goal, C, HW, kind, from_logits) ? 1.0f : 0.0f;
        }
        losses[lane] = loss;
        rights[lane] = right;
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    if (get_local_id(0) == 0) {
        float loss = 0.0f, right = 0.0f;
        for (int lane = 0; lane < LANES; lane++) {
            loss += losses[lane];
            right += rights[lane];
        }
        total += total_offset;
        total[0] = (accumulate ? total[0] : 0.0f) + loss / divisor;
        total[1] = (accumulate ? total[1] : 0.0f) + right;
    }
}

/* The derivative of one pixel's loss with respect to a channel of value v and target `goal`. */
float slope(float v, float goal, int kind, int from_logits, float normal, float target_sum) {
    if (kind == MEAN_SQUARED_ERROR)
        return 2.0f * (v - goal);
    if (kind == BINARY_CROSS_ENTROPY) {
        if (from_logits)
            return 1.0f / (1.0f + exp(-v)) - goal;
        return is_clipped(v) ? 0.0f : (v - goal) / (v * (1.0f - v));
    }
    if (kind == MAP)
        return goal - exp(-v - normal);
    if (from_logits)
        return target_sum * exp(v - normal) - goal;
    return is_clipped(v) ? 0.0f * goal : -goal / v;
}

/* One work-item, all channels of one image's pixel. */
kernel void loss_backward_input(global float *restrict dx, const ulong dx_offset,
                                global const float *restrict x, const ulong x_offset,
                                global const float *restrict t, const ulong t_offset,
                                global const float *restrict w, const ulong w_offset,
                                const int weighted, const int N, const int C, const int HW,
                                const int kind, const int from_logits, const float rejection,
                                const float scale) {
    const int i = get_global_id(0);
    if (i >= N * HW)
        return;
    const size_t first = (size_t)(i / HW) * C * HW + i % HW;
    dx += dx_offset + first;
    x += x_offset + first;
    t += t_offset + (takes_class_numbers(kind) ? (size_t)i : first);
    const float normal = normal_of(x, C, HW, kind, from_logits, rejection);
    const float weight = weighted ? w[w_offset + i / HW] : 1.0f;
    float target_sum = 0.0f;
    for (int c = 0; c < C; c++)
        target_sum += target(t, c, C, HW, kind);
    for (int c = 0; c < C; c++)
        dx[c * HW] = weight * scale *
                     slope(x[c * HW], target(t, c, C, HW, kind), kind, from_logits, normal,
                           target_sum);
}
