/* test_checkpoint.c: a run that was saved and resumed equals, bit for bit, one that never stopped;
 * files that are no checkpoint of the run are refused by name. */
#include "toy.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- a run ------------------------------------------------------------------------------------
 */

typedef struct record {
    size_t steps, stop_at_step; /* 0: never */
    bool stop_at_epoch;
    size_t epochs;
    lens_epoch_report reports[16]; /* by epoch, from 0 */
} record;

static bool on_progress(const lens_progress *progress, void *user) {
    record *r = user;
    if (strcmp(progress->phase, "train") != 0)
        return true;
    return ++r->steps != r->stop_at_step;
}

static bool on_epoch(const lens_epoch_report *report, void *user) {
    record *r = user;
    r->reports[report->epoch - 1] = *report;
    r->epochs++;
    return !r->stop_at_epoch;
}

static lens_train_callbacks callbacks_of(record *r) {
    return (lens_train_callbacks){.progress = on_progress, .epoch = on_epoch, .user = r};
}

typedef struct data {
    lens_dataset *train, *test;
} data;

static data new_data(size_t images) {
    return (data){toy_data(images, 4, 1), toy_data(40, 4, 2)};
}

static void free_data(data *d) {
    lens_dataset_free(d->train);
    lens_dataset_free(d->test);
}

static lens_trainer *new_trainer(const lens_recipe *recipe, uint64_t seed, const data *d) {
    lens_net_spec *spec = toy_net_normalised(4);
    lens_trainer *trainer;
    assert_ok(lens_trainer_new(&trainer, test_device(), spec, recipe, seed, d->train, d->test));
    lens_net_spec_free(spec);
    return trainer;
}

static lens_trainer *resume(const char *path, size_t epochs, const data *d) {
    lens_trainer *trainer;
    assert_ok(lens_trainer_resume(&trainer, test_device(), NULL, path, epochs, d->train, d->test));
    return trainer;
}

static void assert_refused(const char *path, const lens_net_spec *expected, const data *d,
                           lens_status status, const char *message) {
    lens_trainer *trainer = (lens_trainer *)d; /* anything but NULL */
    assert_fails(lens_trainer_resume(&trainer, test_device(), expected, path, 0, d->train, d->test),
                 status, message);
    assert_null(trainer);
}

/* The bytes that a trainer writes: weights, slots, step and all. */
static void assert_same_state(const lens_trainer *a, const lens_trainer *b) {
    const char *paths[2] = {test_temp_path("a.safetensors"), test_temp_path("b.safetensors")};
    size_t sizes[2];
    assert_ok(lens_trainer_save(a, paths[0]));
    assert_ok(lens_trainer_save(b, paths[1]));
    char *x = test_read_file(paths[0], &sizes[0]), *y = test_read_file(paths[1], &sizes[1]);
    assert_int_equal(sizes[0], sizes[1]);
    assert_memory_equal(x, y, sizes[0]);
    free(x);
    free(y);
}

static void assert_same_reports(const record *a, const record *b, size_t from, size_t to) {
    for (size_t e = from; e < to; e++) {
        assert_true(a->reports[e].train.loss == b->reports[e].train.loss);
        assert_true(a->reports[e].train.accuracy == b->reports[e].train.accuracy);
        assert_int_equal(a->reports[e].train.images, b->reports[e].train.images);
        assert_true(a->reports[e].validation.loss == b->reports[e].validation.loss);
        assert_true(a->reports[e].validation.accuracy == b->reports[e].validation.accuracy);
    }
}

/* ---- resumed equals uninterrupted -------------------------------------------------------------
 */

