/* view.h: a part of a resized image as a net's input: the one place where pixels become values.
 */
#ifndef LENSLET_DATA_VIEW_H
#define LENSLET_DATA_VIEW_H

#include "core/error.h"
#include "lenslet/picture.h"

/* An image as it is stored: bytes or floats, in any order of its axes. Steps in elements. */
typedef struct view_source {
    const unsigned char *bytes; /* or NULL */
    const float *floats;        /* when they are no bytes */
    size_t h, w, c;
    size_t row, pixel, plane; /* from one row, column, channel to the next */
} view_source;

view_source view_of_picture(const lens_picture *picture);

/* Planes of channels, as data sets hold them. */
view_source view_of_planes(const unsigned char *bytes, const float *floats, lens_shape shape);

/* The image is resized to h x w; the part whose upper left corner is (y, x) of that is taken, black
 * where it reaches beyond, and mirrored if `flip`; `shift` is added to red, green and blue. */
typedef struct view {
    size_t h, w;
    ptrdiff_t y, x;
    bool flip;
    float shift[3]; /* in units of the largest byte */
} view;

/* The size that pictures are resized to cover, fill or fit in. */
void view_size(size_t *h, size_t *w, lens_shape input, const lens_preprocess *preprocess);

/* The middle of an image of h x w, for a net's input. */
view view_centre(lens_shape input, size_t h, size_t w, const lens_preprocess *preprocess);

/* Move, mirror and tint a part as the epoch's augmentation of this image says. */
void view_augment(view *part, lens_shape input, const lens_augment *augment, uint64_t seed,
                  uint64_t epoch, uint32_t image);

/* Write c h w values. OUT_OF_MEMORY, or BAD_SHAPE when the channels cannot be converted. */
lens_status view_render(float *values, lens_shape input, const view_source *source,
                        const view *part, const lens_preprocess *preprocess);

#endif
