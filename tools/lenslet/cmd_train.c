/* cmd_train.c: train a network and write a checkpoint, also when interrupted. */
#include "curve.h"
#include "model.h"
#include "pick.h"
#include "progress.h"
#include "table.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct train_options {
    const char *data, *recipe, *augment, *resume, *out, *log, *curve, *device, *algorithm;
    const char *layer_rates, *layer_decays, *class_weights;
    size_t epochs, batch, side, warmup, every, patience; /* COUNT_UNSET: the recipe's */
    double rate, l2, weight_decay, gamma, min_delta, validation_split; /* NaN: the recipe's */
    int optimizer, schedule, preprocess, fit; /* 0: the recipe's, else the kind + 1 */
    int format;
    uint64_t seed;
    bool strict, keep_best, quiet, profile;
} train_options;

static const option options[] = {
    {"data", 0, OPTION_TEXT, "DIR", "directory of IDX files, CIFAR or image folders",
     offsetof(train_options, data)},
    {"epochs", 'e', OPTION_COUNT, "E", "passes over the training images; default: the recipe's",
     offsetof(train_options, epochs), 1, 1e6},
    {"batch-size", 'b', OPTION_COUNT, "B", "images a step; default: the recipe's",
     offsetof(train_options, batch), 1, 1 << 20},
    {"seed", 's', OPTION_SEED, "S", "of weights and order; default 0",
     offsetof(train_options, seed)},
    {"recipe", 0, OPTION_TEXT, "NAME", "default, or notebook: as in the model's source notebook",
     offsetof(train_options, recipe)},
    {"optimizer", 0, OPTION_CHOICE, "recipe|sgd|momentum|nesterov|rmsprop|adam|adamw",
     "with Keras's defaults", offsetof(train_options, optimizer)},
    {"lr", 0, OPTION_REAL, "RATE", "learning rate", offsetof(train_options, rate), 0, 1e6},
    {"schedule", 0, OPTION_CHOICE, "recipe|constant|step|exponential|cosine|plateau|lecun1998",
     "of the learning rate; plateau: times --gamma when the loss gets no better",
     offsetof(train_options, schedule)},
    {"warmup", 0, OPTION_COUNT, "STEPS", "in which the rate grows to its value",
     offsetof(train_options, warmup), 0, 1e9},
    {"gamma", 0, OPTION_REAL, "G", "factor of step, exponential, plateau; default 0.1",
     offsetof(train_options, gamma), 0, 1},
    {"every", 0, OPTION_COUNT, "E", "epochs between steps; how many no better ones are a plateau",
     offsetof(train_options, every), 1, 1e6},
    {"l2", 0, OPTION_REAL, "L", "adds L times the weight to its gradient",
     offsetof(train_options, l2), 0, 1e6},
    {"weight-decay", 0, OPTION_REAL, "W", "decoupled weight decay; neither is for biases",
     offsetof(train_options, weight_decay), 0, 1e6},
    {"layer-rates", 0, OPTION_TEXT, "LIST",
     "multiples of the rate, as conv2d_1=0,dense_3=10; 0 leaves a layer as it is",
     offsetof(train_options, layer_rates)},
    {"layer-decays", 0, OPTION_TEXT, "LIST", "multiples of --l2 and --weight-decay, likewise",
     offsetof(train_options, layer_decays)},
    {"preprocess", 0, OPTION_CHOICE, "recipe|unit|caffe",
     "pixels to 0 .. 1, or as Caffe does: BGR less ImageNet's mean",
     offsetof(train_options, preprocess)},
    {"fit", 0, OPTION_CHOICE, "recipe|crop|stretch|pad",
     "pictures of other proportions than the net's input", offsetof(train_options, fit)},
    {"side", 0, OPTION_COUNT, "PIXELS",
     "resize pictures to this shorter side, then cut them to the input; 0: the input's",
     offsetof(train_options, side), 0, 16384},
    {"augment", 0, OPTION_TEXT, "LIST",
     "any of flip,crop,pad-crop:PIXELS,lighting, or none; crop sets --side to 8/7 of the input's "
     "when there is none",
     offsetof(train_options, augment)},
    {"strict", 0, OPTION_FLAG, NULL, "a picture that cannot be read is an error",
     offsetof(train_options, strict)},
    {"validation-split", 0, OPTION_REAL, "PART",
     "hold out the last part, 0 .. 0.9, of the training images; without it each epoch is "
     "validated on the test images",
     offsetof(train_options, validation_split), 0, 0.9},
    {"class-weights", 0, OPTION_TEXT, "LIST",
     "how much images of class 0, 1, ... count, as 1,2.5; or balanced: all classes alike",
     offsetof(train_options, class_weights)},
    {"patience", 0, OPTION_COUNT, "E",
     "stop after so many epochs whose validation loss was no better; 0: never",
     offsetof(train_options, patience), 0, 1e6},
    {"min-delta", 0, OPTION_REAL, "D", "what better means at least, for --patience and plateau",
     offsetof(train_options, min_delta), 0, 1e6},
    {"keep-best", 0, OPTION_FLAG, NULL,
     "keep the weights of the best validation accuracy and end with them",
     offsetof(train_options, keep_best)},
    {"out", 'o', OPTION_TEXT, "F.safetensors", "the checkpoint; default MODEL.safetensors",
     offsetof(train_options, out)},
    {"resume", 0, OPTION_TEXT, "F.safetensors",
     "go on where this checkpoint stopped; MODEL, seed and recipe are then the file's",
     offsetof(train_options, resume)},
    {"log", 0, OPTION_TEXT, "F.jsonl", "one JSON line per epoch; appended to when resuming",
     offsetof(train_options, log)},
    {"curve", 0, OPTION_TEXT, "F.svg", "draw the log so far after each epoch; needs --log",
     offsetof(train_options, curve)},
    {"quiet", 'q', OPTION_FLAG, NULL, "no progress bar and no notes",
     offsetof(train_options, quiet)},
    OPTION_DEVICE_ROW(train_options),
    OPTION_ALGORITHM_ROW(train_options),
    OPTION_PROFILE_ROW(train_options),
    OPTION_FORMAT_ROW(train_options),
    {0},
};