static void resumed_equals_uninterrupted(void **state) {
    (void)state;
    static const struct {
        const char *name;
        lens_optimizer_kind optimizer;
        size_t stop; /* of 21 steps, 7 an epoch; 7 and 14 end one */
        bool keep_best, clip;
        lens_schedule_kind schedule;
    } cases[] = {
        {"sgd, first step", LENS_SGD, 1, false, false, LENS_STEP},
        {"momentum, in the first epoch", LENS_MOMENTUM, 3, false, false, LENS_CONSTANT},
        {"momentum, in the second epoch, best kept", LENS_MOMENTUM, 9, true, false, LENS_COSINE},
        {"nesterov, clipped", LENS_NESTEROV, 11, false, true, LENS_COSINE},
        {"rmsprop, last step of an epoch", LENS_RMSPROP, 7, true, false, LENS_EXPONENTIAL},
        {"adam, in the second epoch", LENS_ADAM, 9, false, false, LENS_COSINE},
        {"adam, in the third epoch, best kept", LENS_ADAM, 17, true, true, LENS_COSINE},
        {"adamw, last step of all", LENS_ADAMW, 21, true, false, LENS_COSINE},
        {"adam, on plateau", LENS_ADAM, 17, true, false, LENS_PLATEAU},
    };
    data d = new_data(107);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        print_message("%s\n", cases[i].name);
        lens_recipe recipe = toy_recipe(cases[i].optimizer);
        recipe.keep_best = cases[i].keep_best;
        recipe.optimizer.clip_norm = cases[i].clip ? 0.5f : 0;
        recipe.schedule.kind = cases[i].schedule;
        recipe.schedule.warmup = 4;
        recipe.optimizer.l2 = 0.01f;
        recipe.min_delta = 100; /* every epoch behind the first is stale */
        recipe.patience = 3;
        strcpy(recipe.layer_rates, "dense=0.5");
        strcpy(recipe.class_weights, "1,2,0.5,1");
        strcpy(recipe.layer_decays, "conv=0.5");
        record whole = {0}, first = {.stop_at_step = cases[i].stop}, second = {0};
        lens_train_callbacks callbacks = callbacks_of(&whole);
        lens_trainer *uninterrupted = new_trainer(&recipe, 5, &d);
        assert_ok(lens_trainer_run(uninterrupted, &callbacks));

        callbacks = callbacks_of(&first);
        lens_trainer *stopped = new_trainer(&recipe, 5, &d);
        assert_fails(lens_trainer_run(stopped, &callbacks), LENS_INTERRUPTED, "train stopped");
        assert_int_equal(lens_trainer_step(stopped), cases[i].stop);
        const char *path = test_temp_path("run.safetensors");
        assert_ok(lens_trainer_save(stopped, path));
        lens_trainer_free(stopped);

        lens_trainer *resumed = resume(path, 1, &d); /* one epoch: the file's are more */
        assert_int_equal(lens_trainer_step(resumed), cases[i].stop);
        assert_int_equal(lens_trainer_seed(resumed), 5);
        assert_int_equal(lens_trainer_recipe(resumed)->batch, 16);
        assert_int_equal(lens_trainer_recipe(resumed)->epochs, 3);
        callbacks = callbacks_of(&second);
        assert_ok(lens_trainer_run(resumed, &callbacks));
        assert_int_equal(first.epochs + second.epochs, 3);
        assert_same_reports(&whole, &second, first.epochs, 3);
        assert_same_state(uninterrupted, resumed);
        lens_trainer_free(resumed);
        lens_trainer_free(uninterrupted);
    }
    free_data(&d);
}

/* Saved in the epoch's callback, as a command does it. Two epochs, resumed as five, equal five. */
static void epochs_can_be_raised(void **state) {
    (void)state;
    data d = new_data(64);
    for (int keep_best = 0; keep_best < 2; keep_best++) {
        lens_recipe recipe = toy_recipe(LENS_ADAM);
        recipe.keep_best = keep_best;
        recipe.epochs = 5;
        lens_trainer *five = new_trainer(&recipe, 5, &d);
        assert_ok(lens_trainer_run(five, NULL));
        recipe.epochs = 2;
        lens_trainer *two = new_trainer(&recipe, 5, &d);
        assert_ok(lens_trainer_run(two, NULL));
        const char *path = test_temp_path("two.safetensors");
        assert_ok(lens_trainer_save(two, path));
        lens_trainer *raised = resume(path, 5, &d);
        assert_int_equal(lens_trainer_step(raised), 8);
        assert_int_equal(lens_trainer_recipe(raised)->epochs, 5);
        assert_ok(lens_trainer_run(raised, NULL));
        assert_same_state(five, raised);
        /* and a finished run stays finished */
        lens_trainer *again = resume(path, 0, &d);
        assert_ok(lens_trainer_run(again, NULL));
        assert_same_state(two, again);
        lens_trainer_free(again);
        lens_trainer_free(raised);
        lens_trainer_free(two);
        lens_trainer_free(five);
    }
    free_data(&d);
}

/* ---- what is in the file ----------------------------------------------------------------------
 */

