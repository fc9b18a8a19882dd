/* report_speed.c: which device is fastest for what, images a second, and first starts. */
#include "markup.h"
#include "report_page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- fastest for what ---------------------------------------------------------------------- */

/* One row: what each device does of a task a second. */
typedef struct contest {
    double *speeds;     /* of every device; NaN: it did not take part */
    const char **shown; /* its number, for people */
    bool *counts;       /* comparable and right */
} contest;

static void contest_open(contest *c, const report *r) {
    *c = (contest){.speeds = cli_alloc(r->device_count, sizeof *c->speeds),
                   .shown = cli_alloc(r->device_count, sizeof *c->shown),
                   .counts = cli_alloc(r->device_count, sizeof *c->counts)};
}

static void contest_close(contest *c) {
    free(c->speeds);
    free(c->shown);
    free(c->counts);
}

static double contest_best(const contest *c, const report *r) {
    double best = NAN;
    for (size_t i = 0; i < r->device_count; i++)
        if (c->counts[i] && isfinite(c->speeds[i]))
            best = fmax(best, c->speeds[i]);
    return best;
}

static bool is_best(const contest *c, size_t device, double best) {
    return c->counts[device] && c->speeds[device] == best;
}

static void put_contestant_bar(FILE *to, const contest *c, size_t device, double best) {
    report_bar(to, report_colour(device), isfinite(best) ? c->speeds[device] / best : 0, 1,
               !c->counts[device]);
}

/* A bar, under it how much longer it takes than the fastest, and the number. */
static void put_contestant(FILE *to, const contest *c, size_t device, double best) {
    double ratio = best / c->speeds[device];
    fputs("<td>", to);
    put_contestant_bar(to, c, device, best);
    if (is_best(c, device, best))
        fputs("<b>fastest</b>", to);
    else if (!c->counts[device])
        fputs("<span class=\"mark\">not comparable</span>", to);
    else
        fprintf(to, ratio < 10 ? "%.2f times as long" : "%.0f times as long", ratio);
    fprintf(to, "<small>%s</small></td>", c->shown[device]);
}

/* A bar, and the number beside it: bold for the fastest. */
static void put_contestant_tight(FILE *to, const contest *c, size_t device, double best) {
    const char *tag = is_best(c, device, best) ? "b" : "span";
    fputs("<td><div class=\"meter\">", to);
    put_contestant_bar(to, c, device, best);
    fprintf(to, "<%s>%s</%s></div></td>", tag, c->shown[device], tag);
}

static void put_contestants(FILE *to, const report *r, const contest *c,
                            void (*put)(FILE *, const contest *, size_t, double)) {
    double best = contest_best(c, r);
    for (size_t i = 0; i < r->device_count; i++)
        if (isfinite(c->speeds[i]))
            put(to, c, i, best);
        else
            fputs("<td class=\"none\">-</td>", to);
    fputs("</tr>\n", to);
}

static void put_group_contest(FILE *to, const report *r, const report_group *g) {
    contest c;
    contest_open(&c, r);
    for (size_t i = 0; i < r->device_count; i++) {
        const report_net *net = report_find_net(r, g, i);
        c.speeds[i] = net ? net->rate : NAN;
        if (!net || !isfinite(net->rate))
            continue;
        c.counts[i] = report_is_right(r, i) && net->batch == g->batch;
        c.shown[i] = out_printf("%s images/s", out_rate(net->rate));
    }
    fputs("<tr><th>", to);
    markup_text(to, g->model);
    fprintf(to, "<small>%s, batch %zu</small></th>", g->mode, g->batch);
    put_contestants(to, r, &c, put_contestant);
    contest_close(&c);
}

static void put_op_contest(FILE *to, const report *r, const char *model, const char *op) {
    report_work usual = report_usual_work(r, model, op);
    contest c;
    contest_open(&c, r);
    for (size_t i = 0; i < r->device_count; i++) {
        report_work work = report_work_of(r, i, model, op);
        c.speeds[i] = 1e3 / work.ms;
        if (!isfinite(c.speeds[i]))
            continue;
        c.counts[i] =
            report_is_right(r, i) && work.batch == usual.batch && work.count == usual.count;
        c.shown[i] = out_duration(1e-3 * work.ms);
    }
    put_contestants(to, r, &c, put_contestant_tight);
    contest_close(&c);
}

static bool is_first_of_op(const report *r, size_t i) {
    for (size_t j = 0; j < i; j++)
        if (!strcmp(r->passes[j].model, r->passes[i].model) &&
            !strcmp(r->passes[j].op, r->passes[i].op))
            return false;
    return true;
}

static void put_operations(FILE *to, const report *r) {
    const char *above = "";
    report_matrix_open(to, r, "tight times", "All passes in a step", NULL);
    for (size_t i = 0; i < r->pass_count; i++) {
        const report_pass *p = &r->passes[i];
        if (!is_first_of_op(r, i))
            continue;
        report_row_name(to, !strcmp(above, p->model), p->model, p->op);
        put_op_contest(to, r, p->model, p->op);
        above = p->model;
    }
    report_matrix_close(to);
}

