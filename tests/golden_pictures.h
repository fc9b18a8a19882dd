/* golden_pictures.h: the pictures that golden/make_pictures.py made, and what PIL makes of them.
 */
#ifndef LENSLET_TESTS_GOLDEN_PICTURES_H
#define LENSLET_TESTS_GOLDEN_PICTURES_H

#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "<tests>/golden/pictures/<name>" in one of a few static buffers. */
static inline const char *picture_path(const char *name) {
    static char paths[4][1024];
    static int next;
    const char *folder = getenv("LENSLET_TEST_DIR");
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/golden/pictures/%s", folder ? folder : "tests", name);
    return path;
}

/* The bytes (h, w, c) of NAME.npy as floats, freed with free(). */
static inline float *picture_golden(const char *name, size_t *h, size_t *w, size_t *c) {
    char file[128];
    float *values;
    lens_shape shape;
    size_t rank;
    snprintf(file, sizeof file, "%s.npy", name);
    assert_ok(lens_npy_read(&values, &shape, &rank, picture_path(file)));
    assert_int_equal(rank, 3); /* so its axes are (1, c, h, w) of the reader */
    *h = shape.c, *w = shape.h, *c = shape.w;
    return values;
}

#endif
