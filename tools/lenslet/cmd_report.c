/* cmd_report.c: comparisons of devices, as one page or as tables. */
#include "report.h"

#include <stdlib.h>
#include <string.h>

typedef struct report_options {
    const char *out, *title, *table;
    int format;
} report_options;

static const option options[] = {
    {"out", 'o', OPTION_TEXT, "F.html", "the page; without it tables go to stdout",
     offsetof(report_options, out)},
    {"title", 0, OPTION_TEXT, "TEXT", "what stands over the page; default: how many devices",
     offsetof(report_options, title)},
    {"table", 't', OPTION_TEXT, "NAME",
     "only this table: devices, nets, starts, passes or checks; default: all that are brief, of "
     "csv "
     "nets",
     offsetof(report_options, table)},
    OPTION_FORMAT_ROW(report_options),
    {0},
};

static void check_usage(const report_options *o) {
    const char *names[8] = {NULL};
    size_t count = 0;
    bool known = !o->table;
    for (const report_table *t = report_tables; t->name; t++) {
        names[count++] = t->name;
        known = known || !strcmp(o->table, t->name);
    }
    if (!known) {
        const char *nearest = cli_nearest(o->table, names);
        cli_usage("report", "--table \"%s\" is none of devices, nets, starts, passes, checks%s%s%s",
                  o->table, nearest ? "; did you mean " : "", nearest ? nearest : "",
                  nearest ? "?" : "");
    }
    if (o->out && (o->table || o->format != FORMAT_TEXT))
        cli_usage("report", "--out writes a page, and takes no --%s",
                  o->table ? "table" : "format");
    if (!o->out && o->title)
        cli_usage("report", "--title is of the page, which takes --out");
}

static lens_status write_page(const report *r, const report_options *o) {
    char *text = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&text, &size);
    if (memory)
        report_page(memory, r, o->title);
    bool made = memory && fclose(memory) == 0;
    lens_status status = made ? lens_file_write(o->out, text, size)
                              : cli_fail(LENS_OUT_OF_MEMORY, "%s: no memory for it", o->out);
    free(text);
    return status;
}

static int run(int argc, char **argv) {
    report_options o = {0};
    int left = options_parse(&command_report, argc, argv, &o, 1, 64);
    check_usage(&o);
    report r = {0};
    lens_status status = LENS_OK;
    for (int i = 1; status == LENS_OK && i < left; i++)
        status = report_open(&r, argv[i]);
    if (status == LENS_OK && o.out)
        status = write_page(&r, &o);
    else if (status == LENS_OK)
        report_print(&r, o.format, o.table);
    report_free(&r);
    return cli_report("report", status);
}

const cli_command command_report = {
    "report",
    "F.json ... [OPTION ...]",
    "compare devices and machines: one page, or tables",
    "F.json is what `lenslet bench --device all -o F.json` wrote, on this machine or another, by "
    "this\n"
    "version or another. The page needs nothing but itself: no scripts, no other files. What is "
    "not\n"
    "comparable (another batch, another version, failed checks, nets that were not measured) is\n"
    "marked. `lenslet report *.json --format md` prints tables for papers and issues.",
    options,
    run,
};