static const table_column columns[] = {
    {"epoch", "Epoch", true, 7},
    {"train_loss", "Loss", true, 8},
    {"train_accuracy", "Accuracy", true, 8},
    {"val_loss", "Val. loss", true, 9},
    {"val_accuracy", "Val. acc.", true, 9},
    {"learning_rate", "Rate", true, 7},
    {"seconds", "Time", true, 7},
    {"images_per_second", "Images/s", true, 9},
    {"waited_part", "Waited", true, 6},
    {0},
};

/* What the callbacks see. */
typedef struct run_state {
    const train_options *o;
    table *epochs;
    FILE *log;
    bool log_failed, curve_failed;
    bool warned;     /* of a collapse */
    char title[256]; /* of the curve */
    progress bar;
} run_state;

/* ---- Ctrl-C and TERM ----------------------------------------------------------------------- */

static volatile sig_atomic_t stopped_by;

static void on_signal(int number) {
    stopped_by = number;
}

/* The first signal asks the run to stop after its step; a second one ends the program at once. */
static void catch_signals(void) {
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

/* ---- callbacks ----------------------------------------------------------------------------- */

/* Once a run, also with --quiet: what is left of it is probably wasted. */
static void warn(run_state *r, const lens_collapse *c) {
    if (!c || r->warned)
        return;
    r->warned = true;
    progress_clear(&r->bar);
    cli_note("lenslet train: warning: collapsed at step %llu: %s%s; the loss, %.4f, has for %llu "
             "steps been\n  no better than that of one answer for all images. Worth a try: %s",
             (unsigned long long)c->step,
             c->layer ? lens_trouble_name(c->trouble) : "every layer looks well",
             c->layer ? out_printf(" in layer %s", c->layer) : "", c->loss,
             (unsigned long long)c->steps, lens_trouble_advice(c->trouble));
}

static json_t *collapse_of(const lens_collapse *c) {
    json_t *object = json_object();
    json_object_set_new(object, "step", json_integer((json_int_t)c->step));
    json_object_set_new(object, "steps", json_integer((json_int_t)c->steps));
    json_object_set_new(object, "loss", out_real(c->loss));
    json_object_set_new(object, "trouble", out_text(lens_trouble_name(c->trouble)));
    json_object_set_new(object, "layer", out_text(c->layer));
    json_object_set_new(object, "advice", out_text(lens_trouble_advice(c->trouble)));
    return object;
}

static bool on_progress(const lens_progress *p, void *user) {
    run_state *r = user;
    warn(r, p->collapse);
    const char *label = out_printf("epoch %zu/%zu%s", p->epoch, p->epochs,
                                   strcmp(p->phase, "train") ? " validation" : "");
    const char *note = p->so_far.images ? out_printf("loss %.4f  accuracy %.2f %%", p->so_far.loss,
                                                     100 * p->so_far.accuracy)
                                        : "";
    progress_show(&r->bar, label, p->image, p->images, p->seconds, "images", note);
    return !stopped_by;
}

static const char *percent(double part) {
    return isfinite(part) ? out_printf("%.2f %%", 100 * part) : "-";
}

static void add_row(table *t, const lens_epoch_report *e) {
    bool validated = e->validation.images > 0;
    double val_loss = validated ? e->validation.loss : NAN;
    double val_accuracy = validated ? e->validation.accuracy : NAN;
    table_cell(t, out_count(e->epoch), out_printf("%zu", e->epoch));
    table_real(t, e->train.loss, out_printf("%.4f", e->train.loss));
    table_real(t, e->train.accuracy, percent(e->train.accuracy));
    table_real(t, val_loss, validated ? out_printf("%.4f", val_loss) : "-");
    table_real(t, val_accuracy, percent(val_accuracy));
    table_real(t, e->rate, out_printf("%.2g", e->rate));
    table_real(t, e->seconds, out_duration(e->seconds));
    table_real(t, e->images_per_second, out_thousands((size_t)(e->images_per_second + 0.5)));
    double waited = e->seconds > 0 ? e->waited_seconds / e->seconds : 0;
    table_real(t, waited, out_printf("%.0f %%", 100 * waited));
}

static void write_log(run_state *r, const lens_collapse *collapse) {
    json_t *rows = table_rows(r->epochs);
    json_t *line = json_object();
    json_object_set_new(line, "schema_version", json_integer(OUT_SCHEMA_VERSION));
    json_object_update(line, json_array_get(rows, json_array_size(rows) - 1));
    if (collapse)
        json_object_set_new(line, "collapse", collapse_of(collapse));
    r->log_failed |= json_dumpf(line, r->log, JSON_COMPACT | JSON_REAL_PRECISION(9)) != 0 ||
                     fputc('\n', r->log) == EOF || fflush(r->log) == EOF;
    json_decref(line);
    json_decref(rows);
}

static void write_curve(run_state *r) {
    if (r->o->curve && curve_update(r->o->curve, r->o->log, r->title) != LENS_OK)
        r->curve_failed = true;
}

static bool on_epoch(const lens_epoch_report *e, void *user) {
    run_state *r = user;
    progress_clear(&r->bar);
    warn(r, e->collapse);
    add_row(r->epochs, e);
    if (r->log)
        write_log(r, e->collapse), write_curve(r);
    if (e->out_of_patience)
        cli_note("lenslet train: stopped after epoch %zu: the loss has not become better for as "
                 "long as --patience says",
                 e->epoch);
    return !stopped_by && !r->log_failed && !r->curve_failed;
}

/* ---- recipe -------------------------------------------------------------------------------- */

static lens_status set_preprocess(lens_recipe *recipe, const lens_net_spec *spec,
                                  const train_options *o) {
    lens_preprocess *p = &recipe->preprocess;
    if (o->preprocess) {
        lens_preprocess chosen =
            o->preprocess == 2 ? lens_preprocess_caffe() : lens_recipe_defaults().preprocess;
        chosen.fit = p->fit;
        chosen.side = p->side;
        *p = chosen;
    }
    if (o->fit)
        p->fit = (lens_fit)(o->fit - 1);
    if (o->side != COUNT_UNSET)
        p->side = o->side;
    if (o->augment)
        TRY(lens_augment_parse(&recipe->augment, o->augment));
    if (recipe->augment.crop && p->side == 0)
        p->side = model_crop_side(spec);
    return LENS_OK;
}

static lens_status copy_scales(char out[LENS_SCALES_SIZE], const char *what, const char *text) {
    if (strlen(text) >= LENS_SCALES_SIZE)
        return cli_fail(LENS_BAD_ARGUMENT, "%s has %zu characters, at most %d are allowed", what,
                        strlen(text), LENS_SCALES_SIZE - 1);
    strcpy(out, text);
    return LENS_OK;
}

/* How the weights move. */
static lens_status set_optimizer(lens_recipe *recipe, const train_options *o) {
    lens_optimizer_opts *optimizer = &recipe->optimizer;
    lens_schedule *schedule = &recipe->schedule;
    if (o->optimizer)
        *optimizer = lens_optimizer_defaults((lens_optimizer_kind)(o->optimizer - 1));
    if (!isnan(o->rate))
        optimizer->rate = (float)o->rate;
    if (!isnan(o->l2))
        optimizer->l2 = (float)o->l2;
    if (!isnan(o->weight_decay))
        optimizer->weight_decay = (float)o->weight_decay;
    if (o->schedule)
        schedule->kind = (lens_schedule_kind)(o->schedule - 1);
    if (!isnan(o->gamma))
        schedule->gamma = (float)o->gamma;
    if (o->every != COUNT_UNSET)
        schedule->every = o->every;
    if (o->warmup != COUNT_UNSET)
        schedule->warmup = o->warmup;
    if (o->layer_rates)
        TRY(copy_scales(recipe->layer_rates, "--layer-rates", o->layer_rates));
    if (o->layer_decays)
        TRY(copy_scales(recipe->layer_decays, "--layer-decays", o->layer_decays));
    if (o->class_weights)
        TRY(copy_scales(recipe->class_weights, "--class-weights", o->class_weights));
    return LENS_OK;
}

/* When it ends and with which weights. */
static void set_end(lens_recipe *recipe, const train_options *o, const lens_dataset *data) {
    if (!isnan(o->validation_split)) {
        recipe->validation =
            (size_t)(o->validation_split * (double)lens_dataset_shape(data).n + 0.5);
        recipe->validation_first = false;
    }
    if (o->patience != COUNT_UNSET)
        recipe->patience = o->patience;
    if (!isnan(o->min_delta))
        recipe->min_delta = (float)o->min_delta;
    recipe->keep_best |= o->keep_best;
    if (o->epochs != COUNT_UNSET)
        recipe->epochs = o->epochs;
    else if (o->resume)
        recipe->epochs = 1; /* the file's are more */
}

static lens_status make_recipe(lens_recipe *recipe, lens_net_spec *spec, const train_options *o,
                               const lens_dataset *data) {
    TRY(lens_recipe_for(recipe, spec, o->recipe));
    TRY(set_optimizer(recipe, o));
    if (o->batch != COUNT_UNSET)
        recipe->batch = o->batch;
    TRY(set_preprocess(recipe, spec, o));
    set_end(recipe, o, data);
    return LENS_OK;
}

static bool is_augment(const lens_augment *augment, const char *text) {
    lens_augment asked;
    char ours[LENS_AUGMENT_TEXT], theirs[LENS_AUGMENT_TEXT];
    return lens_augment_parse(&asked, text) == LENS_OK &&
           !strcmp(lens_augment_text(augment, ours), lens_augment_text(&asked, theirs));
}

/* What was asked for must be what the checkpoint says; only the epochs may be raised. */
static lens_status check_resumed(const lens_trainer *trainer, const train_options *o) {
    const lens_recipe *r = lens_trainer_recipe(trainer);
    const struct {
        const char *name;
        bool differs;
    } rows[] = {
        {"--seed", o->seed && o->seed != lens_trainer_seed(trainer)},
        {"--batch-size", o->batch != COUNT_UNSET && o->batch != r->batch},
        {"--optimizer", o->optimizer && o->optimizer - 1 != (int)r->optimizer.kind},
        {"--lr", !isnan(o->rate) && (float)o->rate != r->optimizer.rate},
        {"--weight-decay",
         !isnan(o->weight_decay) && (float)o->weight_decay != r->optimizer.weight_decay},
        {"--l2", !isnan(o->l2) && (float)o->l2 != r->optimizer.l2},
        {"--schedule", o->schedule && o->schedule - 1 != (int)r->schedule.kind},
        {"--gamma", !isnan(o->gamma) && (float)o->gamma != r->schedule.gamma},
        {"--every", o->every != COUNT_UNSET && o->every != r->schedule.every},
        {"--warmup", o->warmup != COUNT_UNSET && o->warmup != r->schedule.warmup},
        {"--layer-rates", o->layer_rates && strcmp(o->layer_rates, r->layer_rates) != 0},
        {"--layer-decays", o->layer_decays && strcmp(o->layer_decays, r->layer_decays) != 0},
        {"--class-weights", o->class_weights && strcmp(o->class_weights, r->class_weights) != 0},
        {"--patience", o->patience != COUNT_UNSET && o->patience != r->patience},
        {"--min-delta", !isnan(o->min_delta) && (float)o->min_delta != r->min_delta},
        {"--keep-best", o->keep_best && !r->keep_best},
        {"--preprocess", o->preprocess && (o->preprocess == 2) != r->preprocess.bgr},
        {"--fit", o->fit && o->fit - 1 != (int)r->preprocess.fit},
        {"--side", o->side != COUNT_UNSET && o->side != r->preprocess.side},
        {"--augment", o->augment && !is_augment(&r->augment, o->augment)},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].differs)
            return cli_fail(LENS_BAD_ARGUMENT,
                            "%s is not what %s was started with; a resumed run keeps its recipe",
                            rows[i].name, o->resume);
    if (o->epochs != COUNT_UNSET && o->epochs < r->epochs)
        cli_note("lenslet train: %s was started for %zu epochs; that holds", o->resume, r->epochs);
    return LENS_OK;
}

