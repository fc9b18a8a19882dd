/* out.h: how results leave the command: JSON documents, and numbers for people.
 */
#ifndef LENSLET_CLI_OUT_H
#define LENSLET_CLI_OUT_H

#include "cli.h"

#include <jansson.h>
#include <stdio.h>

enum { FORMAT_TEXT, FORMAT_JSON, FORMAT_CSV, FORMAT_MD }; /* the order of OPTION_FORMAT_ROW */

#define OUT_SCHEMA_VERSION 1

/* {"schema_version":1,"lenslet":"0.1.0","command":command}: every document starts so. */
json_t *out_document(const char *command);

/* Print and free a document. */
void out_print(json_t *document);

/* A number; null for NaN and infinity, which JSON has not. */
json_t *out_real(double value);
json_t *out_count(size_t value);
json_t *out_shape(lens_shape shape); /* [n, c, h, w] */
json_t *out_text(const char *text);  /* null for NULL; not valid UTF-8: replaced by '?' */
json_t *out_device(const lens_device_info *device);

/* Text of numbers, in one of a few static buffers: "61,706", "2.4" or "24,051", "1.2 MiB", "12.5
 * ms", "1:05". */
const char *out_thousands(size_t value);
const char *out_rate(double value);
const char *out_bytes(size_t bytes);
const char *out_duration(double seconds);
const char *out_clock(double seconds);
const char *out_text_of_shape(lens_shape shape); /* "1x6x28x28" */
const char *out_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Whether a file can be made at `path`, for the option `given_by` ("--out"): better known before
 * hours of work than after. IO when its folder takes no files, or is none. */
lens_status out_check_file(const char *given_by, const char *path);

/* Whether `stream` takes colour (a terminal, no NO_COLOR, TERM not dumb) and UTF-8. */
bool out_has_colour(FILE *stream);
bool out_has_utf8(void);

#endif
