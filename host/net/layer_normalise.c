/* layer_normalise.c: the layers that normalise: lrn and batchnorm. */
#include "net/layer.h"
#include "core/error.h"

/* ---- lrn ------------------------------------------------------------------------------------ */

static lens_status lrn_infer(lens_layer *layer) {
    layer->y = layer->x;
    return lens_shape_count(layer->y, NULL);
}

static lens_status lrn_scratch(size_t *count, const lens_layer *layer,
                               const lens_context *context) {
    return lens_lrn_scratch(count, context, LENS_BACKWARD_INPUT, layer->x, &layer->spec.lrn);
}

static lens_status lrn_forward(const lens_layer *layer, const lens_layer_io *io) {
    return lens_lrn_forward(io->y, io->x, &layer->spec.lrn);
}

static lens_status lrn_backward(const lens_layer *layer, const lens_layer_io *io) {
    if (!io->dx)
        return LENS_OK;
    return lens_lrn_backward_input(io->dx, io->dy, io->x, &layer->spec.lrn, io->scratch);
}

const lens_layer_class lens_layer_lrn = {
    .infer = lrn_infer,
    .macs = lens_layer_none,
    .saved = lens_layer_none,
    .scratch = lrn_scratch,
    .keeps_x = lens_layer_yes,
    .keeps_y = lens_layer_no,
    .forward = lrn_forward,
    .backward = lrn_backward,
};

/* ---- batchnorm ------------------------------------------------------------------------------ */

static lens_status batchnorm_infer(lens_layer *layer) {
    layer->y = layer->x;
    for (int i = 0; i < LENS_LAYER_PARAMETERS; i++)
        layer->parameters[i].shape = (lens_shape){1, layer->x.c, 1, 1};
    layer->parameters[LENS_MEAN].fixed = layer->parameters[LENS_VARIANCE].fixed = true;
    return lens_shape_count(layer->y, NULL);
}

/* The batch's mean and inverse deviation of each channel. */
static size_t batchnorm_saved(const lens_layer *layer) {
    return 2 * layer->x.c;
}

static lens_status batchnorm_forward(const lens_layer *layer, const lens_layer_io *io) {
    lens_tensor *gamma = layer->parameters[LENS_WEIGHT].value;
    lens_tensor *beta = layer->parameters[LENS_BIAS].value;
    lens_tensor *mean = layer->parameters[LENS_MEAN].value;
    lens_tensor *variance = layer->parameters[LENS_VARIANCE].value;
    if (!io->training)
        return lens_batchnorm_forward(io->y, io->x, gamma, beta, mean, variance,
                                      &layer->spec.batchnorm);
    return lens_batchnorm_forward_training(io->y, io->x, gamma, beta, mean, variance, io->saved,
                                           &layer->spec.batchnorm);
}

static lens_status batchnorm_backward(const lens_layer *layer, const lens_layer_io *io) {
    lens_tensor *dgamma = layer->parameters[LENS_WEIGHT].gradient;
    lens_tensor *dbeta = layer->parameters[LENS_BIAS].gradient;
    LENS_TRY(lens_batchnorm_backward_weight(dgamma, dbeta, io->dy, io->x, io->saved));
    if (!io->dx)
        return LENS_OK;
    return lens_batchnorm_backward_input(
        io->dx, io->dy, io->x, layer->parameters[LENS_WEIGHT].value, io->saved, dgamma, dbeta);
}

const lens_layer_class lens_layer_batchnorm = {
    .infer = batchnorm_infer,
    .macs = lens_layer_none,
    .saved = batchnorm_saved,
    .scratch = lens_layer_no_scratch,
    .keeps_x = lens_layer_yes,
    .keeps_y = lens_layer_no,
    .forward = batchnorm_forward,
    .backward = batchnorm_backward,
};
