/* bench.h: what `lenslet bench` measures: steps of a net, or the passes of operations.
 */
#ifndef LENSLET_CLI_BENCH_H
#define LENSLET_CLI_BENCH_H

#include "op.h"

enum { BENCH_TRAINING, BENCH_INFERENCE }; /* the order of --mode */

typedef struct bench_options {
    text_list devices;
    const char *algorithm;
    int mode, optimizer, format;
    size_t batch, rounds;
    double seconds;      /* of a net's steps on one device, or of a pass */
    const char *profile; /* as profile_open() wants it */
    bool layers;
    int operation, pass; /* -1: not given */
    int pool2d, activation;
} bench_options;

/* The median of `count` times, which are sorted then. */
double bench_median(double *seconds, size_t count);

/* A net's training step or inference on every device. */
lens_status bench_steps(const char *model, const bench_options *o);

/* Every pass of a net's layers by itself, on one device. */
lens_status bench_layers(const char *model, const bench_options *o);

/* The passes of operations that are given as oneDNN's one-line shapes (op_parse.h). */
lens_status bench_shapes(char *const *shapes, size_t count, const bench_options *o);

#endif
