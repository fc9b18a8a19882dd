/* ocl_conv2d.c: conv2d on OpenCL devices.
 *
 * Algorithms, the first that is possible and pays and for which there is scratch enough, unless one
 * is forced or preferred. For CPU devices: "winograd2", 3x3 and 5x5 filters with fewer
 * multiplications ("winograd4", with still fewer, rounds more and runs when asked for;
 * ocl_conv2d_winograd.c); "images", sixteen images in the lanes, for batches of small maps of a few
 * channels (ocl_conv2d_images.c); "rows", pixels read where they lie, for few filters, a single
 * image or wide images (ocl_conv2d_rows.c); "packed", panels of filters and pixels, and
 * "packed-32", for fewer pixels (ocl_conv2d_packed.c); "blocked", panels of pixels
 * (ocl_conv2d_blocked.c). For GPUs: "tiled", matrix products of windows (ocl_conv2d_tiled.c);
 * "clblast", matrix products of columns (ocl_conv2d_clblast.c). "direct", cl/conv2d.cl, for
 * everything.
 */
#include "opencl/ocl_clblast.h"
#include "opencl/ocl_conv2d_blocked.h"
#include "opencl/ocl_conv2d_clblast.h"
#include "opencl/ocl_conv2d_images.h"
#include "opencl/ocl_conv2d_packed.h"
#include "opencl/ocl_conv2d_rows.h"
#include "opencl/ocl_conv2d_tiled.h"
#include "opencl/ocl_conv2d_winograd.h"

#include <stdint.h>
#include <string.h>

#define NO_OPTIONS ""

/* CONV2D_SIZES of cl/conv2d.cl, in its order. */
static void arg_sizes(ocl_launch *launch, lens_shape x, lens_shape w, lens_shape y,
                      const lens_conv2d_opts *opts) {
    const lens_padding *padding = &opts->padding;
    ocl_arg_shape(launch, x);
    ocl_arg_shape(launch, w);
    ocl_arg_int(launch, y.h);
    ocl_arg_int(launch, y.w);
    ocl_arg_int(launch, opts->groups);
    ocl_arg_int(launch, opts->stride_h);
    ocl_arg_int(launch, opts->stride_w);
    ocl_arg_int(launch, opts->dilation_h);
    ocl_arg_int(launch, opts->dilation_w);
    ocl_arg_int(launch, padding->top);
    ocl_arg_int(launch, padding->left);
    ocl_arg_int(launch, padding->bottom);
    ocl_arg_int(launch, padding->right);
    ocl_arg_int(launch, padding->mode);
    ocl_arg_float(launch, padding->mode == LENS_PAD_CONSTANT ? padding->value : 0);
}

/* ---- the algorithms ------------------------------------------------------------------------ */

typedef bool question(const lens_context *context, lens_pass pass, lens_shape x, lens_shape w,
                      lens_shape y, const lens_conv2d_opts *opts);

typedef struct algorithm {
    const char *name;
    question *possible, *pays;
    size_t (*scratch)(const lens_context *context, lens_pass pass, lens_shape x, lens_shape w,
                      lens_shape y, const lens_conv2d_opts *opts);
    lens_status (*forward)(lens_tensor *y, const lens_tensor *x, const lens_tensor *w,
                           const lens_tensor *b, const lens_conv2d_opts *opts,
                           lens_tensor *scratch);
    lens_status (*backward_input)(lens_tensor *dx, const lens_tensor *dy, const lens_tensor *w,
                                  const lens_conv2d_opts *opts, lens_tensor *scratch);
    lens_status (*backward_weight)(lens_tensor *dw, const lens_tensor *dy, const lens_tensor *x,
                                   const lens_conv2d_opts *opts, lens_tensor *scratch);
} algorithm;

static bool always(const lens_context *context, lens_pass pass, lens_shape x, lens_shape w,
                   lens_shape y, const lens_conv2d_opts *opts) {
    (void)context, (void)pass, (void)x, (void)w, (void)y, (void)opts;
    return true;
}

static bool when_asked(const lens_context *context, lens_pass pass, lens_shape x, lens_shape w,
                       lens_shape y, const lens_conv2d_opts *opts) {
    (void)context, (void)pass, (void)x, (void)w, (void)y, (void)opts;
    return false;
}

static bool not_on_a_cpu(const lens_context *context, lens_pass pass, lens_shape x, lens_shape w,
                         lens_shape y, const lens_conv2d_opts *opts) {
    (void)pass, (void)x, (void)w, (void)y, (void)opts;
    return !ocl_is_cpu(context);
}

static size_t no_scratch(const lens_context *context, lens_pass pass, lens_shape x, lens_shape w,
                         lens_shape y, const lens_conv2d_opts *opts) {
    (void)context, (void)pass, (void)x, (void)w, (void)y, (void)opts;
    return 0;
}

