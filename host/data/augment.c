/* augment.c: what is done to training images at random.
 *
 * Image i of epoch e owns words 8 i .. 8 i + 7 of the stream (seed, augment, epoch): 0 flips, 1 and
 * 2 move, 3 to 6 tint. A word that its augmentation does not need is not drawn, so turning one on
 * leaves the others as they were.
 */
#include "core/philox.h"
#include "data/view.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAPER_LIGHTING 0.1f

/* ---- words ---------------------------------------------------------------------------------- */

static lens_status parse_pad(lens_augment *out, const char *word) {
    char *end;
    long pad = strtol(word, &end, 10);
    if (end == word || *end || pad < 1 || pad > 1024)
        return lens_fail(LENS_BAD_ARGUMENT, "augment: pad-crop:%.32s; 1 to 1024 pixels", word);
    out->pad = (size_t)pad;
    return LENS_OK;
}

static lens_status parse_lighting(lens_augment *out, const char *word) {
    char *end;
    double lighting = strtod(word, &end);
    if (end == word || *end || !(lighting > 0 && lighting <= 10))
        return lens_fail(LENS_BAD_ARGUMENT, "augment: lighting:%.32s; above 0, at most 10", word);
    out->lighting = (float)lighting;
    return LENS_OK;
}

static lens_status parse_word(lens_augment *out, const char *word) {
    if (strcmp(word, "flip") == 0)
        out->flip = true;
    else if (strcmp(word, "crop") == 0)
        out->crop = true;
    else if (strcmp(word, "lighting") == 0)
        out->lighting = PAPER_LIGHTING;
    else if (strncmp(word, "lighting:", 9) == 0)
        return parse_lighting(out, word + 9);
    else if (strncmp(word, "pad-crop:", 9) == 0)
        return parse_pad(out, word + 9);
    else if (strcmp(word, "none") != 0)
        return lens_fail(
            LENS_BAD_ARGUMENT,
            "augment: \"%.32s\" is none of flip, crop, pad-crop:PIXELS, lighting, none", word);
    return LENS_OK;
}

lens_status lens_augment_parse(lens_augment *out, const char *text) {
    assert(out && text);
    lens_augment augment = {0};
    while (*text) {
        char word[64];
        size_t size = strcspn(text, ",");
        snprintf(word, sizeof word, "%.*s", (int)(size < sizeof word ? size : sizeof word), text);
        LENS_TRY(parse_word(&augment, word));
        text += size + (text[size] == ',');
    }
    *out = augment;
    return LENS_OK;
}

const char *lens_augment_text(const lens_augment *a, char text[LENS_AUGMENT_TEXT]) {
    char pad[32] = "", lighting[32] = "";
    if (a->pad)
        snprintf(pad, sizeof pad, ",pad-crop:%zu", a->pad);
    if (a->lighting > 0)
        snprintf(lighting, sizeof lighting, ",lighting:%.9g", (double)a->lighting);
    char list[LENS_AUGMENT_TEXT];
    snprintf(list, sizeof list, "%s%s%s%s", a->flip ? ",flip" : "", a->crop ? ",crop" : "", pad,
             lighting);
    snprintf(text, LENS_AUGMENT_TEXT, "%s", list[0] ? list + 1 : "none");
    return text;
}

lens_status lens_augment_check(const lens_augment *augment, const lens_preprocess *preprocess,
                               lens_shape input) {
    size_t shorter = input.h < input.w ? input.h : input.w;
    if (augment->crop && preprocess->side <= shorter)
        return lens_fail(LENS_BAD_ARGUMENT,
                         "augment: crop takes parts of %zu pixels out of pictures of %zu; "
                         "preprocess.side must be more",
                         shorter, preprocess->side ? preprocess->side : shorter);
    if (augment->pad > 1024)
        return lens_fail(LENS_BAD_ARGUMENT, "augment: pad is %zu, at most 1024", augment->pad);
    if (!(augment->lighting >= 0 && augment->lighting <= 10))
        return lens_fail(LENS_BAD_ARGUMENT, "augment: lighting is %g, it must be in 0 .. 10",
                         (double)augment->lighting);
    return LENS_OK;
}

/* ---- chance --------------------------------------------------------------------------------- */

typedef struct draw {
    uint64_t seed, epoch;
    uint32_t image;
} draw;

static uint32_t word(const draw *d, uint32_t which) {
    return lens_random(d->seed, LENS_STREAM_AUGMENT, 0, d->epoch, 8 * d->image + which);
}

/* One of first .. last, evenly but for 2^-32 of the range. */
static ptrdiff_t between(const draw *d, uint32_t which, ptrdiff_t first, ptrdiff_t last) {
    uint64_t range = last > first ? (uint64_t)(last - first) + 1 : 1;
    return first + (ptrdiff_t)(range * word(d, which) >> 32);
}

/* Two normal numbers from two words: Box and Muller 1958. */
static void normal(double out[2], const draw *d, uint32_t which) {
    double length = sqrt(-2 * log((word(d, which) + 0.5) * 0x1p-32));
    double turn = 2 * 3.14159265358979323846 * (word(d, which + 1) * 0x1p-32);
    out[0] = length * cos(turn);
    out[1] = length * sin(turn);
}

static void tint(view *part, const draw *d, float lighting) {
    static const double values[3] = {0.2175, 0.0188, 0.0045};
    static const double vectors[3][3] = {
        {-0.5675, -0.5808, -0.5836}, {0.7192, -0.0045, -0.6948}, {0.4009, -0.8140, 0.4203}};
    double a[4];
    normal(a, d, 3);
    normal(a + 2, d, 5);
    for (size_t c = 0; c < 3; c++) {
        double sum = 0;
        for (size_t i = 0; i < 3; i++)
            sum += vectors[i][c] * a[i] * values[i];
        part->shift[c] = (float)(lighting * sum);
    }
}

/* Where a part of `size` of `whole` pixels may begin. */
static ptrdiff_t move(ptrdiff_t middle, size_t whole, size_t size, const lens_augment *augment,
                      const draw *d, uint32_t which) {
    ptrdiff_t pad = (ptrdiff_t)augment->pad, first = middle, last = middle;
    if (augment->crop && whole > size) {
        first = 0;
        last = (ptrdiff_t)(whole - size);
    }
    return between(d, which, first - pad, last + pad);
}

void view_augment(view *part, lens_shape input, const lens_augment *augment, uint64_t seed,
                  uint64_t epoch, uint32_t image) {
    draw d = {seed, epoch, image};
    if (augment->flip)
        part->flip = word(&d, 0) >> 31;
    if (augment->crop || augment->pad) {
        part->y = move(part->y, part->h, input.h, augment, &d, 1);
        part->x = move(part->x, part->w, input.w, augment, &d, 2);
    }
    if (augment->lighting > 0)
        tint(part, &d, augment->lighting);
}
