/* ocl_conv2d_winograd.c: 3x3 and 5x5 convolutions by Winograd's minimal filtering, on CPU devices.
 *
 * Some images at a time are brought into lanes of channels, with zeros around them so that whole
 * tiles cover the output. Then some blocks of tiles at a time, which stay in the caches, are
 * transformed, multiplied with the transformed filters and transformed back. The input's gradient
 * is the same for dy and the filters turned round. cl/conv2d_winograd.cl has the mathematics.
 */
#include "opencl/ocl_conv2d_winograd.h"
#include "core/size.h"
#include "opencl/ocl_conv2d_images.h"
#include "opencl/ocl_conv2d_lanes.h"
#include "opencl/ocl_conv2d_pad.h"

/* As in cl/conv2d_winograd.cl. */
#define PANEL OCL_PANEL
#define BLOCK 32
#define PART_TILES 16
#define GAP 32
#define LANES 16
#define PART_PANELS 4

/* What the transforms of a tile's element, and of a filter's, cost in products. */
#define TILE_COST 12.0
#define FILTER_COST 40.0
#define LEAST_GAIN 0.85
#define IMAGES_GAIN 1.1 /* the least where `images` can do it, which is faster than the others */

/* Images done at a time: so many, or as many as fill so many floats of the larger caches in lanes;
 * and of their transformed input as many blocks. */
#define SLICE_IMAGES 16
#define SLICE_FLOATS 2097152

/* Filters, or their gradients' sums, of up to so many floats stay in a core's cache: all of a block
 * of tiles is then done at once. Work-items, and shares of such a sum, at most: numbers that no
 * device decides, so the sum's order does not depend on it. */
#define CACHED_FLOATS 131072
#define MOST_WORKERS 64
#define MOST_SHARES 16

/* ---- shapes ---------------------------------------------------------------------------------- */

/* One direction of the convolution: of x to y, or of dy to dx. */
typedef struct filtering {
    size_t out, taps, area;       /* outputs of a tile along an axis; taps; elements of a tile */
    const char *options;          /* of the program */
    lens_shape from, to;          /* all images */
    size_t m, channels, groups;   /* filters and channels of a group */
    size_t parts, panels;         /* and panels of them */
    bool turned;                  /* the filters, for dy to dx */
    lens_padding padding;         /* of `from`: the convolution's and what whole tiles need */
    lens_padding beyond;          /* of `to`: what whole tiles need */
    size_t tiles_h, tiles_w;      /* of an image */
    size_t images, tiles, blocks; /* of a slice */
} filtering;

/* The filtering of "winograd2" and of "winograd4" for 3x3 filters, of "winograd2" for 5x5. */
static filtering kind_of(size_t out, size_t taps) {
    if (taps == 5)
        return (filtering){.out = 4, .taps = 5, .area = 11 * 11, .options = "-DOUT=4 -DTAPS=5"};
    if (out == 4)
        return (filtering){.out = 4, .taps = 3, .area = 6 * 6, .options = "-DOUT=4 -DTAPS=3"};
    return (filtering){.out = 2, .taps = 3, .area = 4 * 4, .options = "-DOUT=2 -DTAPS=3"};
}

/* A slice of so many images. */
static void take_images(filtering *f, size_t images) {
    f->images = images;
    f->tiles = images * f->tiles_h * f->tiles_w;
    f->blocks = lens_size_div_up(f->tiles, BLOCK);
}

static lens_shape images_shape(lens_shape s, size_t images) {
    return (lens_shape){images, s.c, s.h, s.w};
}

/* In lanes, with what whole tiles need. */
static size_t from_count(const filtering *f) {
    return ocl_lanes_count(images_shape(f->from, f->images), f->groups, &f->padding);
}

static size_t to_count(const filtering *f) {
    return ocl_lanes_count(images_shape(f->to, f->images), f->groups, &f->beyond);
}

