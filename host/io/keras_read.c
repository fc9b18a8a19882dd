/* keras_read.c: the layers of a Keras Sequential model's JSON as a network.
 *
 * Keras 2 and 3 write slightly different words; both are read. What Lenslet does not have is
 * refused by the layer's name. Classes that Keras lacks carry its registered-name rule:
 * "lenslet>MinPooling2D".
 */
#include "core/error.h"
#include "core/read_file.h"
#include "lenslet/io.h"

#include <assert.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_JSON_BYTES ((size_t)16 << 20)
#define MAX_LAYERS 4096

/* One layer's JSON while it is read. The first fault stays in `status`. */
typedef struct reader {
    const char *path;
    const char *layer;
    const json_t *config;
    lens_status status;
} reader;

static void fault(reader *r, lens_status status, const char *key, const char *rule) {
    if (r->status == LENS_OK)
        r->status = lens_fail(status, "%s: layer %s: %s %s", r->path, r->layer, key, rule);
}

/* ---- values of a config -------------------------------------------------------------------- */

static const json_t *get(const reader *r, const char *key) {
    const json_t *value = json_object_get(r->config, key);
    return json_is_null(value) ? NULL : value;
}

/* A whole number from `lowest` to 2^31 - 1. */
static size_t to_size(reader *r, const json_t *value, const char *key, json_int_t lowest) {
    if (json_is_integer(value) && json_integer_value(value) >= lowest &&
        json_integer_value(value) <= INT32_MAX)
        return (size_t)json_integer_value(value);
    fault(r, LENS_BAD_FILE, key,
          lowest ? "must be a whole number of at least 1" : "must be a whole number");
    return 1;
}

static size_t get_size(reader *r, const char *key) {
    return to_size(r, get(r, key), key, 1);
}

/* Both values of a pair, or one for both; `missing` when the key is absent. */
static void get_pair(reader *r, const char *key, size_t *h, size_t *w, size_t missing) {
    const json_t *value = get(r, key);
    *h = *w = missing;
    if (json_is_array(value) && json_array_size(value) == 2) {
        *h = to_size(r, json_array_get(value, 0), key, 1);
        *w = to_size(r, json_array_get(value, 1), key, 1);
    } else if (value) {
        *h = *w = to_size(r, value, key, 1);
    }
}

static float get_float(reader *r, const char *key, float missing) {
    const json_t *value = get(r, key);
    if (!value)
        return missing;
    if (!json_is_number(value)) {
        fault(r, LENS_BAD_FILE, key, "must be a number");
        return missing;
    }
    return (float)json_number_value(value);
}

static bool get_bool(reader *r, const char *key, bool missing) {
    const json_t *value = get(r, key);
    if (value && !json_is_boolean(value))
        fault(r, LENS_BAD_FILE, key, "must be true or false");
    return value ? json_is_true(value) : missing;
}

static bool has(const reader *r, const char *key, const char *text) {
    const char *value = json_string_value(get(r, key));
    return value && strcmp(value, text) == 0;
}

/* What Lenslet does not have must be null, false or absent. */
static void refuse(reader *r, const char *const *keys) {
    for (; *keys; keys++)
        if (get(r, *keys) && !json_is_false(get(r, *keys)))
            fault(r, LENS_UNSUPPORTED, *keys, "is not supported");
}

/* ---- activation, initializer, padding ------------------------------------------------------- */

static const struct {
    const char *name;
    lens_activation activation;
} activations[] = {{"linear", {LENS_LINEAR, 0}},
                   {"relu", {LENS_RELU, 0}},
                   {"leaky_relu", {LENS_LEAKY_RELU, 0.2f}}, /* Keras 3's default slope */
                   {"tanh", {LENS_TANH, 0}},
                   {"lenslet>scaled_tanh", {LENS_SCALED_TANH, 0}},
                   {"sigmoid", {LENS_SIGMOID, 0}},
                   {"elu", {LENS_ELU, 1}},
                   {"softplus", {LENS_SOFTPLUS, 0}}};

static bool find_activation(lens_activation *out, const char *name) {
    for (size_t i = 0; name && i < sizeof activations / sizeof activations[0]; i++)
        if (strcmp(activations[i].name, name) == 0) {
            *out = activations[i].activation;
            return true;
        }
    return false;
}

