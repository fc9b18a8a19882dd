/* net_spec.c: a network as plain data: names, copy, free, and the rules for layer names. */
#include "net/net_spec.h"
#include "core/error.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const char *const kind_names[] = {
#define X(name, text) text,
    LENS_LAYER_MAP(X)
#undef X
};

const char *lens_layer_kind_name(lens_layer_kind kind) {
    return (size_t)kind < sizeof kind_names / sizeof kind_names[0] ? kind_names[kind] : "unknown";
}

static const char *const initializer_names[] = {[LENS_GLOROT_UNIFORM] = "glorot_uniform",
                                                [LENS_GLOROT_NORMAL] = "glorot_normal",
                                                [LENS_HE_UNIFORM] = "he_uniform",
                                                [LENS_HE_NORMAL] = "he_normal",
                                                [LENS_LECUN1998_UNIFORM] =
                                                    "lenslet>lecun1998_uniform",
                                                [LENS_LECUN_UNIFORM] = "lecun_uniform",
                                                [LENS_LECUN_NORMAL] = "lecun_normal",
                                                [LENS_RANDOM_NORMAL] = "random_normal",
                                                [LENS_RANDOM_UNIFORM] = "random_uniform",
                                                [LENS_CONSTANT_VALUE] = "constant"};

const char *lens_initializer_name(lens_initializer_kind kind) {
    return (size_t)kind < sizeof initializer_names / sizeof initializer_names[0]
               ? initializer_names[kind]
               : "unknown";
}

void lens_net_spec_free(lens_net_spec *spec) {
    if (!spec)
        return;
    free(spec->layers);
    free(spec);
}

lens_status lens_net_spec_copy(lens_net_spec **out, const lens_net_spec *spec) {
    assert(out && spec);
    *out = NULL;
    size_t bytes = spec->layer_count * sizeof *spec->layers;
    lens_net_spec *copy = malloc(sizeof *copy);
    lens_layer_spec *layers = malloc(bytes ? bytes : 1);
    if (!copy || !layers) {
        free(copy);
        free(layers);
        return lens_fail_memory("network", sizeof *copy + bytes);
    }
    *copy = *spec;
    copy->layers = layers;
    if (bytes)
        memcpy(layers, spec->layers, bytes);
    *out = copy;
    return LENS_OK;
}

static lens_status check_name(const lens_net_spec *spec, size_t index) {
    const char *name = spec->layers[index].name;
    if (!memchr(name, 0, LENS_NAME_SIZE) || !*name)
        return lens_fail(LENS_BAD_ARGUMENT, "net: layer %zu needs a name of 1 to %d characters",
                         index, LENS_NAME_SIZE - 1);
    for (const char *c = name; *c; c++)
        if (!isalnum((unsigned char)*c) && *c != '_' && *c != '-')
            return lens_fail(LENS_BAD_ARGUMENT,
                             "net: layer name \"%s\" may hold letters, digits, '_' and '-' only",
                             name);
    for (size_t i = 0; i < index; i++)
        if (strcmp(spec->layers[i].name, name) == 0)
            return lens_fail(LENS_BAD_ARGUMENT, "net: layers %zu and %zu are both named \"%s\"", i,
                             index, name);
    return LENS_OK;
}

lens_status lens_net_spec_check(const lens_net_spec *spec) {
    if (spec->layer_count == 0)
        return lens_fail(LENS_BAD_ARGUMENT, "net: there is no layer");
    if (spec->input.n != 1)
        return lens_fail(LENS_BAD_SHAPE, "net: the input is %zu images, a network states one",
                         spec->input.n);
    LENS_TRY(lens_shape_count(spec->input, NULL));
    for (size_t i = 0; i < spec->layer_count; i++) {
        LENS_TRY(check_name(spec, i));
        if ((size_t)spec->layers[i].kind >= sizeof kind_names / sizeof kind_names[0])
            return lens_fail(LENS_BAD_ARGUMENT, "layer %s: there is no layer kind %d",
                             spec->layers[i].name, (int)spec->layers[i].kind);
    }
    return LENS_OK;
}

static lens_activation_kind last_activation(const lens_layer_spec *layer) {
    switch (layer->kind) {
    case LENS_LAYER_ACTIVATION:
        return layer->activation.kind;
    case LENS_LAYER_DENSE:
        return layer->dense.opts.activation.kind;
    case LENS_LAYER_CONV2D:
        return layer->conv2d.opts.activation.kind;
    default:
        return LENS_LINEAR;
    }
}

lens_loss_kind lens_net_spec_loss(const lens_net_spec *spec) {
    assert(spec && spec->layer_count);
    const lens_layer_spec *last = &spec->layers[spec->layer_count - 1];
    if (last->kind == LENS_LAYER_RBF)
        return LENS_MAP;
    return last_activation(last) == LENS_SIGMOID ? LENS_BINARY_CROSS_ENTROPY
                                                 : LENS_SPARSE_CROSS_ENTROPY;
}
