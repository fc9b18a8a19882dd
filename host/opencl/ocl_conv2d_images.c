/* ocl_conv2d_images.c: the convolution for CPU devices and batches of small maps: sixteen images in
 * the lanes.
 *
 * The kernels take an input that is padded already, so padding, in any mode, is a pad2d into
 * scratch in front, and in the input's gradient a pad2d gradient behind. They are compiled for the
 * tile of sums that stays in registers.
 */
#include "opencl/ocl_conv2d_images.h"
#include "core/size.h"
#include "opencl/ocl_conv2d_pad.h"

#include <stdint.h>
#include <stdio.h>

#define LANES 16
#define MOST_SUMS 20  /* vectors that stay in registers, beside pixels that are used again */
#define INPUT_SUMS 26 /* of the input's gradient, whose slopes or weights need not stay as well */
#define LEAST_COLUMNS 4
#define MOST_COLUMNS 8
#define INPUT_COLUMNS 13 /* the most of the input's gradient */
#define MOST_TAPS 11
#define FEW_FILTERS 32
#define INPUT_FILTERS 128 /* few of the input's gradient, and channels */
#define INPUT_CHANNELS 64
#define INPUT_SLOPES (1 << 14) /* of an image: those of sixteen stay in a cache */
#define LEAST_CHANNELS 4
#define ENOUGH_GROUPS 8 /* to spread over some cores; each brings its images into lanes itself */

/* The weight gradient's split over images: a number that no device decides, so the sum's order does
 * not depend on it. */
#define MOST_PARTS 16

/* ---- tiles ----------------------------------------------------------------------------------- */

/* The filters, or channels, of a tile of `columns`. */
static size_t most_filters(lens_pass pass, lens_shape w, size_t columns) {
    if (pass == LENS_BACKWARD_INPUT)
        return INPUT_SUMS / (columns + w.w - 1);
    return lens_size_max(MOST_SUMS / (pass == LENS_FORWARD ? columns : w.w), 1);
}

/* Products of a tile of the input's gradient to what is read for them, slopes and weights. */
static double use_of_reads(lens_shape w, size_t columns) {
    size_t filters = lens_size_min(most_filters(LENS_BACKWARD_INPUT, w, columns), w.c);
    size_t weights = filters * w.w;
    return (double)(weights * columns) / (double)(weights + columns);
}

/* The columns of a tile, which divide a row of the output: as many as may be, and of the input's
 * gradient those that make the best use of what is read. 0: none do. */
static size_t columns_of(lens_pass pass, lens_shape w, lens_shape y) {
    size_t best = 0;
    if (pass == LENS_BACKWARD_INPUT) {
        for (size_t columns = 1; columns <= lens_size_min(y.w, INPUT_COLUMNS); columns++)
            if (y.w % columns == 0 && most_filters(pass, w, columns) &&
                (!best || use_of_reads(w, columns) > use_of_reads(w, best)))
                best = columns;
        return best;
    }
    for (size_t columns = LEAST_COLUMNS; columns <= MOST_COLUMNS; columns++)
        best = y.w % columns == 0 ? columns : best;
    return best;
}

typedef struct tiling {
    size_t columns, filters; /* of a tile */
    size_t share, shares;    /* filters of a work-item; work-items for all filters */
    size_t blocks, parts;    /* of the images */
    size_t lanes;            /* elements of a work-item's memory */
} tiling;

/* So many of `all` a tile that few are computed twice, `most` at most. */
static size_t tile_size(size_t all, size_t most) {
    return lens_size_div_up(all, lens_size_div_up(all, most));
}

/* x is the padded input. In the input's gradient the filters are its channels. */
static tiling tiling_of(lens_pass pass, lens_shape x, lens_shape w, lens_shape y) {
    size_t all = pass == LENS_BACKWARD_INPUT ? w.c : w.n;
    tiling t = {.columns = columns_of(pass, w, y), .blocks = lens_size_div_up(x.n, LANES)};
    t.filters = tile_size(all, most_filters(pass, w, t.columns));
    t.parts = pass == LENS_BACKWARD_WEIGHT ? lens_size_min(t.blocks, MOST_PARTS) : t.blocks;
    size_t part_blocks = lens_size_div_up(t.blocks, t.parts);
    t.parts = lens_size_div_up(t.blocks, part_blocks);
    size_t tiles = lens_size_div_up(all, t.filters);
    size_t share = lens_size_div_up(tiles, lens_size_div_up(ENOUGH_GROUPS, t.parts));
    t.shares = lens_size_div_up(tiles, share);
    t.share = share * t.filters;
    size_t pixels = x.c * x.h * x.w, map = y.h * y.w;
    t.lanes = LANES * (pass == LENS_BACKWARD_INPUT ? y.c * map + t.filters * x.h * x.w
                                                   : pixels + t.filters * map);
    return t;
}

