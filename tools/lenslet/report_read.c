/* report_read.c: comparisons as `lenslet bench` writes them, checked field by field
 * (docs/comparison.schema.json says the same to other programs). */
#include "report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- fields -------------------------------------------------------------------------------- */

typedef enum field_kind {
    FIELD_TEXT,          /* const char * */
    FIELD_TEXT_OR_NULL,  /* NULL */
    FIELD_COUNT,         /* size_t */
    FIELD_REAL_OR_NULL,  /* double: at least 0, NaN */
    FIELD_COUNT_OR_NULL, /* double, of a whole number: NaN */
    FIELD_MODE,          /* const char *: training or inference */
} field_kind;

typedef struct field {
    const char *key;
    field_kind kind;
    size_t offset;
} field;

static const char *const rules[] = {
    [FIELD_TEXT] = "a text",
    [FIELD_TEXT_OR_NULL] = "a text or null",
    [FIELD_COUNT] = "a whole number, at least 0",
    [FIELD_REAL_OR_NULL] = "a number, at least 0, or null",
    [FIELD_COUNT_OR_NULL] = "a whole number, at least 0, or null",
    [FIELD_MODE] = "\"training\" or \"inference\"",
};

static bool is_right(field_kind kind, const json_t *value) {
    bool is_count = json_is_integer(value) && json_integer_value(value) >= 0;
    switch (kind) {
    case FIELD_TEXT:
        return json_is_string(value);
    case FIELD_TEXT_OR_NULL:
        return json_is_string(value) || json_is_null(value);
    case FIELD_COUNT:
        return is_count;
    case FIELD_REAL_OR_NULL:
        return (json_is_number(value) && json_number_value(value) >= 0) || json_is_null(value);
    case FIELD_COUNT_OR_NULL:
        return is_count || json_is_null(value);
    case FIELD_MODE:
        break;
    }
    const char *mode = json_string_value(value);
    return mode && (!strcmp(mode, "training") || !strcmp(mode, "inference"));
}

static void store(void *row, const field *f, const json_t *value) {
    void *to = (char *)row + f->offset;
    switch (f->kind) {
    case FIELD_TEXT:
    case FIELD_TEXT_OR_NULL:
    case FIELD_MODE:
        *(const char **)to = json_string_value(value);
        break;
    case FIELD_COUNT:
        *(size_t *)to = (size_t)json_integer_value(value);
        break;
    case FIELD_REAL_OR_NULL:
    case FIELD_COUNT_OR_NULL:
        *(double *)to = json_is_null(value) ? NAN : json_number_value(value);
        break;
    }
}

/* "A.json: nets[3].batch_size is "x", and must be a whole number, at least 0" */
static lens_status refuse(const char *path, const char *place, const char *key, const json_t *value,
                          const char *rule) {
    if (!value)
        return cli_fail(LENS_BAD_FILE, "%s: %s%s is missing; it must be %s", path, place, key,
                        rule);
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    lens_status status = cli_fail(LENS_BAD_FILE, "%s: %s%s is %.60s; it must be %s", path, place,
                                  key, text ? text : "?", rule);
    free(text);
    return status;
}

/* `fields` ends with {0}. */
static lens_status read_fields(void *row, const field *fields, const json_t *object,
                               const char *path, const char *place) {
    for (const field *f = fields; f->key; f++) {
        const json_t *value = json_object_get(object, f->key);
        if (!is_right(f->kind, value))
            return refuse(path, place, f->key, value, rules[f->kind]);
        store(row, f, value);
    }
    return LENS_OK;
}

static const field file_fields[] = {
    {"lenslet", FIELD_TEXT, offsetof(report_file, lenslet)},
    {"time", FIELD_TEXT, offsetof(report_file, time)},
    {"cpus", FIELD_COUNT, offsetof(report_file, cpus)},
    {"algorithm", FIELD_TEXT_OR_NULL, offsetof(report_file, algorithm)},
    {0},
};

