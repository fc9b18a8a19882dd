/* decode.h: the decoders behind lens_picture_read(), one per format. */
#ifndef LENSLET_IO_DECODE_H
#define LENSLET_IO_DECODE_H

#include "core/error.h"
#include "lenslet/picture.h"

#define PICTURE_MAX_SIDE 16384
#define PICTURE_MAX_PIXELS ((size_t)64 << 20)

/* A file in memory, and what is wanted of it. */
typedef struct encoded {
    const char *path;
    const unsigned char *bytes;
    size_t size;
    size_t least_h, least_w; /* of the upright picture; 0: whole */
} encoded;

/* Fill `out` with the picture as it is stored and *orientation with what the Exif block says
 * (1: upright). On failure `out` may hold pixels, which the caller frees. */
lens_status lens_jpeg_decode(lens_picture *out, int *orientation, const encoded *file);
lens_status lens_png_decode(lens_picture *out, int *orientation, const encoded *file);

/* The orientation 1 .. 8 that a TIFF header and its first directory ask for; 1 when they do not. */
int lens_exif_orientation(const unsigned char *tiff, size_t size);

/* Whether an orientation makes rows of columns. */
static inline bool lens_exif_turns(int orientation) {
    return orientation >= 5;
}

/* BAD_FILE for a size beyond the limits. */
lens_status lens_picture_check_size(const char *path, size_t h, size_t w);

#endif
