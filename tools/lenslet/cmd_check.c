/* cmd_check.c: cross-check of devices against the reference. */
#include "cross_check.h"
#include "pick.h"
#include "profile.h"
#include "progress.h"
#include "table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct check_options {
    text_list devices;
    const char *algorithm;
    size_t only;
    const char *profile;
    bool verbose;
    int format;
} check_options;

static const option options[] = {
    OPTION_DEVICES_ROW(check_options),
    {"case", 'c', OPTION_COUNT, "N", "only this case of the one OP or MODEL that is named",
     offsetof(check_options, only), 1, 0},
    {"verbose", 'v', OPTION_FLAG, NULL, "a line for every case", offsetof(check_options, verbose)},
    OPTION_ALGORITHM_ROW(check_options),
    OPTION_PROFILE_ROW(check_options),
    OPTION_FORMAT_ROW(check_options),
    {0},
};

/* Networks that are checked when nothing is named. */
static const char *const default_nets[] = {"lenet5", "lenet5-1998", "alexnet-mini",
                                           "alexnet-mnist"};

/* ---- what is shown ------------------------------------------------------------------------- */

/* One line for each case: JSON, CSV, Markdown, and text with --verbose. */
static const table_column case_columns[] = {
    {"device", "Dev", true, 3},
    {"op", "Checked", false, 15},
    {"case", "Case", true, 5},
    {"pass", "Pass", false, 15},
    {"name", "Name", false, 44},
    {"shape", "Shape", false, 13},
    {"max_abs", "Error", true, 9},
    {"max_ulp", "ulp", true, 8},
    {"limit_ulp", "Limit", true, 6},
    {"status", "", false, 4},
    {"note", NULL},
    {0},
};

/* One line for each pass of each operation: text. */
static const table_column pass_columns[] = {
    {"op", "Checked", false, 15},    {"pass", "Pass", false, 15},
    {"cases", "Cases", true, 5},     {"worst_ulp", "Worst ulp", true, 9},
    {"limit_ulp", "Limit", true, 6}, {"worst", "in case", false, 44},
    {"status", "", false, 6},        {0},
};

enum { FAILURES_SHOWN = 10 };

/* All that the callback collects. */
typedef struct tally {
    const check_options *o;
    profile profile;
    const lens_device_info *device;
    progress phase;
    table *cases, *passes;
    check_rows rows;                       /* of the operation or net that runs now */
    check_counts here, all;                /* on this device; on all of them */
    check_record worst;                    /* on this device */
    check_record failures[FAILURES_SHOWN]; /* the first on this device */
} tally;

static const char *status_shown(int status) {
    static const char *const colours[] = {"\033[32m", "\033[31m", "\033[33m"};
    if (!out_has_colour(stdout))
        return check_status_words[status];
    return out_printf("%s%s\033[0m", colours[status], check_status_words[status]);
}

static const char *ulp_shown(double ulp) {
    return !isfinite(ulp) ? "inf"
                          : out_printf(ulp < 1e5 ? ulp < 10 ? "%.2f" : "%.0f" : "%.1e", ulp);
}

static void add_case(tally *t, const check_record *r) {
    table_cell(t->cases, out_count(t->device->index), out_printf("%zu", t->device->index));
    table_text(t->cases, r->op);
    table_count(t->cases, r->number);
    table_text(t->cases, r->pass);
    table_text(t->cases, r->name);
    table_cell(t->cases, out_shape(r->shape), out_text_of_shape(r->shape));
    table_real(t->cases, r->max_abs, out_printf("%.2g", r->max_abs));
    table_real(t->cases, r->max_ulp, ulp_shown(r->max_ulp));
    table_real(t->cases, r->limit, out_printf("%.0f", r->limit));
    table_cell(t->cases, out_text(check_status_words[r->status]), status_shown(r->status));
    table_cell(t->cases, *r->note ? out_text(r->note) : json_null(), r->note);
}

/* The command line that repeats one case alone. */
static const char *repeat_line(const tally *t, const check_record *r) {
    return out_printf("lenslet check %s --case %zu --device %zu%s%s", r->op, r->number,
                      t->device->index, t->o->algorithm ? " --algorithm " : "",
                      t->o->algorithm ? t->o->algorithm : "");
}

static void record(const check_record *r, void *user) {
    tally *t = user;
    check_rows_add(&t->rows, r);
    if (check_use(r) > check_use(&t->worst))
        t->worst = *r;
    check_count(&t->here, r);
    check_count(&t->all, r);
    add_case(t, r);
    if (r->status == CHECK_FAIL && t->here.failed <= FAILURES_SHOWN)
        t->failures[t->here.failed - 1] = *r;
}

