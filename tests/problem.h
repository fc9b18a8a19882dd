/* problem.h: one pass of a convolution or a dense layer, of any shape, on any context: for tests
 * that compare algorithms.
 */
#ifndef LENSLET_TESTS_PROBLEM_H
#define LENSLET_TESTS_PROBLEM_H

#include "sweep.h"

typedef struct problem {
    lens_shape x, w;
    lens_conv2d_opts opts; /* of the convolution; a dense layer when `is_dense` */
    bool is_dense;
    bool reals; /* data uniform in -1 .. 1; else integers in -3 .. 3 */
    lens_pass pass;
    enum { OWN, NONE, INSIDE } scratch; /* a tensor of its own; NULL; a view into another */
} problem;

/* A context of the device under test with this algorithm forced. */
lens_context *problem_context(const char *algorithm, bool profile);

size_t problem_scratch(lens_context *context, const problem *p);

/* The result of the problem's pass, freed with free(); a sweep_run() of a `problem`. */
float *problem_solve(lens_context *context, void *problem, size_t *count);

#endif
