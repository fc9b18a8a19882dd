/* check.c: the checks that operations share. */
#include "ops/check.h"
#include "core/size.h"

#include <stdint.h>

lens_status lens_check_shape(const char *op, const char *what, lens_shape got,
                             lens_shape expected) {
    char got_text[LENS_SHAPE_TEXT], expected_text[LENS_SHAPE_TEXT];
    if (!lens_shape_equal(got, expected))
        return lens_fail(LENS_BAD_SHAPE, "%s: %s is %s, the shape rule gives %s", op, what,
                         lens_shape_text(got, got_text), lens_shape_text(expected, expected_text));
    return LENS_OK;
}

static bool overlap(const lens_tensor *a, const lens_tensor *b) {
    return a->buffer == b->buffer && a->offset < b->offset + b->count &&
           b->offset < a->offset + a->count;
}

lens_status lens_check_tensors(const char *op, const lens_tensor *out, size_t in_count,
                               const lens_tensor *const *in) {
    for (size_t i = 0; i < in_count; i++) {
        if (!in[i])
            continue;
        if (in[i]->context != out->context)
            return lens_fail(LENS_BAD_ARGUMENT, "%s: the tensors belong to different contexts", op);
        if (overlap(in[i], out))
            return lens_fail(LENS_BAD_ARGUMENT, "%s: the output overlaps an input", op);
    }
    return LENS_OK;
}

lens_status lens_check_in_place(const char *op, const lens_tensor *out, const lens_tensor *in) {
    if (out->buffer == in->buffer && out->offset == in->offset && out->count == in->count)
        return LENS_OK;
    return LENS_CHECK_TENSORS(op, out, in);
}

lens_status lens_check_padding(const char *op, lens_shape x, const lens_padding *padding) {
    if ((unsigned)padding->mode > LENS_PAD_REPLICATE)
        return lens_fail(LENS_BAD_ARGUMENT, "%s: %d is no padding mode", op, (int)padding->mode);
    const size_t sides[] = {padding->top, padding->left, padding->bottom, padding->right};
    const size_t sizes[] = {x.h, x.w, x.h, x.w};
    const char *const names[] = {"top", "left", "bottom", "right"};
    for (int i = 0; i < 4; i++) {
        if (sides[i] > INT32_MAX)
            return lens_fail(LENS_BAD_SHAPE, "%s: %zu pixels of %s padding are too many", op,
                             sides[i], names[i]);
        if (padding->mode == LENS_PAD_REFLECT && sides[i] >= sizes[i])
            return lens_fail(LENS_BAD_SHAPE,
                             "%s: %zu pixels of reflect padding at the %s need an input larger "
                             "than that, it has %zu",
                             op, sides[i], names[i], sizes[i]);
    }
    return LENS_OK;
}

lens_status lens_check_activation(const char *op, const lens_activation *activation) {
    lens_activation_kind kind = activation->kind;
    if ((unsigned)kind > LENS_SOFTPLUS)
        return lens_fail(LENS_BAD_ARGUMENT, "%s: %d is no activation", op, (int)kind);
    if ((kind == LENS_LEAKY_RELU || kind == LENS_ELU) && !(activation->alpha > 0))
        return lens_fail(LENS_BAD_ARGUMENT, "%s: the alpha of %s is %g, it must be above 0", op,
                         lens_activation_name(kind), (double)activation->alpha);
    return LENS_OK;
}

lens_status lens_output_size(size_t *out, const char *op, const char *axis, size_t size,
                             size_t before, size_t after, size_t window, size_t stride,
                             size_t dilation) {
    if (window == 0 || stride == 0 || dilation == 0)
        return lens_fail(LENS_BAD_ARGUMENT,
                         "%s: window %zu, stride %zu and dilation %zu of the %s must be at least 1",
                         op, window, stride, dilation, axis);
    size_t reach, padded;
    if (stride > INT32_MAX || dilation > INT32_MAX ||
        !lens_size_mul(&reach, window - 1, dilation) || !lens_size_add(&reach, reach, 1) ||
        !lens_size_add(&padded, size, before) || !lens_size_add(&padded, padded, after) ||
        padded > INT32_MAX || reach > padded)
        return lens_fail(LENS_BAD_SHAPE,
                         "%s: a window of %zu with dilation %zu does not fit the %zu %s of the "
                         "input with %zu + %zu of padding",
                         op, window, dilation, size, axis, before, after);
    *out = (padded - reach) / stride + 1;
    return LENS_OK;
}
