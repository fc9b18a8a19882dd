/* loss.cl: the losses and their gradients.
 *
 * x (N, C, HW), the prediction  t (N, HW) class numbers, or like x  w (N), not read unless `weighted`.
 * The formulas stand in ops.h and
 * ref_loss.c; same result but for rounding.
 */

#define CLIP 1e-7f /* Keras's epsilon: probabilities stay this far from 0 and 1 */

/* Partial sums of loss_forward, whatever the size of its work-group: the sum's order is fixed. */
#define PIXEL_LANES 64

/* On a GPU a group of any size may share the channels of a pixel instead: LANES partial sums, and of a batch's
 * losses PARTS of them. */
#define LANES 128
#define PARTS 256

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

/* What a loss of logarithms takes its shares from is log(e^extra + sum of e^(sign x)), from the largest
 * exponent on: of logits their log-sum-exp, of penalties (MAP) the evidence, which rejection adds to. */
bool has_normal(int kind, int from_logits) {
    const bool classes = kind == SPARSE_CROSS_ENTROPY || kind == CROSS_ENTROPY;
    return kind == MAP || (classes && from_logits);
}

float sign_of(int kind) {
    return kind == MAP ? -1.0f : 1.0f;
}

float extra_of(int kind, float rejection) {
    return kind == MAP ? -rejection : -INFINITY;
}

/* 0 where there is none. */
float normal_of(global const float *x, int C, int HW, int kind, int from_logits, float rejection) {
    const float sign = sign_of(kind), extra = extra_of(kind, rejection);
    if (!has_normal(kind, from_logits))
        return 0.0f;
    float most = extra, sum = 0.0f;
    for (int c = 0; c < C; c++)
        most = sign * x[c * HW] > most ? sign * x[c * HW] : most;
    for (int c = 0; c < C; c++)
        sum += exp(sign * x[c * HW] - most);
    return most + log(sum + exp(extra - most));
}

/* What a channel of value v and target `goal` adds to the loss. */
float channel_loss(float v, float goal, int kind, int from_logits, float normal) {
    if (kind == MEAN_SQUARED_ERROR)
        return (v - goal) * (v - goal);
    if (kind == BINARY_CROSS_ENTROPY)
        return from_logits
                   ? fmax(v, 0.0f) - v * goal + log1p(exp(-fabs(v)))
                   : -(times(goal, log(clipped(v))) + times(1.0f - goal, log1p(-clipped(v))));
    if (kind == MAP)
        return times(goal, v);
    return -times(goal, from_logits ? v - normal : log(clipped(v)));
}

/* The loss of one pixel, summed over its channels. */
float pixel_loss(global const float *x, global const float *t, int C, int HW, int kind,
                 int from_logits, float rejection) {
    const float normal = normal_of(x, C, HW, kind, from_logits, rejection);
    float sum = kind == MAP ? normal : 0.0f;
    for (int c = 0; c < C; c++)
        sum += channel_loss(x[c * HW], target(t, c, C, HW, kind), kind, from_logits, normal);
    return sum;
}

/* Whether channel c is on the wrong side, of a binary cross-entropy. */
bool is_wrong(global const float *x, global const float *t, int c, int HW, int from_logits) {
    return (x[c * HW] > (from_logits ? 0.0f : 0.5f)) != (t[c * HW] > 0.5f);
}

