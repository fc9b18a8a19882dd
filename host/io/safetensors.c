/* safetensors.c: reading safetensors: 8 bytes of header length, a JSON header, raw values.
 *
 * Nothing in the file is trusted: the header's size, every product and every range are checked, the
 * arrays must fill the rest of the file without a hole or an overlap, and names are unique.
 */
#include "core/read_file.h"
#include "core/size.h"
#include "lenslet/io.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FILE_BYTES ((size_t)16 << 30)
#define MAX_HEADER_BYTES ((size_t)8 << 20)
#define MAX_ARRAYS 65536
#define MAX_RANK 8

struct lens_safetensors {
    unsigned char *bytes; /* the whole file */
    json_t *header;
    size_t count;
    lens_array *arrays; /* in the order of their values */
};

static const struct {
    const char *name;
    size_t bytes;
} types[] = {{"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"F8_E4M3", 1}, {"F8_E5M2", 1},
             {"I16", 2},  {"U16", 2}, {"F16", 2}, {"BF16", 2},    {"I32", 4},
             {"U32", 4},  {"F32", 4}, {"I64", 8}, {"U64", 8},     {"F64", 8}};

/* 0 for an unknown type. */
static size_t type_bytes(const char *name) {
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strcmp(types[i].name, name) == 0)
            return types[i].bytes;
    return 0;
}

/* ---- one array ----------------------------------------------------------------------------- */

static bool read_dims(lens_array *array, const json_t *shape, size_t *count) {
    if (!json_is_array(shape) || json_array_size(shape) > MAX_RANK)
        return false;
    array->rank = json_array_size(shape);
    *count = 1;
    for (size_t i = 0; i < array->rank; i++) {
        const json_t *dim = json_array_get(shape, i);
        if (!json_is_integer(dim) || json_integer_value(dim) < 0)
            return false;
        array->dims[i] = (size_t)json_integer_value(dim);
        if (!lens_size_mul(count, *count, array->dims[i]))
            return false;
    }
    return true;
}

static bool read_offsets(size_t *begin, size_t *end, const json_t *offsets) {
    const json_t *b = json_array_get(offsets, 0), *e = json_array_get(offsets, 1);
    if (json_array_size(offsets) != 2 || !json_is_integer(b) || !json_is_integer(e) ||
        json_integer_value(b) < 0 || json_integer_value(e) < json_integer_value(b))
        return false;
    *begin = (size_t)json_integer_value(b);
    *end = (size_t)json_integer_value(e);
    return true;
}

/* `values` are the file's, `size` bytes of them. */
static lens_status read_array(lens_array *array, const char *name, const json_t *entry,
                              const unsigned char *values, size_t size, const char *path) {
    const char *type = json_string_value(json_object_get(entry, "dtype"));
    size_t count, begin, end, bytes;
    if (strlen(name) >= sizeof array->name)
        return lens_fail(LENS_BAD_FILE, "%s: an array's name has more than %zu bytes", path,
                         sizeof array->name - 1);
    strcpy(array->name, name);
    if (!type || strlen(type) >= sizeof array->type || type_bytes(type) == 0)
        return lens_fail(LENS_BAD_FILE, "%s: array %s has dtype %s, which is unknown", path, name,
                         type ? type : "nothing");
    strcpy(array->type, type);
    if (!read_dims(array, json_object_get(entry, "shape"), &count) ||
        !lens_size_mul(&bytes, count, type_bytes(type)))
        return lens_fail(LENS_BAD_FILE,
                         "%s: the shape of array %s must be a list of at most %d sizes whose "
                         "product can be counted",
                         path, name, MAX_RANK);
    if (!read_offsets(&begin, &end, json_object_get(entry, "data_offsets")) || end > size)
        return lens_fail(LENS_BAD_FILE,
                         "%s: the data_offsets of array %s must be a range within the %zu bytes of "
                         "values",
                         path, name, size);
    if (end - begin != bytes)
        return lens_fail(LENS_BAD_FILE, "%s: array %s has %zu bytes, its shape needs %zu", path,
                         name, end - begin, bytes);
    array->values = values + begin;
    array->bytes = bytes;
    return LENS_OK;
}

/* ---- the file ------------------------------------------------------------------------------ */

static int in_file_order(const void *a, const void *b) {
    const lens_array *x = a, *y = b;
    const unsigned char *p = x->values, *q = y->values;
    if (p != q)
        return p < q ? -1 : 1;
    return (x->bytes > y->bytes) - (x->bytes < y->bytes);
}

