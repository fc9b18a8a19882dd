/* ocl_dense.c: the dense layer on OpenCL devices.
 *
 * Algorithms. For CPU devices: "streamed", for many weights (ocl_dense_streamed.c); "blocked",
 * register tiles (ocl_matmul.c). For GPUs: "tiled", tiles in local memory (ocl_matmul_tiled.c);
 * "clblast" (ocl_clblast.c). "direct", cl/dense.cl.
 */
#include "opencl/ocl_clblast.h"
#include "opencl/ocl_dense_streamed.h"
#include "opencl/ocl_matmul_tiled.h"

#include <stdint.h>
#include <string.h>

/* N K I of cl/dense.cl, from w (k, i) or its gradient. */
static void arg_sizes(ocl_launch *launch, size_t n, lens_shape w) {
    ocl_arg_int(launch, n);
    ocl_arg_int(launch, w.n);
    ocl_arg_int(launch, w.c);
}

/* The pass as a matrix product; n images, w (k, i). */
static ocl_matmul product_of(lens_pass pass, size_t n, lens_shape w) {
    size_t k = w.n, i = w.c;
    if (pass == LENS_BACKWARD_INPUT)
        return (ocl_matmul){
            .m = n, .j = i, .l = k, .a_row = k, .a_column = 1, .b_row = i, .b_column = 1};
    if (pass == LENS_BACKWARD_WEIGHT)
        return (ocl_matmul){
            .m = k, .j = i, .l = n, .a_row = 1, .a_column = k, .b_row = i, .b_column = 1};
    return (ocl_matmul){
        .m = n, .j = k, .l = i, .a_row = i, .a_column = 1, .b_row = 1, .b_column = i};
}

/* The same for cl/matmul_tiled.cl. */
static ocl_tiled tiled_of(const ocl_matmul *p) {
    return (ocl_tiled){.groups = 1,
                       .m = p->m,
                       .j = {1, 1, p->j},
                       .l = {1, 1, p->l},
                       .bias_j = 1,
                       .a_m = (ptrdiff_t)p->a_row,
                       .a_l = {0, 0, (ptrdiff_t)p->a_column},
                       .b_l = {0, 0, (ptrdiff_t)p->b_row},
                       .b_j = {0, 0, (ptrdiff_t)p->b_column},
                       .c_m = (ptrdiff_t)p->j,
                       .c_j = {0, 0, 1},
                       .a_along_l = p->a_column == 1,
                       .b_along_l = p->b_row == 1};
}

/* ---- the algorithms ------------------------------------------------------------------------ */

typedef enum algorithm { STREAMED, BLOCKED, TILED, CLBLAST, DIRECT, ALGORITHMS } algorithm;

static const char *const names_of[ALGORITHMS] = {"streamed", "blocked", "tiled", "clblast",
                                                 "direct"};

/* With `room` elements of scratch. */
static bool is_possible(algorithm a, const lens_context *context, lens_pass pass, size_t n,
                        lens_shape w, size_t room) {
    ocl_matmul product = product_of(pass, n, w);
    ocl_tiled tiled = tiled_of(&product);
    switch (a) {
    case STREAMED:
        return ocl_dense_streamed_possible(context, pass, n, w) &&
               ocl_dense_streamed_scratch(pass, n, w) <= room;
    case BLOCKED:
        return ocl_is_cpu(context);
    case TILED:
        return !ocl_is_cpu(context) && ocl_matmul_tiled_possible(context, &tiled);
    case CLBLAST:
        return ocl_clblast_possible(context);
    default:
        return true;
    }
}

static bool does_pay(algorithm a, const lens_context *context, lens_pass pass, size_t n,
                     lens_shape w) {
    return a == STREAMED ? ocl_dense_streamed_pays(pass, n, w)
                         : a != CLBLAST || !ocl_is_cpu(context);
}

static algorithm find(const char *name) {
    algorithm a = 0;
    while (name && a < ALGORITHMS && strcmp(names_of[a], name) != 0)
        a++;
    return name ? a : ALGORITHMS;
}

/* The first that is possible and pays, unless one is forced or preferred. A forced one that is not
 * possible leaves it to the last. */
static algorithm choose(const lens_context *context, lens_pass pass, size_t n, lens_shape w,
                        size_t room) {
    const char *forced = ocl_algorithm_forced(context), *wish = forced;
    if (!wish && !lens_tuning_is_empty(context)) {
        lens_tuning_key key = lens_tuning_key_dense(pass, n, w);
        wish = lens_tuning_find(context, &key);
    }
    algorithm wanted = find(wish);
    if (wanted < ALGORITHMS && is_possible(wanted, context, pass, n, w, room))
        return wanted;
    for (algorithm a = 0; a < DIRECT && !forced; a++)
        if (is_possible(a, context, pass, n, w, room) && does_pay(a, context, pass, n, w))
            return a;
    return DIRECT;
}

size_t ocl_dense_algorithms(const char *names[LENS_ALGORITHMS_MOST], const lens_context *context,
                            lens_pass pass, lens_shape x, lens_shape w) {
    algorithm first = choose(context, pass, x.n, w, SIZE_MAX);
    size_t count = 0;
    names[count++] = names_of[first];
    for (algorithm a = 0; a < ALGORITHMS; a++)
        if (a != first && is_possible(a, context, pass, x.n, w, SIZE_MAX))
            names[count++] = names_of[a];
    return count;
}