static lens_status direct_forward(lens_tensor *y, const lens_tensor *x, const lens_tensor *w,
                                  const lens_tensor *b, const lens_conv2d_opts *opts,
                                  lens_tensor *scratch) {
    (void)scratch;
    ocl_launch launch = ocl_begin(y->context, "conv2d", "conv2d_forward", NO_OPTIONS);
    ocl_arg_tensor(&launch, y);
    ocl_arg_tensor(&launch, x);
    ocl_arg_tensor(&launch, w);
    ocl_arg_tensor(&launch, b);
    ocl_arg_int(&launch, b != NULL);
    ocl_arg_int(&launch, opts->activation.kind);
    ocl_arg_float(&launch, opts->activation.alpha);
    arg_sizes(&launch, x->shape, w->shape, y->shape, opts);
    return ocl_run_1d(&launch, y->count);
}

static lens_status direct_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                         const lens_tensor *w, const lens_conv2d_opts *opts,
                                         lens_tensor *scratch) {
    (void)scratch;
    ocl_launch launch = ocl_begin(dx->context, "conv2d", "conv2d_backward_input", NO_OPTIONS);
    ocl_arg_tensor(&launch, dx);
    ocl_arg_tensor(&launch, dy);
    ocl_arg_tensor(&launch, w);
    arg_sizes(&launch, dx->shape, w->shape, dy->shape, opts);
    return ocl_run_1d(&launch, dx->count);
}

static lens_status direct_backward_weight(lens_tensor *dw, const lens_tensor *dy,
                                          const lens_tensor *x, const lens_conv2d_opts *opts,
                                          lens_tensor *scratch) {
    (void)scratch;
    ocl_launch launch = ocl_begin(dw->context, "conv2d", "conv2d_backward_weight", NO_OPTIONS);
    ocl_arg_tensor(&launch, dw);
    ocl_arg_tensor(&launch, dy);
    ocl_arg_tensor(&launch, x);
    arg_sizes(&launch, x->shape, dw->shape, dy->shape, opts);
    return ocl_run_1d(&launch, dw->count);
}

static const algorithm algorithms[] = {
    {"winograd2", ocl_conv2d_winograd2_possible, ocl_conv2d_winograd2_pays,
     ocl_conv2d_winograd2_scratch, ocl_conv2d_winograd2_forward,
     ocl_conv2d_winograd2_backward_input, ocl_conv2d_winograd2_backward_weight},
    {"winograd4", ocl_conv2d_winograd4_possible, when_asked, ocl_conv2d_winograd4_scratch,
     ocl_conv2d_winograd4_forward, ocl_conv2d_winograd4_backward_input, NULL},
    {"images", ocl_conv2d_images_possible, ocl_conv2d_images_pays, ocl_conv2d_images_scratch,
     ocl_conv2d_images_forward, ocl_conv2d_images_backward_input,
     ocl_conv2d_images_backward_weight},
    {"rows", ocl_conv2d_rows_possible, ocl_conv2d_rows_pays, ocl_conv2d_rows_scratch,
     ocl_conv2d_rows_forward, ocl_conv2d_rows_backward_input, ocl_conv2d_rows_backward_weight},
    {"packed-32", ocl_conv2d_packed_32_possible, ocl_conv2d_packed_32_pays,
     ocl_conv2d_packed_scratch, ocl_conv2d_packed_32_forward, ocl_conv2d_packed_32_backward_input,
     NULL},
    {"packed", ocl_conv2d_packed_possible, ocl_conv2d_packed_pays, ocl_conv2d_packed_scratch,
     ocl_conv2d_packed_forward, ocl_conv2d_packed_backward_input,
     ocl_conv2d_packed_backward_weight},
    {"blocked", ocl_conv2d_blocked_possible, always, ocl_conv2d_blocked_scratch,
     ocl_conv2d_blocked_forward, ocl_conv2d_blocked_backward_input,
     ocl_conv2d_blocked_backward_weight},
    {"tiled", ocl_conv2d_tiled_possible, ocl_conv2d_tiled_pays, ocl_conv2d_tiled_scratch,
     ocl_conv2d_tiled_forward, ocl_conv2d_tiled_backward_input, ocl_conv2d_tiled_backward_weight},
    {"clblast", ocl_conv2d_clblast_possible, not_on_a_cpu, ocl_conv2d_clblast_scratch,
     ocl_conv2d_clblast_forward, ocl_conv2d_clblast_backward_input,
     ocl_conv2d_clblast_backward_weight},
    {"direct", always, always, no_scratch, direct_forward, direct_backward_input,
     direct_backward_weight},
};

#define ALGORITHMS (sizeof algorithms / sizeof algorithms[0])

