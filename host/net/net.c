/* net.c: a network on a device: its memory, its parameters, its passes. */
#include "net/net_state.h"
#include "core/error.h"
#include "core/size.h"
#include "net/connections.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

lens_net_opts lens_net_defaults(void) {
    return (lens_net_opts){.batch = 1, .loss = LENS_SPARSE_CROSS_ENTROPY};
}

/* ---- parameters ----------------------------------------------------------------------------- */

static const char *const parameter_names[LENS_LAYER_PARAMETERS] = {[LENS_WEIGHT] = "weight",
                                                                   [LENS_BIAS] = "bias",
                                                                   [LENS_MEAN] = "mean",
                                                                   [LENS_VARIANCE] = "variance"};

static bool decays(const lens_layer *layer, int kind) {
    lens_layer_kind of = layer->spec.kind;
    return kind == LENS_WEIGHT && !layer->parameters[kind].fixed &&
           (of == LENS_LAYER_CONV2D || of == LENS_LAYER_DENSE || of == LENS_LAYER_RBF);
}

/* Parameter `kind` of a layer, from element `offset` of the shared buffers on. */
static lens_status add_parameter(lens_net *net, size_t index, int kind, size_t offset) {
    lens_layer *layer = &net->chain->layers[index];
    lens_parameter *parameter = &net->list[net->list_count++];
    lens_shape shape = layer->parameters[kind].shape;
    snprintf(parameter->name, sizeof parameter->name, "%s.%s", layer->spec.name,
             parameter_names[kind]);
    parameter->shape = shape;
    parameter->layer = index;
    parameter->offset = offset;
    parameter->decays = decays(layer, kind);
    LENS_TRY(lens_tensor_view(&parameter->value, net->state, offset, shape));
    if (net->gradients && !layer->parameters[kind].fixed)
        LENS_TRY(lens_tensor_view(&parameter->gradient, net->gradients, offset, shape));
    layer->parameters[kind].value = parameter->value;
    layer->parameters[kind].gradient = parameter->gradient;
    return LENS_OK;
}

static size_t decaying_elements(const lens_chain *chain) {
    size_t count = 0;
    for (size_t i = 0; i < chain->count; i++)
        if (lens_layer_has(&chain->layers[i], LENS_WEIGHT) &&
            decays(&chain->layers[i], LENS_WEIGHT))
            count += lens_layer_parameter_count(&chain->layers[i], LENS_WEIGHT);
    return count;
}

/* Three blocks, each in the order of the layers, so that an optimizer's step is one call where all
 * weights decay and the biases do not: what decays, the rest of what is trained, and the rest. */
static lens_status list_parameters(lens_net *net) {
    lens_chain *chain = net->chain;
    size_t decaying = 0, trained = decaying_elements(chain), fixed = chain->trained;
    for (size_t i = 0; i < chain->count; i++)
        for (int kind = 0; kind < LENS_LAYER_PARAMETERS; kind++)
            if (lens_layer_has(&chain->layers[i], kind)) {
                const lens_layer *layer = &chain->layers[i];
                size_t *offset = layer->parameters[kind].fixed ? &fixed
                                 : decays(layer, kind)         ? &decaying
                                                               : &trained;
                LENS_TRY(add_parameter(net, i, kind, *offset));
                *offset += lens_layer_parameter_count(layer, kind);
            }
    return LENS_OK;
}

static lens_status add_parameters(lens_net *net) {
    const lens_chain *chain = net->chain;
    net->list = calloc(chain->count * LENS_LAYER_PARAMETERS, sizeof *net->list);
    if (!net->list)
        return lens_fail_memory("parameters", chain->count * sizeof *net->list);
    if (chain->parameters == 0)
        return LENS_OK;
    LENS_TRY(lens_tensor_new(&net->state, net->context, (lens_shape){1, chain->parameters, 1, 1}));
    lens_shape trained = {1, chain->trained, 1, 1};
    if (chain->trained)
        LENS_TRY(lens_tensor_view(&net->parameters, net->state, 0, trained));
    if (chain->trained && net->opts.training)
        LENS_TRY(lens_tensor_new(&net->gradients, net->context, trained));
    return list_parameters(net);
}

