/* ocl_conv2d_blocked.c: the convolution for CPU devices: register tiles over gathered patches.
 *
 * The kernels take an input that is padded already, so padding, in any mode, is a pad2d into
 * scratch in front, and in the input's gradient a pad2d gradient behind. The input's gradient is
 * itself a convolution, of dy padded by the filter's reach with the filters turned round; that
 * needs a stride of 1.
 */
#include "opencl/ocl_conv2d_blocked.h"
#include "core/size.h"
#include "opencl/ocl_conv2d_pad.h"

/* As in cl/conv2d_blocked.cl. */
#define TILE_PIXELS 32
#define PANEL_TAPS 256

/* The weight gradient's split over images: a number that no device decides, so the sum's order does
 * not depend on it. */
#define MAX_PARTS 16
#define PANEL_FLOATS 16384 /* 64 KiB of patches at a time stay in the cache */

bool ocl_conv2d_blocked_possible(const lens_context *context, lens_pass pass, lens_shape x,
                                 lens_shape w, lens_shape y, const lens_conv2d_opts *opts) {
    (void)x, (void)y;
    bool small_window = w.h * w.w <= PANEL_TAPS;
    bool unit_stride = opts->stride_h == 1 && opts->stride_w == 1;
    return ocl_is_cpu(context) && small_window && (pass != LENS_BACKWARD_INPUT || unit_stride);
}

/* ---- shapes of what lies in scratch -------------------------------------------------------- */

typedef struct split {
    size_t parts, part_images, panel_pixels, row; /* row: taps rounded up to whole tiles */
} split;

static split split_of(lens_shape x, lens_shape w, lens_shape y) {
    split s = {.row = lens_size_round_up(w.c * w.h * w.w, TILE_PIXELS)};
    s.part_images = lens_size_div_up(x.n, MAX_PARTS);
    s.parts = lens_size_div_up(x.n, s.part_images);
    s.panel_pixels =
        lens_size_min(s.part_images * y.h * y.w, lens_size_max(8, PANEL_FLOATS / s.row));
    return s;
}

size_t ocl_conv2d_blocked_scratch(const lens_context *context, lens_pass pass, lens_shape x,
                                  lens_shape w, lens_shape y, const lens_conv2d_opts *opts) {
    (void)context;
    size_t padded =
        ocl_has_padding(&opts->padding) ? ocl_count_of(ocl_padded_shape(x, &opts->padding)) : 0;
    if (pass == LENS_FORWARD)
        return padded;
    if (pass == LENS_BACKWARD_INPUT) {
        ocl_turn t = ocl_turn_of(w, opts);
        return ocl_count_of(w) + ocl_count_of(ocl_padded_shape(y, &t.zeros)) +
               (t.fold ? padded : 0);
    }
    split s = split_of(x, w, y);
    size_t panel = s.panel_pixels * s.row + 8; /* a vector may be stored at its very end */
    return padded + s.parts * w.n * s.row + s.parts * opts->groups * panel;
}

/* ---- launches ------------------------------------------------------------------------------ */

/* CONV2D_BLOCKED_SIZES of cl/conv2d_blocked.cl; x is the padded input. */
static void arg_sizes(ocl_launch *launch, lens_shape x, lens_shape w, lens_shape y,
                      const lens_conv2d_opts *opts) {
    ocl_arg_shape(launch, x);
    ocl_arg_shape(launch, w);
    ocl_arg_int(launch, y.h);
    ocl_arg_int(launch, y.w);
    ocl_arg_int(launch, opts->groups);
    ocl_arg_int(launch, opts->stride_h);
    ocl_arg_int(launch, opts->stride_w);
    ocl_arg_int(launch, opts->dilation_h);
    ocl_arg_int(launch, opts->dilation_w);
}

static lens_status convolve(lens_tensor *y, const lens_tensor *x, const lens_tensor *w,
                            const lens_tensor *b, const lens_conv2d_opts *opts) {
    ocl_launch launch = ocl_begin(y->context, "conv2d_blocked", "conv2d_blocked_forward", "");
    ocl_arg_tensor(&launch, y);
    ocl_arg_tensor(&launch, x);
    ocl_arg_tensor(&launch, w);
    ocl_arg_tensor(&launch, b);
    ocl_arg_int(&launch, b != NULL);
    ocl_arg_int(&launch, opts->activation.kind);
    ocl_arg_float(&launch, opts->activation.alpha);
    arg_sizes(&launch, x->shape, w->shape, y->shape, opts);
    size_t pixels = y->shape.n * y->shape.h * y->shape.w;
    const size_t global[] = {lens_size_div_up(pixels, TILE_PIXELS), opts->groups};
    const size_t local[] = {1, 1};
    return ocl_run(&launch, 2, global, local);
}

