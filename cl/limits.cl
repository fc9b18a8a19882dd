/* limits.cl: what a device can do at most: multiply-adds in registers, and memory.
 *
 * LANES: 16 on a CPU, whose vectors they are; 1 on a GPU, where a group of work-items is the vector. There
 * a work-item moves four values at a time, as much as a load can.
 */

#if LANES == 16
#define T float16
#else
#define T float
#endif

#define CHAINS 24 /* independent multiply-adds: more than a unit has stages, fewer than registers */
#define STEPS 8   /* of each chain in a round, lest counting the rounds takes its share */

/* out[i] = the sum of CHAINS chains of `rounds` times STEPS multiply-adds each. One-dimensional. */
kernel void limits_fma(global float *restrict out, const ulong out_offset, const int rounds,
                       const float factor, const float term) {
    const int i = get_global_id(0);
    const T a = (T)factor, b = (T)term;
    T chain[CHAINS];
#pragma unroll
    for (int c = 0; c < CHAINS; c++)
        chain[c] = (T)((float)(i + c));
    for (int round = 0; round < rounds; round++) {
#pragma unroll
        for (int c = 0; c < STEPS * CHAINS; c++)
            chain[c % CHAINS] = fma(chain[c % CHAINS], a, b);
    }
    T sum = chain[0];
#pragma unroll
    for (int c = 1; c < CHAINS; c++)
        sum += chain[c];
#if LANES == 16
    out[out_offset + i] = lanes_sum(sum);
#else
    out[out_offset + i] = sum;
#endif
}

/* c = a + b, `run` values a work-item, a multiple of LANES, and of 4. One-dimensional, no remainder. */
kernel void limits_add(global float *restrict c, const ulong c_offset, global const float *restrict a,
                       const ulong a_offset, global const float *restrict b, const ulong b_offset,
                       const int run) {
    const size_t first = (size_t)get_global_id(0) * run;
    a += a_offset + first;
    b += b_offset + first;
    c += c_offset + first;
#if LANES == 16
    for (int i = 0; i < run; i += 16)
        STREAM16(vload16(0, a + i) + vload16(0, b + i), c + i);
#else
    for (int i = 0; i < run; i += 4)
        vstore4(vload4(0, a + i) + vload4(0, b + i), 0, c + i);
#endif
}
