/* ocl_conv2d_packed.c: the convolution for CPU devices and many filters: packed panels.
 *
 * The kernels take an input that is padded and, where the stride is not 1, spread into planes in
 * which it is 1 (cl/conv2d_packed.cl). So before them go a pad2d and a spread into scratch, and the
 * filters are packed. The input's gradient is a convolution too: of dy, with zeros around it, by
 * the filters turned round. At a stride each tap's products with dy are added to the phase of dx
 * that it sees, and the phases are then put side by side.
 */
#include "opencl/ocl_conv2d_packed.h"
#include "core/size.h"
#include "opencl/ocl_conv2d_lanes.h"
#include "opencl/ocl_conv2d_pad.h"

/* As in cl/conv2d_packed.cl. */
#define TILE_FILTERS 8
#define PANEL_TAPS 128
#define TILE_PIXELS 32
#define TILE_FLOATS (TILE_FILTERS * TILE_PIXELS)
#define LANES OCL_PANEL
#define BLOCK_TAPS 96

/* Taps that a work-item of the input's gradient at a stride has at least, if there are so many. */
#define CHUNK_TAPS 64

/* Tiles of a panel, for which a packed filter is read once: of "packed" and of "packed-32", which
 * leaves less of the last panel empty. */
#define WIDE 3
#define NARROW 1
#define FEW_PIXELS 8192 /* for "packed-32" */

/* With fewer filters or pixels packing them costs more than it gains. */
#define LEAST_FILTERS 24
#define LEAST_PIXELS 32

/* The weight gradient lays dy out anew, which each tap of a pixel must pay for. */
#define LEAST_TAPS 256
#define MANY_TAPS 512
#define LARGE_MAP 1024

/* The weight gradient is split into at least so many work-items, over taps, groups and images: a
 * number that no device decides, so the sum's order does not depend on it. */
#define LEAST_PARTS 16

/* ---- shapes ---------------------------------------------------------------------------------- */

/* A convolution with a stride of 1, which everything is brought to. */
typedef struct unit_conv {
    lens_shape x;       /* as it lies in memory: padded and spread */
    size_t m, channels; /* filters and channels of a group */
    size_t r, s;
    size_t stride_h, stride_w; /* of the taps among the planes of x */
    size_t dilation_h, dilation_w, groups;
    size_t panel_tiles;
} unit_conv;

static bool is_strided(const lens_conv2d_opts *opts) {
    return opts->stride_h > 1 || opts->stride_w > 1;
}

static lens_shape spread_shape(lens_shape x, const lens_conv2d_opts *opts) {
    return (lens_shape){x.n, x.c * opts->stride_h * opts->stride_w,
                        lens_size_div_up(x.h, opts->stride_h),
                        lens_size_div_up(x.w, opts->stride_w)};
}

/* The input's gradient at a stride: each channel of dx in stride_h * stride_w phases, of which a
 * tap sees one. */
typedef struct scatter {
    lens_padding zeros;      /* of dy: rows as wide as a phase's, and room below for a tile */
    lens_shape phases;       /* with that room */
    size_t channels, chunks; /* of a work-item; in a group */
    size_t eights;           /* of a chunk's taps */
} scatter;

/* Rows of a phase beyond those of dy. */
static size_t phase_reach(size_t window, size_t dilation, size_t stride) {
    return (window - 1) * dilation / stride;
}

static scatter scatter_of(lens_shape w, lens_shape dy, const lens_conv2d_opts *opts) {
    size_t right = phase_reach(w.w, opts->dilation_w, opts->stride_w), window = w.h * w.w;
    size_t below = lens_size_div_up(TILE_PIXELS + right, dy.w + right);
    scatter s = {.zeros = {.right = right, .bottom = below, .mode = LENS_PAD_ZERO}};
    s.phases = (lens_shape){dy.n, w.c * opts->groups * opts->stride_h * opts->stride_w,
                            dy.h + below + phase_reach(w.h, opts->dilation_h, opts->stride_h),
                            dy.w + right};
    s.channels = lens_size_min(w.c, lens_size_div_up(CHUNK_TAPS, window));
    s.chunks = lens_size_div_up(w.c, s.channels);
    s.eights = lens_size_div_up(s.channels * window, TILE_FILTERS);
    return s;
}

static size_t scatter_packed_count(const scatter *s, lens_shape w, size_t groups) {
    return groups * s->chunks * s->eights * TILE_FILTERS * (w.n / groups);
}

