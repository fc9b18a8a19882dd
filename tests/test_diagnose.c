/* test_diagnose.c: how layers fare on a batch, by hand; runs that collapse, diverge or are well. */
#include "toy.h"

#include <math.h>
#include <stdio.h>

/* ---- a tiny net whose weights the test chooses ------------------------------------------------
 */

/* 2 inputs, `hidden` units, 2 units, softmax. */
static lens_net_spec *tiny_spec(size_t hidden, lens_activation_kind activation) {
    lens_layer_spec layers[3] = {{.name = "first", .kind = LENS_LAYER_DENSE},
                                 {.name = "second", .kind = LENS_LAYER_DENSE},
                                 {.name = "softmax", .kind = LENS_LAYER_SOFTMAX}};
    layers[0].dense.units = hidden;
    layers[0].dense.opts.activation = lens_activation_of(activation);
    layers[1].dense.units = 2;
    lens_net_spec spec = {.name = "tiny",
                          .input = {1, 2, 1, 1},
                          .layer_count = 3,
                          .layers = layers},
                  *copy;
    assert_ok(lens_net_spec_copy(&copy, &spec));
    return copy;
}

static void set(lens_net *net, const char *name, const float *values) {
    for (size_t i = 0; i < lens_net_parameter_count(net); i++)
        if (strcmp(lens_net_parameter(net, i)->name, name) == 0) {
            assert_ok(lens_tensor_write(lens_net_parameter(net, i)->value, values));
            return;
        }
    fail_msg("no parameter %s", name);
}

/* A net of `hidden` units with these weights and biases of the first layer and weights of the
 * second, on the images (1, 0) and (0, 1), times `scale`, of the classes 0 and 1. */
static lens_diagnosis *diagnose_tiny(size_t hidden, lens_activation_kind activation,
                                     const float *w1, const float *b1, const float *w2,
                                     float scale) {
    lens_net_spec *spec = tiny_spec(hidden, activation);
    lens_net *net;
    lens_dataset *data;
    lens_diagnosis *d;
    assert_ok(lens_net_new(&net, test_device(), spec, NULL));
    assert_ok(lens_net_initialize(net, 0));
    set(net, "first.weight", w1);
    set(net, "first.bias", b1);
    set(net, "second.weight", w2);
    float *before = test_read(lens_net_state(net));
    assert_ok(lens_dataset_from_memory(&data, (lens_shape){2, 2, 1, 1}, (float[]){1, 0, 0, 1},
                                       (int32_t[]){0, 1}));
    assert_ok(
        lens_diagnose(&d, net, data, &(lens_preprocess){.scale = scale, .std = {1, 1, 1}}, 0));
    float *after = test_read(lens_net_state(net));
    assert_memory_equal(before, after, lens_tensor_count(lens_net_state(net)) * sizeof *before);
    free(before), free(after);
    lens_dataset_free(data);
    d->layers[0].name = "first"; /* the net that they were borrowed from goes */
    d->layers[1].name = "second";
    d->layers[2].name = "softmax";
    lens_net_free(net);
    lens_net_spec_free(spec);
    return d;
}

static void near(double got, double want) {
    if (!(fabs(got - want) <= 1e-6 * fabs(want)))
        fail_msg("%.9g, expected %.9g", got, want);
}

static const float no_bias[3] = {0};

/* Units (1, 3), (2, 2) and one that is dead. With zeros behind them p = 1/2 and the gradient of the
 * logits is (-1/4, 1/4) for the first image and the opposite for the second, so that of the second
 * layer's weights is -1/4 (1, 2, 0) + 1/4 (3, 2, 0) = (1/2, 0, 0), and its opposite. */
static void figures_by_hand(void **state) {
    (void)state;
    static const float w1[] = {1, 3, 2, 2, -1, -1}, w2[6] = {0};
    lens_diagnosis *d = diagnose_tiny(3, LENS_RELU, w1, no_bias, w2, 1);
    const lens_layer_health *first = &d->layers[0], *second = &d->layers[1];
    assert_int_equal(d->layer_count, 3);
    assert_int_equal(d->metrics.images, 2);
    near(d->metrics.loss, log(2));
    near(d->constant_loss, log(2));
    assert_string_equal(first->type, "dense");
    assert_int_equal(first->units, 3);
    assert_int_equal(first->dead, 1);
    near(first->output_rms, sqrt(3));        /* 1 2 0, 3 2 0 */
    near(first->spread, sqrt(2.0 / 6 / 3));  /* -1 0 0, 1 0 0 over sqrt 3 */
    near(first->weight_rms, sqrt(20.0 / 6)); /* biases do not count */
    assert_true(first->gradient_rms == 0 && first->trained && first->finite);
    assert_true(second->units == 0 && second->dead == 0 && second->trained);
    assert_true(second->output_rms == 0 && second->spread == 0 && second->weight_rms == 0);
    near(second->gradient_rms, sqrt(0.5 / 6));
    near(d->layers[2].output_rms, 0.5);
    assert_true(!d->layers[2].trained && d->layers[2].weight_rms == 0);
    assert_int_equal(d->trouble, LENS_TROUBLE_SAME_OUTPUTS);
    assert_int_equal(d->layer, 1);
    lens_diagnosis_free(d);
}

