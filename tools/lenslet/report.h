/* report.h: comparisons that `lenslet bench` wrote, merged, and what is made of them.
 *
 *     report r = {0};
 *     TRY(report_open(&r, "A.json"));       as often as there are files
 *     report_print(&r, FORMAT_TEXT, NULL);
 *     report_free(&r);
 */
#ifndef LENSLET_CLI_REPORT_H
#define LENSLET_CLI_REPORT_H

#include "table.h"

/* Numbers that a file has as null are NaN, texts NULL. Texts live as long as the report. */

typedef struct report_file {
    char *path;
    json_t *document;
    const char *lenslet, *time, *machine, *system, *processor, *algorithm;
    size_t cpus;
} report_file;

typedef struct report_device {
    size_t file;  /* that it is from */
    size_t index; /* in that file */
    const char *platform, *name, *vendor, *driver, *opencl, *type, *error;
    size_t compute_units, clock_mhz, memory_bytes, allocation_bytes, local_bytes, work_group_items;
    double peak_gflops, bandwidth;
    char *label; /* tells it from the others: its name, and as much as it takes of where it is */
} report_device;

/* `device` is a place in report.devices from here on. */

typedef struct report_net {
    size_t device;
    const char *model, *mode, *optimizer, *note;
    size_t batch, steps;
    double median_ms, least_ms, rate, gflops, first_ms, memory;
} report_net;

typedef struct report_start {
    size_t device;
    const char *model, *note;
    size_t batch;
    double cold_ms, warm_ms;
} report_start;

typedef struct report_pass {
    size_t device;
    const char *model, *layer, *op, *pass, *shape, *algorithm, *bound;
    size_t batch;
    double median_ms, gflops, peak_part, bytes_rate, bandwidth_part, bound_part, flops, bytes;
    double peak_gflops, bandwidth; /* measured beside it */
} report_pass;

typedef struct report_check {
    size_t device;
    const char *op, *pass, *worst_name, *note;
    size_t cases, failed, skipped, worst_case;
    double worst_ulp, limit_ulp; /* NaN: what came out is no number, or nothing did */
} report_check;

typedef struct report {
    report_file *files;
    report_device *devices;
    report_net *nets;
    report_start *starts;
    report_pass *passes;
    report_check *checks;
    size_t file_count, device_count, net_count, start_count, pass_count, check_count;
} report;

/* ---- reading (report_read.c) --------------------------------------------------------------- */

/* BAD_FILE names the file, the field, its value and the rule. */
lens_status report_open(report *r, const char *path);

/* The same of a document in memory, which is held until the report is freed. */
lens_status report_add(report *r, const char *path, json_t *document);
void report_free(report *r);

/* ---- what can be compared (report.c) ------------------------------------------------------- */

/* Gives every device its label: report_add() does. */
void report_label(report *r);

/* One bar chart: a net in one mode. `batch` and `optimizer` are those of most devices. */
typedef struct report_group {
    const char *model, *mode, *optimizer;
    size_t batch;
    const report_net *fastest; /* of what is comparable and computes the right thing; or NULL */
} report_group;

/* Every group of the report, in the order of the files; the caller frees it. */
report_group *report_groups(const report *r, size_t *count);

/* "lenslet 0.2.0" of most devices; another version is marked. */
const char *report_version(const report *r);

const report_net *report_find_net(const report *r, const report_group *g, size_t device);
const report_check *report_find_check(const report *r, size_t device, const char *op,
                                      const char *pass);

/* Why a number should not be held against the others': another batch, optimizer or version. "" when
 * it can be. In a static buffer. */
const char *report_mark(const report *r, const report_group *g, const report_net *net);
const char *report_version_mark(const report *r, size_t device);

/* Checks of a device. `worst` is the row nearest to its limit, or beyond it; NULL without checks.
 */
typedef struct report_verdict {
    size_t cases, failed, skipped;
    const report_check *worst;
} report_verdict;

report_verdict report_verdict_of(const report *r, size_t device);

/* False when a check failed: such a device is never the fastest. */
bool report_is_right(const report *r, size_t device);

/* "0", "0.25", "31", "no number" */
const char *report_ulp_text(double ulp);

/* "all 1,234 passed", "12 of 240 failed", "is the reference", "not checked"; static buffer. */
const char *report_verdict_text(const report *r, size_t device);

/* All passes of one kind of operation (NULL: of all) in a net's training step on a device; `ms` is
 * NaN and `count` 0 when there are none. Only with the same batch and count are two comparable. */
typedef struct report_work {
    double ms;
    size_t batch, count;
} report_work;

report_work report_work_of(const report *r, size_t device, const char *model, const char *op);

bool report_has_passes(const report *r, size_t device);

/* That of the first device that has the most passes: what the others are held against. */
report_work report_usual_work(const report *r, const char *model, const char *op);

/* The pass of a device that is the same as `p`, which may be another device's; or NULL. */
const report_pass *report_find_pass(const report *r, size_t device, const report_pass *p);

/* Whether `p` is the first of its kind in the report, so that a list of passes begins a row there.
 */
bool report_is_first_pass(const report *r, const report_pass *p);

/* The models that have passes, in their order; the caller frees the list, not its texts. */
const char **report_models(const report *r, size_t *count);

/* ---- printing ------------------------------------------------------------------------------ */

/* The tables (report_tables.c), by name: devices, nets, starts, passes, checks. */
typedef struct report_table {
    const char *name, *title;
    table *(*make)(const report *r); /* the caller's */
} report_table;

extern const report_table report_tables[]; /* ends with {0} */

/* Text and Markdown: every table but the passes, or the one that is named. CSV has one table: nets
 * when none is named. JSON: all. */
void report_print(const report *r, int format, const char *name);

/* The page (report_html.c). `title` NULL: one that says how many devices. */
void report_page(FILE *to, const report *r, const char *title);

#endif
