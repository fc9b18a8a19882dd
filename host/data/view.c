/* view.c: resizing, cutting, mirroring and scaling in one pass over the output.
 *
 * Resizing is a weighted mean over rows and then over columns (picture.h has the rule). Only the
 * source pixels behind the wanted part are touched, and nothing is rounded in between.
 */
#include "data/view.h"
#include "core/size.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- where the source is -------------------------------------------------------------------- */

view_source view_of_picture(const lens_picture *p) {
    return (view_source){.bytes = p->pixels,
                         .h = p->h,
                         .w = p->w,
                         .c = p->c,
                         .row = p->w * p->c,
                         .pixel = p->c,
                         .plane = 1};
}

view_source view_of_planes(const unsigned char *bytes, const float *floats, lens_shape shape) {
    return (view_source){.bytes = bytes,
                         .floats = floats,
                         .h = shape.h,
                         .w = shape.w,
                         .c = shape.c,
                         .row = shape.w,
                         .pixel = 1,
                         .plane = shape.h * shape.w};
}

/* ---- which part ----------------------------------------------------------------------------- */

static size_t rounded(double value) {
    return value < 1 ? 1 : (size_t)(value + 0.5);
}

void view_size(size_t *h, size_t *w, lens_shape input, const lens_preprocess *preprocess) {
    double zoom =
        preprocess->side ? (double)preprocess->side / (double)lens_size_min(input.h, input.w) : 1;
    *h = rounded(zoom * (double)input.h);
    *w = rounded(zoom * (double)input.w);
}

view view_centre(lens_shape input, size_t h, size_t w, const lens_preprocess *preprocess) {
    size_t want_h, want_w;
    view_size(&want_h, &want_w, input, preprocess);
    double by_h = (double)want_h / (double)h, by_w = (double)want_w / (double)w;
    double ratio = preprocess->fit == LENS_FIT_PAD ? fmin(by_h, by_w) : fmax(by_h, by_w);
    view part = {.h = want_h, .w = want_w};
    if (preprocess->fit != LENS_FIT_STRETCH) {
        part.h = rounded(ratio * (double)h);
        part.w = rounded(ratio * (double)w);
    }
    /* an odd pixel goes to the bottom and the right */
    part.y = (ptrdiff_t)floor(((double)part.h - (double)input.h) / 2);
    part.x = (ptrdiff_t)floor(((double)part.w - (double)input.w) / 2);
    return part;
}

/* ---- weights -------------------------------------------------------------------------------- */

/* For each output place along one axis: the source places first .. first + count - 1 and their
 * weights, `most` a place. count = 0: outside of the resized image. */
typedef struct axis {
    size_t *first, *count, most;
    float *weights;
} axis;

static void axis_free(axis *a) {
    free(a->first);
    free(a->count);
    free(a->weights);
}

static void set_weights(axis *a, size_t place, double centre, double reach, size_t source) {
    double low = ceil(centre - reach - 0.5), high = floor(centre + reach - 0.5), sum = 0;
    size_t first = low > 0 ? (size_t)low : 0;
    size_t last = lens_size_min((size_t)high, source - 1);
    float *weights = a->weights + place * a->most;
    a->first[place] = first;
    a->count[place] = last - first + 1;
    assert(a->count[place] <= a->most);
    for (size_t i = first; i <= last; i++)
        sum += 1 - fabs((double)i + 0.5 - centre) / reach;
    for (size_t i = first; i <= last; i++)
        weights[i - first] = (float)((1 - fabs((double)i + 0.5 - centre) / reach) / sum);
}

/* `count` output places from `offset` on of an axis resized from `source` to `resized`. */
static bool axis_new(axis *a, size_t count, ptrdiff_t offset, size_t source, size_t resized,
                     bool mirrored) {
    double ratio = (double)source / (double)resized, reach = fmax(ratio, 1);
    *a = (axis){.most = 2 * (size_t)ceil(reach) + 1};
    a->first = calloc(count, sizeof *a->first);
    a->count = calloc(count, sizeof *a->count);
    a->weights = malloc(count * a->most * sizeof *a->weights);
    if (!a->first || !a->count || !a->weights)
        return false;
    for (size_t i = 0; i < count; i++) {
        ptrdiff_t place = offset + (ptrdiff_t)(mirrored ? count - 1 - i : i);
        if (place >= 0 && (size_t)place < resized)
            set_weights(a, i, ((double)place + 0.5) * ratio, reach, source);
    }
    return true;
}

/* ---- pixels --------------------------------------------------------------------------------- */

/* A row of sums lies as the source's rows do: pixel by pixel, or channel by channel. */
static size_t row_plane(const view_source *s) {
    return s->pixel == 1 ? s->w : 1;
}

/* The weighted mean of the source's rows behind an output row, for columns from .. to - 1. */
static void sum_rows(float *sums, const view_source *s, const axis *rows, size_t place, size_t from,
                     size_t to) {
    size_t runs = s->pixel == 1 ? s->c : 1; /* a row's contiguous parts */
    for (size_t run = 0; run < runs; run++) {
        float *sum = sums + run * s->w;
        memset(sum + from * s->pixel, 0, (to - from) * s->pixel * sizeof *sum);
        for (size_t k = 0; k < rows->count[place]; k++) {
            float weight = rows->weights[place * rows->most + k];
            size_t start = (rows->first[place] + k) * s->row + run * s->plane;
            if (s->bytes)
                for (size_t i = from * s->pixel; i < to * s->pixel; i++)
                    sum[i] += weight * (float)s->bytes[start + i];
            else
                for (size_t i = from * s->pixel; i < to * s->pixel; i++)
                    sum[i] += weight * s->floats[start + i];
        }
    }
}

