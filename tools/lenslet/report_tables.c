/* report_tables.c: the numbers of a report, a table of each kind. */
#include "report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- cells --------------------------------------------------------------------------------- */

static void add_real(table *t, double value, const char *format) {
    table_real(t, value, isfinite(value) ? out_printf(format, value) : "-");
}

static void add_part(table *t, double part) {
    table_real(t, part, isfinite(part) ? out_printf("%.0f %%", 100 * part) : "-");
}

static void add_ms(table *t, double ms) {
    table_real(t, ms, out_duration(1e-3 * ms));
}

static void add_rate(table *t, double rate) {
    table_real(t, rate, isfinite(rate) ? out_rate(rate) : "-");
}

static void add_bytes(table *t, size_t bytes) {
    table_cell(t, out_count(bytes), out_bytes(bytes));
}

/* Who measured it, in every table. */
static void add_device(table *t, const report *r, size_t device) {
    const report_device *d = &r->devices[device];
    table_text(t, d->label);
    table_text(t, r->files[d->file].machine);
    table_text(t, r->files[d->file].lenslet);
}
#define DEVICE_COLUMNS                                                                             \
    {"device", "Device"}, {"machine", NULL}, {                                                     \
        "lenslet", NULL                                                                            \
    }

/* ---- devices ------------------------------------------------------------------------------- */

static const table_column device_columns[] = {
    DEVICE_COLUMNS,
    {"type", "Type"},
    {"platform", NULL},
    {"name", NULL},
    {"vendor", NULL},
    {"driver", "Driver"},
    {"opencl", NULL},
    {"compute_units", "Units", true},
    {"clock_mhz", NULL},
    {"memory_bytes", "Memory", true},
    {"local_bytes", NULL},
    {"work_group_items", NULL},
    {"peak_gflops", "Peak GFLOP/s", true},
    {"bandwidth_gbytes_per_second", "GB/s", true},
    {"checks", "Checks"},
    {"cases", NULL},
    {"failed", NULL},
    {"processor", NULL},
    {"system", NULL},
    {"time", NULL},
    {"algorithm", NULL},
    {"file", NULL},
    {"error", "Error"},
    {0},
};

static table *devices_table(const report *r) {
    table *t = table_new(device_columns);
    for (size_t i = 0; i < r->device_count; i++) {
        const report_device *d = &r->devices[i];
        const report_file *file = &r->files[d->file];
        report_verdict v = report_verdict_of(r, i);
        add_device(t, r, i);
        table_text(t, d->type);
        table_text(t, d->platform);
        table_text(t, d->name);
        table_text(t, d->vendor);
        table_text(t, d->driver);
        table_text(t, d->opencl);
        table_count(t, d->compute_units);
        table_count(t, d->clock_mhz);
        add_bytes(t, d->memory_bytes);
        add_bytes(t, d->local_bytes);
        table_count(t, d->work_group_items);
        add_real(t, d->peak_gflops, "%.4g");
        add_real(t, d->bandwidth, "%.3g");
        table_text(t, report_verdict_text(r, i));
        table_count(t, v.cases);
        table_count(t, v.failed);
        table_text(t, file->processor);
        table_text(t, file->system);
        table_text(t, file->time);
        table_text(t, file->algorithm);
        table_text(t, file->path);
        table_text(t, d->error);
    }
    return t;
}

/* ---- nets ---------------------------------------------------------------------------------- */

static const table_column net_columns[] = {
    {"model", "Network"},
    {"mode", "Mode"},
    {"batch_size", "Batch", true},
    {"optimizer", NULL},
    DEVICE_COLUMNS,
    {"images_per_second", "Images/s", true},
    {"of_fastest", "of fastest", true},
    {"step_ms_median", "Step", true},
    {"step_ms_min", NULL},
    {"gflops", "GFLOP/s", true},
    {"steps", NULL},
    {"first_step_ms", "First step", true},
    {"memory_bytes", "Memory", true},
    {"note", "Note"},
    {0},
};

static void add_net(table *t, const report *r, const report_group *g, const report_net *net) {
    const char *mark = report_mark(r, g, net);
    bool is_comparable = net->batch == g->batch && g->fastest;
    table_text(t, net->model);
    table_text(t, net->mode);
    table_count(t, net->batch);
    table_text(t, net->optimizer);
    add_device(t, r, net->device);
    add_rate(t, net->rate);
    add_part(t, is_comparable ? net->rate / g->fastest->rate : NAN);
    add_ms(t, net->median_ms);
    add_ms(t, net->least_ms);
    add_real(t, net->gflops, "%.3g");
    table_count(t, net->steps);
    add_ms(t, net->first_ms);
    table_real(t, net->memory, isfinite(net->memory) ? out_bytes((size_t)net->memory) : "-");
    table_text(t, net->note                          ? net->note
                  : !report_is_right(r, net->device) ? "fails its checks"
                  : *mark                            ? mark
                                                     : NULL);
}

static int faster_first(const void *a, const void *b) {
    const report_net *x = *(const report_net *const *)a, *y = *(const report_net *const *)b;
    double p = isfinite(x->rate) ? x->rate : -1, q = isfinite(y->rate) ? y->rate : -1;
    return p != q ? (p < q) - (p > q) : (x->device > y->device) - (x->device < y->device);
}

