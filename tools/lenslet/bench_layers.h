/* bench_layers.h: every pass of a net's layers by itself, against what the device can do. */
#ifndef LENSLET_CLI_BENCH_LAYERS_H
#define LENSLET_CLI_BENCH_LAYERS_H

#include "cli.h"

/* Time each conv2d and dense layer's passes on `device` for this batch, `rounds` times each, and
 * print them in this format. */
lens_status bench_layers(const lens_net_spec *spec, const char *device, const char *algorithm,
                         size_t batch, size_t rounds, int format);

#endif
