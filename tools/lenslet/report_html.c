/* report_html.c: the page: its head, the devices at a glance, what is not comparable, the sections.
 */
#include "markup.h"
#include "report_page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- parts that sections share ------------------------------------------------------------- */

void report_heading(FILE *to, const char *title, const char *text) {
    fputs("<h2>", to);
    markup_text(to, title);
    fputs("</h2>\n<p class=\"lead\">", to);
    markup_text(to, text);
    fputs("</p>\n", to);
}

void report_details(FILE *to, const report *r, const char *name, const char *summary) {
    for (const report_table *of = report_tables; of->name; of++) {
        if (strcmp(of->name, name))
            continue;
        table *t = of->make(r);
        fprintf(to, "<details><summary>Table: %s</summary>\n<div class=\"scroll\">\n", summary);
        table_html(t, to);
        fputs("</div>\n</details>\n", to);
        table_free(t);
    }
}

const char *report_colour(size_t device) {
    static const char *const classes[] = {"d0", "d1", "d2", "d3", "d4", "d5", "d6", "d7"};
    return classes[device % 8];
}

void report_device_name(FILE *to, const report *r, size_t device) {
    const char *mark = report_version_mark(r, device);
    fprintf(to, "<span class=\"device %s\">", report_colour(device));
    markup_text(to, r->devices[device].label);
    fputs("</span>", to);
    if (*mark) {
        fputs(" <span class=\"mark\">", to);
        markup_text(to, mark);
        fputs("</span>", to);
    }
}

void report_matrix_open(FILE *to, const report *r, const char *look, const char *corner,
                        report_column *has_column) {
    size_t columns = 1;
    for (size_t i = 0; i < r->device_count; i++)
        columns += !has_column || has_column(r, i);
    fprintf(to,
            "<div class=\"scroll\"><table class=\"matrix %s\" style=\"--columns:%zu\">\n"
            "<thead><tr><th>%s</th>",
            look, columns, corner);
    for (size_t i = 0; i < r->device_count; i++) {
        if (has_column && !has_column(r, i))
            continue;
        fputs("<th>", to);
        report_device_name(to, r, i);
        fputs("</th>", to);
    }
    fputs("</tr></thead>\n<tbody>\n", to);
}

void report_matrix_close(FILE *to) {
    fputs("</tbody></table></div>\n", to);
}

void report_row_name(FILE *to, bool again, const char *what, const char *pass) {
    fprintf(to, "<tr class=\"%s\"><th><span>", again ? "again" : "");
    markup_text(to, what);
    fputs("</span> <small>", to);
    for (; *pass; pass++)
        markup_text(to, *pass == '_' ? " " : (const char[]){*pass, 0});
    fputs("</small></th>", to);
}

void report_bar(FILE *to, const char *colour, double part, double whole, bool hollow) {
    double width = !isfinite(part / whole) ? 0 : fmin(100 * part / whole, 100);
    fprintf(to,
            "<svg class=\"bar\" aria-hidden=\"true\"><rect class=\"track\" width=\"100%%\" "
            "height=\"100%%\" rx=\"3\"/><rect class=\"%s%s\" width=\"%.2f%%\" height=\"100%%\" "
            "rx=\"3\"/>",
            colour, hollow ? " hollow" : "", width);
    if (whole > 1)
        fprintf(to, "<line x1=\"%.2f%%\" x2=\"%.2f%%\" y2=\"100%%\"/>", 100 / whole, 100 / whole);
    fputs("</svg>", to);
}

/* ---- the devices at a glance --------------------------------------------------------------- */

/* 131.7 GFLOP/s, 48.0 TFLOP/s */
static void put_limit(FILE *to, const char *name, double value, const char *unit) {
    bool is_large = value >= 1000;
    double shown = is_large ? value / 1000 : value;
    fprintf(to, "<span><small>%s</small><b>%s <small>%c%s</small></b></span>\n", name,
            out_printf(shown < 10    ? "%.2f"
                       : shown < 100 ? "%.1f"
                                     : "%.0f",
                       shown),
            is_large ? 'T' : 'G', unit);
}

static void put_verdict(FILE *to, const report *r, size_t device) {
    report_verdict v = report_verdict_of(r, device);
    const char *error = r->devices[device].error;
    const char *look = v.failed ? "bad" : v.cases ? "good" : "soft";
    if (error) {
        fputs("<p class=\"verdict bad\">✗ ", to);
        markup_text(to, error);
        fputs("</p>\n", to);
    }
    fprintf(to, "<p class=\"verdict %s\">%s", look,
            v.failed  ? "✗ Checks: "
            : v.cases ? "✓ Checks: "
                      : "");
    markup_text(to, report_verdict_text(r, device));
    fputs("</p>\n", to);
}

