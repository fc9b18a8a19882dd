/* philox.h: random numbers as a function of a counter.
 *
 * Philox4x32-10 of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (2011). The key is
 * the seed; the counter says what the number is for, so any number can be had at any time, on any
 * device, by any thread, and a resumed run draws what an uninterrupted one would have.
 */
#ifndef LENSLET_CORE_PHILOX_H
#define LENSLET_CORE_PHILOX_H

#include <stdint.h>

/* What a stream of numbers is for: the second word of the counter's meaning. */
typedef enum lens_stream {
    LENS_STREAM_INITIALIZE = 1,
    LENS_STREAM_SHUFFLE,
    LENS_STREAM_DROPOUT,
    LENS_STREAM_AUGMENT
} lens_stream;

/* The bare function: out = philox4x32-10(counter, key). */
void lens_philox(uint32_t out[4], const uint32_t counter[4], const uint32_t key[2]);

/* Word number `element` of (seed, stream, index, step): counter = (element / 4,
 * stream << 24 | index, step low, step high). `index` is a layer or parameter, below 2^24. */
uint32_t lens_random(uint64_t seed, lens_stream stream, uint32_t index, uint64_t step,
                     uint32_t element);

/* Uniform in [0, 1) from the upper 24 bits of a word. */
static inline float lens_uniform(uint32_t word) {
    return (float)(word >> 8) * 0x1p-24f;
}

#endif
