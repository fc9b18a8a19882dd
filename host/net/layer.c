/* layer.c: the table of layer kinds, and what they share. */
#include "net/layer.h"
#include "core/error.h"

static const lens_layer_class *const classes[] = {
    [LENS_LAYER_CONV2D] = &lens_layer_conv2d,
    [LENS_LAYER_POOL2D] = &lens_layer_pool2d,
    [LENS_LAYER_PAD2D] = &lens_layer_pad2d,
    [LENS_LAYER_DENSE] = &lens_layer_dense,
    [LENS_LAYER_ACTIVATION] = &lens_layer_activation,
    [LENS_LAYER_SOFTMAX] = &lens_layer_softmax,
    [LENS_LAYER_LRN] = &lens_layer_lrn,
    [LENS_LAYER_BATCHNORM] = &lens_layer_batchnorm,
    [LENS_LAYER_DROPOUT] = &lens_layer_dropout,
    [LENS_LAYER_FLATTEN] = &lens_layer_flatten,
    [LENS_LAYER_RESIZE2D] = &lens_layer_resize2d,
    [LENS_LAYER_SUBSAMPLE] = &lens_layer_subsample,
    [LENS_LAYER_RBF] = &lens_layer_rbf,
};

lens_status lens_layer_infer(lens_layer *layer, const lens_layer_spec *spec, lens_shape x) {
    *layer = (lens_layer){.spec = *spec, .class = classes[spec->kind], .x = x};
    lens_status status = layer->class->infer(layer);
    for (int i = 0; i < LENS_LAYER_PARAMETERS && status == LENS_OK; i++)
        if (lens_layer_has(layer, i))
            status = lens_shape_count(layer->parameters[i].shape, NULL);
    return status == LENS_OK ? LENS_OK : lens_fail_prefix(status, "layer %s: ", spec->name);
}

size_t lens_layer_parameter_count(const lens_layer *layer, int parameter) {
    lens_shape shape = layer->parameters[parameter].shape;
    return shape.n * shape.c * shape.h * shape.w;
}

size_t lens_layer_parameters(const lens_layer *layer) {
    size_t count = 0;
    for (int i = 0; i < LENS_LAYER_PARAMETERS; i++)
        count += lens_layer_parameter_count(layer, i);
    return count;
}

size_t lens_layer_trained(const lens_layer *layer) {
    size_t count = 0;
    for (int i = 0; i < LENS_LAYER_PARAMETERS; i++)
        count += layer->parameters[i].fixed ? 0 : lens_layer_parameter_count(layer, i);
    return count;
}

lens_status lens_layer_through_activation(const lens_layer_io *io,
                                          const lens_activation *activation) {
    if (activation->kind == LENS_LINEAR)
        return LENS_OK;
    return lens_activation_backward_input(io->dy, io->dy, io->y, activation);
}

bool lens_layer_yes(const lens_layer *layer) {
    (void)layer;
    return true;
}

bool lens_layer_no(const lens_layer *layer) {
    (void)layer;
    return false;
}

size_t lens_layer_none(const lens_layer *layer) {
    (void)layer;
    return 0;
}

lens_status lens_layer_no_scratch(size_t *count, const lens_layer *layer,
                                  const lens_context *context) {
    (void)layer, (void)context;
    *count = 0;
    return LENS_OK;
}