static void a_checkpoint_is_a_file_of_weights_too(void **state) {
    (void)state;
    data d = new_data(64);
    lens_recipe recipe = toy_recipe(LENS_ADAM);
    recipe.keep_best = true;
    lens_trainer *trainer = new_trainer(&recipe, ((uint64_t)1 << 63) + 1, &d);
    assert_ok(lens_trainer_run(trainer, NULL));
    const char *path = test_temp_path("weights.safetensors");
    assert_ok(lens_trainer_save(trainer, path));

    lens_net_spec *spec;
    lens_net *net;
    assert_ok(lens_net_spec_open(&spec, path));
    assert_ok(lens_net_new(&net, test_reference(), spec, NULL));
    assert_ok(lens_net_load(net, path));
    float *got = test_read(lens_net_state(net)); /* running statistics too */
    float *want = test_read(lens_net_state(lens_trainer_net(trainer)));
    assert_memory_equal(got, want, lens_tensor_count(lens_net_state(net)) * sizeof *got);

    lens_safetensors *file;
    assert_ok(lens_safetensors_read(&file, path));
    assert_non_null(lens_safetensors_find(file, "conv.weight"));
    assert_non_null(lens_safetensors_find(file, "batchnorm.variance"));
    assert_non_null(lens_safetensors_find(file, "optimizer.m"));
    assert_non_null(lens_safetensors_find(file, "optimizer.v"));
    assert_non_null(lens_safetensors_find(file, "trainer.last"));
    assert_null(lens_safetensors_find(file, "trainer.best"));
    assert_string_equal(lens_safetensors_metadata(file, "format"), "lenslet checkpoint 2");
    assert_string_equal(lens_safetensors_metadata(file, "seed"), "9223372036854775809");
    assert_string_equal(lens_safetensors_metadata(file, "step"), "12");
    assert_string_equal(lens_safetensors_metadata(file, "model"), "toy");
    assert_string_equal(lens_safetensors_metadata(file, "lenslet"), lens_version());
    assert_non_null(strstr(lens_safetensors_metadata(file, "recipe"), "\"kind\":\"adam\""));
    lens_safetensors_free(file);
    free(got);
    free(want);
    lens_net_free(net);
    lens_net_spec_free(spec);
    lens_trainer_free(trainer);
    free_data(&d);
}

/* ---- files that will not do -------------------------------------------------------------------
 */

/* The file at `path` with the first `from` in it replaced by `to`, of equal length. */
static const char *edited(const char *path, const char *from, const char *to) {
    size_t size;
    char *bytes = test_read_file(path, &size), *at = NULL;
    assert_int_equal(strlen(from), strlen(to));
    for (size_t i = 0; i + strlen(from) <= size && !at; i++)
        if (memcmp(bytes + i, from, strlen(from)) == 0)
            at = bytes + i;
    if (!at)
        fail_msg("%s does not hold %s", path, from);
    memcpy(at, to, strlen(to));
    const char *out = test_temp_path("edited.safetensors");
    test_write_file(out, bytes, size);
    free(bytes);
    return out;
}

