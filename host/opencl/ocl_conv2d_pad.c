/* ocl_conv2d_pad.c: padding into scratch for the convolutions on CPU devices. */
#include "opencl/ocl_conv2d_pad.h"

size_t ocl_count_of(lens_shape s) {
    return s.n * s.c * s.h * s.w;
}

bool ocl_has_padding(const lens_padding *p) {
    return p->top || p->left || p->bottom || p->right;
}

lens_shape ocl_padded_shape(lens_shape x, const lens_padding *p) {
    return (lens_shape){x.n, x.c, p->top + x.h + p->bottom, p->left + x.w + p->right};
}

lens_tensor ocl_carve(const lens_tensor *scratch, size_t *used, lens_shape shape) {
    lens_tensor part = *scratch;
    part.shape = shape;
    part.count = ocl_count_of(shape);
    part.offset += *used;
    part.is_view = true;
    *used += part.count;
    return part;
}

lens_status ocl_pad(lens_tensor *out, const lens_tensor *x, const lens_padding *padding,
                    const lens_tensor *scratch, size_t *used) {
    if (!ocl_has_padding(padding)) {
        *out = *x;
        return LENS_OK;
    }
    *out = ocl_carve(scratch, used, ocl_padded_shape(x->shape, padding));
    return ocl_pad2d_forward(out, x, padding);
}

/* How far the filter reaches beyond its first tap. */
static size_t reach(size_t window, size_t dilation) {
    return (window - 1) * dilation;
}

ocl_turn ocl_turn_of(lens_shape w, const lens_conv2d_opts *opts) {
    const lens_padding *p = &opts->padding;
    size_t h = reach(w.h, opts->dilation_h), v = reach(w.w, opts->dilation_w);
    bool is_value = p->mode == LENS_PAD_ZERO || p->mode == LENS_PAD_CONSTANT;
    if (is_value && p->top <= h && p->bottom <= h && p->left <= v && p->right <= v)
        return (ocl_turn){{h - p->top, v - p->left, h - p->bottom, v - p->right, LENS_PAD_ZERO, 0},
                          false};
    return (ocl_turn){{h, v, h, v, LENS_PAD_ZERO, 0}, true};
}
