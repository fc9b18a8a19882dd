/* bench_compare.c: the comparison: on every device its own limits, the steps and passes of nets,
 * what a first start costs, and the cross-check against the reference, in one JSON document.
 *
 * A device that fails at one thing is still measured at the others: the document says what failed.
 */
#include "bench.h"
#include "cross_check.h"
#include "environment.h"
#include "pick.h"
#include "progress.h"
#include "report.h"
#include "start_cost.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is compared when no model is named: one net that is all launches, one that is all work. */
static const struct {
    const char *model;
    size_t batch;
} usual_nets[] = {{"lenet5-relu", 64}, {"alexnet", 16}};

/* The reference's loops take about a second for one of these. */
#define REFERENCE_FLOPS_MOST 5e9

typedef struct compared_net {
    const char *model; /* as it was named */
    lens_net_spec *spec;
    size_t batch;
    double macs; /* of one image */
} compared_net;

typedef struct comparison {
    const bench_options *o;
    lens_devices *devices;
    size_t *picked, count; /* devices */
    compared_net *nets;
    size_t net_count;
    json_t *device_rows, *net_rows, *start_rows, *pass_rows, *check_rows;
    size_t device;     /* that is measured now: its index */
    json_t *facts;     /* its row */
    check_rows rows;   /* of the operation or net that is checked now */
    size_t failed;     /* checks, on all devices */
    lens_status worst; /* the first failure of a device */
    char why[1024];    /* its message */
    profile profile;   /* none */
    progress progress;
    size_t parts_done, parts;
} comparison;

/* ---- telling ------------------------------------------------------------------------------- */

static void begin(comparison *c, const char *what) {
    const lens_device_info *device = lens_devices_get(c->devices, c->device);
    cli_forget(); /* a part that failed keeps none from being tried */
    progress_part(&c->progress, c->parts_done++, c->parts,
                  out_printf("%s: %s", pick_name(device), what));
}

/* Remember the failure of a device: in its row, and for the exit code. */
static void note_failure(comparison *c, lens_status status) {
    if (json_is_null(json_object_get(c->facts, "error")))
        json_object_set_new(c->facts, "error", out_text(cli_message()));
    if (c->worst == LENS_OK) {
        const lens_device_info *device = lens_devices_get(c->devices, c->device);
        c->worst = status;
        snprintf(c->why, sizeof c->why, "%s: %s", pick_name(device), cli_message());
    }
}

/* ---- steps of nets ------------------------------------------------------------------------- */

static json_t *net_row(const comparison *c, const compared_net *net, const bench_options *o) {
    bool is_training = o->mode == BENCH_TRAINING;
    json_t *row = json_object();
    json_object_set_new(row, "device", out_count(c->device));
    json_object_set_new(row, "model", out_text(net->spec->name));
    json_object_set_new(row, "mode", out_text(is_training ? "training" : "inference"));
    json_object_set_new(row, "batch_size", out_count(net->batch));
    json_object_set_new(row, "optimizer",
                        out_text(is_training ? lens_optimizer_name(o->optimizer) : NULL));
    return row;
}

/* `r` is NULL where nothing was measured, for the reason `note`. */
static void add_net(comparison *c, const compared_net *net, const bench_options *o,
                    const bench_steps_result *r, const char *note) {
    static const bench_steps_result nothing = {.median = NAN, .least = NAN, .first = NAN};
    json_t *row = net_row(c, net, o);
    const bench_steps_result *of = r ? r : &nothing;
    json_object_set_new(row, "step_ms_median", out_real(1e3 * of->median));
    json_object_set_new(row, "step_ms_min", out_real(1e3 * of->least));
    json_object_set_new(row, "images_per_second", out_real((double)net->batch / of->median));
    json_object_set_new(row, "gflops",
                        out_real(1e-9 * bench_step_flops(net->macs, o) / of->median));
    json_object_set_new(row, "steps", out_count(of->steps));
    json_object_set_new(row, "first_step_ms", out_real(1e3 * of->first));
    json_object_set_new(row, "memory_bytes", r ? out_count(of->bytes) : json_null());
    json_object_set_new(row, "note", out_text(note));
    json_array_append_new(c->net_rows, row);
}

static void compare_steps(comparison *c, const compared_net *net, const bench_options *o) {
    bench_steps_result r;
    lens_status status = bench_device_steps(&r, c->devices, c->device, net->spec, o, &c->profile);
    if (status != LENS_OK)
        note_failure(c, status);
    add_net(c, net, o, status == LENS_OK ? &r : NULL, status == LENS_OK ? NULL : cli_message());
}

