/* curve.h: the training curve: what a training log says, as an SVG picture.
 */
#ifndef LENSLET_CLI_CURVE_H
#define LENSLET_CLI_CURVE_H

#include "cli.h"

#include <stdio.h>

typedef enum curve_series {
    CURVE_TRAIN_LOSS,
    CURVE_VALIDATION_LOSS,
    CURVE_TRAIN_ACCURACY,
    CURVE_VALIDATION_ACCURACY,
    CURVE_SERIES
} curve_series;

typedef struct curve_epoch {
    size_t epoch;
    double values[CURVE_SERIES]; /* NaN: not known */
} curve_epoch;

typedef struct curve {
    curve_epoch *epochs; /* owned; in ascending order */
    size_t count;
} curve;

/* The epochs of a log that `train --log` wrote. A run that was resumed from before the log's end
 * has some epochs twice: the last run of each counts. BAD_FILE names the line that is none. */
lens_status curve_read(curve *out, const char *log);
void curve_free(curve *c);

/* The loss at the left and the accuracy at the right, over the epochs. */
void curve_draw(FILE *to, const curve *c, const char *title);

/* The curve of a log into an SVG file, which is replaced whole. */
lens_status curve_update(const char *svg, const char *log, const char *title);

#endif