static lens_status add_masks(lens_net *net) {
    for (size_t i = 0; net->opts.training && i < net->chain->count; i++) {
        lens_layer *layer = &net->chain->layers[i];
        if (lens_layer_has_table(layer))
            LENS_TRY(lens_connections_mask(&layer->mask, layer, net->context));
    }
    return LENS_OK;
}

static void free_masks(lens_net *net) {
    for (size_t i = 0; i < net->chain->count; i++)
        lens_tensor_free(net->chain->layers[i].mask);
}

static void free_parameters(lens_net *net) {
    for (size_t i = 0; i < net->list_count; i++) {
        lens_tensor_free(net->list[i].value);
        lens_tensor_free(net->list[i].gradient);
    }
    free(net->list);
    lens_tensor_free(net->parameters);
    lens_tensor_free(net->state);
    lens_tensor_free(net->gradients);
}

/* ---- memory that depends on the batch ------------------------------------------------------- */

static lens_status new_scratch(lens_net *net) {
    size_t most;
    LENS_TRY(lens_chain_scratch(&most, net->chain, net->context));
    return most ? lens_tensor_new(&net->scratch, net->context, (lens_shape){1, most, 1, 1})
                : LENS_OK;
}

static void free_views(const lens_net *net, lens_net_views *views) {
    for (size_t i = 0; i <= net->chain->count; i++) {
        if (views->values)
            lens_tensor_free(views->values[i]);
        if (views->gradients)
            lens_tensor_free(views->gradients[i]);
        if (views->saved)
            lens_tensor_free(views->saved[i]);
    }
    lens_tensor_free(views->target);
    lens_tensor_free(views->weights);
    free(views->saved);
    free(views->values);
    free(views->gradients);
    *views = (lens_net_views){0};
}

static lens_status fill_saved(lens_net *net, lens_net_views *views) {
    size_t offset = 0;
    for (size_t i = 0; net->saved && i < net->chain->count; i++) {
        const lens_layer *layer = &net->chain->layers[i];
        size_t count = layer->class->saved(layer);
        if (count)
            LENS_TRY(lens_tensor_view(&views->saved[i], net->saved, offset,
                                      (lens_shape){1, count, 1, 1}));
        offset += lens_size_round_up(count, LENS_ALIGNMENT);
    }
    return LENS_OK;
}

static lens_status fill_views(lens_net *net, lens_net_views *views, size_t images) {
    const lens_chain *chain = net->chain;
    for (size_t i = 0; i <= chain->count; i++) {
        const lens_value *value = &chain->values[i];
        lens_shape shape = value->shape;
        shape.n = images;
        LENS_TRY(lens_tensor_view(&views->values[i], net->arena, value->offset, shape));
        if (value->has_gradient)
            LENS_TRY(
                lens_tensor_view(&views->gradients[i], net->arena, value->gradient_offset, shape));
    }
    LENS_TRY(fill_saved(net, views));
    lens_shape target = chain->target;
    target.n = images;
    if (net->weights)
        LENS_TRY(lens_tensor_view(&views->weights, net->weights, 0, (lens_shape){images, 1, 1, 1}));
    return lens_tensor_view(&views->target, net->target, 0, target);
}

/* Views for that many images; the old ones stay when that fails. */
static lens_status make_views(lens_net *net, size_t images) {
    size_t values = net->chain->count + 1;
    lens_net_views views = {.values = calloc(values, sizeof *views.values),
                            .gradients = calloc(values, sizeof *views.gradients),
                            .saved = calloc(values, sizeof *views.saved)};
    lens_status status = views.values && views.gradients && views.saved
                             ? fill_views(net, &views, images)
                             : lens_fail_memory("views", 3 * values * sizeof *views.values);
    if (status != LENS_OK) {
        free_views(net, &views);
        return status;
    }
    free_views(net, &net->views);
    net->views = views;
    net->images = images;
    net->has_output = net->has_backward = false;
    return LENS_OK;
}

