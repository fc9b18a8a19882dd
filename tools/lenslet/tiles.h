/* tiles.h: small pictures of numbers, side by side in one.
 */
#ifndef LENSLET_CLI_TILES_H
#define LENSLET_CLI_TILES_H

#include "cli.h"

/* How numbers become colours. `largest` is the largest magnitude of the picture, or of the tile if
 * `each` is set:
 *
 * - channels = 3: red, green and blue, each from 0 (-largest) over 128 (0) to 255 (+largest);
 * - channels = 1 and a negative number anywhere: blue (-largest) over white (0) to red (+largest);
 * - channels = 1 and none negative: grey, from black (0) to white (largest).
 *
 * NaN and infinity are magenta, the margins dark grey. */
typedef struct tiles {
    const float *values; /* (count, channels, h, w); borrowed */
    size_t count, channels, h, w;
    size_t columns; /* tiles in a row */
    size_t zoom;    /* pixels a number; 0: as many as fit well */
    bool each;
} tiles;

/* The picture, whose pixels the caller frees with lens_picture_free(). Sets a zoom of 0 to the one
 * chosen. BAD_ARGUMENT when it would be too large for a PNG. */
lens_status tiles_paint(lens_picture *out, tiles *t);

/* As many columns as make the picture about square. */
size_t tiles_square(const tiles *t);

#endif
