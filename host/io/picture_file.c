/* picture_file.c: a picture from a file: which format, within which limits, which way up. */
#include "core/read_file.h"
#include "io/decode.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FILE_BYTES ((size_t)64 << 20)

lens_status lens_picture_check_size(const char *path, size_t h, size_t w) {
    if (h == 0 || w == 0 || h > PICTURE_MAX_SIDE || w > PICTURE_MAX_SIDE ||
        h * w > PICTURE_MAX_PIXELS)
        return lens_fail(LENS_BAD_FILE,
                         "%s: is %zu x %zu pixels; at most %d a side and %zu in all are read", path,
                         w, h, PICTURE_MAX_SIDE, PICTURE_MAX_PIXELS);
    return LENS_OK;
}

/* Exif's orientations: where pixel (y, x) of the upright picture lies in the stored one of
 * h x w. */
static size_t stored_place(int orientation, size_t y, size_t x, size_t h, size_t w) {
    switch (orientation) {
    case 2: /* mirrored left to right */
        return y * w + (w - 1 - x);
    case 3: /* half a turn */
        return (h - 1 - y) * w + (w - 1 - x);
    case 4: /* mirrored top to bottom */
        return (h - 1 - y) * w + x;
    case 5: /* mirrored on the main diagonal */
        return x * w + y;
    case 6: /* a quarter turn clockwise makes it upright */
        return (h - 1 - x) * w + y;
    case 7: /* mirrored on the other diagonal */
        return (h - 1 - x) * w + (w - 1 - y);
    case 8: /* a quarter turn counterclockwise */
        return x * w + (w - 1 - y);
    default:
        return y * w + x;
    }
}

static lens_status turn_upright(lens_picture *picture, int orientation, const char *path) {
    if (orientation == 1)
        return LENS_OK;
    size_t h = picture->h, w = picture->w, c = picture->c;
    bool turns = lens_exif_turns(orientation);
    lens_picture upright = {.h = turns ? w : h,
                            .w = turns ? h : w,
                            .c = c,
                            .whole_h = turns ? picture->whole_w : picture->whole_h,
                            .whole_w = turns ? picture->whole_h : picture->whole_w};
    upright.pixels = malloc(h * w * c);
    if (!upright.pixels)
        return lens_fail_memory(path, h * w * c);
    for (size_t y = 0; y < upright.h; y++)
        for (size_t x = 0; x < upright.w; x++)
            memcpy(upright.pixels + (y * upright.w + x) * c,
                   picture->pixels + stored_place(orientation, y, x, h, w) * c, c);
    free(picture->pixels);
    *picture = upright;
    return LENS_OK;
}

static lens_status decode(lens_picture *out, int *orientation, const encoded *file) {
    static const unsigned char jpeg[] = {0xff, 0xd8, 0xff};
    static const unsigned char png[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    if (file->size == 0)
        return lens_fail(LENS_BAD_FILE, "%s: is empty", file->path);
    if (file->size > sizeof jpeg && memcmp(file->bytes, jpeg, sizeof jpeg) == 0)
        return lens_jpeg_decode(out, orientation, file);
    if (file->size > sizeof png && memcmp(file->bytes, png, sizeof png) == 0)
        return lens_png_decode(out, orientation, file);
    return lens_fail(LENS_BAD_FILE, "%s: neither JPEG nor PNG, by its first bytes", file->path);
}

lens_status lens_picture_read(lens_picture *out, const char *path, size_t least_h, size_t least_w) {
    assert(out && path);
    *out = (lens_picture){0};
    encoded file = {.path = path, .least_h = least_h, .least_w = least_w};
    unsigned char *bytes;
    int orientation = 1;
    LENS_TRY(lens_read_file(&bytes, &file.size, path, MAX_FILE_BYTES));
    file.bytes = bytes;
    lens_status status = decode(out, &orientation, &file);
    free(bytes);
    if (status == LENS_OK)
        status = turn_upright(out, orientation, path);
    if (status != LENS_OK)
        lens_picture_free(out);
    return status;
}

void lens_picture_free(lens_picture *picture) {
    free(picture->pixels);
    *picture = (lens_picture){0};
}
