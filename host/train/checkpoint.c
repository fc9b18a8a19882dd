/* checkpoint.c: a run in a file, to go on from or to use the weights of.
 *
 * safetensors, with the weights under their parameters' names, so that every reader of weights
 * reads a checkpoint too, and beside them
 *
 *     optimizer.m, optimizer.v   the slots, in the order of lens_net_parameters()
 *     trainer.totals             loss and right answers summed over the epoch so far
 *     trainer.best               keep_best: the best weights so far, or, when the run is over and
 *     trainer.last               the weights are the best, those of the last step
 *
 * and in the metadata what else a run is: architecture, recipe, seed, step, names of the classes.
 */
#include "core/error.h"
#include "core/size.h"
#include "io/net_file.h"
#include "train/recipe.h"
#include "train/trainer.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT "lenslet checkpoint 2" /* 1: the slots in another order */

static const char *slot_name(lens_optimizer_kind kind, size_t index) {
    return index == 1 || kind == LENS_RMSPROP ? "optimizer.v" : "optimizer.m";
}

/* ---- writing -------------------------------------------------------------------------------- */

/* The arrays of a checkpoint and one block with the values of all of them. */
typedef struct collection {
    lens_array *arrays;
    size_t count;
    float *values;
    size_t used;
} collection;

/* One of the trainer's own tensors, a flat array. */
static lens_status collect_flat(collection *c, const char *name, const lens_tensor *tensor) {
    size_t count = lens_tensor_count(tensor);
    lens_array *array = &c->arrays[c->count++];
    *array = (lens_array){.type = "F32",
                          .rank = 1,
                          .dims = {count},
                          .bytes = count * sizeof(float),
                          .values = c->values + c->used};
    strcpy(array->name, name);
    LENS_TRY(lens_tensor_read(tensor, c->values + c->used));
    c->used += count;
    return LENS_OK;
}

static lens_status collect_parameters(collection *c, const lens_net *net) {
    for (size_t i = 0; i < lens_net_parameter_count(net); i++) {
        const lens_parameter *parameter = lens_net_parameter(net, i);
        c->arrays[c->count++] = lens_parameter_array(parameter, c->values + c->used);
        size_t count = lens_tensor_count(parameter->value);
        LENS_TRY(lens_tensor_read(parameter->value, c->values + c->used));
        for (size_t v = 0; v < count; v++)
            if (!isfinite(c->values[c->used + v]))
                return lens_fail(LENS_DIVERGED, "%s has values that are no finite numbers",
                                 parameter->name);
        c->used += count;
    }
    return LENS_OK;
}

static lens_status collect(collection *c, const lens_trainer *trainer) {
    size_t state = lens_tensor_count(lens_net_state(trainer->net));
    size_t trained = lens_tensor_count(lens_net_parameters(trainer->net));
    size_t slots = lens_optimizer_slots(trainer->recipe.optimizer.kind);
    size_t values = 2 * state + slots * trained + 2;
    size_t arrays = lens_net_parameter_count(trainer->net) + slots + 2;
    c->arrays = calloc(arrays, sizeof *c->arrays);
    c->values = malloc(values * sizeof *c->values);
    if (!c->arrays || !c->values)
        return lens_fail_memory("checkpoint", values * sizeof *c->values);
    LENS_TRY(collect_parameters(c, trainer->net));
    for (size_t i = 0; i < slots; i++)
        LENS_TRY(collect_flat(c, slot_name(trainer->recipe.optimizer.kind, i), trainer->slots[i]));
    if (trainer->kept && trainer->best_accuracy >= 0)
        LENS_TRY(
            collect_flat(c, trainer->holds_best ? "trainer.last" : "trainer.best", trainer->kept));
    return collect_flat(c, "trainer.totals", trainer->total);
}

#define WATCH_FORMAT "%lg %" SCNu64 " %" SCNu64 " %" SCNu64

static void print_watch(char *text, size_t size, const lens_watch *watch) {
    snprintf(text, size, "%.17g %" PRIu64 " %" PRIu64 " %" PRIu64, watch->best, watch->stale,
             watch->plateau, watch->drops);
}

