/* layer_window.c: the layers that move or merge pixels: pool2d, pad2d, resize2d. */
#include "net/layer.h"
#include "core/error.h"

/* ---- pool2d --------------------------------------------------------------------------------- */

static lens_status pool2d_infer(lens_layer *layer) {
    lens_pool2d_opts *opts = &layer->spec.pool2d.opts;
    if (layer->spec.pool2d.same_padding) {
        size_t r = opts->window_h, s = opts->window_w;
        if (r == 0 || s == 0)
            return lens_fail(LENS_BAD_ARGUMENT, "pool2d: global pooling takes no same padding");
        opts->padding =
            lens_padding_same(layer->x.h, layer->x.w, r, s, opts->stride_h ? opts->stride_h : r,
                              opts->stride_w ? opts->stride_w : s, 1, 1);
    }
    return lens_pool2d_output_shape(&layer->y, layer->x, opts);
}

static lens_status pool2d_forward(const lens_layer *layer, const lens_layer_io *io) {
    return lens_pool2d_forward(io->y, io->x, &layer->spec.pool2d.opts);
}

static lens_status pool2d_backward(const lens_layer *layer, const lens_layer_io *io) {
    if (!io->dx)
        return LENS_OK;
    return lens_pool2d_backward_input(io->dx, io->dy, io->x, &layer->spec.pool2d.opts);
}

const lens_layer_class lens_layer_pool2d = {
    .infer = pool2d_infer,
    .macs = lens_layer_none,
    .saved = lens_layer_none,
    .scratch = lens_layer_no_scratch,
    .keeps_x = lens_layer_yes,
    .keeps_y = lens_layer_no,
    .forward = pool2d_forward,
    .backward = pool2d_backward,
};

/* ---- pad2d ---------------------------------------------------------------------------------- */

static lens_status pad2d_infer(lens_layer *layer) {
    return lens_pad2d_output_shape(&layer->y, layer->x, &layer->spec.pad2d);
}

static lens_status pad2d_forward(const lens_layer *layer, const lens_layer_io *io) {
    return lens_pad2d_forward(io->y, io->x, &layer->spec.pad2d);
}

static lens_status pad2d_backward(const lens_layer *layer, const lens_layer_io *io) {
    if (!io->dx)
        return LENS_OK;
    return lens_pad2d_backward_input(io->dx, io->dy, &layer->spec.pad2d);
}

const lens_layer_class lens_layer_pad2d = {
    .infer = pad2d_infer,
    .macs = lens_layer_none,
    .saved = lens_layer_none,
    .scratch = lens_layer_no_scratch,
    .keeps_x = lens_layer_no,
    .keeps_y = lens_layer_no,
    .forward = pad2d_forward,
    .backward = pad2d_backward,
};

/* ---- resize2d ------------------------------------------------------------------------------- */

static lens_status resize2d_infer(lens_layer *layer) {
    layer->y = (lens_shape){layer->x.n, layer->x.c, layer->spec.resize2d.h, layer->spec.resize2d.w};
    return lens_shape_count(layer->y, NULL);
}

static lens_status resize2d_forward(const lens_layer *layer, const lens_layer_io *io) {
    return lens_resize2d_forward(io->y, io->x, layer->spec.resize2d.kind);
}

static lens_status resize2d_backward(const lens_layer *layer, const lens_layer_io *io) {
    if (!io->dx)
        return LENS_OK;
    return lens_resize2d_backward_input(io->dx, io->dy, layer->spec.resize2d.kind);
}

const lens_layer_class lens_layer_resize2d = {
    .infer = resize2d_infer,
    .macs = lens_layer_none,
    .saved = lens_layer_none,
    .scratch = lens_layer_no_scratch,
    .keeps_x = lens_layer_no,
    .keeps_y = lens_layer_no,
    .forward = resize2d_forward,
    .backward = resize2d_backward,
};
