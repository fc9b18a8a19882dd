/* npy.c: NumPy's .npy files: a magic, a version, a header that is a Python literal, raw values. */
#include "core/read_file.h"
#include "core/size.h"
#include "io/atomic_file.h"
#include "lenslet/io.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC "\x93NUMPY"
#define MAGIC_SIZE 6
#define MAX_BYTES ((size_t)16 << 30)

typedef struct header {
    char type[8]; /* "<f4" */
    bool fortran_order;
    size_t rank, dims[4];
    const unsigned char *values;
    size_t bytes;
} header;

/* ---- the header: {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), } ---------------- */

static const char *skip_spaces(const char *at) {
    while (*at == ' ' || *at == '\n' || *at == '\t')
        at++;
    return at;
}

/* Behind `'key':`, or NULL. */
static const char *value_of(const char *text, const char *key) {
    char quoted[32];
    snprintf(quoted, sizeof quoted, "'%s':", key);
    const char *at = strstr(text, quoted);
    return at ? skip_spaces(at + strlen(quoted)) : NULL;
}

static bool parse_type(header *out, const char *text) {
    const char *at = value_of(text, "descr");
    if (!at || *at != '\'')
        return false;
    const char *end = strchr(at + 1, '\'');
    if (!end || (size_t)(end - at - 1) >= sizeof out->type)
        return false;
    memcpy(out->type, at + 1, (size_t)(end - at - 1));
    return true;
}

static bool parse_order(header *out, const char *text) {
    const char *at = value_of(text, "fortran_order");
    if (!at || (strncmp(at, "True", 4) != 0 && strncmp(at, "False", 5) != 0))
        return false;
    out->fortran_order = *at == 'T';
    return true;
}

static bool parse_shape(header *out, const char *text) {
    const char *at = value_of(text, "shape");
    if (!at || *at != '(')
        return false;
    for (at = skip_spaces(at + 1); *at != ')'; at = skip_spaces(at)) {
        if (out->rank == 4 || *at < '0' || *at > '9')
            return false;
        size_t size = 0;
        for (; *at >= '0' && *at <= '9'; at++)
            if (!lens_size_mul(&size, size, 10) || !lens_size_add(&size, size, (size_t)(*at - '0')))
                return false;
        out->dims[out->rank++] = size;
        at = skip_spaces(at);
        if (*at == ',')
            at++;
        else if (*at != ')')
            return false;
    }
    return true;
}

