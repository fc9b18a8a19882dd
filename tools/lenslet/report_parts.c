/* report_parts.c: where the time of a training step goes: a bar of parts for each device. */
#include "markup.h"
#include "report_page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The parts of a step, in their order and colours. */
static const struct {
    const char *ops[2];
    int forward; /* 1: only that pass, 0: only the others, -1: all */
    const char *name;
} kinds[] = {
    {{"conv2d", "conv2d"}, 1, "conv2d forward"},
    {{"conv2d", "conv2d"}, 0, "conv2d backward"},
    {{"dense", "dense"}, 1, "dense forward"},
    {{"dense", "dense"}, 0, "dense backward"},
    {{"pool2d", "pool2d"}, -1, "pooling"},
    {{"lrn", "batchnorm"}, -1, "normalisation"},
    {{"activation", "dropout"}, -1, "activation, dropout"},
    {{"optimizer", "optimizer"}, -1, "optimizer"},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* KINDS for one that this version does not know. */
static size_t kind_of(const report_pass *p) {
    bool is_forward = !strcmp(p->pass, "forward");
    size_t i = 0;
    while (i < KINDS && ((strcmp(kinds[i].ops[0], p->op) && strcmp(kinds[i].ops[1], p->op)) ||
                         (kinds[i].forward >= 0 && kinds[i].forward != (int)is_forward)))
        i++;
    return i;
}

typedef struct parts {
    double ms[KINDS + 1], sum; /* the last: other */
} parts;

static parts parts_of(const report *r, size_t device, const char *model) {
    parts all = {0};
    for (size_t i = 0; i < r->pass_count; i++) {
        const report_pass *p = &r->passes[i];
        if (p->device != device || strcmp(p->model, model) || !isfinite(p->median_ms))
            continue;
        all.ms[kind_of(p)] += p->median_ms;
        all.sum += p->median_ms;
    }
    return all;
}

static const char *name_of(size_t kind) {
    return kind < KINDS ? kinds[kind].name : "other";
}

static void put_legend(FILE *to) {
    fputs("<p class=\"legend\">", to);
    for (size_t i = 0; i < KINDS; i++)
        fprintf(to,
                "<span><svg class=\"key\" aria-hidden=\"true\"><rect class=\"p%zu\" width=\"14\" "
                "height=\"14\" rx=\"3\"/></svg> %s</span>\n",
                i, kinds[i].name);
    fputs("</p>\n", to);
}

/* Percent stand in the parts that have room for them. */
static void put_stack(FILE *to, const parts *all) {
    double at = 0;
    fputs("<svg class=\"stack\" role=\"img\" aria-label=\"parts of the step\">", to);
    for (size_t i = 0; i <= KINDS; i++) {
        double part = 100 * all->ms[i] / all->sum;
        if (part > 0)
            fprintf(
                to,
                "<rect class=\"p%zu\" x=\"%.2f%%\" width=\"%.2f%%\" height=\"100%%\"><title>%s: "
                "%s</title></rect>",
                i, at, part, name_of(i), out_duration(1e-3 * all->ms[i]));
        if (part >= 9)
            fprintf(to,
                    "<text class=\"on-p%zu\" x=\"%.2f%%\" y=\"50%%\" dy=\".35em\" "
                    "text-anchor=\"middle\">%.0f %%</text>",
                    i, at + part / 2, part);
        at += part;
    }
    fputs("</svg>", to);
}

/* The training step as it was timed whole; NaN: it was not. */
static double step_ms(const report *r, size_t device, const char *model, size_t batch) {
    for (size_t i = 0; i < r->net_count; i++) {
        const report_net *net = &r->nets[i];
        if (net->device == device && net->batch == batch && !strcmp(net->model, model) &&
            !strcmp(net->mode, "training"))
            return net->median_ms;
    }
    return NAN;
}

static void put_device(FILE *to, const report *r, size_t device, const char *model, size_t batch) {
    parts all = parts_of(r, device, model);
    size_t own_batch = report_work_of(r, device, model, NULL).batch;
    if (all.sum <= 0)
        return;
    fputs("<div class=\"name\">", to);
    report_device_name(to, r, device);
    fputs("</div>", to);
    put_stack(to, &all);
    fprintf(to, "<div class=\"value\"><b>%s</b>", out_duration(1e-3 * all.sum));
    if (isfinite(step_ms(r, device, model, own_batch)))
        fprintf(to, " <small>whole step %s</small>",
                out_duration(1e-3 * step_ms(r, device, model, own_batch)));
    if (own_batch != batch)
        fprintf(to, " <span class=\"mark\">batch %zu</span>", own_batch);
    fputs("</div>\n", to);
}

/* ---- the table ----------------------------------------------------------------------------- */

static void put_row(FILE *to, const report *r, const parts *all, size_t kind) {
    fprintf(to, "<tr><th>%s</th>", name_of(kind));
    for (size_t i = 0; i < r->device_count; i++)
        if (all[i].sum > 0)
            fprintf(to, "<td>%s <small>%.0f %%</small></td>", out_duration(1e-3 * all[i].ms[kind]),
                    100 * all[i].ms[kind] / all[i].sum);
        else if (report_has_passes(r, i))
            fputs("<td class=\"none\">-</td>", to);
    fputs("</tr>\n", to);
}

static void put_table(FILE *to, const report *r, const char *model) {
    parts *all = cli_alloc(r->device_count, sizeof *all);
    fputs("<details><summary>Table: parts of the step of ", to);
    markup_text(to, model);
    fputs("</summary>\n", to);
    report_matrix_open(to, r, "facts", "Part", report_has_passes);
    for (size_t i = 0; i < r->device_count; i++)
        all[i] = parts_of(r, i, model);
    for (size_t kind = 0; kind < KINDS; kind++)
        put_row(to, r, all, kind);
    report_matrix_close(to);
    fputs("</details>\n", to);
    free(all);
}

void report_put_parts(FILE *to, const report *r) {
    size_t count;
    const char **models = report_models(r, &count);
    if (count) {
        report_heading(to, "Where the time of a training step goes",
                       "The passes of all layers, each timed by itself, and their sum; beside it "
                       "the whole step, "
                       "which launches them one behind the other.");
        put_legend(to);
    }
    for (size_t i = 0; i < count; i++) {
        size_t batch = report_usual_work(r, models[i], NULL).batch;
        fputs("<figure>\n<figcaption>", to);
        markup_text(to, models[i]);
        fprintf(to, " <small>batch %zu</small></figcaption>\n<div class=\"bars tall\">\n", batch);
        for (size_t j = 0; j < r->device_count; j++)
            put_device(to, r, j, models[i], batch);
        fputs("</div>\n</figure>\n", to);
        put_table(to, r, models[i]);
    }
    free(models);
}
