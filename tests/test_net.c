/* test_net.c: whole networks: gradients against central differences, device against reference, what
 * the options promise.
 *
 * Tolerances. Gradients: the reference rounds every layer to float32, so a difference quotient with
 * a step of 1/64 carries an error of a few 1e-5; smooth activations keep its own error small.
 * Device against reference: a few roundings in each of at most ten layers. */
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- small networks ---------------------------------------------------------------------------
 */

/* A spec of layers in a static array. */
static lens_net_spec spec_of(const char *name, lens_shape input, lens_layer_spec *layers,
                             size_t count) {
    lens_net_spec spec = {.input = input, .layer_count = count, .layers = layers};
    snprintf(spec.name, sizeof spec.name, "%s", name);
    return spec;
}

static lens_layer_spec conv(const char *name, size_t filters, size_t kernel,
                            lens_activation_kind activation) {
    lens_layer_spec layer = {.kind = LENS_LAYER_CONV2D};
    snprintf(layer.name, sizeof layer.name, "%s", name);
    layer.conv2d.filters = filters;
    layer.conv2d.kernel_h = layer.conv2d.kernel_w = kernel;
    layer.conv2d.opts = lens_conv2d_defaults();
    layer.conv2d.opts.activation = lens_activation_of(activation);
    return layer;
}

static lens_layer_spec dense(const char *name, size_t units, lens_activation_kind activation) {
    lens_layer_spec layer = {.kind = LENS_LAYER_DENSE};
    snprintf(layer.name, sizeof layer.name, "%s", name);
    layer.dense.units = units;
    layer.dense.opts.activation = lens_activation_of(activation);
    return layer;
}

static lens_layer_spec plain(const char *name, lens_layer_kind kind) {
    lens_layer_spec layer = {.kind = kind};
    snprintf(layer.name, sizeof layer.name, "%s", name);
    return layer;
}

static lens_layer_spec pool(const char *name, lens_pool2d_kind kind, bool same) {
    lens_layer_spec layer = plain(name, LENS_LAYER_POOL2D);
    layer.pool2d.opts = lens_pool2d_defaults(kind, 2);
    layer.pool2d.same_padding = same;
    return layer;
}

/* Every kind of layer, in an order that flattens in the middle of things and pads by reflection. */
static lens_net_spec every_kind(lens_layer_spec layers[12]) {
    size_t n = 0;
    layers[n] = plain("resize", LENS_LAYER_RESIZE2D);
    layers[n].resize2d.h = 7, layers[n++].resize2d.w = 6;
    layers[n] = plain("pad", LENS_LAYER_PAD2D);
    layers[n++].pad2d = (lens_padding){1, 0, 2, 1, LENS_PAD_REFLECT, 0};
    layers[n] = conv("conv", 4, 3, LENS_TANH);
    layers[n].conv2d.same_padding = true;
    layers[n].conv2d.opts.groups = 2;
    layers[n++].conv2d.opts.stride_h = 2;
    layers[n++] = pool("pool", LENS_POOL_AVERAGE, true);
    layers[n] = conv("conv-no-bias", 3, 2, LENS_LINEAR);
    layers[n++].conv2d.no_bias = true;
    layers[n] = plain("softplus", LENS_LAYER_ACTIVATION);
    layers[n++].activation = lens_activation_of(LENS_SOFTPLUS);
    layers[n++] = plain("flat", LENS_LAYER_FLATTEN);
    layers[n++] = dense("hidden", 5, LENS_SIGMOID);
    layers[n++] = dense("logits", 3, LENS_LINEAR);
    layers[n++] = plain("softmax", LENS_LAYER_SOFTMAX);
    return spec_of("every-kind", (lens_shape){1, 2, 5, 4}, layers, n);
}

static lens_layer_spec dropout(const char *name, float rate) {
    lens_layer_spec layer = plain(name, LENS_LAYER_DROPOUT);
    layer.dropout = rate;
    return layer;
}

static lens_layer_spec batchnorm(const char *name) {
    lens_layer_spec layer = plain(name, LENS_LAYER_BATCHNORM);
    layer.batchnorm = lens_batchnorm_defaults();
    layer.batchnorm.epsilon = 0.1f; /* three images may differ little */
    layer.batchnorm.momentum = 0.75f;
    return layer;
}

/* What normalises and what drops, before and behind a dense layer. */
static lens_net_spec normalised(lens_layer_spec layers[12]) {
    size_t n = 0;
    layers[n++] = conv("conv", 5, 3, LENS_TANH);
    layers[n] = plain("lrn", LENS_LAYER_LRN);
    layers[n++].lrn = (lens_lrn_opts){LENS_LRN_ACROSS, 3, 0.5f, 0.75f, 1, false};
    layers[n++] = batchnorm("maps");
    layers[n++] = dropout("drop-maps", 0.25f);
    layers[n++] = dense("hidden", 7, LENS_SIGMOID);
    layers[n++] = dropout("drop-units", 0.4f);
    layers[n++] = batchnorm("units");
    layers[n++] = dense("logits", 3, LENS_LINEAR);
    layers[n++] = plain("softmax", LENS_LAYER_SOFTMAX);
    return spec_of("normalised", (lens_shape){1, 2, 5, 6}, layers, n);
}