static const field machine_fields[] = {
    {"name", FIELD_TEXT, offsetof(report_file, machine)},
    {"system", FIELD_TEXT_OR_NULL, offsetof(report_file, system)},
    {"processor", FIELD_TEXT_OR_NULL, offsetof(report_file, processor)},
    {0},
};

static const field device_fields[] = {
    {"index", FIELD_COUNT, offsetof(report_device, index)},
    {"platform", FIELD_TEXT, offsetof(report_device, platform)},
    {"name", FIELD_TEXT, offsetof(report_device, name)},
    {"vendor", FIELD_TEXT, offsetof(report_device, vendor)},
    {"driver", FIELD_TEXT, offsetof(report_device, driver)},
    {"opencl", FIELD_TEXT, offsetof(report_device, opencl)},
    {"type", FIELD_TEXT, offsetof(report_device, type)},
    {"compute_units", FIELD_COUNT, offsetof(report_device, compute_units)},
    {"clock_mhz", FIELD_COUNT, offsetof(report_device, clock_mhz)},
    {"memory_bytes", FIELD_COUNT, offsetof(report_device, memory_bytes)},
    {"allocation_bytes", FIELD_COUNT, offsetof(report_device, allocation_bytes)},
    {"local_bytes", FIELD_COUNT, offsetof(report_device, local_bytes)},
    {"work_group_items", FIELD_COUNT, offsetof(report_device, work_group_items)},
    {"peak_gflops", FIELD_REAL_OR_NULL, offsetof(report_device, peak_gflops)},
    {"bandwidth_gbytes_per_second", FIELD_REAL_OR_NULL, offsetof(report_device, bandwidth)},
    {"error", FIELD_TEXT_OR_NULL, offsetof(report_device, error)},
    {0},
};

/* In every row but a device's the first field is the device's index, for its place in the report.
 */
static const field net_fields[] = {
    {"device", FIELD_COUNT, offsetof(report_net, device)},
    {"model", FIELD_TEXT, offsetof(report_net, model)},
    {"mode", FIELD_MODE, offsetof(report_net, mode)},
    {"batch_size", FIELD_COUNT, offsetof(report_net, batch)},
    {"optimizer", FIELD_TEXT_OR_NULL, offsetof(report_net, optimizer)},
    {"step_ms_median", FIELD_REAL_OR_NULL, offsetof(report_net, median_ms)},
    {"step_ms_min", FIELD_REAL_OR_NULL, offsetof(report_net, least_ms)},
    {"images_per_second", FIELD_REAL_OR_NULL, offsetof(report_net, rate)},
    {"gflops", FIELD_REAL_OR_NULL, offsetof(report_net, gflops)},
    {"steps", FIELD_COUNT, offsetof(report_net, steps)},
    {"first_step_ms", FIELD_REAL_OR_NULL, offsetof(report_net, first_ms)},
    {"memory_bytes", FIELD_COUNT_OR_NULL, offsetof(report_net, memory)},
    {"note", FIELD_TEXT_OR_NULL, offsetof(report_net, note)},
    {0},
};

static const field start_fields[] = {
    {"device", FIELD_COUNT, offsetof(report_start, device)},
    {"model", FIELD_TEXT, offsetof(report_start, model)},
    {"batch_size", FIELD_COUNT, offsetof(report_start, batch)},
    {"cold_ms", FIELD_REAL_OR_NULL, offsetof(report_start, cold_ms)},
    {"warm_ms", FIELD_REAL_OR_NULL, offsetof(report_start, warm_ms)},
    {"note", FIELD_TEXT_OR_NULL, offsetof(report_start, note)},
    {0},
};