/* The checkpoint's folder takes new files: better known before hours of training than after. */
static lens_status check_out(const char *path) {
    char folder[4096];
    snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash)
        slash[slash == folder] = 0;
    if (access(slash ? folder : ".", W_OK) != 0)
        return cli_fail(LENS_IO, "--out %s: %s", path, strerror(errno));
    return LENS_OK;
}

/* ---- the run ------------------------------------------------------------------------------- */

/* Everything the run owns. */
typedef struct job {
    lens_net_spec *spec;
    lens_context *context;
    lens_dataset *train_data, *test_data;
    lens_trainer *trainer;
    lens_metrics test; /* at the end, when validation was on held-out images; else images = 0 */
    char out[4096];
} job;

static void describe(const job *j) {
    const lens_recipe *r = lens_trainer_recipe(j->trainer);
    cli_note("%s on %s", j->spec->name, pick_name(lens_context_device(j->context)));
    cli_note("%s images, batch %zu, %s, learning rate %g (%s), seed %llu%s",
             out_thousands(lens_dataset_shape(j->train_data).n - r->validation), r->batch,
             lens_optimizer_name(r->optimizer.kind), (double)r->optimizer.rate,
             lens_schedule_name(r->schedule.kind),
             (unsigned long long)lens_trainer_seed(j->trainer),
             lens_trainer_step(j->trainer)
                 ? out_printf(", from step %llu", (unsigned long long)lens_trainer_step(j->trainer))
                 : "");
}

