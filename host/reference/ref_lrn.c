/* ref_lrn.c: local response normalisation and its gradient, as ops.h states them. */
#include "reference/reference.h"

#include <math.h>

/* Indices of one axis: `size` around i, as far as they exist. `mirrored`: those whose window holds
 * i instead of those in the window of i, which differ when the size is even. */
typedef struct range {
    size_t first, end;
} range;

static range window(size_t i, size_t length, size_t size, bool mirrored) {
    size_t before = mirrored ? (size - 1) / 2 : size / 2, after = size - 1 - before;
    return (range){i > before ? i - before : 0, i + after < length ? i + after + 1 : length};
}

/* The elements of an image that one element's sum goes over. */
typedef struct box {
    range c, h, w;
} box;

static box box_of(lens_shape s, size_t c, size_t h, size_t w, const lens_lrn_opts *opts,
                  bool mirrored) {
    if (opts->kind == LENS_LRN_ACROSS)
        return (box){window(c, s.c, opts->size, mirrored), {h, h + 1}, {w, w + 1}};
    return (box){
        {c, c + 1}, window(h, s.h, opts->size, mirrored), window(w, s.w, opts->size, mirrored)};
}

static double factor_of(const lens_lrn_opts *opts) {
    double elements = opts->kind == LENS_LRN_ACROSS ? opts->size : opts->size * opts->size;
    return opts->average ? opts->alpha / elements : opts->alpha;
}

/* s[i] */
static double scale_at(const float *image, lens_shape s, size_t c, size_t h, size_t w,
                       const lens_lrn_opts *opts) {
    box b = box_of(s, c, h, w, opts, false);
    double sum = 0;
    for (size_t i = b.c.first; i < b.c.end; i++)
        for (size_t j = b.h.first; j < b.h.end; j++)
            for (size_t k = b.w.first; k < b.w.end; k++) {
                double value = image[(i * s.h + j) * s.w + k];
                sum += value * value;
            }
    return opts->k + factor_of(opts) * sum;
}

lens_status ref_lrn_forward(lens_tensor *y, const lens_tensor *x, const lens_lrn_opts *opts) {
    lens_shape s = x->shape;
    for (size_t n = 0; n < s.n; n++) {
        const float *image = ref_values(x) + n * s.c * s.h * s.w;
        float *out = ref_values(y) + n * s.c * s.h * s.w;
        for (size_t c = 0; c < s.c; c++)
            for (size_t h = 0; h < s.h; h++)
                for (size_t w = 0; w < s.w; w++) {
                    size_t i = (c * s.h + h) * s.w + w;
                    double scale = scale_at(image, s, c, h, w, opts);
                    out[i] = (float)(image[i] * pow(scale, -(double)opts->beta));
                }
    }
    return LENS_OK;
}

/* y[j] depends on x[i] through x[j], when i = j, and through s[j], when i is in the window of j. */
static double gradient_at(const float *image, const float *slopes, lens_shape s, size_t c, size_t h,
                          size_t w, const lens_lrn_opts *opts) {
    box b = box_of(s, c, h, w, opts, true);
    double sum = 0, beta = opts->beta;
    for (size_t i = b.c.first; i < b.c.end; i++)
        for (size_t j = b.h.first; j < b.h.end; j++)
            for (size_t k = b.w.first; k < b.w.end; k++) {
                size_t at = (i * s.h + j) * s.w + k;
                double scale = scale_at(image, s, i, j, k, opts);
                sum += (double)slopes[at] * image[at] * pow(scale, -beta - 1);
            }
    size_t at = (c * s.h + h) * s.w + w;
    return slopes[at] * pow(scale_at(image, s, c, h, w, opts), -beta) -
           2 * factor_of(opts) * beta * image[at] * sum;
}

lens_status ref_lrn_backward_input(lens_tensor *dx, const lens_tensor *dy, const lens_tensor *x,
                                   const lens_lrn_opts *opts, lens_tensor *scratch) {
    (void)scratch;
    lens_shape s = x->shape;
    for (size_t n = 0; n < s.n; n++) {
        size_t first = n * s.c * s.h * s.w;
        const float *image = ref_values(x) + first, *slopes = ref_values(dy) + first;
        float *out = ref_values(dx) + first;
        for (size_t c = 0; c < s.c; c++)
            for (size_t h = 0; h < s.h; h++)
                for (size_t w = 0; w < s.w; w++)
                    *out++ = (float)gradient_at(image, slopes, s, c, h, w, opts);
    }
    return LENS_OK;
}

size_t ref_lrn_scratch(const lens_context *context, lens_pass pass, lens_shape x,
                       const lens_lrn_opts *opts) {
    (void)context, (void)pass, (void)x, (void)opts;
    return 0;
}
