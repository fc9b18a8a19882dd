/* cmd_tune.c: measure every algorithm of a net's layers, and keep the fastest for the device. */
#include "op.h"
#include "pick.h"
#include "progress.h"
#include "table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct tune_options {
    const char *device;
    size_t batch, rounds;
    bool winograd4, clear, dry_run, quiet;
    int format;
} tune_options;

static const option options[] = {
    OPTION_DEVICE_ROW(tune_options),
    {"batch-size", 'b', OPTION_COUNT, "N", "images a step, for which it then holds; default 64",
     offsetof(tune_options, batch), 1, 1 << 16},
    {"rounds", 0, OPTION_COUNT, "N", "times that each algorithm is timed, in turns; default 7",
     offsetof(tune_options, rounds), 1, 1000},
    {"winograd4", 0, OPTION_FLAG, NULL,
     "also try winograd4, which rounds about twenty times as much as the others",
     offsetof(tune_options, winograd4)},
    {"dry-run", 0, OPTION_FLAG, NULL, "show it, keep nothing", offsetof(tune_options, dry_run)},
    {"clear", 0, OPTION_FLAG, NULL, "forget what was kept for this device, and measure nothing",
     offsetof(tune_options, clear)},
    {"quiet", 'q', OPTION_FLAG, NULL, "no progress bar and no notes",
     offsetof(tune_options, quiet)},
    OPTION_FORMAT_ROW(tune_options),
    {0},
};

static const table_column columns[] = {
    {"layer", "Layer", false, 10}, {"pass", "Pass", false, 15},
    {"shape", "Shape", false, 34}, {"default", "Default", false, 9},
    {"default_ms", "ms", true, 6}, {"best", "Best", false, 9},
    {"best_ms", "ms", true, 6},    {"gflops", "GFLOP/s", true},
    {"gain", "Gain", true, 6},     {0},
};

/* A faster algorithm is preferred when it gains at least so much, and not tried on when its first
 * run takes so many times as long as the best so far. */
#define LEAST_GAIN 1.03
#define HOPELESS 4
#define LARGE_MACS 1e8

typedef struct candidate {
    const char *name;
    double *seconds; /* of each round */
    double median;   /* INFINITY: hopeless */
} candidate;

typedef struct job {
    const tune_options *o;
    lens_context *context, *reference;
    table *rows;
    double before, after; /* seconds of all passes */
    size_t passes;
    size_t preferred; /* passes for which another algorithm than the default is */
} job;

/* ---- is it right ---------------------------------------------------------------------------- */

static lens_status read_result(float **values, size_t *count, const op_run *run) {
    *count = lens_tensor_count(run->out);
    *values = cli_alloc(*count, sizeof **values);
    return lens_tensor_read(run->out, *values);
}

/* The first and the last image, which may be one, of a tensor of the pass. */
static lens_status copy_ends(lens_tensor *to, const lens_tensor *from) {
    if (!to)
        return LENS_OK;
    size_t count = lens_tensor_count(from), ends = lens_tensor_count(to);
    size_t image = count / lens_tensor_shape(from).n;
    float *values = cli_alloc(count, sizeof *values);
    lens_status status = lens_tensor_read(from, values);
    memmove(values + ends - image, values + count - image, image * sizeof *values);
    if (status == LENS_OK)
        status = lens_tensor_write(to, values);
    free(values);
    return status;
}

/* What the reference makes of the first and the last image. */
static lens_status expect(float **values, size_t *count, const job *j, const op_run *run) {
    op two = run->op;
    op_run on_reference;
    two.x.n = run->op.x.n < 2 ? 1 : 2;
    lens_status status = op_open(&on_reference, j->reference, &two);
    if (status == LENS_OK)
        status = copy_ends(on_reference.x, run->x);
    if (status == LENS_OK)
        status = copy_ends(on_reference.dy, run->dy);
    if (status == LENS_OK)
        status = op_start(&on_reference);
    if (status == LENS_OK)
        status = read_result(values, count, &on_reference);
    op_close(&on_reference);
    return status;
}

/* The largest difference, over the largest value that is expected. */
static double difference(const float *got, size_t got_count, const float *expected, size_t count,
                         bool of_images) {
    double worst = 0, largest = 0;
    size_t half = of_images ? count / 2 : count;
    for (size_t i = 0; i < count; i++) {
        size_t at = i < half ? i : got_count - count + i;
        double off = fabs((double)got[at] - (double)expected[i]);
        worst = off <= worst ? worst : off; /* a NaN stays */
        largest = fmax(largest, fabs((double)expected[i]));
    }
    return worst / fmax(largest, 1);
}

/* Small integers are exact in all but winograd4, whose factors are sixths. */
#define MOST_DIFFERENCE 1e-4