static lens_layer_spec subsample(const char *name) {
    lens_layer_spec layer = plain(name, LENS_LAYER_SUBSAMPLE);
    layer.subsample.opts = lens_subsample_defaults();
    layer.subsample.opts.activation = lens_activation_of(LENS_SCALED_TANH);
    layer.subsample.initializer.kind = LENS_LECUN1998_UNIFORM;
    return layer;
}

/* LeNet-5 of 1998 in small: 3 channels of 7 x 6, of which each of 4 filters reads some. */
static lens_net_spec small_1998(lens_layer_spec layers[12], bool with_table, bool trained_codes) {
    static const uint32_t table[] = {1 | 2, 2 | 4, 1 | 4, 1 | 2 | 4};
    size_t n = 0;
    layers[n] = conv("conv", 4, 3, LENS_SCALED_TANH);
    if (with_table)
        memcpy(layers[n].conv2d.connections, table, sizeof table);
    layers[n++].conv2d.initializer.kind = LENS_LECUN1998_UNIFORM;
    layers[n++] = subsample("subsample");
    layers[n++] = dense("hidden", 84, LENS_SCALED_TANH);
    layers[n] = plain("codes", LENS_LAYER_RBF);
    layers[n++].rbf.trained = trained_codes;
    return spec_of("small-1998", (lens_shape){1, 3, 7, 6}, layers, n);
}

static lens_net_spec binary(lens_layer_spec layers[12], bool separate) {
    size_t n = 0;
    layers[n++] = conv("conv", 3, 2, LENS_SCALED_TANH);
    layers[n++] = pool("pool", LENS_POOL_AVERAGE, false); /* no ties to step over */
    layers[n++] = plain("flat", LENS_LAYER_FLATTEN);
    layers[n++] = dense("out", 2, separate ? LENS_LINEAR : LENS_SIGMOID);
    if (separate) {
        layers[n] = plain("sigmoid", LENS_LAYER_ACTIVATION);
        layers[n++].activation = lens_activation_of(LENS_SIGMOID);
    }
    return spec_of("binary", (lens_shape){1, 1, 5, 5}, layers, n);
}

/* ---- a step on fixed data ---------------------------------------------------------------------
 */

typedef struct fixture {
    lens_net *net;
    lens_tensor *total;
    size_t input_count, parameter_count;
    float *input, *parameters;
} fixture;

/* Classes for a sparse target, ones and zeros or probabilities otherwise. */
static void write_target(lens_net *net, lens_loss_kind loss, uint64_t seed) {
    lens_tensor *target = lens_net_target(net);
    size_t count = lens_tensor_count(target);
    size_t classes = lens_tensor_shape(lens_net_output(net)).c;
    float *values = test_reals(count, seed);
    for (size_t i = 0; i < count; i++)
        switch (loss) {
        case LENS_SPARSE_CROSS_ENTROPY:
        case LENS_MAP:
            values[i] = (float)(test_random(seed, i) % classes);
            break;
        case LENS_CROSS_ENTROPY:
            values[i] = i % classes ? 0.25f / (float)(classes - 1) : 0.75f;
            break;
        case LENS_BINARY_CROSS_ENTROPY:
            values[i] = (float)(test_random(seed, i) % 2);
            break;
        case LENS_MEAN_SQUARED_ERROR:
            break;
        }
    assert_ok(lens_tensor_write(target, values));
    free(values);
}

static fixture fixture_new(lens_context *context, const lens_net_spec *spec, lens_net_opts opts,
                           uint64_t seed) {
    fixture f = {0};
    assert_ok(lens_net_new(&f.net, context, spec, &opts));
    assert_ok(lens_net_initialize(f.net, seed));
    f.input_count = lens_tensor_count(lens_net_input(f.net));
    f.parameter_count = lens_tensor_count(lens_net_parameters(f.net));
    f.input = test_reals(f.input_count, seed + 1);
    f.parameters = test_read(lens_net_parameters(f.net));
    /* biases of 0 would hide a bias that is left out */
    float *shift = test_reals(f.parameter_count, seed + 2);
    for (size_t i = 0; i < f.parameter_count; i++)
        f.parameters[i] += 0.1f * shift[i];
    free(shift);
    assert_ok(lens_tensor_write(lens_net_parameters(f.net), f.parameters));
    assert_ok(lens_tensor_write(lens_net_input(f.net), f.input));
    write_target(f.net, opts.loss, seed + 3);
    f.total = test_tensor(context, (lens_shape){1, 2, 1, 1}, NULL);
    return f;
}

static void fixture_free(fixture *f) {
    lens_net_free(f->net);
    lens_tensor_free(f->total);
    free(f->input);
    free(f->parameters);
}

enum { SEED = 7 }; /* of dropout */

static void step(fixture *f) {
    bool training = lens_net_get_opts(f->net).training;
    assert_ok(training ? lens_net_forward_training(f->net, SEED, 0) : lens_net_forward(f->net));
    assert_ok(lens_net_loss(f->net, f->total, false));
    if (training)
        assert_ok(lens_net_backward(f->net));
}

