/* models.c: the zoo. Each network is one function that reads like its paper's table of layers.
 *
 * Sizes, parameter counts and multiply-adds of all of them are pinned in tests/test_models.c.
 */
#include "core/error.h"
#include "core/size.h"
#include "lenslet/net.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- building ------------------------------------------------------------------------------- */

#define LAYERS_MAX 32

typedef struct builder {
    lens_shape input;
    size_t count;
    lens_layer_spec layers[LAYERS_MAX];
} builder;

/* The next layer, named after its kind and how many of it there are: "conv2d_2". */
static lens_layer_spec *add(builder *net, lens_layer_kind kind) {
    assert(net->count < LAYERS_MAX);
    size_t number = 1;
    for (size_t i = 0; i < net->count; i++)
        number += net->layers[i].kind == kind;
    lens_layer_spec *layer = &net->layers[net->count++];
    memset(layer, 0, sizeof *layer);
    layer->kind = kind;
    snprintf(layer->name, sizeof layer->name, "%s_%zu", lens_layer_kind_name(kind), number);
    return layer;
}

static void input(builder *net, size_t c, size_t h, size_t w) {
    net->input = (lens_shape){1, c, h, w};
}

/* Square kernel, stride 1, no padding. */
static lens_layer_spec *conv(builder *net, size_t filters, size_t kernel,
                             lens_activation_kind activation) {
    lens_layer_spec *layer = add(net, LENS_LAYER_CONV2D);
    layer->conv2d.filters = filters;
    layer->conv2d.kernel_h = layer->conv2d.kernel_w = kernel;
    layer->conv2d.opts = lens_conv2d_defaults();
    layer->conv2d.opts.activation = lens_activation_of(activation);
    return layer;
}

static lens_layer_spec *conv_same(builder *net, size_t filters, size_t kernel,
                                  lens_activation_kind activation) {
    lens_layer_spec *layer = conv(net, filters, kernel, activation);
    layer->conv2d.same_padding = true;
    return layer;
}

static void conv_strided(builder *net, size_t filters, size_t kernel, size_t stride) {
    lens_layer_spec *layer = conv(net, filters, kernel, LENS_RELU);
    layer->conv2d.opts.stride_h = layer->conv2d.opts.stride_w = stride;
}

/* Square window, which is also the stride. */
static void pool(builder *net, lens_pool2d_kind kind, size_t window) {
    add(net, LENS_LAYER_POOL2D)->pool2d.opts = lens_pool2d_defaults(kind, window);
}

/* Window 2 x 2, the paper's squashing and starting coefficients. */
static void subsample(builder *net) {
    lens_layer_spec *layer = add(net, LENS_LAYER_SUBSAMPLE);
    layer->subsample.opts = lens_subsample_defaults();
    layer->subsample.opts.activation = lens_activation_of(LENS_SCALED_TANH);
    layer->subsample.initializer.kind = LENS_LECUN1998_UNIFORM;
}

/* AlexNet's: max of 3 x 3 every 2 pixels. */
static lens_layer_spec *pool_overlapping(builder *net) {
    lens_layer_spec *layer = add(net, LENS_LAYER_POOL2D);
    layer->pool2d.opts = lens_pool2d_defaults(LENS_POOL_MAX, 3);
    layer->pool2d.opts.stride_h = layer->pool2d.opts.stride_w = 2;
    return layer;
}

static void lrn(builder *net) {
    add(net, LENS_LAYER_LRN)->lrn = lens_lrn_defaults();
}

/* The running statistics follow the last tens of steps (Keras's 0.99: hundreds), as small data sets
 * need it. */
static void batchnorm(builder *net) {
    lens_layer_spec *layer = add(net, LENS_LAYER_BATCHNORM);
    layer->batchnorm = lens_batchnorm_defaults();
    layer->batchnorm.momentum = 0.9f;
}

static void dropout(builder *net, float rate) {
    add(net, LENS_LAYER_DROPOUT)->dropout = rate;
}

static void flatten(builder *net) {
    add(net, LENS_LAYER_FLATTEN);
}

static lens_layer_spec *dense(builder *net, size_t units, lens_activation_kind activation) {
    lens_layer_spec *layer = add(net, LENS_LAYER_DENSE);
    layer->dense.units = units;
    layer->dense.opts = lens_dense_defaults();
    layer->dense.opts.activation = lens_activation_of(activation);
    return layer;
}

static void softmax(builder *net) {
    add(net, LENS_LAYER_SOFTMAX);
}

/* ---- LeNet-5 -------------------------------------------------------------------------------- */

