/* layer_weighted.c: the layers with weights, conv2d and dense, each with its activation fused. */
#include "net/layer.h"
#include "core/error.h"
#include "core/size.h"
#include "net/connections.h"

static void set_parameters(lens_layer *layer, lens_shape weight, bool no_bias) {
    layer->parameters[LENS_WEIGHT].shape = weight;
    if (!no_bias)
        layer->parameters[LENS_BIAS].shape = (lens_shape){1, weight.n, 1, 1};
}

/* Through the activation, in dy's place, and the bias's gradient: together where a layer has both.
 */
static lens_status backward_bias(const lens_layer *layer, const lens_layer_io *io,
                                 const lens_activation *activation) {
    lens_tensor *gradient = layer->parameters[LENS_BIAS].gradient;
    if (!lens_layer_has(layer, LENS_BIAS))
        return lens_layer_through_activation(io, activation);
    if (activation->kind != LENS_LINEAR)
        return lens_activation_backward_bias(io->dy, gradient, io->dy, io->y, activation);
    return layer->spec.kind == LENS_LAYER_DENSE ? lens_dense_backward_bias(gradient, io->dy)
                                                : lens_conv2d_backward_bias(gradient, io->dy);
}

/* ---- conv2d --------------------------------------------------------------------------------- */

static lens_status conv2d_infer(lens_layer *layer) {
    lens_conv2d_opts *opts = &layer->spec.conv2d.opts;
    size_t r = layer->spec.conv2d.kernel_h, s = layer->spec.conv2d.kernel_w;
    size_t filters = layer->spec.conv2d.filters;
    if (filters == 0 || r == 0 || s == 0)
        return lens_fail(LENS_BAD_SHAPE, "conv2d: %zu filters of %zu x %zu; no size may be 0",
                         filters, r, s);
    if (opts->groups == 0 || layer->x.c % opts->groups)
        return lens_fail(LENS_BAD_SHAPE, "conv2d: %zu groups must divide the %zu input channels",
                         opts->groups, layer->x.c);
    if (layer->spec.conv2d.same_padding && opts->stride_h && opts->stride_w)
        opts->padding = lens_padding_same(layer->x.h, layer->x.w, r, s, opts->stride_h,
                                          opts->stride_w, opts->dilation_h, opts->dilation_w);
    LENS_TRY(lens_connections_check(layer));
    lens_shape weight = {filters, layer->x.c / opts->groups, r, s};
    set_parameters(layer, weight, layer->spec.conv2d.no_bias);
    return lens_conv2d_output_shape(&layer->y, layer->x, weight, opts);
}

static size_t conv2d_macs(const lens_layer *layer) {
    size_t weights = lens_layer_parameter_count(layer, LENS_WEIGHT) - lens_layer_unconnected(layer);
    return layer->y.h * layer->y.w * weights;
}

static lens_status conv2d_scratch(size_t *count, const lens_layer *layer,
                                  const lens_context *context) {
    *count = 0;
    for (lens_pass pass = LENS_FORWARD; pass <= LENS_BACKWARD_WEIGHT; pass++) {
        size_t wanted;
        LENS_TRY(lens_conv2d_scratch(&wanted, context, pass, layer->x,
                                     layer->parameters[LENS_WEIGHT].shape,
                                     &layer->spec.conv2d.opts));
        *count = lens_size_max(*count, wanted);
    }
    return LENS_OK;
}

static bool conv2d_keeps_y(const lens_layer *layer) {
    return layer->spec.conv2d.opts.activation.kind != LENS_LINEAR;
}

static lens_status conv2d_forward(const lens_layer *layer, const lens_layer_io *io) {
    return lens_conv2d_forward(io->y, io->x, layer->parameters[LENS_WEIGHT].value,
                               layer->parameters[LENS_BIAS].value, &layer->spec.conv2d.opts,
                               io->scratch);
}

