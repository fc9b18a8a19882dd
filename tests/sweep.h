/* sweep.h: one operation's pass on two contexts, for the tests of parity.
 *
 * An operation under test is a function that makes its tensors on the context it is given, runs,
 * and returns what it computed. sweep_compare() runs it on the reference and three times on the
 * device.
 */
#ifndef LENSLET_TESTS_SWEEP_H
#define LENSLET_TESTS_SWEEP_H

#include "support.h"

/* Returns `*count` values, freed with free(). `user` says which case. */
typedef float *sweep_run(lens_context *context, void *user, size_t *count);

/* Device equals reference within the limits (0, 0: bit for bit but for the sign of 0), and gives
 * the same bits three times. */
void sweep_compare(const char *what, sweep_run *run, void *user, double relative, double absolute);

/* Elements of a shape, which must be valid. */
size_t shape_count(lens_shape shape);

/* A number in low .. high that is a function of (seed, index). */
size_t draw(uint64_t seed, size_t index, size_t low, size_t high);

#endif
