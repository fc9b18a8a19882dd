/* tiles.c: numbers to pixels. */
#include "tiles.h"

#include <math.h>
#include <string.h>

enum { SIDE_MOST = 16384, SIDE_GOOD = 1000, ZOOM_MOST = 24 };

/* ---- sizes --------------------------------------------------------------------------------- */

static size_t margin(size_t zoom) {
    return zoom == 1 ? 1 : 2 + zoom / 8;
}

static size_t length(size_t count, size_t size, size_t zoom) {
    return count * (size * zoom + margin(zoom)) + margin(zoom);
}

static size_t rows(const tiles *t) {
    return (t->count + t->columns - 1) / t->columns;
}

size_t tiles_square(const tiles *t) {
    double wanted = sqrt((double)t->count * (double)t->h / (double)t->w);
    size_t columns = (size_t)ceil(wanted);
    return columns < 1 ? 1 : columns > t->count ? t->count : columns;
}

static size_t choose_zoom(const tiles *t) {
    size_t zoom = ZOOM_MOST;
    while (zoom > 1 &&
           (length(t->columns, t->w, zoom) > SIDE_GOOD || length(rows(t), t->h, zoom) > SIDE_GOOD))
        zoom--;
    return zoom;
}

/* ---- colours ------------------------------------------------------------------------------- */

static float largest_of(const float *values, size_t count) {
    float largest = 0;
    for (size_t i = 0; i < count; i++)
        if (isfinite(values[i]))
            largest = fmaxf(largest, fabsf(values[i]));
    return largest > 0 ? largest : 1;
}

static bool has_negative(const float *values, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (values[i] < 0)
            return true;
    return false;
}

static unsigned char byte(float part) {
    return (unsigned char)(255 * part + 0.5f);
}

/* `part` in -1 .. 1 of one signed number: between white and the darkest of a diverging scale. */
static void paint_signed(unsigned char pixel[3], float part) {
    static const float positive[] = {178, 24, 43}, negative[] = {33, 102, 172};
    const float *end = part < 0 ? negative : positive;
    for (size_t c = 0; c < 3; c++)
        pixel[c] = byte(1 - fabsf(part) * (1 - end[c] / 255));
}

/* One number of each channel, `plane` apart. */
static void paint_pixel(unsigned char pixel[3], const float *value, const tiles *t, float largest,
                        bool is_signed) {
    size_t plane = t->h * t->w;
    for (size_t c = 0; c < t->channels; c++)
        if (!isfinite(value[c * plane])) {
            memcpy(pixel, (const unsigned char[]){255, 0, 255}, 3);
            return;
        }
    if (t->channels == 3)
        for (size_t c = 0; c < 3; c++)
            pixel[c] = byte(0.5f + 0.5f * value[c * plane] / largest);
    else if (is_signed)
        paint_signed(pixel, *value / largest);
    else
        memset(pixel, byte(*value / largest), 3);
}

/* ---- the picture --------------------------------------------------------------------------- */

static void paint_tile(lens_picture *out, const tiles *t, size_t tile, float largest,
                       bool is_signed) {
    size_t size = t->channels * t->h * t->w, zoom = t->zoom;
    const float *values = t->values + tile * size;
    size_t top = length(tile / t->columns, t->h, zoom);
    size_t left = length(tile % t->columns, t->w, zoom);
    if (t->each)
        largest = largest_of(values, size);
    for (size_t y = 0; y < t->h * zoom; y++)
        for (size_t x = 0; x < t->w * zoom; x++)
            paint_pixel(out->pixels + ((top + y) * out->w + left + x) * 3,
                        values + y / zoom * t->w + x / zoom, t, largest, is_signed);
}

lens_status tiles_paint(lens_picture *out, tiles *t) {
    if (!t->zoom)
        t->zoom = choose_zoom(t);
    *out = (lens_picture){
        .h = length(rows(t), t->h, t->zoom), .w = length(t->columns, t->w, t->zoom), .c = 3};
    if (out->h > SIDE_MOST || out->w > SIDE_MOST)
        return cli_fail(LENS_BAD_ARGUMENT,
                        "%zu tiles of %zux%zu in %zu columns, %zu pixels a number: %zu x %zu "
                        "pixels, at most %d a side",
                        t->count, t->h, t->w, t->columns, t->zoom, out->w, out->h, SIDE_MOST);
    out->pixels = cli_alloc(out->h * out->w, 3);
    memset(out->pixels, 0x48, out->h * out->w * 3);
    size_t count = t->count * t->channels * t->h * t->w;
    float largest = largest_of(t->values, count);
    bool is_signed = has_negative(t->values, count);
    for (size_t tile = 0; tile < t->count; tile++)
        paint_tile(out, t, tile, largest, is_signed);
    return LENS_OK;
}