static lens_activation get_activation(reader *r) {
    lens_activation activation = {LENS_LINEAR, 0};
    const json_t *value = get(r, "activation");
    if (!value)
        return activation;
    /* ours, with its alpha: {"class_name": "lenslet>activation", "config": {"name", "alpha"}} */
    const json_t *config = json_object_get(value, "config");
    const char *name =
        json_string_value(json_is_object(value) ? json_object_get(config, "name") : value);
    if (!find_activation(&activation, name))
        fault(r, LENS_UNSUPPORTED, name ? name : "activation", "is no activation Lenslet has");
    const json_t *alpha = json_object_get(config, "alpha");
    if (json_is_number(alpha))
        activation.alpha = (float)json_number_value(alpha);
    return activation;
}

/* A symmetric uniform distribution is what Lenslet has. */
static float uniform_limit(reader *r, const json_t *config) {
    double low = json_number_value(json_object_get(config, "minval"));
    double high = json_number_value(json_object_get(config, "maxval"));
    if (low != -high || high <= 0)
        fault(r, LENS_UNSUPPORTED, "kernel_initializer", "must be uniform from -a to a");
    return (float)high;
}

static float initializer_value(reader *r, lens_initializer_kind kind, const json_t *config) {
    switch (kind) {
    case LENS_RANDOM_NORMAL:
        if (json_number_value(json_object_get(config, "mean")) != 0)
            fault(r, LENS_UNSUPPORTED, "kernel_initializer", "must be normal about 0");
        return (float)json_number_value(json_object_get(config, "stddev"));
    case LENS_RANDOM_UNIFORM:
        return uniform_limit(r, config);
    case LENS_CONSTANT_VALUE:
        return (float)json_number_value(json_object_get(config, "value"));
    default:
        return 0;
    }
}

/* "he_normal", or {"class_name": "HeNormal", "config": {...}}. */
static lens_initializer get_initializer(reader *r, const char *key, lens_initializer missing) {
    static const struct {
        const char *class_name, *name;
        lens_initializer initializer;
    } rows[] = {
        {"GlorotUniform", "glorot_uniform", {LENS_GLOROT_UNIFORM, 0}},
        {"GlorotNormal", "glorot_normal", {LENS_GLOROT_NORMAL, 0}},
        {"HeUniform", "he_uniform", {LENS_HE_UNIFORM, 0}},
        {"HeNormal", "he_normal", {LENS_HE_NORMAL, 0}},
        {"lenslet>LeCun1998Uniform", "lenslet>lecun1998_uniform", {LENS_LECUN1998_UNIFORM, 0}},
        {"LecunUniform", "lecun_uniform", {LENS_LECUN_UNIFORM, 0}},
        {"LecunNormal", "lecun_normal", {LENS_LECUN_NORMAL, 0}},
        {"RandomNormal", "random_normal", {LENS_RANDOM_NORMAL, 0.05f}},
        {"RandomUniform", "random_uniform", {LENS_RANDOM_UNIFORM, 0.05f}},
        {"Constant", "constant", {LENS_CONSTANT_VALUE, 0}},
        {"Zeros", "zeros", {LENS_CONSTANT_VALUE, 0}},
        {"Ones", "ones", {LENS_CONSTANT_VALUE, 1}}};
    const json_t *value = get(r, key), *config = json_object_get(value, "config");
    if (!value)
        return missing;
    const char *name =
        json_string_value(json_is_object(value) ? json_object_get(value, "class_name") : value);
    for (size_t i = 0; name && i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(name, rows[i].class_name) == 0 || strcmp(name, rows[i].name) == 0) {
            lens_initializer found = rows[i].initializer;
            if (json_object_size(config) && found.kind >= LENS_RANDOM_NORMAL &&
                strcmp(rows[i].class_name, "Zeros") != 0 && strcmp(rows[i].class_name, "Ones") != 0)
                found.value = initializer_value(r, found.kind, config);
            return found;
        }
    fault(r, LENS_UNSUPPORTED, key, "is none Lenslet has");
    return missing;
}

static lens_initializer get_weight_initializer(reader *r) {
    return get_initializer(r, "kernel_initializer", (lens_initializer){LENS_GLOROT_UNIFORM, 0});
}

static float get_initial_bias(reader *r) {
    lens_initializer initializer =
        get_initializer(r, "bias_initializer", (lens_initializer){LENS_CONSTANT_VALUE, 0});
    if (initializer.kind != LENS_CONSTANT_VALUE)
        fault(r, LENS_UNSUPPORTED, "bias_initializer", "must be a constant");
    return initializer.value;
}

