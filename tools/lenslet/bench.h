/* bench.h: what `lenslet bench` measures: steps of a net, the passes of operations, or both and
 * more on every device.
 */
#ifndef LENSLET_CLI_BENCH_H
#define LENSLET_CLI_BENCH_H

#include "op.h"
#include "profile.h"

#include <jansson.h>

enum { BENCH_BATCH = 64 };                /* images a step by default */
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
    bool compare;
    const char *out, *machine; /* of the comparison */
} bench_options;

/* Of a net's steps on one device: seconds, and its memory at most. `start` is from opening the
 * device to the end of the first step. */
typedef struct bench_steps_result {
    const lens_device_info *device;
    double median, least, first, start;
    size_t steps, bytes;
} bench_steps_result;

/* The median of `count` times, which are sorted then. */
double bench_median(double *seconds, size_t count);

/* A net's training step or inference on every device. */
lens_status bench_steps(const char *model, const bench_options *o);

lens_status bench_device_steps(bench_steps_result *result, const lens_devices *devices,
                               size_t index, const lens_net_spec *spec, const bench_options *o,
                               const profile *p);

/* A multiply-add is two; backward counts as two passes forward. `macs` of one image. */
double bench_step_flops(double macs, const bench_options *o);

/* Every pass of a net's layers by itself, on one device. */
lens_status bench_layers(const char *model, const bench_options *o);

/* The passes of operations that are given as oneDNN's one-line shapes (op_parse.h). */
lens_status bench_shapes(char *const *shapes, size_t count, const bench_options *o);

/* Passes of a net on a device that is open, as rows of JSON, which are the caller's even after a
 * failure: those that were measured before it. */
lens_status bench_net_passes(json_t **passes, lens_context *context, const lens_net_spec *spec,
                             const bench_options *o);

/* The comparison of devices: see bench_compare.c. Without models, the usual ones. The number of
 * failed checks tells whether the devices compute the right thing. */
lens_status bench_compare(char *const *models, size_t count, const bench_options *o,
                          size_t *failed);

#endif