/* Whether padding shows pixels, whose gradients are then folded together. */
static bool must_fold(const lens_padding *p) {
    return ocl_has_padding(p) && p->mode != LENS_PAD_ZERO && p->mode != LENS_PAD_CONSTANT;
}

static size_t packed_count(size_t m, size_t taps, size_t groups) {
    return groups * lens_size_round_up(m, TILE_FILTERS) * taps;
}

/* The weight gradient's split. */
typedef struct split {
    size_t blocks, block_taps, parts, part_images, tiles;
} split;

static split split_of(lens_shape x, lens_shape w, size_t groups) {
    size_t taps = w.c * w.h * w.w;
    split s = {.tiles = lens_size_div_up(w.n / groups, LANES)};
    s.block_taps =
        lens_size_round_up(lens_size_div_up(taps, lens_size_div_up(taps, BLOCK_TAPS)), 8);
    s.blocks = lens_size_div_up(taps, s.block_taps);
    size_t wanted = lens_size_min(x.n, lens_size_div_up(LEAST_PARTS, s.blocks * groups));
    s.part_images = lens_size_div_up(x.n, wanted);
    s.parts = lens_size_div_up(x.n, s.part_images);
    return s;
}

/* ---- what it is for -------------------------------------------------------------------------- */

/* Of a group; the input's gradient has one for each channel. */
static size_t filters_of(lens_pass pass, lens_shape w, const lens_conv2d_opts *opts) {
    return pass == LENS_BACKWARD_INPUT ? w.c : w.n / opts->groups;
}

static size_t local_bytes(lens_pass pass, lens_shape x, lens_shape w, lens_shape y,
                          const lens_conv2d_opts *opts) {
    if (pass == LENS_BACKWARD_INPUT && is_strided(opts))
        return scatter_of(w, y, opts).eights * TILE_FILTERS * sizeof(cl_int);
    if (pass == LENS_BACKWARD_WEIGHT) {
        split s = split_of(x, w, opts->groups);
        return s.block_taps * s.tiles * LANES * sizeof(float);
    }
    return WIDE * lens_size_div_up(filters_of(pass, w, opts), TILE_FILTERS) * TILE_FLOATS *
           sizeof(float);
}

bool ocl_conv2d_packed_possible(const lens_context *context, lens_pass pass, lens_shape x,
                                lens_shape w, lens_shape y, const lens_conv2d_opts *opts) {
    return ocl_is_cpu(context) && local_bytes(pass, x, w, y, opts) <= context->device.local_bytes;
}

bool ocl_conv2d_packed_pays(const lens_context *context, lens_pass pass, lens_shape x, lens_shape w,
                            lens_shape y, const lens_conv2d_opts *opts) {
    (void)context, (void)x;
    size_t filters = filters_of(pass, w, opts);
    size_t taps = w.c * w.h * w.w, map = y.h * y.w;
    bool lays_much_out = taps < LEAST_TAPS || (taps < MANY_TAPS && map > LARGE_MAP);
    if (pass == LENS_BACKWARD_INPUT && is_strided(opts))
        return true; /* what else there is multiplies zeros, or goes pixel by pixel */
    return filters >= LEAST_FILTERS && y.n * map >= LEAST_PIXELS &&
           !(pass == LENS_BACKWARD_WEIGHT && lays_much_out);
}

bool ocl_conv2d_packed_32_possible(const lens_context *context, lens_pass pass, lens_shape x,
                                   lens_shape w, lens_shape y, const lens_conv2d_opts *opts) {
    return pass != LENS_BACKWARD_WEIGHT && ocl_conv2d_packed_possible(context, pass, x, w, y, opts);
}

bool ocl_conv2d_packed_32_pays(const lens_context *context, lens_pass pass, lens_shape x,
                               lens_shape w, lens_shape y, const lens_conv2d_opts *opts) {
    return y.n * y.h * y.w < FEW_PIXELS && ocl_conv2d_packed_pays(context, pass, x, w, y, opts);
}

static size_t prepared_count(lens_shape x, const lens_conv2d_opts *opts) {
    lens_shape padded = ocl_padded_shape(x, &opts->padding);
    size_t count = ocl_has_padding(&opts->padding) ? ocl_count_of(padded) : 0;
    return count + (is_strided(opts) ? ocl_count_of(spread_shape(padded, opts)) : 0);
}

