/* test_trainer.c: the training loop: it learns, it repeats to the bit, it stops when told to, it
 * reports what happened. */
#include "toy.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- a run, recorded --------------------------------------------------------------------------
 */

typedef struct record {
    size_t progress_calls, epoch_calls, validation_calls;
    size_t stop_at_progress, stop_at_epoch, stop_at_validation; /* 0: never */
    lens_epoch_report reports[16];
    size_t last_image;
} record;

static bool on_progress(const lens_progress *progress, void *user) {
    record *r = user;
    r->progress_calls++;
    assert_true(progress->image > 0 && progress->image <= progress->images);
    assert_true(progress->epoch >= 1 && progress->epoch <= progress->epochs);
    assert_true(progress->so_far.images == progress->image && progress->so_far.accuracy <= 1);
    r->last_image = progress->image;
    if (strcmp(progress->phase, "validation") == 0)
        return ++r->validation_calls != r->stop_at_validation;
    assert_string_equal(progress->phase, "train");
    return r->progress_calls != r->stop_at_progress;
}

static bool on_epoch(const lens_epoch_report *report, void *user) {
    record *r = user;
    assert_int_equal(report->epoch, r->epoch_calls + 1);
    assert_true(report->epoch <= sizeof r->reports / sizeof r->reports[0]);
    r->reports[r->epoch_calls++] = *report;
    return r->epoch_calls != r->stop_at_epoch;
}

static lens_train_callbacks callbacks_of(record *r) {
    return (lens_train_callbacks){.progress = on_progress, .epoch = on_epoch, .user = r};
}

static lens_trainer *new_trainer(const lens_recipe *recipe, uint64_t seed,
                                 const lens_dataset *train, const lens_dataset *test) {
    lens_net_spec *spec = toy_net_normalised(4);
    lens_trainer *trainer;
    assert_ok(lens_trainer_new(&trainer, test_device(), spec, recipe, seed, train, test));
    lens_net_spec_free(spec);
    return trainer;
}

static float *weights_of(const lens_trainer *trainer) {
    return test_read(lens_net_state(lens_trainer_net(trainer)));
}

static void assert_equal_weights(const float *a, const float *b, const lens_trainer *trainer) {
    size_t count = lens_tensor_count(lens_net_state(lens_trainer_net(trainer)));
    assert_memory_equal(a, b, count * sizeof *a);
}

/* ---- learning ---------------------------------------------------------------------------------
 */

static void every_optimizer_learns(void **state) {
    (void)state;
    lens_dataset *train = toy_data(400, 4, 1), *test = toy_data(150, 4, 2);
    for (lens_optimizer_kind kind = LENS_SGD; kind <= LENS_ADAMW; kind++) {
        lens_recipe recipe = toy_recipe(kind);
        recipe.epochs = 8;
        if (kind == LENS_SGD)
            recipe.optimizer.rate = 0.5f;
        record r = {0};
        lens_train_callbacks callbacks = callbacks_of(&r);
        callbacks.progress = NULL;
        lens_trainer *trainer = new_trainer(&recipe, 3, train, test);
        assert_ok(lens_trainer_run(trainer, &callbacks));
        const lens_epoch_report *first = &r.reports[0], *last = &r.reports[7];
        print_message("%s: loss %.4f to %.4f, accuracy %.3f to %.3f\n", lens_optimizer_name(kind),
                      first->train.loss, last->train.loss, first->validation.accuracy,
                      last->validation.accuracy);
        assert_int_equal(r.epoch_calls, 8);
        assert_true(last->train.loss < 0.5 * first->train.loss);
        assert_true(last->validation.accuracy > 0.9);
        assert_int_equal(last->train.images, 400);
        assert_int_equal(last->validation.images, 150);
        assert_true(last->seconds > 0 && last->images_per_second > 0);
        assert_true(last->waited_seconds >= 0);
        assert_int_equal(lens_trainer_step(trainer), 8 * 25);
        /* what was reported is what lens_evaluate() says */
        lens_metrics metrics;
        assert_ok(lens_evaluate(&metrics, lens_trainer_net(trainer), test,
                                &(lens_preprocess){.scale = 1}, NULL, NULL, NULL));
        assert_true(metrics.accuracy == last->validation.accuracy);
        assert_true(metrics.loss == last->validation.loss);
        lens_trainer_free(trainer);
    }
    lens_dataset_free(train);
    lens_dataset_free(test);
}