/* The gradient of the weight, 0 where nothing is connected: a relu's slope is its output's mask. */
static lens_status conv2d_backward_weight(const lens_layer *layer, const lens_layer_io *io) {
    lens_tensor *gradient = layer->parameters[LENS_WEIGHT].gradient;
    LENS_TRY(lens_conv2d_backward_weight(gradient, io->dy, io->x, &layer->spec.conv2d.opts,
                                         io->scratch));
    if (!layer->mask)
        return LENS_OK;
    lens_activation relu = lens_activation_of(LENS_RELU);
    return lens_activation_backward_input(gradient, gradient, layer->mask, &relu);
}

static lens_status conv2d_backward(const lens_layer *layer, const lens_layer_io *io) {
    const lens_conv2d_opts *opts = &layer->spec.conv2d.opts;
    LENS_TRY(backward_bias(layer, io, &opts->activation));
    LENS_TRY(conv2d_backward_weight(layer, io));
    if (!io->dx)
        return LENS_OK;
    return lens_conv2d_backward_input(io->dx, io->dy, layer->parameters[LENS_WEIGHT].value, opts,
                                      io->scratch);
}

const lens_layer_class lens_layer_conv2d = {
    .infer = conv2d_infer,
    .macs = conv2d_macs,
    .saved = lens_layer_none,
    .scratch = conv2d_scratch,
    .keeps_x = lens_layer_yes,
    .keeps_y = conv2d_keeps_y,
    .forward = conv2d_forward,
    .backward = conv2d_backward,
};

/* ---- dense ---------------------------------------------------------------------------------- */

static lens_status dense_infer(lens_layer *layer) {
    if (layer->spec.dense.units == 0)
        return lens_fail(LENS_BAD_SHAPE, "dense: 0 units; it needs at least 1");
    lens_shape weight = {layer->spec.dense.units, layer->x.c * layer->x.h * layer->x.w, 1, 1};
    set_parameters(layer, weight, layer->spec.dense.no_bias);
    return lens_dense_output_shape(&layer->y, layer->x, weight);
}

static size_t dense_macs(const lens_layer *layer) {
    return lens_layer_parameter_count(layer, LENS_WEIGHT);
}

static lens_status dense_scratch(size_t *count, const lens_layer *layer,
                                 const lens_context *context) {
    *count = 0;
    for (lens_pass pass = LENS_FORWARD; pass <= LENS_BACKWARD_WEIGHT; pass++) {
        size_t wanted;
        LENS_TRY(lens_dense_scratch(&wanted, context, pass, layer->x,
                                    layer->parameters[LENS_WEIGHT].shape));
        *count = lens_size_max(*count, wanted);
    }
    return LENS_OK;
}

static bool dense_keeps_y(const lens_layer *layer) {
    return layer->spec.dense.opts.activation.kind != LENS_LINEAR;
}

static lens_status dense_forward(const lens_layer *layer, const lens_layer_io *io) {
    return lens_dense_forward(io->y, io->x, layer->parameters[LENS_WEIGHT].value,
                              layer->parameters[LENS_BIAS].value, &layer->spec.dense.opts,
                              io->scratch);
}

static lens_status dense_backward(const lens_layer *layer, const lens_layer_io *io) {
    LENS_TRY(backward_bias(layer, io, &layer->spec.dense.opts.activation));
    LENS_TRY(lens_dense_backward_weight(layer->parameters[LENS_WEIGHT].gradient, io->dy, io->x,
                                        io->scratch));
    if (!io->dx)
        return LENS_OK;
    return lens_dense_backward_input(io->dx, io->dy, layer->parameters[LENS_WEIGHT].value,
                                     io->scratch);
}

const lens_layer_class lens_layer_dense = {
    .infer = dense_infer,
    .macs = dense_macs,
    .saved = lens_layer_none,
    .scratch = dense_scratch,
    .keeps_x = lens_layer_yes,
    .keeps_y = dense_keeps_y,
    .forward = dense_forward,
    .backward = dense_backward,
};