static void put_card(FILE *to, const report *r, size_t device) {
    const report_device *d = &r->devices[device];
    fprintf(to, "<article class=\"card %s\">\n<h3>", report_colour(device));
    report_device_name(to, r, device);
    fputs("</h3>\n<p class=\"where\">", to);
    markup_text(to, d->type);
    fputs(" · ", to);
    markup_text(to, r->files[d->file].machine);
    fputs("</p>\n", to);
    if (isfinite(d->peak_gflops)) {
        fputs("<p class=\"limits\">", to);
        put_limit(to, "Peak", d->peak_gflops, "FLOP/s");
        put_limit(to, "Bandwidth", d->bandwidth, "B/s");
        fputs("</p>\n", to);
    }
    put_verdict(to, r, device);
    fputs("</article>\n", to);
}

/* ---- what is not comparable ---------------------------------------------------------------- */

typedef struct notes {
    FILE *to;
    size_t count;
} notes;

static void begin_note(notes *n) {
    if (n->count++ == 0)
        fputs("<aside class=\"notes\">\n<h2>Not comparable</h2>\n<ul>\n", n->to);
    fputs("<li>", n->to);
}

static void end_note(notes *n, const char *text) {
    markup_text(n->to, text);
    fputs("</li>\n", n->to);
}

static void note_devices(notes *n, const report *r) {
    for (size_t i = 0; i < r->device_count; i++) {
        const char *mark = report_version_mark(r, i);
        const char *algorithm = r->files[r->devices[i].file].algorithm;
        if (*mark) {
            begin_note(n);
            markup_text(n->to, r->devices[i].label);
            end_note(n, out_printf(" was measured by %s, most others by lenslet %s.", mark,
                                   report_version(r)));
        }
        if (algorithm) {
            begin_note(n);
            markup_text(n->to, r->devices[i].label);
            end_note(n, out_printf(" was made to run the algorithm %s.", algorithm));
        }
        if (!report_is_right(r, i)) {
            begin_note(n);
            markup_text(n->to, r->devices[i].label);
            end_note(n, " fails checks: its speed is that of wrong results, and never counts as "
                        "the fastest.");
        }
    }
}

static void note_group(notes *n, const report *r, const report_group *g) {
    for (size_t i = 0; i < r->device_count; i++) {
        const report_net *net = report_find_net(r, g, i);
        const char *of = out_printf(" %s of %s", g->mode, g->model);
        if (net && isfinite(net->rate) && net->batch == g->batch &&
            !strcmp(report_mark(r, g, net), report_version_mark(r, i)))
            continue;
        begin_note(n);
        markup_text(n->to, r->devices[i].label);
        markup_text(n->to, ":");
        markup_text(n->to, of);
        if (!net)
            end_note(n, " was not measured.");
        else if (!isfinite(net->rate))
            end_note(n, out_printf(" has no result: %.120s.", net->note ? net->note : "no reason"));
        else
            end_note(n, out_printf(" was measured with %s, most others with batch %zu%s%s.",
                                   report_mark(r, g, net), g->batch, g->optimizer ? ", " : "",
                                   g->optimizer ? g->optimizer : ""));
    }
}

static void put_notes(FILE *to, const report *r) {
    notes n = {.to = to};
    size_t count;
    report_group *groups = report_groups(r, &count);
    note_devices(&n, r);
    for (size_t i = 0; i < count; i++)
        note_group(&n, r, &groups[i]);
    free(groups);
    if (n.count)
        fputs("</ul>\n</aside>\n", to);
}

/* ---- the page ------------------------------------------------------------------------------ */

static void put_title(FILE *to, const report *r, const char *title) {
    const char *usual =
        out_printf("%zu device%s compared", r->device_count, r->device_count == 1 ? "" : "s");
    markup_text(to, title ? title : usual);
}

/* "Measured by lenslet 0.1.0 on host, 2026-11-24" for each file. */
static void put_files(FILE *to, const report *r) {
    fputs("<p class=\"files\">", to);
    for (size_t i = 0; i < r->file_count; i++) {
        const report_file *file = &r->files[i];
        fputs(i ? "<br>" : "", to);
        markup_text(to, file->path);
        fputs(": ", to);
        markup_text(to, file->machine);
        fputs(", lenslet ", to);
        markup_text(to, file->lenslet);
        fputs(", ", to);
        markup_text(to, file->time);
    }
    fputs("</p>\n", to);
}

void report_page(FILE *to, const report *r, const char *title) {
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>",
          to);
    put_title(to, r, title);
    fprintf(to, "</title>\n<style>\n%s</style>\n</head>\n<body>\n<main>\n<h1>", report_style);
    put_title(to, r, title);
    fputs("</h1>\n", to);
    put_files(to, r);
    fputs("<section class=\"cards\">\n", to);
    for (size_t i = 0; i < r->device_count; i++)
        put_card(to, r, i);
    fputs("</section>\n", to);
    report_put_fastest(to, r);
    report_put_rates(to, r);
    report_put_layers(to, r);
    report_put_roofline(to, r);
    report_put_parts(to, r);
    report_put_starts(to, r);
    report_put_checks(to, r);
    report_put_facts(to, r);
    put_notes(to, r);
    fprintf(to, "<footer>lenslet %s report</footer>\n</main>\n</body>\n</html>\n", lens_version());
}