static void clipping_keeps_a_step_small(void **state) {
    (void)state;
    lens_dataset *train = toy_data(16, 4, 1);
    lens_recipe recipe = toy_recipe(LENS_SGD);
    recipe.epochs = 1;
    recipe.optimizer.rate = 2;
    recipe.optimizer.clip_norm = 0.01f;
    lens_trainer *trainer = new_trainer(&recipe, 3, train, NULL);
    float *before = weights_of(trainer);
    assert_ok(lens_trainer_run(trainer, NULL));
    float *after = weights_of(trainer);
    size_t count = lens_tensor_count(lens_net_parameters(lens_trainer_net(trainer)));
    double norm = 0;
    for (size_t i = 0; i < count; i++)
        norm += pow((double)after[i] - before[i], 2);
    assert_true(fabs(sqrt(norm) - 0.02) < 1e-5); /* rate times clip_norm */
    free(before);
    free(after);
    lens_trainer_free(trainer);
    lens_dataset_free(train);
}

/* ---- repeating --------------------------------------------------------------------------------
 */

static void one_seed_gives_the_same_bits(void **state) {
    (void)state;
    lens_dataset *train = toy_data(107, 4, 1);
    lens_recipe recipe = toy_recipe(LENS_ADAM);
    float *weights[4];
    record records[4] = {{0}};
    for (size_t i = 0; i < 4; i++) {
        lens_train_callbacks callbacks = callbacks_of(&records[i]);
        if (i == 1)
            callbacks.progress_seconds = 3600; /* reading less changes nothing */
        lens_trainer *trainer = new_trainer(&recipe, i < 3 ? 11 : 12, train, NULL);
        assert_int_equal(lens_trainer_seed(trainer), i < 3 ? 11 : 12);
        assert_ok(lens_trainer_run(trainer, i == 2 ? NULL : &callbacks));
        weights[i] = weights_of(trainer);
        if (i == 1 || i == 2)
            assert_equal_weights(weights[i], weights[0], trainer);
        lens_trainer_free(trainer);
    }
    assert_true(records[0].progress_calls == 21 && records[1].progress_calls == 0);
    for (size_t e = 0; e < 3; e++) {
        assert_true(records[0].reports[e].train.loss == records[1].reports[e].train.loss);
        assert_int_equal(records[0].reports[e].validation.images, 0);
    }
    assert_true(weights[0][0] != weights[3][0]);
    for (size_t i = 0; i < 4; i++)
        free(weights[i]);
    lens_dataset_free(train);
}

/* ---- rates and decays of layers ---------------------------------------------------------------
 */

static lens_trainer *trainer_after(const lens_recipe *recipe, const lens_dataset *train) {
    lens_trainer *trainer = new_trainer(recipe, 5, train, NULL);
    assert_ok(lens_trainer_run(trainer, NULL));
    return trainer;
}

static float *parameter_of(const lens_trainer *trainer, const char *name) {
    const lens_net *net = lens_trainer_net(trainer);
    for (size_t i = 0; i < lens_net_parameter_count(net); i++)
        if (strcmp(lens_net_parameter(net, i)->name, name) == 0)
            return test_read(lens_net_parameter(net, i)->value);
    fail_msg("no parameter %s", name);
    return NULL;
}

static void assert_parameters(const lens_trainer *a, const lens_trainer *b, const char *name,
                              bool equal) {
    float *x = parameter_of(a, name), *y = parameter_of(b, name);
    if (equal != (memcmp(x, y, 4 * sizeof *x) == 0)) /* all have four elements at least */
        fail_msg("%s should be %s", name, equal ? "equal" : "different");
    free(x);
    free(y);
}

/* One step of SGD: every parameter goes its gradient's way, times its layer's multiple; a decay of
 * D takes rate * D * w off the weights, and nothing off biases and batch normalisation. */