static void set_title(char *title, size_t size, const job *j) {
    const lens_recipe *r = lens_trainer_recipe(j->trainer);
    snprintf(title, size, "%s: %s, learning rate %g (%s), batch %zu, seed %llu", j->spec->name,
             lens_optimizer_name(r->optimizer.kind), (double)r->optimizer.rate,
             lens_schedule_name(r->schedule.kind), r->batch,
             (unsigned long long)lens_trainer_seed(j->trainer));
}

static lens_status open_job(job *j, const char *model, const train_options *o) {
    lens_context_opts opts = lens_context_defaults();
    opts.algorithm = o->algorithm;
    opts.profile = o->profile;
    lens_recipe recipe;
    TRY(lens_net_spec_open(&j->spec, model));
    snprintf(j->out, sizeof j->out, "%s%s", o->out ? o->out : j->spec->name,
             o->out ? "" : ".safetensors");
    TRY(check_out(j->out));
    TRY(lens_dataset_read_dir(&j->train_data, o->data, LENS_SPLIT_TRAIN));
    TRY(lens_dataset_read_dir(&j->test_data, o->data, LENS_SPLIT_TEST));
    size_t classes;
    TRY(model_check_labels(j->spec, j->train_data, o->data, &classes));
    TRY(model_check_labels(j->spec, j->test_data, o->data, &classes));
    TRY(model_check_pictures(j->train_data, o->strict));
    TRY(model_check_pictures(j->test_data, o->strict));
    TRY(make_recipe(&recipe, j->spec, o, j->train_data));
    TRY(pick_open(&j->context, o->device, &opts));
    TRY(lens_trainer_new(&j->trainer, j->context, j->spec, &recipe, o->seed, j->train_data,
                         j->test_data));
    if (o->resume) {
        TRY(lens_trainer_resume(j->trainer, o->resume));
        TRY(check_resumed(j->trainer, o));
    }
    return LENS_OK;
}