static size_t backward_input_scratch(lens_shape x, lens_shape w, lens_shape y,
                                     const lens_conv2d_opts *opts) {
    size_t folded = ocl_count_of(ocl_padded_shape(x, &opts->padding));
    if (!is_strided(opts)) {
        ocl_turn t = ocl_turn_of(w, opts);
        return packed_count(w.c, w.n / opts->groups * w.h * w.w, opts->groups) +
               ocl_count_of(ocl_padded_shape(y, &t.zeros)) + (t.fold ? folded : 0);
    }
    scatter s = scatter_of(w, y, opts);
    return scatter_packed_count(&s, w, opts->groups) + ocl_count_of(ocl_padded_shape(y, &s.zeros)) +
           ocl_count_of(s.phases) + (must_fold(&opts->padding) ? folded : 0);
}

size_t ocl_conv2d_packed_scratch(const lens_context *context, lens_pass pass, lens_shape x,
                                 lens_shape w, lens_shape y, const lens_conv2d_opts *opts) {
    (void)context;
    if (pass == LENS_BACKWARD_INPUT)
        return backward_input_scratch(x, w, y, opts);
    size_t taps = w.c * w.h * w.w;
    if (pass == LENS_FORWARD)
        return prepared_count(x, opts) + packed_count(w.n / opts->groups, taps, opts->groups);
    split s = split_of(x, w, opts->groups);
    size_t lanes = opts->groups * s.tiles * LANES * y.n * y.h * y.w;
    return prepared_count(x, opts) + lanes + (s.parts > 1 ? s.parts * ocl_count_of(w) : 0);
}

/* ---- launches -------------------------------------------------------------------------------- */

static lens_status spread(lens_tensor *out, const lens_tensor *x, const lens_conv2d_opts *opts) {
    ocl_launch launch = ocl_begin(x->context, "conv2d_packed", "conv2d_packed_spread", "");
    size_t rows = x->shape.n * x->shape.c * opts->stride_h * out->shape.h;
    ocl_arg_tensor(&launch, out);
    ocl_arg_tensor(&launch, x);
    ocl_arg_int(&launch, x->shape.h);
    ocl_arg_int(&launch, x->shape.w);
    ocl_arg_int(&launch, out->shape.h);
    ocl_arg_int(&launch, out->shape.w);
    ocl_arg_int(&launch, opts->stride_h);
    ocl_arg_int(&launch, opts->stride_w);
    ocl_arg_int(&launch, rows);
    return ocl_run_1d(&launch, rows);
}

/* x as the kernels take it: itself, or padded and spread in scratch. */
static lens_status prepare(lens_tensor *out, const lens_tensor *x, const lens_conv2d_opts *opts,
                           const lens_tensor *scratch, size_t *used) {
    lens_tensor padded;
    LENS_TRY(ocl_pad(&padded, x, &opts->padding, scratch, used));
    *out = padded;
    if (!is_strided(opts))
        return LENS_OK;
    *out = ocl_carve(scratch, used, spread_shape(padded.shape, opts));
    return spread(out, &padded, opts);
}

static lens_status run_packing(ocl_launch *launch, const unit_conv *conv) {
    size_t taps = conv->channels * conv->r * conv->s;
    const size_t global[] = {lens_size_div_up(conv->m, TILE_FILTERS),
                             lens_size_div_up(taps, PANEL_TAPS), conv->groups};
    const size_t local[] = {1, 1, 1};
    return ocl_run(launch, 3, global, local);
}

static lens_status pack_weights(lens_tensor *packed, const lens_tensor *w, const unit_conv *conv) {
    ocl_launch launch = ocl_begin(w->context, "conv2d_packed", "conv2d_packed_weights", "");
    ocl_arg_tensor(&launch, packed);
    ocl_arg_tensor(&launch, w);
    ocl_arg_int(&launch, conv->m);
    ocl_arg_int(&launch, conv->channels * conv->r * conv->s);
    return run_packing(&launch, conv);
}

/* For dy to dx. */
static lens_status pack_turned(lens_tensor *packed, const lens_tensor *w, const unit_conv *conv) {
    ocl_launch launch = ocl_begin(w->context, "conv2d_packed", "conv2d_packed_turned_weights", "");
    ocl_arg_tensor(&launch, packed);
    ocl_arg_tensor(&launch, w);
    ocl_arg_int(&launch, conv->m);
    ocl_arg_int(&launch, conv->channels * conv->r * conv->s);
    ocl_arg_int(&launch, conv->channels);
    ocl_arg_int(&launch, conv->r * conv->s);
    return run_packing(&launch, conv);
}