static void layers_have_rates_and_decays(void **state) {
    (void)state;
    lens_dataset *train = toy_data(16, 4, 1);
    lens_recipe recipe = toy_recipe(LENS_SGD);
    recipe.epochs = 1;
    lens_trainer *plain = trainer_after(&recipe, train);
    recipe.epochs = 2;
    lens_trainer *start = new_trainer(&recipe, 5, train, NULL);
    recipe.epochs = 1;
    strcpy(recipe.layer_rates, "conv=0,dense=0.5");
    lens_trainer *scaled = trainer_after(&recipe, train);
    assert_parameters(scaled, start, "conv.weight", true);
    assert_parameters(scaled, start, "conv.bias", true);
    assert_parameters(plain, start, "conv.weight", false);
    assert_parameters(scaled, plain, "batchnorm.weight", true);
    float *w0 = parameter_of(start, "dense.weight"), *w1 = parameter_of(plain, "dense.weight");
    float *half = parameter_of(scaled, "dense.weight");
    for (size_t i = 0; i < 4; i++)
        assert_true(fabsf(half[i] - (w0[i] + w1[i]) / 2) < 1e-6f && w0[i] != w1[i]);
    free(half);

    recipe.layer_rates[0] = 0;
    recipe.optimizer.weight_decay = 0.25f;
    strcpy(recipe.layer_decays, "conv=0,dense=2");
    lens_trainer *decayed = trainer_after(&recipe, train);
    assert_parameters(decayed, plain, "conv.weight", true);
    assert_parameters(decayed, plain, "conv.bias", true);
    assert_parameters(decayed, plain, "batchnorm.weight", true);
    assert_parameters(decayed, plain, "batchnorm.bias", true);
    assert_parameters(decayed, plain, "dense.bias", true);
    float *less = parameter_of(decayed, "dense.weight");
    for (size_t i = 0; i < 4; i++)
        assert_true(fabsf(less[i] - (w1[i] - recipe.optimizer.rate * 2 * 0.25f * w0[i])) < 1e-6f);
    free(w0), free(w1), free(less);
    lens_trainer_free(plain), lens_trainer_free(start);
    lens_trainer_free(scaled), lens_trainer_free(decayed);
    lens_dataset_free(train);
}

static void bad_lists_of_layers_are_named(void **state) {
    (void)state;
    static const struct {
        const char *list, *says;
    } cases[] = {{"conv", "layer rates: \"conv\" must be LAYER=NUMBER"},
                 {"conv=", "\"conv=\" must be"},
                 {"conv=1,=2", "\"=2\" must be"},
                 {"conv=-1", "a number of at least 0"},
                 {"conv=nan", "\"conv=nan\" must be"},
                 {"conv=1x", "\"conv=1x\" must be"},
                 {"conv=1,", "\"\" must be"},
                 {"conw=1", "network toy has no trained layer \"conw\""},
                 {"dropout=1", "no trained layer \"dropout\""}};
    lens_dataset *train = toy_data(16, 4, 1);
    lens_net_spec *spec = toy_net_normalised(4);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        lens_trainer *trainer;
        lens_recipe recipe = toy_recipe(LENS_SGD);
        strcpy(recipe.layer_rates, cases[i].list);
        assert_fails(lens_trainer_new(&trainer, test_device(), spec, &recipe, 0, train, NULL),
                     LENS_BAD_ARGUMENT, cases[i].says);
        assert_null(trainer);
    }
    lens_net_spec_free(spec);
    lens_dataset_free(train);
}

/* ---- classes' weights -------------------------------------------------------------------------
 */

static lens_trainer *weighted_run(const char *weights, const lens_dataset *train) {
    lens_recipe recipe = toy_recipe(LENS_SGD);
    recipe.epochs = 1;
    strcpy(recipe.class_weights, weights);
    return trainer_after(&recipe, train);
}

/* Weights of 2 are twice the gradient, so twice the way in one step; of 1 they are none; balanced
 * ones are images / (4 * images of the class). */