/* One resized pixel, black outside. */
static void sum_columns(float pixel[3], const float *sums, const view_source *s,
                        const axis *columns, size_t place) {
    const float *weights = columns->weights + place * columns->most;
    for (size_t c = 0; c < s->c; c++) {
        const float *from = sums + columns->first[place] * s->pixel + c * row_plane(s);
        float sum = 0;
        for (size_t k = 0; k < columns->count[place]; k++)
            sum += weights[k] * from[k * s->pixel];
        pixel[c] = sum;
    }
}

/* How a pixel becomes values of the net's input. */
typedef struct finish {
    size_t from, to; /* channels */
    bool bgr;
    float shift[3], scale, mean[3], std[3];
} finish;

static float luminance(const float colour[3]) {
    return 0.299f * colour[0] + 0.587f * colour[1] + 0.114f * colour[2];
}

static finish make_finish(const view_source *s, size_t channels, const view *part,
                          const lens_preprocess *p) {
    finish f = {.from = s->c, .to = channels, .bgr = p->bgr && channels == 3, .scale = p->scale};
    if (f.scale == 0)
        f.scale = s->bytes ? 1.0f / 255 : 1;
    for (size_t c = 0; c < 3; c++) {
        f.shift[c] = part->shift[c] * (s->bytes ? 255 : 1);
        f.mean[c] = p->mean[c];
        f.std[c] = p->std[c] == 0 ? 1 : p->std[c];
    }
    if (s->c == 1 && channels == 1)
        f.shift[0] = luminance(f.shift);
    return f;
}

static void put_pixel(float *values, size_t plane, float pixel[3], const finish *f) {
    if (f->from == 1)
        pixel[1] = pixel[2] = pixel[0];
    for (size_t c = 0; c < 3; c++)
        pixel[c] += f->shift[c];
    if (f->to == 1 && f->from == 3)
        pixel[0] = luminance(pixel);
    for (size_t c = 0; c < f->to; c++)
        values[c * plane] = (pixel[f->bgr ? 2 - c : c] * f->scale - f->mean[c]) / f->std[c];
}

/* The source columns that any output column needs. */
static void find_range(const axis *columns, size_t count, size_t *from, size_t *to) {
    *from = SIZE_MAX, *to = 0;
    for (size_t i = 0; i < count; i++)
        if (columns->count[i]) {
            *from = lens_size_min(*from, columns->first[i]);
            *to = lens_size_max(*to, columns->first[i] + columns->count[i]);
        }
    *from = lens_size_min(*from, *to);
}

static void render(float *values, lens_shape input, const view_source *s, const axis *rows,
                   const axis *columns, const finish *f, float *sums) {
    size_t from, to;
    find_range(columns, input.w, &from, &to);
    for (size_t y = 0; y < input.h; y++) {
        sum_rows(sums, s, rows, y, from, to);
        for (size_t x = 0; x < input.w; x++) {
            float pixel[3];
            sum_columns(pixel, sums, s, columns, x);
            put_pixel(values + y * input.w + x, input.h * input.w, pixel, f);
        }
    }
}

/* Nothing is resized, cut, mirrored, shifted or converted. */
static bool is_plain(lens_shape input, const view_source *s, const view *part) {
    return part->h == s->h && part->w == s->w && input.h == s->h && input.w == s->w &&
           part->y == 0 && part->x == 0 && !part->flip && input.c == s->c && s->pixel == 1 &&
           part->shift[0] == 0 && part->shift[1] == 0 && part->shift[2] == 0;
}

/* The same as render() where is_plain(), for any number of channels. */
static void render_plain(float *values, const view_source *s, const finish *f) {
    size_t pixels = s->h * s->w;
    for (size_t c = 0; c < s->c; c++) {
        size_t start = (f->bgr ? 2 - c : c) * s->plane;
        float mean = c < 3 ? f->mean[c] : 0, std = c < 3 ? f->std[c] : 1, *to = values + c * pixels;
        if (s->bytes)
            for (size_t i = 0; i < pixels; i++)
                to[i] = ((float)s->bytes[start + i] * f->scale - mean) / std;
        else
            for (size_t i = 0; i < pixels; i++)
                to[i] = (s->floats[start + i] * f->scale - mean) / std;
    }
}

lens_status view_render(float *values, lens_shape input, const view_source *source,
                        const view *part, const lens_preprocess *preprocess) {
    finish f = make_finish(source, input.c, part, preprocess);
    if (is_plain(input, source, part)) {
        render_plain(values, source, &f);
        return LENS_OK;
    }
    if ((input.c != 1 && input.c != 3) || (source->c != 1 && source->c != 3))
        return lens_fail(LENS_BAD_SHAPE,
                         "pictures have 1 or 3 channels; from %zu to %zu is not known", source->c,
                         input.c);
    axis rows = {0}, columns = {0};
    float *sums = malloc(source->w * source->c * sizeof *sums);
    bool whole = sums && axis_new(&rows, input.h, part->y, source->h, part->h, false) &&
                 axis_new(&columns, input.w, part->x, source->w, part->w, part->flip);
    if (whole)
        render(values, input, source, &rows, &columns, &f, sums);
    axis_free(&rows);
    axis_free(&columns);
    free(sums);
    return whole ? LENS_OK : lens_fail_memory("picture", source->w * source->c * sizeof *sums);
}
