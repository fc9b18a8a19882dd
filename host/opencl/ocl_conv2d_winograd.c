/* ocl_conv2d_winograd.c: 3x3 and 5x5 convolutions by Winograd's minimal filtering, on CPU devices.
 *
 * Some images at a time: their input is padded so that whole tiles cover the output. Then some
 * blocks of tiles at a time, which stay in the caches, are transformed, multiplied with the
 * transformed filters and transformed back. The input's gradient is the same for dy and the filters
 * turned round. cl/conv2d_winograd.cl has the mathematics.
 */
#include "opencl/ocl_conv2d_winograd.h"
#include "core/size.h"
#include "opencl/ocl_conv2d_pad.h"

/* As in cl/conv2d_winograd.cl. */
#define TILE_FILTERS 8
#define GROUP_FILTERS 16
#define BLOCK 32
#define GAP 32
#define LANES 16
#define CHANNELS 32
#define PART_PANELS 4

/* What the transforms of a tile's element, and of a filter's, cost in products. */
#define TILE_COST 16.0
#define FILTER_COST 40.0
#define LEAST_GAIN 1.15
#define LEAST_TILES 4 /* of an image */

/* Images done at a time, so that what lies in scratch stays small; and of their transformed input
 * as many blocks as fill so many floats of the larger caches. */
#define SLICE_IMAGES 16
#define SLICE_FLOATS 2097152

/* ---- shapes ---------------------------------------------------------------------------------- */