/* Ours: {"top", "left", "bottom", "right", "mode", "value"}. */
static lens_padding to_padding(reader *r, const json_t *object) {
    lens_padding padding = {.value = (float)json_number_value(json_object_get(object, "value"))};
    size_t *sides[] = {&padding.top, &padding.left, &padding.bottom, &padding.right};
    const char *const names[] = {"top", "left", "bottom", "right"};
    for (int i = 0; i < 4; i++)
        *sides[i] = to_size(r, json_object_get(object, names[i]), names[i], 0);
    const char *mode = json_string_value(json_object_get(object, "mode"));
    for (int i = LENS_PAD_ZERO; i <= LENS_PAD_REPLICATE; i++)
        if (mode && strcmp(mode, lens_pad_mode_name((lens_pad_mode)i)) == 0) {
            padding.mode = (lens_pad_mode)i;
            return padding;
        }
    fault(r, LENS_BAD_FILE, "padding", "has no known mode");
    return padding;
}

/* "valid", "same", or ours. */
static bool get_padding(reader *r, lens_padding *padding) {
    const json_t *value = get(r, "padding");
    if (json_is_object(value))
        *padding = to_padding(r, value);
    else if (value && !has(r, "padding", "valid") && !has(r, "padding", "same"))
        fault(r, LENS_BAD_FILE, "padding", "must be \"valid\" or \"same\"");
    return has(r, "padding", "same");
}

/* ---- one layer of each class ----------------------------------------------------------------- */

static const char *const weight_extras[] = {"kernel_regularizer",   "bias_regularizer",
                                            "activity_regularizer", "kernel_constraint",
                                            "bias_constraint",      NULL};

/* Ours: the channels that each filter reads, [[0, 1, 2], [1, 2, 3], ...]. */
static void read_connections(reader *r, lens_layer_spec *layer) {
    const json_t *table = get(r, "connections");
    if (!table)
        return;
    if (!json_is_array(table) || json_array_size(table) != layer->conv2d.filters ||
        layer->conv2d.filters > LENS_CONNECTIONS_MOST) {
        fault(r, LENS_BAD_FILE, "connections", "must be a list for each filter, at most 32");
        return;
    }
    for (size_t k = 0; k < json_array_size(table); k++) {
        const json_t *channels = json_array_get(table, k), *channel;
        size_t i;
        if (json_array_size(channels) == 0)
            fault(r, LENS_BAD_FILE, "connections", "must name a channel for each filter");
        json_array_foreach((json_t *)channels, i, channel) {
            size_t c = to_size(r, channel, "connections", 0);
            if (c < 32)
                layer->conv2d.connections[k] |= (uint32_t)1 << c;
            else
                fault(r, LENS_BAD_FILE, "connections", "must be channels below 32");
        }
    }
}

static void read_conv2d(reader *r, lens_layer_spec *layer) {
    refuse(r, weight_extras);
    lens_conv2d_opts *opts = &layer->conv2d.opts;
    *opts = lens_conv2d_defaults();
    layer->conv2d.filters = get_size(r, "filters");
    get_pair(r, "kernel_size", &layer->conv2d.kernel_h, &layer->conv2d.kernel_w, 0);
    if (layer->conv2d.kernel_h == 0)
        fault(r, LENS_BAD_FILE, "kernel_size", "is missing");
    get_pair(r, "strides", &opts->stride_h, &opts->stride_w, 1);
    get_pair(r, "dilation_rate", &opts->dilation_h, &opts->dilation_w, 1);
    opts->groups = get(r, "groups") ? get_size(r, "groups") : 1;
    opts->activation = get_activation(r);
    layer->conv2d.same_padding = get_padding(r, &opts->padding);
    layer->conv2d.no_bias = !get_bool(r, "use_bias", true);
    layer->conv2d.initializer = get_weight_initializer(r);
    layer->conv2d.initial_bias = get_initial_bias(r);
    read_connections(r, layer);
}

static void read_dense(reader *r, lens_layer_spec *layer) {
    refuse(r, weight_extras);
    layer->dense.units = get_size(r, "units");
    layer->dense.no_bias = !get_bool(r, "use_bias", true);
    layer->dense.opts.activation = get_activation(r);
    layer->dense.initializer = get_weight_initializer(r);
    layer->dense.initial_bias = get_initial_bias(r);
}