static filtering filtering_of(size_t out, lens_pass pass, lens_shape x, lens_shape w, lens_shape y,
                              const lens_conv2d_opts *opts) {
    filtering f = kind_of(out, w.h);
    f.groups = opts->groups;
    f.turned = pass == LENS_BACKWARD_INPUT;
    f.from = f.turned ? y : x;
    f.to = f.turned ? x : y;
    f.m = f.turned ? w.c : w.n / opts->groups;
    f.channels = f.turned ? w.n / opts->groups : w.c;
    f.parts = ocl_panels(f.m);
    f.panels = ocl_panels(f.channels);
    f.padding = f.turned ? ocl_turn_of(w, opts).zeros : opts->padding;
    f.tiles_h = lens_size_div_up(f.to.h, f.out);
    f.tiles_w = lens_size_div_up(f.to.w, f.out);
    f.beyond.bottom = f.tiles_h * f.out - f.to.h;
    f.beyond.right = f.tiles_w * f.out - f.to.w;
    f.padding.bottom += f.beyond.bottom;
    f.padding.right += f.beyond.right;
    take_images(&f, 1);
    size_t images = lens_size_max(SLICE_FLOATS / from_count(&f), SLICE_IMAGES);
    take_images(&f, lens_size_min(f.from.n, images));
    return f;
}

static size_t filters_count(const filtering *f) {
    return f->groups * f->parts * f->area * (PANEL * f->channels + GAP);
}

/* Of an element of the tiles of a block. */
static size_t input_element(const filtering *f) {
    return f->groups * f->panels * BLOCK * PANEL + GAP;
}

/* Blocks of a slice that are done at a time. */
static size_t slice_blocks(const filtering *f) {
    size_t most = lens_size_max(SLICE_FLOATS / (f->area * input_element(f)), 1);
    return lens_size_div_up(f->blocks, lens_size_div_up(f->blocks, most));
}

static bool is_cached(const filtering *f) {
    return filters_count(f) <= CACHED_FLOATS;
}

/* Work-items, each with the transformed input of one block. */
static size_t workers_of(const filtering *f) {
    size_t most = SLICE_FLOATS / (f->area * input_element(f));
    return lens_size_min(f->blocks, lens_size_min(lens_size_max(most, 1), MOST_WORKERS));
}

static size_t input_count(const filtering *f) {
    return (is_cached(f) ? workers_of(f) : slice_blocks(f)) * f->area * input_element(f);
}

/* ---- launches -------------------------------------------------------------------------------- */

static ocl_launch begin(const filtering *f, lens_context *context, const char *kernel) {
    return ocl_begin(context, "conv2d_winograd", kernel, f->options);
}

static lens_status transform_filters(lens_tensor *packed, const lens_tensor *w,
                                     const filtering *f) {
    size_t taps = f->taps * f->taps, filter = w->shape.c * taps;
    ocl_launch launch = begin(f, w->context, "conv2d_winograd_filters");
    ocl_arg_tensor(&launch, packed);
    ocl_arg_tensor(&launch, w);
    ocl_arg_ulong(&launch, w->count);
    ocl_arg_int(&launch, f->m);
    ocl_arg_int(&launch, f->turned ? taps : filter);
    ocl_arg_int(&launch, f->turned ? filter : taps);
    ocl_arg_int(&launch, w->count / f->groups);
    ocl_arg_int(&launch, f->turned);
    const size_t global[] = {f->channels, f->parts, f->groups}, local[] = {1, 1, 1};
    return ocl_run(&launch, 3, global, local);
}

/* Blocks first .. first+count-1 of a slice. */
typedef struct block_range {
    size_t first, count;
} block_range;

/* TILES and SIZES of cl/conv2d_winograd.cl. */
static void arg_tiles(ocl_launch *launch, const filtering *f) {
    ocl_arg_int(launch, f->tiles);
    ocl_arg_int(launch, f->tiles_h);
    ocl_arg_int(launch, f->tiles_w);
}

static void arg_input_sizes(ocl_launch *launch, const filtering *f) {
    lens_shape padded = ocl_padded_shape(f->from, &f->padding);
    arg_tiles(launch, f);
    ocl_arg_int(launch, padded.h);
    ocl_arg_int(launch, padded.w);
}

