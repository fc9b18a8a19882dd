/* bench_passes.c: passes of operations by themselves, against what the device can do.
 *
 * The roofline: a pass takes at least the time of its multiply-adds at the device's peak, and at
 * least that of reading its inputs and writing its output once; the longer of the two is its bound.
 * Both limits are measured before and after each pass, since the machine's other load changes them.
 */
#include "bench.h"
#include "environment.h"
#include "op_parse.h"
#include "pick.h"
#include "table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const table_column columns[] = {
    {"layer", "Layer", false, 10},
    {"op", "Operation", false, 10},
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
    {"flops", NULL},
    {"bytes", NULL},
    {"peak_gflops", NULL},
    {"bandwidth_gbytes_per_second", NULL},
    {"rounds", NULL},
    {"launches", NULL},
    {0},
};

/* A round of a pass that is shorter than SHORT launches it so often that it takes LONG, so that it
 * is not the launch that is measured. */
#define SHORT_SECONDS 1e-3
#define LONG_SECONDS 5e-3
enum { ROUNDS_MOST = 1000 };

typedef struct session {
    const bench_options *o;
    profile profile;
    lens_context *context;
    table *rows;
    bool has_limits;       /* the reference has none */
    lens_limits last;      /* of the latest measurement */
    lens_limits best;      /* of all */
    double seconds, flops; /* of all passes */
} session;

typedef struct timing {
    double median, least; /* seconds of one launch */
    size_t rounds, launches;
    lens_limits limits; /* the better of those measured before and after */
} timing;

/* ---- timing --------------------------------------------------------------------------------- */

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_median(double *seconds, size_t count) {
    qsort(seconds, count, sizeof *seconds, ascending);
    return count % 2 ? seconds[count / 2] : (seconds[count / 2 - 1] + seconds[count / 2]) / 2;
}

/* Other load only lowers what is measured. */
static lens_limits better(lens_limits a, lens_limits b) {
    return (lens_limits){fmax(a.flops, b.flops), fmax(a.bytes, b.bytes)};
}

static lens_status measure_limits(session *s) {
    lens_trace_layer(s->profile.trace, NULL, NULL);
    s->last = (lens_limits){NAN, NAN};
    if (s->has_limits)
        TRY(lens_context_limits(s->context, &s->last));
    s->best = better(s->best, s->last);
    return LENS_OK;
}

static lens_status time_round(double *seconds, op_run *run, size_t launches) {
    double start = cli_seconds();
    for (size_t i = 0; i < launches; i++)
        TRY(op_start(run));
    TRY(lens_context_wait(run->context));
    *seconds = (cli_seconds() - start) / (double)launches;
    return LENS_OK;
}

/* Of one launch, roughly: the fastest of a few, since other load may stretch any. */
static lens_status estimate(double *seconds, op_run *run) {
    TRY(time_round(seconds, run, 1)); /* compiles it */
    TRY(time_round(seconds, run, 1));
    for (int i = 0; i < 2 && *seconds >= SHORT_SECONDS && *seconds < 20 * SHORT_SECONDS; i++) {
        double again;
        TRY(time_round(&again, run, 1));
        *seconds = fmin(*seconds, again);
    }
    return LENS_OK;
}

static size_t launches_for(double seconds) {
    return (size_t)ceil(LONG_SECONDS / fmax(seconds, 1e-6));
}

static lens_status time_rounds(timing *t, double *seconds, op_run *run, const bench_options *o) {
    double one, start;
    TRY(estimate(&one, run));
    t->launches = 1;
    if (one < SHORT_SECONDS) { /* which may have been the launch for the most part */
        TRY(time_round(&one, run, launches_for(one)));
        t->launches = launches_for(one);
    }
    t->rounds = 0;
    start = cli_seconds();
    while (t->rounds < ROUNDS_MOST && (t->rounds < o->rounds || cli_seconds() - start < o->seconds))
        TRY(time_round(&seconds[t->rounds++], run, t->launches));
    t->median = bench_median(seconds, t->rounds);
    t->least = seconds[0];
    return LENS_OK;
}

static lens_status time_op(session *s, timing *t, const op *o) {
    op_run run;
    double *seconds = cli_alloc(ROUNDS_MOST, sizeof *seconds);
    lens_limits before = s->last;
    lens_status status = op_open(&run, s->context, o);
    if (status == LENS_OK)
        status = time_rounds(t, seconds, &run, s->o);
    op_close(&run);
    if (status == LENS_OK)
        status = measure_limits(s);
    t->limits = better(before, s->last);
    free(seconds);
    return status;
}