static lens_status check_result(const job *j, const op_run *run, const char *algorithm,
                                const float *expected, size_t expected_count) {
    float *got = NULL;
    size_t count;
    lens_status status = read_result(&got, &count, run);
    bool of_images = run->op.pass != LENS_BACKWARD_WEIGHT;
    double off =
        status == LENS_OK ? difference(got, count, expected, expected_count, of_images) : 0;
    free(got);
    if (status == LENS_OK && !(off <= MOST_DIFFERENCE))
        status = cli_fail(LENS_DEVICE,
                          "%s on %s computes %s of %s wrongly: off by %.2g of the largest value",
                          algorithm, pick_name(lens_context_device(j->context)),
                          lens_pass_name(run->op.pass), op_shape(&run->op), off);
    return status;
}

/* ---- how fast is it ------------------------------------------------------------------------- */

static lens_status time_once(double *seconds, const job *j, op_run *run, const char *name) {
    TRY(op_prefer(&run->op, j->context, name));
    TRY(op_rescratch(run));
    double start = cli_seconds();
    TRY(op_start(run));
    TRY(lens_context_wait(j->context));
    *seconds = cli_seconds() - start;
    return LENS_OK;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Once each, to compile it and to see that it is right; then in turns. */
static lens_status time_all(const job *j, op_run *run, candidate *c, size_t count,
                            const float *expected, size_t expected_count) {
    double best = INFINITY, first;
    for (size_t i = 0; i < count; i++) {
        TRY(time_once(&first, j, run, c[i].name));
        TRY(check_result(j, run, c[i].name, expected, expected_count));
        TRY(time_once(&first, j, run, c[i].name));
        best = fmin(best, first);
        c[i].median = first;
    }
    for (size_t round = 0; round < j->o->rounds; round++)
        for (size_t i = 0; i < count; i++)
            if (i == 0 || c[i].median <= HOPELESS * best)
                TRY(time_once(&c[i].seconds[round], j, run, c[i].name));
    for (size_t i = 0; i < count; i++) {
        bool is_hopeless = i > 0 && c[i].median > HOPELESS * best;
        qsort(c[i].seconds, j->o->rounds, sizeof *c[i].seconds, ascending);
        c[i].median = is_hopeless ? INFINITY : c[i].seconds[j->o->rounds / 2];
    }
    return LENS_OK;
}

/* ---- one pass of a layer -------------------------------------------------------------------- */

static void add_row(job *j, const char *layer, const op *o, const candidate *usual,
                    const candidate *best) {
    double gflops = 2e-9 * op_macs(o) / best->median, gain = usual->median / best->median;
    table_text(j->rows, layer);
    table_text(j->rows, lens_pass_name(o->pass));
    table_text(j->rows, op_shape(o));
    table_text(j->rows, usual->name);
    table_real(j->rows, 1e3 * usual->median, out_printf("%.3g", 1e3 * usual->median));
    table_text(j->rows, best->name);
    table_real(j->rows, 1e3 * best->median, out_printf("%.3g", 1e3 * best->median));
    table_real(j->rows, gflops, out_printf("%.3g", gflops));
    table_real(j->rows, gain, best == usual ? "-" : out_printf("%.2f x", gain));
    j->before += usual->median;
    j->after += best->median;
}

static lens_status choose(job *j, const char *layer, const op *o, candidate *c, size_t count) {
    const candidate *best = &c[0];
    for (size_t i = 1; i < count; i++)
        if (c[i].median < best->median)
            best = &c[i];
    if (c[0].median < LEAST_GAIN * best->median)
        best = &c[0];
    add_row(j, layer, o, &c[0], best);
    j->preferred += best != &c[0];
    return op_prefer(o, j->context, best == &c[0] ? NULL : best->name);
}

static lens_status measure(job *j, const char *layer, const op *o, candidate *c, size_t count) {
    op_run run;
    float *expected = NULL;
    size_t expected_count = 0;
    lens_status status = op_open(&run, j->context, o);
    if (status == LENS_OK)
        status = expect(&expected, &expected_count, j, &run);
    if (status == LENS_OK)
        status = time_all(j, &run, c, count, expected, expected_count);
    if (status == LENS_OK)
        status = choose(j, layer, o, c, count);
    free(expected);
    op_close(&run);
    return status;
}

/* Of large products "direct", and "clblast" on a CPU, take seconds and win nothing. */
static bool is_worth_a_try(const job *j, const op *o, const char *name) {
    bool is_cpu = lens_context_device(j->context)->type == LENS_DEVICE_CPU;
    bool is_slow = !strcmp(name, "direct") || (!strcmp(name, "clblast") && is_cpu);
    return (j->o->winograd4 || strcmp(name, "winograd4") != 0) &&
           !(is_slow && op_macs(o) > LARGE_MACS);
}

static lens_status tune_op(job *j, const char *layer, const op *o) {
    const char *names[LENS_ALGORITHMS_MOST];
    candidate candidates[LENS_ALGORITHMS_MOST];
    size_t all, count = 0;
    TRY(op_prefer(o, j->context, NULL)); /* what was kept before does not count */
    TRY(op_algorithms(o, j->context, names, &all));
    for (size_t i = 0; i < all; i++)
        if (i == 0 || is_worth_a_try(j, o, names[i]))
            candidates[count++] =
                (candidate){.name = names[i], .seconds = cli_alloc(j->o->rounds, sizeof(double))};
    lens_status status = measure(j, layer, o, candidates, count);
    for (size_t i = 0; i < count; i++)
        free(candidates[i].seconds);
    return status;
}

/* ---- the command ---------------------------------------------------------------------------- */

static void print_result(const job *j, const char *model, const char *path) {
    const tune_options *o = j->o;
    if (o->format == FORMAT_JSON) {
        json_t *document = out_document("tune");
        json_object_set_new(document, "model", out_text(model));
        json_object_set_new(document, "device", out_device(lens_context_device(j->context)));
        json_object_set_new(document, "batch_size", out_count(o->batch));
        json_object_set_new(document, "default_ms", out_real(1e3 * j->before));
        json_object_set_new(document, "tuned_ms", out_real(1e3 * j->after));
        json_object_set_new(document, "passes", table_rows(j->rows));
        json_object_set_new(document, "file", out_text(path));
        out_print(document);
        return;
    }
    if (o->format != FORMAT_TEXT)
        table_print(j->rows, o->format);
    else
        printf("\n  All passes: %s by default, %s tuned: %.2f x.\n", out_duration(j->before),
               out_duration(j->after), j->before / j->after);
    if (path && !o->quiet)
        cli_note("%s of %zu passes get another algorithm: wrote %s", out_thousands(j->preferred),
                 j->passes, path);
    else if (!o->dry_run && !o->quiet)
        cli_note("the defaults are the fastest: nothing is kept");
}

static bool is_tuned(const op *o, const void *unused) {
    (void)unused;
    return op_has_algorithms(o);
}

static lens_status tune_net(job *j, const lens_net_spec *spec) {
    op_list list = {0};
    progress bar = {.quiet = j->o->quiet};
    double start = cli_seconds();
    TRY(op_list_new(&list, spec, j->o->batch, LENS_SGD));
    op_list_keep(&list, is_tuned, NULL);
    lens_status status = LENS_OK;
    j->passes = list.count;
    for (size_t i = 0; status == LENS_OK && i < list.count; i++) {
        progress_show(&bar, out_printf("%s %s", list.layers[i], op_pass_name(&list.ops[i])), i,
                      list.count, cli_seconds() - start, "passes", "");
        status = tune_op(j, list.layers[i], &list.ops[i]);
        progress_clear(&bar);
    }
    op_list_free(&list);
    return status;
}

static lens_status save(const job *j, const char *model) {
    char path[LENS_TUNING_PATH_SIZE];
    if (!j->o->dry_run)
        TRY(lens_tuning_save(j->context, path));
    print_result(j, model, j->o->dry_run || !j->preferred ? NULL : path);
    return LENS_OK;
}

static lens_status clear(const job *j) {
    char path[LENS_TUNING_PATH_SIZE];
    lens_tuning_clear(j->context);
    TRY(lens_tuning_save(j->context, path));
    if (!j->o->quiet)
        cli_note("nothing is kept for %s", pick_name(lens_context_device(j->context)));
    return LENS_OK;
}

static lens_status tune(const char *model, const tune_options *o) {
    job j = {.o = o};
    lens_net_spec *spec = NULL;
    lens_status status = pick_open(&j.context, o->device, NULL);
    if (status == LENS_OK && o->clear) {
        status = clear(&j);
        lens_context_free(j.context);
        return status;
    }
    if (status == LENS_OK)
        status = lens_net_spec_open(&spec, model);
    if (status == LENS_OK)
        status = lens_context_open(&j.reference, "reference", NULL);
    j.rows = table_new(columns);
    if (o->format == FORMAT_TEXT)
        table_stream(j.rows);
    if (status == LENS_OK)
        status = tune_net(&j, spec);
    if (status == LENS_OK)
        status = save(&j, spec->name);
    table_free(j.rows);
    lens_net_spec_free(spec);
    lens_context_free(j.reference);
    lens_context_free(j.context);
    return status;
}

static int run(int argc, char **argv) {
    tune_options o = {.batch = 64, .rounds = 7};
    int left = options_parse(&command_tune, argc, argv, &o, 0, 1);
    if (getenv("LENSLET_ALGORITHM"))
        cli_usage("tune", "LENSLET_ALGORITHM is set: there is nothing to choose");
    if (left < 2 && !o.clear)
        cli_usage("tune", "which MODEL? `lenslet models` lists those that come with Lenslet");
    return cli_report("tune", tune(left > 1 ? argv[1] : NULL, &o));
}

const cli_command command_tune = {
    "tune",
    "MODEL [OPTION ...]",
    "find the fastest algorithm of every layer for a device, and keep it",
    "Every algorithm, and tile of an algorithm, that can do a pass of a conv2d or dense layer is\n"
    "compared with the reference on two images, then timed in turns with the others. What is\n"
    "faster than the default by 3 % and more is kept for this device, driver and version, in a\n"
    "file under $XDG_CACHE_HOME/lenslet, and taken from then on for layers of that shape and\n"
    "batch; LENSLET_TUNING=0 leaves it aside. The results of another algorithm differ in their\n"
    "last bits.",
    options,
    run,
};