static void on_phase(const char *what, void *user) {
    tally *t = user;
    progress_say(&t->phase, what);
}

/* What failed, each with the line that repeats it: on stdout for people, else on stderr. */
static void print_failures(const tally *t) {
    FILE *to = t->o->format == FORMAT_TEXT ? stdout : stderr;
    size_t shown = t->here.failed < FAILURES_SHOWN ? t->here.failed : FAILURES_SHOWN;
    for (size_t i = 0; i < shown; i++) {
        const check_record *r = &t->failures[i];
        fprintf(to, "\n  FAILED %s case %zu, %s, \"%s\": %s ulp, limit %.0f\n", r->op, r->number,
                r->pass, r->name, ulp_shown(r->max_ulp), r->limit);
        fprintf(to, "    %s\n    repeat: %s\n", r->note, repeat_line(t, r));
    }
    if (t->here.failed > shown)
        fprintf(to, "\n  %zu more failed; --format json lists them all\n", t->here.failed - shown);
}

/* The passes of the operation that has just run. */
static void flush_rows(tally *t) {
    for (size_t i = 0; i < t->rows.count && t->passes; i++) {
        const check_row *row = &t->rows.items[i];
        const check_record *worst = &row->worst;
        table_text(t->passes, row->op);
        table_text(t->passes, row->pass);
        table_count(t->passes, row->counts.done);
        table_real(t->passes, worst->max_ulp, worst->max_ulp > 0 ? ulp_shown(worst->max_ulp) : "0");
        table_real(t->passes, worst->limit,
                   worst->max_ulp > 0 ? out_printf("%.0f", worst->limit) : "");
        table_text(t->passes, worst->max_ulp > 0 ? out_printf("%zu: %s", worst->number, worst->name)
                                                 : "every result is equal");
        check_status status = check_row_status(row);
        table_cell(t->passes, out_text(check_status_words[status]), status_shown(status));
    }
    t->rows.count = 0;
}

/* ---- what is run --------------------------------------------------------------------------- */

static const check_operation *find_operation(const char *name) {
    for (const check_operation *op = check_operations; op->name; op++)
        if (!strcmp(op->name, name))
            return op;
    return NULL;
}

/* An operation or a network, resolved before anything runs. */
typedef struct subject {
    const check_operation *operation;
    lens_net_spec *spec;
} subject;

typedef struct subjects {
    subject *items;
    size_t count;
} subjects;

static lens_status subjects_add(subjects *list, const char *name) {
    subject s = {find_operation(name), NULL};
    if (!s.operation && lens_net_spec_open(&s.spec, name) != LENS_OK) {
        const char *words[16] = {NULL};
        for (size_t i = 0; check_operations[i].name; i++)
            words[i] = check_operations[i].name;
        const char *nearest = cli_nearest(name, words);
        return nearest ? cli_fail(LENS_BAD_ARGUMENT,
                                  "there is no operation \"%s\"; did you mean %s?", name, nearest)
                       : lens_net_spec_open(&s.spec, name); /* for its message */
    }
    list->items[list->count++] = s;
    return LENS_OK;
}

static lens_status subjects_new(subjects *list, char **names, size_t count) {
    list->items = cli_alloc(count + 32, sizeof *list->items);
    for (size_t i = 0; i < count; i++)
        TRY(subjects_add(list, names[i]));
    for (size_t i = 0; count == 0 && check_operations[i].name; i++)
        TRY(subjects_add(list, check_operations[i].name));
    for (size_t i = 0; count == 0 && i < sizeof default_nets / sizeof *default_nets; i++)
        TRY(subjects_add(list, default_nets[i]));
    return LENS_OK;
}

static void subjects_free(subjects *list) {
    for (size_t i = 0; i < list->count; i++)
        lens_net_spec_free(list->items[i].spec);
    free(list->items);
}

static lens_status check_device(const lens_devices *devices, size_t index, const subjects *list,
                                tally *t) {
    lens_context_opts opts = lens_context_defaults();
    opts.algorithm = t->o->algorithm;
    opts.profile = t->o->profile;
    opts.trace = t->profile.trace;
    check_job job = {.only = t->o->only, .callback = record, .phase = on_phase, .user = t};
    lens_status status = lens_context_open(&job.reference, "reference", NULL);
    if (status == LENS_OK)
        status = lens_context_new(&job.device, devices, index, &opts);
    for (size_t i = 0; status == LENS_OK && i < list->count; i++) {
        const subject *s = &list->items[i];
        status =
            s->operation ? check_run_operation(&job, s->operation) : check_run_net(&job, s->spec);
        progress_clear(&t->phase);
        flush_rows(t);
    }
    if (status == LENS_OK && t->o->profile)
        profile_print(&t->profile, job.device);
    lens_context_free(job.device);
    lens_context_free(job.reference);
    return status;
}