static lens_status write_file(const char *path, const lens_trainer *trainer, const collection *c,
                              const char *architecture, const char *recipe, const char *classes) {
    char seed[32], step[32], closed[32], seen[32], images[32], best[64], watch[128];
    snprintf(seed, sizeof seed, "%" PRIu64, trainer->seed);
    snprintf(step, sizeof step, "%" PRIu64, trainer->step);
    snprintf(closed, sizeof closed, "%" PRIu64, trainer->closed);
    snprintf(seen, sizeof seen, "%" PRIu64, trainer->images);
    snprintf(images, sizeof images, "%zu", lens_dataset_shape(trainer->train).n);
    snprintf(best, sizeof best, "%.17g", trainer->best_accuracy);
    print_watch(watch, sizeof watch, &trainer->watch);
    const lens_metadata metadata[] = {
        {"format", FORMAT},
        {"lenslet", lens_version()},
        {"architecture", architecture},
        {"model", lens_net_get_spec(trainer->net)->name},
        {"recipe", recipe},
        {"seed", seed},
        {"step", step},
        {"epochs_closed", closed},
        {"epoch_images", seen},
        {"train_images", images},
        {"best_accuracy", best},
        {"least_loss_and_stale_epochs", watch},
        {"classes", classes},
    };
    size_t entries = sizeof metadata / sizeof metadata[0] - (classes == NULL);
    return lens_safetensors_write(path, c->arrays, c->count, metadata, entries);
}

lens_status lens_trainer_save(const lens_trainer *trainer, const char *path) {
    assert(trainer && path);
    lens_span span = lens_span_begin(lens_context_trace(trainer->context), "write checkpoint");
    collection c = {0};
    char *architecture = NULL, *recipe = NULL, *classes = NULL;
    lens_status status = lens_keras_print(&architecture, lens_net_get_spec(trainer->net));
    if (status == LENS_OK)
        status = lens_recipe_print(&recipe, &trainer->recipe);
    if (status == LENS_OK)
        status = lens_class_names_print(&classes, trainer->train);
    if (status == LENS_OK)
        status = collect(&c, trainer);
    if (status == LENS_OK)
        status = write_file(path, trainer, &c, architecture, recipe, classes);
    else if (status == LENS_DIVERGED)
        lens_fail_prefix(status, "%s is not written: ", path);
    free(classes);
    free(c.arrays);
    free(c.values);
    free(recipe);
    free(architecture);
    lens_span_end(&span);
    return status;
}

/* ---- reading: the metadata ------------------------------------------------------------------ */

typedef struct checkpoint {
    const char *path;
    lens_safetensors *file;
    lens_net_spec *spec;
    lens_recipe recipe;
    uint64_t seed, step, closed, seen, images;
    double best_accuracy;
    lens_watch watch;
} checkpoint;

static lens_status get_text(const char **out, const checkpoint *c, const char *key) {
    *out = lens_safetensors_metadata(c->file, key);
    return *out ? LENS_OK
                : lens_fail(LENS_BAD_FILE, "%s: the metadata has no \"%s\"", c->path, key);
}

static lens_status get_number(uint64_t *out, const checkpoint *c, const char *key) {
    const char *text;
    char *end;
    LENS_TRY(get_text(&text, c, key));
    errno = 0;
    *out = strtoull(text, &end, 10);
    if (errno || end == text || *end || *text == '-')
        return lens_fail(LENS_BAD_FILE, "%s: \"%s\" is \"%.40s\", it must be a whole number",
                         c->path, key, text);
    return LENS_OK;
}

static lens_status get_best_accuracy(checkpoint *c) {
    const char *text;
    char *end;
    LENS_TRY(get_text(&text, c, "best_accuracy"));
    c->best_accuracy = strtod(text, &end);
    if (end == text || *end || !(c->best_accuracy >= -1 && c->best_accuracy <= 1))
        return lens_fail(LENS_BAD_FILE, "%s: \"best_accuracy\" is \"%.40s\", it must be -1 .. 1",
                         c->path, text);
    return LENS_OK;
}

