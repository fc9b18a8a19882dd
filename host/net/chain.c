/* chain.c: infer the layers, choose what the loss reads, and say how long every value is needed. */
#include "net/chain.h"
#include "core/error.h"
#include "core/size.h"
#include "net/connections.h"
#include "net/net_spec.h"
#include "net/plan.h"

#include <assert.h>
#include <stdlib.h>

/* ---- layers --------------------------------------------------------------------------------- */

/* The activation fused into a layer, NULL for a kind that has none. */
static lens_activation *fused_activation(lens_layer_spec *layer) {
    switch (layer->kind) {
    case LENS_LAYER_CONV2D:
        return &layer->conv2d.opts.activation;
    case LENS_LAYER_DENSE:
        return &layer->dense.opts.activation;
    case LENS_LAYER_SUBSAMPLE:
        return &layer->subsample.opts.activation;
    default:
        return NULL;
    }
}

/* Whether the loss undoes this layer, so that it is better taken from the layer's input. */
static bool is_inverse(const lens_layer_spec *last, lens_loss_kind loss) {
    if (last->kind == LENS_LAYER_SOFTMAX)
        return loss == LENS_SPARSE_CROSS_ENTROPY || loss == LENS_CROSS_ENTROPY;
    return last->kind == LENS_LAYER_ACTIVATION && last->activation.kind == LENS_SIGMOID &&
           loss == LENS_BINARY_CROSS_ENTROPY;
}

static lens_status add_layer(lens_chain *chain, const lens_layer_spec *spec, lens_shape *x) {
    lens_layer *layer = &chain->layers[chain->count];
    LENS_TRY(lens_layer_infer(layer, spec, *x));
    if (!lens_size_add(&chain->parameters, chain->parameters, lens_layer_parameters(layer)))
        return lens_fail(LENS_BAD_SHAPE, "layer %s: too many parameters", spec->name);
    chain->trained += lens_layer_trained(layer);
    if (lens_layer_has_table(layer))
        chain->masks += lens_layer_parameter_count(layer, LENS_WEIGHT);
    chain->saved += lens_size_round_up(layer->class->saved(layer), LENS_ALIGNMENT);
    layer->index = (uint32_t)chain->count++;
    *x = layer->y;
    return LENS_OK;
}

static lens_status add_layers(lens_chain *chain, const lens_net_spec *spec,
                              const lens_net_opts *opts) {
    lens_shape x = spec->input;
    x.n = opts->batch;
    for (size_t i = 0; i + 1 < spec->layer_count; i++)
        LENS_TRY(add_layer(chain, &spec->layers[i], &x));
    lens_layer_spec last = spec->layers[spec->layer_count - 1];
    lens_activation *fused = fused_activation(&last);
    bool split = fused && fused->kind == LENS_SIGMOID && opts->loss == LENS_BINARY_CROSS_ENTROPY;
    if (split)
        *fused = lens_activation_of(LENS_LINEAR);
    LENS_TRY(add_layer(chain, &last, &x));
    if (!split)
        return LENS_OK;
    last.kind = LENS_LAYER_ACTIVATION;
    last.activation = lens_activation_of(LENS_SIGMOID);
    return add_layer(chain, &last, &x);
}

static lens_status choose_loss(lens_chain *chain, lens_loss_kind loss) {
    bool from_logits = is_inverse(&chain->layers[chain->count - 1].spec, loss);
    chain->loss =
        (lens_loss_opts){.kind = loss, .from_logits = from_logits, .rejection = LENS_REJECTION};
    chain->loss_value = chain->count - from_logits;
    return lens_loss_target_shape(&chain->target, chain->values[chain->loss_value].shape, loss);
}

/* ---- life times -----------------------------------------------------------------------------
 * The clock of a step with L layers: layer i runs forward at time i, the loss at L, its gradient at
 * L + 1, layer i backward at 2L + 1 - i. What the caller may read stays until 2L + 2. */

typedef struct lifetimes {
    lens_plan_item *values, *gradients; /* of each value; none: count 0 */
    size_t *storage;                    /* the value in whose memory this one is */
} lifetimes;

static void use(lens_plan_item *item, size_t time) {
    item->first_use = lens_size_min(item->first_use, time);
    item->last_use = lens_size_max(item->last_use, time);
}

static void use_value(lifetimes *life, size_t value, size_t time) {
    use(&life->values[life->storage[value]], time);
}

static void use_gradient(lifetimes *life, size_t value, size_t time) {
    use(&life->gradients[life->storage[value]], time);
}

static void use_forward(lifetimes *life, const lens_chain *chain, bool keep_layers) {
    size_t end = 2 * chain->count + 2;
    for (size_t i = 0; i < chain->count; i++) {
        use_value(life, i, i);
        use_value(life, i + 1, keep_layers ? end : i);
        use_value(life, i + 1, i);
    }
    use_value(life, 0, end);
    use_value(life, chain->loss_value, end);
    use_value(life, chain->count, end);
}

