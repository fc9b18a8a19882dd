/* trainer.c: the training loop.
 *
 * One epoch: batches from the loader, each fed, run forward, scored, run backward and stepped,
 * without a wait; then one read of the scores, validation, a report. All that a run is at some
 * step is in lens_trainer, and a function of (seed, step, data, recipe) but for the weights and
 * slots themselves; that is what makes a resumed run equal to an uninterrupted one.
 */
#include "train/trainer.h"
#include "core/error.h"
#include "core/timeline.h"
#include "core/size.h"
#include "train/class_weights.h"
#include "train/clock.h"
#include "train/evaluate.h"
#include "train/recipe.h"

#include <assert.h>
#include <stdlib.h>

/* ---- life ----------------------------------------------------------------------------------- */

static lens_status split_data(lens_trainer *trainer) {
    const lens_recipe *recipe = &trainer->recipe;
    size_t images = lens_dataset_shape(trainer->given_train).n, held = recipe->validation;
    trainer->train = trainer->given_train;
    trainer->validation = trainer->given_test;
    if (held >= images)
        return lens_fail(LENS_BAD_ARGUMENT,
                         "recipe: %zu images to hold out, the training set has %zu", held, images);
    if (recipe->keep_best && !held && !trainer->given_test)
        return lens_fail(LENS_BAD_ARGUMENT,
                         "recipe: keep_best needs images to validate on, and there are none");
    if (held == 0)
        return LENS_OK;
    size_t first = recipe->validation_first ? 0 : images - held;
    LENS_TRY(lens_dataset_slice(&trainer->validation_slice, trainer->given_train, first, held));
    LENS_TRY(lens_dataset_slice(&trainer->train_slice, trainer->given_train,
                                recipe->validation_first ? held : 0, images - held));
    trainer->train = trainer->train_slice;
    trainer->validation = trainer->validation_slice;
    return LENS_OK;
}

static lens_status new_filled(lens_tensor **out, lens_context *context, size_t count) {
    LENS_TRY(lens_tensor_new(out, context, (lens_shape){1, count, 1, 1}));
    return lens_tensor_fill(*out, 0);
}

static lens_status new_tensors(lens_trainer *trainer) {
    lens_context *context = trainer->context;
    const lens_optimizer_opts *optimizer = &trainer->recipe.optimizer;
    size_t count = lens_tensor_count(lens_net_parameters(trainer->net));
    for (size_t i = 0; i < lens_optimizer_slots(optimizer->kind); i++)
        LENS_TRY(new_filled(&trainer->slots[i], context, count));
    LENS_TRY(lens_groups_new(&trainer->groups, trainer->net, &trainer->recipe, trainer->slots));
    if (optimizer->clip_norm > 0) {
        size_t scratch;
        LENS_TRY(new_filled(&trainer->norm, context, 1));
        LENS_TRY(lens_optimizer_scratch(&scratch, context, count));
        if (scratch)
            LENS_TRY(new_filled(&trainer->norm_scratch, context, scratch));
    }
    if (trainer->recipe.keep_best)
        LENS_TRY(
            new_filled(&trainer->kept, context, lens_tensor_count(lens_net_state(trainer->net))));
    return new_filled(&trainer->total, context, 2);
}