lens_status lens_net_set_batch(lens_net *net, size_t n) {
    assert(net);
    if (n == 0 || n > net->opts.batch)
        return lens_fail(LENS_BAD_ARGUMENT, "net: a batch of %zu images; it was made for 1 to %zu",
                         n, net->opts.batch);
    return n == net->images ? LENS_OK : make_views(net, n);
}

/* ---- life ----------------------------------------------------------------------------------- */

static lens_status build(lens_net *net, const lens_net_spec *spec) {
    LENS_TRY(lens_net_spec_copy(&net->spec, spec));
    LENS_TRY(lens_net_check_memory(net->context, spec, &net->opts, 0));
    LENS_TRY(lens_chain_new(&net->chain, spec, &net->opts));
    LENS_TRY(add_parameters(net));
    LENS_TRY(add_masks(net));
    LENS_TRY(lens_tensor_new(&net->arena, net->context, (lens_shape){1, net->chain->arena, 1, 1}));
    LENS_TRY(lens_tensor_new(&net->target, net->context, net->chain->target));
    if (net->opts.weighted)
        LENS_TRY(
            lens_tensor_new(&net->weights, net->context, (lens_shape){net->opts.batch, 1, 1, 1}));
    if (net->opts.training && net->chain->saved)
        LENS_TRY(
            lens_tensor_new(&net->saved, net->context, (lens_shape){1, net->chain->saved, 1, 1}));
    LENS_TRY(new_scratch(net));
    return make_views(net, net->opts.batch);
}

lens_status lens_net_new(lens_net **out, lens_context *context, const lens_net_spec *spec,
                         const lens_net_opts *opts) {
    assert(out && context && spec);
    *out = NULL;
    lens_net *net = calloc(1, sizeof *net);
    if (!net)
        return lens_fail_memory("network", sizeof *net);
    net->context = context;
    net->opts = opts ? *opts : lens_net_defaults();
    lens_status status = build(net, spec);
    if (status != LENS_OK) {
        lens_net_free(net);
        return status;
    }
    *out = net;
    return LENS_OK;
}

void lens_net_free(lens_net *net) {
    if (!net)
        return;
    if (net->chain) {
        free_views(net, &net->views);
        free_masks(net);
    }
    free_parameters(net);
    lens_tensor_free(net->arena);
    lens_tensor_free(net->target);
    lens_tensor_free(net->weights);
    lens_tensor_free(net->scratch);
    lens_tensor_free(net->saved);
    lens_chain_free(net->chain);
    lens_net_spec_free(net->spec);
    free(net);
}

/* ---- what can be asked ---------------------------------------------------------------------- */

const lens_net_spec *lens_net_get_spec(const lens_net *net) {
    return net->spec;
}

lens_net_opts lens_net_get_opts(const lens_net *net) {
    return net->opts;
}

lens_context *lens_net_context(const lens_net *net) {
    return net->context;
}

size_t lens_net_parameter_count(const lens_net *net) {
    return net->list_count;
}

const lens_parameter *lens_net_parameter(const lens_net *net, size_t index) {
    assert(index < net->list_count);
    return &net->list[index];
}

lens_tensor *lens_net_parameters(const lens_net *net) {
    return net->parameters;
}

lens_tensor *lens_net_state(const lens_net *net) {
    return net->state;
}

lens_tensor *lens_net_gradients(const lens_net *net) {
    return net->gradients;
}

lens_tensor *lens_net_input(const lens_net *net) {
    return net->views.values[0];
}

lens_tensor *lens_net_target(const lens_net *net) {
    return net->views.target;
}

lens_tensor *lens_net_weights(const lens_net *net) {
    return net->views.weights;
}

lens_tensor *lens_net_output(const lens_net *net) {
    return net->views.values[net->chain->count];
}

lens_tensor *lens_net_layer_output(const lens_net *net, size_t layer) {
    assert(layer < net->spec->layer_count);
    if (!net->opts.keep_layers)
        return NULL;
    return layer + 1 == net->spec->layer_count ? lens_net_output(net)
                                               : net->views.values[layer + 1];
}