static table *nets_table(const report *r) {
    table *t = table_new(net_columns);
    const report_net **rows = cli_alloc(r->net_count, sizeof *rows);
    size_t group_count;
    report_group *groups = report_groups(r, &group_count);
    for (size_t i = 0; i < group_count; i++) {
        size_t count = 0;
        for (size_t j = 0; j < r->net_count; j++)
            if (!strcmp(r->nets[j].model, groups[i].model) &&
                !strcmp(r->nets[j].mode, groups[i].mode))
                rows[count++] = &r->nets[j];
        qsort(rows, count, sizeof *rows, faster_first);
        for (size_t j = 0; j < count; j++)
            add_net(t, r, &groups[i], rows[j]);
    }
    free(groups);
    free(rows);
    return t;
}

/* ---- first starts -------------------------------------------------------------------------- */

static const table_column start_columns[] = {
    {"model", "Network"},
    {"batch_size", "Batch", true},
    DEVICE_COLUMNS,
    {"cold_ms", "First start", true},
    {"warm_ms", "Next start", true},
    {"note", "Note"},
    {0},
};

static table *starts_table(const report *r) {
    table *t = table_new(start_columns);
    for (size_t i = 0; i < r->start_count; i++) {
        const report_start *s = &r->starts[i];
        table_text(t, s->model);
        table_count(t, s->batch);
        add_device(t, r, s->device);
        add_ms(t, s->cold_ms);
        add_ms(t, s->warm_ms);
        table_text(t, s->note);
    }
    return t;
}

/* ---- passes -------------------------------------------------------------------------------- */

static const table_column pass_columns[] = {
    {"model", "Network"},
    {"batch_size", "Batch", true},
    {"layer", "Layer"},
    {"op", NULL},
    {"pass", "Pass"},
    {"shape", "Shape"},
    DEVICE_COLUMNS,
    {"algorithm", "Algorithm"},
    {"ms_median", "ms", true},
    {"gflops", "GFLOP/s", true},
    {"peak_part", "of peak", true},
    {"gbytes_per_second", "GB/s", true},
    {"bandwidth_part", "of b/w", true},
    {"flop_per_byte", "FLOP/byte", true},
    {"bound", "Bound"},
    {"bound_part", "of bound", true},
    {"flops", NULL},
    {"bytes", NULL},
    {"peak_gflops", NULL},
    {"peak_gbytes_per_second", NULL},
    {0},
};

static table *passes_table(const report *r) {
    table *t = table_new(pass_columns);
    for (size_t i = 0; i < r->pass_count; i++) {
        const report_pass *p = &r->passes[i];
        table_text(t, p->model);
        table_count(t, p->batch);
        table_text(t, p->layer);
        table_text(t, p->op);
        table_text(t, p->pass);
        table_text(t, p->shape);
        add_device(t, r, p->device);
        table_text(t, p->algorithm);
        add_real(t, p->median_ms, "%.3g");
        add_real(t, p->gflops, "%.3g");
        add_part(t, p->peak_part);
        add_real(t, p->bytes_rate, "%.3g");
        add_part(t, p->bandwidth_part);
        add_real(t, p->flops / p->bytes, "%.3g");
        table_text(t, p->bound);
        add_part(t, p->bound_part);
        add_real(t, p->flops, "%.4g");
        add_real(t, p->bytes, "%.4g");
        add_real(t, p->peak_gflops, "%.4g");
        add_real(t, p->bandwidth, "%.3g");
    }
    return t;
}

/* ---- checks -------------------------------------------------------------------------------- */

static const table_column check_columns[] = {
    DEVICE_COLUMNS,
    {"op", "Checked"},
    {"pass", "Pass"},
    {"cases", "Cases", true},
    {"failed", "Failed", true},
    {"skipped", "Skipped", true},
    {"worst_ulp", "Worst ulp", true},
    {"limit_ulp", "Limit", true},
    {"worst_case", NULL},
    {"worst_name", "in case"},
    {"note", NULL},
    {0},
};

static table *checks_table(const report *r) {
    table *t = table_new(check_columns);
    for (size_t i = 0; i < r->check_count; i++) {
        const report_check *c = &r->checks[i];
        add_device(t, r, c->device);
        table_text(t, c->op);
        table_text(t, c->pass);
        table_count(t, c->cases);
        table_count(t, c->failed);
        table_count(t, c->skipped);
        table_real(t, c->worst_ulp, report_ulp_text(c->worst_ulp));
        add_real(t, c->limit_ulp, "%.0f");
        table_count(t, c->worst_case);
        table_text(t, c->worst_ulp == 0 ? "every result is equal" : c->worst_name);
        table_text(t, c->note);
    }
    return t;
}

/* ---- all ----------------------------------------------------------------------------------- */

const report_table report_tables[] = {
    {"devices", "Devices", devices_table},
    {"nets", "Networks", nets_table},
    {"starts", "First start", starts_table},
    {"passes", "Passes of layers", passes_table},
    {"checks", "Checks against the reference", checks_table},
    {0},
};
