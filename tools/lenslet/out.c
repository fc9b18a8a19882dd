/* out.c: JSON documents, and numbers for people. */
#include "out.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- JSON ---------------------------------------------------------------------------------- */

json_t *out_document(const char *command) {
    json_t *document = json_object();
    json_object_set_new(document, "schema_version", json_integer(OUT_SCHEMA_VERSION));
    json_object_set_new(document, "lenslet", json_string(lens_version()));
    json_object_set_new(document, "command", json_string(command));
    return document;
}

void out_print(json_t *document) {
    if (json_dumpf(document, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) == 0)
        putchar('\n');
    json_decref(document);
}

json_t *out_real(double value) {
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *out_count(size_t value) {
    return json_integer((json_int_t)value);
}

json_t *out_shape(lens_shape shape) {
    return json_pack("[I,I,I,I]", (json_int_t)shape.n, (json_int_t)shape.c, (json_int_t)shape.h,
                     (json_int_t)shape.w);
}

json_t *out_text(const char *text) {
    if (!text)
        return json_null();
    json_t *value = json_string(text);
    if (value)
        return value;
    char *ascii = cli_alloc(strlen(text) + 1, 1);
    for (size_t i = 0; text[i]; i++)
        ascii[i] = (text[i] & 0x80) ? '?' : text[i];
    value = json_string(ascii);
    free(ascii);
    return value;
}

json_t *out_device(const lens_device_info *device) {
    json_t *value = json_object();
    json_object_set_new(value, "index", out_count(device->index));
    json_object_set_new(value, "platform", out_text(device->platform));
    json_object_set_new(value, "name", out_text(device->name));
    json_object_set_new(value, "vendor", out_text(device->vendor));
    json_object_set_new(value, "driver", out_text(device->driver));
    json_object_set_new(value, "opencl", out_text(device->opencl_version));
    json_object_set_new(value, "type", out_text(lens_device_type_name(device->type)));
    return value;
}

/* ---- numbers for people -------------------------------------------------------------------- */

const char *out_printf(const char *format, ...) {
    static char buffers[16][160];
    static size_t next;
    char *text = buffers[next++ % 16];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof buffers[0], format, list);
    va_end(list);
    return text;
}

const char *out_thousands(size_t value) {
    char digits[24], text[32];
    int count = snprintf(digits, sizeof digits, "%zu", value), used = 0;
    for (int i = 0; i < count; i++) {
        if (i && (count - i) % 3 == 0)
            text[used++] = ',';
        text[used++] = digits[i];
    }
    return out_printf("%.*s", used, text);
}

const char *out_rate(double value) {
    return value < 10 ? out_printf("%.2g", value) : out_thousands((size_t)(value + 0.5));
}

const char *out_bytes(size_t bytes) {
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double value = (double)bytes;
    size_t unit = 0;
    for (; value >= 1000 && unit < 4; unit++)
        value /= 1024;
    return out_printf(unit && value < 100 ? "%.1f %s" : "%.0f %s", value, units[unit]);
}

const char *out_duration(double seconds) {
    if (!isfinite(seconds))
        return "-";
    static const struct {
        double least, factor;
        const char *unit;
    } units[] = {{1, 1, "s"}, {1e-3, 1e3, "ms"}, {0, 1e6, "us"}};
    size_t i = 0;
    while (seconds < units[i].least)
        i++;
    return out_printf("%.3g %s", seconds * units[i].factor, units[i].unit);
}

const char *out_clock(double seconds) {
    size_t whole = seconds > 0 && seconds < 3.6e6 ? (size_t)(seconds + 0.5) : 0;
    if (whole >= 3600)
        return out_printf("%zu:%02zu:%02zu", whole / 3600, whole / 60 % 60, whole % 60);
    return out_printf("%zu:%02zu", whole / 60, whole % 60);
}

const char *out_text_of_shape(lens_shape shape) {
    return out_printf("%zux%zux%zux%zu", shape.n, shape.c, shape.h, shape.w);
}

/* ---- files ---------------------------------------------------------------------------------- */

lens_status out_check_file(const char *given_by, const char *path) {
    char folder[4096];
    struct stat info;
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode))
        return cli_fail(LENS_IO, "%s %s: %s", given_by, path, strerror(EISDIR));
    snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash)
        slash[slash == folder] = 0;
    if (access(slash ? folder : ".", W_OK) != 0)
        return cli_fail(LENS_IO, "%s %s: %s", given_by, path, strerror(errno));
    return LENS_OK;
}

/* ---- the terminal -------------------------------------------------------------------------- */

static bool is_set(const char *name) {
    const char *value = getenv(name);
    return value && *value;
}

bool out_has_colour(FILE *stream) {
    const char *terminal = getenv("TERM");
    return isatty(fileno(stream)) && !is_set("NO_COLOR") && terminal && strcmp(terminal, "dumb");
}

bool out_has_utf8(void) {
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < 3; i++)
        if (is_set(names[i])) {
            const char *value = getenv(names[i]);
            return strstr(value, "UTF-8") || strstr(value, "utf8");
        }
    return false;
}
