/* ocl_dense_streamed.c: dense layers whose weights are larger than a cache, on CPU devices. */
#include "opencl/ocl_dense_streamed.h"
#include "core/size.h"

/* As in cl/dense_streamed.cl. */
#define TILE_ROWS 8
#define COLUMNS 256
#define STRIP_ROWS 256

/* Fewer weights stay in a cache, and "blocked" has less to do; fewer still for the weight gradient,
 * which is written only. Forward, "blocked" reads them as they lie too, and for so few images
 * nothing is gained by reading them once. */
#define LEAST_WEIGHTS (1 << 21)
#define LEAST_WRITTEN (1 << 18)
#define FEW_IMAGES 8

/* Local memory of one work-item: the pass that takes most, and single passes. */
static size_t most_bytes(size_t n) {
    return lens_size_round_up(n, TILE_ROWS) * (COLUMNS + TILE_ROWS) * sizeof(float);
}

static size_t forward_bytes(size_t n) {
    return lens_size_div_up(n, 2) * 16 * 16 * sizeof(float);
}

static size_t backward_input_bytes(size_t n) {
    return lens_size_round_up(n, TILE_ROWS) * COLUMNS * sizeof(float);
}

bool ocl_dense_streamed_possible(const lens_context *context, size_t n) {
    return ocl_is_cpu(context) && most_bytes(n) <= context->device.local_bytes;
}

bool ocl_dense_streamed_pays(lens_pass pass, size_t n, lens_shape w) {
    size_t least = pass == LENS_BACKWARD_WEIGHT ? LEAST_WRITTEN : LEAST_WEIGHTS;
    return w.n * w.c >= least && !(pass == LENS_FORWARD && n < FEW_IMAGES);
}

/* N K I */
static void arg_sizes(ocl_launch *launch, size_t n, lens_shape w) {
    ocl_arg_int(launch, n);
    ocl_arg_int(launch, w.n);
    ocl_arg_int(launch, w.c);
}

lens_status ocl_dense_streamed_forward(lens_tensor *y, const lens_tensor *x, const lens_tensor *w,
                                       const lens_tensor *b, const lens_dense_opts *opts) {
    ocl_launch launch = ocl_begin(y->context, "dense_streamed", "dense_streamed_forward", "");
    ocl_arg_tensor(&launch, y);
    ocl_arg_tensor(&launch, x);
    ocl_arg_tensor(&launch, w);
    ocl_arg_tensor(&launch, b);
    ocl_arg_int(&launch, b != NULL);
    ocl_arg_int(&launch, opts->activation.kind);
    ocl_arg_float(&launch, opts->activation.alpha);
    ocl_arg_local(&launch, forward_bytes(x->shape.n));
    arg_sizes(&launch, x->shape.n, w->shape);
    const size_t global = lens_size_div_up(w->shape.n, TILE_ROWS), local = 1;
    return ocl_run(&launch, 1, &global, &local);
}

lens_status ocl_dense_streamed_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                              const lens_tensor *w) {
    bool one = dy->shape.n == 1 && w->shape.c >= COLUMNS;
    ocl_launch launch =
        ocl_begin(dx->context, "dense_streamed",
                  one ? "dense_streamed_backward_input_one" : "dense_streamed_backward_input", "");
    ocl_arg_tensor(&launch, dx);
    ocl_arg_tensor(&launch, dy);
    ocl_arg_tensor(&launch, w);
    if (!one) {
        ocl_arg_local(&launch, backward_input_bytes(dy->shape.n));
        ocl_arg_int(&launch, dy->shape.n);
    }
    ocl_arg_int(&launch, w->shape.n);
    ocl_arg_int(&launch, w->shape.c);
    const size_t global = lens_size_div_up(w->shape.c, COLUMNS), local = 1;
    return ocl_run(&launch, 1, &global, &local);
}

lens_status ocl_dense_streamed_backward_weight(lens_tensor *dw, const lens_tensor *dy,
                                               const lens_tensor *x) {
    ocl_launch launch =
        ocl_begin(dw->context, "dense_streamed", "dense_streamed_backward_weight", "");
    ocl_arg_tensor(&launch, dw);
    ocl_arg_tensor(&launch, dy);
    ocl_arg_tensor(&launch, x);
    ocl_arg_local(&launch, x->shape.n * COLUMNS * sizeof(float));
    ocl_arg_local(&launch, x->shape.n * TILE_ROWS * sizeof(float));
    arg_sizes(&launch, x->shape.n, dw->shape);
    const size_t global[] = {lens_size_div_up(dw->shape.c, COLUMNS),
                             lens_size_div_up(dw->shape.n, STRIP_ROWS)};
    const size_t local[] = {1, 1};
    return ocl_run(&launch, 2, global, local);
}