/* One direction of the convolution: of x to y, or of dy to dx. */
typedef struct filtering {
    size_t out, taps, area;       /* outputs of a tile along an axis; taps; elements of a tile */
    const char *options;          /* of the program */
    lens_shape from, to;          /* all images */
    size_t m, channels, groups;   /* filters and channels of a group */
    bool turned;                  /* the filters, for dy to dx */
    lens_padding padding;         /* of `from`: the convolution's and what whole tiles need */
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

static filtering filtering_of(size_t out, lens_pass pass, lens_shape x, lens_shape w, lens_shape y,
                              const lens_conv2d_opts *opts) {
    filtering f = kind_of(out, w.h);
    f.groups = opts->groups;
    f.turned = pass == LENS_BACKWARD_INPUT;
    f.from = f.turned ? y : x;
    f.to = f.turned ? x : y;
    f.m = f.turned ? w.c : w.n / opts->groups;
    f.channels = f.turned ? w.n / opts->groups : w.c;
    f.padding = f.turned ? ocl_turn_of(w, opts).zeros : opts->padding;
    f.tiles_h = lens_size_div_up(f.to.h, f.out);
    f.tiles_w = lens_size_div_up(f.to.w, f.out);
    f.padding.bottom += f.tiles_h * f.out - f.to.h;
    f.padding.right += f.tiles_w * f.out - f.to.w;
    take_images(&f, lens_size_min(f.from.n, SLICE_IMAGES));
    return f;
}

static size_t parts_of(const filtering *f) {
    return lens_size_div_up(f->m, GROUP_FILTERS);
}

static size_t filters_count(const filtering *f) {
    return f->groups * parts_of(f) * f->area * (GROUP_FILTERS * f->channels + GAP);
}

/* Of an element of the tiles of a block. */
static size_t input_element(const filtering *f) {
    return f->groups * f->channels * BLOCK + GAP;
}

/* Blocks of a slice that are done at a time; `element` floats of a block are of one element. */
static size_t slice_blocks(const filtering *f, size_t element) {
    size_t most = SLICE_FLOATS / (f->area * element);
    return lens_size_min(f->blocks, most ? most : 1);
}

static size_t input_count(const filtering *f) {
    return slice_blocks(f, input_element(f)) * f->area * input_element(f);
}

static size_t padded_count(const filtering *f) {
    lens_shape slice = f->from;
    slice.n = f->images;
    return ocl_has_padding(&f->padding) ? ocl_count_of(ocl_padded_shape(slice, &f->padding)) : 0;
}

/* ---- launches -------------------------------------------------------------------------------- */

static ocl_launch begin(const filtering *f, lens_context *context, const char *kernel) {
    return ocl_begin(context, "conv2d_winograd", kernel, f->options);
}

static lens_status transform_filters(lens_tensor *packed, const lens_tensor *w,
                                     const filtering *f) {
    size_t taps = f->taps * f->taps, c_count = w->shape.c * taps;
    ocl_launch launch = begin(f, w->context, "conv2d_winograd_filters");
    ocl_arg_tensor(&launch, packed);
    ocl_arg_tensor(&launch, w);
    ocl_arg_int(&launch, f->m);
    ocl_arg_int(&launch, f->turned ? taps : c_count);
    ocl_arg_int(&launch, f->turned ? c_count : taps);
    ocl_arg_int(&launch, w->count / f->groups);
    ocl_arg_int(&launch, f->turned);
    const size_t global[] = {f->channels, lens_size_div_up(f->m, TILE_FILTERS), f->groups};
    const size_t local[] = {1, 1, 1};
    return ocl_run(&launch, 3, global, local);
}

/* Blocks first .. first+count-1 of a slice. */
typedef struct block_range {
    size_t first, count;
} block_range;

static void arg_tiles(ocl_launch *launch, const filtering *f) {
    ocl_arg_int(launch, f->tiles);
    ocl_arg_int(launch, f->tiles_h);
    ocl_arg_int(launch, f->tiles_w);
}

static void arg_input(ocl_launch *launch, lens_tensor *v, const lens_tensor *x, const filtering *f,
                      const block_range *range) {
    ocl_arg_tensor(launch, v);
    ocl_arg_tensor(launch, x);
    ocl_arg_int(launch, range->first);
    arg_tiles(launch, f);
    ocl_arg_int(launch, x->shape.h);
    ocl_arg_int(launch, x->shape.w);
    ocl_arg_int(launch, x->shape.n);
}

static lens_status transform_input(lens_tensor *v, const lens_tensor *x, const filtering *f,
                                   const block_range *range) {
    ocl_launch launch = begin(f, x->context, "conv2d_winograd_input");
    arg_input(&launch, v, x, f, range);
    const size_t global[] = {range->count, x->shape.c}, local[] = {1, 1};
    return ocl_run(&launch, 2, global, local);
}

/* Multiplied and transformed back. */
static lens_status transform_output(lens_tensor *y, const lens_tensor *packed, const lens_tensor *v,
                                    const lens_tensor *b, const lens_activation *activation,
                                    const filtering *f, const block_range *range) {
    ocl_launch launch = begin(f, y->context, "conv2d_winograd_output");
    ocl_arg_tensor(&launch, y);
    ocl_arg_tensor(&launch, packed);
    ocl_arg_tensor(&launch, v);
    ocl_arg_tensor(&launch, b);
    ocl_arg_int(&launch, b != NULL);
    ocl_arg_int(&launch, activation->kind);
    ocl_arg_float(&launch, activation->alpha);
    ocl_arg_int(&launch, range->first);
    arg_tiles(&launch, f);
    ocl_arg_int(&launch, f->channels);
    ocl_arg_int(&launch, f->m);
    ocl_arg_int(&launch, y->shape.h);
    ocl_arg_int(&launch, y->shape.w);
    const size_t global[] = {parts_of(f), f->groups, range->count}, local[] = {1, 1, 1};
    return ocl_run(&launch, 3, global, local);
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

static lens_status filter_slice(lens_tensor *to, const lens_tensor *from, const lens_tensor *packed,
                                const lens_tensor *b, const lens_activation *activation,
                                const filtering *f, const lens_tensor *scratch, size_t used) {
    lens_tensor padded;
    LENS_TRY(ocl_pad(&padded, from, &f->padding, scratch, &used));
    lens_tensor v = ocl_carve(scratch, &used, (lens_shape){1, input_count(f), 1, 1});
    block_range range = {.count = slice_blocks(f, input_element(f))};
    for (; range.first < f->blocks; range.first += range.count) {
        range.count = lens_size_min(range.count, f->blocks - range.first);
        LENS_TRY(transform_input(&v, &padded, f, &range));
        LENS_TRY(transform_output(to, packed, &v, b, activation, f, &range));
    }
    return LENS_OK;
}

static lens_status filter(lens_tensor *to, const lens_tensor *from, const lens_tensor *w,
                          const lens_tensor *b, const lens_activation *activation, filtering f,
                          const lens_tensor *scratch) {
    size_t used = 0, images = f.images;
    lens_tensor packed = ocl_carve(scratch, &used, (lens_shape){1, filters_count(&f), 1, 1});
    LENS_TRY(transform_filters(&packed, w, &f));
    for (size_t first = 0; first < f.from.n; first += images) {
        take_images(&f, lens_size_min(images, f.from.n - first));
        lens_tensor from_slice = images_of(from, first, f.images);
        lens_tensor to_slice = images_of(to, first, f.images);
        LENS_TRY(filter_slice(&to_slice, &from_slice, &packed, b, activation, &f, scratch, used));
    }
    return LENS_OK;
}

/* ---- the weight gradient --------------------------------------------------------------------- */

static size_t panels_of(const filtering *f) {
    return lens_size_div_up(f->channels, CHANNELS);
}

/* As V_ELEMENT and U_ELEMENT. */
static size_t panels_element(const filtering *f) {
    return f->groups * panels_of(f) * BLOCK * CHANNELS + GAP;
}

static size_t panels_count(const filtering *f) {
    return slice_blocks(f, panels_element(f)) * f->area * panels_element(f);
}

static size_t products_count(const filtering *f) {
    return f->groups * parts_of(f) * f->area * (panels_of(f) * GROUP_FILTERS * CHANNELS + GAP);
}

/* The transformed input, channels side by side. */
static lens_status transform_panels(lens_tensor *v, const lens_tensor *x, const filtering *f,
                                    const block_range *range) {
    ocl_launch launch = begin(f, x->context, "conv2d_winograd_panels");
    arg_input(&launch, v, x, f, range);
    ocl_arg_int(&launch, f->channels);
    const size_t global[] = {range->count, 2 * panels_of(f), f->groups}, local[] = {1, 1, 1};
    return ocl_run(&launch, 3, global, local);
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
    ocl_arg_int(&launch, dy->shape.h);
    ocl_arg_int(&launch, dy->shape.w);
    ocl_arg_int(&launch, dy->shape.n);
    ocl_arg_int(&launch, f->m);
    ocl_arg_int(&launch, panels_of(f));
    ocl_arg_int(&launch, add);
    const size_t global[] = {parts_of(f), lens_size_div_up(panels_of(f), PART_PANELS), f->groups};
    const size_t local[] = {1, 1, 1};
    return ocl_run(&launch, 3, global, local);
}

static lens_status transform_products(lens_tensor *dw, const lens_tensor *u, const filtering *f) {
    ocl_launch launch = begin(f, dw->context, "conv2d_winograd_gradients");
    ocl_arg_tensor(&launch, dw);
    ocl_arg_tensor(&launch, u);
    ocl_arg_int(&launch, f->channels);
    const size_t global[] = {lens_size_div_up(f->channels, LANES), f->m, f->groups};
    const size_t local[] = {1, 1, 1};
    return ocl_run(&launch, 3, global, local);
}

static lens_status multiply_slice(lens_tensor *u, const lens_tensor *dy, const lens_tensor *x,
                                  const filtering *f, const lens_tensor *scratch, size_t used,
                                  bool add) {
    lens_tensor padded;
    LENS_TRY(ocl_pad(&padded, x, &f->padding, scratch, &used));
    lens_tensor v = ocl_carve(scratch, &used, (lens_shape){1, panels_count(f), 1, 1});
    block_range range = {.count = slice_blocks(f, panels_element(f))};
    for (; range.first < f->blocks; range.first += range.count) {
        range.count = lens_size_min(range.count, f->blocks - range.first);
        LENS_TRY(transform_panels(&v, &padded, f, &range));
        LENS_TRY(multiply_tiles(u, dy, &v, f, &range, add || range.first > 0));
    }
    return LENS_OK;
}

lens_status ocl_conv2d_winograd2_backward_weight(lens_tensor *dw, const lens_tensor *dy,
                                                 const lens_tensor *x, const lens_conv2d_opts *opts,
                                                 lens_tensor *scratch) {
    filtering f = filtering_of(2, LENS_FORWARD, x->shape, dw->shape, dy->shape, opts);
    size_t used = 0, images = f.images;
    lens_tensor u = ocl_carve(scratch, &used, (lens_shape){1, products_count(&f), 1, 1});
    for (size_t first = 0; first < x->shape.n; first += images) {
        take_images(&f, lens_size_min(images, x->shape.n - first));
        lens_tensor x_slice = images_of(x, first, f.images);
        lens_tensor dy_slice = images_of(dy, first, f.images);
        LENS_TRY(multiply_slice(&u, &dy_slice, &x_slice, &f, scratch, used, first > 0));
    }
    return transform_products(dw, &u, &f);
}

/* ---- what it can do -------------------------------------------------------------------------- */

/* Whether it takes so much less products than "packed" that the transforms are paid for: tiles are
 * transformed for each channel and for each filter, filters once for all tiles. As `lenslet tune`
 * showed it for the zoo. */
static bool pays(size_t out, lens_pass pass, lens_shape x, lens_shape w, lens_shape y,
                 const lens_conv2d_opts *opts) {
    bool is_weight = pass == LENS_BACKWARD_WEIGHT;
    filtering f = filtering_of(out, is_weight ? LENS_FORWARD : pass, x, w, y, opts);
    double tiles = (double)lens_size_round_up(f.to.n * f.tiles_h * f.tiles_w, BLOCK);
    double pixels = (double)lens_size_round_up(f.to.n * f.to.h * f.to.w, BLOCK);
    double transforms = TILE_COST / (double)f.channels + TILE_COST / (double)f.m;
    transforms += FILTER_COST / tiles;
    double gain = (double)(f.taps * f.taps) * pixels / ((double)f.area * tiles);
    return f.tiles_h * f.tiles_w >= LEAST_TILES && gain >= LEAST_GAIN * (1 + transforms);
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
    return padded_count(&f) + (is_weight ? products_count(&f) + panels_count(&f)
                                         : filters_count(&f) + input_count(&f));
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
        (void)context;                                                                             \
        return pays(OUT, pass, x, w, y, opts);                                                     \
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