/* In the order of the weight gradient, or to be filtered. */
static lens_status transform_input(lens_tensor *v, const lens_tensor *lanes, bool by_panels,
                                   const filtering *f, const block_range *range) {
    ocl_launch launch = begin(f, v->context, "conv2d_winograd_input");
    ocl_arg_tensor(&launch, v);
    ocl_arg_tensor(&launch, lanes);
    ocl_arg_int(&launch, by_panels);
    ocl_arg_int(&launch, range->first);
    arg_input_sizes(&launch, f);
    const size_t global[] = {range->count, f->groups * f->panels}, local[] = {1, 1};
    return ocl_run(&launch, 2, global, local);
}

/* What a slice is made of: the filters, and what the sums become. */
typedef struct ending {
    const lens_tensor *packed, *b;
    const lens_activation *activation;
} ending;

static void arg_filter(ocl_launch *launch, lens_tensor *y, const lens_tensor *v, const ending *end,
                       const filtering *f) {
    ocl_arg_tensor(launch, y);
    ocl_arg_tensor(launch, end->packed);
    ocl_arg_tensor(launch, v);
    ocl_arg_tensor(launch, end->b);
    ocl_arg_int(launch, end->b != NULL);
    ocl_arg_int(launch, end->activation->kind);
    ocl_arg_float(launch, end->activation->alpha);
    ocl_arg_int(launch, f->channels);
    ocl_arg_int(launch, f->m);
    ocl_arg_int(launch, f->to.h);
    ocl_arg_int(launch, f->to.w);
}

/* Multiplied and transformed back. */
static lens_status transform_output(lens_tensor *y, const lens_tensor *v, const ending *end,
                                    const filtering *f, const block_range *range) {
    ocl_launch launch = begin(f, v->context, "conv2d_winograd_output");
    arg_filter(&launch, y, v, end, f);
    ocl_arg_int(&launch, range->first);
    arg_tiles(&launch, f);
    const size_t global[] = {range->count * (BLOCK / PART_TILES), f->parts, f->groups};
    const size_t local[] = {1, 1, 1};
    return ocl_run(&launch, 3, global, local);
}

/* The same with the input's transform. */
static lens_status filter_blocks(lens_tensor *y, const lens_tensor *v, const lens_tensor *x,
                                 const ending *end, const filtering *f) {
    ocl_launch launch = begin(f, v->context, "conv2d_winograd_filter");
    arg_filter(&launch, y, v, end, f);
    ocl_arg_tensor(&launch, x);
    ocl_arg_int(&launch, f->groups);
    arg_input_sizes(&launch, f);
    const size_t global = workers_of(f), local = 1;
    return ocl_run(&launch, 1, &global, &local);
}

/* ---- the passes ------------------------------------------------------------------------------ */

/* Images first .. first+count-1 of a tensor. */
static lens_tensor images_of(const lens_tensor *tensor, size_t first, size_t count) {
    lens_tensor slice = *tensor;
    size_t image = tensor->count / tensor->shape.n;
    slice.shape.n = count;
    slice.count = count * image;
    slice.offset += first * image;
    slice.is_view = true;
    return slice;
}

/* A slice in lanes, in scratch. */
static lens_status take_lanes(lens_tensor *lanes, const lens_tensor *x, const filtering *f,
                              const lens_padding *zeros, const lens_tensor *scratch, size_t *used) {
    size_t count = ocl_lanes_count(x->shape, f->groups, zeros);
    *lanes = ocl_carve(scratch, used, (lens_shape){1, count, 1, 1});
    return ocl_lanes_pack(lanes, x, f->groups, zeros,
                          ocl_lanes_by_images(x->shape, f->groups, zeros));
}

static lens_status filter_slice(lens_tensor *to, const lens_tensor *from, const ending *end,
                                const filtering *f, const lens_tensor *scratch, size_t used) {
    lens_tensor x, v;
    LENS_TRY(take_lanes(&x, from, f, &f->padding, scratch, &used));
    v = ocl_carve(scratch, &used, (lens_shape){1, input_count(f), 1, 1});
    if (is_cached(f))
        return filter_blocks(to, &v, &x, end, f);
    block_range range = {.count = slice_blocks(f)};
    for (; range.first < f->blocks; range.first += range.count) {
        range.count = lens_size_min(range.count, f->blocks - range.first);
        LENS_TRY(transform_input(&v, &x, false, f, &range));
        LENS_TRY(transform_output(to, &v, end, f, &range));
    }
    return LENS_OK;
}