/* For dy to the phases of dx. */
static lens_status pack_chunks(lens_tensor *packed, const lens_tensor *w, const scatter *s,
                               size_t groups) {
    ocl_launch launch = ocl_begin(w->context, "conv2d_packed", "conv2d_packed_chunks", "");
    ocl_arg_tensor(&launch, packed);
    ocl_arg_tensor(&launch, w);
    ocl_arg_int(&launch, w->shape.n / groups);
    ocl_arg_int(&launch, w->shape.c);
    ocl_arg_int(&launch, w->shape.h * w->shape.w);
    ocl_arg_int(&launch, s->channels);
    const size_t global[] = {s->eights, s->chunks, groups}, local[] = {1, 1, 1};
    return ocl_run(&launch, 3, global, local);
}

/* CONV2D_PACKED_SIZES of cl/conv2d_packed.cl. */
static void arg_sizes(ocl_launch *launch, const unit_conv *conv, lens_shape y) {
    ocl_arg_shape(launch, conv->x);
    ocl_arg_int(launch, conv->m * conv->groups);
    ocl_arg_int(launch, conv->channels);
    ocl_arg_int(launch, conv->r);
    ocl_arg_int(launch, conv->s);
    ocl_arg_int(launch, y.h);
    ocl_arg_int(launch, y.w);
    ocl_arg_int(launch, conv->groups);
    ocl_arg_int(launch, conv->stride_h);
    ocl_arg_int(launch, conv->stride_w);
    ocl_arg_int(launch, conv->dilation_h);
    ocl_arg_int(launch, conv->dilation_w);
}

static lens_status convolve(lens_tensor *y, const lens_tensor *x, const lens_tensor *packed,
                            const lens_tensor *b, const lens_activation *activation,
                            const unit_conv *conv) {
    ocl_launch launch = ocl_begin(y->context, "conv2d_packed", "conv2d_packed_forward",
                                  conv->panel_tiles == NARROW ? "-DPANEL_TILES=1" : "");
    ocl_arg_tensor(&launch, y);
    ocl_arg_tensor(&launch, x);
    ocl_arg_tensor(&launch, packed);
    ocl_arg_tensor(&launch, b);
    ocl_arg_int(&launch, b != NULL);
    ocl_arg_int(&launch, activation->kind);
    ocl_arg_float(&launch, activation->alpha);
    ocl_arg_local(&launch, conv->panel_tiles * lens_size_div_up(conv->m, TILE_FILTERS) *
                               TILE_FLOATS * sizeof(float));
    arg_sizes(&launch, conv, y->shape);
    size_t pixels = y->shape.n * y->shape.h * y->shape.w;
    const size_t global[] = {lens_size_div_up(pixels, conv->panel_tiles * TILE_PIXELS),
                             conv->groups};
    const size_t local[] = {1, 1};
    return ocl_run(&launch, 2, global, local);
}

/* ---- the passes ------------------------------------------------------------------------------ */

static unit_conv unit_of(lens_shape prepared, lens_shape w, const lens_conv2d_opts *opts,
                         size_t panel_tiles) {
    return (unit_conv){.x = prepared,
                       .m = w.n / opts->groups,
                       .channels = w.c,
                       .r = w.h,
                       .s = w.w,
                       .stride_h = opts->stride_h,
                       .stride_w = opts->stride_w,
                       .dilation_h = opts->dilation_h,
                       .dilation_w = opts->dilation_w,
                       .groups = opts->groups,
                       .panel_tiles = panel_tiles};
}

static lens_status forward(lens_tensor *y, const lens_tensor *x, const lens_tensor *w,
                           const lens_tensor *b, const lens_conv2d_opts *opts, lens_tensor *scratch,
                           size_t panel_tiles) {
    size_t used = 0;
    lens_tensor prepared, packed;
    LENS_TRY(prepare(&prepared, x, opts, scratch, &used));
    unit_conv conv = unit_of(prepared.shape, w->shape, opts, panel_tiles);
    size_t count = packed_count(conv.m, conv.channels * conv.r * conv.s, conv.groups);
    packed = ocl_carve(scratch, &used, (lens_shape){1, count, 1, 1});
    LENS_TRY(pack_weights(&packed, w, &conv));
    return convolve(y, &prepared, &packed, b, &opts->activation, &conv);
}