static void classes_have_weights(void **state) {
    (void)state;
    lens_dataset *train = toy_data(16, 4, 1);
    lens_recipe recipe = toy_recipe(LENS_SGD);
    lens_trainer *start = new_trainer(&recipe, 5, train, NULL), *plain = weighted_run("", train);
    lens_trainer *ones = weighted_run("1,1,1,1", train), *twos = weighted_run("2,2,2,2", train);
    assert_parameters(ones, plain, "dense.weight", true);
    float *w0 = parameter_of(start, "dense.weight"), *w1 = parameter_of(plain, "dense.weight");
    float *w2 = parameter_of(twos, "dense.weight");
    for (size_t i = 0; i < 4; i++)
        assert_true(fabsf(w2[i] - w0[i] - 2 * (w1[i] - w0[i])) < 1e-6f && w1[i] != w0[i]);

    size_t counts[4] = {0};
    char text[LENS_SCALES_SIZE];
    for (size_t i = 0; i < 16; i++)
        counts[lens_dataset_label(train, i)]++;
    snprintf(text, sizeof text, "%.9g,%.9g,%.9g,%.9g", 4.0 / (double)counts[0],
             4.0 / (double)counts[1], 4.0 / (double)counts[2], 4.0 / (double)counts[3]);
    lens_trainer *balanced = weighted_run("balanced", train), *same = weighted_run(text, train);
    assert_parameters(balanced, same, "conv.weight", true);
    assert_parameters(balanced, plain, "conv.weight", false);
    free(w0), free(w1), free(w2);
    lens_trainer *all[] = {start, plain, ones, twos, balanced, same};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        lens_trainer_free(all[i]);
    lens_dataset_free(train);
}

static void bad_weights_are_named(void **state) {
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {{"1,2,3", "there are 3, the data has 4 classes"},
                 {"1,2,3,4,5", "there are 5, the data has 4 classes"},
                 {"1,2,-3,4", "\"-3\" must be a number of at least 0"},
                 {"1,2,inf,4", "\"inf\" must be"},
                 {"even", "\"even\" must be a number of at least 0, or all of it \"balanced\""},
                 {"1,2,3,", "\"\" must be"}};
    lens_dataset *train = toy_data(16, 4, 1);
    lens_net_spec *spec = toy_net(4);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        lens_trainer *trainer;
        lens_recipe recipe = toy_recipe(LENS_SGD);
        strcpy(recipe.class_weights, cases[i].text);
        assert_fails(lens_trainer_new(&trainer, test_device(), spec, &recipe, 0, train, NULL),
                     LENS_BAD_ARGUMENT, cases[i].says);
    }
    lens_net_spec_free(spec);
    lens_dataset_free(train);
}

/* ---- patience and plateau ---------------------------------------------------------------------
 */

/* Nothing is trained, so no epoch is better than the first: the rate falls after two more, and
 * after five the run is over. */
static void patience_ends_a_run(void **state) {
    (void)state;
    lens_dataset *train = toy_data(48, 4, 1), *test = toy_data(40, 4, 2);
    lens_recipe recipe = toy_recipe(LENS_SGD);
    recipe.epochs = 9;
    recipe.patience = 5;
    recipe.keep_best = true;
    recipe.min_delta = 100;
    recipe.schedule = (lens_schedule){LENS_PLATEAU, 0.5f, 2, 0};
    lens_trainer *trainer = new_trainer(&recipe, 5, train, test);
    record r = {0};
    lens_train_callbacks callbacks = callbacks_of(&r);
    assert_ok(lens_trainer_run(trainer, &callbacks));
    assert_int_equal(r.epoch_calls, 6);
    static const double factors[] = {1, 1, 1, 0.5, 0.5, 0.25};
    for (size_t e = 0; e < 6; e++) {
        assert_true(fabs(r.reports[e].rate - (double)recipe.optimizer.rate * factors[e]) < 1e-9);
        assert_int_equal(r.reports[e].out_of_patience, e == 5);
    }
    float *once = weights_of(trainer);
    assert_ok(lens_trainer_run(trainer, &callbacks)); /* over is over */
    assert_int_equal(r.epoch_calls, 6);
    float *twice = weights_of(trainer);
    assert_equal_weights(once, twice, trainer);
    free(once), free(twice);
    lens_trainer_free(trainer);
    lens_dataset_free(train);
    lens_dataset_free(test);
}

