/* dataset.h: the inside of a data set. */
#ifndef LENSLET_DATA_DATASET_H
#define LENSLET_DATA_DATASET_H

#include "core/error.h"
#include "lenslet/data.h"

#define DATASET_MAX_LABEL 65535

struct lens_dataset {
    lens_shape shape;     /* n = number of images */
    unsigned char *bytes; /* the images, or NULL */
    float *floats;        /* the images when they are no bytes */
    int32_t *labels;
    size_t classes;
    char **class_names; /* `classes` of them, or NULL */
    bool borrows;       /* a slice: nothing above is owned */
};

/* Bytes are scaled to 0 .. 1, floats are taken as they are. */
static inline float dataset_default_scale(const lens_dataset *dataset) {
    return dataset->bytes ? 1.0f / 255 : 1.0f;
}

#endif
