/* ocl_dense.c: the dense layer on OpenCL devices.
 *
 * Algorithms, the first that applies: "blocked", register tiles for CPU devices (ocl_matmul.c);
 * "direct", cl/dense.cl.
 */
#include "opencl/ocl_matmul.h"

/* N K I of cl/dense.cl, from w (k, i) or its gradient. */
static void arg_sizes(ocl_launch *launch, size_t n, lens_shape w) {
    ocl_arg_int(launch, n);
    ocl_arg_int(launch, w.n);
    ocl_arg_int(launch, w.c);
}

size_t ocl_dense_scratch(const lens_context *context, lens_pass pass, lens_shape x, lens_shape w) {
    (void)context, (void)pass, (void)x, (void)w;
    return 0;
}

lens_status ocl_dense_forward(lens_tensor *y, const lens_tensor *x, const lens_tensor *w,
                              const lens_tensor *b, const lens_dense_opts *opts,
                              lens_tensor *scratch) {
    (void)scratch;
    size_t k = w->shape.n, i = w->shape.c;
    if (ocl_matmul_blocked_applicable(y->context)) {
        ocl_matmul product = {.m = x->shape.n,
                              .j = k,
                              .l = i,
                              .a_row = i,
                              .a_column = 1,
                              .b_row = 1,
                              .b_column = i,
                              .activation = &opts->activation};
        return ocl_matmul_blocked(y, x, w, b, &product);
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
    (void)scratch;
    size_t k = w->shape.n, i = w->shape.c;
    if (ocl_matmul_blocked_applicable(dx->context)) {
        ocl_matmul product = {
            .m = dx->shape.n, .j = i, .l = k, .a_row = k, .a_column = 1, .b_row = i, .b_column = 1};
        return ocl_matmul_blocked(dx, dy, w, NULL, &product);
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
    (void)scratch;
    size_t k = dw->shape.n, i = dw->shape.c;
    if (ocl_matmul_blocked_applicable(dw->context)) {
        ocl_matmul product = {
            .m = k, .j = i, .l = x->shape.n, .a_row = 1, .a_column = k, .b_row = i, .b_column = 1};
        return ocl_matmul_blocked(dw, dy, x, NULL, &product);
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
