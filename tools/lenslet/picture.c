/* picture.c: images to classify. */
#include "picture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- kinds of files ------------------------------------------------------------------------ */

static lens_status read_npy(pictures *p, const char *path, size_t channels) {
    size_t rank;
    TRY(lens_npy_read(&p->values, &p->shape, &rank, path));
    lens_shape s = p->shape;
    if (rank == 2)
        p->shape = (lens_shape){1, 1, s.n, s.c};
    else if (rank == 3 && channels == 1 && s.c != 1)
        p->shape = (lens_shape){s.c, 1, s.h, s.w};
    else if (rank < 2)
        return cli_fail(LENS_BAD_FILE, "%s: rank %zu, an image has at least rows and columns", path,
                        rank);
    return LENS_OK;
}

/* Value `i` of an IDX array as a float. */
static float idx_value(const lens_idx *idx, size_t i) {
    switch (idx->type) {
    case 0x08:
        return ((const uint8_t *)idx->values)[i];
    case 0x09:
        return ((const int8_t *)idx->values)[i];
    case 0x0b:
        return ((const int16_t *)idx->values)[i];
    case 0x0c:
        return (float)((const int32_t *)idx->values)[i];
    case 0x0d:
        return ((const float *)idx->values)[i];
    default:
        return (float)((const double *)idx->values)[i];
    }
}

static lens_status read_idx(pictures *p, const char *path) {
    lens_idx idx;
    TRY(lens_idx_read(&idx, path));
    lens_status status = LENS_OK;
    if (idx.rank < 2)
        status = cli_fail(LENS_BAD_FILE, "%s: rank 1, so these are labels, not images", path);
    else if (idx.rank == 2)
        p->shape = (lens_shape){1, 1, idx.dims[0], idx.dims[1]};
    else if (idx.rank == 3)
        p->shape = (lens_shape){idx.dims[0], 1, idx.dims[1], idx.dims[2]};
    else
        p->shape = (lens_shape){idx.dims[0], idx.dims[1], idx.dims[2], idx.dims[3]};
    if (status == LENS_OK) {
        p->bytes = idx.type == 0x08;
        p->values = cli_alloc(idx.count, sizeof *p->values);
        for (size_t i = 0; i < idx.count; i++)
            p->values[i] = idx_value(&idx, i);
    }
    lens_idx_free(&idx);
    return status;
}

static lens_status read_any(pictures *p, const char *path, size_t channels) {
    unsigned char head[8] = {1};
    FILE *file = fopen(path, "rb");
    if (!file)
        return cli_fail(LENS_BAD_FILE, "%s: %s", path, strerror(errno));
    size_t got = fread(head, 1, sizeof head, file);
    fclose(file);
    if (got >= 4 && !memcmp(head, "\x89PNG", 4)) {
        p->bytes = true;
        return lens_png_read(&p->values, &p->shape, path);
    }
    if (got >= 6 && !memcmp(head, "\x93NUMPY", 6))
        return read_npy(p, path, channels);
    if (got >= 2 && ((head[0] == 0 && head[1] == 0) || (head[0] == 0x1f && head[1] == 0x8b)))
        return read_idx(p, path);
    return cli_fail(LENS_BAD_FILE, "%s: neither PNG nor .npy nor IDX, by its first bytes", path);
}

/* ---- channels ------------------------------------------------------------------------------ */

static lens_status set_channels(pictures *p, const char *path, size_t channels) {
    lens_shape s = p->shape;
    if (s.c == channels)
        return LENS_OK;
    if (!(s.c == 3 && channels == 1) && !(s.c == 1 && channels == 3))
        return cli_fail(LENS_BAD_FILE, "%s: %zu channels, the net takes %zu", path, s.c, channels);
    size_t pixels = s.h * s.w;
    float *values = cli_alloc(s.n * channels * pixels, sizeof *values);
    for (size_t n = 0; n < s.n; n++)
        for (size_t i = 0; i < pixels; i++) {
            const float *from = p->values + n * s.c * pixels + i;
            float *to = values + n * channels * pixels + i;
            if (channels == 1) /* luminance of ITU-R BT.601 */
                to[0] = 0.299f * from[0] + 0.587f * from[pixels] + 0.114f * from[2 * pixels];
            else
                to[0] = to[pixels] = to[2 * pixels] = from[0];
        }
    free(p->values);
    p->values = values;
    p->shape.c = channels;
    return LENS_OK;
}

lens_status pictures_read(pictures *out, const char *path, size_t channels) {
    *out = (pictures){0};
    lens_status status = read_any(out, path, channels);
    if (status == LENS_OK)
        status = set_channels(out, path, channels);
    if (status != LENS_OK)
        pictures_free(out);
    return status;
}

void pictures_free(pictures *p) {
    free(p->values);
    p->values = NULL;
}