static size_t part_blocks_of(const tiling *t) {
    return lens_size_div_up(t->blocks, t->parts);
}

/* ---- what it can do -------------------------------------------------------------------------- */

bool ocl_conv2d_images_possible(const lens_context *context, lens_pass pass, lens_shape x,
                                lens_shape w, lens_shape y, const lens_conv2d_opts *opts) {
    lens_shape padded = ocl_padded_shape(x, &opts->padding);
    if (!ocl_is_cpu(context) || opts->stride_h != 1 || opts->stride_w != 1 ||
        opts->dilation_h != 1 || opts->dilation_w != 1 || opts->groups != 1)
        return false;
    if (x.n < LANES || w.w > MOST_TAPS || !columns_of(pass, w, y))
        return false;
    bool has_vectors = pass == LENS_BACKWARD_INPUT
                           ? y.c * y.h * y.w >= LANES && padded.h * padded.w >= LANES
                           : padded.c * padded.h * padded.w >= LANES && y.h * y.w >= LANES;
    return has_vectors && ocl_count_of(padded) <= INT32_MAX && ocl_count_of(y) <= INT32_MAX &&
           tiling_of(pass, padded, w, y).lanes <= INT32_MAX;
}

/* Bringing images into lanes takes as long as some filters' products: that pays for small maps of a
 * few channels, whose rows are shorter than `rows` would have them. More filters are for packed
 * panels; but the input's gradient multiplies nothing but pixels here, and no zeros around them. */
bool ocl_conv2d_images_pays(const lens_context *context, lens_pass pass, lens_shape x, lens_shape w,
                            lens_shape y, const lens_conv2d_opts *opts) {
    (void)context, (void)x, (void)opts;
    if (pass == LENS_BACKWARD_INPUT)
        return w.h * w.w > 1 && w.n <= INPUT_FILTERS && w.c <= INPUT_CHANNELS &&
               y.c * y.h * y.w <= INPUT_SLOPES;
    return w.n <= FEW_FILTERS && w.c <= FEW_FILTERS &&
           (pass != LENS_FORWARD || w.c >= LEAST_CHANNELS);
}

size_t ocl_conv2d_images_scratch(const lens_context *context, lens_pass pass, lens_shape x,
                                 lens_shape w, lens_shape y, const lens_conv2d_opts *opts) {
    (void)context;
    lens_shape shape = ocl_padded_shape(x, &opts->padding);
    size_t padded = ocl_has_padding(&opts->padding) ? ocl_count_of(shape) : 0;
    tiling t = tiling_of(pass, shape, w, y);
    size_t sums = pass == LENS_BACKWARD_WEIGHT && t.parts > 1 ? t.parts * ocl_count_of(w) : 0;
    return padded + t.parts * t.shares * t.lanes + sums;
}

/* ---- launches -------------------------------------------------------------------------------- */

static ocl_launch begin(lens_context *context, const char *kernel, const tiling *t, lens_shape w) {
    char options[80];
    snprintf(options, sizeof options, "-DFILTERS=%zu -DCOLUMNS=%zu -DTAPS=%zu", t->filters,
             t->columns, w.w);
    return ocl_begin(context, "conv2d_images", kernel, options);
}

/* CONV2D_IMAGES_SIZES of cl/conv2d_images.cl; x is the padded input. */
static void arg_sizes(ocl_launch *launch, lens_shape x, lens_shape w, lens_shape y) {
    ocl_arg_shape(launch, x);
    ocl_arg_int(launch, w.n);
    ocl_arg_int(launch, w.h);
    ocl_arg_int(launch, y.h);
    ocl_arg_int(launch, y.w);
}

static lens_tensor carve_lanes(const lens_tensor *scratch, size_t *used, const tiling *t) {
    return ocl_carve(scratch, used, (lens_shape){t->parts, t->shares, t->lanes, 1});
}