static lens_status filter(lens_tensor *to, const lens_tensor *from, const lens_tensor *w,
                          const lens_tensor *b, const lens_activation *activation, filtering f,
                          const lens_tensor *scratch) {
    size_t used = 0, images = f.images;
    lens_tensor packed = ocl_carve(scratch, &used, (lens_shape){1, filters_count(&f), 1, 1});
    ending end = {&packed, b, activation};
    LENS_TRY(transform_filters(&packed, w, &f));
    for (size_t first = 0; first < f.from.n; first += images) {
        take_images(&f, lens_size_min(images, f.from.n - first));
        lens_tensor from_slice = images_of(from, first, f.images);
        lens_tensor to_slice = images_of(to, first, f.images);
        LENS_TRY(filter_slice(&to_slice, &from_slice, &end, &f, scratch, used));
    }
    return LENS_OK;
}

static size_t filter_scratch(const filtering *f) {
    return filters_count(f) + from_count(f) + input_count(f);
}

/* ---- the weight gradient --------------------------------------------------------------------- */

/* Sixteens of filters. */
static size_t products_parts(const filtering *f) {
    return lens_size_div_up(f->m, LANES);
}

static size_t products_count(const filtering *f) {
    return f->groups * products_parts(f) * f->area * (f->panels * LANES * PANEL + GAP);
}

/* Shares of a sum that all stays in a core's cache, of so many blocks of a slice each; else one. */
typedef struct split {
    bool is_cached;
    size_t shares, blocks;
} split;

static split split_of(const filtering *f) {
    if (products_count(f) > CACHED_FLOATS)
        return (split){false, 1, f->blocks};
    size_t blocks = lens_size_div_up(f->blocks, MOST_SHARES);
    return (split){true, lens_size_div_up(f->blocks, blocks), blocks};
}

static size_t panels_count(const filtering *f) {
    split s = split_of(f);
    return (s.is_cached ? s.shares : slice_blocks(f)) * f->area * input_element(f);
}

static lens_status multiply_tiles(lens_tensor *u, const lens_tensor *dy, const lens_tensor *v,
                                  const filtering *f, const block_range *range, bool add) {
    ocl_launch launch = begin(f, u->context, "conv2d_winograd_products");
    ocl_arg_tensor(&launch, u);
    ocl_arg_tensor(&launch, dy);
    ocl_arg_tensor(&launch, v);
    ocl_arg_int(&launch, range->first);
    ocl_arg_int(&launch, range->count);
    arg_tiles(&launch, f);
    ocl_arg_int(&launch, f->tiles_h * f->out);
    ocl_arg_int(&launch, f->tiles_w * f->out);
    ocl_arg_int(&launch, f->panels);
    ocl_arg_int(&launch, add);
    const size_t global[] = {products_parts(f), lens_size_div_up(f->panels, PART_PANELS),
                             f->groups};
    const size_t local[] = {1, 1, 1};
    return ocl_run(&launch, 3, global, local);
}

/* The same with the input's transform. */
static lens_status multiply_shares(lens_tensor *u, const lens_tensor *dy, const lens_tensor *v,
                                   const lens_tensor *x, const filtering *f, const split *s,
                                   bool add) {
    ocl_launch launch = begin(f, u->context, "conv2d_winograd_shares");
    ocl_arg_tensor(&launch, u);
    ocl_arg_tensor(&launch, dy);
    ocl_arg_tensor(&launch, v);
    ocl_arg_tensor(&launch, x);
    ocl_arg_int(&launch, s->blocks);
    arg_input_sizes(&launch, f);
    ocl_arg_int(&launch, f->tiles_h * f->out);
    ocl_arg_int(&launch, f->tiles_w * f->out);
    ocl_arg_int(&launch, f->groups);
    ocl_arg_int(&launch, products_parts(f));
    ocl_arg_int(&launch, f->panels);
    ocl_arg_int(&launch, add);
    const size_t global = lens_size_div_up(f->blocks, s->blocks), local = 1;
    return ocl_run(&launch, 1, &global, &local);
}

