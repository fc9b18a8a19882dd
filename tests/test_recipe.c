/* test_recipe.c: the recipes of the zoo, and what a trainer says to one that cannot be trained
 * with. */
#include "toy.h"
#include "train/recipe.h"

#include <math.h>
#include <string.h>

/* By what recipes of one network can differ in; padding between fields may hold anything. */
static bool same_recipe(const lens_recipe *a, const lens_recipe *b) {
    return a->epochs == b->epochs && a->batch == b->batch &&
           a->optimizer.kind == b->optimizer.kind && a->optimizer.rate == b->optimizer.rate &&
           a->optimizer.weight_decay == b->optimizer.weight_decay &&
           a->schedule.kind == b->schedule.kind && a->schedule.warmup == b->schedule.warmup &&
           a->loss == b->loss && a->preprocess.scale == b->preprocess.scale &&
           a->validation == b->validation && a->keep_best == b->keep_best;
}

/* ---- the notebooks' ---------------------------------------------------------------------------
 */

static void notebook_recipes_are_the_notebooks(void **state) {
    (void)state;
    const float white = 0.1f / 1.275f;
    const struct {
        const char *model;
        lens_optimizer_kind optimizer;
        size_t batch, epochs, validation;
        bool first, keep_best;
        lens_schedule_kind schedule;
        lens_loss_kind loss;
        lens_initializer_kind initializer;
        float rate, l2;
        lens_preprocess preprocess; /* default: 0 .. 1 */
        lens_augment augment;
    } cases[] = {
        {"lenet5", LENS_ADAM, 32, 5, 0, false, false},
        {"lenet5-same", LENS_ADAM, 32, 5, 0, false, false},
        {"lenet5-max", LENS_ADAM, 64, 5, 0, false, false},
        {"lenet5-relu", LENS_ADAM, 128, 10, 0, false, false},
        {"lenet5-sigmoid", LENS_ADAM, 64, 10, 0, false, false},
        {"lenet5-cifar10", LENS_ADAM, 128, 2, 5000, true, false},
        {"lenet5-1998", LENS_SGD, 1, 20, 0, false, false, LENS_LECUN1998, LENS_MAP,
         LENS_LECUN1998_UNIFORM,
         .preprocess = {1.0f / 255, {white, white, white}, .side = 28}}, /* the paper's */
        {"digits-cnn", LENS_RMSPROP, 64, 10, 6000, false, true},
        {"alexnet-mini", LENS_ADAM, 128, 5, 0, false, false},
        {"alexnet-mnist", LENS_ADAM, 32, 3, 0, false, false},
        {"alexnet-cifar10", LENS_ADAM, 64, 5, 0, false, false},
        {"binary-cnn", LENS_ADAM, 16, 10, .loss = LENS_BINARY_CROSS_ENTROPY},
        {"alexnet-bn", LENS_ADAM, 16, 2, .loss = LENS_BINARY_CROSS_ENTROPY,
         .preprocess = lens_preprocess_caffe()},
        {"alexnet-valid", LENS_ADAM, 16, 2, .preprocess = lens_preprocess_caffe()},
        {"alexnet", LENS_ADAM, 16, 2, .preprocess = lens_preprocess_caffe()},
        {"alexnet-2012", LENS_MOMENTUM, 128, 90, .schedule = LENS_PLATEAU,
         .initializer = LENS_RANDOM_NORMAL, .rate = 0.01f, .l2 = 5e-4f,
         .preprocess = {1, {124, 117, 104}, {1, 1, 1}, .side = 256},
         .augment = {.flip = true, .crop = true, .lighting = 0.1f}}, /* the paper's */
    };
    assert_int_equal(sizeof cases / sizeof cases[0], lens_model_count());
    for (size_t i = 0; i < lens_model_count(); i++) {
        lens_net_spec *spec;
        lens_recipe r;
        assert_ok(lens_model_spec(&spec, cases[i].model));
        assert_ok(lens_recipe_for(&r, spec, "notebook"));
        lens_optimizer_opts keras = lens_optimizer_defaults(cases[i].optimizer);
        assert_int_equal(r.optimizer.kind, cases[i].optimizer);
        assert_true(r.optimizer.rate == (cases[i].rate > 0 ? cases[i].rate : 0.001f));
        assert_true(r.optimizer.epsilon == keras.epsilon);
        assert_true(r.optimizer.weight_decay == 0 && r.optimizer.l2 == cases[i].l2);
        assert_int_equal(r.schedule.kind, cases[i].schedule);
        assert_int_equal(r.schedule.warmup, 0);
        assert_int_equal(r.batch, cases[i].batch);
        assert_int_equal(r.epochs, cases[i].epochs);
        assert_int_equal(r.validation, cases[i].validation);
        assert_int_equal(r.validation_first, cases[i].first);
        assert_int_equal(r.keep_best, cases[i].keep_best);
        assert_int_equal(r.loss, cases[i].loss);
        const lens_preprocess *p = &cases[i].preprocess;
        assert_true(r.preprocess.scale == (p->scale > 0 ? p->scale : 1.0f / 255));
        assert_memory_equal(r.preprocess.mean, p->mean, sizeof p->mean);
        assert_int_equal(r.preprocess.bgr, p->bgr);
        assert_int_equal(r.preprocess.side, p->side);
        assert_int_equal(r.augment.flip, cases[i].augment.flip);
        assert_int_equal(r.augment.crop, cases[i].augment.crop);
        assert_true(r.augment.lighting == cases[i].augment.lighting);
        bool starts_with_conv = spec->layers[0].kind == LENS_LAYER_CONV2D;
        if (starts_with_conv)
            assert_int_equal(spec->layers[0].conv2d.initializer.kind, cases[i].initializer);
        lens_net_spec_free(spec);
    }
}