static lens_status run(ocl_launch *launch, const tiling *t) {
    const size_t global[] = {t->parts, t->shares}, local[] = {1, 1};
    return ocl_run(launch, 2, global, local);
}

lens_status ocl_conv2d_images_forward(lens_tensor *y, const lens_tensor *x, const lens_tensor *w,
                                      const lens_tensor *b, const lens_conv2d_opts *opts,
                                      lens_tensor *scratch) {
    size_t used = 0;
    lens_tensor padded;
    LENS_TRY(ocl_pad(&padded, x, &opts->padding, scratch, &used));
    tiling t = tiling_of(LENS_FORWARD, padded.shape, w->shape, y->shape);
    lens_tensor lanes = carve_lanes(scratch, &used, &t);
    ocl_launch launch = begin(y->context, "conv2d_images_forward", &t, w->shape);
    ocl_arg_tensor(&launch, y);
    ocl_arg_tensor(&launch, &padded);
    ocl_arg_tensor(&launch, w);
    ocl_arg_tensor(&launch, b);
    ocl_arg_int(&launch, b != NULL);
    ocl_arg_int(&launch, opts->activation.kind);
    ocl_arg_float(&launch, opts->activation.alpha);
    ocl_arg_tensor(&launch, &lanes);
    ocl_arg_int(&launch, t.share);
    arg_sizes(&launch, padded.shape, w->shape, y->shape);
    return run(&launch, &t);
}

lens_status ocl_conv2d_images_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                             const lens_tensor *w, const lens_conv2d_opts *opts,
                                             lens_tensor *scratch) {
    size_t used = 0;
    bool fold = ocl_has_padding(&opts->padding);
    lens_tensor padded = *dx;
    if (fold)
        padded = ocl_carve(scratch, &used, ocl_padded_shape(dx->shape, &opts->padding));
    tiling t = tiling_of(LENS_BACKWARD_INPUT, padded.shape, w->shape, dy->shape);
    lens_tensor lanes = carve_lanes(scratch, &used, &t);
    ocl_launch launch = begin(dx->context, "conv2d_images_backward_input", &t, w->shape);
    ocl_arg_tensor(&launch, &padded);
    ocl_arg_tensor(&launch, dy);
    ocl_arg_tensor(&launch, w);
    ocl_arg_tensor(&launch, &lanes);
    ocl_arg_int(&launch, t.share);
    arg_sizes(&launch, padded.shape, w->shape, dy->shape);
    LENS_TRY(run(&launch, &t));
    return fold ? ocl_pad2d_backward_input(dx, &padded, &opts->padding) : LENS_OK;
}

static lens_status add_parts(lens_tensor *dw, const lens_tensor *parts, const tiling *t) {
    ocl_launch launch = begin(dw->context, "conv2d_images_add_parts", t, dw->shape);
    ocl_arg_tensor(&launch, dw);
    ocl_arg_tensor(&launch, parts);
    ocl_arg_int(&launch, dw->count);
    ocl_arg_int(&launch, t->parts);
    return ocl_run_1d(&launch, lens_size_div_up(dw->count, LANES));
}

lens_status ocl_conv2d_images_backward_weight(lens_tensor *dw, const lens_tensor *dy,
                                              const lens_tensor *x, const lens_conv2d_opts *opts,
                                              lens_tensor *scratch) {
    size_t used = 0;
    lens_tensor padded, parts = *dw;
    LENS_TRY(ocl_pad(&padded, x, &opts->padding, scratch, &used));
    tiling t = tiling_of(LENS_BACKWARD_WEIGHT, padded.shape, dw->shape, dy->shape);
    lens_tensor lanes = carve_lanes(scratch, &used, &t);
    if (t.parts > 1)
        parts = ocl_carve(scratch, &used, (lens_shape){t.parts, dw->count, 1, 1});
    ocl_launch launch = begin(dw->context, "conv2d_images_backward_weight", &t, dw->shape);
    ocl_arg_tensor(&launch, &parts);
    ocl_arg_tensor(&launch, dy);
    ocl_arg_tensor(&launch, &padded);
    ocl_arg_tensor(&launch, &lanes);
    ocl_arg_int(&launch, t.share);
    ocl_arg_int(&launch, part_blocks_of(&t));
    arg_sizes(&launch, padded.shape, dw->shape, dy->shape);
    LENS_TRY(run(&launch, &t));
    return t.parts > 1 ? add_parts(dw, &parts, &t) : LENS_OK;
}