static lens_status transform_products(lens_tensor *dw, const lens_tensor *u, const filtering *f,
                                      size_t shares) {
    ocl_launch launch = begin(f, dw->context, "conv2d_winograd_gradients");
    ocl_arg_tensor(&launch, dw);
    ocl_arg_tensor(&launch, u);
    ocl_arg_int(&launch, f->channels);
    ocl_arg_int(&launch, shares);
    const size_t global[] = {lens_size_div_up(f->channels, LANES), f->m, f->groups};
    const size_t local[] = {1, 1, 1};
    return ocl_run(&launch, 3, global, local);
}

static lens_status multiply_slice(lens_tensor *u, const lens_tensor *dy, const lens_tensor *x,
                                  const filtering *f, const split *s, const lens_tensor *scratch,
                                  size_t used, bool add) {
    lens_tensor x_lanes, dy_lanes;
    LENS_TRY(take_lanes(&x_lanes, x, f, &f->padding, scratch, &used));
    LENS_TRY(take_lanes(&dy_lanes, dy, f, &f->beyond, scratch, &used));
    lens_tensor v = ocl_carve(scratch, &used, (lens_shape){1, panels_count(f), 1, 1});
    if (s->is_cached)
        return multiply_shares(u, &dy_lanes, &v, &x_lanes, f, s, add);
    block_range range = {.count = slice_blocks(f)};
    for (; range.first < f->blocks; range.first += range.count) {
        range.count = lens_size_min(range.count, f->blocks - range.first);
        LENS_TRY(transform_input(&v, &x_lanes, true, f, &range));
        LENS_TRY(multiply_tiles(u, &dy_lanes, &v, f, &range, add || range.first > 0));
    }
    return LENS_OK;
}

lens_status ocl_conv2d_winograd2_backward_weight(lens_tensor *dw, const lens_tensor *dy,
                                                 const lens_tensor *x, const lens_conv2d_opts *opts,
                                                 lens_tensor *scratch) {
    filtering f = filtering_of(2, LENS_FORWARD, x->shape, dw->shape, dy->shape, opts);
    split s = split_of(&f);
    size_t used = 0, images = f.images;
    lens_tensor u = ocl_carve(scratch, &used, (lens_shape){s.shares, products_count(&f), 1, 1});
    for (size_t first = 0; first < x->shape.n; first += images) {
        take_images(&f, lens_size_min(images, x->shape.n - first));
        lens_tensor x_slice = images_of(x, first, f.images);
        lens_tensor dy_slice = images_of(dy, first, f.images);
        LENS_TRY(multiply_slice(&u, &dy_slice, &x_slice, &f, &s, scratch, used, first > 0));
    }
    return transform_products(dw, &u, &f, s.shares);
}

static size_t weight_scratch(const filtering *f) {
    return split_of(f).shares * products_count(f) + from_count(f) + to_count(f) + panels_count(f);
}

/* ---- what it can do -------------------------------------------------------------------------- */

/* Whether it takes so much less products than the others that the transforms are paid for: tiles
 * are transformed for each channel and for each filter, filters once for all tiles. The others
 * multiply each tap with each pixel of y, or of dy. As `lenslet tune` showed it for the zoo. */
static bool pays(const lens_context *context, size_t out, lens_pass pass, lens_shape x,
                 lens_shape w, lens_shape y, const lens_conv2d_opts *opts) {
    bool is_weight = pass == LENS_BACKWARD_WEIGHT;
    filtering f = filtering_of(out, is_weight ? LENS_FORWARD : pass, x, w, y, opts);
    double tiles = (double)lens_size_round_up(f.to.n * f.tiles_h * f.tiles_w, BLOCK);
    double pixels = (double)lens_size_round_up(y.n * y.h * y.w, BLOCK);
    double transforms = TILE_COST / (double)f.channels + TILE_COST / (double)f.m;
    transforms += FILTER_COST / tiles;
    double lanes = (double)(f.panels * f.parts * PANEL * PANEL) / (double)(f.channels * f.m);
    double gain = (double)(f.taps * f.taps) * pixels / ((double)f.area * tiles * lanes);
    bool has_images = pass == LENS_BACKWARD_INPUT &&
                      ocl_conv2d_images_possible(context, pass, x, w, y, opts) &&
                      ocl_conv2d_images_pays(context, pass, x, w, y, opts);
    return gain >= (has_images ? IMAGES_GAIN : LEAST_GAIN) * (1 + transforms);
}