/* ---- passes -------------------------------------------------------------------------------- */

static void compare_passes(comparison *c, lens_context *context, const compared_net *net,
                           const bench_options *o) {
    json_t *rows = NULL, *row;
    size_t i;
    lens_status status = bench_net_passes(&rows, context, net->spec, o);
    if (status != LENS_OK)
        note_failure(c, status);
    json_array_foreach(rows, i, row) {
        json_t *of_net = json_object();
        json_object_set_new(of_net, "device", out_count(c->device));
        json_object_set_new(of_net, "model", out_text(net->spec->name));
        json_object_set_new(of_net, "batch_size", out_count(net->batch));
        json_object_update(of_net, row);
        json_array_append_new(c->pass_rows, of_net);
    }
    json_decref(rows);
}

/* ---- a net --------------------------------------------------------------------------------- */

static bool is_too_slow(const comparison *c, double flops) {
    return lens_devices_get(c->devices, c->device)->type == LENS_DEVICE_REFERENCE &&
           flops > REFERENCE_FLOPS_MOST;
}

static void compare_net(comparison *c, lens_context *context, const compared_net *net) {
    bench_options o = *c->o;
    o.batch = net->batch;
    for (o.mode = BENCH_TRAINING; o.mode <= BENCH_INFERENCE; o.mode++) {
        begin(c, out_printf("%s, %s", net->spec->name,
                            o.mode == BENCH_TRAINING ? "training" : "inference"));
        if (is_too_slow(c, bench_step_flops(net->macs, &o)))
            add_net(c, net, &o, NULL, "left out: the reference's plain loops would take too long");
        else
            compare_steps(c, net, &o);
    }
    begin(c, out_printf("%s, layer by layer", net->spec->name));
    o.mode = BENCH_TRAINING;
    o.seconds = 0; /* of each pass: its rounds are enough */
    if (!is_too_slow(c, bench_step_flops(net->macs, &o)))
        compare_passes(c, context, net, &o);
}

/* ---- first start --------------------------------------------------------------------------- */

/* Of the first net; the reference has no kernels to compile. */
static void compare_start(comparison *c) {
    const compared_net *net = &c->nets[0];
    begin(c, out_printf("first start of %s", net->spec->name));
    if (lens_devices_get(c->devices, c->device)->type == LENS_DEVICE_REFERENCE)
        return;
    bench_options o = *c->o;
    o.batch = net->batch;
    start_cost cost = {NAN, NAN};
    lens_status status = start_cost_measure(&cost, c->device, net->model, &o);
    json_t *row = json_object();
    json_object_set_new(row, "device", out_count(c->device));
    json_object_set_new(row, "model", out_text(net->spec->name));
    json_object_set_new(row, "batch_size", out_count(net->batch));
    json_object_set_new(row, "cold_ms", out_real(1e3 * cost.cold));
    json_object_set_new(row, "warm_ms", out_real(1e3 * cost.warm));
    json_object_set_new(row, "note", out_text(status == LENS_OK ? NULL : cli_message()));
    json_array_append_new(c->start_rows, row);
}

/* ---- checks -------------------------------------------------------------------------------- */

static void on_record(const check_record *record, void *user) {
    comparison *c = user;
    check_rows_add(&c->rows, record);
    c->failed += record->status == CHECK_FAIL;
}

static void on_phase(const char *what, void *user) {
    (void)what, (void)user; /* the part is announced already */
}

/* The rows of the operation or net that has just been checked. */
static void flush_checks(comparison *c) {
    for (size_t i = 0; i < c->rows.count; i++) {
        const check_row *of = &c->rows.items[i];
        json_t *row = json_object();
        json_object_set_new(row, "device", out_count(c->device));
        json_object_set_new(row, "op", out_text(of->op));
        json_object_set_new(row, "pass", out_text(of->pass));
        json_object_set_new(row, "cases", out_count(of->counts.done));
        json_object_set_new(row, "failed", out_count(of->counts.failed));
        json_object_set_new(row, "skipped", out_count(of->counts.skipped));
        json_object_set_new(row, "worst_ulp", out_real(of->worst.max_ulp));
        json_object_set_new(row, "limit_ulp", out_real(of->worst.limit));
        json_object_set_new(row, "worst_case", out_count(of->worst.number));
        json_object_set_new(row, "worst_name", out_text(of->worst.name));
        json_object_set_new(row, "note", out_text(*of->worst.note ? of->worst.note : NULL));
        json_array_append_new(c->check_rows, row);
    }
    c->rows.count = 0;
}