/* dy, with zeros around it, through the turned filters. */
static lens_status convolve_back(lens_tensor *out, const lens_tensor *dy, const lens_tensor *w,
                                 unit_conv *conv, const lens_padding *zeros, lens_tensor *scratch,
                                 size_t *used) {
    lens_tensor wide, packed;
    LENS_TRY(ocl_pad(&wide, dy, zeros, scratch, used));
    conv->x = wide.shape;
    size_t count = packed_count(conv->m, conv->channels * conv->r * conv->s, conv->groups);
    packed = ocl_carve(scratch, used, (lens_shape){1, count, 1, 1});
    LENS_TRY(pack_turned(&packed, w, conv));
    lens_activation linear = {LENS_LINEAR, 0};
    return convolve(out, &wide, &packed, NULL, &linear, conv);
}

static lens_status scatter_phases(lens_tensor *phases, const lens_tensor *dy,
                                  const lens_tensor *packed, lens_shape w, size_t rows,
                                  const scatter *s, const lens_conv2d_opts *opts) {
    ocl_launch launch = ocl_begin(dy->context, "conv2d_packed", "conv2d_packed_scatter", "");
    ocl_arg_tensor(&launch, phases);
    ocl_arg_tensor(&launch, dy);
    ocl_arg_tensor(&launch, packed);
    ocl_arg_local(&launch, s->eights * TILE_FILTERS * sizeof(cl_int));
    ocl_arg_int(&launch, s->channels);
    ocl_arg_int(&launch, w.c);
    ocl_arg_int(&launch, w.n / opts->groups);
    ocl_arg_int(&launch, s->phases.h);
    ocl_arg_int(&launch, s->phases.w);
    ocl_arg_int(&launch, rows);
    ocl_arg_int(&launch, dy->shape.h);
    ocl_arg_int(&launch, w.h);
    ocl_arg_int(&launch, w.w);
    ocl_arg_int(&launch, opts->stride_h);
    ocl_arg_int(&launch, opts->stride_w);
    ocl_arg_int(&launch, opts->dilation_h);
    ocl_arg_int(&launch, opts->dilation_w);
    const size_t global[] = {dy->shape.n, s->chunks, opts->groups}, local[] = {1, 1, 1};
    return ocl_run(&launch, 3, global, local);
}

static lens_status gather_phases(lens_tensor *dx, const lens_tensor *phases,
                                 const lens_conv2d_opts *opts, size_t top, size_t left) {
    ocl_launch launch = ocl_begin(dx->context, "conv2d_packed", "conv2d_packed_gather_phases", "");
    size_t rows = dx->shape.n * dx->shape.c * dx->shape.h;
    ocl_arg_tensor(&launch, dx);
    ocl_arg_tensor(&launch, phases);
    ocl_arg_int(&launch, dx->shape.h);
    ocl_arg_int(&launch, dx->shape.w);
    ocl_arg_int(&launch, phases->shape.h);
    ocl_arg_int(&launch, phases->shape.w);
    ocl_arg_int(&launch, opts->stride_h);
    ocl_arg_int(&launch, opts->stride_w);
    ocl_arg_int(&launch, top);
    ocl_arg_int(&launch, left);
    ocl_arg_int(&launch, rows);
    return ocl_run_1d(&launch, rows);
}

static lens_status backward_input_strided(lens_tensor *dx, const lens_tensor *dy,
                                          const lens_tensor *w, const lens_conv2d_opts *opts,
                                          lens_tensor *scratch) {
    size_t used = 0;
    const lens_padding *p = &opts->padding;
    scatter s = scatter_of(w->shape, dy->shape, opts);
    size_t count = scatter_packed_count(&s, w->shape, opts->groups);
    lens_tensor wide, packed = ocl_carve(scratch, &used, (lens_shape){1, count, 1, 1});
    LENS_TRY(pack_chunks(&packed, w, &s, opts->groups));
    LENS_TRY(ocl_pad(&wide, dy, &s.zeros, scratch, &used));
    lens_tensor phases = ocl_carve(scratch, &used, s.phases);
    LENS_TRY(scatter_phases(&phases, &wide, &packed, w->shape, dy->shape.h, &s, opts));
    if (!must_fold(p))
        return gather_phases(dx, &phases, opts, p->top, p->left);
    lens_tensor folded = ocl_carve(scratch, &used, ocl_padded_shape(dx->shape, p));
    LENS_TRY(gather_phases(&folded, &phases, opts, 0, 0));
    return ocl_pad2d_backward_input(dx, &folded, p);
}