static const algorithm *find(const char *name) {
    for (size_t i = 0; name && i < ALGORITHMS; i++)
        if (strcmp(algorithms[i].name, name) == 0)
            return &algorithms[i];
    return NULL;
}

static const algorithm *preferred(const lens_context *context, lens_pass pass, lens_shape x,
                                  lens_shape w, const lens_conv2d_opts *opts) {
    if (lens_tuning_is_empty(context))
        return NULL;
    lens_tuning_key key = lens_tuning_key_conv2d(pass, x, w, opts);
    return find(lens_tuning_find(context, &key));
}

/* What does with `scratch` elements. A forced algorithm that is not possible leaves it to the last.
 */
static const algorithm *choose(const lens_context *context, lens_pass pass, lens_shape x,
                               lens_shape w, lens_shape y, const lens_conv2d_opts *opts,
                               size_t scratch) {
    const char *forced = ocl_algorithm_forced(context);
    const algorithm *last = &algorithms[ALGORITHMS - 1];
    const algorithm *wish = forced ? find(forced) : preferred(context, pass, x, w, opts);
    if (wish && wish->possible(context, pass, x, w, y, opts) &&
        wish->scratch(context, pass, x, w, y, opts) <= scratch)
        return wish;
    for (const algorithm *a = algorithms; a < last && !forced; a++)
        if (a->possible(context, pass, x, w, y, opts) && a->pays(context, pass, x, w, y, opts) &&
            a->scratch(context, pass, x, w, y, opts) <= scratch)
            return a;
    return last;
}

static size_t room(const lens_tensor *scratch) {
    return scratch ? scratch->count : 0;
}

/* ---- the operation ------------------------------------------------------------------------- */

size_t ocl_conv2d_algorithms(const char *names[LENS_ALGORITHMS_MOST], const lens_context *context,
                             lens_pass pass, lens_shape x, lens_shape w, lens_shape y,
                             const lens_conv2d_opts *opts) {
    const algorithm *first = choose(context, pass, x, w, y, opts, SIZE_MAX);
    size_t count = 0;
    names[count++] = first->name;
    for (const algorithm *a = algorithms; a < algorithms + ALGORITHMS; a++)
        if (a != first && a->possible(context, pass, x, w, y, opts))
            names[count++] = a->name;
    return count;
}

size_t ocl_conv2d_scratch(const lens_context *context, lens_pass pass, lens_shape x, lens_shape w,
                          lens_shape y, const lens_conv2d_opts *opts) {
    const algorithm *a = choose(context, pass, x, w, y, opts, SIZE_MAX);
    return a->scratch(context, pass, x, w, y, opts);
}

lens_status ocl_conv2d_forward(lens_tensor *y, const lens_tensor *x, const lens_tensor *w,
                               const lens_tensor *b, const lens_conv2d_opts *opts,
                               lens_tensor *scratch) {
    return choose(y->context, LENS_FORWARD, x->shape, w->shape, y->shape, opts, room(scratch))
        ->forward(y, x, w, b, opts, scratch);
}

lens_status ocl_conv2d_backward_input(lens_tensor *dx, const lens_tensor *dy, const lens_tensor *w,
                                      const lens_conv2d_opts *opts, lens_tensor *scratch) {
    return choose(dx->context, LENS_BACKWARD_INPUT, dx->shape, w->shape, dy->shape, opts,
                  room(scratch))
        ->backward_input(dx, dy, w, opts, scratch);
}

lens_status ocl_conv2d_backward_weight(lens_tensor *dw, const lens_tensor *dy, const lens_tensor *x,
                                       const lens_conv2d_opts *opts, lens_tensor *scratch) {
    return choose(dw->context, LENS_BACKWARD_WEIGHT, x->shape, dw->shape, dy->shape, opts,
                  room(scratch))
        ->backward_weight(dw, dy, x, opts, scratch);
}

lens_status ocl_conv2d_backward_bias(lens_tensor *db, const lens_tensor *dy) {
    bool is_cpu = ocl_is_cpu(db->context);
    if (is_cpu && ocl_algorithm_allowed(db->context, "blocked"))
        return ocl_conv2d_blocked_backward_bias(db, dy);
    if (ocl_algorithm_allowed(db->context, "clblast") ||
        (!is_cpu && ocl_algorithm_allowed(db->context, "tiled")))
        return ocl_conv2d_clblast_backward_bias(db, dy);
    ocl_launch launch = ocl_begin(db->context, "conv2d", "conv2d_backward_bias", NO_OPTIONS);
    ocl_arg_tensor(&launch, db);
    ocl_arg_tensor(&launch, dy);
    ocl_arg_int(&launch, dy->shape.n);
    ocl_arg_int(&launch, dy->shape.c);
    ocl_arg_int(&launch, dy->shape.h * dy->shape.w);
    return ocl_run_1d(&launch, db->count);
}
