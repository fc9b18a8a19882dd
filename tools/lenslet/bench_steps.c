/* bench_steps.c: the same training step, or inference, on every device. */
#include "bench.h"
#include "environment.h"
#include "model.h"
#include "pick.h"
#include "table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const table_column columns[] = {
    {"device", "", true},
    {"name", "Device"},
    {"type", "Type"},
    {"step_ms_median", "Step", true},
    {"step_ms_min", "Fastest", true},
    {"images_per_second", "Images/s", true},
    {"gflops", "GFLOP/s", true},
    {"speed_up", "x reference", true},
    {"steps", "Steps", true},
    {"first_step_ms", "First step", true},
    {"start_ms", NULL},
    {"memory_bytes", "Memory", true},
    {0},
};

enum { STEPS_LEAST = 5, STEPS_MOST = 1000 };

/* A net and what its step needs. */
typedef struct step {
    bool is_training;
    lens_net *net;
    lens_tensor *slots[2], *total;
    lens_optimizer_opts optimizer;
    uint64_t number;
} step;

/* ---- one step ------------------------------------------------------------------------------ */

/* Images, and a label each, which inference does not read. */
static lens_status step_fill(step *s) {
    lens_tensor *input = lens_net_input(s->net), *target = lens_net_target(s->net);
    size_t count = lens_tensor_count(input), labels = lens_tensor_count(target);
    size_t classes = lens_tensor_count(lens_net_output(s->net)) / labels;
    float *values = cli_alloc(count > labels ? count : labels, sizeof *values);
    for (size_t i = 0; i < count; i++)
        values[i] = (float)(i * 2654435761u % 256) / 255;
    lens_status status = lens_tensor_write(input, values);
    for (size_t i = 0; i < labels; i++)
        values[i] = classes > 1 ? (float)(i % classes) : (float)(i % 2);
    if (status == LENS_OK)
        status = lens_tensor_write(target, values);
    free(values);
    return status;
}

static lens_status step_open(step *s, lens_context *context, const lens_net_spec *spec,
                             const bench_options *o) {
    lens_net_opts opts = lens_net_defaults();
    opts.batch = o->batch;
    opts.training = s->is_training = o->mode == BENCH_TRAINING;
    opts.loss = model_loss(spec, 1);
    s->optimizer = lens_optimizer_defaults(o->optimizer);
    TRY(lens_net_new(&s->net, context, spec, &opts));
    TRY(lens_net_set_batch(s->net, o->batch));
    TRY(lens_net_initialize(s->net, 0));
    lens_shape parameters = lens_tensor_shape(lens_net_parameters(s->net));
    for (size_t i = 0; s->is_training && i < lens_optimizer_slots(o->optimizer); i++) {
        TRY(lens_tensor_new(&s->slots[i], context, parameters));
        TRY(lens_tensor_fill(s->slots[i], 0));
    }
    TRY(lens_tensor_new(&s->total, context, (lens_shape){1, 2, 1, 1}));
    return step_fill(s);
}

static void step_close(step *s) {
    lens_tensor_free(s->slots[0]);
    lens_tensor_free(s->slots[1]);
    lens_tensor_free(s->total);
    lens_net_free(s->net);
}

/* Forward, and in training loss, backward and update; waits until the device is done. */
static lens_status step_take(step *s) {
    if (!s->is_training) {
        TRY(lens_net_forward(s->net));
        return lens_context_wait(lens_net_context(s->net));
    }
    TRY(lens_net_forward_training(s->net, 0, s->number));
    TRY(lens_net_loss(s->net, s->total, s->number > 0));
    TRY(lens_net_backward(s->net));
    TRY(lens_optimizer_step(lens_net_parameters(s->net), lens_net_gradients(s->net), s->slots, NULL,
                            ++s->number, &s->optimizer));
    return lens_context_wait(lens_net_context(s->net));
}

static lens_status step_time(step *s, double *seconds) {
    lens_span span = lens_span_begin(lens_context_trace(lens_net_context(s->net)), "step");
    double start = cli_seconds();
    lens_status status = step_take(s);
    *seconds = cli_seconds() - start;
    lens_span_end(&span);
    return status;
}

/* ---- many steps ---------------------------------------------------------------------------- */

/* `opened`: when opening the device began. */
static lens_status measure(step *s, double opened, double seconds, bench_steps_result *r) {
    double times[STEPS_MOST], start;
    size_t count = 0;
    TRY(step_time(s, &r->first)); /* builds or loads the kernels */
    r->start = cli_seconds() - opened;
    TRY(step_time(s, &times[0])); /* may still be slow */
    start = cli_seconds();
    while (count < STEPS_MOST && (count < STEPS_LEAST || cli_seconds() - start < seconds)) {
        TRY(step_time(s, &times[count]));
        count++;
    }
    r->median = bench_median(times, count);
    r->least = times[0];
    r->steps = count;
    return LENS_OK;
}