static bool is_wanted(const bench_options *o, const char *operation) {
    return o->operation < 0 || !strcmp(operation, op_name(o->operation));
}

/* Every operation, and the nets that are measured. */
static void compare_checks(comparison *c, lens_context *context) {
    check_job job = {.device = context, .callback = on_record, .phase = on_phase, .user = c};
    if (lens_context_device(context)->type == LENS_DEVICE_REFERENCE)
        return;
    lens_status status = lens_context_open(&job.reference, "reference", NULL);
    begin(c, "every operation against the reference");
    for (const check_operation *of = check_operations; status == LENS_OK && of->name; of++)
        if (is_wanted(c->o, of->name)) {
            status = check_run_operation(&job, of);
            flush_checks(c);
        }
    for (size_t i = 0; status == LENS_OK && i < c->net_count; i++) {
        begin(c, out_printf("%s against the reference", c->nets[i].spec->name));
        status = check_run_net(&job, c->nets[i].spec);
        flush_checks(c);
    }
    if (status != LENS_OK)
        note_failure(c, status);
    lens_context_free(job.reference);
}

/* ---- a device ------------------------------------------------------------------------------ */

static void add_device(comparison *c, const lens_device_info *device) {
    c->facts = out_device(device);
    json_object_set_new(c->facts, "compute_units", out_count(device->compute_units));
    json_object_set_new(c->facts, "clock_mhz", out_count(device->clock_mhz));
    json_object_set_new(c->facts, "memory_bytes", out_count(device->memory_bytes));
    json_object_set_new(c->facts, "allocation_bytes", out_count(device->allocation_bytes));
    json_object_set_new(c->facts, "local_bytes", out_count(device->local_bytes));
    json_object_set_new(c->facts, "work_group_items", out_count(device->work_group_items));
    json_object_set_new(c->facts, "peak_gflops", json_null());
    json_object_set_new(c->facts, "bandwidth_gbytes_per_second", json_null());
    json_object_set_new(c->facts, "error", json_null());
    json_array_append_new(c->device_rows, c->facts);
}

/* The peak and bandwidth, as the best of what was measured beside every pass. */
static void add_limits(comparison *c, lens_limits limits) {
    json_t *row;
    size_t i;
    json_array_foreach(c->pass_rows, i, row) {
        if ((size_t)json_integer_value(json_object_get(row, "device")) != c->device)
            continue;
        const json_t *peak = json_object_get(row, "peak_gflops");
        const json_t *bytes = json_object_get(row, "bandwidth_gbytes_per_second");
        limits.flops = fmax(limits.flops, 1e9 * json_number_value(peak));
        limits.bytes = fmax(limits.bytes, 1e9 * json_number_value(bytes));
    }
    json_object_set_new(c->facts, "peak_gflops", out_real(1e-9 * limits.flops));
    json_object_set_new(c->facts, "bandwidth_gbytes_per_second", out_real(1e-9 * limits.bytes));
}

static void compare_on(comparison *c, lens_context *context) {
    bool is_reference = lens_context_device(context)->type == LENS_DEVICE_REFERENCE;
    lens_limits limits = {NAN, NAN};
    begin(c, "peak and bandwidth");
    lens_status status = is_reference ? LENS_OK : lens_context_limits(context, &limits);
    if (status != LENS_OK)
        note_failure(c, status);
    for (size_t i = 0; i < c->net_count; i++)
        compare_net(c, context, &c->nets[i]);
    if (!is_reference)
        add_limits(c, limits);
    compare_start(c);
    compare_checks(c, context);
}

static void compare_device(comparison *c, size_t index) {
    lens_context_opts opts = lens_context_defaults();
    lens_context *context = NULL;
    opts.algorithm = c->o->algorithm;
    c->device = index;
    cli_forget();
    add_device(c, lens_devices_get(c->devices, index));
    lens_status status = lens_context_new(&context, c->devices, index, &opts);
    if (status == LENS_OK)
        compare_on(c, context);
    else
        note_failure(c, status);
    lens_context_free(context);
}

/* ---- the document -------------------------------------------------------------------------- */