/* Sorted by offset, each array begins where the one before ends, and the last ends the file. */
static lens_status check_ranges(const lens_safetensors *file, const unsigned char *values,
                                size_t size, const char *path) {
    const unsigned char *at = values;
    for (size_t i = 0; i < file->count; i++) {
        if (file->arrays[i].values != at)
            return lens_fail(LENS_BAD_FILE, "%s: array %s does not begin where the one before ends",
                             path, file->arrays[i].name);
        at += file->arrays[i].bytes;
    }
    if (at != values + size)
        return lens_fail(LENS_BAD_FILE, "%s: %zu bytes behind the last array", path,
                         (size_t)(values + size - at));
    return LENS_OK;
}

static lens_status read_arrays(lens_safetensors *file, const unsigned char *values, size_t size,
                               const char *path) {
    size_t entries = json_object_size(file->header);
    if (entries > MAX_ARRAYS)
        return lens_fail(LENS_BAD_FILE, "%s: %zu arrays; at most %d are read", path, entries,
                         MAX_ARRAYS);
    file->arrays = calloc(entries ? entries : 1, sizeof *file->arrays);
    if (!file->arrays)
        return lens_fail_memory(path, entries * sizeof *file->arrays);
    const char *name;
    json_t *entry;
    json_object_foreach(file->header, name, entry) {
        if (strcmp(name, "__metadata__") != 0)
            LENS_TRY(read_array(&file->arrays[file->count++], name, entry, values, size, path));
    }
    qsort(file->arrays, file->count, sizeof *file->arrays, in_file_order);
    return check_ranges(file, values, size, path);
}

static lens_status check_metadata(const json_t *header, const char *path) {
    json_t *metadata = json_object_get(header, "__metadata__"), *value;
    const char *key;
    if (metadata && !json_is_object(metadata))
        return lens_fail(LENS_BAD_FILE, "%s: __metadata__ is no object", path);
    json_object_foreach(metadata, key, value) {
        if (!json_is_string(value))
            return lens_fail(LENS_BAD_FILE, "%s: __metadata__ %s is no string", path, key);
    }
    return LENS_OK;
}

static lens_status parse(lens_safetensors *file, size_t size, const char *path) {
    if (size < 8)
        return lens_fail(LENS_BAD_FILE, "%s: is no safetensors file: %zu bytes", path, size);
    uint64_t length = 0;
    for (int i = 7; i >= 0; i--)
        length = length << 8 | file->bytes[i];
    if (length > MAX_HEADER_BYTES || length > size - 8)
        return lens_fail(LENS_BAD_FILE,
                         "%s: is no safetensors file, or truncated: a header of %llu bytes in a "
                         "file of %zu",
                         path, (unsigned long long)length, size);
    const char *text = (const char *)file->bytes + 8;
    if (length == 0 || text[0] != '{')
        return lens_fail(LENS_BAD_FILE, "%s: is no safetensors file: the header is no JSON object",
                         path);
    json_error_t error;
    file->header = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    if (!file->header)
        return lens_fail(LENS_BAD_FILE, "%s: the header is no valid JSON: %s", path, error.text);
    LENS_TRY(check_metadata(file->header, path));
    return read_arrays(file, file->bytes + 8 + length, size - 8 - length, path);
}

lens_status lens_safetensors_read(lens_safetensors **out, const char *path) {
    assert(out && path);
    *out = NULL;
    lens_safetensors *file = calloc(1, sizeof *file);
    if (!file)
        return lens_fail_memory(path, sizeof *file);
    size_t size = 0;
    lens_status status = lens_read_file(&file->bytes, &size, path, MAX_FILE_BYTES);
    if (status == LENS_OK)
        status = parse(file, size, path);
    if (status != LENS_OK) {
        lens_safetensors_free(file);
        return status;
    }
    *out = file;
    return LENS_OK;
}

void lens_safetensors_free(lens_safetensors *file) {
    if (!file)
        return;
    json_decref(file->header);
    free(file->arrays);
    free(file->bytes);
    free(file);
}

size_t lens_safetensors_count(const lens_safetensors *file) {
    return file->count;
}

const lens_array *lens_safetensors_get(const lens_safetensors *file, size_t index) {
    assert(index < file->count);
    return &file->arrays[index];
}

const lens_array *lens_safetensors_find(const lens_safetensors *file, const char *name) {
    for (size_t i = 0; i < file->count; i++)
        if (strcmp(file->arrays[i].name, name) == 0)
            return &file->arrays[i];
    return NULL;
}

const char *lens_safetensors_metadata(const lens_safetensors *file, const char *key) {
    return json_string_value(json_object_get(json_object_get(file->header, "__metadata__"), key));
}