/* The mean loss for the fixture's values as they are now. */
static double mean_loss(void *user) {
    fixture *f = user;
    float total[2];
    assert_ok(lens_tensor_write(lens_net_parameters(f->net), f->parameters));
    assert_ok(lens_tensor_write(lens_net_input(f->net), f->input));
    assert_ok(lens_net_forward_training(f->net, SEED, 0));
    assert_ok(lens_net_loss(f->net, f->total, false));
    assert_ok(lens_tensor_read(f->total, total));
    return (double)total[0] / (double)lens_tensor_shape(lens_net_input(f->net)).n;
}

/* ---- gradients --------------------------------------------------------------------------------
 */

static void check_gradients_within(const char *what, const lens_net_spec *spec, lens_loss_kind loss,
                                   double relative, double absolute) {
    lens_net_opts opts = lens_net_defaults();
    opts.batch = 3;
    opts.training = opts.input_gradient = true;
    opts.loss = loss;
    fixture f = fixture_new(test_reference(), spec, opts, 40);
    step(&f);
    float *weights = test_read(lens_net_gradients(f.net));
    float *input = test_read(lens_net_input_gradient(f.net));
    char name[96];
    snprintf(name, sizeof name, "%s, %s: parameters", what, lens_loss_name(loss));
    test_gradient(name, weights, f.parameters, f.parameter_count, 1.0 / 64, relative, absolute,
                  mean_loss, &f);
    snprintf(name, sizeof name, "%s, %s: input", what, lens_loss_name(loss));
    test_gradient(name, input, f.input, f.input_count, 1.0 / 64, relative, absolute, mean_loss, &f);
    free(weights);
    free(input);
    fixture_free(&f);
}

static void check_gradients(const char *what, const lens_net_spec *spec, lens_loss_kind loss) {
    check_gradients_within(what, spec, loss, 2e-3, 2e-4);
}

static void gradients_equal_central_differences(void **state) {
    (void)state;
    lens_layer_spec layers[12];
    lens_net_spec spec = every_kind(layers);
    check_gradients("every kind", &spec, LENS_SPARSE_CROSS_ENTROPY);
    check_gradients("every kind", &spec, LENS_CROSS_ENTROPY);
    check_gradients("every kind", &spec, LENS_MEAN_SQUARED_ERROR);
    check_gradients("every kind", &spec, LENS_BINARY_CROSS_ENTROPY);
    spec.layer_count--; /* ends in the logits, which are no probabilities: the squares only */
    check_gradients("no softmax", &spec, LENS_MEAN_SQUARED_ERROR);
    spec = binary(layers, false);
    check_gradients("sigmoid in the dense layer", &spec, LENS_BINARY_CROSS_ENTROPY);
    check_gradients("sigmoid in the dense layer", &spec, LENS_MEAN_SQUARED_ERROR);
    spec = binary(layers, true);
    check_gradients("sigmoid as a layer", &spec, LENS_BINARY_CROSS_ENTROPY);
    spec = normalised(layers);
    check_gradients("normalised", &spec, LENS_SPARSE_CROSS_ENTROPY);
}

/* The losses are a few hundred, so a difference quotient errs by 2^-16 / (2/64) = 5e-4. */
static void gradients_of_penalties_equal_central_differences(void **state) {
    (void)state;
    lens_layer_spec layers[12];
    lens_net_spec spec = small_1998(layers, false, true);
    check_gradients_within("small 1998, trained codes", &spec, LENS_MAP, 2e-3, 3e-3);
    spec = small_1998(layers, false, false);
    check_gradients_within("small 1998", &spec, LENS_MAP, 2e-3, 3e-3);
}

/* ---- training and inference -------------------------------------------------------------------
 */

static lens_net *new_normalised(lens_layer_spec layers[12], size_t batch) {
    lens_net_spec spec = normalised(layers);
    lens_net_opts opts = lens_net_defaults();
    opts.batch = batch;
    opts.training = opts.keep_layers = true;
    lens_net *net;
    assert_ok(lens_net_new(&net, test_device(), &spec, &opts));
    assert_ok(lens_net_initialize(net, 3));
    float *input = test_reals(lens_tensor_count(lens_net_input(net)), 4);
    assert_ok(lens_tensor_write(lens_net_input(net), input));
    free(input);
    return net;
}

static float *output_of(lens_net *net, bool training, uint64_t seed, uint64_t at) {
    assert_ok(training ? lens_net_forward_training(net, seed, at) : lens_net_forward(net));
    return test_read(lens_net_output(net));
}

/* Dropout is drawn by (seed, step), and not at all in inference. */
static void what_is_dropped_follows_seed_and_step(void **state) {
    (void)state;
    lens_layer_spec layers[12];
    lens_net *net = new_normalised(layers, 4);
    size_t count = lens_tensor_count(lens_net_output(net));
    float *first = output_of(net, true, 1, 5), *same = output_of(net, true, 1, 5);
    float *step = output_of(net, true, 1, 6), *seed = output_of(net, true, 2, 5);
    assert_memory_equal(first, same, count * sizeof *first);
    assert_memory_not_equal(first, step, count * sizeof *first);
    assert_memory_not_equal(first, seed, count * sizeof *first);
    free(first), free(same), free(step), free(seed);

    assert_ok(lens_net_forward(net));
    float *x = test_read(lens_net_layer_output(net, 4)); /* hidden */
    float *y = test_read(lens_net_layer_output(net, 5)); /* drop-units */
    assert_memory_equal(x, y, lens_tensor_count(lens_net_layer_output(net, 4)) * sizeof *x);
    free(x), free(y);
    lens_net_free(net);
}