/* ---- the command --------------------------------------------------------------------------- */

static void print_summary(const tally *t, double seconds) {
    const check_counts *c = &t->here;
    printf("\n  %s case%s in %s: %s passed", out_thousands(c->done), c->done == 1 ? "" : "s",
           out_duration(seconds), out_thousands(c->done - c->failed - c->skipped));
    if (c->skipped)
        printf(", %s skipped", out_thousands(c->skipped));
    printf(", %s failed.\n", c->failed ? out_thousands(c->failed) : "none");
    if (t->worst.max_ulp > 0)
        printf("  Worst against its limit: %s case %zu, %s, \"%s\": %s ulp of %.0f allowed.\n",
               t->worst.op, t->worst.number, t->worst.pass, t->worst.name,
               ulp_shown(t->worst.max_ulp), t->worst.limit);
    else
        puts("  Every result is equal to the reference's, bit for bit.");
}

static void print_document(const tally *t, const lens_devices *devices, const size_t *picked,
                           size_t count) {
    json_t *document = out_document("check"), *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, out_device(lens_devices_get(devices, picked[i])));
    json_object_set_new(document, "devices", list);
    json_object_set_new(document, "records", table_rows(t->cases));
    json_object_set_new(document, "cases", out_count(t->all.done));
    json_object_set_new(document, "failed", out_count(t->all.failed));
    json_object_set_new(document, "skipped", out_count(t->all.skipped));
    out_print(document);
}

static lens_status check_all(const lens_devices *devices, const size_t *picked, size_t count,
                             const subjects *list, tally *t) {
    lens_status status = LENS_OK;
    bool text = t->o->format == FORMAT_TEXT;
    for (size_t i = 0; status == LENS_OK && i < count; i++) {
        double start = cli_seconds();
        t->device = lens_devices_get(devices, picked[i]);
        t->here = (check_counts){0};
        t->worst = (check_record){0};
        if (text) {
            printf("%s  Device %zu, %s, against the reference\n\n", i ? "\n" : "", t->device->index,
                   pick_name(t->device));
            if (t->o->verbose)
                table_stream(t->cases);
            else
                table_stream(t->passes = table_new(pass_columns));
        }
        status = check_device(devices, picked[i], list, t);
        if (status == LENS_OK)
            print_failures(t);
        if (text && status == LENS_OK)
            print_summary(t, cli_seconds() - start);
        table_free(t->passes);
        t->passes = NULL;
    }
    return status;
}

static int run(int argc, char **argv) {
    check_options o = {0};
    int left = options_parse(&command_check, argc, argv, &o, 0, 64);
    if (o.only && left != 2)
        cli_usage("check", "--case needs exactly one OP or MODEL beside it");
    lens_devices *devices = NULL;
    size_t *picked = NULL, count = 0;
    tally t = {.o = &o, .cases = table_new(case_columns)};
    subjects list = {0};
    lens_status status =
        profile_open(&t.profile, o.profile, "check", left > 1 ? argv[1] : "operations");
    if (status == LENS_OK)
        status = subjects_new(&list, argv + 1, (size_t)left - 1);
    if (status == LENS_OK)
        status = lens_devices_new(&devices);
    if (status == LENS_OK)
        status = pick_devices(devices, &o.devices, &picked, &count);
    if (status == LENS_OK)
        status = check_all(devices, picked, count, &list, &t);
    if (status == LENS_OK && o.format == FORMAT_JSON)
        print_document(&t, devices, picked, count);
    else if (status == LENS_OK && o.format != FORMAT_TEXT)
        table_print(t.cases, o.format);
    table_free(t.cases);
    free(picked);
    subjects_free(&list);
    lens_devices_free(devices);
    status = profile_close(&t.profile, status);
    return status == LENS_OK && t.all.failed ? CLI_CHECK_FAILED : cli_report("check", status);
}

const cli_command command_check = {
    "check",
    "[OP|MODEL ...] [OPTION ...]",
    "cross-check a device against the reference, every operation and pass",
    "Without names: every operation, then LeNet-5 and a small AlexNet, forward layer by layer and\n"
    "backward. An error is counted in ulp of the magnitude of what was added up (the largest "
    "value\n"
    "of the tensor for a network); the limit is what rounding can explain. Limit 0 is equality.\n"
    "Exit code 1 when a case fails; each failing case comes with the line that repeats it alone.",
    options,
    run,
};
