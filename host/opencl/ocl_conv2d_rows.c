/* ocl_conv2d_rows.c: the convolution for CPU devices and few filters: pixels are read where they
 * lie.
 *
 * The kernels take an input that is padded already, so padding, in any mode, is a pad2d into
 * scratch in front, and in the input's gradient a pad2d gradient behind. The kernels are compiled
 * for the number of filters, or of a filter's rows, whose sums stay in registers.
 */
#include "opencl/ocl_conv2d_rows.h"
#include "core/size.h"
#include "opencl/ocl_conv2d_pad.h"

#include <stdint.h>
#include <stdio.h>

/* As in cl/conv2d_rows.cl. */
#define TAPS 2
#define CHUNK_VECTORS 64
#define CHUNK_ROW (16 * CHUNK_VECTORS + 16)
#define TAP_RUN 16

#define LANES 16
#define MOST_SUMS 24 /* vectors that stay in registers */
#define MOST_VECTORS 4
#define MOST_FILTERS 8

#define FEW_FILTERS 32
#define FEW_PIXELS 2048
#define FEW_TAPS 64
#define LARGE_MAP 4096

/* The weight gradient's split over images: a number that no device decides, so the sum's order does
 * not depend on it. */
#define MOST_PARTS 16

/* ---- tiles ----------------------------------------------------------------------------------- */

/* Places p W + q of an output's pixels, W being the padded input's width. */
static size_t places_of(lens_shape padded, lens_shape y, size_t rows) {
    return (rows - 1) * padded.w + y.w;
}

typedef struct tile {
    size_t filters, count; /* of a tile; tiles of all groups */
} tile;

static tile tile_of(lens_shape w, const lens_conv2d_opts *opts) {
    size_t filters = w.n / opts->groups, tiles = lens_size_div_up(filters, MOST_FILTERS);
    return (tile){lens_size_div_up(filters, tiles), tiles * opts->groups};
}

/* Vectors of a tile of `rows` rows: as many as stay in registers, or one where `places` have no
 * room for so many. Each number is a kernel to compile, so there are these two. */
static size_t vectors_of(size_t rows, size_t places) {
    size_t vectors = lens_size_min(MOST_SUMS / rows, MOST_VECTORS);
    return places >= vectors * LANES ? vectors : 1;
}

typedef struct split {
    size_t parts, part_images, strip_rows, strip_vectors;
} split;

static split split_of(lens_shape padded, lens_shape y) {
    split s = {.part_images = lens_size_div_up(padded.n, MOST_PARTS)};
    s.parts = lens_size_div_up(padded.n, s.part_images);
    size_t rows = 1 + (CHUNK_VECTORS * LANES - y.w) / padded.w;
    s.strip_rows = lens_size_min(rows, y.h);
    s.strip_vectors = lens_size_div_up(places_of(padded, y, s.strip_rows), LANES);
    return s;
}

/* ---- what it can do -------------------------------------------------------------------------- */

bool ocl_conv2d_rows_possible(const lens_context *context, lens_pass pass, lens_shape x,
                              lens_shape w, lens_shape y, const lens_conv2d_opts *opts) {
    lens_shape padded = ocl_padded_shape(x, &opts->padding);
    bool is_small = ocl_count_of(padded) <= INT32_MAX && ocl_count_of(y) <= INT32_MAX;
    if (!ocl_is_cpu(context) || opts->stride_h != 1 || opts->stride_w != 1 || !is_small)
        return false;
    if (pass == LENS_BACKWARD_INPUT)
        return w.h <= MOST_SUMS;
    return places_of(padded, y, y.h) >= LANES &&
           (pass == LENS_FORWARD || (w.c * w.h * w.w >= TAPS && y.w <= CHUNK_VECTORS * LANES));
}

/* It packs nothing, and the input's gradient multiplies no zeros around dy; but it reads x again
 * for every eight filters, and W - Q places of each row are for nothing. Where that pays as
 * `lenslet tune` showed it for the networks of the zoo: */