static void close_job(job *j) {
    lens_trainer_free(j->trainer);
    lens_dataset_free(j->train_data);
    lens_dataset_free(j->test_data);
    lens_net_spec_free(j->spec);
    lens_context_free(j->context);
}

/* The run has ended in NaN: what it has kept of before is worth a file. */
static lens_status save_best(const job *j, lens_status status) {
    cli_fail(status, "%s", lens_last_error());
    if (lens_trainer_recipe(j->trainer)->keep_best &&
        lens_trainer_save(j->trainer, j->out) == LENS_OK)
        cli_note("wrote %s with the best weights so far", j->out);
    return status;
}

static lens_status train(job *j, run_state *r) {
    lens_train_callbacks callbacks = {on_progress, on_epoch, 0.2, r};
    lens_status status = lens_trainer_run(j->trainer, &callbacks);
    progress_clear(&r->bar);
    if (status == LENS_DIVERGED)
        return save_best(j, status);
    if (status != LENS_OK && status != LENS_INTERRUPTED)
        return status;
    TRY(lens_trainer_save(j->trainer,
                          j->out)); /* even when the log or the curve could not be written */
    if (r->log_failed || r->curve_failed)
        return cli_fail(LENS_IO, "%s: cannot be written; %s holds the run so far",
                        r->log_failed ? r->o->log : r->o->curve, j->out);
    if (status == LENS_OK && lens_trainer_recipe(j->trainer)->validation > 0)
        status = lens_evaluate(&j->test, lens_trainer_net(j->trainer), j->test_data,
                               &lens_trainer_recipe(j->trainer)->preprocess, NULL, NULL, NULL);
    return status;
}