/* ---- rows ----------------------------------------------------------------------------------- */

/* A number that is 0 only where it means nothing. */
static void add_real(table *t, double value) {
    bool is_known = isfinite(value) && value > 0;
    table_real(t, is_known ? value : NAN, is_known ? out_printf("%.3g", value) : "-");
}

static void add_part(table *t, double part) {
    bool is_known = isfinite(part) && part > 0;
    table_real(t, is_known ? part : NAN, is_known ? out_printf("%.0f %%", 100 * part) : "-");
}

static void add_row(table *t, const char *layer, const op *o, const char *algorithm,
                    const timing *of) {
    double flops = 2 * op_macs(o), bytes = op_bytes(o), median = of->median;
    double compute = flops / of->limits.flops, memory = bytes / of->limits.bytes;
    double bound = fmax(compute, memory);
    table_text(t, layer);
    table_text(t, op_name(o->kind));
    table_text(t, op_pass_name(o));
    table_text(t, op_shape(o));
    table_cell(t, out_text(algorithm), algorithm ? algorithm : "-");
    add_real(t, 1e3 * median);
    add_real(t, 1e3 * of->least);
    add_real(t, 1e-9 * flops / median);
    add_part(t, compute / median);
    add_real(t, 1e-9 * bytes / median);
    add_part(t, memory / median);
    table_text(t, !isfinite(bound) ? "-" : compute > memory ? "compute" : "memory");
    add_part(t, bound / median);
    add_real(t, flops);
    add_real(t, bytes);
    add_real(t, 1e-9 * of->limits.flops);
    add_real(t, 1e-9 * of->limits.bytes);
    table_count(t, of->rounds);
    table_count(t, of->launches);
}

/* NULL for a pass that has no choice of algorithms. */
static lens_status chosen_algorithm(const char **name, const session *s, const op *o) {
    const char *names[LENS_ALGORITHMS_MOST];
    size_t count;
    *name = s->has_limits ? NULL : "reference";
    if (!op_has_algorithms(o))
        return LENS_OK;
    TRY(op_algorithms(o, s->context, names, &count));
    *name = names[0];
    return LENS_OK;
}

static lens_status bench_op(session *s, const char *layer, const op *o) {
    const char *algorithm;
    timing of;
    TRY(chosen_algorithm(&algorithm, s, o));
    lens_trace_layer(s->profile.trace, layer, op_name(o->kind));
    TRY(time_op(s, &of, o));
    add_row(s->rows, layer, o, algorithm, &of);
    s->seconds += of.median;
    s->flops += 2 * op_macs(o);
    return LENS_OK;
}

/* ---- a session ------------------------------------------------------------------------------ */

static void session_use(session *s, lens_context *context) {
    s->context = context;
    s->has_limits = lens_context_device(context)->type != LENS_DEVICE_REFERENCE;
    s->rows = table_new(columns);
}

static lens_status session_open(session *s, const char *title, const bench_options *o) {
    lens_context_opts opts = lens_context_defaults();
    lens_context *context;
    opts.algorithm = o->algorithm;
    *s = (session){.o = o};
    TRY(profile_open(&s->profile, o->profile, "bench", title));
    opts.profile = o->profile;
    opts.trace = s->profile.trace;
    TRY(pick_open(&context, o->devices.count ? o->devices.items[0] : NULL, &opts));
    session_use(s, context);
    return LENS_OK;
}

static lens_status session_close(session *s, lens_status status) {
    table_free(s->rows);
    lens_context_free(s->context);
    return profile_close(&s->profile, status);
}

/* `model` is NULL for shapes. */
static void print_json(const session *s, const char *model) {
    json_t *document = out_document("bench");
    json_object_set_new(document, "model", out_text(model));
    json_object_set_new(document, "device", out_device(lens_context_device(s->context)));
    json_object_set_new(document, "batch_size", model ? out_count(s->o->batch) : json_null());
    environment_add(document);
    json_object_set_new(document, "peak_gflops", out_real(1e-9 * s->best.flops));
    json_object_set_new(document, "bandwidth_gbytes_per_second", out_real(1e-9 * s->best.bytes));
    json_object_set_new(document, "passes", table_rows(s->rows));
    out_print(document);
}

static void print_sums(const session *s) {
    printf("\n  All passes: %s", out_duration(s->seconds));
    if (s->flops > 0)
        printf(", %.3g GFLOP/s", 1e-9 * s->flops / s->seconds);
    putchar('.');
    if (s->has_limits)
        printf(" Of the device, at best: %.3g GFLOP/s, %.3g GB/s.", 1e-9 * s->best.flops,
               1e-9 * s->best.bytes);
    putchar('\n');
}

