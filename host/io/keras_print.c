/* keras_print.c: a network as the JSON of a Keras Sequential model.
 *
 * "channels_first", since that is the order of the weights. A layer that Keras has is written as
 * Keras writes it; one with options that Keras lacks as a class of ours ("lenslet>Conv2D").
 */
#include "core/error.h"
#include "lenslet/io.h"

#include <assert.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *number(size_t value) {
    return json_integer((json_int_t)value);
}

static json_t *pair(size_t h, size_t w) {
    return json_pack("[o, o]", number(h), number(w));
}

static json_t *padding_object(const lens_padding *p) {
    return json_pack("{s:o, s:o, s:o, s:o, s:s, s:f}", "top", number(p->top), "left",
                     number(p->left), "bottom", number(p->bottom), "right", number(p->right),
                     "mode", lens_pad_mode_name(p->mode), "value", (double)p->value);
}

static bool has_padding(const lens_padding *p) {
    return p->top || p->left || p->bottom || p->right;
}

/* "same", "valid", or the four sides, which only a class of ours can have. */
static json_t *padding_of(bool same, const lens_padding *padding) {
    if (same)
        return json_string("same");
    return has_padding(padding) ? padding_object(padding) : json_string("valid");
}

/* A float as the shortest decimal that reads back as the same float: 0.3, not 0.30000001192092896.
 */
static json_t *short_float(float value) {
    char text[32];
    for (int digits = 6; digits <= 9; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, (double)value);
        if (strtof(text, NULL) == value)
            break;
    }
    return json_real(strtod(text, NULL));
}

static json_t *activation_of(const lens_activation *activation) {
    bool has_alpha = activation->kind == LENS_LEAKY_RELU ||
                     (activation->kind == LENS_ELU && activation->alpha != 1);
    if (has_alpha)
        return json_pack("{s:s, s:{s:s, s:o}}", "class_name", "lenslet>activation", "config",
                         "name", lens_activation_name(activation->kind), "alpha",
                         short_float(activation->alpha));
    if (activation->kind == LENS_SCALED_TANH)
        return json_string("lenslet>scaled_tanh");
    return json_string(lens_activation_name(activation->kind));
}

/* The channels that each filter reads: [[0, 1, 2], [1, 2, 3], ...]. */
static json_t *connections_of(const lens_layer_spec *layer) {
    json_t *table = json_array();
    for (size_t k = 0; k < layer->conv2d.filters && k < LENS_CONNECTIONS_MOST; k++) {
        json_t *channels = json_array();
        for (size_t c = 0; c < 32; c++)
            if (layer->conv2d.connections[k] >> c & 1)
                json_array_append_new(channels, number(c));
        json_array_append_new(table, channels);
    }
    return table;
}

/* Keras's name where that says all, else its object. */
static json_t *initializer_of(const lens_initializer *initializer) {
    switch (initializer->kind) {
    case LENS_RANDOM_NORMAL:
        return json_pack("{s:s, s:{s:f, s:o}}", "class_name", "RandomNormal", "config", "mean", 0.0,
                         "stddev", short_float(initializer->value));
    case LENS_RANDOM_UNIFORM:
        return json_pack("{s:s, s:{s:o, s:o}}", "class_name", "RandomUniform", "config", "minval",
                         short_float(-initializer->value), "maxval",
                         short_float(initializer->value));
    case LENS_CONSTANT_VALUE:
        return json_pack("{s:s, s:{s:o}}", "class_name", "Constant", "config", "value",
                         short_float(initializer->value));
    default:
        return json_string(lens_initializer_name(initializer->kind));
    }
}

/* Of weights and, where they do not start at 0, of biases. */
static void print_initializers(json_t *config, const lens_initializer *weight, float bias) {
    json_object_set_new(config, "kernel_initializer", initializer_of(weight));
    lens_initializer constant = {LENS_CONSTANT_VALUE, bias};
    if (bias != 0)
        json_object_set_new(config, "bias_initializer", initializer_of(&constant));
}