static void every_trouble_is_found(void **state) {
    (void)state;
    static const float unit[] = {1, 0, 0, 1}, wrong[] = {-3, 3, 3, -3}, right[] = {3, -3, -3, 3};
    static const float dead[] = {-1, -1, -1, -2}, same[] = {1, 1, 2, 2}, steep[] = {9, -9, -9, 9};
    static const struct {
        const char *name;
        lens_activation_kind activation;
        const float *w1, *w2;
        float infinite, scale; /* infinite: the bias of the first layer */
        lens_trouble trouble;
        size_t layer;
    } cases[] = {
        {"wrong answers, sound layers", LENS_RELU, unit, wrong, 0, 1, LENS_TROUBLE_NONE, 0},
        {"dead", LENS_RELU, dead, wrong, 0, 1, LENS_TROUBLE_DEAD_UNITS, 0},
        {"the same, not dead", LENS_TANH, same, wrong, 0, 1, LENS_TROUBLE_SAME_OUTPUTS, 0},
        {"a saturated sigmoid", LENS_SIGMOID, steep, wrong, 0, 20, LENS_TROUBLE_NO_GRADIENT, 0},
        {"the same, and right", LENS_SIGMOID, steep, right, 0, 20, LENS_TROUBLE_NONE, 0},
        {"infinite bias", LENS_RELU, unit, wrong, INFINITY, 1, LENS_TROUBLE_NOT_FINITE, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const float bias[2] = {cases[i].infinite, 0};
        lens_diagnosis *d =
            diagnose_tiny(2, cases[i].activation, cases[i].w1, bias, cases[i].w2, cases[i].scale);
        if (d->trouble != cases[i].trouble || d->layer != cases[i].layer)
            fail_msg("%s: %s in layer %zu, loss %g, gradient %g", cases[i].name,
                     lens_trouble_name(d->trouble), d->layer, d->metrics.loss,
                     d->layers[0].gradient_rms);
        lens_diagnosis_free(d);
    }
}

/* NaN in the second layer makes gradients of NaN in the first, which is not to blame. */
static void the_layer_to_blame_is_named(void **state) {
    (void)state;
    static const float unit[] = {1, 0, 0, 1}, nan_weight[] = {1, NAN, 0, 1};
    lens_diagnosis *d = diagnose_tiny(2, LENS_RELU, unit, no_bias, nan_weight, 1);
    assert_int_equal(d->trouble, LENS_TROUBLE_NOT_FINITE);
    assert_int_equal(d->layer, 1);
    assert_true(d->layers[0].finite && !d->layers[0].finite_gradient);
    lens_diagnosis_free(d);
}

/* ---- the loss of one answer for all -----------------------------------------------------------
 */

/* Labels 0, 1, 2, 2; with one output 0, 1, 1, 1. */
static void constant_losses(void **state) {
    (void)state;
    static const struct {
        lens_loss_kind loss;
        size_t outputs;
        double want;
    } cases[] = {{LENS_SPARSE_CROSS_ENTROPY, 3, 1.5 * M_LN2}, /* 1/4, 1/4, 1/2 */
                 {LENS_CROSS_ENTROPY, 3, 1.5 * M_LN2},
                 {LENS_MEAN_SQUARED_ERROR, 3, (0.1875 + 0.1875 + 0.25) / 3},
                 {LENS_BINARY_CROSS_ENTROPY, 3, (2 * 0.5623351446188083 + M_LN2) / 3},
                 {LENS_BINARY_CROSS_ENTROPY, 1, 0.5623351446188083}, /* 1/4, 3/4 */
                 {LENS_MEAN_SQUARED_ERROR, 1, 0.1875}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        lens_dataset *data;
        int32_t most = cases[i].outputs == 1 ? 1 : 2;
        assert_ok(lens_dataset_from_memory(&data, (lens_shape){4, 2, 1, 1}, (float[8]){0},
                                           (int32_t[]){0, 1, most, most}));
        lens_layer_spec layer = {.name = "dense", .kind = LENS_LAYER_DENSE};
        layer.dense.units = cases[i].outputs;
        layer.dense.opts.activation = lens_activation_of(LENS_SIGMOID);
        lens_net_spec spec = {
            .name = "one", .input = {1, 2, 1, 1}, .layer_count = 1, .layers = &layer};
        lens_net_opts opts = lens_net_defaults();
        opts.loss = cases[i].loss;
        lens_net *net;
        lens_diagnosis *d;
        assert_ok(lens_net_new(&net, test_device(), &spec, &opts));
        assert_ok(lens_net_initialize(net, 0));
        assert_ok(lens_diagnose(&d, net, data, &(lens_preprocess){.scale = 1}, 3));
        near(d->constant_loss, cases[i].want);
        assert_int_equal(d->metrics.images, 3);
        lens_diagnosis_free(d);
        lens_net_free(net);
        lens_dataset_free(data);
    }
}

/* ---- runs -------------------------------------------------------------------------------------
 */

typedef struct record {
    size_t epochs, calls, collapsed_progress, collapsed_epochs;
    size_t stop_at;      /* this progress call; 0: never */
    lens_collapse first; /* as reported */
    char layer[LENS_NAME_SIZE];
} record;

static void note(record *r, const lens_collapse *collapse, size_t *count) {
    if (!collapse)
        return;
    if (r->collapsed_progress + r->collapsed_epochs == 0) {
        r->first = *collapse;
        snprintf(r->layer, sizeof r->layer, "%s", collapse->layer ? collapse->layer : "-");
    }
    ++*count;
}

static bool on_progress(const lens_progress *progress, void *user) {
    record *r = user;
    note(r, progress->collapse, &r->collapsed_progress);
    return ++r->calls != r->stop_at;
}

static bool on_epoch(const lens_epoch_report *report, void *user) {
    record *r = user;
    r->epochs++;
    note(r, report->collapse, &r->collapsed_epochs);
    return true;
}

/* Two relu layers. */
static lens_net_spec *relu_net(void) {
    lens_net_spec *toy = toy_net(4), *copy;
    lens_layer_spec layers[6];
    lens_net_spec spec = *toy;
    memcpy(layers, toy->layers, 3 * sizeof layers[0]);
    memcpy(layers + 4, toy->layers + 3, 2 * sizeof layers[0]);
    layers[0].conv2d.opts.activation = lens_activation_of(LENS_RELU);
    layers[3] = layers[4];
    strcpy(layers[3].name, "hidden");
    layers[3].dense.units = 8;
    layers[3].dense.opts.activation = lens_activation_of(LENS_RELU);
    spec.layers = layers;
    spec.layer_count = 6;
    assert_ok(lens_net_spec_copy(&copy, &spec));
    lens_net_spec_free(toy);
    return copy;
}

static lens_trainer *relu_trainer(const lens_recipe *recipe, uint64_t seed,
                                  const lens_dataset *train) {
    lens_net_spec *spec = relu_net();
    lens_trainer *trainer;
    assert_ok(lens_trainer_new(&trainer, test_device(), spec, recipe, seed, train, NULL));
    lens_net_spec_free(spec);
    return trainer;
}

/* 400 images are 25 steps an epoch. */
static record run_relu_net(const lens_recipe *recipe, uint64_t seed) {
    lens_dataset *train = toy_data(400, 4, 1);
    lens_trainer *trainer = relu_trainer(recipe, seed, train);
    record r = {0};
    lens_train_callbacks callbacks = {on_progress, on_epoch, 0, &r};
    assert_ok(lens_trainer_run(trainer, &callbacks));
    lens_trainer_free(trainer);
    lens_dataset_free(train);
    return r;
}

static void a_healthy_run_is_not_reported(void **state) {
    (void)state;
    lens_recipe recipe = toy_recipe(LENS_ADAM);
    recipe.epochs = 12;
    record r = run_relu_net(&recipe, 3);
    assert_int_equal(r.epochs, 12);
    assert_int_equal(r.collapsed_progress + r.collapsed_epochs, 0);
}

/* The first steps of a huge rate kill every relu; what the biases behind them do is one answer for
 * all. It is found after the fourth epoch. */
static void dead_units_are_reported(void **state) {
    (void)state;
    lens_recipe recipe = toy_recipe(LENS_ADAM);
    recipe.epochs = 6;
    recipe.optimizer.rate = 30;
    record r = run_relu_net(&recipe, 3);
    print_message("step %d after %d: %s in %s, loss %g\n", (int)r.first.step, (int)r.first.steps,
                  lens_trouble_name(r.first.trouble), r.layer, r.first.loss);
    assert_int_equal(r.collapsed_epochs, 3);
    assert_int_equal(r.collapsed_progress, 51); /* from the 100th step on */
    assert_int_equal(r.first.step, 100);
    assert_int_equal(r.first.steps, 100);
    assert_true(r.first.loss >= 0.98 * log(4));
    assert_int_equal(r.first.trouble, LENS_TROUBLE_DEAD_UNITS);
    assert_string_equal(r.layer, "conv");
}

/* Stopped in the midst of an epoch a run is watched from there on: looks at 75, 100, ... 175. */
static void a_run_that_goes_on_is_watched_anew(void **state) {
    (void)state;
    lens_dataset *train = toy_data(400, 4, 1);
    lens_recipe recipe = toy_recipe(LENS_ADAM);
    recipe.epochs = 8;
    recipe.optimizer.rate = 30;
    lens_trainer *trainer = relu_trainer(&recipe, 3, train);
    record r = {.stop_at = 60};
    lens_train_callbacks callbacks = {on_progress, on_epoch, 0, &r};
    assert_fails(lens_trainer_run(trainer, &callbacks), LENS_INTERRUPTED, "train stopped");
    assert_int_equal(lens_trainer_step(trainer), 60);
    assert_ok(lens_trainer_run(trainer, &callbacks));
    assert_int_equal(r.first.step, 175);
    assert_int_equal(r.first.steps, 115);
    assert_true(r.first.loss >= 0.98 * log(4) && r.first.loss < 100);
    assert_int_equal(r.first.trouble, LENS_TROUBLE_DEAD_UNITS);
    lens_trainer_free(trainer);
    lens_dataset_free(train);
}

/* Too small a rate: no layer is to blame. Steps of the warm-up do not count. */
static void standing_still_is_reported(void **state) {
    (void)state;
    lens_recipe recipe = toy_recipe(LENS_SGD);
    recipe.epochs = 41;
    recipe.optimizer.rate = 1e-12f;
    record r = run_relu_net(&recipe, 5);
    assert_int_equal(r.first.step, 1000);
    assert_int_equal(r.first.trouble, LENS_TROUBLE_NONE);
    assert_null(r.first.layer);
    assert_int_equal(r.collapsed_epochs, 2);
    strcpy(recipe.class_weights, "0.5,0.5,0.5,0.5"); /* half the loss, of one answer too */
    r = run_relu_net(&recipe, 5);
    assert_int_equal(r.first.step, 1000);
    recipe.schedule.warmup = 500;
    r = run_relu_net(&recipe, 5);
    assert_int_equal(r.collapsed_progress + r.collapsed_epochs, 0);
}

/* The run ends, and a file that is there already stays. */
static void a_loss_of_nan_ends_the_run(void **state) {
    (void)state;
    lens_dataset *train = toy_data(400, 4, 1);
    lens_recipe recipe = toy_recipe(LENS_SGD);
    recipe.optimizer.rate = 1e6f;
    recipe.optimizer.l2 = 1e6f;
    lens_trainer *trainer = relu_trainer(&recipe, 3, train);
    record r = {0};
    lens_train_callbacks callbacks = {on_progress, on_epoch, 0, &r};
    assert_fails(
        lens_trainer_run(trainer, &callbacks), LENS_DIVERGED,
        "the loss is no finite number at step 25 (the look before was at step 0); the first layer "
        "with such numbers is conv; worth a try: ");
    assert_int_equal(r.epochs, 0);
    const char *path = test_temp_path("diverged.safetensors");
    test_write_file(path, "before", 6);
    assert_fails(lens_trainer_save(trainer, path), LENS_DIVERGED,
                 "diverged.safetensors is not written: conv.weight has values");
    size_t size;
    char *bytes = test_read_file(path, &size);
    assert_string_equal(bytes, "before");
    free(bytes);
    lens_trainer_free(trainer);
    lens_dataset_free(train);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_by_hand),
        cmocka_unit_test(every_trouble_is_found),
        cmocka_unit_test(the_layer_to_blame_is_named),
        cmocka_unit_test(constant_losses),
        cmocka_unit_test(a_healthy_run_is_not_reported),
        cmocka_unit_test(dead_units_are_reported),
        cmocka_unit_test(a_run_that_goes_on_is_watched_anew),
        cmocka_unit_test(standing_still_is_reported),
        cmocka_unit_test(a_loss_of_nan_ends_the_run),
    };
    return cmocka_run_group_tests(tests, NULL, test_close);
}