lens_status ocl_conv2d_blocked_forward(lens_tensor *y, const lens_tensor *x, const lens_tensor *w,
                                       const lens_tensor *b, const lens_conv2d_opts *opts,
                                       lens_tensor *scratch) {
    size_t used = 0;
    lens_tensor padded;
    LENS_TRY(ocl_pad(&padded, x, &opts->padding, scratch, &used));
    return convolve(y, &padded, w, b, opts);
}

static lens_status flip(lens_tensor *flipped, const lens_tensor *w, size_t groups) {
    ocl_launch launch = ocl_begin(w->context, "conv2d_blocked", "conv2d_blocked_flip", "");
    ocl_arg_tensor(&launch, flipped);
    ocl_arg_tensor(&launch, w);
    ocl_arg_shape(&launch, w->shape);
    ocl_arg_int(&launch, groups);
    return ocl_run_1d(&launch, w->count);
}

lens_status ocl_conv2d_blocked_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                              const lens_tensor *w, const lens_conv2d_opts *opts,
                                              lens_tensor *scratch) {
    size_t used = 0, groups = opts->groups;
    ocl_turn t = ocl_turn_of(w->shape, opts);
    lens_tensor wide, flipped, folded = *dx;
    lens_shape ws = w->shape;
    flipped = ocl_carve(scratch, &used, (lens_shape){ws.c * groups, ws.n / groups, ws.h, ws.w});
    LENS_TRY(flip(&flipped, w, groups));
    LENS_TRY(ocl_pad(&wide, dy, &t.zeros, scratch, &used));
    if (t.fold)
        folded = ocl_carve(scratch, &used, ocl_padded_shape(dx->shape, &opts->padding));
    lens_conv2d_opts turned = lens_conv2d_defaults();
    turned.dilation_h = opts->dilation_h;
    turned.dilation_w = opts->dilation_w;
    turned.groups = groups;
    LENS_TRY(convolve(&folded, &wide, &flipped, NULL, &turned));
    return t.fold ? ocl_pad2d_backward_input(dx, &folded, &opts->padding) : LENS_OK;
}

static lens_status add_parts(lens_tensor *dw, const lens_tensor *parts, const split *s) {
    ocl_launch launch = ocl_begin(dw->context, "conv2d_blocked", "conv2d_blocked_add_parts", "");
    ocl_arg_tensor(&launch, dw);
    ocl_arg_tensor(&launch, parts);
    ocl_arg_int(&launch, dw->shape.n);
    ocl_arg_int(&launch, dw->count / dw->shape.n);
    ocl_arg_int(&launch, s->row);
    ocl_arg_int(&launch, s->parts);
    return ocl_run_1d(&launch, dw->count);
}

lens_status ocl_conv2d_blocked_backward_weight(lens_tensor *dw, const lens_tensor *dy,
                                               const lens_tensor *x, const lens_conv2d_opts *opts,
                                               lens_tensor *scratch) {
    size_t used = 0;
    split s = split_of(x->shape, dw->shape, dy->shape);
    lens_tensor padded;
    LENS_TRY(ocl_pad(&padded, x, &opts->padding, scratch, &used));
    lens_tensor parts = ocl_carve(scratch, &used, (lens_shape){s.parts, dw->shape.n, 1, s.row});
    ocl_launch launch =
        ocl_begin(dw->context, "conv2d_blocked", "conv2d_blocked_backward_weight", "");
    ocl_arg_tensor(&launch, &parts);
    ocl_arg_tensor(&launch, dy);
    ocl_arg_tensor(&launch, &padded);
    ocl_arg_ulong(&launch, scratch->offset + used); /* the panels */
    ocl_arg_int(&launch, s.part_images);
    ocl_arg_int(&launch, s.panel_pixels);
    ocl_arg_int(&launch, s.row);
    arg_sizes(&launch, padded.shape, dw->shape, dy->shape, opts);
    const size_t global[] = {s.parts, opts->groups}, local[] = {1, 1};
    LENS_TRY(ocl_run(&launch, 2, global, local));
    return add_parts(dw, &parts, &s);
}

lens_status ocl_conv2d_blocked_backward_bias(lens_tensor *db, const lens_tensor *dy) {
    ocl_launch launch =
        ocl_begin(db->context, "conv2d_blocked", "conv2d_blocked_backward_bias", "");
    ocl_arg_tensor(&launch, db);
    ocl_arg_tensor(&launch, dy);
    ocl_arg_int(&launch, dy->shape.n);
    ocl_arg_int(&launch, dy->shape.c);
    ocl_arg_int(&launch, dy->shape.h * dy->shape.w);
    const size_t global = db->count, local = 1;
    return ocl_run(&launch, 1, &global, &local);
}
