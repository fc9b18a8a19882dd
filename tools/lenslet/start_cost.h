/* start_cost.h: how long a user waits for the first training step.
 */
#ifndef LENSLET_CLI_START_COST_H
#define LENSLET_CLI_START_COST_H

#include "bench.h"

/* Seconds from opening the device to the end of the first training step: when no cache holds a
 * compiled kernel, and when the caches hold those of the time before. */
typedef struct start_cost {
    double cold, warm;
} start_cost;

/* Each in a process of its own, since drivers keep in memory what they have compiled; their caches
 * are in a new folder, which is removed. */
lens_status start_cost_measure(start_cost *cost, size_t device, const char *model,
                               const bench_options *o);

#endif