static lens_status build(lens_trainer *trainer, const lens_net_spec *spec) {
    const lens_recipe *recipe = &trainer->recipe;
    LENS_TRY(lens_recipe_check(recipe));
    LENS_TRY(split_data(trainer));
    size_t images = lens_dataset_shape(trainer->train).n;
    trainer->steps_per_epoch = lens_size_div_up(images, recipe->batch);
    lens_net_opts opts = lens_net_defaults();
    opts.batch = lens_size_min(recipe->batch, images);
    opts.training = true;
    opts.loss = recipe->loss;
    opts.weighted = recipe->class_weights[0] != 0;
    LENS_TRY(lens_net_check_memory(trainer->context, spec, &opts,
                                   lens_optimizer_slots(recipe->optimizer.kind)));
    LENS_TRY(lens_net_new(&trainer->net, trainer->context, spec, &opts));
    if (!lens_net_parameters(trainer->net))
        return lens_fail(LENS_BAD_ARGUMENT, "network %s has no parameters to train", spec->name);
    LENS_TRY(lens_augment_check(&recipe->augment, &recipe->preprocess,
                                lens_tensor_shape(lens_net_input(trainer->net))));
    LENS_TRY(lens_net_initialize(trainer->net, trainer->seed));
    LENS_TRY(
        lens_class_weights_new(&trainer->class_weights, recipe->class_weights, trainer->train));
    LENS_TRY(lens_feed_new(&trainer->feed, trainer->net, trainer->train, &recipe->preprocess,
                           trainer->class_weights));
    return new_tensors(trainer);
}

lens_status lens_trainer_new(lens_trainer **out, lens_context *context, const lens_net_spec *spec,
                             const lens_recipe *recipe, uint64_t seed,
                             const lens_dataset *train_data, const lens_dataset *test_data) {
    assert(out && context && spec && recipe && train_data);
    *out = NULL;
    lens_trainer *trainer = calloc(1, sizeof *trainer);
    if (!trainer)
        return lens_fail_memory("trainer", sizeof *trainer);
    *trainer = (lens_trainer){.context = context,
                              .recipe = *recipe,
                              .seed = seed,
                              .given_train = train_data,
                              .given_test = test_data,
                              .best_accuracy = -1,
                              .watch = lens_watch_start()};
    lens_status status = build(trainer, spec);
    if (status != LENS_OK) {
        lens_trainer_free(trainer);
        return status;
    }
    *out = trainer;
    return LENS_OK;
}

void lens_trainer_free(lens_trainer *trainer) {
    if (!trainer)
        return;
    lens_feed_free(trainer->feed);
    free(trainer->class_weights);
    lens_groups_free(&trainer->groups);
    lens_net_free(trainer->net);
    for (size_t i = 0; i < LENS_SLOTS_MOST; i++)
        lens_tensor_free(trainer->slots[i]);
    lens_tensor_free(trainer->norm);
    lens_tensor_free(trainer->norm_scratch);
    lens_tensor_free(trainer->total);
    lens_tensor_free(trainer->kept);
    lens_dataset_free(trainer->train_slice);
    lens_dataset_free(trainer->validation_slice);
    free(trainer);
}

lens_net *lens_trainer_net(const lens_trainer *trainer) {
    return trainer->net;
}

const lens_recipe *lens_trainer_recipe(const lens_trainer *trainer) {
    return &trainer->recipe;
}

uint64_t lens_trainer_step(const lens_trainer *trainer) {
    return trainer->step;
}

uint64_t lens_trainer_seed(const lens_trainer *trainer) {
    return trainer->seed;
}

/* ---- one step ------------------------------------------------------------------------------- */

static uint64_t all_steps(const lens_trainer *trainer) {
    return trainer->steps_per_epoch * trainer->recipe.epochs;
}

static float rate_of(const lens_trainer *trainer, uint64_t step) {
    return trainer->recipe.optimizer.rate *
           lens_schedule_factor(&trainer->recipe.schedule, step, trainer->steps_per_epoch,
                                all_steps(trainer), trainer->watch.drops);
}

static lens_status update(lens_trainer *trainer) {
    lens_optimizer_opts opts = trainer->recipe.optimizer;
    opts.rate = rate_of(trainer, trainer->step);
    if (trainer->norm)
        LENS_TRY(lens_optimizer_norm(trainer->norm, lens_net_gradients(trainer->net),
                                     trainer->norm_scratch));
    return lens_groups_step(&trainer->groups, trainer->norm, trainer->step + 1, &opts);
}