bool ocl_conv2d_rows_pays(const lens_context *context, lens_pass pass, lens_shape x, lens_shape w,
                          lens_shape y, const lens_conv2d_opts *opts) {
    (void)context;
    size_t width = ocl_padded_shape(x, &opts->padding).w, filters = w.n / opts->groups;
    size_t map = y.h * y.w, taps = w.c * w.h * w.w;
    bool has_few_pixels = y.n == 1 && map < FEW_PIXELS;
    switch (pass) {
    case LENS_FORWARD:
        return 20 * y.w >= 19 * width ||
               (2 * y.w >= width && (filters < FEW_FILTERS || taps < FEW_TAPS || has_few_pixels));
    case LENS_BACKWARD_INPUT:
        return w.c < FEW_FILTERS || has_few_pixels || map >= LARGE_MAP || 4 * x.h * x.w >= 5 * map;
    default:
        return 2 * y.w >= width && filters <= FEW_FILTERS;
    }
}

size_t ocl_conv2d_rows_scratch(const lens_context *context, lens_pass pass, lens_shape x,
                               lens_shape w, lens_shape y, const lens_conv2d_opts *opts) {
    (void)context;
    lens_shape shape = ocl_padded_shape(x, &opts->padding);
    size_t padded = ocl_has_padding(&opts->padding) ? ocl_count_of(shape) : 0;
    if (pass == LENS_FORWARD)
        return padded;
    if (pass == LENS_BACKWARD_INPUT)
        return padded + (y.h * y.w < LANES ? y.n * y.c * LANES : 0);
    split s = split_of(shape, y);
    tile t = tile_of(w, opts);
    return padded + s.parts * t.count * (t.filters * CHUNK_ROW + w.c * w.h * w.w * 8);
}

/* ---- launches -------------------------------------------------------------------------------- */

/* CONV2D_ROWS_SIZES of cl/conv2d_rows.cl; x is the padded input. */
static void arg_sizes(ocl_launch *launch, lens_shape x, lens_shape w, lens_shape y,
                      const lens_conv2d_opts *opts) {
    ocl_arg_shape(launch, x);
    ocl_arg_shape(launch, w);
    ocl_arg_int(launch, y.h);
    ocl_arg_int(launch, y.w);
    ocl_arg_int(launch, opts->groups);
    ocl_arg_int(launch, opts->dilation_h);
    ocl_arg_int(launch, opts->dilation_w);
}

static ocl_launch begin(lens_context *context, const char *kernel, size_t filters, size_t vectors) {
    char options[64];
    snprintf(options, sizeof options, "-DFILTERS=%zu -DVECTORS=%zu", filters, vectors);
    return ocl_begin(context, "conv2d_rows", kernel, options);
}

/* A single vector of a column of taps would be too few sums to keep a core busy. */
static ocl_launch begin_backward_input(lens_context *context, lens_shape w, size_t map) {
    size_t vectors = vectors_of(w.h, map);
    size_t columns = vectors == 1 && w.h * w.w <= MOST_SUMS + 1 ? w.w : 1;
    char options[64];
    snprintf(options, sizeof options, "-DTAP_ROWS=%zu -DTAP_COLUMNS=%zu -DVECTORS=%zu", w.h,
             columns, vectors);
    return ocl_begin(context, "conv2d_rows", "conv2d_rows_backward_input", options);
}

lens_status ocl_conv2d_rows_forward(lens_tensor *y, const lens_tensor *x, const lens_tensor *w,
                                    const lens_tensor *b, const lens_conv2d_opts *opts,
                                    lens_tensor *scratch) {
    size_t used = 0;
    lens_tensor padded;
    LENS_TRY(ocl_pad(&padded, x, &opts->padding, scratch, &used));
    tile t = tile_of(w->shape, opts);
    size_t places = places_of(padded.shape, y->shape, y->shape.h);
    size_t vectors = vectors_of(t.filters, places);
    ocl_launch launch = begin(y->context, "conv2d_rows_forward", t.filters, vectors);
    ocl_arg_tensor(&launch, y);
    ocl_arg_tensor(&launch, &padded);
    ocl_arg_tensor(&launch, w);
    ocl_arg_tensor(&launch, b);
    ocl_arg_int(&launch, b != NULL);
    ocl_arg_int(&launch, opts->activation.kind);
    ocl_arg_float(&launch, opts->activation.alpha);
    arg_sizes(&launch, padded.shape, w->shape, y->shape, opts);
    size_t tiles = lens_size_div_up(places, vectors * LANES);
    const size_t global[] = {tiles * y->shape.n, t.count}, local[] = {1, 1};
    return ocl_run(&launch, 2, global, local);
}

