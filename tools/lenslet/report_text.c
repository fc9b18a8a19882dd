/* report_text.c: a report for the shell: aligned tables, Markdown, CSV, JSON. */
#include "report.h"

#include <stdlib.h>
#include <string.h>

static void print_title(const report_table *of, int format, bool is_first) {
    bool colour = format == FORMAT_TEXT && out_has_colour(stdout);
    if (!is_first)
        putchar('\n');
    if (format == FORMAT_MD)
        printf("## %s\n\n", of->title);
    else
        printf("  %s%s%s\n\n", colour ? "\033[1;36m" : "", of->title, colour ? "\033[0m" : "");
}

/* "Fastest training of lenet5-relu, batch 64: X, 24,051 images/s" for each net. */
static void print_fastest(const report *r) {
    size_t count;
    report_group *groups = report_groups(r, &count);
    for (size_t i = 0; i < count; i++) {
        const report_group *g = &groups[i];
        if (!g->fastest)
            continue;
        printf("  Fastest %s of %s, batch %zu: %s, %s images/s\n",
               !strcmp(g->mode, "training") ? "training" : "inference", g->model, g->batch,
               r->devices[g->fastest->device].label, out_rate(g->fastest->rate));
    }
    free(groups);
}

static void print_failures(const report *r) {
    for (size_t i = 0; i < r->check_count; i++) {
        const report_check *c = &r->checks[i];
        if (c->failed)
            printf("  FAILED on %s: %s, %s, %s of %s: %s%s\n", r->devices[c->device].label, c->op,
                   c->pass, out_thousands(c->failed), out_thousands(c->cases),
                   c->note ? "" : c->worst_name, c->note ? c->note : "");
    }
}

/* The checks as one line a device are in the table of devices, and the passes are many. */
static bool is_brief(const report_table *t) {
    return strcmp(t->name, "passes") && strcmp(t->name, "checks");
}

static void print_tables(const report *r, int format, const char *name) {
    bool is_first = true;
    for (const report_table *of = report_tables; of->name; of++) {
        if (name ? strcmp(of->name, name) : !is_brief(of))
            continue;
        table *t = of->make(r);
        if (!name)
            print_title(of, format, is_first);
        table_print(t, format);
        table_free(t);
        is_first = false;
    }
    if (name || format != FORMAT_TEXT)
        return;
    putchar('\n');
    print_fastest(r);
    print_failures(r);
}

static void print_json(const report *r) {
    json_t *document = out_document("report");
    for (const report_table *of = report_tables; of->name; of++) {
        table *t = of->make(r);
        json_object_set_new(document, of->name, table_rows(t));
        table_free(t);
    }
    out_print(document);
}

void report_print(const report *r, int format, const char *name) {
    if (format == FORMAT_JSON)
        print_json(r);
    else
        print_tables(r, format, !name && format == FORMAT_CSV ? "nets" : name);
}
