/* layer_lenet.c: the layers that LeNet-5 of 1998 has and no later network: subsample, rbf. */
#include "core/error.h"
#include "net/digit_codes.h"
#include "net/layer.h"

/* ---- subsample ------------------------------------------------------------------------------ */

static lens_status subsample_infer(lens_layer *layer) {
    lens_shape map = {1, layer->x.c, 1, 1};
    layer->parameters[LENS_WEIGHT].shape = layer->parameters[LENS_BIAS].shape = map;
    return lens_subsample_output_shape(&layer->y, layer->x, &layer->spec.subsample.opts);
}

/* Every pixel of a window is a connection, as the paper counts them. */
static size_t subsample_macs(const lens_layer *layer) {
    const lens_subsample_opts *opts = &layer->spec.subsample.opts;
    return layer->y.c * layer->y.h * layer->y.w * opts->window_h * opts->window_w;
}

static bool subsample_keeps_y(const lens_layer *layer) {
    return layer->spec.subsample.opts.activation.kind != LENS_LINEAR;
}

static lens_status subsample_forward(const lens_layer *layer, const lens_layer_io *io) {
    return lens_subsample_forward(io->y, io->x, layer->parameters[LENS_WEIGHT].value,
                                  layer->parameters[LENS_BIAS].value, &layer->spec.subsample.opts);
}

static lens_status subsample_backward(const lens_layer *layer, const lens_layer_io *io) {
    const lens_subsample_opts *opts = &layer->spec.subsample.opts;
    LENS_TRY(lens_layer_through_activation(io, &opts->activation));
    LENS_TRY(lens_subsample_backward_bias(layer->parameters[LENS_BIAS].gradient, io->dy));
    LENS_TRY(lens_subsample_backward_weight(layer->parameters[LENS_WEIGHT].gradient, io->dy, io->x,
                                            opts));
    if (!io->dx)
        return LENS_OK;
    return lens_subsample_backward_input(io->dx, io->dy, layer->parameters[LENS_WEIGHT].value,
                                         opts);
}

const lens_layer_class lens_layer_subsample = {
    .infer = subsample_infer,
    .macs = subsample_macs,
    .saved = lens_layer_none,
    .scratch = lens_layer_no_scratch,
    .keeps_x = lens_layer_yes,
    .keeps_y = subsample_keeps_y,
    .forward = subsample_forward,
    .backward = subsample_backward,
};

/* ---- rbf ------------------------------------------------------------------------------------ */

static lens_status rbf_infer(lens_layer *layer) {
    size_t features = layer->x.c * layer->x.h * layer->x.w;
    if (features != LENS_DIGIT_PIXELS)
        return lens_fail(LENS_BAD_SHAPE, "rbf: x has %zu features, the codes are %d x %d pictures",
                         features, LENS_DIGIT_COLUMNS, LENS_DIGIT_ROWS);
    lens_shape codes = {LENS_DIGITS, features, 1, 1};
    layer->parameters[LENS_WEIGHT].shape = codes;
    layer->parameters[LENS_WEIGHT].fixed = !layer->spec.rbf.trained;
    return lens_rbf_output_shape(&layer->y, layer->x, codes);
}

static size_t rbf_macs(const lens_layer *layer) {
    return lens_layer_parameter_count(layer, LENS_WEIGHT);
}

static lens_status rbf_forward(const lens_layer *layer, const lens_layer_io *io) {
    return lens_rbf_forward(io->y, io->x, layer->parameters[LENS_WEIGHT].value);
}

static lens_status rbf_backward(const lens_layer *layer, const lens_layer_io *io) {
    const lens_tensor *codes = layer->parameters[LENS_WEIGHT].value;
    if (layer->spec.rbf.trained)
        LENS_TRY(lens_rbf_backward_weight(layer->parameters[LENS_WEIGHT].gradient, io->dy, io->x,
                                          codes));
    return io->dx ? lens_rbf_backward_input(io->dx, io->dy, io->x, codes) : LENS_OK;
}

const lens_layer_class lens_layer_rbf = {
    .infer = rbf_infer,
    .macs = rbf_macs,
    .saved = lens_layer_none,
    .scratch = lens_layer_no_scratch,
    .keeps_x = lens_layer_yes,
    .keeps_y = lens_layer_no,
    .forward = rbf_forward,
    .backward = rbf_backward,
};