/* A step moves the running statistics a quarter of the way (momentum 0.75) to the batch's;
 * inference leaves them, and makes of an image the same whatever stands beside it. */
static void inference_uses_the_running_statistics(void **state) {
    (void)state;
    lens_layer_spec layers[12];
    lens_net *net = new_normalised(layers, 4);
    size_t trained = lens_tensor_count(lens_net_parameters(net));
    size_t all = lens_tensor_count(lens_net_state(net));
    assert_int_equal(all - trained, 2 * (5 + 7));
    free(output_of(net, true, 1, 1));
    float *after = test_read(lens_net_state(net));
    float *maps = test_read(lens_net_layer_output(net, 1)); /* lrn: what "maps" normalises */
    for (size_t c = 0; c < 5; c++) {
        double sum = 0, squares = 0, m = 4 * 12;
        for (size_t i = 0; i < 4 * 12; i++) {
            double value = maps[(i / 12 * 5 + c) * 12 + i % 12];
            sum += value, squares += value * value;
        }
        double mean = sum / m, variance = squares / m - mean * mean;
        assert_true(fabs(after[trained + c] - 0.25 * mean) < 1e-6);
        assert_true(fabs(after[trained + 5 + c] - (0.75 + 0.25 * variance)) < 1e-6);
    }
    free(maps);

    float *outputs = output_of(net, false, 0, 0), *still = test_read(lens_net_state(net));
    assert_memory_equal(still, after, all * sizeof *after);
    float *input = test_read(lens_net_input(net)), one[2 * 5 * 6];
    memcpy(one, input + sizeof one / sizeof *one, sizeof one);
    assert_ok(lens_net_set_batch(net, 1));
    assert_ok(lens_tensor_write(lens_net_input(net), one));
    float *alone = output_of(net, false, 0, 0);
    test_compare("the second image alone", alone, outputs + 3, 3, 1e-6, 1e-7);
    free(outputs), free(still), free(input), free(alone), free(after);
    lens_net_free(net);
}

/* A convolution with a table is one without whose other weights are 0, and the gradients where it
 * is connected are the same; elsewhere they are 0. */
static void unconnected_weights_are_zeros_without_gradient(void **state) {
    (void)state;
    lens_layer_spec layers[2][12];
    lens_net_spec specs[2] = {small_1998(layers[0], true, false),
                              small_1998(layers[1], false, false)};
    lens_net_opts opts = lens_net_defaults();
    opts.batch = 3;
    opts.training = true;
    opts.loss = LENS_MAP;
    lens_net *nets[2];
    float *weights = NULL, *gradients[2];
    for (size_t i = 0; i < 2; i++) {
        assert_ok(lens_net_new(&nets[i], test_device(), &specs[i], &opts));
        assert_ok(lens_net_initialize(nets[i], 3));
        if (i == 0)
            weights = test_read(lens_net_state(nets[0]));
        assert_ok(lens_tensor_write(lens_net_state(nets[i]), weights));
        float *input = test_reals(lens_tensor_count(lens_net_input(nets[i])), 4);
        assert_ok(lens_tensor_write(lens_net_input(nets[i]), input));
        free(input);
        write_target(nets[i], LENS_MAP, 5);
        assert_ok(lens_net_forward_training(nets[i], SEED, 0));
        assert_ok(lens_net_backward(nets[i]));
        gradients[i] = test_read(lens_net_gradients(nets[i]));
    }
    size_t zeros = 0;
    for (size_t i = 0; i < lens_tensor_count(lens_net_gradients(nets[0])); i++) {
        bool connected = i >= 4 * 3 * 9 || layers[0][0].conv2d.connections[i / 27] >> i / 9 % 3 & 1;
        assert_true(gradients[0][i] == (connected ? gradients[1][i] : 0));
        if (!connected)
            assert_true(weights[i] == 0 && gradients[1][i] != 0);
        zeros += !connected;
    }
    assert_int_equal(zeros, 3 * 9);
    for (size_t i = 0; i < 2; i++) {
        free(gradients[i]);
        lens_net_free(nets[i]);
    }
    free(weights);
}