static void read_pool(reader *r, lens_layer_spec *layer, lens_pool2d_kind kind) {
    lens_pool2d_opts *opts = &layer->pool2d.opts;
    *opts = lens_pool2d_defaults(kind, 2);
    get_pair(r, "pool_size", &opts->window_h, &opts->window_w, 2);
    get_pair(r, "strides", &opts->stride_h, &opts->stride_w, 0);
    layer->pool2d.same_padding = get_padding(r, &opts->padding);
    opts->count_padding = get_bool(r, "count_padding", false);
}

static void read_max_pool(reader *r, lens_layer_spec *layer) {
    read_pool(r, layer, LENS_POOL_MAX);
}

static void read_average_pool(reader *r, lens_layer_spec *layer) {
    read_pool(r, layer, LENS_POOL_AVERAGE);
}

static void read_min_pool(reader *r, lens_layer_spec *layer) {
    read_pool(r, layer, LENS_POOL_MIN);
}

static void read_global_max(reader *r, lens_layer_spec *layer) {
    (void)r;
    layer->pool2d.opts = lens_pool2d_defaults(LENS_POOL_MAX, 0);
}

static void read_global_average(reader *r, lens_layer_spec *layer) {
    (void)r;
    layer->pool2d.opts = lens_pool2d_defaults(LENS_POOL_AVERAGE, 0);
}

static void read_global_min(reader *r, lens_layer_spec *layer) {
    (void)r;
    layer->pool2d.opts = lens_pool2d_defaults(LENS_POOL_MIN, 0);
}

/* Keras: one number, [h, w], or [[top, bottom], [left, right]]. */
static void read_zero_padding(reader *r, lens_layer_spec *layer) {
    const json_t *value = get(r, "padding");
    size_t sides[2][2];
    for (size_t axis = 0; axis < 2; axis++) {
        const json_t *own = json_is_array(value) ? json_array_get(value, axis) : value;
        for (size_t end = 0; end < 2; end++)
            sides[axis][end] =
                to_size(r, json_is_array(own) ? json_array_get(own, end) : own, "padding", 0);
    }
    layer->pad2d =
        (lens_padding){sides[0][0], sides[1][0], sides[0][1], sides[1][1], LENS_PAD_ZERO, 0};
}

static void read_padding(reader *r, lens_layer_spec *layer) {
    layer->pad2d = to_padding(r, get(r, "padding"));
}

static void read_activation(reader *r, lens_layer_spec *layer) {
    if (has(r, "activation", "softmax"))
        layer->kind = LENS_LAYER_SOFTMAX;
    else
        layer->activation = get_activation(r);
}

static void read_leaky_relu(reader *r, lens_layer_spec *layer) {
    float slope = get_float(r, "negative_slope", get_float(r, "alpha", 0.3f));
    layer->activation = (lens_activation){LENS_LEAKY_RELU, slope};
}

static void read_elu(reader *r, lens_layer_spec *layer) {
    layer->activation = (lens_activation){LENS_ELU, get_float(r, "alpha", 1)};
}

static void read_relu(reader *r, lens_layer_spec *layer) {
    static const char *const extras[] = {"max_value", NULL};
    refuse(r, extras);
    if (get_float(r, "threshold", 0) != 0)
        fault(r, LENS_UNSUPPORTED, "threshold", "is not supported");
    float slope = get_float(r, "negative_slope", 0);
    layer->activation = (lens_activation){slope > 0 ? LENS_LEAKY_RELU : LENS_RELU, slope};
}

/* Over the channels: the last axis of Keras's own order, the first of ours. One number, or a list
 * of one. */
static void check_axis(reader *r) {
    const json_t *axis = get(r, "axis");
    if (json_is_array(axis) && json_array_size(axis) == 1)
        axis = json_array_get(axis, 0);
    json_int_t value = json_integer_value(axis);
    if (axis && (!json_is_integer(axis) || (value != -1 && value != 1 && value != 3)))
        fault(r, LENS_UNSUPPORTED, "axis", "must be the channels'");
}

static void read_softmax(reader *r, lens_layer_spec *layer) {
    (void)layer;
    check_axis(r);
}

/* Keras's statistics may start anywhere; here the running mean starts at 0, all else at its
 * identity.
 */