/* Ours are compared with what the notebooks reached at equal cost. */
static void our_recipes_take_no_more_epochs(void **state) {
    (void)state;
    static const char *const reached[] = {"lenet5",      "lenet5-same",   "lenet5-max",
                                          "lenet5-relu", "digits-cnn",    "alexnet-mini",
                                          "lenet5-1998", "alexnet-mnist", "alexnet-cifar10"};
    for (size_t i = 0; i < sizeof reached / sizeof reached[0]; i++) {
        lens_net_spec *spec;
        lens_recipe own, notebook;
        assert_ok(lens_model_spec(&spec, reached[i]));
        assert_ok(lens_recipe_for(&notebook, spec, "notebook"));
        assert_ok(lens_recipe_for(&own, spec, NULL));
        assert_int_equal(own.epochs, notebook.epochs);
        lens_net_spec_free(spec);
    }
}

static void every_model_has_a_recipe_of_ours(void **state) {
    (void)state;
    for (size_t i = 0; i < lens_model_count(); i++) {
        lens_net_spec *spec;
        lens_recipe own, same, notebook;
        assert_ok(lens_model_spec(&spec, lens_model_name(i)));
        assert_ok(lens_recipe_for(&notebook, spec, "notebook"));
        assert_ok(lens_recipe_for(&own, spec, NULL));
        assert_ok(lens_recipe_for(&same, spec, "default"));
        assert_true(same_recipe(&own, &same));
        assert_false(same_recipe(&own, &notebook));
        assert_int_equal(own.validation, 0);
        assert_int_equal(own.schedule.kind, LENS_COSINE);
        lens_net_spec_free(spec);
    }
}

static void a_recipe_chooses_the_initializers(void **state) {
    (void)state;
    lens_net_spec *spec;
    lens_recipe r;
    assert_ok(lens_model_spec(&spec, "digits-cnn"));
    assert_int_equal(spec->layers[0].conv2d.initializer.kind, LENS_GLOROT_UNIFORM);
    assert_ok(lens_recipe_for(&r, spec, "default"));
    assert_int_equal(spec->layers[0].conv2d.initializer.kind, LENS_HE_UNIFORM);
    assert_int_equal(spec->layers[7].dense.initializer.kind, LENS_HE_UNIFORM);
    assert_ok(lens_recipe_for(&r, spec, "notebook"));
    assert_int_equal(spec->layers[0].conv2d.initializer.kind, LENS_GLOROT_UNIFORM);
    lens_net_spec_free(spec);
}

/* LeNet-5 of 1998 sees 28 x 28 pictures in the middle of 32 x 32 of white, white as -0.1 and black
 * as 1.175. */
static void pictures_of_1998_stand_in_white(void **state) {
    (void)state;
    lens_net_spec *spec;
    assert_ok(lens_model_spec(&spec, "lenet5-1998"));
    float picture[28 * 28];
    for (size_t i = 0; i < 28 * 28; i++)
        picture[i] = i % 2 ? 255 : 0;
    lens_dataset *data;
    assert_ok(lens_dataset_from_memory(&data, (lens_shape){1, 1, 28, 28}, picture, NULL));
    static const char *const names[] = {"default", "notebook"};
    for (size_t i = 0; i < 2; i++) {
        lens_recipe r;
        lens_loader *loader;
        lens_batch batch;
        lens_loader_opts opts = lens_loader_defaults();
        assert_ok(lens_recipe_for(&r, spec, names[i]));
        opts.preprocess = r.preprocess;
        opts.input = spec->input;
        assert_ok(lens_loader_new(&loader, data, &opts));
        assert_true(lens_loader_next(loader, &batch));
        for (size_t p = 0; p < 32; p++)
            for (size_t q = 0; q < 32; q++) {
                bool inside = p >= 2 && p < 30 && q >= 2 && q < 30;
                float want = inside && q % 2 ? 1.175f : -0.1f;
                assert_true(fabsf(batch.images[p * 32 + q] - want) < 1e-6f);
            }
        lens_loader_free(loader);
    }
    lens_dataset_free(data);
    lens_net_spec_free(spec);
}