static const field pass_fields[] = {
    {"device", FIELD_COUNT, offsetof(report_pass, device)},
    {"model", FIELD_TEXT, offsetof(report_pass, model)},
    {"batch_size", FIELD_COUNT, offsetof(report_pass, batch)},
    {"layer", FIELD_TEXT, offsetof(report_pass, layer)},
    {"op", FIELD_TEXT, offsetof(report_pass, op)},
    {"pass", FIELD_TEXT, offsetof(report_pass, pass)},
    {"shape", FIELD_TEXT, offsetof(report_pass, shape)},
    {"algorithm", FIELD_TEXT_OR_NULL, offsetof(report_pass, algorithm)},
    {"ms_median", FIELD_REAL_OR_NULL, offsetof(report_pass, median_ms)},
    {"gflops", FIELD_REAL_OR_NULL, offsetof(report_pass, gflops)},
    {"peak_part", FIELD_REAL_OR_NULL, offsetof(report_pass, peak_part)},
    {"gbytes_per_second", FIELD_REAL_OR_NULL, offsetof(report_pass, bytes_rate)},
    {"bandwidth_part", FIELD_REAL_OR_NULL, offsetof(report_pass, bandwidth_part)},
    {"bound", FIELD_TEXT, offsetof(report_pass, bound)},
    {"bound_part", FIELD_REAL_OR_NULL, offsetof(report_pass, bound_part)},
    {"flops", FIELD_REAL_OR_NULL, offsetof(report_pass, flops)},
    {"bytes", FIELD_REAL_OR_NULL, offsetof(report_pass, bytes)},
    {"peak_gflops", FIELD_REAL_OR_NULL, offsetof(report_pass, peak_gflops)},
    {"bandwidth_gbytes_per_second", FIELD_REAL_OR_NULL, offsetof(report_pass, bandwidth)},
    {0},
};

static const field check_fields[] = {
    {"device", FIELD_COUNT, offsetof(report_check, device)},
    {"op", FIELD_TEXT, offsetof(report_check, op)},
    {"pass", FIELD_TEXT, offsetof(report_check, pass)},
    {"cases", FIELD_COUNT, offsetof(report_check, cases)},
    {"failed", FIELD_COUNT, offsetof(report_check, failed)},
    {"skipped", FIELD_COUNT, offsetof(report_check, skipped)},
    {"worst_ulp", FIELD_REAL_OR_NULL, offsetof(report_check, worst_ulp)},
    {"limit_ulp", FIELD_REAL_OR_NULL, offsetof(report_check, limit_ulp)},
    {"worst_case", FIELD_COUNT, offsetof(report_check, worst_case)},
    {"worst_name", FIELD_TEXT, offsetof(report_check, worst_name)},
    {"note", FIELD_TEXT_OR_NULL, offsetof(report_check, note)},
    {0},
};

/* ---- rows ---------------------------------------------------------------------------------- */

/* Room for `more` items behind the `count` there are. */
static void *grow(void *items, size_t count, size_t more, size_t size) {
    char *grown = cli_alloc(count + more, size);
    if (count)
        memcpy(grown, items, count * size);
    free(items);
    return grown;
}

/* The rows of an array, behind the *count there are of `size` bytes each. */
static lens_status read_rows(void **rows, size_t *count, size_t size, const field *fields,
                             const report_file *file, const char *key) {
    const json_t *array = json_object_get(file->document, key);
    if (!json_is_array(array))
        return refuse(file->path, "", key, array, "an array");
    *rows = grow(*rows, *count, json_array_size(array), size);
    for (size_t i = 0; i < json_array_size(array); i++) {
        char place[64];
        snprintf(place, sizeof place, "%s[%zu].", key, i);
        TRY(read_fields((char *)*rows + *count * size, fields, json_array_get(array, i), file->path,
                        place));
        ++*count;
    }
    return LENS_OK;
}

/* The index of a device in its file becomes its place in the report. It is the first member of
 * every row, as a pointer to a row points to it. */
static lens_status place_devices(const report *r, void *rows, size_t from, size_t to, size_t size,
                                 const char *key) {
    size_t file = r->file_count - 1;
    for (size_t i = from; i < to; i++) {
        size_t *device = (void *)((char *)rows + i * size), j = 0;
        while (j < r->device_count &&
               !(r->devices[j].file == file && r->devices[j].index == *device))
            j++;
        if (j == r->device_count)
            return cli_fail(LENS_BAD_FILE,
                            "%s: %s[%zu].device is %zu; it must be the index of one of devices",
                            r->files[file].path, key, i - from, *device);
        *device = j;
    }
    return LENS_OK;
}