static const char *print_conv2d(json_t *config, const lens_layer_spec *layer) {
    const lens_conv2d_opts *opts = &layer->conv2d.opts;
    json_object_set_new(config, "filters", number(layer->conv2d.filters));
    json_object_set_new(config, "kernel_size",
                        pair(layer->conv2d.kernel_h, layer->conv2d.kernel_w));
    json_object_set_new(config, "strides", pair(opts->stride_h, opts->stride_w));
    json_object_set_new(config, "padding", padding_of(layer->conv2d.same_padding, &opts->padding));
    json_object_set_new(config, "data_format", json_string("channels_first"));
    json_object_set_new(config, "dilation_rate", pair(opts->dilation_h, opts->dilation_w));
    json_object_set_new(config, "groups", number(opts->groups));
    json_object_set_new(config, "activation", activation_of(&opts->activation));
    json_object_set_new(config, "use_bias", json_boolean(!layer->conv2d.no_bias));
    print_initializers(config, &layer->conv2d.initializer, layer->conv2d.initial_bias);
    bool has_table = layer->conv2d.connections[0] != 0;
    if (has_table)
        json_object_set_new(config, "connections", connections_of(layer));
    bool is_ours = has_table || (!layer->conv2d.same_padding && has_padding(&opts->padding));
    return is_ours ? "lenslet>Conv2D" : "Conv2D";
}

static const char *print_dense(json_t *config, const lens_layer_spec *layer) {
    json_object_set_new(config, "units", number(layer->dense.units));
    json_object_set_new(config, "activation", activation_of(&layer->dense.opts.activation));
    json_object_set_new(config, "use_bias", json_boolean(!layer->dense.no_bias));
    print_initializers(config, &layer->dense.initializer, layer->dense.initial_bias);
    return "Dense";
}

static const char *print_pool2d(json_t *config, const lens_layer_spec *layer) {
    static const char *const global[] = {"GlobalMaxPooling2D", "GlobalAveragePooling2D",
                                         "lenslet>GlobalMinPooling2D"};
    static const char *const keras[] = {"MaxPooling2D", "AveragePooling2D", "lenslet>MinPooling2D"};
    static const char *const ours[] = {"lenslet>MaxPooling2D", "lenslet>AveragePooling2D",
                                       "lenslet>MinPooling2D"};
    const lens_pool2d_opts *opts = &layer->pool2d.opts;
    json_object_set_new(config, "data_format", json_string("channels_first"));
    if (opts->window_h == 0)
        return global[opts->kind];
    size_t stride_h = opts->stride_h ? opts->stride_h : opts->window_h;
    size_t stride_w = opts->stride_w ? opts->stride_w : opts->window_w;
    json_object_set_new(config, "pool_size", pair(opts->window_h, opts->window_w));
    json_object_set_new(config, "strides", pair(stride_h, stride_w));
    json_object_set_new(config, "padding", padding_of(layer->pool2d.same_padding, &opts->padding));
    if (opts->count_padding)
        json_object_set_new(config, "count_padding", json_true());
    bool is_ours =
        opts->count_padding || (!layer->pool2d.same_padding && has_padding(&opts->padding));
    return is_ours ? ours[opts->kind] : keras[opts->kind];
}

static const char *print_pad2d(json_t *config, const lens_layer_spec *layer) {
    const lens_padding *p = &layer->pad2d;
    json_object_set_new(config, "data_format", json_string("channels_first"));
    if (p->mode != LENS_PAD_ZERO) {
        json_object_set_new(config, "padding", padding_object(p));
        return "lenslet>Padding2D";
    }
    json_object_set_new(config, "padding",
                        json_pack("[o, o]", pair(p->top, p->bottom), pair(p->left, p->right)));
    return "ZeroPadding2D";
}

static const char *print_resize2d(json_t *config, const lens_layer_spec *layer) {
    json_object_set_new(config, "height", number(layer->resize2d.h));
    json_object_set_new(config, "width", number(layer->resize2d.w));
    json_object_set_new(config, "interpolation",
                        json_string(lens_resize2d_kind_name(layer->resize2d.kind)));
    json_object_set_new(config, "data_format", json_string("channels_first"));
    return "Resizing";
}