static bool possible(const lens_context *context, size_t out, lens_pass pass, lens_shape w,
                     const lens_conv2d_opts *opts) {
    bool is_dense = opts->stride_h == 1 && opts->stride_w == 1 && opts->dilation_h == 1 &&
                    opts->dilation_w == 1;
    bool is_zero = !ocl_has_padding(&opts->padding) || opts->padding.mode == LENS_PAD_ZERO;
    bool folds = pass == LENS_BACKWARD_INPUT && ocl_turn_of(w, opts).fold;
    bool is_known = w.h == w.w && (w.h == 3 || (w.h == 5 && out == 2));
    return ocl_is_cpu(context) && (pass != LENS_BACKWARD_WEIGHT || out == 2) && is_known &&
           is_dense && is_zero && !folds;
}

static size_t scratch_of(size_t out, lens_pass pass, lens_shape x, lens_shape w, lens_shape y,
                         const lens_conv2d_opts *opts) {
    bool is_weight = pass == LENS_BACKWARD_WEIGHT;
    filtering f = filtering_of(out, is_weight ? LENS_FORWARD : pass, x, w, y, opts);
    return is_weight ? weight_scratch(&f) : filter_scratch(&f);
}

/* ---- as two algorithms ----------------------------------------------------------------------- */

#define ALGORITHM(OUT)                                                                             \
    bool ocl_conv2d_winograd##OUT##_possible(const lens_context *context, lens_pass pass,          \
                                             lens_shape x, lens_shape w, lens_shape y,             \
                                             const lens_conv2d_opts *opts) {                       \
        (void)x, (void)y;                                                                          \
        return possible(context, OUT, pass, w, opts);                                              \
    }                                                                                              \
    bool ocl_conv2d_winograd##OUT##_pays(const lens_context *context, lens_pass pass,              \
                                         lens_shape x, lens_shape w, lens_shape y,                 \
                                         const lens_conv2d_opts *opts) {                           \
        return pays(context, OUT, pass, x, w, y, opts);                                            \
    }                                                                                              \
    size_t ocl_conv2d_winograd##OUT##_scratch(const lens_context *context, lens_pass pass,         \
                                              lens_shape x, lens_shape w, lens_shape y,            \
                                              const lens_conv2d_opts *opts) {                      \
        (void)context;                                                                             \
        return scratch_of(OUT, pass, x, w, y, opts);                                               \
    }                                                                                              \
    lens_status ocl_conv2d_winograd##OUT##_forward(                                                \
        lens_tensor *y, const lens_tensor *x, const lens_tensor *w, const lens_tensor *b,          \
        const lens_conv2d_opts *opts, lens_tensor *scratch) {                                      \
        filtering f = filtering_of(OUT, LENS_FORWARD, x->shape, w->shape, y->shape, opts);         \
        return filter(y, x, w, b, &opts->activation, f, scratch);                                  \
    }                                                                                              \
    lens_status ocl_conv2d_winograd##OUT##_backward_input(                                         \
        lens_tensor *dx, const lens_tensor *dy, const lens_tensor *w,                              \
        const lens_conv2d_opts *opts, lens_tensor *scratch) {                                      \
        lens_activation linear = {LENS_LINEAR, 0};                                                 \
        filtering f =                                                                              \
            filtering_of(OUT, LENS_BACKWARD_INPUT, dx->shape, w->shape, dy->shape, opts);          \
        return filter(dx, dy, w, NULL, &linear, f, scratch);                                       \
    }

ALGORITHM(2)
ALGORITHM(4)