/* ---- stopping ---------------------------------------------------------------------------------
 */

/* Stopped between steps, in validation and after an epoch, a run goes on where it was. */
static void a_stopped_run_goes_on(void **state) {
    (void)state;
    lens_dataset *train = toy_data(107, 4, 1), *test = toy_data(40, 4, 2);
    lens_recipe recipe = toy_recipe(LENS_ADAM);
    recipe.schedule.kind = LENS_COSINE;
    lens_trainer *whole = new_trainer(&recipe, 5, train, test);
    record r = {0};
    lens_train_callbacks callbacks = callbacks_of(&r);
    assert_ok(lens_trainer_run(whole, &callbacks));
    float *want = weights_of(whole);

    record s = {.stop_at_progress = 5, .stop_at_validation = 2, .stop_at_epoch = 2};
    callbacks = callbacks_of(&s);
    lens_trainer *parts = new_trainer(&recipe, 5, train, test);
    assert_fails(lens_trainer_run(parts, &callbacks), LENS_INTERRUPTED,
                 "train stopped at image 80 of 107");
    assert_int_equal(lens_trainer_step(parts), 5);
    assert_int_equal(s.epoch_calls, 0);
    assert_fails(lens_trainer_run(parts, &callbacks), LENS_INTERRUPTED,
                 "validation stopped at image 32 of 40");
    assert_int_equal(lens_trainer_step(parts), 7);
    assert_int_equal(s.epoch_calls, 0);
    assert_fails(lens_trainer_run(parts, &callbacks), LENS_INTERRUPTED, "after epoch 2 of 3");
    assert_int_equal(lens_trainer_step(parts), 14);
    assert_ok(lens_trainer_run(parts, &callbacks));
    assert_int_equal(lens_trainer_step(parts), 21);
    assert_int_equal(s.epoch_calls, 3);
    assert_ok(lens_trainer_run(parts, &callbacks)); /* done already */
    assert_int_equal(s.epoch_calls, 3);

    float *got = weights_of(parts);
    assert_equal_weights(got, want, whole);
    for (size_t e = 0; e < 3; e++) {
        assert_true(r.reports[e].train.loss == s.reports[e].train.loss);
        assert_true(r.reports[e].train.accuracy == s.reports[e].train.accuracy);
        assert_true(r.reports[e].validation.loss == s.reports[e].validation.loss);
    }
    free(want);
    free(got);
    lens_trainer_free(whole);
    lens_trainer_free(parts);
    lens_dataset_free(train);
    lens_dataset_free(test);
}

/* ---- holding out and keeping ------------------------------------------------------------------
 */

/* Held-out images are not trained on: a net that sees only the last 20 images in validation reports
 * the loss that lens_evaluate() finds on a slice of them. */
static void images_are_held_out(void **state) {
    (void)state;
    lens_dataset *train = toy_data(100, 4, 1), *test = toy_data(50, 4, 2);
    for (int first = 0; first < 2; first++) {
        lens_recipe recipe = toy_recipe(LENS_ADAM);
        recipe.validation = 20;
        recipe.validation_first = first;
        record r = {0};
        lens_train_callbacks callbacks = callbacks_of(&r);
        lens_trainer *trainer = new_trainer(&recipe, 5, train, test);
        assert_ok(lens_trainer_run(trainer, &callbacks));
        assert_int_equal(r.reports[2].train.images, 80);
        assert_int_equal(r.reports[2].validation.images, 20);
        assert_int_equal(lens_trainer_step(trainer), 15);
        lens_dataset *held, *rest;
        lens_metrics metrics;
        assert_ok(lens_dataset_slice(&held, train, first ? 0 : 80, 20));
        assert_ok(lens_evaluate(&metrics, lens_trainer_net(trainer), held,
                                &(lens_preprocess){.scale = 1}, NULL, NULL, NULL));
        assert_true(metrics.loss == r.reports[2].validation.loss);

        assert_ok(lens_dataset_slice(&rest, train, first ? 20 : 0, 80));
        recipe.validation = 0;
        lens_trainer *alone = new_trainer(&recipe, 5, rest, NULL);
        assert_ok(lens_trainer_run(alone, NULL));
        float *a = weights_of(trainer), *b = weights_of(alone);
        assert_equal_weights(a, b, alone);
        free(a);
        free(b);
        lens_trainer_free(alone);
        lens_trainer_free(trainer);
        lens_dataset_free(rest);
        lens_dataset_free(held);
    }
    lens_dataset_free(train);
    lens_dataset_free(test);
}