/* Whatever the optimizer does, what is not connected stays 0, and the codes stay. */
static void no_optimizer_connects_or_recodes(void **state) {
    (void)state;
    lens_layer_spec layers[12];
    lens_net_spec spec = small_1998(layers, true, false);
    lens_net_opts opts = lens_net_defaults();
    opts.training = true;
    opts.loss = LENS_MAP;
    for (int kind = LENS_SGD; kind <= LENS_ADAMW; kind++) {
        lens_net *net;
        assert_ok(lens_net_new(&net, test_device(), &spec, &opts));
        assert_ok(lens_net_initialize(net, 3));
        lens_shape all = lens_tensor_shape(lens_net_parameters(net));
        size_t trained = all.c, count = lens_tensor_count(lens_net_state(net));
        lens_tensor *slots[2] = {test_tensor(test_device(), all, NULL),
                                 test_tensor(test_device(), all, NULL)};
        lens_optimizer_opts optimizer = lens_optimizer_defaults(kind);
        optimizer.l2 = optimizer.weight_decay = 0.1f;
        for (size_t i = 0; i < 2; i++)
            assert_ok(lens_tensor_fill(slots[i], 0));
        float *before = test_read(lens_net_state(net));
        assert_ok(lens_tensor_fill(lens_net_input(net), 0.5f));
        assert_ok(lens_tensor_fill(lens_net_target(net), 4));
        for (uint64_t t = 1; t <= 3; t++) {
            assert_ok(lens_net_forward_training(net, SEED, t));
            assert_ok(lens_net_backward(net));
            assert_ok(lens_optimizer_step(lens_net_parameters(net), lens_net_gradients(net), slots,
                                          NULL, t, &optimizer));
        }
        float *after = test_read(lens_net_state(net));
        for (size_t i = 0; i < count; i++) {
            bool conv_weight = i < 4 * 3 * 9;
            if (i >= trained)
                assert_true(after[i] == before[i] && fabsf(after[i]) == 1);
            else if (conv_weight && !(layers[0].conv2d.connections[i / 27] >> i / 9 % 3 & 1))
                assert_true(after[i] == 0);
            else if (conv_weight)
                assert_true(after[i] != before[i]);
        }
        free(before), free(after);
        lens_tensor_free(slots[0]), lens_tensor_free(slots[1]);
        lens_net_free(net);
    }
}

/* With logits this large the probabilities are 0 and 1 in float32, and a loss taken from them would
 * have been clipped to a gradient of 0. */
static void loss_is_taken_from_the_logits(void **state) {
    (void)state;
    static const struct {
        lens_layer_kind last;
        lens_loss_kind loss;
        float target[2];
    } cases[] = {{LENS_LAYER_SOFTMAX, LENS_SPARSE_CROSS_ENTROPY, {1, 0}},
                 {LENS_LAYER_SOFTMAX, LENS_CROSS_ENTROPY, {0, 1}},
                 {LENS_LAYER_ACTIVATION, LENS_BINARY_CROSS_ENTROPY, {0, 1}},
                 {LENS_LAYER_DENSE, LENS_BINARY_CROSS_ENTROPY, {0, 1}}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool fused = cases[i].last == LENS_LAYER_DENSE;
        lens_layer_spec layers[2] = {dense("d", 2, fused ? LENS_SIGMOID : LENS_LINEAR),
                                     plain("last", cases[i].last)};
        layers[1].activation = lens_activation_of(LENS_SIGMOID);
        lens_net_spec spec = spec_of("logits", (lens_shape){1, 2, 1, 1}, layers, fused ? 1 : 2);
        lens_net_opts opts = lens_net_defaults();
        opts.training = true;
        opts.loss = cases[i].loss;
        lens_net *net;
        assert_ok(lens_net_new(&net, test_device(), &spec, &opts));
        assert_ok(lens_tensor_write(lens_net_parameters(net), (float[]){1, 0, 0, 1, 0, 0}));
        assert_ok(lens_tensor_write(lens_net_input(net), (float[]){100, -100}));
        assert_ok(lens_tensor_write(lens_net_target(net), cases[i].target));
        lens_tensor *total = test_tensor(test_device(), (lens_shape){1, 2, 1, 1}, NULL);
        float got[2], gradients[6];
        assert_ok(lens_net_forward_training(net, 0, 0));
        assert_ok(lens_net_loss(net, total, false));
        assert_ok(lens_net_backward(net));
        assert_ok(lens_tensor_read(total, got));
        assert_ok(lens_tensor_read(lens_net_gradients(net), gradients));
        bool is_binary = cases[i].loss == LENS_BINARY_CROSS_ENTROPY;
        /* cross-entropy: log(1 + e^200); binary: the mean of 100 and 100 */
        assert_true(fabsf(got[0] - (is_binary ? 100 : 200)) < 1e-3f);
        assert_true(got[1] == 0);
        /* the bias gradients: p - t, for the mean over two elements half of it */
        test_compare("bias gradient", gradients + 4,
                     is_binary ? (float[]){0.5f, -0.5f} : (float[]){1, -1}, 2, 0, 1e-6);
        float out[2];
        assert_ok(lens_tensor_read(lens_net_output(net), out));
        test_compare("output", out, (float[]){1, 0}, 2, 0, 1e-6);
        lens_tensor_free(total);
        lens_net_free(net);
    }
}

/* ---- device against reference -----------------------------------------------------------------
 */

/* Sums of thousands of terms cancel: a value is as exact as the largest of its tensor allows. */
static void compare_scaled(const char *what, const float *got, const float *want, size_t count,
                           double relative) {
    double largest = 0;
    for (size_t i = 0; i < count; i++)
        largest = fmax(largest, fabs((double)want[i]));
    test_compare(what, got, want, count, relative, relative * largest);
}