/* What the LeNets share behind their first convolution. */
static void lenet5_rest(builder *net, lens_pool2d_kind kind, lens_activation_kind f) {
    pool(net, kind, 2);
    conv(net, 16, 5, f);
    pool(net, kind, 2);
    flatten(net);
    dense(net, 120, f);
    dense(net, 84, f);
    dense(net, 10, LENS_LINEAR);
    softmax(net);
}

static void lenet5(builder *net) {
    input(net, 1, 32, 32);
    conv(net, 6, 5, LENS_TANH);
    lenet5_rest(net, LENS_POOL_AVERAGE, LENS_TANH);
}

static void lenet5_same(builder *net) {
    input(net, 1, 32, 32);
    conv_same(net, 6, 5, LENS_TANH);
    lenet5_rest(net, LENS_POOL_AVERAGE, LENS_TANH);
}

static void lenet5_max(builder *net) {
    input(net, 1, 32, 32);
    conv(net, 6, 5, LENS_TANH);
    lenet5_rest(net, LENS_POOL_MAX, LENS_TANH);
}

static void lenet5_relu(builder *net) {
    input(net, 1, 28, 28);
    conv(net, 6, 5, LENS_RELU);
    lenet5_rest(net, LENS_POOL_MAX, LENS_RELU);
}

static void lenet5_sigmoid(builder *net) {
    input(net, 1, 32, 32);
    conv(net, 6, 5, LENS_SIGMOID);
    lenet5_rest(net, LENS_POOL_MAX, LENS_SIGMOID);
}

static void lenet5_cifar10(builder *net) {
    input(net, 3, 32, 32);
    conv(net, 6, 5, LENS_TANH);
    lenet5_rest(net, LENS_POOL_AVERAGE, LENS_TANH);
}

/* ---- LeNet-5 of 1998 -------------------------------------------------------------------------
 * LeCun, Bottou, Bengio, Haffner: "Gradient-Based Learning Applied to Document Recognition",
 * section II.B. Every unit up to F6 passes through 1.7159 tanh(2x/3). */

/* Table I: the maps of S2 that each map of C3 reads; bit 0 is the first map. */
static const uint32_t c3_connections[16] = {
    7,  14, 28, 56, 49, 35, /* three in a row, around the end */
    15, 30, 60, 57, 51, 39, /* four in a row */
    27, 54, 45,             /* two and two */
    63                      /* all */
};

static lens_layer_spec *conv_1998(builder *net, size_t filters) {
    lens_layer_spec *layer = conv(net, filters, 5, LENS_SCALED_TANH);
    layer->conv2d.initializer.kind = LENS_LECUN1998_UNIFORM;
    return layer;
}

static void lenet5_1998(builder *net) {
    input(net, 1, 32, 32);
    conv_1998(net, 6); /* C1 */
    subsample(net);    /* S2 */
    memcpy(conv_1998(net, 16)->conv2d.connections, c3_connections, sizeof c3_connections);
    subsample(net);                                                                    /* S4 */
    conv_1998(net, 120);                                                               /* C5 */
    dense(net, 84, LENS_SCALED_TANH)->dense.initializer.kind = LENS_LECUN1998_UNIFORM; /* F6 */
    add(net, LENS_LAYER_RBF);
}

/* ---- deeper ones for 28 x 28 ---------------------------------------------------------------- */

static void digits_cnn(builder *net) {
    input(net, 1, 28, 28);
    conv_same(net, 32, 3, LENS_RELU);
    pool(net, LENS_POOL_MAX, 2);
    conv_same(net, 64, 3, LENS_RELU);
    pool(net, LENS_POOL_MAX, 2);
    flatten(net);
    dense(net, 120, LENS_TANH);
    dense(net, 60, LENS_TANH);
    dense(net, 10, LENS_LINEAR);
    softmax(net);
}

static void alexnet_mini(builder *net) {
    input(net, 1, 28, 28);
    conv(net, 32, 3, LENS_RELU);
    pool(net, LENS_POOL_MAX, 2);
    conv(net, 64, 3, LENS_RELU);
    pool(net, LENS_POOL_MAX, 2);
    conv(net, 128, 3, LENS_RELU);
    flatten(net);
    dense(net, 128, LENS_RELU);
    dense(net, 10, LENS_LINEAR);
    softmax(net);
}

/* ---- AlexNet: Krizhevsky, Sutskever and Hinton 2012 -------------------------------------------
 */

/* Its head: two hidden layers with dropout, then the classes. */
static void alexnet_head(builder *net, size_t units, size_t classes) {
    flatten(net);
    dense(net, units, LENS_RELU);
    dropout(net, 0.5f);
    dense(net, units, LENS_RELU);
    dropout(net, 0.5f);
    dense(net, classes, LENS_LINEAR);
    softmax(net);
}