static void read_batchnorm(reader *r, lens_layer_spec *layer) {
    static const char *const extras[] = {"beta_regularizer",
                                         "gamma_regularizer",
                                         "beta_constraint",
                                         "gamma_constraint",
                                         "renorm",
                                         "synchronized",
                                         NULL};
    refuse(r, extras);
    check_axis(r);
    if (!get_bool(r, "center", true) || !get_bool(r, "scale", true))
        fault(r, LENS_UNSUPPORTED, "center and scale", "must be true");
    layer->batchnorm.epsilon = get_float(r, "epsilon", 1e-3f);
    layer->batchnorm.momentum = get_float(r, "momentum", 0.99f);
}

static void read_dropout(reader *r, lens_layer_spec *layer) {
    static const char *const extras[] = {"noise_shape", NULL};
    refuse(r, extras);
    layer->dropout = get_float(r, "rate", 0.5f);
    if (!(layer->dropout >= 0 && layer->dropout < 1))
        fault(r, LENS_BAD_FILE, "rate", "must be 0 or more and below 1");
}

static void read_lrn(reader *r, lens_layer_spec *layer) {
    lens_lrn_opts *opts = &layer->lrn;
    *opts = lens_lrn_defaults();
    opts->kind = has(r, "kind", "within") ? LENS_LRN_WITHIN : LENS_LRN_ACROSS;
    if (get(r, "kind") && !has(r, "kind", "within") && !has(r, "kind", "across"))
        fault(r, LENS_BAD_FILE, "kind", "must be \"across\" or \"within\"");
    opts->size = get(r, "size") ? get_size(r, "size") : opts->size;
    opts->alpha = get_float(r, "alpha", opts->alpha);
    opts->beta = get_float(r, "beta", opts->beta);
    opts->k = get_float(r, "k", opts->k);
    opts->average = get_bool(r, "average", false);
}

static void read_resizing(reader *r, lens_layer_spec *layer) {
    static const char *const extras[] = {"crop_to_aspect_ratio", "pad_to_aspect_ratio", "antialias",
                                         NULL};
    refuse(r, extras);
    layer->resize2d.h = get_size(r, "height");
    layer->resize2d.w = get_size(r, "width");
    layer->resize2d.kind =
        has(r, "interpolation", "nearest") ? LENS_RESIZE_NEAREST : LENS_RESIZE_BILINEAR;
    if (get(r, "interpolation") && !has(r, "interpolation", "nearest") &&
        !has(r, "interpolation", "bilinear"))
        fault(r, LENS_UNSUPPORTED, "interpolation", "must be \"bilinear\" or \"nearest\"");
}

static void read_subsample(reader *r, lens_layer_spec *layer) {
    lens_subsample_opts *opts = &layer->subsample.opts;
    get_pair(r, "pool_size", &opts->window_h, &opts->window_w, 2);
    opts->activation = get_activation(r);
    layer->subsample.initializer = get_weight_initializer(r);
}

static void read_rbf(reader *r, lens_layer_spec *layer) {
    if (!has(r, "codes", "digits"))
        fault(r, LENS_UNSUPPORTED, "codes", "must be \"digits\"");
    layer->rbf.trained = get_bool(r, "trainable", false);
}

static void read_nothing(reader *r, lens_layer_spec *layer) {
    (void)r, (void)layer;
}