lens_tensor *lens_net_input_gradient(const lens_net *net) {
    return net->views.gradients[0];
}

/* ---- passes --------------------------------------------------------------------------------- */

static lens_layer_io layer_io(const lens_net *net, size_t layer) {
    const lens_net_views *views = &net->views;
    return (lens_layer_io){.x = views->values[layer],
                           .y = views->values[layer + 1],
                           .dx = views->gradients[layer],
                           .dy = views->gradients[layer + 1],
                           .scratch = net->scratch,
                           .saved = views->saved[layer],
                           .seed = net->seed,
                           .step = net->step};
}

/* One layer's pass, whose operations a trace shows under its name. */
static lens_status pass_layer(const lens_net *net, size_t index, bool is_backward, bool training) {
    const lens_layer *layer = &net->chain->layers[index];
    lens_trace *trace = lens_context_trace(net->context);
    lens_layer_io io = layer_io(net, index);
    io.training = training;
    lens_trace_layer(trace, layer->spec.name, lens_layer_kind_name(layer->spec.kind));
    lens_status status =
        is_backward ? layer->class->backward(layer, &io) : layer->class->forward(layer, &io);
    lens_trace_layer(trace, NULL, NULL);
    return status == LENS_OK ? LENS_OK : lens_fail_prefix(status, "layer %s: ", layer->spec.name);
}

static lens_status forward_layers(lens_net *net, bool training) {
    for (size_t i = 0; i < net->chain->count; i++)
        LENS_TRY(pass_layer(net, i, false, training));
    return LENS_OK;
}

static lens_status forward(lens_net *net, bool training) {
    net->has_output = net->has_backward = false;
    lens_span span = lens_span_begin(lens_context_trace(net->context), "forward");
    lens_status status = forward_layers(net, training);
    lens_span_end(&span);
    net->has_output = status == LENS_OK;
    net->has_backward = net->has_output && training;
    return status;
}

lens_status lens_net_forward(lens_net *net) {
    assert(net);
    return forward(net, false);
}

lens_status lens_net_forward_training(lens_net *net, uint64_t seed, uint64_t step) {
    assert(net);
    if (!net->opts.training)
        return lens_fail(LENS_BAD_ARGUMENT,
                         "net: a forward pass for training needs a network made for training");
    net->seed = seed;
    net->step = step;
    return forward(net, true);
}

lens_status lens_net_loss(lens_net *net, lens_tensor *total, bool accumulate) {
    assert(net && total);
    if (!net->has_output)
        return lens_fail(LENS_BAD_ARGUMENT, "net: no loss before lens_net_forward() has run");
    return lens_loss_forward(total, net->views.values[net->chain->loss_value], net->views.target,
                             net->views.weights, &net->chain->loss, accumulate);
}

static lens_status backward(lens_net *net) {
    const lens_chain *chain = net->chain;
    size_t last = chain->loss_value;
    if (net->views.gradients[last])
        LENS_TRY(lens_loss_backward_input(net->views.gradients[last], net->views.values[last],
                                          net->views.target, net->views.weights, &chain->loss));
    for (size_t i = last; i-- > chain->first_layer;)
        LENS_TRY(pass_layer(net, i, true, true));
    return LENS_OK;
}

/* The memory of some activations is reused for gradients on the way down, so each forward pass
 * serves one backward pass. */
lens_status lens_net_backward(lens_net *net) {
    assert(net);
    if (!net->opts.training)
        return lens_fail(LENS_BAD_ARGUMENT, "net: backward needs a network made for training");
    if (!net->has_backward)
        return lens_fail(LENS_BAD_ARGUMENT,
                         "net: backward needs a lens_net_forward_training() of its own before it");
    net->has_backward = false;
    lens_span span = lens_span_begin(lens_context_trace(net->context), "backward");
    lens_status status = backward(net);
    lens_span_end(&span);
    return status;
}