/* As it is drawn today: the paper's two halves, each on a GPU of its own, are one. */
static void alexnet(builder *net) {
    input(net, 3, 227, 227);
    conv_strided(net, 96, 11, 4);
    lrn(net);
    pool_overlapping(net);
    conv_same(net, 256, 5, LENS_RELU);
    lrn(net);
    pool_overlapping(net);
    conv_same(net, 384, 3, LENS_RELU);
    conv_same(net, 384, 3, LENS_RELU);
    conv_same(net, 256, 3, LENS_RELU);
    pool_overlapping(net);
    alexnet_head(net, 4096, 1000);
}

/* The paper's: convolutions 2, 4 and 5 see only their half's channels; section 5 gives the starting
 * values. */
static void alexnet_2012(builder *net) {
    alexnet(net);
    size_t convolutions = 0;
    for (size_t i = 0; i < net->count; i++) {
        lens_layer_spec *layer = &net->layers[i];
        if (layer->kind == LENS_LAYER_CONV2D) {
            convolutions++;
            bool halved = convolutions == 2 || convolutions >= 4;
            layer->conv2d.opts.groups = halved ? 2 : 1;
            layer->conv2d.initial_bias = halved;
            layer->conv2d.initializer = (lens_initializer){LENS_RANDOM_NORMAL, 0.01f};
        } else if (layer->kind == LENS_LAYER_DENSE) {
            layer->dense.initial_bias = layer->dense.units != 1000;
            layer->dense.initializer = (lens_initializer){LENS_RANDOM_NORMAL, 0.01f};
        }
    }
}

static void alexnet_valid(builder *net) {
    input(net, 3, 224, 224);
    conv_strided(net, 96, 11, 4);
    pool_overlapping(net);
    conv(net, 256, 5, LENS_RELU);
    pool_overlapping(net);
    conv(net, 384, 3, LENS_RELU);
    conv(net, 384, 3, LENS_RELU);
    conv(net, 256, 3, LENS_RELU);
    pool_overlapping(net);
    alexnet_head(net, 4096, 1000);
}

static void alexnet_bn(builder *net) {
    input(net, 3, 224, 224);
    conv_strided(net, 96, 11, 4);
    pool_overlapping(net);
    batchnorm(net);
    conv_same(net, 256, 5, LENS_RELU);
    pool_overlapping(net);
    batchnorm(net);
    conv(net, 384, 3, LENS_RELU);
    batchnorm(net);
    conv(net, 384, 3, LENS_RELU);
    batchnorm(net);
    conv(net, 256, 3, LENS_RELU);
    pool_overlapping(net);
    batchnorm(net);
    flatten(net);
    for (int i = 0; i < 2; i++) {
        dense(net, 4096, LENS_RELU);
        dropout(net, 0.4f);
        batchnorm(net);
    }
    dense(net, 1, LENS_SIGMOID);
}

static void alexnet_mnist(builder *net) {
    input(net, 1, 28, 28);
    lens_layer_spec *resize = add(net, LENS_LAYER_RESIZE2D);
    resize->resize2d.h = resize->resize2d.w = 64;
    conv_strided(net, 48, 11, 4);
    pool_overlapping(net);
    conv_same(net, 128, 5, LENS_RELU);
    pool_overlapping(net);
    conv_same(net, 192, 3, LENS_RELU);
    conv_same(net, 192, 3, LENS_RELU);
    conv_same(net, 128, 3, LENS_RELU);
    pool_overlapping(net)->pool2d.same_padding = true;
    alexnet_head(net, 1024, 10);
}

static void alexnet_cifar10(builder *net) {
    input(net, 3, 32, 32);
    conv_strided(net, 96, 11, 1);
    pool_overlapping(net);
    conv_same(net, 256, 5, LENS_RELU);
    pool_overlapping(net);
    conv_same(net, 384, 3, LENS_RELU);
    conv_same(net, 384, 3, LENS_RELU);
    conv_same(net, 256, 3, LENS_RELU);
    pool_overlapping(net);
    alexnet_head(net, 4096, 10);
}

static void binary_cnn(builder *net) {
    input(net, 3, 224, 224);
    conv(net, 32, 3, LENS_RELU);
    pool(net, LENS_POOL_MAX, 2);
    conv(net, 64, 3, LENS_RELU);
    pool(net, LENS_POOL_MAX, 2);
    flatten(net);
    dense(net, 120, LENS_RELU);
    dense(net, 60, LENS_RELU);
    dense(net, 1, LENS_SIGMOID);
}

