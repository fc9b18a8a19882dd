/* dropout.cl: dropout, forward and, since it is the same work, backward.
 *
 * Element i goes when word i % 4 of Philox4x32-10 (Salmon et al. 2011) of the counter (i / 4, stream,
 * step low, step high) is below `limit`. A work-item does LANES counters at once, four elements each.
 * Work-items are one-dimensional, those past the end do nothing. Same result as ref_dropout.c, bit for
 * bit. The output may be the input.
 */

#ifndef LANES
#define LANES 1 /* 16: a CPU's vectors */
#endif
#if LANES == 16
typedef uint16 words;
constant uint16 first_counters = (uint16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
#define STORE(v, p) vstore16(v, 0, p)
#else
typedef uint words;
constant uint first_counters = 0;
#define STORE(v, p) *(p) = v
#endif

/* out[j * LANES + i] = word j of counter i */
void philox(uint *out, words c0, uint stream, ulong step, ulong seed) {
    words c1 = stream, c2 = (uint)step, c3 = (uint)(step >> 32);
    uint k0 = (uint)seed, k1 = (uint)(seed >> 32);
    for (int round = 0; round < 10; round++) {
        const words high0 = mul_hi((words)0xD2511F53u, c0), low0 = 0xD2511F53u * c0;
        const words high2 = mul_hi((words)0xCD9E8D57u, c2), low2 = 0xCD9E8D57u * c2;
        c0 = high2 ^ c1 ^ k0;
        c1 = low2;
        c2 = high0 ^ c3 ^ k1;
        c3 = low0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    STORE(c0, out);
    STORE(c1, out + LANES);
    STORE(c2, out + 2 * LANES);
    STORE(c3, out + 3 * LANES);
}

kernel void dropout(global float *y, const ulong y_offset, global const float *x,
                    const ulong x_offset, const int count, const ulong limit, const float scale,
                    const ulong seed, const ulong stream, const ulong step) {
    const int first = get_global_id(0) * 4 * LANES;
    if (first >= count)
        return;
    uint random[4 * LANES];
    philox(random, first_counters + (uint)(first / 4), (uint)stream, step, seed);
    x += x_offset;
    y += y_offset;
    for (int i = 0; i < 4 * LANES && first + i < count; i++)
        y[first + i] =
            random[i % 4 * LANES + i / 4] < (uint)limit ? 0.0f : x[first + i] * scale;
}