void report_put_fastest(FILE *to, const report *r) {
    size_t count;
    report_group *groups = report_groups(r, &count);
    if (count) {
        report_heading(to, "Fastest for what",
                       "Each row is one job; the longer the bar, the faster.");
        report_matrix_open(to, r, "", "", NULL);
        for (size_t i = 0; i < count; i++)
            put_group_contest(to, r, &groups[i]);
        report_matrix_close(to);
    }
    if (r->pass_count)
        put_operations(to, r);
    free(groups);
}

/* ---- bars ---------------------------------------------------------------------------------- */

/* "name  #####-----  1,234 images/s" */
static void put_bar_row(FILE *to, const report *r, size_t device, double part, bool hollow,
                        const char *value, const char *note, bool is_bad) {
    fputs("<div class=\"name\">", to);
    report_device_name(to, r, device);
    fputs("</div>", to);
    report_bar(to, report_colour(device), part, 1, hollow);
    fprintf(to, "<div class=\"value\">%s", value);
    if (*note) {
        fprintf(to, " <span class=\"%s\">%s", is_bad ? "mark bad" : "mark", is_bad ? "✗ " : "");
        markup_text(to, note);
        fputs("</span>", to);
    }
    fputs("</div>\n", to);
}

/* ---- images a second ----------------------------------------------------------------------- */

static double greatest_rate(const report *r, const report_group *g) {
    double greatest = 0;
    for (size_t i = 0; i < r->device_count; i++) {
        const report_net *net = report_find_net(r, g, i);
        if (net && isfinite(net->rate))
            greatest = fmax(greatest, net->rate);
    }
    return greatest;
}

static void put_rate(FILE *to, const report *r, const report_group *g, size_t device,
                     double greatest) {
    const report_net *net = report_find_net(r, g, device);
    if (!net || !isfinite(net->rate)) {
        put_bar_row(to, r, device, 0, false, "", net && net->note ? net->note : "not measured",
                    false);
        return;
    }
    bool is_right = report_is_right(r, device), is_like = net->batch == g->batch;
    put_bar_row(to, r, device, net->rate / greatest, !is_right || !is_like,
                out_printf("<b>%s</b>", out_rate(net->rate)),
                is_right ? report_mark(r, g, net) : "fails its checks", !is_right);
}

static void put_group(FILE *to, const report *r, const report_group *g) {
    double greatest = greatest_rate(r, g);
    fputs("<figure>\n<figcaption>", to);
    markup_text(to, g->model);
    fprintf(to, ", %s <small>batch %zu%s", g->mode, g->batch, g->optimizer ? ", " : "");
    markup_text(to, g->optimizer ? g->optimizer : "");
    fputs(", images/s</small></figcaption>\n<div class=\"bars\">\n", to);
    for (size_t i = 0; i < r->device_count; i++)
        put_rate(to, r, g, i, greatest);
    fputs("</div>\n</figure>\n", to);
}

void report_put_rates(FILE *to, const report *r) {
    size_t count;
    report_group *groups = report_groups(r, &count);
    if (!count) {
        free(groups);
        return;
    }
    report_heading(to, "Images per second",
                   "The median of whole training steps (forward, loss, backward, update) and of "
                   "forward passes. Hollow bars are not comparable with the rest.");
    fputs("<div class=\"figures\">\n", to);
    for (size_t i = 0; i < count; i++)
        put_group(to, r, &groups[i]);
    fputs("</div>\n", to);
    report_details(to, r, "nets", "images per second");
    free(groups);
}

/* ---- first starts -------------------------------------------------------------------------- */

static void put_start(FILE *to, const report *r, const report_start *s, double greatest) {
    if (!isfinite(s->cold_ms) || !isfinite(s->warm_ms)) {
        put_bar_row(to, r, s->device, 0, false, "", s->note ? s->note : "not measured", false);
        return;
    }
    put_bar_row(to, r, s->device, s->cold_ms / greatest, false,
                out_printf("<b>%s</b> first", out_duration(1e-3 * s->cold_ms)), "", false);
    fputs("<div class=\"name again\">kernels compiled before</div>", to);
    report_bar(to, report_colour(s->device), s->warm_ms / greatest, 1, false);
    fprintf(to, "<div class=\"value\"><b>%s</b> next</div>\n", out_duration(1e-3 * s->warm_ms));
}

void report_put_starts(FILE *to, const report *r) {
    double greatest = 0;
    for (size_t i = 0; i < r->start_count; i++)
        greatest = fmax(greatest, r->starts[i].cold_ms);
    if (!r->start_count)
        return;
    report_heading(to, "First start",
                   "From opening the device to the end of the first training step, in a new "
                   "process: with empty caches, so that every kernel is compiled, and once more.");
    for (size_t i = 0; i < r->start_count; i++) {
        if (i == 0 || strcmp(r->starts[i].model, r->starts[i - 1].model) ||
            r->starts[i].batch != r->starts[i - 1].batch) {
            fputs(i ? "</div>\n</figure>\n" : "", to);
            fputs("<figure>\n<figcaption>", to);
            markup_text(to, r->starts[i].model);
            fprintf(to, " <small>batch %zu</small></figcaption>\n<div class=\"bars\">\n",
                    r->starts[i].batch);
        }
        put_start(to, r, &r->starts[i], greatest);
    }
    fputs("</div>\n</figure>\n", to);
    report_details(to, r, "starts", "first starts");
}
