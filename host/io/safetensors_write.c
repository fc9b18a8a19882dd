/* safetensors_write.c: writing safetensors: by name, header padded to 8 bytes. */
#include "core/error.h"
#include "core/size.h"
#include "io/atomic_file.h"
#include "lenslet/io.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* {"dtype": "F32", "shape": [..], "data_offsets": [begin, end]}; NULL without memory. */
static json_t *entry_of(const lens_array *array, size_t begin) {
    json_t *shape = json_array();
    for (size_t i = 0; i < array->rank; i++)
        json_array_append_new(shape, json_integer((json_int_t)array->dims[i]));
    return json_pack("{s:s, s:o, s:[I, I]}", "dtype", array->type, "shape", shape, "data_offsets",
                     (json_int_t)begin, (json_int_t)(begin + array->bytes));
}

/* The JSON header; freed with free(). NULL without memory, or for text that is no UTF-8. */
static char *header_text(const lens_array *arrays, size_t array_count,
                         const lens_metadata *metadata, size_t metadata_count) {
    json_t *header = json_object(), *strings = json_object();
    bool whole = header && strings;
    for (size_t i = 0; whole && i < metadata_count; i++)
        whole = json_object_set_new(strings, metadata[i].key, json_string(metadata[i].value)) == 0;
    if (metadata_count && whole)
        whole = json_object_set(header, "__metadata__", strings) == 0;
    size_t begin = 0;
    for (size_t i = 0; whole && i < array_count; i++) {
        whole = json_object_set_new(header, arrays[i].name, entry_of(&arrays[i], begin)) == 0;
        begin += arrays[i].bytes;
    }
    char *text = whole ? json_dumps(header, JSON_COMPACT) : NULL;
    json_decref(strings);
    json_decref(header);
    return text;
}

static void write_header(atomic_file *file, const char *text) {
    size_t length = strlen(text), padded = lens_size_round_up(length, 8);
    unsigned char prefix[8];
    for (int i = 0; i < 8; i++)
        prefix[i] = (unsigned char)((uint64_t)padded >> (8 * i));
    atomic_file_write(file, prefix, sizeof prefix);
    atomic_file_write(file, text, length);
    atomic_file_write(file, "        ", padded - length);
}

lens_status lens_safetensors_write(const char *path, const lens_array *arrays, size_t array_count,
                                   const lens_metadata *metadata, size_t metadata_count) {
    assert(path);
    char *text = header_text(arrays, array_count, metadata, metadata_count);
    if (!text)
        return lens_fail(LENS_BAD_ARGUMENT,
                         "%s: the header cannot be made: a name or string is no UTF-8, or there is "
                         "no memory",
                         path);
    atomic_file file;
    lens_status status = atomic_file_open(&file, path);
    if (status == LENS_OK) {
        write_header(&file, text);
        for (size_t i = 0; i < array_count; i++)
            atomic_file_write(&file, arrays[i].values, arrays[i].bytes);
        status = atomic_file_close(&file);
    }
    free(text);
    return status;
}
