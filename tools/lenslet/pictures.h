/* pictures.h: images to classify, from JPEG, PNG, .npy and IDX files.
 */
#ifndef LENSLET_CLI_PICTURES_H
#define LENSLET_CLI_PICTURES_H

#include "cli.h"

typedef struct pictures {
    float *values; /* owned */
    lens_shape shape;
} pictures;

/* How what is in a file becomes what the net wants. */
typedef struct picture_rule {
    lens_preprocess preprocess; /* of pictures and arrays of bytes */
    float float_scale;          /* all that is done to floats */
    bool invert;                /* black on white becomes white on black, before everything else */
} picture_rule;

/* Read a file, its kind told by its content: JPEG, PNG: one image of the size of `input`; .npy:
 * rank 2 (h, w), 3 (c, h, w), or (n, h, w) when the net takes one channel, 4 (n, c, h, w); IDX,
 * plain or gzip'd: its images. Arrays keep their size, but bytes of a net whose recipe has a
 * preprocess.side become its input as pictures do. Colour becomes grey by its luminance, grey
 * is repeated, as the input's channels ask for. */
lens_status pictures_read(pictures *out, const char *path, lens_shape input,
                          const picture_rule *rule);

/* The rule of the recipe that the weights were trained by. `scale`, unless NaN, multiplies bytes
 * and floats instead. */
lens_status picture_rule_open(picture_rule *rule, lens_net_spec *spec, const char *weights,
                              double scale, bool invert);

/* `count` images from `first` on into the net's input, resized on the device if need be. */
lens_status pictures_feed(const pictures *p, lens_net *net, size_t first, size_t count);

void pictures_free(pictures *p);

#endif
