/* bench_layers.c: every pass of a net's layers by itself, against what the device can do.
 *
 * The roofline: a pass takes at least the time of its multiply-adds at the device's peak, and at
 * least that of reading its inputs and writing its output once; the longer of the two is its bound.
 * Both limits are measured before and after each pass, since the machine's other load changes them.
 */
#include "bench_layers.h"
#include "op.h"
#include "pick.h"
#include "table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const table_column columns[] = {
    {"layer", "Layer", false, 10},
    {"pass", "Pass", false, 15},
    {"shape", "Shape", false, 34},
    {"algorithm", "Algorithm", false, 9},
    {"ms_median", "ms", true, 7},
    {"ms_min", "min", true, 7},
    {"gflops", "GFLOP/s", true, 7},
    {"peak_part", "of peak", true, 7},
    {"gbytes_per_second", "GB/s", true, 5},
    {"bandwidth_part", "of b/w", true, 6},
    {"bound", "Bound", false, 7},
    {"bound_part", "of it", true, 5},
    {0},
};

typedef struct sums {
    double seconds, flops; /* of all passes */
    lens_limits best;      /* of all measurements */
} sums;

/* The larger of each: other load only lowers them. */
static lens_status raise_limits(lens_limits *limits, lens_context *context) {
    lens_limits now;
    TRY(lens_context_limits(context, &now));
    limits->flops = fmax(limits->flops, now.flops);
    limits->bytes = fmax(limits->bytes, now.bytes);
    return LENS_OK;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static lens_status time_rounds(double *seconds, size_t rounds, op_run *run, lens_context *context) {
    TRY(op_start(run)); /* compiles it */
    TRY(lens_context_wait(context));
    for (size_t i = 0; i < rounds; i++) {
        double start = cli_seconds();
        TRY(op_start(run));
        TRY(lens_context_wait(context));
        seconds[i] = cli_seconds() - start;
    }
    qsort(seconds, rounds, sizeof *seconds, ascending);
    return LENS_OK;
}

static const char *percent(double part) {
    return isfinite(part) ? out_printf("%.0f %%", 100 * part) : "-";
}

static void add_row(table *t, const char *layer, const op *o, const char *algorithm, double median,
                    double least, const lens_limits *limits) {
    double flops = 2 * op_macs(o), bytes = op_bytes(o);
    double compute = flops / limits->flops, memory = bytes / limits->bytes;
    double bound = fmax(compute, memory);
    table_text(t, layer);
    table_text(t, lens_pass_name(o->pass));
    table_text(t, op_shape(o));
    table_text(t, algorithm);
    table_real(t, 1e3 * median, out_printf("%.3g", 1e3 * median));
    table_real(t, 1e3 * least, out_printf("%.3g", 1e3 * least));
    table_real(t, 1e-9 * flops / median, out_printf("%.3g", 1e-9 * flops / median));
    table_real(t, compute / median, percent(compute / median));
    table_real(t, 1e-9 * bytes / median, out_printf("%.3g", 1e-9 * bytes / median));
    table_real(t, memory / median, percent(memory / median));
    table_text(t, !isfinite(bound) ? "-" : compute > memory ? "compute" : "memory");
    table_real(t, bound / median, percent(bound / median));
}

static lens_status bench_op(table *t, sums *s, const char *layer, const op *o,
                            lens_context *context, double *seconds, size_t rounds) {
    const char *names[LENS_ALGORITHMS_MOST];
    size_t count;
    op_run run;
    bool has_limits = lens_context_device(context)->type != LENS_DEVICE_REFERENCE;
    lens_limits limits = has_limits ? (lens_limits){0} : (lens_limits){NAN, NAN};
    TRY(op_algorithms(o, context, names, &count));
    lens_status status = op_open(&run, context, o);
    if (status == LENS_OK && has_limits)
        status = raise_limits(&limits, context);
    if (status == LENS_OK)
        status = time_rounds(seconds, rounds, &run, context);
    if (status == LENS_OK && has_limits)
        status = raise_limits(&limits, context);
    op_close(&run);
    if (status != LENS_OK)
        return status;
    add_row(t, layer, o, names[0], seconds[rounds / 2], seconds[0], &limits);
    s->seconds += seconds[rounds / 2];
    s->flops += 2 * op_macs(o);
    s->best.flops = fmax(s->best.flops, limits.flops);
    s->best.bytes = fmax(s->best.bytes, limits.bytes);
    return LENS_OK;
}

static void print_result(const table *t, const sums *s, const lens_net_spec *spec,
                         lens_context *context, size_t batch, int format) {
    if (format == FORMAT_JSON) {
        json_t *document = out_document("bench");
        json_object_set_new(document, "model", out_text(spec->name));
        json_object_set_new(document, "device", out_device(lens_context_device(context)));
        json_object_set_new(document, "batch_size", out_count(batch));
        json_object_set_new(document, "peak_gflops", out_real(1e-9 * s->best.flops));
        json_object_set_new(document, "bandwidth_gbytes_per_second",
                            out_real(1e-9 * s->best.bytes));
        json_object_set_new(document, "passes", table_rows(t));
        out_print(document);
    } else if (format != FORMAT_TEXT) {
        table_print(t, format);
    } else {
        printf(
            "\n  All passes: %s, %.3g GFLOP/s. Of the device, at best: %.3g GFLOP/s, %.3g GB/s.\n",
            out_duration(s->seconds), 1e-9 * s->flops / s->seconds, 1e-9 * s->best.flops,
            1e-9 * s->best.bytes);
    }
}

lens_status bench_layers(const lens_net_spec *spec, const char *device, const char *algorithm,
                         size_t batch, size_t rounds, int format) {
    lens_context_opts opts = lens_context_defaults();
    opts.algorithm = algorithm;
    lens_context *context;
    op *ops = NULL;
    const char **layers = NULL;
    size_t count = 0;
    sums s = {0};
    TRY(pick_open(&context, device, &opts));
    double *seconds = cli_alloc(rounds, sizeof *seconds);
    table *t = table_new(columns);
    if (format == FORMAT_TEXT)
        table_stream(t);
    lens_status status = op_list(&ops, &layers, &count, spec, batch);
    for (size_t i = 0; status == LENS_OK && i < count; i++)
        status = bench_op(t, &s, layers[i], &ops[i], context, seconds, rounds);
    if (status == LENS_OK)
        print_result(t, &s, spec, context, batch, format);
    table_free(t);
    free(seconds);
    free(ops);
    free(layers);
    lens_context_free(context);
    return status;
}
