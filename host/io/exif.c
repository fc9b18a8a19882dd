/* exif.c: the one thing in an Exif block that changes the picture: which way is up.
 *
 * A TIFF header (II or MM, 42, offset of the first directory), there a count and entries of 12
 * bytes: tag, type, count, value. Tag 0x0112, one 16-bit number, is the orientation.
 */
#include "io/decode.h"

typedef struct tiff {
    const unsigned char *bytes;
    size_t size;
    bool little;
} tiff;

/* The number of `width` bytes at `at`; 0 beyond the end. */
static size_t number(const tiff *t, size_t at, size_t width) {
    size_t value = 0;
    if (at > t->size || width > t->size - at)
        return 0;
    for (size_t i = 0; i < width; i++)
        value = value << 8 | t->bytes[t->little ? at + width - 1 - i : at + i];
    return value;
}

int lens_exif_orientation(const unsigned char *bytes, size_t size) {
    enum { ORIENTATION = 0x0112, SHORT = 3, ENTRY = 12 };
    if (size < 8 || bytes[0] != bytes[1] || (bytes[0] != 'I' && bytes[0] != 'M'))
        return 1;
    tiff t = {bytes, size, bytes[0] == 'I'};
    if (number(&t, 2, 2) != 42)
        return 1;
    size_t directory = number(&t, 4, 4), count = number(&t, directory, 2);
    for (size_t i = 0; i < count; i++) {
        size_t entry = directory + 2 + i * ENTRY, value = number(&t, entry + 8, 2);
        if (number(&t, entry, 2) == ORIENTATION && number(&t, entry + 2, 2) == SHORT)
            return value >= 1 && value <= 8 ? (int)value : 1;
    }
    return 1;
}