static lens_status train_images(lens_trainer *trainer, const lens_batch *batch) {
    LENS_TRY(lens_feed_batch(trainer->feed, batch));
    LENS_TRY(lens_net_forward_training(trainer->net, trainer->seed, trainer->step));
    LENS_TRY(lens_net_loss(trainer->net, trainer->total, trainer->images > 0));
    LENS_TRY(lens_net_backward(trainer->net));
    return update(trainer);
}

/* A batch none of whose pictures can be read is a step that changes nothing. */
static lens_status train_batch(lens_trainer *trainer, const lens_batch *batch) {
    lens_trace_args args = {.used = 0};
    lens_trace_args_number(&args, "step", (double)trainer->step + 1);
    lens_span span = lens_span_begin_on(lens_context_trace(trainer->context), LENS_TRACK_HOST,
                                        "step", args.text);
    if (batch->index == 0)
        trainer->images = 0;
    lens_status status = batch->count ? train_images(trainer, batch) : LENS_OK;
    lens_span_end(&span);
    LENS_TRY(status);
    trainer->images += batch->count;
    trainer->step++;
    return LENS_OK;
}

/* ---- one epoch ------------------------------------------------------------------------------ */

static lens_status read_totals(const lens_trainer *trainer, lens_metrics *metrics) {
    if (trainer->images == 0)
        return lens_fail(LENS_BAD_FILE, "none of the %zu pictures to train on can be read",
                         lens_dataset_shape(trainer->train).n);
    return lens_metrics_read(metrics, trainer->total, trainer->images);
}

/* The rest of the epoch that the next step is in. */
static lens_status train_epoch(lens_trainer *trainer, lens_loader *loader,
                               const lens_train_callbacks *callbacks, lens_epoch_report *report) {
    uint64_t epoch = trainer->step / trainer->steps_per_epoch;
    uint64_t end = (epoch + 1) * trainer->steps_per_epoch;
    uint64_t images_before = trainer->step % trainer->steps_per_epoch ? trainer->images : 0;
    double waited_before = lens_loader_waited(loader);
    lens_pacer pacer = lens_pacer_start(callbacks);
    lens_progress progress = {.phase = "train",
                              .epoch = (size_t)epoch + 1,
                              .epochs = trainer->recipe.epochs,
                              .images = lens_dataset_shape(trainer->train).n};
    while (trainer->step < end) {
        lens_batch batch;
        if (!lens_loader_next(loader, &batch))
            return lens_loader_status(loader);
        LENS_TRY(train_batch(trainer, &batch));
        LENS_TRY(lens_guard_step(trainer));
        progress.collapse = lens_guard_collapse(&trainer->guard);
        progress.image = trainer->images;
        LENS_TRY(lens_pacer_report(&pacer, &progress, trainer->total));
    }
    LENS_TRY(read_totals(trainer, &report->train));
    report->seconds = lens_seconds() - pacer.started;
    report->images_per_second =
        (double)(trainer->images - images_before) / (report->seconds > 0 ? report->seconds : 1e-9);
    report->waited_seconds = lens_loader_waited(loader) - waited_before;
    return LENS_OK;
}

static bool is_over(const lens_trainer *trainer) {
    return trainer->closed >= trainer->recipe.epochs ||
           lens_watch_out_of_patience(&trainer->watch, &trainer->recipe);
}