/* dy with a whole vector for each map of a few pixels. */
static lens_status widen(lens_tensor *wide, const lens_tensor *dy, const lens_tensor *scratch,
                         size_t *used) {
    lens_tensor flat = *dy;
    flat.shape = (lens_shape){dy->shape.n, dy->shape.c, 1, dy->shape.h * dy->shape.w};
    lens_padding behind = {.right = LANES - flat.shape.w, .mode = LENS_PAD_ZERO};
    return ocl_pad(wide, &flat, &behind, scratch, used);
}

lens_status ocl_conv2d_rows_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                           const lens_tensor *w, const lens_conv2d_opts *opts,
                                           lens_tensor *scratch) {
    size_t used = 0;
    bool fold = ocl_has_padding(&opts->padding);
    lens_tensor padded = *dx;
    if (fold)
        padded = ocl_carve(scratch, &used, ocl_padded_shape(dx->shape, &opts->padding));
    lens_tensor wide = *dy;
    size_t map = dy->shape.h * dy->shape.w, pitch = lens_size_max(map, LANES);
    if (map < LANES)
        LENS_TRY(widen(&wide, dy, scratch, &used));
    ocl_launch launch = begin_backward_input(dx->context, w->shape, map);
    ocl_arg_tensor(&launch, &padded);
    ocl_arg_tensor(&launch, &wide);
    ocl_arg_tensor(&launch, w);
    ocl_arg_int(&launch, pitch);
    arg_sizes(&launch, padded.shape, w->shape, dy->shape, opts);
    const size_t global[] = {dx->shape.c, dx->shape.n}, local[] = {1, 1};
    LENS_TRY(ocl_run(&launch, 2, global, local));
    return fold ? ocl_pad2d_backward_input(dx, &padded, &opts->padding) : LENS_OK;
}

static lens_status add_parts(lens_tensor *dw, const lens_tensor *parts, const tile *t, size_t count,
                             size_t groups) {
    size_t taps = dw->count / dw->shape.n;
    ocl_launch launch =
        begin(dw->context, "conv2d_rows_add_parts", t->filters, vectors_of(t->filters, SIZE_MAX));
    ocl_arg_tensor(&launch, dw);
    ocl_arg_tensor(&launch, parts);
    ocl_arg_int(&launch, dw->shape.n / groups);
    ocl_arg_int(&launch, taps);
    ocl_arg_int(&launch, count);
    const size_t global[] = {lens_size_div_up(taps, TAP_RUN), t->count}, local[] = {1, 1};
    return ocl_run(&launch, 2, global, local);
}

lens_status ocl_conv2d_rows_backward_weight(lens_tensor *dw, const lens_tensor *dy,
                                            const lens_tensor *x, const lens_conv2d_opts *opts,
                                            lens_tensor *scratch) {
    size_t used = 0, taps = dw->count / dw->shape.n;
    lens_tensor padded;
    LENS_TRY(ocl_pad(&padded, x, &opts->padding, scratch, &used));
    split s = split_of(padded.shape, dy->shape);
    tile t = tile_of(dw->shape, opts);
    lens_tensor parts = ocl_carve(scratch, &used, (lens_shape){s.parts, t.count, taps, 8});
    lens_tensor panels =
        ocl_carve(scratch, &used, (lens_shape){s.parts, t.count, t.filters, CHUNK_ROW});
    ocl_launch launch = begin(dw->context, "conv2d_rows_backward_weight", t.filters,
                              vectors_of(t.filters, SIZE_MAX));
    ocl_arg_tensor(&launch, &parts);
    ocl_arg_tensor(&launch, dy);
    ocl_arg_tensor(&launch, &padded);
    ocl_arg_tensor(&launch, &panels);
    ocl_arg_int(&launch, s.part_images);
    ocl_arg_int(&launch, s.strip_rows);
    ocl_arg_int(&launch, s.strip_vectors);
    arg_sizes(&launch, padded.shape, dw->shape, dy->shape, opts);
    const size_t global[] = {s.parts, t.count}, local[] = {1, 1};
    LENS_TRY(ocl_run(&launch, 2, global, local));
    return add_parts(dw, &parts, &t, s.parts, opts->groups);
}
