/* initialize.c: starting weights, a function of (seed, layer, element) alone.
 *
 * Each value is computed in double on the host and rounded once, so every device starts alike.
 */
#include "core/error.h"
#include "core/philox.h"
#include "net/connections.h"
#include "net/digit_codes.h"
#include "net/net_state.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#define TWO_PI 6.283185307179586476925286766559

/* What words of random numbers become. */
typedef struct distribution {
    enum { UNIFORM, NORMAL, CONSTANT } kind;
    double size; /* the uniform's limit, the normal's standard deviation, the constant */
} distribution;

static lens_initializer initializer_of(const lens_layer *layer) {
    switch (layer->spec.kind) {
    case LENS_LAYER_CONV2D:
        return layer->spec.conv2d.initializer;
    case LENS_LAYER_SUBSAMPLE:
        return layer->spec.subsample.initializer;
    default:
        return layer->spec.dense.initializer;
    }
}

/* fan_in and fan_out of filter k as net.h defines them; w is (k, c/groups, r, s), a dense layer's
 * (k, i, 1, 1), the coefficients' (1, c, 1, 1). */
static distribution distribution_of(const lens_layer *layer, size_t k) {
    lens_shape w = layer->parameters[LENS_WEIGHT].shape;
    size_t groups = layer->spec.kind == LENS_LAYER_CONV2D ? layer->spec.conv2d.opts.groups : 1;
    double fan_in = (double)(lens_layer_inputs(layer, k) * w.h * w.w);
    double fan_out = (double)(w.n * w.h * w.w) / (double)groups;
    if (layer->spec.kind == LENS_LAYER_SUBSAMPLE) {
        const lens_subsample_opts *opts = &layer->spec.subsample.opts;
        fan_in = fan_out = (double)(opts->window_h * opts->window_w);
    }
    lens_initializer chosen = initializer_of(layer);
    switch (chosen.kind) {
    case LENS_GLOROT_NORMAL:
        return (distribution){NORMAL, sqrt(2 / (fan_in + fan_out))};
    case LENS_HE_UNIFORM:
        return (distribution){UNIFORM, sqrt(6 / fan_in)};
    case LENS_HE_NORMAL:
        return (distribution){NORMAL, sqrt(2 / fan_in)};
    case LENS_LECUN1998_UNIFORM:
        return (distribution){UNIFORM, 2.4 / fan_in};
    case LENS_LECUN_UNIFORM:
        return (distribution){UNIFORM, sqrt(3 / fan_in)};
    case LENS_LECUN_NORMAL:
        return (distribution){NORMAL, sqrt(1 / fan_in)};
    case LENS_RANDOM_NORMAL:
        return (distribution){NORMAL, chosen.value};
    case LENS_RANDOM_UNIFORM:
        return (distribution){UNIFORM, chosen.value};
    case LENS_CONSTANT_VALUE:
        return (distribution){CONSTANT, chosen.value};
    case LENS_GLOROT_UNIFORM:
        break;
    }
    return (distribution){UNIFORM, sqrt(6 / (fan_in + fan_out))};
}

/* Strictly between 0 and 1, so that it has a logarithm. */
static double open_uniform(uint64_t seed, uint32_t layer, size_t element) {
    uint32_t word = lens_random(seed, LENS_STREAM_INITIALIZE, layer, 0, (uint32_t)element);
    return ((double)word + 0.5) * 0x1p-32;
}

static double uniform(uint64_t seed, uint32_t layer, size_t element) {
    return 2 * open_uniform(seed, layer, element) - 1;
}

/* Box and Muller: elements 2j and 2j + 1 are the two values that one pair of words gives. */
static double normal(uint64_t seed, uint32_t layer, size_t element) {
    size_t pair = element & ~(size_t)1;
    double radius = sqrt(-2 * log(open_uniform(seed, layer, pair)));
    double angle = TWO_PI * open_uniform(seed, layer, pair + 1);
    return radius * (element == pair ? cos(angle) : sin(angle));
}

static double value_of(distribution d, uint64_t seed, uint32_t layer, size_t element) {
    switch (d.kind) {
    case NORMAL:
        return d.size * normal(seed, layer, element);
    case UNIFORM:
        return d.size * uniform(seed, layer, element);
    case CONSTANT:
        break;
    }
    return d.size;
}

/* Filter k's part of the weight; 0 where nothing is connected. */
static void draw_filter(float *values, const lens_layer *layer, size_t k, uint64_t seed) {
    lens_shape w = layer->parameters[LENS_WEIGHT].shape;
    size_t taps = w.h * w.w, first = k * w.c * taps;
    distribution d = distribution_of(layer, k);
    for (size_t i = first; i < first + w.c * taps; i++)
        values[i] = lens_layer_connects(layer, k, (i - first) / taps)
                        ? (float)value_of(d, seed, layer->index, i)
                        : 0;
}

static lens_status initialize_weight(const lens_layer *layer, uint64_t seed) {
    size_t count = lens_layer_parameter_count(layer, LENS_WEIGHT);
    float *values = malloc(count * sizeof *values);
    if (!values)
        return lens_fail_memory("starting weights", count * sizeof *values);
    if (layer->spec.kind == LENS_LAYER_RBF)
        lens_digit_codes(values);
    else
        for (size_t k = 0; k < layer->parameters[LENS_WEIGHT].shape.n; k++)
            draw_filter(values, layer, k, seed);
    lens_status status = lens_tensor_write(layer->parameters[LENS_WEIGHT].value, values);
    free(values);
    return status;
}

static lens_status initialize_weighted(const lens_layer *layer, uint64_t seed) {
    LENS_TRY(initialize_weight(layer, seed));
    if (!lens_layer_has(layer, LENS_BIAS))
        return LENS_OK;
    bool is_conv = layer->spec.kind == LENS_LAYER_CONV2D;
    return lens_tensor_fill(layer->parameters[LENS_BIAS].value,
                            is_conv ? layer->spec.conv2d.initial_bias
                                    : layer->spec.dense.initial_bias);
}

/* y = z at first, and running statistics of data that is normal already. */
static lens_status initialize_batchnorm(const lens_layer *layer) {
    LENS_TRY(lens_tensor_fill(layer->parameters[LENS_WEIGHT].value, 1));
    LENS_TRY(lens_tensor_fill(layer->parameters[LENS_BIAS].value, 0));
    LENS_TRY(lens_tensor_fill(layer->parameters[LENS_MEAN].value, 0));
    return lens_tensor_fill(layer->parameters[LENS_VARIANCE].value, 1);
}

lens_status lens_net_initialize(lens_net *net, uint64_t seed) {
    assert(net);
    for (size_t i = 0; i < net->chain->count; i++) {
        const lens_layer *layer = &net->chain->layers[i];
        if (layer->spec.kind == LENS_LAYER_BATCHNORM)
            LENS_TRY(initialize_batchnorm(layer));
        else if (lens_layer_has(layer, LENS_WEIGHT))
            LENS_TRY(initialize_weighted(layer, seed));
    }
    return LENS_OK;
}