static void compare_nets(const char *model, lens_loss_kind loss) {
    lens_net_spec *spec;
    assert_ok(lens_model_spec(&spec, model));
    lens_net_opts opts = lens_net_defaults();
    opts.batch = 3;
    opts.training = opts.input_gradient = opts.keep_layers = true;
    opts.loss = loss;
    fixture want = fixture_new(test_reference(), spec, opts, 70);
    fixture got = fixture_new(test_device(), spec, opts, 70);
    step(&want);
    step(&got);
    char what[96];
    for (size_t i = 0; i < spec->layer_count; i++) {
        float *a = test_read(lens_net_layer_output(want.net, i));
        float *b = test_read(lens_net_layer_output(got.net, i));
        snprintf(what, sizeof what, "%s: %s", model, spec->layers[i].name);
        compare_scaled(what, b, a, lens_tensor_count(lens_net_layer_output(want.net, i)), 2e-5);
        free(a);
        free(b);
    }
    for (size_t i = 0; i < lens_net_parameter_count(want.net); i++) {
        const lens_parameter *p = lens_net_parameter(want.net, i);
        if (!p->gradient)
            continue;
        float *a = test_read(p->gradient);
        float *b = test_read(lens_net_parameter(got.net, i)->gradient);
        snprintf(what, sizeof what, "%s: gradient of %s", model, p->name);
        compare_scaled(what, b, a, lens_tensor_count(p->gradient), 1e-4);
        free(a);
        free(b);
    }
    float *a = test_read(lens_net_input_gradient(want.net));
    float *b = test_read(lens_net_input_gradient(got.net));
    snprintf(what, sizeof what, "%s: gradient of the input", model);
    compare_scaled(what, b, a, want.input_count, 1e-4);
    free(a);
    free(b);
    fixture_free(&want);
    fixture_free(&got);
    lens_net_spec_free(spec);
}

/* The reference takes seconds for an image of the larger networks: `lenslet check` compares those,
 * and test_golden three of them with PyTorch. */
#define MACS_MAX 20000000

static void device_equals_reference_on_every_small_model(void **state) {
    (void)state;
    size_t compared = 0;
    for (size_t i = 0; i < lens_model_count(); i++) {
        lens_net_spec *spec;
        lens_net_summary *summary;
        assert_ok(lens_model_spec(&spec, lens_model_name(i)));
        assert_ok(lens_net_summary_new(&summary, spec, NULL, 1, 0));
        if (summary->macs < MACS_MAX) {
            compare_nets(lens_model_name(i), LENS_SPARSE_CROSS_ENTROPY);
            compared++;
        }
        lens_net_summary_free(summary);
        lens_net_spec_free(spec);
    }
    assert_int_equal(compared, 10);
    compare_nets("lenet5", LENS_MEAN_SQUARED_ERROR);
    compare_nets("lenet5-1998", LENS_MAP);
}

/* ---- options ----------------------------------------------------------------------------------
 */

static void two_runs_give_the_same_bits(void **state) {
    (void)state;
    lens_net_spec *spec;
    assert_ok(lens_model_spec(&spec, "lenet5-relu"));
    lens_net_opts opts = lens_net_defaults();
    opts.batch = 37;
    opts.training = true;
    float *first = NULL;
    for (size_t run = 0; run < 3; run++) {
        fixture f = fixture_new(test_device(), spec, opts, 8);
        step(&f);
        float *gradients = test_read(lens_net_gradients(f.net));
        if (first)
            assert_memory_equal(gradients, first, f.parameter_count * sizeof(float));
        else
            first = gradients;
        if (first != gradients)
            free(gradients);
        fixture_free(&f);
    }
    free(first);
    lens_net_spec_free(spec);
}

/* Memory shared by keeping little must not change a bit of what is computed. */
static void sharing_memory_changes_nothing(void **state) {
    (void)state;
    lens_layer_spec layers[12];
    lens_net_spec spec = every_kind(layers);
    float *parameters[4], *outputs[4];
    size_t memory[4], count = 0, output_count = 0;
    for (size_t i = 0; i < 4; i++) {
        lens_net_opts opts = lens_net_defaults();
        opts.batch = 4;
        opts.training = i < 3;
        opts.keep_layers = i == 0;
        opts.input_gradient = i < 2;
        size_t before = lens_context_memory(test_device(), NULL);
        fixture f = fixture_new(test_device(), &spec, opts, 21);
        memory[i] = lens_context_memory(test_device(), NULL) - before;
        step(&f);
        step(&f); /* the input is still there */
        count = f.parameter_count;
        output_count = lens_tensor_count(lens_net_output(f.net));
        parameters[i] = opts.training ? test_read(lens_net_gradients(f.net)) : NULL;
        outputs[i] = test_read(lens_net_output(f.net));
        assert_true((lens_net_layer_output(f.net, 3) != NULL) == opts.keep_layers);
        assert_true((lens_net_input_gradient(f.net) != NULL) == opts.input_gradient);
        assert_true((lens_net_gradients(f.net) != NULL) == opts.training);
        fixture_free(&f);
    }
    for (size_t i = 1; i < 4; i++) {
        assert_true(memory[i] < memory[i - 1]);
        assert_memory_equal(outputs[i], outputs[0], output_count * sizeof(float));
        if (parameters[i])
            assert_memory_equal(parameters[i], parameters[0], count * sizeof(float));
    }
    for (size_t i = 0; i < 4; i++) {
        free(parameters[i]);
        free(outputs[i]);
    }
}