/* At a rate that leaps about, the best epoch is not the last. */
static void run_and_find_the_best(lens_optimizer_kind kind, float rate, lens_status want) {
    lens_dataset *train = toy_data(64, 4, 1), *test = toy_data(100, 4, 2);
    lens_recipe recipe = toy_recipe(kind);
    recipe.epochs = 12;
    recipe.optimizer.rate = rate;
    recipe.keep_best = true;
    record r = {0};
    lens_train_callbacks callbacks = callbacks_of(&r);
    lens_trainer *trainer = new_trainer(&recipe, 6, train, test);
    assert_int_equal(lens_trainer_run(trainer, &callbacks), want);
    assert_int_equal(r.epoch_calls == recipe.epochs, want == LENS_OK);
    size_t best = 0;
    for (size_t e = 0; e < r.epoch_calls; e++)
        if (r.reports[e].validation.accuracy > r.reports[best].validation.accuracy)
            best = e;
    assert_true(best < recipe.epochs - 1);
    lens_metrics metrics;
    assert_ok(lens_evaluate(&metrics, lens_trainer_net(trainer), test,
                            &(lens_preprocess){.scale = 1}, NULL, NULL, NULL));
    assert_true(metrics.accuracy == r.reports[best].validation.accuracy);
    assert_true(metrics.loss == r.reports[best].validation.loss);
    assert_ok(lens_trainer_save(trainer, test_temp_path("best.safetensors")));
    lens_trainer_free(trainer);
    lens_dataset_free(train);
    lens_dataset_free(test);
}

static void the_best_weights_are_kept(void **state) {
    (void)state;
    run_and_find_the_best(LENS_ADAM, 1, LENS_OK);
    run_and_find_the_best(LENS_SGD, 20, LENS_DIVERGED); /* after three epochs */
}

/* ---- data that does not fit -------------------------------------------------------------------
 */

static void data_that_does_not_fit_is_named(void **state) {
    (void)state;
    lens_recipe recipe = toy_recipe(LENS_ADAM);
    lens_net_spec *spec = toy_net(3);
    lens_dataset *four = toy_data(40, 4, 1), *colour;
    lens_trainer *trainer;
    assert_fails(lens_trainer_new(&trainer, test_device(), spec, &recipe, 0, four, NULL),
                 LENS_BAD_ARGUMENT, "the data has 4 classes, network toy tells 3 apart");
    float *values = test_reals(40 * 3 * 36, 1);
    assert_ok(lens_dataset_from_memory(&colour, (lens_shape){40, 3, 6, 6}, values, NULL));
    assert_fails(lens_trainer_new(&trainer, test_device(), spec, &recipe, 0, colour, NULL),
                 LENS_BAD_SHAPE, "images have 3 channels, network toy expects 1");
    spec->layer_count = 3; /* conv, pool, flatten: 36 outputs */
    spec->layers[0] = spec->layers[1];
    strcpy(spec->layers[0].name, "first");
    assert_fails(lens_trainer_new(&trainer, test_device(), spec, &recipe, 0, four, NULL),
                 LENS_BAD_ARGUMENT, "no parameters to train");
    lens_trainer_free(NULL);
    lens_net_spec_free(spec);
    lens_dataset_free(four);
    lens_dataset_free(colour);
    free(values);
}

