/* ocl_conv2d_clblast.c: the convolution as matrix products of gathered columns.
 *
 * Column (p, q) of an image is what output pixel (p, q) sees: (c, r, s) runs down, (p, q) along.
 * With W as (K/G) x taps, for each image and group
 *
 *     Y = W columns       dcolumns = Wt dY, scattered into dX       dW = sum over images dY
 * columnst
 *
 * where Y and dY lie in memory as they are needed, so nothing is permuted. As many images at a time
 * as scratch holds, a number that depends on the shapes and the device's limits alone.
 */
#include "opencl/ocl_conv2d_clblast.h"
#include "core/size.h"
#include "opencl/ocl_clblast.h"

#define MOST_FLOATS ((size_t)1 << 25) /* of scratch: 128 MiB */
#define MOST_IMAGES 32768             /* of a batch: the third dimension of some devices is short */
#define BIAS_LANES 1024               /* as LANES in cl/conv2d_clblast.cl */

/* ---- sizes --------------------------------------------------------------------------------- */

typedef struct layout {
    lens_shape x, w, y;
    const lens_conv2d_opts *opts;
    bool is_plain;  /* 1x1 windows on every pixel: x is its own columns */
    size_t taps;    /* of one filter */
    size_t pixels;  /* of one output channel */
    size_t filters; /* of one group */
    size_t columns; /* floats of one image's columns, all groups */
    size_t wanted;  /* floats of scratch for one image */
    size_t images;  /* at a time */
} layout;

static bool has_padding(const lens_padding *p) {
    return p->top || p->left || p->bottom || p->right;
}

static size_t limit_of(const lens_context *context) {
    return lens_size_min(MOST_FLOATS, context->device.allocation_bytes / 4 / sizeof(float));
}

static layout layout_of(const lens_context *context, lens_pass pass, lens_shape x, lens_shape w,
                        lens_shape y, const lens_conv2d_opts *opts) {
    layout l = {.x = x, .w = w, .y = y, .opts = opts};
    l.is_plain = w.h == 1 && w.w == 1 && opts->stride_h == 1 && opts->stride_w == 1 &&
                 !has_padding(&opts->padding);
    l.taps = w.c * w.h * w.w;
    l.pixels = y.h * y.w;
    l.filters = w.n / opts->groups;
    l.columns = opts->groups * l.taps * l.pixels;
    l.wanted = (l.is_plain ? 0 : l.columns) + (pass == LENS_BACKWARD_WEIGHT ? w.n * l.taps : 0);
    size_t fitting = l.wanted ? limit_of(context) / l.wanted : x.n;
    l.images = lens_size_min(x.n, lens_size_min(MOST_IMAGES, fitting));
    return l;
}

bool ocl_conv2d_clblast_possible(const lens_context *context, lens_pass pass, lens_shape x,
                                 lens_shape w, lens_shape y, const lens_conv2d_opts *opts) {
    return ocl_clblast_possible(context) && layout_of(context, pass, x, w, y, opts).images > 0;
}

size_t ocl_conv2d_clblast_scratch(const lens_context *context, lens_pass pass, lens_shape x,
                                  lens_shape w, lens_shape y, const lens_conv2d_opts *opts) {
    layout l = layout_of(context, pass, x, w, y, opts);
    return l.images * l.wanted;
}

/* The tensor from `skip` elements further on. */
static lens_tensor after(const lens_tensor *tensor, size_t skip) {
    lens_tensor rest = *tensor;
    rest.offset += skip;
    rest.count -= skip;
    rest.is_view = true;
    return rest;
}

/* ---- launches ------------------------------------------------------------------------------ */