/* `fields` of the array `key`, into the report's `member`; each row says which device it is of. */
#define READ_ROWS(r, member, counter, fields, key)                                                 \
    do {                                                                                           \
        size_t from = (r)->counter, size = sizeof *(r)->member;                                    \
        void *rows = (r)->member;                                                                  \
        lens_status read =                                                                         \
            read_rows(&rows, &(r)->counter, size, fields, &(r)->files[(r)->file_count - 1], key);  \
        (r)->member = rows;                                                                        \
        TRY(read);                                                                                 \
        TRY(place_devices(r, rows, from, (r)->counter, size, key));                                \
    } while (0)

/* ---- a file -------------------------------------------------------------------------------- */

static lens_status check_kind(const char *path, const json_t *document) {
    const json_t *kind = json_object_get(document, "kind");
    const json_t *version = json_object_get(document, "schema_version");
    if (!json_is_object(document) || !json_is_string(kind) ||
        strcmp(json_string_value(kind), "comparison"))
        return cli_fail(
            LENS_BAD_FILE,
            "%s: its kind is not \"comparison\"; `lenslet bench --device all -o F.json` "
            "writes one",
            path);
    if (!json_is_integer(version) || json_integer_value(version) != OUT_SCHEMA_VERSION)
        return refuse(
            path, "", "schema_version", version,
            out_printf("%d, the one that lenslet %s reads", OUT_SCHEMA_VERSION, lens_version()));
    return LENS_OK;
}

static lens_status check_devices(const report *r, size_t from) {
    for (size_t i = from; i < r->device_count; i++)
        for (size_t j = from; j < i; j++)
            if (r->devices[i].index == r->devices[j].index)
                return cli_fail(
                    LENS_BAD_FILE, "%s: devices[%zu].index is %zu, which devices[%zu] has already",
                    r->files[r->file_count - 1].path, i - from, r->devices[i].index, j - from);
    return LENS_OK;
}

static lens_status read_devices(report *r) {
    size_t from = r->device_count;
    void *rows = r->devices;
    lens_status status = read_rows(&rows, &r->device_count, sizeof *r->devices, device_fields,
                                   &r->files[r->file_count - 1], "devices");
    r->devices = rows;
    TRY(status);
    for (size_t i = from; i < r->device_count; i++)
        r->devices[i].file = r->file_count - 1;
    return check_devices(r, from);
}

lens_status report_add(report *r, const char *path, json_t *document) {
    TRY(check_kind(path, document));
    r->files = grow(r->files, r->file_count, 1, sizeof *r->files);
    report_file *file = &r->files[r->file_count++];
    *file = (report_file){.document = json_incref(document)};
    file->path = cli_alloc(strlen(path) + 1, 1);
    strcpy(file->path, path);
    TRY(read_fields(file, file_fields, document, path, ""));
    TRY(read_fields(file, machine_fields, json_object_get(document, "machine"), path, "machine."));
    TRY(read_devices(r));
    READ_ROWS(r, nets, net_count, net_fields, "nets");
    READ_ROWS(r, starts, start_count, start_fields, "starts");
    READ_ROWS(r, passes, pass_count, pass_fields, "passes");
    READ_ROWS(r, checks, check_count, check_fields, "checks");
    report_label(r);
    return LENS_OK;
}

lens_status report_open(report *r, const char *path) {
    json_error_t error;
    json_t *document = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (!document)
        return error.line < 0 ? cli_fail(LENS_BAD_FILE, "%s: %s", path, error.text)
                              : cli_fail(LENS_BAD_FILE, "%s: line %d, column %d: %s", path,
                                         error.line, error.column, error.text);
    lens_status status = report_add(r, path, document);
    json_decref(document);
    return status;
}

void report_free(report *r) {
    for (size_t i = 0; i < r->file_count; i++) {
        json_decref(r->files[i].document);
        free(r->files[i].path);
    }
    for (size_t i = 0; i < r->device_count; i++)
        free(r->devices[i].label);
    free(r->files);
    free(r->devices);
    free(r->nets);
    free(r->starts);
    free(r->passes);
    free(r->checks);
    *r = (report){0};
}
