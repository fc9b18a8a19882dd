/* table.h: rows of results, printed as aligned text, CSV, Markdown or JSON.
 */
#ifndef LENSLET_CLI_TABLE_H
#define LENSLET_CLI_TABLE_H

#include "out.h"

typedef struct table table;

typedef struct table_column {
    const char *key;   /* in JSON and CSV, with its unit: "time_ms" */
    const char *title; /* in text and Markdown; NULL: only in JSON and CSV */
    bool right;        /* numbers stand to the right */
    int width;         /* the least width; matters when rows are shown as they come */
} table_column;

/* `columns` ends with {0} and must outlive the table. */
table *table_new(const table_column *columns);
void table_free(table *t);

/* The next cell, row by row. The value for JSON is taken over; `shown` is copied, and NULL stands
 * for the value as CSV has it. */
void table_cell(table *t, json_t *value, const char *shown);
void table_text(table *t, const char *text);
void table_count(table *t, size_t value);                   /* shown as "61,706" */
void table_real(table *t, double value, const char *shown); /* NaN: null, shown as given */

/* All rows in this format. Text starts each line with two spaces. JSON: the array alone; commands
 * put table_rows() into their document instead. */
void table_print(const table *t, int format);

/* The same as text, as the rows of a <table>. */
void table_html(const table *t, FILE *to);

/* The titles, then each row as soon as it is full: for results that come slowly, as text. */
void table_stream(table *t);

/* The rows as an array of objects; the caller's. */
json_t *table_rows(const table *t);

#endif