lens_status bench_device_steps(bench_steps_result *r, const lens_devices *devices, size_t index,
                               const lens_net_spec *spec, const bench_options *o,
                               const profile *p) {
    lens_context_opts opts = lens_context_defaults();
    opts.algorithm = o->algorithm;
    opts.profile = o->profile;
    opts.trace = p->trace;
    lens_context *context = NULL;
    step s = {0};
    double start = cli_seconds();
    *r = (bench_steps_result){.device = lens_devices_get(devices, index)};
    lens_status status = lens_context_new(&context, devices, index, &opts);
    if (status == LENS_OK)
        status = step_open(&s, context, spec, o);
    if (status == LENS_OK)
        status = measure(&s, start, o->seconds, r);
    if (status == LENS_OK && o->profile)
        profile_print(p, context);
    if (context)
        lens_context_memory(context, &r->bytes);
    step_close(&s);
    lens_context_free(context);
    return status;
}

double bench_step_flops(double macs, const bench_options *o) {
    return (o->mode == BENCH_TRAINING ? 6 : 2) * macs * (double)o->batch;
}

/* ---- results ------------------------------------------------------------------------------- */

static double reference_time(const bench_steps_result *results, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (results[i].device->type == LENS_DEVICE_REFERENCE)
            return results[i].median;
    return NAN;
}

/* `flops` of one step. */
static void add_row(table *t, const bench_steps_result *r, const bench_options *o, double flops,
                    double reference) {
    double rate = (double)o->batch / r->median, ratio = reference / r->median;
    table_cell(t, out_count(r->device->index), out_printf("%zu", r->device->index));
    table_text(t, pick_name(r->device));
    table_text(t, lens_device_type_name(r->device->type));
    table_real(t, 1e3 * r->median, out_duration(r->median));
    table_real(t, 1e3 * r->least, out_duration(r->least));
    table_real(t, rate, out_thousands((size_t)(rate + 0.5)));
    table_real(t, 1e-9 * flops / r->median, out_printf("%.3g", 1e-9 * flops / r->median));
    table_real(t, ratio, isfinite(ratio) ? out_printf("%.1f", ratio) : "-");
    table_count(t, r->steps);
    table_real(t, 1e3 * r->first, out_duration(r->first));
    table_real(t, 1e3 * r->start, out_duration(r->start));
    table_cell(t, out_count(r->bytes), out_bytes(r->bytes));
}

static void print_json(const lens_net_spec *spec, const table *t, const bench_steps_result *results,
                       size_t count, const bench_options *o) {
    bool is_training = o->mode == BENCH_TRAINING;
    json_t *document = out_document("bench"), *devices = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(devices, out_device(results[i].device));
    json_object_set_new(document, "model", out_text(spec->name));
    json_object_set_new(document, "mode", out_text(is_training ? "training" : "inference"));
    json_object_set_new(document, "batch_size", out_count(o->batch));
    json_object_set_new(document, "optimizer",
                        out_text(is_training ? lens_optimizer_name(o->optimizer) : NULL));
    json_object_set_new(document, "devices", devices);
    environment_add(document);
    json_object_set_new(document, "results", table_rows(t));
    out_print(document);
}

static void print_text(const lens_net_spec *spec, const table *t, const bench_options *o) {
    if (o->mode == BENCH_TRAINING)
        printf("  %s, a training step of %zu images: forward, loss, backward, %s\n\n", spec->name,
               o->batch, lens_optimizer_name(o->optimizer));
    else
        printf("  %s, inference of %zu images: forward\n\n", spec->name, o->batch);
    table_print(t, FORMAT_TEXT);
    puts("\n  Step is the median, first step includes building the kernels or loading them from\n"
         "  the cache. A multiply-add counts as 2 FLOP, a training step as 3 forward passes.");
}

static void print_results(const lens_net_spec *spec, const bench_steps_result *results,
                          size_t count, double macs, const bench_options *o) {
    table *t = table_new(columns);
    double reference = reference_time(results, count);
    double flops = bench_step_flops(macs, o);
    for (size_t i = 0; i < count; i++)
        add_row(t, &results[i], o, flops, reference);
    if (o->format == FORMAT_JSON)
        print_json(spec, t, results, count, o);
    else if (o->format == FORMAT_TEXT)
        print_text(spec, t, o);
    else
        table_print(t, o->format);
    table_free(t);
}

lens_status bench_steps(const char *model, const bench_options *o) {
    lens_net_spec *spec = NULL;
    lens_net_summary *summary = NULL;
    lens_devices *devices = NULL;
    size_t *picked = NULL, count = 0;
    bench_steps_result *results = NULL;
    profile p;
    lens_status status = profile_open(&p, o->profile, "bench", model);
    if (status == LENS_OK)
        status = lens_net_spec_open(&spec, model);
    if (status == LENS_OK)
        status = lens_net_summary_new(&summary, spec, NULL, o->batch, 0);
    if (status == LENS_OK)
        status = lens_devices_new(&devices);
    if (status == LENS_OK)
        status = pick_devices(devices, &o->devices, &picked, &count);
    if (status == LENS_OK)
        results = cli_alloc(count, sizeof *results);
    for (size_t i = 0; status == LENS_OK && i < count; i++)
        status = bench_device_steps(&results[i], devices, picked[i], spec, o, &p);
    if (status == LENS_OK)
        print_results(spec, results, count, (double)summary->macs, o);
    free(results);
    free(picked);
    lens_devices_free(devices);
    lens_net_summary_free(summary);
    lens_net_spec_free(spec);
    return profile_close(&p, status);
}