static const struct {
    const char *class_name;
    lens_layer_kind kind;
    void (*read)(reader *r, lens_layer_spec *layer);
} classes[] = {
    {"Conv2D", LENS_LAYER_CONV2D, read_conv2d},
    {"lenslet>Conv2D", LENS_LAYER_CONV2D, read_conv2d},
    {"Dense", LENS_LAYER_DENSE, read_dense},
    {"MaxPooling2D", LENS_LAYER_POOL2D, read_max_pool},
    {"AveragePooling2D", LENS_LAYER_POOL2D, read_average_pool},
    {"lenslet>MaxPooling2D", LENS_LAYER_POOL2D, read_max_pool},
    {"lenslet>AveragePooling2D", LENS_LAYER_POOL2D, read_average_pool},
    {"lenslet>MinPooling2D", LENS_LAYER_POOL2D, read_min_pool},
    {"GlobalMaxPooling2D", LENS_LAYER_POOL2D, read_global_max},
    {"GlobalAveragePooling2D", LENS_LAYER_POOL2D, read_global_average},
    {"lenslet>GlobalMinPooling2D", LENS_LAYER_POOL2D, read_global_min},
    {"ZeroPadding2D", LENS_LAYER_PAD2D, read_zero_padding},
    {"lenslet>Padding2D", LENS_LAYER_PAD2D, read_padding},
    {"Activation", LENS_LAYER_ACTIVATION, read_activation},
    {"LeakyReLU", LENS_LAYER_ACTIVATION, read_leaky_relu},
    {"ELU", LENS_LAYER_ACTIVATION, read_elu},
    {"ReLU", LENS_LAYER_ACTIVATION, read_relu},
    {"lenslet>LocalResponseNormalization", LENS_LAYER_LRN, read_lrn},
    {"BatchNormalization", LENS_LAYER_BATCHNORM, read_batchnorm},
    {"Dropout", LENS_LAYER_DROPOUT, read_dropout},
    {"Softmax", LENS_LAYER_SOFTMAX, read_softmax},
    {"Flatten", LENS_LAYER_FLATTEN, read_nothing},
    {"Resizing", LENS_LAYER_RESIZE2D, read_resizing},
    {"lenslet>Subsample", LENS_LAYER_SUBSAMPLE, read_subsample},
    {"lenslet>RBF", LENS_LAYER_RBF, read_rbf},
};

/* ---- the list of layers ---------------------------------------------------------------------- */

/* [null, h, w, c] or [null, c, h, w]; [null, features]. */
static bool read_input(lens_shape *input, const json_t *shape, bool channels_first) {
    size_t dims[3] = {1, 1, 1}, rank = json_array_size(shape);
    if (rank < 2 || rank > 4)
        return false;
    for (size_t i = 1; i < rank; i++) {
        const json_t *dim = json_array_get(shape, i);
        if (!json_is_integer(dim) || json_integer_value(dim) < 1 ||
            json_integer_value(dim) > INT32_MAX)
            return false;
        dims[i - 1] = (size_t)json_integer_value(dim);
    }
    if (rank == 4)
        *input = channels_first ? (lens_shape){1, dims[0], dims[1], dims[2]}
                                : (lens_shape){1, dims[2], dims[0], dims[1]};
    else
        *input = (lens_shape){1, dims[0], dims[1], dims[2]};
    return rank != 3;
}

static const json_t *input_shape_of(const json_t *layers) {
    const json_t *config = json_object_get(json_array_get(layers, 0), "config");
    const json_t *shape = json_object_get(config, "batch_shape");
    return shape ? shape : json_object_get(config, "batch_input_shape");
}

/* The first layer that says so decides; Keras's default is channels last. */
static bool is_channels_first(const json_t *layers) {
    size_t i;
    json_t *layer;
    json_array_foreach(layers, i, layer) {
        const char *format =
            json_string_value(json_object_get(json_object_get(layer, "config"), "data_format"));
        if (format)
            return strcmp(format, "channels_first") == 0;
    }
    return false;
}

static bool copy_name(char *out, const char *name) {
    if (strlen(name) == 0 || strlen(name) >= LENS_NAME_SIZE)
        return false;
    for (const char *at = name; *at; at++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", *at))
            return false;
    strcpy(out, name);
    return true;
}

static bool is_name_taken(const lens_net_spec *spec, const char *name) {
    for (size_t i = 0; i < spec->layer_count; i++)
        if (strcmp(spec->layers[i].name, name) == 0)
            return true;
    return false;
}

/* Keras lets a dense or convolution layer end in a softmax; here that is a layer of its own. */
static void split_softmax(lens_net_spec *spec, reader *r, json_t *config) {
    if (!has(r, "activation", "softmax") || r->status != LENS_OK)
        return;
    lens_layer_spec *softmax = &spec->layers[spec->layer_count + 1];
    softmax->kind = LENS_LAYER_SOFTMAX;
    int used = snprintf(softmax->name, sizeof softmax->name, "%.50s_softmax", r->layer);
    (void)used; /* 58 characters at most */
    json_object_set_new(config, "activation", json_string("linear"));
}

static lens_status read_layer(lens_net_spec *spec, const json_t *entry, const char *path) {
    const char *class_name = json_string_value(json_object_get(entry, "class_name"));
    json_t *config = json_object_get(entry, "config");
    const char *name = json_string_value(json_object_get(config, "name"));
    if (!class_name || !name)
        return lens_fail(LENS_BAD_FILE, "%s: layer %zu has no class_name or name", path,
                         spec->layer_count);
    if (strcmp(class_name, "InputLayer") == 0)
        return LENS_OK;
    lens_layer_spec *layer = &spec->layers[spec->layer_count];
    if (!copy_name(layer->name, name) || is_name_taken(spec, name))
        return lens_fail(LENS_BAD_FILE,
                         "%s: layer name \"%s\" must be unique, of letters, digits, _ and -, at "
                         "most %d",
                         path, name, LENS_NAME_SIZE - 1);
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
        if (strcmp(classes[i].class_name, class_name) != 0)
            continue;
        reader r = {path, name, config, LENS_OK};
        layer->kind = classes[i].kind;
        bool is_weighted = layer->kind == LENS_LAYER_DENSE || layer->kind == LENS_LAYER_CONV2D;
        bool ends_in_softmax = is_weighted && has(&r, "activation", "softmax");
        if (ends_in_softmax)
            split_softmax(spec, &r, config);
        classes[i].read(&r, layer);
        spec->layer_count += 1 + ends_in_softmax;
        return r.status;
    }
    return lens_fail(LENS_UNSUPPORTED, "%s: layer %s is a %s, which Lenslet does not have", path,
                     name, class_name);
}