static void other_networks_get_the_defaults(void **state) {
    (void)state;
    lens_net_spec *spec = toy_net(4);
    lens_recipe r, defaults = lens_recipe_defaults();
    spec->layers[0].conv2d.initializer.kind = LENS_HE_NORMAL;
    assert_ok(lens_recipe_for(&r, spec, NULL));
    assert_true(same_recipe(&r, &defaults));
    assert_int_equal(r.epochs, 5);
    assert_int_equal(r.batch, 32);
    assert_int_equal(r.optimizer.kind, LENS_ADAM);
    assert_int_equal(spec->layers[0].conv2d.initializer.kind, LENS_HE_NORMAL);
    spec->layers[4].kind = LENS_LAYER_RBF; /* in the softmax's place */
    assert_ok(lens_recipe_for(&r, spec, NULL));
    assert_int_equal(r.loss, LENS_MAP);
    assert_fails(lens_recipe_for(&r, spec, "best"), LENS_BAD_ARGUMENT,
                 "no recipe \"best\"; there are default and notebook");
    lens_net_spec_free(spec);
}

/* Files of older versions have fewer keys. */
static void what_a_file_does_not_say_is_the_default(void **state) {
    (void)state;
    lens_recipe r, defaults = lens_recipe_defaults();
    assert_ok(lens_recipe_parse(&r, "{}"));
    assert_true(same_recipe(&r, &defaults));
    assert_ok(lens_recipe_parse(&r, "{\"batch\": 7, \"optimizer\": {\"kind\": \"momentum\"}}"));
    assert_int_equal(r.batch, 7);
    assert_int_equal(r.optimizer.kind, LENS_MOMENTUM);
    assert_int_equal(r.epochs, defaults.epochs);
    static const char *const bad[] = {"{\"batch\": \"7\"}",    "{\"keep_best\": 1}",
                                      "{\"loss\": \"least\"}", "{\"augment\": 1}",
                                      "{\"layer_rates\": 1}",  "{\"preprocess\": {\"mean\": 1}}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_fails(lens_recipe_parse(&r, bad[i]), LENS_BAD_FILE, "must be");
}

/* ---- what cannot be trained with --------------------------------------------------------------
 */

static void bad_recipes_are_named(void **state) {
    (void)state;
    lens_net_spec *spec = toy_net(4);
    lens_dataset *data = toy_data(40, 4, 1);
    struct {
        const char *what;
        lens_recipe recipe;
    } cases[9];
    size_t n = 0;
    for (; n < sizeof cases / sizeof cases[0]; n++)
        cases[n].recipe = toy_recipe(LENS_ADAM);
    n = 0;
    cases[n].what = "epochs is 0", cases[n++].recipe.epochs = 0;
    cases[n].what = "batch is 0", cases[n++].recipe.batch = 0;
    cases[n].what = "rate is -1", cases[n++].recipe.optimizer.rate = -1;
    cases[n].what = "rate is nan", cases[n++].recipe.optimizer.rate = NAN;
    cases[n].what = "clip_norm is -1", cases[n++].recipe.optimizer.clip_norm = -1;
    cases[n].what = "scale is -1", cases[n++].recipe.preprocess.scale = -1;
    cases[n].what = "40 images to hold out, the training set has 40",
    cases[n++].recipe.validation = 40;
    cases[n].what = "optimizer is 99", cases[n++].recipe.optimizer.kind = (lens_optimizer_kind)99;
    cases[n].what = "keep_best needs images", cases[n++].recipe.keep_best = true;
    for (size_t i = 0; i < n; i++) {
        lens_trainer *trainer;
        assert_fails(
            lens_trainer_new(&trainer, test_reference(), spec, &cases[i].recipe, 0, data, NULL),
            LENS_BAD_ARGUMENT, cases[i].what);
        assert_null(trainer);
    }
    lens_dataset_free(data);
    lens_net_spec_free(spec);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(notebook_recipes_are_the_notebooks),
        cmocka_unit_test(our_recipes_take_no_more_epochs),
        cmocka_unit_test(every_model_has_a_recipe_of_ours),
        cmocka_unit_test(a_recipe_chooses_the_initializers),
        cmocka_unit_test(pictures_of_1998_stand_in_white),
        cmocka_unit_test(other_networks_get_the_defaults),
        cmocka_unit_test(what_a_file_does_not_say_is_the_default),
        cmocka_unit_test(bad_recipes_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, test_close);
}