static const char *print_subsample(json_t *config, const lens_layer_spec *layer) {
    const lens_subsample_opts *opts = &layer->subsample.opts;
    json_object_set_new(config, "pool_size", pair(opts->window_h, opts->window_w));
    json_object_set_new(config, "data_format", json_string("channels_first"));
    json_object_set_new(config, "activation", activation_of(&opts->activation));
    json_object_set_new(config, "kernel_initializer",
                        initializer_of(&layer->subsample.initializer));
    return "lenslet>Subsample";
}

static const char *print_rbf(json_t *config, const lens_layer_spec *layer) {
    json_object_set_new(config, "codes", json_string("digits"));
    json_object_set_new(config, "trainable", json_boolean(layer->rbf.trained));
    return "lenslet>RBF";
}

static const char *print_lrn(json_t *config, const lens_layer_spec *layer) {
    const lens_lrn_opts *opts = &layer->lrn;
    json_object_set_new(config, "kind", json_string(lens_lrn_kind_name(opts->kind)));
    json_object_set_new(config, "size", number(opts->size));
    json_object_set_new(config, "alpha", short_float(opts->alpha));
    json_object_set_new(config, "beta", short_float(opts->beta));
    json_object_set_new(config, "k", short_float(opts->k));
    json_object_set_new(config, "average", json_boolean(opts->average));
    return "lenslet>LocalResponseNormalization";
}

static const char *print_batchnorm(json_t *config, const lens_layer_spec *layer) {
    json_object_set_new(config, "axis", json_integer(1));
    json_object_set_new(config, "momentum", short_float(layer->batchnorm.momentum));
    json_object_set_new(config, "epsilon", short_float(layer->batchnorm.epsilon));
    return "BatchNormalization";
}

/* Fills the layer's config; returns the class. */
static const char *print_layer(json_t *config, const lens_layer_spec *layer) {
    switch (layer->kind) {
    case LENS_LAYER_CONV2D:
        return print_conv2d(config, layer);
    case LENS_LAYER_POOL2D:
        return print_pool2d(config, layer);
    case LENS_LAYER_PAD2D:
        return print_pad2d(config, layer);
    case LENS_LAYER_DENSE:
        return print_dense(config, layer);
    case LENS_LAYER_ACTIVATION:
        json_object_set_new(config, "activation", activation_of(&layer->activation));
        return "Activation";
    case LENS_LAYER_LRN:
        return print_lrn(config, layer);
    case LENS_LAYER_BATCHNORM:
        return print_batchnorm(config, layer);
    case LENS_LAYER_DROPOUT:
        json_object_set_new(config, "rate", short_float(layer->dropout));
        return "Dropout";
    case LENS_LAYER_SOFTMAX:
        json_object_set_new(config, "axis", json_integer(1));
        return "Softmax";
    case LENS_LAYER_FLATTEN:
        json_object_set_new(config, "data_format", json_string("channels_first"));
        return "Flatten";
    case LENS_LAYER_RESIZE2D:
        return print_resize2d(config, layer);
    case LENS_LAYER_SUBSAMPLE:
        return print_subsample(config, layer);
    case LENS_LAYER_RBF:
        return print_rbf(config, layer);
    }
    return "";
}

lens_status lens_keras_print(char **text, const lens_net_spec *spec) {
    assert(text && spec);
    json_t *layers = json_array();
    json_array_append_new(layers,
                          json_pack("{s:s, s:{s:s, s:[n, o, o, o]}}", "class_name", "InputLayer",
                                    "config", "name", "input", "batch_shape", number(spec->input.c),
                                    number(spec->input.h), number(spec->input.w)));
    for (size_t i = 0; i < spec->layer_count; i++) {
        json_t *config = json_pack("{s:s}", "name", spec->layers[i].name);
        const char *class_name = print_layer(config, &spec->layers[i]);
        json_array_append_new(layers,
                              json_pack("{s:s, s:o}", "class_name", class_name, "config", config));
    }
    json_t *root = json_pack("{s:s, s:{s:s, s:o}}", "class_name", "Sequential", "config", "name",
                             spec->name, "layers", layers);
    *text = root ? json_dumps(root, JSON_INDENT(1)) : NULL;
    json_decref(root);
    return *text ? LENS_OK : lens_fail_memory("Keras JSON", 0);
}