static lens_status session_measure(session *s, const op_list *list) {
    TRY(measure_limits(s));
    for (size_t i = 0; i < list->count; i++)
        TRY(bench_op(s, list->layers[i], &list->ops[i]));
    return LENS_OK;
}

static lens_status session_run(session *s, const op_list *list, const char *model) {
    if (s->o->format == FORMAT_TEXT)
        table_stream(s->rows);
    TRY(session_measure(s, list));
    if (s->o->format == FORMAT_JSON)
        print_json(s, model);
    else if (s->o->format == FORMAT_TEXT)
        print_sums(s);
    else
        table_print(s->rows, s->o->format);
    if (s->o->profile)
        profile_print(&s->profile, s->context);
    return LENS_OK;
}

static lens_status bench_list(const op_list *list, const char *model, const bench_options *o) {
    session s;
    lens_status status = session_open(&s, model ? model : list->layers[0], o);
    if (status == LENS_OK)
        status = session_run(&s, list, model);
    return session_close(&s, status);
}

/* ---- the layers of a net -------------------------------------------------------------------- */

static bool is_wanted(const op *o, const void *options) {
    const bench_options *only = options;
    return (only->operation < 0 || only->operation == (int)o->kind) &&
           (only->pass < 0 || only->pass == (int)o->pass);
}

lens_status bench_layers(const char *model, const bench_options *o) {
    lens_net_spec *spec;
    op_list list = {0};
    TRY(lens_net_spec_open(&spec, model));
    lens_status status = op_list_new(&list, spec, o->batch, o->optimizer);
    op_list_keep(&list, is_wanted, o);
    if (status == LENS_OK && !list.count)
        status = cli_fail(LENS_BAD_ARGUMENT, "%s has no %s%s%s", spec->name,
                          o->operation < 0 ? "operation" : op_name(o->operation),
                          o->pass < 0 ? " to measure" : " with a pass ",
                          o->pass < 0 ? "" : lens_pass_name(o->pass));
    if (status == LENS_OK)
        status = bench_list(&list, spec->name, o);
    op_list_free(&list);
    lens_net_spec_free(spec);
    return status;
}

lens_status bench_net_passes(json_t **passes, lens_context *context, const lens_net_spec *spec,
                             const bench_options *o) {
    op_list list;
    TRY(op_list_new(&list, spec, o->batch, o->optimizer));
    op_list_keep(&list, is_wanted, o);
    session s = {.o = o};
    session_use(&s, context);
    lens_status status = session_measure(&s, &list);
    *passes = table_rows(s.rows);
    table_free(s.rows);
    op_list_free(&list);
    return status;
}

/* ---- shapes --------------------------------------------------------------------------------- */

static lens_status add_passes(op_list *list, const char *text, const char *name, op o, int wanted) {
    if (wanted >= 0 && !op_moves_of(o.kind, wanted).reads)
        return cli_fail(LENS_BAD_ARGUMENT, "\"%s\": %s has no pass %s", text, op_name(o.kind),
                        lens_pass_name(wanted));
    for (int pass = 0; pass < OP_PASSES; pass++)
        if (op_moves_of(o.kind, pass).reads && (wanted < 0 || wanted == pass)) {
            o.pass = pass;
            list->layers[list->count] = *name ? name : text;
            list->ops[list->count++] = o;
        }
    return LENS_OK;
}

lens_status bench_shapes(char *const *shapes, size_t count, const bench_options *o) {
    op_parse_opts opts = {.kind = o->operation,
                          .batch = o->batch,
                          .pool2d = o->pool2d,
                          .activation = o->activation,
                          .optimizer = o->optimizer};
    op_list list = {.ops = cli_alloc(OP_PASSES * count, sizeof *list.ops),
                    .layers = cli_alloc(OP_PASSES * count, sizeof *list.layers)};
    char(*names)[OP_NAME_SIZE] = cli_alloc(count, sizeof *names);
    lens_status status = LENS_OK;
    for (size_t i = 0; status == LENS_OK && i < count; i++) {
        op shape;
        status = op_parse(&shape, names[i], shapes[i], &opts);
        if (status == LENS_OK)
            status = add_passes(&list, shapes[i], names[i], shape, o->pass);
    }
    if (status == LENS_OK)
        status = bench_list(&list, NULL, o);
    free(names);
    op_list_free(&list);
    return status;
}