static lens_status read_layers(lens_net_spec *spec, const json_t *layers, const char *path) {
    size_t count = json_array_size(layers);
    if (count == 0 || count > MAX_LAYERS)
        return lens_fail(LENS_BAD_FILE, "%s: %zu layers; 1 to %d are read", path, count,
                         MAX_LAYERS);
    if (!read_input(&spec->input, input_shape_of(layers), is_channels_first(layers)))
        return lens_fail(LENS_BAD_FILE,
                         "%s: the first layer must give the input's shape, as batch_shape or "
                         "batch_input_shape",
                         path);
    spec->layers = calloc(2 * count, sizeof *spec->layers); /* each may end in a softmax */
    if (!spec->layers)
        return lens_fail_memory(path, 2 * count * sizeof *spec->layers);
    for (size_t i = 0; i < count; i++)
        LENS_TRY(read_layer(spec, json_array_get(layers, i), path));
    if (spec->layer_count == 0)
        return lens_fail(LENS_BAD_FILE, "%s: there is no layer behind the input", path);
    return LENS_OK;
}

static lens_status read_model(lens_net_spec *spec, const json_t *root, const char *path) {
    const char *class_name = json_string_value(json_object_get(root, "class_name"));
    const json_t *config = json_object_get(root, "config");
    if (!class_name || strcmp(class_name, "Sequential") != 0)
        return lens_fail(class_name ? LENS_UNSUPPORTED : LENS_BAD_FILE,
                         "%s: is a Keras %s; Sequential is read", path,
                         class_name ? class_name : "nothing");
    const char *name = json_string_value(json_object_get(config, "name"));
    if (!name || !copy_name(spec->name, name))
        strcpy(spec->name, "net");
    /* Keras before 2.2.3 wrote the list itself as the config. */
    return read_layers(spec, json_is_array(config) ? config : json_object_get(config, "layers"),
                       path);
}

lens_status lens_keras_parse(lens_net_spec **out, const char *text, const char *name) {
    assert(out && text && name);
    *out = NULL;
    json_error_t error;
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (!root)
        return lens_fail(LENS_BAD_FILE, "%s: is no JSON: line %d: %s", name, error.line,
                         error.text);
    lens_net_spec *spec = calloc(1, sizeof *spec);
    lens_status status = spec ? read_model(spec, root, name) : lens_fail_memory(name, sizeof *spec);
    json_decref(root);
    if (status != LENS_OK) {
        lens_net_spec_free(spec);
        return status;
    }
    *out = spec;
    return LENS_OK;
}

lens_status lens_keras_read(lens_net_spec **out, const char *path) {
    assert(out && path);
    *out = NULL;
    unsigned char *text;
    size_t size;
    LENS_TRY(lens_read_file(&text, &size, path, MAX_JSON_BYTES));
    lens_status status = strlen((char *)text) == size
                             ? lens_keras_parse(out, (char *)text, path)
                             : lens_fail(LENS_BAD_FILE, "%s: is no JSON: it holds a 0 byte", path);
    free(text);
    return status;
}