static json_t *document_of(const comparison *c) {
    json_t *document = out_document("bench");
    json_object_set_new(document, "kind", out_text("comparison"));
    environment_add(document);
    environment_add_machine(document, c->o->machine);
    json_object_set_new(document, "algorithm", out_text(c->o->algorithm));
    json_object_set(document, "devices", c->device_rows);
    json_object_set(document, "nets", c->net_rows);
    json_object_set(document, "starts", c->start_rows);
    json_object_set(document, "passes", c->pass_rows);
    json_object_set(document, "checks", c->check_rows);
    return document;
}

static lens_status write_document(const json_t *document, const char *path) {
    char *text = json_dumps(document, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
    lens_status status = text ? lens_file_write(path, text, strlen(text))
                              : cli_fail(LENS_OUT_OF_MEMORY, "%s: no memory for it", path);
    free(text);
    return status;
}

/* What the document says, as the report of one file would. */
static lens_status show(json_t *document, const bench_options *o) {
    if (o->format == FORMAT_JSON && !o->out) {
        out_print(json_incref(document));
        return LENS_OK;
    }
    report r = {0};
    lens_status status = report_add(&r, o->out ? o->out : "this run", document);
    if (status == LENS_OK)
        report_print(&r, o->format, NULL);
    report_free(&r);
    return status;
}

/* ---- the whole ----------------------------------------------------------------------------- */

static lens_status open_net(compared_net *net, const char *model, size_t batch) {
    lens_net_summary *summary;
    *net = (compared_net){.model = model, .batch = batch};
    TRY(lens_net_spec_open(&net->spec, model));
    TRY(lens_net_summary_new(&summary, net->spec, NULL, batch, 0));
    net->macs = (double)summary->macs;
    lens_net_summary_free(summary);
    return LENS_OK;
}

static lens_status open_nets(comparison *c, char *const *models, size_t count) {
    size_t usual = sizeof usual_nets / sizeof *usual_nets, batch = c->o->batch;
    c->net_count = count ? count : usual;
    c->nets = cli_alloc(c->net_count, sizeof *c->nets);
    for (size_t i = 0; i < c->net_count; i++) {
        const char *model = count ? models[i] : usual_nets[i].model;
        size_t of_model = count ? BENCH_BATCH : usual_nets[i].batch;
        TRY(open_net(&c->nets[i], model, batch == COUNT_UNSET ? of_model : batch));
    }
    return LENS_OK;
}

static lens_status open_all(comparison *c, char *const *models, size_t count) {
    if (c->o->out)
        TRY(out_check_file("--out", c->o->out));
    TRY(open_nets(c, models, count));
    TRY(lens_devices_new(&c->devices));
    TRY(pick_devices(c->devices, &c->o->devices, &c->picked, &c->count));
    for (size_t i = 0; i < c->count; i++) {
        bool is_reference =
            lens_devices_get(c->devices, c->picked[i])->type == LENS_DEVICE_REFERENCE;
        c->parts += 2 + 3 * c->net_count + (is_reference ? 0 : 1 + c->net_count);
    }
    return LENS_OK;
}

static void close_all(comparison *c) {
    json_decref(c->device_rows);
    json_decref(c->net_rows);
    json_decref(c->start_rows);
    json_decref(c->pass_rows);
    json_decref(c->check_rows);
    for (size_t i = 0; c->nets && i < c->net_count; i++)
        lens_net_spec_free(c->nets[i].spec);
    free(c->nets);
    free(c->picked);
    lens_devices_free(c->devices);
}

lens_status bench_compare(char *const *models, size_t count, const bench_options *o,
                          size_t *failed) {
    comparison c = {.o = o,
                    .device_rows = json_array(),
                    .net_rows = json_array(),
                    .start_rows = json_array(),
                    .pass_rows = json_array(),
                    .check_rows = json_array()};
    lens_status status = open_all(&c, models, count);
    for (size_t i = 0; status == LENS_OK && i < c.count; i++)
        compare_device(&c, c.picked[i]);
    progress_clear(&c.progress);
    if (status == LENS_OK) {
        json_t *document = document_of(&c);
        if (o->out)
            status = write_document(document, o->out);
        if (status == LENS_OK)
            status = show(document, o);
        json_decref(document);
    }
    *failed = c.failed;
    if (status == LENS_OK && c.worst != LENS_OK)
        status = cli_fail(c.worst, "%s", c.why);
    close_all(&c);
    return status;
}