static json_t *metrics_of(const lens_metrics *m) {
    json_t *object = json_object();
    json_object_set_new(object, "images", out_count(m->images));
    json_object_set_new(object, "loss", out_real(m->loss));
    json_object_set_new(object, "accuracy", out_real(m->accuracy));
    return object;
}

static void print_document(const job *j, const table *epochs) {
    json_t *document = out_document("train");
    const lens_recipe *r = lens_trainer_recipe(j->trainer);
    json_object_set_new(document, "model", out_text(j->spec->name));
    json_object_set_new(document, "device", out_device(lens_context_device(j->context)));
    json_object_set_new(document, "seed", json_integer((json_int_t)lens_trainer_seed(j->trainer)));
    json_object_set_new(document, "batch_size", out_count(r->batch));
    json_object_set_new(document, "optimizer", out_text(lens_optimizer_name(r->optimizer.kind)));
    json_object_set_new(document, "learning_rate", out_real((double)r->optimizer.rate));
    json_object_set_new(document, "steps", json_integer((json_int_t)lens_trainer_step(j->trainer)));
    json_object_set_new(document, "epochs", table_rows(epochs));
    if (j->test.images)
        json_object_set_new(document, "test", metrics_of(&j->test));
    json_object_set_new(document, "checkpoint", out_text(j->out));
    out_print(document);
}

