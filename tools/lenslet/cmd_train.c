/* cmd_train.c: train a network and write a checkpoint, also when interrupted. */
#include "curve.h"
#include "model.h"
#include "pick.h"
#include "profile.h"
#include "progress.h"
#include "table.h"
#include "train_options.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    lens_status save_failed; /* and why, in words; else LENS_OK */
    char why[512];
    bool warned;     /* of a collapse */
    char title[256]; /* of the curve */
    progress bar;
    const lens_trainer *trainer;
    const char *out; /* the checkpoint */
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
    /* A crash loses one epoch at most. What is wrong with the file is said when the run has ended;
     * weights that are no numbers are not written, and end it soon. */
    lens_status status = lens_trainer_save(r->trainer, r->out);
    if (status != LENS_OK && status != LENS_DIVERGED) {
        r->save_failed = status;
        snprintf(r->why, sizeof r->why, "%s", lens_last_error());
    }
    return !r->save_failed && !stopped_by && !r->log_failed && !r->curve_failed;
}

/* ---- the run ------------------------------------------------------------------------------- */

/* Everything the run owns. */
typedef struct job {
    lens_net_spec *spec;
    lens_context *context;
    lens_dataset *train_data, *test_data;
    lens_trainer *trainer;
    profile profile;
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

static lens_status start(job *j, const train_options *o) {
    lens_recipe recipe;
    TRY(train_recipe(&recipe, j->spec, o, j->train_data));
    return lens_trainer_new(&j->trainer, j->context, j->spec, &recipe,
                            o->seed == SEED_UNSET ? 0 : o->seed, j->train_data, j->test_data);
}

static lens_status resume(job *j, const train_options *o) {
    size_t epochs = o->epochs == COUNT_UNSET ? 0 : o->epochs;
    TRY(lens_trainer_resume(&j->trainer, j->context, j->spec, o->resume, epochs, j->train_data,
                            j->test_data));
    return train_check_resumed(j->trainer, o, j->train_data);
}

static lens_status read_data(job *j, const train_options *o) {
    lens_span span = lens_span_begin(j->profile.trace, "read data");
    lens_status status = lens_dataset_read_dir(&j->train_data, o->data, LENS_SPLIT_TRAIN);
    if (status == LENS_OK)
        status = lens_dataset_read_dir(&j->test_data, o->data, LENS_SPLIT_TEST);
    lens_span_end(&span);
    return status;
}

static lens_status open_job(job *j, const char *model, const train_options *o) {
    lens_context_opts opts = lens_context_defaults();
    opts.algorithm = o->algorithm;
    TRY(profile_open(&j->profile, o->profile, "train", model));
    opts.profile = o->profile;
    opts.trace = j->profile.trace;
    TRY(lens_net_spec_open(&j->spec, model));
    snprintf(j->out, sizeof j->out, "%s%s", o->out ? o->out : j->spec->name,
             o->out ? "" : ".safetensors");
    TRY(out_check_file("--out", j->out));
    TRY(read_data(j, o));
    size_t classes;
    TRY(model_check_labels(j->spec, j->train_data, o->data, &classes));
    TRY(model_check_labels(j->spec, j->test_data, o->data, &classes));
    TRY(model_check_pictures(j->train_data, o->strict));
    TRY(model_check_pictures(j->test_data, o->strict));
    TRY(pick_open(&j->context, o->device, &opts));
    return o->resume ? resume(j, o) : start(j, o);
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
    if (r->save_failed)
        return cli_fail(r->save_failed, "%s", r->why);
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
        profile_print(&j->profile, j->context);
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
        r.trainer = j.trainer;
        r.out = j.out;
        catch_signals();
        status = train(&j, &r);
        if (status == LENS_OK || status == LENS_INTERRUPTED)
            finish(&j, &r, status);
    }
    if (r.log)
        fclose(r.log);
    table_free(r.epochs);
    close_job(&j);
    status = profile_close(&j.profile, status);
    return status == LENS_INTERRUPTED ? CLI_SIGNAL + (stopped_by ? (int)stopped_by : SIGINT)
                                      : cli_report("train", status);
}

static int run(int argc, char **argv) {
    train_options o = train_options_defaults();
    int left = options_parse(&command_train, argc, argv, &o, 0, 1);
    const char *model = left > 1 ? argv[1] : o.resume;
    if (!model)
        cli_usage("train", "which MODEL? `lenslet models` lists those that come with Lenslet");
    if (!o.data)
        cli_usage("train",
                  "--data DIR is needed: a directory of IDX files, CIFAR or image folders");
    if (o.resume && o.recipe)
        cli_usage("train", "--recipe is of a new run; one that is resumed keeps its own");
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
    "The checkpoint is also written after every epoch. A loss that is no number ends the run with "
    "1\n"
    "and leaves it as it was then, or with what --keep-best has kept. A loss that stays at that "
    "of\n"
    "one answer for all images is warned of; `lenslet diagnose` shows the layers.",
    train_option_rows,
    run,
};