/* CONV2D_CLBLAST_SIZES of cl/conv2d_clblast.cl, for so many images. */
static void arg_sizes(ocl_launch *launch, const layout *l, size_t images) {
    const lens_padding *padding = &l->opts->padding;
    lens_shape x = l->x;
    x.n = images;
    ocl_arg_shape(launch, x);
    ocl_arg_int(launch, l->w.h);
    ocl_arg_int(launch, l->w.w);
    ocl_arg_int(launch, l->y.h);
    ocl_arg_int(launch, l->y.w);
    ocl_arg_int(launch, l->opts->stride_h);
    ocl_arg_int(launch, l->opts->stride_w);
    ocl_arg_int(launch, l->opts->dilation_h);
    ocl_arg_int(launch, l->opts->dilation_w);
    ocl_arg_int(launch, padding->top);
    ocl_arg_int(launch, padding->left);
    ocl_arg_int(launch, padding->bottom);
    ocl_arg_int(launch, padding->right);
    ocl_arg_int(launch, padding->mode);
    ocl_arg_float(launch, padding->mode == LENS_PAD_CONSTANT ? padding->value : 0);
}

/* The columns of the images first .. first+images-1: in scratch, or x's own. */
static lens_status gather(lens_tensor *columns, const lens_tensor *x, const layout *l, size_t first,
                          size_t images, const lens_tensor *scratch) {
    lens_tensor from = after(x, first * l->x.c * l->x.h * l->x.w);
    if (l->is_plain) {
        *columns = from;
        return LENS_OK;
    }
    *columns = *scratch;
    ocl_launch launch = ocl_begin(x->context, "conv2d_clblast", "conv2d_clblast_gather", "");
    ocl_arg_tensor(&launch, columns);
    ocl_arg_tensor(&launch, &from);
    arg_sizes(&launch, l, images);
    return ocl_run_1d(&launch, images * l->columns);
}

static lens_status scatter(lens_tensor *dx, const lens_tensor *columns, const layout *l,
                           size_t images) {
    ocl_launch launch = ocl_begin(dx->context, "conv2d_clblast", "conv2d_clblast_scatter", "");
    ocl_arg_tensor(&launch, dx);
    ocl_arg_tensor(&launch, columns);
    arg_sizes(&launch, l, images);
    return ocl_run_1d(&launch, images * l->x.c * l->x.h * l->x.w);
}

static lens_status add_parts(lens_tensor *dw, const lens_tensor *parts, size_t images,
                             bool accumulate) {
    ocl_launch launch = ocl_begin(dw->context, "conv2d_clblast", "conv2d_clblast_add_parts", "");
    ocl_arg_tensor(&launch, dw);
    ocl_arg_tensor(&launch, parts);
    ocl_arg_int(&launch, dw->count);
    ocl_arg_int(&launch, images);
    ocl_arg_int(&launch, accumulate);
    return ocl_run_1d(&launch, dw->count);
}

/* ---- passes -------------------------------------------------------------------------------- */

lens_status ocl_conv2d_clblast_forward(lens_tensor *y, const lens_tensor *x, const lens_tensor *w,
                                       const lens_tensor *b, const lens_conv2d_opts *opts,
                                       lens_tensor *scratch) {
    layout l = layout_of(y->context, LENS_FORWARD, x->shape, w->shape, y->shape, opts);
    ocl_matmul product = {.m = l.filters,
                          .j = l.pixels,
                          .l = l.taps,
                          .a_row = l.taps,
                          .a_column = 1,
                          .b_row = l.pixels,
                          .b_column = 1};
    ocl_clblast_strides strides = {.a = 0, .b = l.columns, .c = l.y.c * l.pixels};
    for (size_t first = 0; first < l.x.n; first += l.images) {
        size_t images = lens_size_min(l.images, l.x.n - first);
        lens_tensor columns;
        LENS_TRY(gather(&columns, x, &l, first, images, scratch));
        for (size_t g = 0; g < opts->groups; g++) {
            lens_tensor filters = after(w, g * l.filters * l.taps);
            lens_tensor seen = after(&columns, g * l.taps * l.pixels);
            lens_tensor out = after(y, (first * l.y.c + g * l.filters) * l.pixels);
            LENS_TRY(ocl_clblast_multiply_batch(&out, &filters, &seen, &product, &strides, images));
        }
    }
    return ocl_clblast_finish(y, b, &opts->activation);
}