bool pixel_is_right(global const float *x, global const float *t, int C, int HW, int kind,
                    int from_logits) {
    int best = 0, best_target = 0;
    for (int c = 0; c < C; c++) {
        if (kind == BINARY_CROSS_ENTROPY && is_wrong(x, t, c, HW, from_logits))
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
 * work-item sums some of the PIXEL_LANES, the first adds them up. */
kernel void loss_forward(global float *restrict total, const ulong total_offset,
                         global const float *restrict x, const ulong x_offset,
                         global const float *restrict t, const ulong t_offset,
                         global const float *restrict w, const ulong w_offset, const int weighted,
                         const int N, const int C, const int HW, const int kind,
                         const int from_logits, const float rejection, const float divisor,
                         const int accumulate) {
    local float losses[PIXEL_LANES], rights[PIXEL_LANES];
    x += x_offset;
    t += t_offset;
    EACH_LANE(lane, PIXEL_LANES) {
        float loss = 0.0f, right = 0.0f;
        for (int i = lane; i < N * HW; i += PIXEL_LANES) {
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
        for (int lane = 0; lane < PIXEL_LANES; lane++) {
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

/* ---- a group a pixel ------------------------------------------------------------------------- */

/* Every work-item comes by every barrier, whatever the kind: compilers for CPUs want it so. */
float normal_shared(local float *values, global const float *x, int C, int HW, int kind,
                    int from_logits, float rejection) {
    const float sign = sign_of(kind), extra = extra_of(kind, rejection);
    const bool wanted = has_normal(kind, from_logits);
    const int count = wanted ? C : 0;
    EACH_LANE(lane, LANES) {
        float most = extra;
        EACH_SHARE(c, lane, LANES, count) most = LARGER(most, sign * x[c * HW]);
        values[lane] = most;
    }
    const float most = local_most(values, LANES);
    EACH_LANE(lane, LANES) {
        float sum = 0.0f;
        EACH_SHARE(c, lane, LANES, count) sum += exp(sign * x[c * HW] - most);
        values[lane] = sum;
    }
    const float sum = local_sum(values, LANES);
    return wanted ? most + log(sum + exp(extra - most)) : 0.0f;
}

/* Inlined, since compilers for AMD would call it, which takes scratch memory. */
__attribute__((always_inline)) float
pixel_loss_shared(local float *values, global const float *x, global const float *t, int C, int HW,
                  int kind, int from_logits, float rejection) {
    const float normal = normal_shared(values, x, C, HW, kind, from_logits, rejection);
    EACH_LANE(lane, LANES) {
        float sum = 0.0f;
        EACH_SHARE(c, lane, LANES, C)
            sum += channel_loss(x[c * HW], target(t, c, C, HW, kind), kind, from_logits, normal);
        values[lane] = sum;
    }
    return (kind == MAP ? normal : 0.0f) + local_sum(values, LANES);
}

/* The first channel with the largest sign x, and channel 0 where that is NaN: so every lane begins there. */
#define IS_LARGER_AT(a, b) (sign * x[(b)*HW] > sign * x[(a)*HW])
#define LARGER_AT(a, b)                                                                            \
    (IS_LARGER_AT(a, b) || ((b) < (a) && !IS_LARGER_AT(b, a)) ? (b) : (a))
int best_shared(local int *bests, global const float *x, int C, int HW, float sign) {
    EACH_LANE(lane, LANES) {
        int best = 0;
        EACH_SHARE(c, lane, LANES, C) best = IS_LARGER_AT(best, c) ? c : best;
        bests[lane] = best;
    }
    FOLD(LARGER_AT, bests, LANES)
    const int best = bests[0];
    barrier(CLK_LOCAL_MEM_FENCE);
    return best;
}

__attribute__((always_inline)) bool
pixel_is_right_shared(local float *values, local int *bests, global const float *x,
                      global const float *t, int C, int HW, int kind, int from_logits) {
    const bool binary = kind == BINARY_CROSS_ENTROPY, numbers = takes_class_numbers(kind);
    EACH_LANE(lane, LANES) {
        float wrong = 0.0f;
        EACH_SHARE(c, lane, LANES, binary ? C : 0)
            wrong += is_wrong(x, t, c, HW, from_logits) ? 1.0f : 0.0f;
        values[lane] = wrong;
    }
    const float wrong = local_sum(values, LANES);
    const int best = best_shared(bests, x, binary ? 0 : C, HW, sign_of(kind));
    const int best_target = best_shared(bests, t, binary || numbers ? 0 : C, HW, 1.0f);
    if (binary)
        return wrong == 0.0f;
    return numbers ? t[0] == (float)best : C > 1 && best == best_target;
}

/* Part g of PARTS, group g's: its sum of losses, and behind all of those its number right. There are no
 * more groups than pixels. */
kernel void loss_forward_parts(global float *restrict parts, const ulong parts_offset,
                               global const float *restrict x, const ulong x_offset,
                               global const float *restrict t, const ulong t_offset,
                               global const float *restrict w, const ulong w_offset,
                               const int weighted, const int N, const int C, const int HW,
                               const int kind, const int from_logits, const float rejection) {
    local float values[LANES];
    local int bests[LANES];
    float loss = 0.0f, right = 0.0f;
    x += x_offset;
    t += t_offset;
    for (int i = get_group_id(0); i < N * HW; i += PARTS) {
        const size_t first = (size_t)(i / HW) * C * HW + i % HW;
        global const float *goal = t + (takes_class_numbers(kind) ? (size_t)i : first);
        loss += (weighted ? w[w_offset + i / HW] : 1.0f) *
                pixel_loss_shared(values, x + first, goal, C, HW, kind, from_logits, rejection);
        right += pixel_is_right_shared(values, bests, x + first, goal, C, HW, kind, from_logits)
                     ? 1.0f
                     : 0.0f;
    }
    parts += parts_offset + get_group_id(0);
    if (get_local_id(0) == 0) {
        parts[0] = loss;
        parts[PARTS] = right;
    }
}

/* loss_forward's result from `count` parts, by one group. */
kernel void loss_forward_total(global float *restrict total, const ulong total_offset,
                               global const float *restrict parts, const ulong parts_offset,
                               const int count, const float divisor, const int accumulate) {
    local float values[PARTS];
    total += total_offset;
    parts += parts_offset;
    for (int i = 0; i < 2; i++) {
        EACH_LANE(lane, PARTS) values[lane] = lane < count ? parts[i * PARTS + lane] : 0.0f;
        const float sum = local_sum(values, PARTS) / (i == 0 ? divisor : 1.0f);
        if (get_local_id(0) == 0)
            total[i] = (accumulate ? total[i] : 0.0f) + sum;
    }
}

kernel void loss_backward_input_shared(global float *restrict dx, const ulong dx_offset,
                                       global const float *restrict x, const ulong x_offset,
                                       global const float *restrict t, const ulong t_offset,
                                       global const float *restrict w, const ulong w_offset,
                                       const int weighted, const int N, const int C, const int HW,
                                       const int kind, const int from_logits,
                                       const float rejection, const float scale) {
    local float values[LANES];
    const int i = get_group_id(0);
    const size_t first = (size_t)(i / HW) * C * HW + i % HW;
    dx += dx_offset + first;
    x += x_offset + first;
    t += t_offset + (takes_class_numbers(kind) ? (size_t)i : first);
    const float normal = normal_shared(values, x, C, HW, kind, from_logits, rejection);
    const float weight = weighted ? w[w_offset + i / HW] : 1.0f;
    EACH_LANE(lane, LANES) {
        float sum = 0.0f;
        EACH_SHARE(c, lane, LANES, C) sum += target(t, c, C, HW, kind);
        values[lane] = sum;
    }
    const float target_sum = local_sum(values, LANES);
    EACH_LANE(lane, LANES)
        EACH_SHARE(c, lane, LANES, C)
            dx[c * HW] = weight * scale *
                         slope(x[c * HW], target(t, c, C, HW, kind), kind, from_logits, normal,
                               target_sum);
}
