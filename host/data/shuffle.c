/* shuffle.c: the order of an epoch's images. */
#include "core/philox.h"
#include "lenslet/data.h"

/* Uniform in 0 .. range-1: words of the last, incomplete multiple of range are drawn again. */
static uint32_t draw(uint64_t seed, uint64_t epoch, uint32_t range, uint32_t *used) {
    uint32_t spare = (uint32_t)(0x100000000u % range); /* 2^32 mod range */
    for (;;) {
        uint32_t word = lens_random(seed, LENS_STREAM_SHUFFLE, 0, epoch, (*used)++);
        if (word >= spare)
            return word % range;
    }
}

void lens_shuffle(uint32_t *order, size_t count, uint64_t seed, uint64_t epoch) {
    uint32_t used = 0;
    for (size_t i = 0; i < count; i++)
        order[i] = (uint32_t)i;
    for (size_t i = count; i > 1; i--) {
        uint32_t other = draw(seed, epoch, (uint32_t)i, &used), kept = order[i - 1];
        order[i - 1] = order[other];
        order[other] = kept;
    }
}
