/* layer_pointwise.c: the layers that keep the number of values: activation, dropout, softmax,
 * flatten.
 */
#include "net/layer.h"
#include "core/error.h"

static lens_status same_shape(lens_layer *layer) {
    layer->y = layer->x;
    return lens_shape_count(layer->y, NULL);
}

/* ---- activation ----------------------------------------------------------------------------- */

static lens_status activation_infer(lens_layer *layer) {
    const lens_activation *f = &layer->spec.activation;
    if ((unsigned)f->kind > LENS_SOFTPLUS)
        return lens_fail(LENS_BAD_ARGUMENT, "activation: there is no kind %d", (int)f->kind);
    if ((f->kind == LENS_LEAKY_RELU || f->kind == LENS_ELU) && !(f->alpha > 0))
        return lens_fail(LENS_BAD_ARGUMENT, "activation: alpha of %s is %g, it must be above 0",
                         lens_activation_name(f->kind), (double)f->alpha);
    return same_shape(layer);
}

static lens_status activation_forward(const lens_layer *layer, const lens_layer_io *io) {
    return lens_activation_forward(io->y, io->x, &layer->spec.activation);
}

static lens_status activation_backward(const lens_layer *layer, const lens_layer_io *io) {
    if (!io->dx)
        return LENS_OK;
    return lens_activation_backward_input(io->dx, io->dy, io->y, &layer->spec.activation);
}

const lens_layer_class lens_layer_activation = {
    .infer = activation_infer,
    .macs = lens_layer_none,
    .saved = lens_layer_none,
    .scratch = lens_layer_no_scratch,
    .keeps_x = lens_layer_no,
    .keeps_y = lens_layer_yes,
    .forward = activation_forward,
    .backward = activation_backward,
};

/* ---- dropout -------------------------------------------------------------------------------- */

static lens_dropout_opts dropout_opts(const lens_layer *layer, const lens_layer_io *io) {
    return (lens_dropout_opts){
        .rate = layer->spec.dropout, .seed = io->seed, .step = io->step, .index = layer->index};
}

static lens_status dropout_forward(const lens_layer *layer, const lens_layer_io *io) {
    lens_dropout_opts opts = dropout_opts(layer, io);
    return io->training ? lens_dropout_forward(io->y, io->x, &opts)
                        : lens_tensor_copy(io->y, io->x);
}

static lens_status dropout_backward(const lens_layer *layer, const lens_layer_io *io) {
    lens_dropout_opts opts = dropout_opts(layer, io);
    return io->dx ? lens_dropout_backward_input(io->dx, io->dy, &opts) : LENS_OK;
}

const lens_layer_class lens_layer_dropout = {
    .infer = same_shape,
    .macs = lens_layer_none,
    .saved = lens_layer_none,
    .scratch = lens_layer_no_scratch,
    .keeps_x = lens_layer_no,
    .keeps_y = lens_layer_no,
    .forward = dropout_forward,
    .backward = dropout_backward,
};

/* ---- softmax -------------------------------------------------------------------------------- */

static lens_status softmax_forward(const lens_layer *layer, const lens_layer_io *io) {
    (void)layer;
    return lens_softmax_forward(io->y, io->x);
}

static lens_status softmax_backward(const lens_layer *layer, const lens_layer_io *io) {
    (void)layer;
    return io->dx ? lens_softmax_backward_input(io->dx, io->dy, io->y) : LENS_OK;
}

const lens_layer_class lens_layer_softmax = {
    .infer = same_shape,
    .macs = lens_layer_none,
    .saved = lens_layer_none,
    .scratch = lens_layer_no_scratch,
    .keeps_x = lens_layer_no,
    .keeps_y = lens_layer_yes,
    .forward = softmax_forward,
    .backward = softmax_backward,
};

/* ---- flatten: its output is another view of its input, so there is nothing to do ------------ */

static lens_status flatten_infer(lens_layer *layer) {
    layer->y = (lens_shape){layer->x.n, layer->x.c * layer->x.h * layer->x.w, 1, 1};
    return lens_shape_count(layer->y, NULL);
}

static lens_status flatten_pass(const lens_layer *layer, const lens_layer_io *io) {
    (void)layer, (void)io;
    return LENS_OK;
}

const lens_layer_class lens_layer_flatten = {
    .infer = flatten_infer,
    .macs = lens_layer_none,
    .saved = lens_layer_none,
    .scratch = lens_layer_no_scratch,
    .keeps_x = lens_layer_no,
    .keeps_y = lens_layer_no,
    .forward = flatten_pass,
    .backward = flatten_pass,
};