static lens_status get_watch(checkpoint *c) {
    static const char key[] = "least_loss_and_stale_epochs";
    const char *text;
    int end = 0;
    lens_watch *w = &c->watch;
    *w = lens_watch_start();
    if (!lens_safetensors_metadata(c->file, key))
        return LENS_OK; /* of an older version */
    LENS_TRY(get_text(&text, c, key));
    if (sscanf(text, WATCH_FORMAT "%n", &w->best, &w->stale, &w->plateau, &w->drops, &end) != 4 ||
        text[end] || isnan(w->best))
        return lens_fail(LENS_BAD_FILE,
                         "%s: \"%s\" is \"%.60s\", it must be a number and three whole ones",
                         c->path, key, text);
    return LENS_OK;
}

static lens_status read_metadata(checkpoint *c) {
    const char *format = lens_safetensors_metadata(c->file, "format"), *architecture, *recipe;
    if (!format || strncmp(format, FORMAT, strlen(FORMAT) - 1) != 0)
        return lens_fail(LENS_BAD_FILE,
                         "%s: holds no checkpoint; training goes on from one that train wrote",
                         c->path);
    if (strcmp(format, FORMAT) != 0)
        return lens_fail(LENS_UNSUPPORTED, "%s: its format is \"%.40s\", this reads \"%s\"",
                         c->path, format, FORMAT);
    LENS_TRY(get_text(&architecture, c, "architecture"));
    LENS_TRY(lens_keras_parse(&c->spec, architecture, c->path));
    LENS_TRY(get_text(&recipe, c, "recipe"));
    lens_status status = lens_recipe_parse(&c->recipe, recipe);
    if (status != LENS_OK)
        return lens_fail_prefix(LENS_BAD_FILE, "%s: ", c->path);
    LENS_TRY(get_number(&c->seed, c, "seed"));
    LENS_TRY(get_number(&c->step, c, "step"));
    LENS_TRY(get_number(&c->closed, c, "epochs_closed"));
    LENS_TRY(get_number(&c->seen, c, "epoch_images"));
    LENS_TRY(get_number(&c->images, c, "train_images"));
    LENS_TRY(get_watch(c));
    return get_best_accuracy(c);
}

/* ---- reading: is it this trainer's run ------------------------------------------------------ */

/* The architecture's JSON without what a recipe chooses, and without the name. */
static lens_status print_structure(char **text, const lens_net_spec *spec) {
    lens_net_spec *copy;
    LENS_TRY(lens_net_spec_copy(&copy, spec));
    strcpy(copy->name, "any");
    for (size_t i = 0; i < copy->layer_count; i++) {
        lens_layer_spec *layer = &copy->layers[i];
        if (layer->kind == LENS_LAYER_CONV2D)
            layer->conv2d.initializer = (lens_initializer){0}, layer->conv2d.initial_bias = 0;
        if (layer->kind == LENS_LAYER_DENSE)
            layer->dense.initializer = (lens_initializer){0}, layer->dense.initial_bias = 0;
    }
    lens_status status = lens_keras_print(text, copy);
    lens_net_spec_free(copy);
    return status;
}

static lens_status check_architecture(const checkpoint *c, const lens_net_spec *expected) {
    char *theirs = NULL, *ours = NULL;
    lens_status status = print_structure(&theirs, c->spec);
    if (status == LENS_OK)
        status = print_structure(&ours, expected);
    if (status == LENS_OK && strcmp(ours, theirs) != 0)
        status = lens_fail(LENS_BAD_ARGUMENT,
                           "%s: the checkpoint is of network %s, which is not the %s that is "
                           "being trained",
                           c->path, c->spec->name, expected->name);
    free(theirs);
    free(ours);
    return status;
}