static lens_status parse_header(header *out, const unsigned char *bytes, size_t size,
                                const char *path) {
    *out = (header){.rank = 0};
    if (size < MAGIC_SIZE + 4 || memcmp(bytes, MAGIC, MAGIC_SIZE) != 0)
        return lens_fail(LENS_BAD_FILE, "%s: is no .npy file: it does not begin with \\x93NUMPY",
                         path);
    unsigned version = bytes[MAGIC_SIZE];
    size_t prefix = version == 1 ? 10 : 12, length;
    if (version < 1 || version > 3 || size < prefix)
        return lens_fail(LENS_BAD_FILE, "%s: .npy version %u; 1 to 3 are known", path, version);
    length = (size_t)bytes[8] | (size_t)bytes[9] << 8;
    if (version > 1)
        length |= (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24;
    if (length > size - prefix)
        return lens_fail(LENS_BAD_FILE, "%s: truncated: a header of %zu bytes in a file of %zu",
                         path, length, size);
    char *text = calloc(1, length + 1);
    if (!text)
        return lens_fail_memory(path, length);
    memcpy(text, bytes + prefix, length);
    bool whole = parse_type(out, text) && parse_order(out, text) && parse_shape(out, text);
    free(text);
    if (!whole)
        return lens_fail(LENS_BAD_FILE,
                         "%s: the header must give descr, fortran_order and a shape of at most 4 "
                         "sizes",
                         path);
    out->values = bytes + prefix + length;
    out->bytes = size - prefix - length;
    return LENS_OK;
}

/* ---- values -------------------------------------------------------------------------------- */

static uint64_t little_endian(const unsigned char *bytes, size_t size) {
    uint64_t value = 0;
    for (size_t i = size; i-- > 0;)
        value = value << 8 | bytes[i];
    return value;
}

static float from_f4(const unsigned char *bytes) {
    uint32_t bits = (uint32_t)little_endian(bytes, 4);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static float from_f8(const unsigned char *bytes) {
    uint64_t bits = little_endian(bytes, 8);
    double value;
    memcpy(&value, &bits, sizeof value);
    return (float)value;
}

static float from_u1(const unsigned char *bytes) {
    return bytes[0];
}

static float from_i4(const unsigned char *bytes) {
    return (float)(int32_t)(uint32_t)little_endian(bytes, 4);
}

static float from_i8(const unsigned char *bytes) {
    return (float)(int64_t)little_endian(bytes, 8);
}

static const struct {
    const char *name;
    size_t size;
    float (*read)(const unsigned char *bytes);
} types[] = {{"<f4", 4, from_f4},
             {"<f8", 8, from_f8},
             {"|u1", 1, from_u1},
             {"<i4", 4, from_i4},
             {"<i8", 8, from_i8}};

/* The array as n c h w: a vector is (n), a matrix (n, c), a picture (c, h, w). */
static lens_shape shape_of(const header *h) {
    const size_t *d = h->dims;
    switch (h->rank) {
    case 0:
        return (lens_shape){1, 1, 1, 1};
    case 1:
        return (lens_shape){d[0], 1, 1, 1};
    case 2:
        return (lens_shape){d[0], d[1], 1, 1};
    case 3:
        return (lens_shape){1, d[0], d[1], d[2]};
    }
    return (lens_shape){d[0], d[1], d[2], d[3]};
}

static lens_status convert(float **values, lens_shape *shape, const header *h, const char *path) {
    if (h->fortran_order && h->rank > 1)
        return lens_fail(LENS_BAD_FILE, "%s: is in Fortran order; save it in C order", path);
    *shape = shape_of(h);
    size_t count;
    lens_status status = lens_shape_count(*shape, &count);
    if (status != LENS_OK)
        return lens_fail_prefix(LENS_BAD_FILE, "%s: ", path);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (strcmp(types[i].name, h->type) != 0)
            continue;
        if (h->bytes != count * types[i].size)
            return lens_fail(LENS_BAD_FILE, "%s: holds %zu bytes of values, its shape needs %zu",
                             path, h->bytes, count * types[i].size);
        *values = malloc(count * sizeof **values);
        if (!*values)
            return lens_fail_memory(path, count * sizeof **values);
        for (size_t j = 0; j < count; j++)
            (*values)[j] = types[i].read(h->values + j * types[i].size);
        return LENS_OK;
    }
    return lens_fail(LENS_BAD_FILE, "%s: values of type '%s'; f4, f8, u1, i4 and i8 are read", path,
                     h->type);
}

lens_status lens_npy_read(float **values, lens_shape *shape, size_t *rank, const char *path) {
    assert(values && shape && path);
    *values = NULL;
    unsigned char *bytes;
    size_t size;
    LENS_TRY(lens_read_file(&bytes, &size, path, MAX_BYTES));
    header h;
    lens_status status = parse_header(&h, bytes, size, path);
    if (status == LENS_OK)
        status = convert(values, shape, &h, path);
    if (status == LENS_OK && rank)
        *rank = h.rank;
    free(bytes);
    return status;
}

lens_status lens_npy_write(const char *path, const float *values, lens_shape shape, size_t rank) {
    assert(path && values && rank <= 4);
    size_t count;
    LENS_TRY(lens_shape_count(shape, &count));
    const size_t dims[] = {shape.n, shape.c, shape.h, shape.w};
    char sizes[100] = "";
    size_t used = 0;
    for (size_t i = 0; i < rank; i++)
        used += (size_t)snprintf(sizes + used, sizeof sizes - used, "%zu,%s", dims[i],
                                 i + 1 < rank ? " " : "");
    char text[256];
    int length = snprintf(text, sizeof text,
                          "{'descr': '<f4', 'fortran_order': False, 'shape': (%s), }", sizes);
    /* The values begin at a multiple of 64, behind 10 bytes, the header and its newline. */
    size_t padded = lens_size_round_up(10 + (size_t)length + 1, 64) - 10;
    memset(text + length, ' ', padded - (size_t)length);
    text[padded - 1] = '\n';
    const unsigned char prefix[] = {
        0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (unsigned char)padded, (unsigned char)(padded >> 8)};
    atomic_file file;
    LENS_TRY(atomic_file_open(&file, path));
    atomic_file_write(&file, prefix, sizeof prefix);
    atomic_file_write(&file, text, padded);
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        const unsigned char bytes[] = {(unsigned char)bits, (unsigned char)(bits >> 8),
                                       (unsigned char)(bits >> 16), (unsigned char)(bits >> 24)};
        atomic_file_write(&file, bytes, sizeof bytes);
    }
    return atomic_file_close(&file);
}
