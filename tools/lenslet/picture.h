/* picture.h: images to classify, from PNG, .npy and IDX files.
 */
#ifndef LENSLET_CLI_PICTURE_H
#define LENSLET_CLI_PICTURE_H

#include "cli.h"

typedef struct pictures {
    float *values; /* owned */
    lens_shape shape;
    bool bytes; /* the values were 0 .. 255 */
} pictures;

/* Read a file, its kind told by its content: PNG: one image; .npy: rank 2 (h, w), 3 (c, h, w), or
 * (n, h, w) when the net takes one channel, 4 (n, c, h, w); IDX, plain or gzip'd: its images. Then
 * bring it to `channels`: colour becomes grey by its luminance, grey is repeated. */
lens_status pictures_read(pictures *out, const char *path, size_t channels);

void pictures_free(pictures *p);

#endif