static void use_backward(lifetimes *life, const lens_chain *chain) {
    size_t end = 2 * chain->count + 2;
    if (chain->values[chain->loss_value].has_gradient)
        use_gradient(life, chain->loss_value, chain->count + 1);
    for (size_t i = chain->loss_value; i-- > chain->first_layer;) {
        const lens_layer *layer = &chain->layers[i];
        size_t time = 2 * chain->count + 1 - i;
        use_gradient(life, i + 1, time);
        if (chain->values[i].has_gradient)
            use_gradient(life, i, time);
        if (layer->class->keeps_x(layer))
            use_value(life, i, time);
        if (layer->class->keeps_y(layer))
            use_value(life, i + 1, time);
    }
    if (chain->values[0].has_gradient)
        use_gradient(life, 0, end);
}

/* A flatten layer's output, and its gradient, are its input's memory. */
static void share_storage(lifetimes *life, const lens_chain *chain) {
    life->storage[0] = 0;
    for (size_t i = 0; i < chain->count; i++)
        life->storage[i + 1] =
            chain->layers[i].spec.kind == LENS_LAYER_FLATTEN ? life->storage[i] : i + 1;
}

static lens_status count_elements(lifetimes *life, const lens_chain *chain) {
    for (size_t i = 0; i <= chain->count; i++) {
        const lens_value *value = &chain->values[i];
        size_t count;
        LENS_TRY(lens_shape_count(value->shape, &count));
        life->values[i] = life->gradients[i] = (lens_plan_item){.first_use = SIZE_MAX};
        if (life->storage[i] == i)
            life->values[i].count = count;
        if (value->has_gradient)
            life->gradients[life->storage[i]].count = count;
    }
    return LENS_OK;
}

static lens_status plan_arena(lens_chain *chain, const lens_net_opts *opts) {
    size_t values = chain->count + 1;
    lifetimes life = {.values = malloc(2 * values * sizeof *life.values),
                      .storage = malloc(values * sizeof *life.storage)};
    lens_status status = LENS_OK;
    if (!life.values || !life.storage) {
        status = lens_fail_memory("network", values * (2 * sizeof *life.values));
        goto done;
    }
    life.gradients = life.values + values;
    share_storage(&life, chain);
    if ((status = count_elements(&life, chain)) != LENS_OK)
        goto done;
    use_forward(&life, chain, opts->keep_layers);
    if (opts->training)
        use_backward(&life, chain);
    for (size_t i = 0; i < 2 * values; i++)
        if (life.values[i].count == 0)
            life.values[i] = (lens_plan_item){0};
    status = lens_plan_memory(life.values, 2 * values, LENS_ALIGNMENT, &chain->arena);
    if (status != LENS_OK)
        goto done;
    for (size_t i = 0; i < values; i++) {
        chain->values[i].offset = life.values[life.storage[i]].offset;
        chain->values[i].gradient_offset = life.gradients[life.storage[i]].offset;
    }
done:
    free(life.values);
    free(life.storage);
    return status;
}

/* ---- the chain ------------------------------------------------------------------------------ */

static void set_values(lens_chain *chain) {
    chain->values[0].shape = chain->layers[0].x;
    for (size_t i = 0; i < chain->count; i++)
        chain->values[i + 1].shape = chain->layers[i].y;
}

/* Backward goes down to the first layer with parameters, and to the input when that is asked for.
 */
static void mark_gradients(lens_chain *chain, const lens_net_opts *opts) {
    chain->first_layer = 0;
    if (!opts->input_gradient)
        while (chain->first_layer < chain->count &&
               lens_layer_trained(&chain->layers[chain->first_layer]) == 0)
            chain->first_layer++;
    size_t first_value = opts->input_gradient ? 0 : chain->first_layer + 1;
    for (size_t i = 0; i <= chain->count; i++)
        chain->values[i].has_gradient =
            opts->training && i >= first_value && i <= chain->loss_value;
}

static lens_status build(lens_chain *chain, const lens_net_spec *spec, const lens_net_opts *opts) {
    chain->layers = calloc(spec->layer_count + 1, sizeof *chain->layers);
    chain->values = calloc(spec->layer_count + 2, sizeof *chain->values);
    if (!chain->layers || !chain->values)
        return lens_fail_memory("network", (spec->layer_count + 1) * sizeof *chain->layers);
    LENS_TRY(add_layers(chain, spec, opts));
    set_values(chain);
    LENS_TRY(choose_loss(chain, opts->loss));
    mark_gradients(chain, opts);
    return plan_arena(chain, opts);
}

lens_status lens_chain_new(lens_chain **out, const lens_net_spec *spec, const lens_net_opts *opts) {
    assert(out && spec && opts);
    *out = NULL;
    LENS_TRY(lens_net_spec_check(spec));
    if (opts->batch == 0)
        return lens_fail(LENS_BAD_ARGUMENT, "net: a batch of 0 images; it must be at least 1");
    lens_chain *chain = calloc(1, sizeof *chain);
    if (!chain)
        return lens_fail_memory("network", sizeof *chain);
    lens_status status = build(chain, spec, opts);
    if (status != LENS_OK) {
        lens_chain_free(chain);
        return status;
    }
    *out = chain;
    return LENS_OK;
}

void lens_chain_free(lens_chain *chain) {
    if (!chain)
        return;
    free(chain->layers);
    free(chain->values);
    free(chain);
}
