/* report_page.h: the parts of a report's page, each a section with its charts and their tables.
 */
#ifndef LENSLET_CLI_REPORT_PAGE_H
#define LENSLET_CLI_REPORT_PAGE_H

#include "report.h"

extern const char report_style[]; /* the page's CSS */

/* ---- sections, in the order of the page ----------------------------------------------------- */

void report_put_fastest(FILE *to, const report *r);  /* report_speed.c */
void report_put_rates(FILE *to, const report *r);    /* images a second */
void report_put_layers(FILE *to, const report *r);   /* report_layers.c: percent of peak */
void report_put_roofline(FILE *to, const report *r); /* report_roofline.c */
void report_put_parts(FILE *to, const report *r);    /* report_parts.c: of a training step */
void report_put_starts(FILE *to, const report *r);   /* report_speed.c: first starts */
void report_put_checks(FILE *to, const report *r);   /* report_checks.c */
void report_put_facts(FILE *to, const report *r);    /* report_facts.c: devices and drivers */

/* ---- what they are made of (report_html.c) -------------------------------------------------- */

/* <h2>, and a sentence that says how to read what follows. */
void report_heading(FILE *to, const char *title, const char *text);

/* <details> with a table of report_tables. */
void report_details(FILE *to, const report *r, const char *name, const char *summary);

/* A device's label behind a mark in its colour, and under it what marks it. */
void report_device_name(FILE *to, const report *r, size_t device);

/* The class of its colour: "d0" .. "d7". */
const char *report_colour(size_t device);

/* Whether a device has a column; NULL: all have. */
typedef bool report_column(const report *r, size_t device);

/* A table with a column for each device, up to its first row: `corner`, then the devices. `look`
 * names what more it is: "tight", "facts", "". A matrix scrolls where it is too wide. */
void report_matrix_open(FILE *to, const report *r, const char *look, const char *corner,
                        report_column *has_column);
void report_matrix_close(FILE *to);

/* The head of a row: what, and which pass of it. `again`: the row above is of the same. */
void report_row_name(FILE *to, bool again, const char *what, const char *pass);

/* A bar as long as `part` of `whole`, which fills the room there is; `hollow` where it is not
 * comparable. A whole above 1 gets a line at 1. */
void report_bar(FILE *to, const char *colour, double part, double whole, bool hollow);

#endif