size_t ocl_dense_scratch(const lens_context *context, lens_pass pass, lens_shape x, lens_shape w) {
    ocl_matmul product = product_of(pass, x.n, w);
    ocl_tiled tiled = tiled_of(&product);
    switch (choose(context, pass, x.n, w, SIZE_MAX)) {
    case STREAMED:
        return ocl_dense_streamed_scratch(pass, x.n, w);
    case TILED:
        return ocl_matmul_tiled_scratch(context, &tiled, product.m * product.j);
    case CLBLAST:
        return ocl_clblast_scratch(context, &product);
    default:
        return 0;
    }
}

/* By "blocked", "tiled" or "clblast". */
static lens_status multiply(algorithm a, lens_tensor *c, const lens_tensor *left,
                            const lens_tensor *right, const lens_tensor *bias,
                            const ocl_matmul *product, const lens_tensor *scratch) {
    if (a == BLOCKED)
        return ocl_matmul_blocked(c, left, right, bias, product);
    if (a == TILED) {
        ocl_tiled tiled = tiled_of(product);
        return ocl_matmul_tiled(c, left, right, bias, product->activation, &tiled, scratch);
    }
    LENS_TRY(ocl_clblast_multiply(c, left, right, product, scratch));
    return ocl_clblast_finish(c, bias, product->activation);
}

static size_t room(const lens_tensor *scratch) {
    return scratch ? scratch->count : 0;
}

/* ---- the operation ------------------------------------------------------------------------- */

lens_status ocl_dense_forward(lens_tensor *y, const lens_tensor *x, const lens_tensor *w,
                              const lens_tensor *b, const lens_dense_opts *opts,
                              lens_tensor *scratch) {
    algorithm a = choose(y->context, LENS_FORWARD, x->shape.n, w->shape, room(scratch));
    if (a == STREAMED)
        return ocl_dense_streamed_forward(y, x, w, b, opts, scratch);
    if (a != DIRECT) {
        ocl_matmul product = product_of(LENS_FORWARD, x->shape.n, w->shape);
        product.activation = &opts->activation;
        return multiply(a, y, x, w, b, &product, scratch);
    }
    ocl_launch launch = ocl_begin(y->context, "dense", "dense_forward", "");
    ocl_arg_tensor(&launch, y);
    ocl_arg_tensor(&launch, x);
    ocl_arg_tensor(&launch, w);
    ocl_arg_tensor(&launch, b);
    ocl_arg_int(&launch, b != NULL);
    ocl_arg_int(&launch, opts->activation.kind);
    ocl_arg_float(&launch, opts->activation.alpha);
    arg_sizes(&launch, x->shape.n, w->shape);
    return ocl_run_1d(&launch, y->count);
}

lens_status ocl_dense_backward_input(lens_tensor *dx, const lens_tensor *dy, const lens_tensor *w,
                                     lens_tensor *scratch) {
    algorithm a = choose(dx->context, LENS_BACKWARD_INPUT, dx->shape.n, w->shape, room(scratch));
    if (a == STREAMED)
        return ocl_dense_streamed_backward_input(dx, dy, w, scratch);
    if (a != DIRECT) {
        ocl_matmul product = product_of(LENS_BACKWARD_INPUT, dx->shape.n, w->shape);
        return multiply(a, dx, dy, w, NULL, &product, scratch);
    }
    ocl_launch launch = ocl_begin(dx->context, "dense", "dense_backward_input", "");
    ocl_arg_tensor(&launch, dx);
    ocl_arg_tensor(&launch, dy);
    ocl_arg_tensor(&launch, w);
    arg_sizes(&launch, dx->shape.n, w->shape);
    return ocl_run_1d(&launch, dx->count);
}

lens_status ocl_dense_backward_weight(lens_tensor *dw, const lens_tensor *dy, const lens_tensor *x,
                                      lens_tensor *scratch) {
    algorithm a = choose(dw->context, LENS_BACKWARD_WEIGHT, x->shape.n, dw->shape, room(scratch));
    if (a == STREAMED)
        return ocl_dense_streamed_backward_weight(dw, dy, x);
    if (a != DIRECT) {
        ocl_matmul product = product_of(LENS_BACKWARD_WEIGHT, x->shape.n, dw->shape);
        return multiply(a, dw, dy, x, NULL, &product, scratch);
    }
    ocl_launch launch = ocl_begin(dw->context, "dense", "dense_backward_weight", "");
    ocl_arg_tensor(&launch, dw);
    ocl_arg_tensor(&launch, dy);
    ocl_arg_tensor(&launch, x);
    arg_sizes(&launch, x->shape.n, dw->shape);
    return ocl_run_1d(&launch, dw->count);
}

lens_status ocl_dense_backward_bias(lens_tensor *db, const lens_tensor *dy) {
    ocl_launch launch = ocl_begin(db->context, "dense", "dense_backward_bias", "");
    ocl_arg_tensor(&launch, db);
    ocl_arg_tensor(&launch, dy);
    ocl_arg_int(&launch, dy->shape.n);
    ocl_arg_int(&launch, dy->shape.c);
    return ocl_run_1d(&launch, db->count);
}