static void finish(const job *j, const run_state *r, lens_status status) {
    const train_options *o = r->o;
    if (o->format == FORMAT_JSON)
        print_document(j, r->epochs);
    else if (o->format != FORMAT_TEXT)
        table_print(r->epochs, o->format);
    else if (j->test.images)
        printf("\n  test images: loss %.4f, accuracy %s\n", j->test.loss,
               percent(j->test.accuracy));
    model_note_broken("train", j->train_data);
    model_note_broken("train", j->test_data);
    if (status == LENS_INTERRUPTED)
        cli_note("lenslet train: stopped after step %llu; go on with\n"
                 "  lenslet train --resume %s --data %s --out %s",
                 (unsigned long long)lens_trainer_step(j->trainer), j->out, o->data, j->out);
    else if (!o->quiet)
        cli_note("wrote %s", j->out);
    if (o->profile)
        pick_print_profile(j->context);
}

static int run_job(const char *model, const train_options *o) {
    job j = {0};
    run_state r = {.o = o, .bar = {.quiet = o->quiet}};
    lens_status status = open_job(&j, model, o);
    if (status == LENS_OK && o->log && !(r.log = fopen(o->log, o->resume ? "a" : "w")))
        status = cli_fail(LENS_IO, "%s: %s", o->log, strerror(errno));
    if (status == LENS_OK && o->curve) {
        set_title(r.title, sizeof r.title, &j);
        status = curve_update(o->curve, o->log, r.title); /* better fail now than after an epoch */
    }
    if (status == LENS_OK) {
        if (!o->quiet)
            describe(&j);
        r.epochs = table_new(columns);
        if (o->format == FORMAT_TEXT)
            table_stream(r.epochs);
        catch_signals();
        status = train(&j, &r);
        if (status == LENS_OK || status == LENS_INTERRUPTED)
            finish(&j, &r, status);
    }
    if (r.log)
        fclose(r.log);
    table_free(r.epochs);
    close_job(&j);
    return status == LENS_INTERRUPTED ? CLI_SIGNAL + (stopped_by ? (int)stopped_by : SIGINT)
                                      : cli_report("train", status);
}

static int run(int argc, char **argv) {
    train_options o = {.epochs = COUNT_UNSET,
                       .batch = COUNT_UNSET,
                       .side = COUNT_UNSET,
                       .warmup = COUNT_UNSET,
                       .every = COUNT_UNSET,
                       .patience = COUNT_UNSET,
                       .rate = NAN,
                       .l2 = NAN,
                       .weight_decay = NAN,
                       .gamma = NAN,
                       .min_delta = NAN,
                       .validation_split = NAN};
    int left = options_parse(&command_train, argc, argv, &o, 0, 1);
    const char *model = left > 1 ? argv[1] : o.resume;
    if (!model)
        cli_usage("train", "which MODEL? `lenslet models` lists those that come with Lenslet");
    if (!o.data)
        cli_usage("train",
                  "--data DIR is needed: a directory of IDX files, CIFAR or image folders");
    if (o.curve && !o.log)
        cli_usage("train", "--curve needs --log F.jsonl, which holds the epochs it draws");
    return run_job(model, &o);
}

const cli_command command_train = {
    "train",
    "MODEL --data DIR [OPTION ...]",
    "train a network and write a checkpoint",
    "MODEL is a name of `lenslet models`, a Keras .json file or a .safetensors checkpoint, whose\n"
    "architecture counts, not its weights. Images of another size are resized on the device.\n"
    "Ctrl-C or TERM finishes the step, writes the checkpoint and exits with 130 or 143; --resume\n"
    "then goes on, and ends with the same bits as a run that was never stopped.\n"
    "A loss that is no number ends the run with 1; only what --keep-best has kept is written. One "
    "that stays at that "
    "of "
    "one\n"
    "answer for all images is warned of; `lenslet diagnose` shows the layers.",
    options,
    run,
};