static void layers_that_are_kept_are_each_its_own(void **state) {
    (void)state;
    lens_layer_spec layers[12];
    lens_net_spec spec = every_kind(layers);
    lens_net_opts opts = lens_net_defaults();
    opts.keep_layers = true;
    fixture f = fixture_new(test_device(), &spec, opts, 5);
    step(&f);
    /* A net that ends with layer i computes what layer i of the whole net kept. */
    for (size_t i = 0; i < spec.layer_count; i++) {
        lens_net_spec part = spec;
        part.layer_count = i + 1;
        lens_net *net;
        opts.loss = LENS_MEAN_SQUARED_ERROR;
        assert_ok(lens_net_new(&net, test_device(), &part, &opts));
        for (size_t p = 0; p < lens_net_parameter_count(net); p++)
            assert_ok(lens_tensor_copy(lens_net_parameter(net, p)->value,
                                       lens_net_parameter(f.net, p)->value));
        assert_ok(lens_tensor_write(lens_net_input(net), f.input));
        assert_ok(lens_net_forward(net));
        float *want = test_read(lens_net_output(net));
        float *got = test_read(lens_net_layer_output(f.net, i));
        assert_true(lens_shape_equal(lens_tensor_shape(lens_net_output(net)),
                                     lens_tensor_shape(lens_net_layer_output(f.net, i))));
        test_compare(spec.layers[i].name, got, want, lens_tensor_count(lens_net_output(net)), 0, 0);
        free(want);
        free(got);
        lens_net_free(net);
    }
    fixture_free(&f);
}

/* The first n images give what they give alone, in a net made for more. */
static void a_smaller_batch(void **state) {
    (void)state;
    lens_net_spec *spec;
    assert_ok(lens_model_spec(&spec, "lenet5"));
    lens_net_opts opts = lens_net_defaults();
    opts.training = true;
    for (size_t n = 1; n <= 3; n += 2) {
        opts.batch = n;
        fixture alone = fixture_new(test_device(), spec, opts, 33);
        opts.batch = 8;
        fixture large = fixture_new(test_device(), spec, opts, 33);
        assert_ok(lens_net_set_batch(large.net, 8));
        assert_ok(lens_net_set_batch(large.net, n));
        assert_true(lens_shape_equal(lens_tensor_shape(lens_net_input(large.net)),
                                     lens_tensor_shape(lens_net_input(alone.net))));
        assert_ok(lens_tensor_write(lens_net_input(large.net), alone.input));
        write_target(large.net, opts.loss, 36);
        step(&alone);
        step(&large);
        float *want = test_read(lens_net_gradients(alone.net));
        float *got = test_read(lens_net_gradients(large.net));
        test_compare("gradients of a part of the batch", got, want, alone.parameter_count, 1e-4,
                     1e-6);
        free(want);
        free(got);
        fixture_free(&alone);
        fixture_free(&large);
    }
    lens_net_spec_free(spec);
}

static void loss_accumulates(void **state) {
    (void)state;
    lens_net_spec *spec;
    assert_ok(lens_model_spec(&spec, "lenet5"));
    lens_net_opts opts = lens_net_defaults();
    opts.batch = 4;
    fixture f = fixture_new(test_device(), spec, opts, 1);
    float once[2], twice[2];
    assert_ok(lens_net_forward(f.net));
    assert_ok(lens_net_loss(f.net, f.total, false));
    assert_ok(lens_tensor_read(f.total, once));
    assert_ok(lens_net_loss(f.net, f.total, true));
    assert_ok(lens_tensor_read(f.total, twice));
    assert_true(once[0] > 0);
    test_compare("total", twice, (float[]){2 * once[0], 2 * once[1]}, 2, 1e-6, 0);
    fixture_free(&f);
    lens_net_spec_free(spec);
}

/* ---- misuse -----------------------------------------------------------------------------------
 */

static void calls_out_of_order_are_named(void **state) {
    (void)state;
    lens_net_spec *spec;
    assert_ok(lens_model_spec(&spec, "lenet5"));
    lens_net_opts opts = lens_net_defaults();
    opts.batch = 2;
    fixture f = fixture_new(test_reference(), spec, opts, 1);
    assert_fails(lens_net_loss(f.net, f.total, false), LENS_BAD_ARGUMENT, "lens_net_forward");
    assert_fails(lens_net_backward(f.net), LENS_BAD_ARGUMENT, "made for training");
    assert_fails(lens_net_forward_training(f.net, 0, 0), LENS_BAD_ARGUMENT, "made for training");
    assert_fails(lens_net_set_batch(f.net, 0), LENS_BAD_ARGUMENT, "1 to 2");
    assert_fails(lens_net_set_batch(f.net, 3), LENS_BAD_ARGUMENT, "3 images");
    fixture_free(&f);
    opts.training = true;
    f = fixture_new(test_reference(), spec, opts, 1);
    assert_fails(lens_net_backward(f.net), LENS_BAD_ARGUMENT, "forward");
    step(&f);
    assert_fails(lens_net_backward(f.net), LENS_BAD_ARGUMENT, "of its own");
    assert_ok(lens_net_forward(f.net));
    assert_fails(lens_net_backward(f.net), LENS_BAD_ARGUMENT, "forward_training");
    assert_ok(lens_net_set_batch(f.net, 1));
    assert_fails(lens_net_loss(f.net, f.total, false), LENS_BAD_ARGUMENT, "lens_net_forward");
    fixture_free(&f);
    opts.batch = 0;
    lens_net *net;
    assert_fails(lens_net_new(&net, test_reference(), spec, &opts), LENS_BAD_ARGUMENT,
                 "batch of 0");
    opts.batch = (size_t)1 << 40;
    assert_fails(lens_net_new(&net, test_reference(), spec, &opts), LENS_BAD_SHAPE, "2^31");
    lens_net_free(NULL);
    lens_net_spec_free(spec);
}

