/* ref_padded.c: what each place of a padded input holds, in the four modes. */
#include "reference/reference.h"

/* The index in 0 .. size-1 that position i of the padded axis shows, with `before` places in front;
 * false where it shows no pixel. */
static bool source_index(size_t *source, size_t i, size_t before, size_t size, lens_pad_mode mode) {
    if (i >= before && i < before + size) {
        *source = i - before;
        return true;
    }
    switch (mode) {
    case LENS_PAD_REFLECT:
        *source = i < before ? before - i : 2 * (size - 1) - (i - before);
        return true;
    case LENS_PAD_REPLICATE:
        *source = i < before ? 0 : size - 1;
        return true;
    default:
        return false;
    }
}

ref_tap ref_padded(lens_shape x, const lens_padding *padding, size_t i, size_t j) {
    ref_tap tap = {.value = padding->mode == LENS_PAD_CONSTANT ? padding->value : 0};
    tap.is_pixel = source_index(&tap.h, i, padding->top, x.h, padding->mode) &&
                   source_index(&tap.w, j, padding->left, x.w, padding->mode);
    return tap;
}