/* Validate, keep the weights if they are the best so far, report. */
static lens_status close_epoch(lens_trainer *trainer, const lens_train_callbacks *callbacks,
                               lens_epoch_report *report) {
    report->epoch = (size_t)trainer->closed + 1;
    report->rate = (double)rate_of(trainer, trainer->step - 1);
    report->collapse = lens_guard_collapse(&trainer->guard);
    if (trainer->validation) {
        lens_evaluation evaluation = {.phase = "validation",
                                      .epoch = report->epoch,
                                      .epochs = trainer->recipe.epochs,
                                      .preprocess = trainer->recipe.preprocess};
        LENS_TRY(lens_evaluate_phase(&report->validation, trainer->net, trainer->validation,
                                     &evaluation, callbacks));
    }
    if (trainer->kept && report->validation.accuracy > trainer->best_accuracy) {
        LENS_TRY(lens_tensor_copy(trainer->kept, lens_net_state(trainer->net)));
        trainer->best_accuracy = report->validation.accuracy;
    }
    lens_watch_epoch(&trainer->watch, &trainer->recipe,
                     trainer->validation ? report->validation.loss : report->train.loss);
    trainer->closed++;
    report->out_of_patience = is_over(trainer) && trainer->closed < trainer->recipe.epochs;
    if (callbacks && callbacks->epoch && !callbacks->epoch(report, callbacks->user))
        return lens_fail(LENS_INTERRUPTED, "training stopped after epoch %zu of %zu", report->epoch,
                         trainer->recipe.epochs);
    return LENS_OK;
}

/* ---- the run -------------------------------------------------------------------------------- */

/* The net's weights and the kept ones change places. */
static lens_status swap_weights(lens_trainer *trainer) {
    lens_tensor *weights = lens_net_state(trainer->net);
    size_t count = lens_tensor_count(weights);
    float *values = malloc(2 * count * sizeof *values);
    if (!values)
        return lens_fail_memory("weights", 2 * count * sizeof *values);
    lens_status status = lens_tensor_read(weights, values);
    if (status == LENS_OK)
        status = lens_tensor_read(trainer->kept, values + count);
    if (status == LENS_OK)
        status = lens_tensor_write(weights, values + count);
    if (status == LENS_OK)
        status = lens_tensor_write(trainer->kept, values);
    if (status == LENS_OK)
        trainer->holds_best = !trainer->holds_best;
    free(values);
    return status;
}

static lens_status new_loader(lens_loader **out, const lens_trainer *trainer) {
    lens_loader_opts opts = lens_loader_defaults();
    opts.batch = trainer->recipe.batch;
    opts.seed = trainer->seed;
    opts.epoch = trainer->step / trainer->steps_per_epoch;
    opts.first = (size_t)(trainer->step % trainer->steps_per_epoch);
    opts.preprocess = trainer->recipe.preprocess;
    opts.augment = trainer->recipe.augment;
    opts.input = lens_tensor_shape(lens_net_input(trainer->net));
    opts.loop = true;
    opts.trace = lens_context_trace(trainer->context);
    return lens_loader_new(out, trainer->train, &opts);
}

/* An epoch whose steps are done but whose validation was interrupted is closed first. */
static lens_status run_epochs(lens_trainer *trainer, lens_loader *loader,
                              const lens_train_callbacks *callbacks) {
    while (!is_over(trainer)) {
        lens_epoch_report report = {0};
        if (trainer->step < (trainer->closed + 1) * trainer->steps_per_epoch)
            LENS_TRY(train_epoch(trainer, loader, callbacks, &report));
        else
            LENS_TRY(read_totals(trainer, &report.train));
        LENS_TRY(close_epoch(trainer, callbacks, &report));
    }
    return LENS_OK;
}

lens_status lens_trainer_run(lens_trainer *trainer, const lens_train_callbacks *callbacks) {
    assert(trainer);
    if (is_over(trainer) && (trainer->holds_best || !trainer->kept))
        return LENS_OK;
    if (trainer->holds_best)
        LENS_TRY(swap_weights(trainer));
    LENS_TRY(lens_guard_start(trainer));
    lens_loader *loader;
    LENS_TRY(new_loader(&loader, trainer));
    lens_status status = run_epochs(trainer, loader, callbacks);
    lens_loader_free(loader);
    bool ended = status == LENS_OK || status == LENS_DIVERGED;
    if (ended && trainer->kept && trainer->best_accuracy >= 0) {
        lens_status swapped = swap_weights(trainer);
        return status == LENS_OK ? swapped : status;
    }
    return status;
}