lens_status ocl_conv2d_clblast_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                              const lens_tensor *w, const lens_conv2d_opts *opts,
                                              lens_tensor *scratch) {
    layout l = layout_of(dx->context, LENS_BACKWARD_INPUT, dx->shape, w->shape, dy->shape, opts);
    ocl_matmul product = {.m = l.taps,
                          .j = l.pixels,
                          .l = l.filters,
                          .a_row = 1,
                          .a_column = l.taps,
                          .b_row = l.pixels,
                          .b_column = 1};
    ocl_clblast_strides strides = {.a = 0, .b = l.y.c * l.pixels, .c = l.columns};
    for (size_t first = 0; first < l.x.n; first += l.images) {
        size_t images = lens_size_min(l.images, l.x.n - first);
        lens_tensor part = after(dx, first * l.x.c * l.x.h * l.x.w);
        lens_tensor columns = l.is_plain ? part : *scratch;
        for (size_t g = 0; g < opts->groups; g++) {
            lens_tensor filters = after(w, g * l.filters * l.taps);
            lens_tensor in = after(dy, (first * l.y.c + g * l.filters) * l.pixels);
            lens_tensor out = after(&columns, g * l.taps * l.pixels);
            LENS_TRY(ocl_clblast_multiply_batch(&out, &filters, &in, &product, &strides, images));
        }
        if (!l.is_plain)
            LENS_TRY(scatter(&part, &columns, &l, images));
    }
    return LENS_OK;
}

/* One partial sum an image, so that the products of a batch run side by side; added up in order. */
lens_status ocl_conv2d_clblast_backward_weight(lens_tensor *dw, const lens_tensor *dy,
                                               const lens_tensor *x, const lens_conv2d_opts *opts,
                                               lens_tensor *scratch) {
    layout l = layout_of(dw->context, LENS_BACKWARD_WEIGHT, x->shape, dw->shape, dy->shape, opts);
    ocl_matmul product = {.m = l.filters,
                          .j = l.taps,
                          .l = l.pixels,
                          .a_row = l.pixels,
                          .a_column = 1,
                          .b_row = 1,
                          .b_column = l.pixels};
    ocl_clblast_strides strides = {.a = l.y.c * l.pixels, .b = l.columns, .c = dw->count};
    lens_tensor parts = after(scratch, l.is_plain ? 0 : l.images * l.columns);
    for (size_t first = 0; first < l.x.n; first += l.images) {
        size_t images = lens_size_min(l.images, l.x.n - first);
        lens_tensor columns;
        LENS_TRY(gather(&columns, x, &l, first, images, scratch));
        for (size_t g = 0; g < opts->groups; g++) {
            lens_tensor in = after(dy, (first * l.y.c + g * l.filters) * l.pixels);
            lens_tensor seen = after(&columns, g * l.taps * l.pixels);
            lens_tensor out = after(&parts, g * l.filters * l.taps);
            LENS_TRY(ocl_clblast_multiply_batch(&out, &in, &seen, &product, &strides, images));
        }
        LENS_TRY(add_parts(dw, &parts, images, first > 0));
    }
    return LENS_OK;
}

lens_status ocl_conv2d_clblast_backward_bias(lens_tensor *db, const lens_tensor *dy) {
    ocl_launch launch =
        ocl_begin(db->context, "conv2d_clblast", "conv2d_clblast_backward_bias", "");
    ocl_arg_tensor(&launch, db);
    ocl_arg_tensor(&launch, dy);
    ocl_arg_int(&launch, dy->shape.n);
    ocl_arg_int(&launch, dy->shape.c);
    ocl_arg_int(&launch, dy->shape.h * dy->shape.w);
    return ocl_run_groups(&launch, db->count, BIAS_LANES);
}