/* ---- the list ------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    void (*build)(builder *net);
    const char *text;
} models[] = {
    {"lenet5", lenet5, "LeNet-5 with tanh and average pooling, 1x32x32; after LeCun et al. 1998"},
    {"lenet5-same", lenet5_same, "lenet5 whose first convolution keeps the size, 1x32x32"},
    {"lenet5-max", lenet5_max, "lenet5 with max pooling, 1x32x32"},
    {"lenet5-relu", lenet5_relu, "LeNet-5 with ReLU and max pooling, 1x28x28"},
    {"lenet5-sigmoid", lenet5_sigmoid, "LeNet-5 with sigmoid and max pooling, 1x32x32"},
    {"lenet5-cifar10", lenet5_cifar10, "lenet5 on colour pictures, 3x32x32"},
    {"lenet5-1998", lenet5_1998,
     "LeNet-5 as LeCun et al. 1998 have it, with its RBF outputs, 1x32x32"},
    {"digits-cnn", digits_cnn, "two same convolutions of 32 and 64 filters for digits, 1x28x28"},
    {"alexnet-mini", alexnet_mini, "three 3x3 convolutions in the manner of AlexNet, 1x28x28"},
    {"alexnet-mnist", alexnet_mnist,
     "a small AlexNet for digits, which it enlarges to 64x64, 1x28x28"},
    {"alexnet-cifar10", alexnet_cifar10, "AlexNet for small pictures, 3x32x32"},
    {"binary-cnn", binary_cnn,
     "two convolutions and one sigmoid: one class or the other, 3x224x224"},
    {"alexnet-bn", alexnet_bn, "AlexNet with batch normalisation and one sigmoid, 3x224x224"},
    {"alexnet-valid", alexnet_valid, "AlexNet without padding or normalisation, 3x224x224"},
    {"alexnet", alexnet,
     "AlexNet in one piece, with LRN and dropout, 3x227x227; after Krizhevsky et al. 2012"},
    {"alexnet-2012", alexnet_2012, "AlexNet as in the paper, in two groups, 3x227x227"},
};

#define MODEL_COUNT (sizeof models / sizeof models[0])

size_t lens_model_count(void) {
    return MODEL_COUNT;
}

const char *lens_model_name(size_t index) {
    assert(index < MODEL_COUNT);
    return models[index].name;
}

const char *lens_model_text(size_t index) {
    assert(index < MODEL_COUNT);
    return models[index].text;
}

/* ---- unknown names -------------------------------------------------------------------------- */

#define NEAREST_COUNT 3

/* Insertions, deletions and replacements that make `a` of `b`: Levenshtein's distance, on their
 * first LENS_NAME_SIZE characters. */
static size_t edit_distance(const char *a, const char *b) {
    size_t a_length = strnlen(a, LENS_NAME_SIZE), b_length = strnlen(b, LENS_NAME_SIZE);
    size_t row[LENS_NAME_SIZE + 1];
    for (size_t j = 0; j <= b_length; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            row[j] = lens_size_min(replaced, lens_size_min(row[j], row[j - 1]) + 1);
        }
    }
    return row[b_length];
}

static lens_status fail_unknown(const char *name) {
    size_t nearest[NEAREST_COUNT], distance[NEAREST_COUNT], count = 0;
    for (size_t i = 0; i < MODEL_COUNT; i++) {
        size_t d = edit_distance(name, models[i].name), at = count;
        while (at > 0 && d < distance[at - 1])
            at--;
        if (at == NEAREST_COUNT)
            continue;
        if (count < NEAREST_COUNT)
            count++;
        for (size_t j = count - 1; j > at; j--)
            nearest[j] = nearest[j - 1], distance[j] = distance[j - 1];
        nearest[at] = i, distance[at] = d;
    }
    return lens_fail(LENS_BAD_ARGUMENT, "there is no model \"%.64s\"; the nearest are %s, %s, %s",
                     name, models[nearest[0]].name, models[nearest[1]].name,
                     models[nearest[2]].name);
}

lens_status lens_model_spec(lens_net_spec **out, const char *name) {
    assert(out && name);
    *out = NULL;
    for (size_t i = 0; i < MODEL_COUNT; i++)
        if (strcmp(models[i].name, name) == 0) {
            builder net = {0};
            models[i].build(&net);
            lens_net_spec spec = {
                .input = net.input, .layer_count = net.count, .layers = net.layers};
            snprintf(spec.name, sizeof spec.name, "%s", name);
            return lens_net_spec_copy(out, &spec);
        }
    return fail_unknown(name);
}
