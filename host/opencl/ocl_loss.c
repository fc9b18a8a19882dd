/* ocl_loss.c: the losses on OpenCL devices. */
#include "opencl/opencl.h"
#include "core/size.h"

/* As in cl/loss.cl: work-items of the one group of a batch, and of a group that shares a pixel's
 * channels; parts of a batch's sums. */
#define PIXEL_LANES 64
#define LANES 128
#define PARTS 256

/* What one image's sum of losses is divided by: the mean runs over n h w, or over all elements. */
static float divisor(lens_shape x, lens_loss_kind kind) {
    size_t pixels = x.h * x.w;
    bool over_classes =
        kind == LENS_SPARSE_CROSS_ENTROPY || kind == LENS_CROSS_ENTROPY || kind == LENS_MAP;
    return (float)(over_classes ? pixels : pixels * x.c);
}

/* What all kernels begin with. */
static ocl_launch begin(const char *kernel, const lens_tensor *out, const lens_tensor *x,
                        const lens_tensor *t, const lens_tensor *w, const lens_loss_opts *opts) {
    ocl_launch launch = ocl_begin(x->context, "loss", kernel, "");
    ocl_arg_tensor(&launch, out);
    ocl_arg_tensor(&launch, x);
    ocl_arg_tensor(&launch, t);
    ocl_arg_tensor(&launch, w ? w : t);
    ocl_arg_int(&launch, w != NULL);
    ocl_arg_int(&launch, x->shape.n);
    ocl_arg_int(&launch, x->shape.c);
    ocl_arg_int(&launch, x->shape.h * x->shape.w);
    ocl_arg_int(&launch, opts->kind);
    ocl_arg_int(&launch, opts->from_logits);
    ocl_arg_float(&launch, opts->rejection);
    return launch;
}

static lens_status forward_shared(lens_tensor *total, const lens_tensor *x, const lens_tensor *t,
                                  const lens_tensor *w, const lens_loss_opts *opts,
                                  bool accumulate) {
    lens_tensor parts = {.context = total->context,
                         .shape = {1, 2 * PARTS, 1, 1},
                         .count = 2 * PARTS,
                         .buffer = ocl_state_of(total->context)->parts};
    size_t count = lens_size_min(x->shape.n * x->shape.h * x->shape.w, PARTS);
    ocl_launch launch = begin("loss_forward_parts", &parts, x, t, w, opts);
    LENS_TRY(ocl_run_groups(&launch, count, LANES));
    launch = ocl_begin(total->context, "loss", "loss_forward_total", "");
    ocl_arg_tensor(&launch, total);
    ocl_arg_tensor(&launch, &parts);
    ocl_arg_int(&launch, count);
    ocl_arg_float(&launch, divisor(x->shape, opts->kind));
    ocl_arg_int(&launch, accumulate);
    return ocl_run_groups(&launch, 1, PARTS);
}

lens_status ocl_loss_forward(lens_tensor *total, const lens_tensor *x, const lens_tensor *t,
                             const lens_tensor *w, const lens_loss_opts *opts, bool accumulate) {
    if (ocl_channels_shared(x->context, x->shape))
        return forward_shared(total, x, t, w, opts, accumulate);
    ocl_launch launch = begin("loss_forward", total, x, t, w, opts);
    ocl_arg_float(&launch, divisor(x->shape, opts->kind));
    ocl_arg_int(&launch, accumulate);
    return ocl_run_groups(&launch, 1, PIXEL_LANES);
}

lens_status ocl_loss_backward_input(lens_tensor *dx, const lens_tensor *x, const lens_tensor *t,
                                    const lens_tensor *w, const lens_loss_opts *opts) {
    lens_shape shape = x->shape;
    bool shared = ocl_channels_shared(x->context, shape);
    size_t pixels = shape.n * shape.h * shape.w;
    ocl_launch launch =
        begin(shared ? "loss_backward_input_shared" : "loss_backward_input", dx, x, t, w, opts);
    ocl_arg_float(&launch, 1 / (divisor(shape, opts->kind) * (float)shape.n));
    return shared ? ocl_run_groups(&launch, pixels, LANES) : ocl_run_1d(&launch, pixels);
}
