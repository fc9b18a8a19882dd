/* idx.c: IDX files: 0, 0, type, rank, big-endian sizes, big-endian values; plain or gzip'd. */
#include "core/error.h"
#include "core/size.h"
#include "lenslet/data.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

static size_t type_bytes(int type) {
    switch (type) {
    case 0x08:
    case 0x09:
        return 1;
    case 0x0b:
        return 2;
    case 0x0c:
    case 0x0d:
        return 4;
    case 0x0e:
        return 8;
    }
    return 0;
}

/* Exactly `size` bytes, else BAD_FILE; gzread passes plain files through and unpacks the others. */
static lens_status read_exactly(gzFile file, void *bytes, size_t size, const char *path) {
    unsigned char *at = bytes;
    while (size) {
        unsigned part = (unsigned)lens_size_min(size, 1u << 20);
        int got = gzread(file, at, part);
        if (got < 0) {
            int code;
            const char *message = gzerror(file, &code);
            return lens_fail(LENS_BAD_FILE, "%s: %s", path,
                             code == Z_ERRNO ? strerror(errno) : message);
        }
        if (got == 0)
            return lens_fail(LENS_BAD_FILE, "%s: truncated: %zu bytes are missing", path, size);
        at += got;
        size -= (size_t)got;
    }
    return LENS_OK;
}

static lens_status read_header(lens_idx *idx, gzFile file, const char *path) {
    unsigned char magic[4], sizes[16];
    LENS_TRY(read_exactly(file, magic, 4, path));
    if (magic[0] != 0 || magic[1] != 0)
        return lens_fail(LENS_BAD_FILE, "%s: is no IDX file: it begins with %02x %02x, not 00 00",
                         path, magic[0], magic[1]);
    idx->type = magic[2];
    idx->rank = magic[3];
    if (type_bytes(idx->type) == 0 || idx->rank < 1 || idx->rank > 4)
        return lens_fail(LENS_BAD_FILE,
                         "%s: is no IDX file: type %#04x, rank %zu; the types are 0x08 0x09 0x0b "
                         "to 0x0e, the ranks 1 to 4",
                         path, idx->type, idx->rank);
    LENS_TRY(read_exactly(file, sizes, 4 * idx->rank, path));
    idx->count = 1;
    for (size_t i = 0; i < idx->rank; i++) {
        const unsigned char *s = sizes + 4 * i;
        idx->dims[i] = (size_t)s[0] << 24 | (size_t)s[1] << 16 | (size_t)s[2] << 8 | s[3];
        if (idx->dims[i] == 0 || !lens_size_mul(&idx->count, idx->count, idx->dims[i]) ||
            idx->count > INT32_MAX)
            return lens_fail(LENS_BAD_FILE,
                             "%s: size %zu of axis %zu: sizes must be at least 1 and their product "
                             "below 2^31",
                             path, idx->dims[i], i);
    }
    return LENS_OK;
}

/* Before the values' memory is asked for: a plain file must hold them, and gzip packs 1032 to 1 at
 * most. */
static lens_status check_size(const lens_idx *idx, gzFile file, const char *path) {
    struct stat info;
    size_t bytes = idx->count * type_bytes(idx->type);
    if (stat(path, &info) != 0)
        return lens_fail(LENS_BAD_FILE, "%s: %s", path, strerror(errno));
    size_t most = (size_t)info.st_size * (gzdirect(file) ? 1 : 1032);
    if (bytes > most)
        return lens_fail(LENS_BAD_FILE,
                         "%s: truncated: the header promises %zu bytes of values, the file has "
                         "%jd bytes",
                         path, bytes, (intmax_t)info.st_size);
    return LENS_OK;
}

/* In place, from big-endian to the host's order. */
static void to_host_order(unsigned char *bytes, size_t count, size_t size) {
    const uint16_t probe = 1;
    if (size == 1 || *(const unsigned char *)&probe == 0)
        return;
    for (size_t i = 0; i < count; i++, bytes += size)
        for (size_t j = 0; j < size / 2; j++) {
            unsigned char swapped = bytes[j];
            bytes[j] = bytes[size - 1 - j];
            bytes[size - 1 - j] = swapped;
        }
}

static lens_status read_values(lens_idx *idx, gzFile file, const char *path) {
    LENS_TRY(check_size(idx, file, path));
    size_t bytes = idx->count * type_bytes(idx->type);
    idx->values = malloc(bytes);
    if (!idx->values)
        return lens_fail_memory(path, bytes);
    LENS_TRY(read_exactly(file, idx->values, bytes, path));
    unsigned char more;
    int got = gzread(file, &more, 1);
    if (got > 0)
        return lens_fail(LENS_BAD_FILE, "%s: has more bytes than the header's %zu values", path,
                         idx->count);
    if (got < 0)
        return lens_fail(LENS_BAD_FILE, "%s: %s", path, gzerror(file, &(int){0}));
    to_host_order(idx->values, idx->count, type_bytes(idx->type));
    return LENS_OK;
}

lens_status lens_idx_read(lens_idx *out, const char *path) {
    assert(out && path);
    *out = (lens_idx){.values = NULL};
    struct stat info;
    if (stat(path, &info) != 0)
        return lens_fail(LENS_BAD_FILE, "%s: %s", path, strerror(errno));
    if (!S_ISREG(info.st_mode))
        return lens_fail(LENS_BAD_FILE, "%s: is no regular file", path);
    gzFile file = gzopen(path, "rb");
    if (!file)
        return lens_fail(LENS_BAD_FILE, "%s: %s", path, errno ? strerror(errno) : "no memory");
    lens_status status = read_header(out, file, path);
    if (status == LENS_OK)
        status = read_values(out, file, path);
    if (gzclose(file) != Z_OK && status == LENS_OK)
        status = lens_fail(LENS_BAD_FILE, "%s: truncated: the gzip stream has no end", path);
    if (status != LENS_OK)
        lens_idx_free(out);
    return status;
}

void lens_idx_free(lens_idx *idx) {
    free(idx->values);
    *idx = (lens_idx){.values = NULL};
}