/* A net without a single parameter is a net too. */
static void a_net_without_parameters(void **state) {
    (void)state;
    lens_layer_spec layers[] = {pool("pool", LENS_POOL_MIN, false),
                                plain("flat", LENS_LAYER_FLATTEN),
                                plain("softmax", LENS_LAYER_SOFTMAX)};
    lens_net_spec spec = spec_of("bare", (lens_shape){1, 1, 4, 2}, layers, 3);
    for (int input_gradient = 0; input_gradient < 2; input_gradient++) {
        lens_net_opts opts = lens_net_defaults();
        opts.training = true;
        opts.input_gradient = input_gradient;
        lens_net *net;
        assert_ok(lens_net_new(&net, test_device(), &spec, &opts));
        assert_int_equal(lens_net_parameter_count(net), 0);
        assert_null(lens_net_parameters(net));
        assert_ok(lens_net_initialize(net, 0));
        assert_ok(lens_tensor_write(lens_net_input(net), (float[]){5, 1, 2, 3, 9, 8, 1, 7}));
        assert_ok(lens_tensor_write(lens_net_target(net), (float[]){0}));
        assert_ok(lens_net_forward_training(net, 0, 0));
        assert_ok(lens_net_backward(net));
        float out[2];
        assert_ok(lens_tensor_read(lens_net_output(net), out));
        test_compare("output", out, (float[]){0.5f, 0.5f}, 2, 1e-6, 0);
        if (input_gradient) {
            float dx[8];
            assert_ok(lens_tensor_read(lens_net_input_gradient(net), dx));
            test_compare("dx", dx, (float[]){0, -0.5f, 0, 0, 0, 0, 0.5f, 0}, 8, 1e-6, 0);
        }
        lens_net_free(net);
    }
}

static void parameters_have_names_and_share_one_buffer(void **state) {
    (void)state;
    lens_layer_spec layers[12];
    lens_net_spec spec = every_kind(layers);
    lens_net *net;
    assert_ok(lens_net_new(&net, test_reference(), &spec, NULL));
    static const struct {
        const char *name;
        lens_shape shape;
        size_t offset; /* weights first */
    } expected[] = {{"conv.weight", {4, 1, 3, 3}, 0},          {"conv.bias", {1, 4, 1, 1}, 189},
                    {"conv-no-bias.weight", {3, 4, 2, 2}, 36}, {"hidden.weight", {5, 18, 1, 1}, 84},
                    {"hidden.bias", {1, 5, 1, 1}, 193},        {"logits.weight", {3, 5, 1, 1}, 174},
                    {"logits.bias", {1, 3, 1, 1}, 198}};
    size_t count = sizeof expected / sizeof expected[0], elements = 0;
    assert_int_equal(lens_net_parameter_count(net), count);
    float *all = test_reals(lens_tensor_count(lens_net_parameters(net)), 4);
    assert_ok(lens_tensor_write(lens_net_parameters(net), all));
    for (size_t i = 0; i < count; i++) {
        const lens_parameter *p = lens_net_parameter(net, i);
        assert_string_equal(p->name, expected[i].name);
        assert_true(lens_shape_equal(p->shape, expected[i].shape));
        assert_null(p->gradient);
        float *values = test_read(p->value);
        size_t n = lens_tensor_count(p->value);
        assert_memory_equal(values, all + expected[i].offset, n * sizeof(float));
        assert_int_equal(p->offset, expected[i].offset);
        assert_int_equal(p->decays, strstr(p->name, ".weight") != NULL);
        elements += n;
        free(values);
    }
    assert_int_equal(elements, lens_tensor_count(lens_net_parameters(net)));
    assert_ptr_equal(lens_net_context(net), test_reference());
    assert_string_equal(lens_net_get_spec(net)->name, "every-kind");
    assert_int_equal(lens_net_get_opts(net).batch, 1);
    free(all);
    lens_net_free(net);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_equal_central_differences),
        cmocka_unit_test(gradients_of_penalties_equal_central_differences),
        cmocka_unit_test(what_is_dropped_follows_seed_and_step),
        cmocka_unit_test(inference_uses_the_running_statistics),
        cmocka_unit_test(unconnected_weights_are_zeros_without_gradient),
        cmocka_unit_test(no_optimizer_connects_or_recodes),
        cmocka_unit_test(loss_is_taken_from_the_logits),
        cmocka_unit_test(device_equals_reference_on_every_small_model),
        cmocka_unit_test(two_runs_give_the_same_bits),
        cmocka_unit_test(sharing_memory_changes_nothing),
        cmocka_unit_test(layers_that_are_kept_are_each_its_own),
        cmocka_unit_test(a_smaller_batch),
        cmocka_unit_test(loss_accumulates),
        cmocka_unit_test(calls_out_of_order_are_named),
        cmocka_unit_test(a_net_without_parameters),
        cmocka_unit_test(parameters_have_names_and_share_one_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, test_close);
}
