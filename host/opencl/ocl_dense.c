/* ocl_dense.c: the dense layer on OpenCL devices.
 *
 * Algorithms, the first that applies: "streamed", for CPU devices and many weights
 * (ocl_dense_streamed.c); "blocked", register tiles for CPU devices, and "clblast" for the others
 * (ocl_matmul.c); "direct", cl/dense.cl.
 */
#include "opencl/ocl_dense_streamed.h"
#include "opencl/ocl_matmul.h"

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

size_t ocl_dense_scratch(const lens_context *context, lens_pass pass, lens_shape x, lens_shape w) {
    if (ocl_dense_streamed_applicable(context, x.n, w))
        return 0;
    ocl_matmul product = product_of(pass, x.n, w);
    return ocl_matmul_scratch(context, &product);
}

lens_status ocl_dense_forward(lens_tensor *y, const lens_tensor *x, const lens_tensor *w,
                              const lens_tensor *b, const lens_dense_opts *opts,
                              lens_tensor *scratch) {
    if (ocl_dense_streamed_applicable(y->context, x->shape.n, w->shape))
        return ocl_dense_streamed_forward(y, x, w, b, opts);
    if (ocl_matmul_applicable(y->context)) {
        ocl_matmul product = product_of(LENS_FORWARD, x->shape.n, w->shape);
        product.activation = &opts->activation;
        return ocl_matmul_run(y, x, w, b, &product, scratch);
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
    if (ocl_dense_streamed_applicable(dx->context, dx->shape.n, w->shape))
        return ocl_dense_streamed_backward_input(dx, dy, w);
    if (ocl_matmul_applicable(dx->context)) {
        ocl_matmul product = product_of(LENS_BACKWARD_INPUT, dx->shape.n, w->shape);
        return ocl_matmul_run(dx, dy, w, NULL, &product, scratch);
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
    if (ocl_dense_streamed_applicable(dw->context, x->shape.n, dw->shape))
        return ocl_dense_streamed_backward_weight(dw, dy, x);
    if (ocl_matmul_applicable(dw->context)) {
        ocl_matmul product = product_of(LENS_BACKWARD_WEIGHT, x->shape.n, dw->shape);
        return ocl_matmul_run(dw, dy, x, NULL, &product, scratch);
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
