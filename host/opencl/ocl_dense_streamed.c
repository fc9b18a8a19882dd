/* ocl_dense_streamed.c: dense layers whose weights are larger than a cache, on CPU devices. */
#include "opencl/ocl_dense_streamed.h"
#include "core/size.h"

/* As in cl/dense_streamed.cl. */
#define LANES 16
#define STRIP 32
#define COLUMNS 256
#define STRIP_ROWS 256
#define TILE_ROWS 8

/* Fewer weights stay in a cache, and "blocked" has less to do; fewer still for the weight gradient,
 * which is written only. Forward, "blocked" reads them as they lie too, and for so few images
 * nothing is gained by reading them once. */
#define LEAST_WEIGHTS (1 << 21)
#define LEAST_WRITTEN (1 << 18)
#define FEW_IMAGES 8

/* Inputs of a work-item of their gradient: long runs of memory. */
static size_t columns_of(size_t n) {
    return n <= 128 ? 512 : 256;
}

/* Local memory of one work-item. */
static size_t bytes_of(lens_pass pass, size_t n) {
    size_t images = lens_size_round_up(n, LANES);
    switch (pass) {
    case LENS_FORWARD:
        return images * STRIP * sizeof(float);
    case LENS_BACKWARD_INPUT:
        return images * columns_of(n) * sizeof(float);
    default:
        return n * (COLUMNS + TILE_ROWS) * sizeof(float);
    }
}

static bool is_one(lens_pass pass, size_t n, lens_shape w) {
    return pass == LENS_BACKWARD_INPUT && n == 1 && w.c >= COLUMNS;
}

bool ocl_dense_streamed_possible(const lens_context *context, lens_pass pass, size_t n,
                                 lens_shape w) {
    return ocl_is_cpu(context) && (pass != LENS_BACKWARD_INPUT || w.c >= LANES) &&
           bytes_of(pass, n) <= context->device.local_bytes;
}

bool ocl_dense_streamed_pays(lens_pass pass, size_t n, lens_shape w) {
    size_t least = pass == LENS_BACKWARD_WEIGHT ? LEAST_WRITTEN : LEAST_WEIGHTS;
    return w.n * w.c >= least && !(pass == LENS_FORWARD && n < FEW_IMAGES);
}

/* x or dy, packed. */
size_t ocl_dense_streamed_scratch(lens_pass pass, size_t n, lens_shape w) {
    if (pass == LENS_BACKWARD_WEIGHT || is_one(pass, n, w))
        return 0;
    return lens_size_round_up(n, LANES) * (pass == LENS_FORWARD ? w.c : w.n);
}

static lens_status pack(lens_tensor *packed, const lens_tensor *from, size_t n, size_t length) {
    ocl_launch launch = ocl_begin(from->context, "dense_streamed", "dense_streamed_pack", "");
    ocl_arg_tensor(&launch, packed);
    ocl_arg_tensor(&launch, from);
    ocl_arg_int(&launch, n);
    ocl_arg_int(&launch, length);
    const size_t global[] = {lens_size_div_up(length, LANES), lens_size_div_up(n, LANES)};
    const size_t local[] = {1, 1};
    return ocl_run(&launch, 2, global, local);
}

/* N K I */
static void arg_sizes(ocl_launch *launch, size_t n, lens_shape w) {
    ocl_arg_int(launch, n);
    ocl_arg_int(launch, w.n);
    ocl_arg_int(launch, w.c);
}

lens_status ocl_dense_streamed_forward(lens_tensor *y, const lens_tensor *x, const lens_tensor *w,
                                       const lens_tensor *b, const lens_dense_opts *opts,
                                       lens_tensor *scratch) {
    size_t n = x->shape.n;
    LENS_TRY(pack(scratch, x, n, w->shape.c));
    ocl_launch launch = ocl_begin(y->context, "dense_streamed", "dense_streamed_forward", "");
    ocl_arg_tensor(&launch, y);
    ocl_arg_tensor(&launch, scratch);
    ocl_arg_tensor(&launch, w);
    ocl_arg_tensor(&launch, b);
    ocl_arg_int(&launch, b != NULL);
    ocl_arg_int(&launch, opts->activation.kind);
    ocl_arg_float(&launch, opts->activation.alpha);
    ocl_arg_local(&launch, bytes_of(LENS_FORWARD, n));
    arg_sizes(&launch, n, w->shape);
    const size_t global = lens_size_div_up(w->shape.n, STRIP), local = 1;
    return ocl_run(&launch, 1, &global, &local);
}

lens_status ocl_dense_streamed_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                              const lens_tensor *w, lens_tensor *scratch) {
    size_t n = dy->shape.n;
    bool one = is_one(LENS_BACKWARD_INPUT, n, w->shape);
    if (!one)
        LENS_TRY(pack(scratch, dy, n, w->shape.n));
    ocl_launch launch =
        ocl_begin(dx->context, "dense_streamed",
                  one ? "dense_streamed_backward_input_one" : "dense_streamed_backward_input", "");
    ocl_arg_tensor(&launch, dx);
    ocl_arg_tensor(&launch, one ? dy : scratch);
    ocl_arg_tensor(&launch, w);
    if (!one) {
        ocl_arg_local(&launch, bytes_of(LENS_BACKWARD_INPUT, n));
        ocl_arg_int(&launch, n);
    }
    ocl_arg_int(&launch, w->shape.n);
    ocl_arg_int(&launch, w->shape.c);
    if (!one)
        ocl_arg_int(&launch, columns_of(n));
    const size_t global = lens_size_div_up(w->shape.c, one ? COLUMNS : columns_of(n)), local = 1;
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