/* Fewer images than a batch, and a last batch of one image. */
static void odd_numbers_of_images(void **state) {
    (void)state;
    static const size_t sizes[] = {1, 2, 15, 16, 17, 33};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        lens_dataset *train = toy_data(sizes[i], 4, 1);
        lens_recipe recipe = toy_recipe(LENS_MOMENTUM);
        record r = {0};
        lens_train_callbacks callbacks = callbacks_of(&r);
        lens_trainer *trainer = new_trainer(&recipe, 1, train, train);
        assert_ok(lens_trainer_run(trainer, &callbacks));
        assert_int_equal(lens_trainer_step(trainer), 3 * ((sizes[i] + 15) / 16));
        assert_int_equal(r.reports[2].train.images, sizes[i]);
        assert_int_equal(r.reports[2].validation.images, sizes[i]);
        assert_true(isfinite(r.reports[2].train.loss));
        assert_int_equal(r.last_image, sizes[i]);
        lens_trainer_free(trainer);
        lens_dataset_free(train);
    }
}

/* The network whose outputs are penalties: the loss falls, the smallest penalty is the answer in
 * training and evaluation alike, the codes stay. */
static void lenet5_of_1998_learns(void **state) {
    (void)state;
    lens_net_spec *spec;
    lens_recipe recipe;
    lens_dataset *train = toy_data(300, 4, 1), *test = toy_data(100, 4, 2);
    assert_ok(lens_model_spec(&spec, "lenet5-1998"));
    assert_ok(lens_recipe_for(&recipe, spec, NULL));
    recipe.epochs = 8;
    recipe.optimizer.rate = 3e-3f; /* the recipe's is for 40,000 steps, these are 80 */
    recipe.schedule.warmup = 5;
    recipe.preprocess.scale = 0.5f; /* of floats about 0 .. 1 */
    record r = {0};
    lens_train_callbacks callbacks = callbacks_of(&r);
    callbacks.progress = NULL;
    lens_trainer *trainer;
    assert_ok(lens_trainer_new(&trainer, test_device(), spec, &recipe, 0, train, test));
    lens_net *net = lens_trainer_net(trainer);
    size_t codes = lens_net_parameter_count(net) - 1;
    float *before = test_read(lens_net_parameter(net, codes)->value);
    assert_ok(lens_trainer_run(trainer, &callbacks));
    const lens_epoch_report *first = &r.reports[0], *last = &r.reports[7];
    print_message("lenet5-1998: loss %.3f to %.3f, accuracy %.3f to %.3f\n", first->train.loss,
                  last->train.loss, first->validation.accuracy, last->validation.accuracy);
    assert_true(last->train.loss < 0.5 * first->train.loss);
    assert_true(last->validation.accuracy > 0.9);
    int32_t answers[100];
    lens_metrics metrics;
    assert_ok(lens_evaluate(&metrics, net, test, &recipe.preprocess, answers, NULL, NULL));
    size_t right = 0;
    for (size_t i = 0; i < 100; i++)
        right += answers[i] == lens_dataset_label(test, i);
    assert_true(fabs(metrics.accuracy - (double)right / 100) < 1e-9);
    float *after = test_read(lens_net_parameter(net, codes)->value);
    assert_memory_equal(before, after, 840 * sizeof *before);
    free(before), free(after);
    lens_trainer_free(trainer);
    lens_dataset_free(train), lens_dataset_free(test);
    lens_net_spec_free(spec);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_optimizer_learns),
        cmocka_unit_test(lenet5_of_1998_learns),
        cmocka_unit_test(clipping_keeps_a_step_small),
        cmocka_unit_test(one_seed_gives_the_same_bits),
        cmocka_unit_test(layers_have_rates_and_decays),
        cmocka_unit_test(bad_lists_of_layers_are_named),
        cmocka_unit_test(classes_have_weights),
        cmocka_unit_test(bad_weights_are_named),
        cmocka_unit_test(patience_ends_a_run),
        cmocka_unit_test(a_stopped_run_goes_on),
        cmocka_unit_test(images_are_held_out),
        cmocka_unit_test(the_best_weights_are_kept),
        cmocka_unit_test(data_that_does_not_fit_is_named),
        cmocka_unit_test(odd_numbers_of_images),
    };
    return cmocka_run_group_tests(tests, NULL, test_close);
}
