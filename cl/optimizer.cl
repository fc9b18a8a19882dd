/* optimizer.cl: one step of an optimizer over all weights, and the gradient's norm.
 *
 * The formulas stand in ops.h; same result as ref_optimizer.c but for rounding. The kind is known when
 * the program is compiled, so the loop over a work-item's elements has no branches.
 */

#ifndef KIND
#define KIND SGD /* the optimizer */
#endif

#ifndef RUN
#define RUN 16 /* elements of one work-item of optimizer_step; 1 on a GPU, where neighbours are to read neighbours */
#endif

/* Partial sums of optimizer_norm, whatever the device: the sum's order is fixed. On a GPU each is one of LANES. */
#define PARTS 256
#define LANES 256

/* `clip_norm` 0: no clipping, `norm` is not read. `rate` carries adam's bias correction, `decay` is
 * the uncorrected rate times weight_decay. What a kind does not use is not touched. */
kernel void optimizer_step(global float *restrict w, const ulong w_offset,
                           global const float *restrict g, const ulong g_offset,
                           global float *restrict m, const ulong m_offset,
                           global float *restrict v, const ulong v_offset,
                           global const float *restrict norm, const ulong norm_offset,
                           const int count, const float clip_norm, const float l2,
                           const float decay, const float rate, const float momentum,
                           const float rho, const float beta1, const float beta2,
                           const float epsilon) {
    const int first = get_global_id(0) * RUN;
    if (first >= count)
        return;
    const int last = min(first + RUN, count);
    const float clip = clip_norm > 0 ? clip_norm / fmax(clip_norm, norm[norm_offset]) : 1.0f;
    w += w_offset;
    g += g_offset;
    m += m_offset;
    v += v_offset;
    for (int i = first; i < last; i++) {
        float weight = w[i];
        const float gradient = clip * g[i] + l2 * weight;
        weight -= decay * weight;
        if (KIND == SGD)
            weight -= rate * gradient;
        if ((KIND == MOMENTUM) | (KIND == NESTEROV)) {
            const float speed = momentum * m[i] - rate * gradient;
            m[i] = speed;
            weight += KIND == MOMENTUM ? speed : momentum * speed - rate * gradient;
        }
        if (KIND == RMSPROP) {
            const float square = rho * v[i] + (1.0f - rho) * gradient * gradient;
            v[i] = square;
            weight -= rate * gradient / sqrt(square + epsilon);
        }
        if ((KIND == ADAM) | (KIND == ADAMW)) {
            const float mean = m[i] + (1.0f - beta1) * (gradient - m[i]);
            const float square = v[i] + (1.0f - beta2) * (gradient * gradient - v[i]);
            m[i] = mean;
            v[i] = square;
            weight -= rate * mean / (sqrt(square) + epsilon);
        }
        w[i] = weight;
    }
}

/* First stage: part i of PARTS = the sum of the squares of its run of elements. */
kernel void optimizer_norm_parts(global float *restrict parts, const ulong parts_offset,
                                 global const float *restrict g, const ulong g_offset,
                                 const int count) {
    const int i = get_global_id(0);
    if (i >= PARTS)
        return;
    const int run = (count + PARTS - 1) / PARTS;
    const int first = min(i * run, count), last = min(first + run, count);
    g += g_offset;
    float sum = 0.0f;
    for (int j = first; j < last; j++)
        sum = fma(g[j], g[j], sum);
    parts[parts_offset + i] = sum;
}

/* Second stage: one work-item adds the parts up. */
kernel void optimizer_norm(global float *restrict norm, const ulong norm_offset,
                           global const float *restrict parts, const ulong parts_offset) {
    float sum = 0.0f;
    parts += parts_offset;
    if (get_global_id(0) > 0)
        return;
    for (int i = 0; i < PARTS; i++)
        sum += parts[i];
    norm[norm_offset] = sqrt(sum);
}

/* Without scratch: all of it by one work-item, in the same order. */
kernel void optimizer_norm_direct(global float *restrict norm, const ulong norm_offset,
                                  global const float *restrict g, const ulong g_offset,
                                  const int count) {
    if (get_global_id(0) > 0)
        return;
    const int run = (count + PARTS - 1) / PARTS;
    g += g_offset;
    float sum = 0.0f;
    for (int i = 0; i < PARTS; i++) {
        float part = 0.0f;
        for (int j = min(i * run, count); j < min((i + 1) * run, count); j++)
            part = fma(g[j], g[j], part);
        sum += part;
    }
    norm[norm_offset] = sqrt(sum);
}

/* ---- the norm on a GPU ----------------------------------------------------------------------- */

/* Part i of PARTS, for all work-items of its group: every PARTS * LANES-th element goes into a lane. */
float part_of_norm(local float *values, global const float *g, int i, int count) {
    for (int lane = get_local_id(0); lane < LANES; lane += get_local_size(0)) {
        float sum = 0.0f;
        for (int j = i * LANES + lane; j < count; j += PARTS * LANES)
            sum = fma(g[j], g[j], sum);
        values[lane] = sum;
    }
    return local_sum(values, LANES);
}

/* A group of any size a part; optimizer_norm adds them up. */
kernel void optimizer_norm_groups(global float *restrict parts, const ulong parts_offset,
                                  global const float *restrict g, const ulong g_offset,
                                  const int count) {
    local float values[LANES];
    const float sum = part_of_norm(values, g + g_offset, get_group_id(0), count);
    if (get_local_id(0) == 0)
        parts[parts_offset + get_group_id(0)] = sum;
}

/* Without scratch: all parts by one group, in the same order. */
kernel void optimizer_norm_group(global float *restrict norm, const ulong norm_offset,
                                 global const float *restrict g, const ulong g_offset,
                                 const int count) {
    local float values[LANES];
    float sum = 0.0f;
    for (int i = 0; i < PARTS; i++)
        sum += part_of_norm(values, g + g_offset, i, count);
    if (get_local_id(0) == 0)
        norm[norm_offset] = sqrt(sum);
}