static void other_files_are_refused(void **state) {
    (void)state;
    data d = new_data(64), more = new_data(65);
    lens_recipe recipe = toy_recipe(LENS_ADAM);
    recipe.keep_best = true;
    record r = {.stop_at_step = 6};
    lens_train_callbacks callbacks = callbacks_of(&r);
    lens_trainer *trainer = new_trainer(&recipe, 5, &d);
    assert_fails(lens_trainer_run(trainer, &callbacks), LENS_INTERRUPTED, "");
    char path[256]; /* test_temp_path()'s own are used up below */
    snprintf(path, sizeof path, "%s", test_temp_path("good.safetensors"));
    assert_ok(lens_trainer_save(trainer, path));

    static const struct {
        const char *from, *to;
        lens_status status;
        const char *message;
    } edits[] = {
        {"checkpoint 2", "checkpoint 1", LENS_UNSUPPORTED, "\"lenslet checkpoint 1\""},
        {"lenslet checkpoint 2", "somebody's weights 1", LENS_BAD_FILE, "holds no checkpoint"},
        {"\"format\"", "\"formal\"", LENS_BAD_FILE, "holds no checkpoint"},
        {"\"recipe\"", "\"recipt\"", LENS_BAD_FILE, "has no \"recipe\""},
        {"\"step\"", "\"stop\"", LENS_BAD_FILE, "has no \"step\""},
        {"\"step\":\"6\"", "\"step\":\"x\"", LENS_BAD_FILE, "\"step\" is \"x\""},
        {"\"step\":\"6\"", "\"step\":\"9\"", LENS_BAD_FILE, "step 9 and 1 epochs do not fit"},
        {"adam", "adan", LENS_BAD_FILE, "recipe: \"kind\""},
        {"epochs\\\":3", "epochs\\\":0", LENS_BAD_FILE, "epochs is 0"},
        {"\"train_images\":\"64\"", "\"train_images\":\"63\"", LENS_BAD_ARGUMENT,
         "training on 63 images, this data has 64"},
        {"optimizer.v", "optimizer.w", LENS_BAD_FILE, "has no array optimizer.v"},
        {"trainer.best", "trainer.beat", LENS_BAD_FILE, "has no array trainer.best"},
    };
    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
        const char *bad = edited(path, edits[i].from, edits[i].to);
        assert_refused(bad, NULL, &d, edits[i].status, edits[i].message);
        assert_refused(bad, NULL, &d, edits[i].status, "edited.safetensors: ");
    }
    /* cut short anywhere, never a crash and never half a state */
    size_t size;
    char *bytes = test_read_file(path, &size);
    const char *cut = test_temp_path("cut.safetensors");
    for (size_t length = 0; length < size; length += 1 + size / 61) {
        test_write_file(cut, bytes, length);
        assert_refused(cut, NULL, &d, LENS_BAD_FILE, "cut.safetensors");
    }
    free(bytes);
    assert_refused(test_temp_path("none"), NULL, &d, LENS_BAD_FILE, "none");
    const char *weights = test_temp_path("only-weights.safetensors");
    assert_ok(lens_net_save(lens_trainer_net(trainer), weights));
    assert_refused(weights, NULL, &d, LENS_BAD_FILE, "holds no checkpoint");
    assert_refused(path, NULL, &more, LENS_BAD_ARGUMENT, "this data has 65");
    lens_trainer_free(trainer);
    free_data(&d);
    free_data(&more);
}

static void another_network_is_refused(void **state) {
    (void)state;
    data d = new_data(64);
    lens_recipe recipe = toy_recipe(LENS_ADAM);
    lens_trainer *trainer = new_trainer(&recipe, 5, &d), *resumed;
    const char *path = test_temp_path("toy.safetensors");
    assert_ok(lens_trainer_save(trainer, path));

    lens_net_spec *spec = toy_net_normalised(4);
    strcpy(spec->name, "other");
    spec->layers[0].conv2d.opts.activation = lens_activation_of(LENS_RELU);
    assert_refused(path, spec, &d, LENS_BAD_ARGUMENT, "is of network toy, which is not the other");
    /* another name and other starting values are no other network; the file's are what counts */
    spec->layers[0].conv2d.opts.activation = lens_activation_of(LENS_TANH);
    spec->layers[0].conv2d.initializer.kind = LENS_HE_NORMAL;
    assert_ok(lens_trainer_resume(&resumed, test_device(), spec, path, 0, d.train, d.test));
    assert_same_state(trainer, resumed);
    lens_trainer_free(resumed);
    lens_trainer_free(trainer);
    lens_net_spec_free(spec);
    free_data(&d);
}

static void a_file_that_cannot_be_written(void **state) {
    (void)state;
    data d = new_data(32);
    lens_recipe recipe = toy_recipe(LENS_SGD);
    lens_trainer *trainer = new_trainer(&recipe, 5, &d);
    const char *path = test_temp_path("no-such-folder/x.safetensors");
    assert_fails(lens_trainer_save(trainer, path), LENS_IO, "no-such-folder");
    assert_int_not_equal(access(path, F_OK), 0);
    lens_trainer_free(trainer);
    free_data(&d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resumed_equals_uninterrupted),
        cmocka_unit_test(epochs_can_be_raised),
        cmocka_unit_test(a_checkpoint_is_a_file_of_weights_too),
        cmocka_unit_test(other_files_are_refused),
        cmocka_unit_test(another_network_is_refused),
        cmocka_unit_test(a_file_that_cannot_be_written),
    };
    return cmocka_run_group_tests(tests, NULL, test_close);
}