/* Step, epochs and images agree with each other and with the data at hand. */
static lens_status check_progress(const checkpoint *c, const lens_trainer *fresh) {
    uint64_t images = lens_dataset_shape(fresh->train).n, per_epoch = fresh->steps_per_epoch;
    if (c->images != images)
        return lens_fail(LENS_BAD_ARGUMENT,
                         "%s: the checkpoint was training on %" PRIu64
                         " images, this data has %" PRIu64,
                         c->path, c->images, images);
    uint64_t whole = c->step / per_epoch;
    bool pending = c->step % per_epoch == 0 && whole == c->closed + 1;
    if (whole > c->recipe.epochs || (c->closed != whole && !pending))
        return lens_fail(LENS_BAD_FILE,
                         "%s: step %" PRIu64 " and %" PRIu64 " epochs do not fit epochs of %" PRIu64
                         " steps",
                         c->path, c->step, c->closed, per_epoch);
    return LENS_OK;
}

/* ---- reading: the arrays -------------------------------------------------------------------- */

static lens_status load_flat(lens_tensor *tensor, const checkpoint *c, const char *name) {
    const lens_array *array = lens_safetensors_find(c->file, name);
    size_t count = lens_tensor_count(tensor);
    if (!array)
        return lens_fail(LENS_BAD_FILE, "%s: has no array %s", c->path, name);
    if (strcmp(array->type, "F32") != 0 || array->rank != 1 || array->dims[0] != count)
        return lens_fail(LENS_BAD_FILE, "%s: array %s must be F32 of %zu elements", c->path, name,
                         count);
    float *values = malloc(array->bytes); /* the file's may be unaligned */
    if (!values)
        return lens_fail_memory(c->path, array->bytes);
    memcpy(values, array->values, array->bytes);
    lens_status status = lens_tensor_write(tensor, values);
    free(values);
    return status;
}

static lens_status load_arrays(lens_trainer *fresh, const checkpoint *c) {
    LENS_TRY(lens_net_load_arrays(fresh->net, c->file, c->path));
    lens_optimizer_kind kind = fresh->recipe.optimizer.kind;
    for (size_t i = 0; i < lens_optimizer_slots(kind); i++)
        LENS_TRY(load_flat(fresh->slots[i], c, slot_name(kind, i)));
    if (fresh->kept && c->best_accuracy >= 0) {
        fresh->holds_best = lens_safetensors_find(c->file, "trainer.last") != NULL;
        LENS_TRY(load_flat(fresh->kept, c, fresh->holds_best ? "trainer.last" : "trainer.best"));
    }
    return load_flat(fresh->total, c, "trainer.totals");
}

/* A new trainer, at the place where the file's run was saved. */
static lens_status restore(lens_trainer *trainer, const checkpoint *c) {
    LENS_TRY(check_progress(c, trainer));
    LENS_TRY(load_arrays(trainer, c));
    trainer->step = c->step;
    trainer->closed = c->closed;
    trainer->images = c->seen;
    trainer->best_accuracy = c->best_accuracy;
    trainer->watch = c->watch;
    return LENS_OK;
}

static lens_status open_checkpoint(checkpoint *c, const lens_net_spec *expected, size_t epochs) {
    LENS_TRY(lens_safetensors_read(&c->file, c->path));
    LENS_TRY(read_metadata(c));
    c->recipe.epochs = lens_size_max(c->recipe.epochs, epochs);
    return expected ? check_architecture(c, expected) : LENS_OK;
}

lens_status lens_trainer_resume(lens_trainer **out, lens_context *context,
                                const lens_net_spec *expected, const char *path, size_t epochs,
                                const lens_dataset *train_data, const lens_dataset *test_data) {
    assert(out && context && path && train_data);
    checkpoint c = {.path = path};
    *out = NULL;
    lens_status status = open_checkpoint(&c, expected, epochs);
    if (status == LENS_OK)
        status = lens_trainer_new(out, context, c.spec, &c.recipe, c.seed, train_data, test_data);
    if (status == LENS_OK)
        status = restore(*out, &c);
    lens_net_spec_free(c.spec);
    lens_safetensors_free(c.file);
    if (status != LENS_OK) {
        lens_trainer_free(*out);
        *out = NULL;
    }
    return status;
}
