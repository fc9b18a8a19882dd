/* shape.c: shape arithmetic. */
#include "core/error.h"
#include "core/size.h"
#include "lenslet/tensor.h"

#include <stdint.h>
#include <stdio.h>

lens_status lens_shape_count(lens_shape shape, size_t *count) {
    size_t product;
    char text[LENS_SHAPE_TEXT];
    if (!lens_size_mul(&product, shape.n, shape.c) || !lens_size_mul(&product, product, shape.h) ||
        !lens_size_mul(&product, product, shape.w) || product > INT32_MAX)
        return lens_fail(LENS_BAD_SHAPE, "shape %s has more than 2^31 - 1 elements",
                         lens_shape_text(shape, text));
    if (product == 0)
        return lens_fail(LENS_BAD_SHAPE, "shape %s has a size of 0", lens_shape_text(shape, text));
    if (count)
        *count = product;
    return LENS_OK;
}

bool lens_shape_equal(lens_shape a, lens_shape b) {
    return a.n == b.n && a.c == b.c && a.h == b.h && a.w == b.w;
}

const char *lens_shape_text(lens_shape shape, char text[LENS_SHAPE_TEXT]) {
    snprintf(text, LENS_SHAPE_TEXT, "(%zu, %zu, %zu, %zu)", shape.n, shape.c, shape.h, shape.w);
    return text;
}
