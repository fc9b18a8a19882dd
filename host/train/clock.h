/* clock.h: seconds that only go forward. */
#ifndef LENSLET_TRAIN_CLOCK_H
#define LENSLET_TRAIN_CLOCK_H

#include <time.h>

static inline double lens_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

#endif