static lens_status backward_input(lens_tensor *dx, const lens_tensor *dy, const lens_tensor *w,
                                  const lens_conv2d_opts *opts, lens_tensor *scratch,
                                  size_t panel_tiles) {
    if (is_strided(opts))
        return backward_input_strided(dx, dy, w, opts, scratch);
    size_t used = 0;
    ocl_turn t = ocl_turn_of(w->shape, opts);
    unit_conv conv = unit_of(dy->shape, w->shape, opts, panel_tiles);
    conv.m = w->shape.c;
    conv.channels = w->shape.n / opts->groups;
    if (!t.fold)
        return convolve_back(dx, dy, w, &conv, &t.zeros, scratch, &used);
    lens_tensor folded = ocl_carve(scratch, &used, ocl_padded_shape(dx->shape, &opts->padding));
    LENS_TRY(convolve_back(&folded, dy, w, &conv, &t.zeros, scratch, &used));
    return ocl_pad2d_backward_input(dx, &folded, &opts->padding);
}

#define TILES(NAME, PANEL_TILES)                                                                   \
    lens_status ocl_conv2d_##NAME##_forward(lens_tensor *y, const lens_tensor *x,                  \
                                            const lens_tensor *w, const lens_tensor *b,            \
                                            const lens_conv2d_opts *opts, lens_tensor *scratch) {  \
        return forward(y, x, w, b, opts, scratch, PANEL_TILES);                                    \
    }                                                                                              \
    lens_status ocl_conv2d_##NAME##_backward_input(                                                \
        lens_tensor *dx, const lens_tensor *dy, const lens_tensor *w,                              \
        const lens_conv2d_opts *opts, lens_tensor *scratch) {                                      \
        return backward_input(dx, dy, w, opts, scratch, PANEL_TILES);                              \
    }

TILES(packed, WIDE)
TILES(packed_32, NARROW)

static lens_status add_parts(lens_tensor *dw, const lens_tensor *parts, size_t count) {
    ocl_launch launch = ocl_begin(dw->context, "conv2d_packed", "conv2d_packed_add_parts", "");
    ocl_arg_tensor(&launch, dw);
    ocl_arg_tensor(&launch, parts);
    ocl_arg_int(&launch, dw->count);
    ocl_arg_int(&launch, count);
    return ocl_run_1d(&launch, lens_size_div_up(dw->count, 16));
}

static lens_status sum_blocks(lens_tensor *parts, const lens_tensor *dy, const lens_tensor *x,
                              lens_shape w, const split *s, const lens_conv2d_opts *opts,
                              const lens_tensor *scratch, size_t used) {
    size_t groups = opts->groups;
    unit_conv conv = unit_of(x->shape, w, opts, WIDE);
    lens_tensor lanes =
        ocl_carve(scratch, &used,
                  (lens_shape){groups * s->tiles * LANES, dy->shape.n, dy->shape.h, dy->shape.w});
    LENS_TRY(
        ocl_lanes_pack(&lanes, dy, groups, &(lens_padding){0}, ocl_lanes_by_panels(dy->shape)));
    ocl_launch launch =
        ocl_begin(dy->context, "conv2d_packed", "conv2d_packed_backward_weight", "");
    ocl_arg_tensor(&launch, parts);
    ocl_arg_tensor(&launch, &lanes);
    ocl_arg_tensor(&launch, x);
    ocl_arg_local(&launch, s->block_taps * s->tiles * LANES * sizeof(float));
    ocl_arg_int(&launch, s->block_taps);
    ocl_arg_int(&launch, s->part_images);
    arg_sizes(&launch, &conv, dy->shape);
    const size_t global[] = {s->blocks, s->parts, groups}, local[] = {1, 1, 1};
    return ocl_run(&launch, 3, global, local);
}

lens_status ocl_conv2d_packed_backward_weight(lens_tensor *dw, const lens_tensor *dy,
                                              const lens_tensor *x, const lens_conv2d_opts *opts,
                                              lens_tensor *scratch) {
    size_t used = 0, groups = opts->groups;
    split s = split_of(x->shape, dw->shape, groups);
    lens_tensor prepared, parts = *dw;
    LENS_TRY(prepare(&prepared, x, opts, scratch, &used));
    if (s.parts > 1)
        parts = ocl_carve(scratch, &used, (lens_shape){s.parts, dw->count, 1, 1});
    LENS_TRY(sum_blocks(&parts, dy, &prepared, dw->shape, &s, opts, scratch, used));
    return s.parts > 1 ? add_parts(dw, &parts, s.parts) : LENS_OK;
}
