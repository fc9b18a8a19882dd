/* traced.c: operations on their way to a device's backend, each recorded under the name of its
 * layer and with what it moves and computes.
 *
 * The recording is a backend itself: a copy of the device's own table in which the operations are
 * those of this file. On a device with a queue an operation's call only queues its kernels, so its
 * time there is the host's; what the device makes of it is recorded when its events are read. On
 * the reference the call is the operation.
 */
#include "traced.h"
#include "core/error.h"
#include "core/timeline.h"

#include <stdio.h>
#include <stdlib.h>

struct lens_traced_backend {
    lens_backend table; /* what the context calls */
    const lens_backend *inner;
};

static const lens_backend *inner_of(const lens_context *context) {
    return context->tracing.backend->inner;
}

#define INNER(tensor) (inner_of((tensor)->context))

/* ---- one operation -------------------------------------------------------------------------- */

/* A tensor that an operation reads or writes, by its name. NULL: one that is named already, but is
 * written as well as read. */
typedef struct operand {
    const char *name;
    const lens_tensor *tensor; /* NULL: the operation goes without */
} operand;

/* An operation while its backend is called. */
typedef struct traced_call {
    lens_context *context;
    lens_trace_event event;
    bool is_recorded;
} traced_call;

static void describe(lens_trace_args *args, const lens_trace *trace, const char *op,
                     const char *pass, double flops, const operand *operands, size_t count) {
    double elements = 0;
    if (lens_trace_layer_name(trace))
        lens_trace_args_text(args, "layer", lens_trace_layer_name(trace));
    lens_trace_args_text(args, "op", op);
    if (*pass)
        lens_trace_args_text(args, "pass", pass);
    for (size_t i = 0; i < count; i++) {
        if (!operands[i].tensor)
            continue;
        lens_shape s = operands[i].tensor->shape;
        char text[96];
        snprintf(text, sizeof text, "%zux%zux%zux%zu", s.n, s.c, s.h, s.w);
        if (operands[i].name)
            lens_trace_args_text(args, operands[i].name, text);
        elements += (double)operands[i].tensor->count;
    }
    lens_trace_args_number(args, "bytes", sizeof(float) * elements);
    if (flops > 0)
        lens_trace_args_number(args, "flops", flops);
}

static traced_call begin(lens_context *context, const char *op, const char *pass, double flops,
                         const operand *operands, size_t count) {
    lens_tracing *tracing = &context->tracing;
    traced_call call = {.context = context, .is_recorded = lens_trace_has_room(tracing->trace)};
    if (!call.is_recorded)
        return call;
    lens_trace_args args = {.used = 0};
    char name[192];
    describe(&args, tracing->trace, op, pass, flops, operands, count);
    lens_trace_operation_name(tracing->trace, name, sizeof name, op, pass);
    call.event.name = lens_trace_text(tracing->trace, name);
    call.event.args = lens_trace_text(tracing->trace, args.text);
    call.event.track =
        context->device.type == LENS_DEVICE_REFERENCE ? tracing->track : LENS_TRACK_HOST;
    tracing->name = call.event.name;
    tracing->args = call.event.args;
    tracing->operation++;
    call.event.start = lens_trace_now(tracing->trace);
    return call;
}

#define BEGIN(tensor_, op, pass, flops, ...)                                                       \
    begin((tensor_)->context, op, pass, flops, (const operand[]){__VA_ARGS__},                     \
          sizeof((const operand[]){__VA_ARGS__}) / sizeof(operand))

static lens_status end(traced_call *call, lens_status status) {
    lens_tracing *tracing = &call->context->tracing;
    if (!call->is_recorded)
        return status;
    call->event.end = lens_trace_now(tracing->trace);
    lens_trace_add(tracing->trace, &call->event);
    tracing->name = NULL;
    return status;
}

/* Of a convolution or dense layer: each element of y is a sum of as many products as a filter has
 * weights. */
static double product_flops(const lens_tensor *y, const lens_tensor *w) {
    return 2 * (double)y->count * (double)(w->count / w->shape.n);
}

/* ---- memory ---------------------------------------------------------------------------------- */

static lens_status traced_tensor_write(lens_tensor *to, const float *values) {
    traced_call call = BEGIN(to, "write", "", 0, {"to", to});
    return end(&call, INNER(to)->tensor_write(to, values));
}

static lens_status traced_tensor_read(const lens_tensor *from, float *values) {
    traced_call call = BEGIN(from, "read", "", 0, {"from", from});
    return end(&call, INNER(from)->tensor_read(from, values));
}

static lens_status traced_tensor_fill(lens_tensor *to, float value) {
    traced_call call = BEGIN(to, "fill", "", 0, {"to", to});
    return end(&call, INNER(to)->tensor_fill(to, value));
}

static lens_status traced_tensor_copy(lens_tensor *to, const lens_tensor *from) {
    traced_call call = BEGIN(to, "copy", "", 0, {"to", to}, {"from", from});
    return end(&call, INNER(to)->tensor_copy(to, from));
}

/* ---- conv2d ---------------------------------------------------------------------------------- */

static lens_status traced_conv2d_forward(lens_tensor *y, const lens_tensor *x, const lens_tensor *w,
                                         const lens_tensor *b, const lens_conv2d_opts *opts,
                                         lens_tensor *scratch) {
    traced_call call =
        BEGIN(y, "conv2d", "forward", product_flops(y, w), {"y", y}, {"x", x}, {"w", w}, {"b", b});
    return end(&call, INNER(y)->conv2d_forward(y, x, w, b, opts, scratch));
}

static lens_status traced_conv2d_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                                const lens_tensor *w, const lens_conv2d_opts *opts,
                                                lens_tensor *scratch) {
    traced_call call = BEGIN(dx, "conv2d", "backward_input", product_flops(dy, w), {"dx", dx},
                             {"dy", dy}, {"w", w});
    return end(&call, INNER(dx)->conv2d_backward_input(dx, dy, w, opts, scratch));
}

static lens_status traced_conv2d_backward_weight(lens_tensor *dw, const lens_tensor *dy,
                                                 const lens_tensor *x, const lens_conv2d_opts *opts,
                                                 lens_tensor *scratch) {
    traced_call call = BEGIN(dw, "conv2d", "backward_weight", product_flops(dy, dw), {"dw", dw},
                             {"dy", dy}, {"x", x});
    return end(&call, INNER(dw)->conv2d_backward_weight(dw, dy, x, opts, scratch));
}

static lens_status traced_conv2d_backward_bias(lens_tensor *db, const lens_tensor *dy) {
    traced_call call = BEGIN(db, "conv2d", "backward_bias", 0, {"db", db}, {"dy", dy});
    return end(&call, INNER(db)->conv2d_backward_bias(db, dy));
}

/* ---- pool2d ---------------------------------------------------------------------------------- */

static lens_status traced_pool2d_forward(lens_tensor *y, const lens_tensor *x,
                                         const lens_pool2d_opts *opts) {
    traced_call call = BEGIN(y, "pool2d", "forward", 0, {"y", y}, {"x", x});
    return end(&call, INNER(y)->pool2d_forward(y, x, opts));
}

static lens_status traced_pool2d_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                                const lens_tensor *x,
                                                const lens_pool2d_opts *opts) {
    traced_call call = BEGIN(dx, "pool2d", "backward_input", 0, {"dx", dx}, {"dy", dy}, {"x", x});
    return end(&call, INNER(dx)->pool2d_backward_input(dx, dy, x, opts));
}

/* ---- pad2d ----------------------------------------------------------------------------------- */

static lens_status traced_pad2d_forward(lens_tensor *y, const lens_tensor *x,
                                        const lens_padding *opts) {
    traced_call call = BEGIN(y, "pad2d", "forward", 0, {"y", y}, {"x", x});
    return end(&call, INNER(y)->pad2d_forward(y, x, opts));
}

static lens_status traced_pad2d_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                               const lens_padding *opts) {
    traced_call call = BEGIN(dx, "pad2d", "backward_input", 0, {"dx", dx}, {"dy", dy});
    return end(&call, INNER(dx)->pad2d_backward_input(dx, dy, opts));
}

/* ---- dense ----------------------------------------------------------------------------------- */

static lens_status traced_dense_forward(lens_tensor *y, const lens_tensor *x, const lens_tensor *w,
                                        const lens_tensor *b, const lens_dense_opts *opts,
                                        lens_tensor *scratch) {
    traced_call call =
        BEGIN(y, "dense", "forward", product_flops(y, w), {"y", y}, {"x", x}, {"w", w}, {"b", b});
    return end(&call, INNER(y)->dense_forward(y, x, w, b, opts, scratch));
}

static lens_status traced_dense_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                               const lens_tensor *w, lens_tensor *scratch) {
    traced_call call = BEGIN(dx, "dense", "backward_input", product_flops(dy, w), {"dx", dx},
                             {"dy", dy}, {"w", w});
    return end(&call, INNER(dx)->dense_backward_input(dx, dy, w, scratch));
}

static lens_status traced_dense_backward_weight(lens_tensor *dw, const lens_tensor *dy,
                                                const lens_tensor *x, lens_tensor *scratch) {
    traced_call call = BEGIN(dw, "dense", "backward_weight", product_flops(dy, dw), {"dw", dw},
                             {"dy", dy}, {"x", x});
    return end(&call, INNER(dw)->dense_backward_weight(dw, dy, x, scratch));
}

static lens_status traced_dense_backward_bias(lens_tensor *db, const lens_tensor *dy) {
    traced_call call = BEGIN(db, "dense", "backward_bias", 0, {"db", db}, {"dy", dy});
    return end(&call, INNER(db)->dense_backward_bias(db, dy));
}

/* ---- subsample ------------------------------------------------------------------------------- */

static lens_status traced_subsample_forward(lens_tensor *y, const lens_tensor *x,
                                            const lens_tensor *w, const lens_tensor *b,
                                            const lens_subsample_opts *opts) {
    traced_call call = BEGIN(y, "subsample", "forward", 0, {"y", y}, {"x", x}, {"w", w}, {"b", b});
    return end(&call, INNER(y)->subsample_forward(y, x, w, b, opts));
}

static lens_status traced_subsample_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                                   const lens_tensor *w,
                                                   const lens_subsample_opts *opts) {
    traced_call call =
        BEGIN(dx, "subsample", "backward_input", 0, {"dx", dx}, {"dy", dy}, {"w", w});
    return end(&call, INNER(dx)->subsample_backward_input(dx, dy, w, opts));
}

static lens_status traced_subsample_backward_weight(lens_tensor *dw, const lens_tensor *dy,
                                                    const lens_tensor *x,
                                                    const lens_subsample_opts *opts) {
    traced_call call =
        BEGIN(dw, "subsample", "backward_weight", 0, {"dw", dw}, {"dy", dy}, {"x", x});
    return end(&call, INNER(dw)->subsample_backward_weight(dw, dy, x, opts));
}

static lens_status traced_subsample_backward_bias(lens_tensor *db, const lens_tensor *dy) {
    traced_call call = BEGIN(db, "subsample", "backward_bias", 0, {"db", db}, {"dy", dy});
    return end(&call, INNER(db)->subsample_backward_bias(db, dy));
}

/* ---- rbf ------------------------------------------------------------------------------------- */

static lens_status traced_rbf_forward(lens_tensor *y, const lens_tensor *x, const lens_tensor *w) {
    traced_call call = BEGIN(y, "rbf", "forward", 0, {"y", y}, {"x", x}, {"w", w});
    return end(&call, INNER(y)->rbf_forward(y, x, w));
}

static lens_status traced_rbf_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                             const lens_tensor *x, const lens_tensor *w) {
    traced_call call =
        BEGIN(dx, "rbf", "backward_input", 0, {"dx", dx}, {"dy", dy}, {"x", x}, {"w", w});
    return end(&call, INNER(dx)->rbf_backward_input(dx, dy, x, w));
}

static lens_status traced_rbf_backward_weight(lens_tensor *dw, const lens_tensor *dy,
                                              const lens_tensor *x, const lens_tensor *w) {
    traced_call call =
        BEGIN(dw, "rbf", "backward_weight", 0, {"dw", dw}, {"dy", dy}, {"x", x}, {"w", w});
    return end(&call, INNER(dw)->rbf_backward_weight(dw, dy, x, w));
}

/* ---- activation ------------------------------------------------------------------------------ */

static lens_status traced_activation_forward(lens_tensor *y, const lens_tensor *x,
                                             const lens_activation *opts) {
    traced_call call = BEGIN(y, "activation", "forward", 0, {"y", y}, {"x", x});
    return end(&call, INNER(y)->activation_forward(y, x, opts));
}

static lens_status traced_activation_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                                    const lens_tensor *y,
                                                    const lens_activation *opts) {
    traced_call call =
        BEGIN(dx, "activation", "backward_input", 0, {"dx", dx}, {"dy", dy}, {"y", y});
    return end(&call, INNER(dx)->activation_backward_input(dx, dy, y, opts));
}

static lens_status traced_activation_backward_bias(lens_tensor *dx, lens_tensor *db,
                                                   const lens_tensor *dy, const lens_tensor *y,
                                                   const lens_activation *opts) {
    traced_call call =
        BEGIN(dx, "activation", "backward_bias", 0, {"dx", dx}, {"db", db}, {"dy", dy}, {"y", y});
    return end(&call, INNER(dx)->activation_backward_bias(dx, db, dy, y, opts));
}

/* ---- lrn ------------------------------------------------------------------------------------- */

static lens_status traced_lrn_forward(lens_tensor *y, const lens_tensor *x,
                                      const lens_lrn_opts *opts) {
    traced_call call = BEGIN(y, "lrn", "forward", 0, {"y", y}, {"x", x});
    return end(&call, INNER(y)->lrn_forward(y, x, opts));
}

static lens_status traced_lrn_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                             const lens_tensor *x, const lens_lrn_opts *opts,
                                             lens_tensor *scratch) {
    traced_call call = BEGIN(dx, "lrn", "backward_input", 0, {"dx", dx}, {"dy", dy}, {"x", x});
    return end(&call, INNER(dx)->lrn_backward_input(dx, dy, x, opts, scratch));
}

/* ---- batchnorm ------------------------------------------------------------------------------- */

static lens_status traced_batchnorm_forward(lens_tensor *y, const lens_tensor *x,
                                            const lens_tensor *gamma, const lens_tensor *beta,
                                            const lens_tensor *mean, const lens_tensor *variance,
                                            const lens_batchnorm_opts *opts) {
    traced_call call = BEGIN(y, "batchnorm", "forward", 0, {"y", y}, {"x", x}, {"gamma", gamma},
                             {"beta", beta}, {"mean", mean}, {"variance", variance});
    return end(&call, INNER(y)->batchnorm_forward(y, x, gamma, beta, mean, variance, opts));
}

static lens_status traced_batchnorm_forward_training(lens_tensor *y, const lens_tensor *x,
                                                     const lens_tensor *gamma,
                                                     const lens_tensor *beta, lens_tensor *mean,
                                                     lens_tensor *variance, lens_tensor *saved,
                                                     const lens_batchnorm_opts *opts) {
    traced_call call = BEGIN(
        y, "batchnorm", "forward_training", 0, {"y", y}, {"x", x}, {"gamma", gamma}, {"beta", beta},
        {"mean", mean}, {"variance", variance}, {"saved", saved}, {NULL, mean}, {NULL, variance});
    return end(&call, INNER(y)->batchnorm_forward_training(y, x, gamma, beta, mean, variance, saved,
                                                           opts));
}

static lens_status traced_batchnorm_backward_weight(lens_tensor *dgamma, lens_tensor *dbeta,
                                                    const lens_tensor *dy, const lens_tensor *x,
                                                    const lens_tensor *saved) {
    traced_call call = BEGIN(dgamma, "batchnorm", "backward_weight", 0, {"dgamma", dgamma},
                             {"dbeta", dbeta}, {"dy", dy}, {"x", x}, {"saved", saved});
    return end(&call, INNER(dgamma)->batchnorm_backward_weight(dgamma, dbeta, dy, x, saved));
}

static lens_status traced_batchnorm_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                                   const lens_tensor *x, const lens_tensor *gamma,
                                                   const lens_tensor *saved,
                                                   const lens_tensor *dgamma,
                                                   const lens_tensor *dbeta) {
    traced_call call =
        BEGIN(dx, "batchnorm", "backward_input", 0, {"dx", dx}, {"dy", dy}, {"x", x},
              {"gamma", gamma}, {"saved", saved}, {"dgamma", dgamma}, {"dbeta", dbeta});
    return end(&call, INNER(dx)->batchnorm_backward_input(dx, dy, x, gamma, saved, dgamma, dbeta));
}

/* ---- dropout --------------------------------------------------------------------------------- */

static lens_status traced_dropout_forward(lens_tensor *y, const lens_tensor *x,
                                          const lens_dropout_opts *opts) {
    traced_call call = BEGIN(y, "dropout", "forward", 0, {"y", y}, {"x", x});
    return end(&call, INNER(y)->dropout_forward(y, x, opts));
}

static lens_status traced_dropout_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                                 const lens_dropout_opts *opts) {
    traced_call call = BEGIN(dx, "dropout", "backward_input", 0, {"dx", dx}, {"dy", dy});
    return end(&call, INNER(dx)->dropout_backward_input(dx, dy, opts));
}

/* ---- softmax --------------------------------------------------------------------------------- */

static lens_status traced_softmax_forward(lens_tensor *y, const lens_tensor *x) {
    traced_call call = BEGIN(y, "softmax", "forward", 0, {"y", y}, {"x", x});
    return end(&call, INNER(y)->softmax_forward(y, x));
}

static lens_status traced_softmax_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                                 const lens_tensor *y) {
    traced_call call = BEGIN(dx, "softmax", "backward_input", 0, {"dx", dx}, {"dy", dy}, {"y", y});
    return end(&call, INNER(dx)->softmax_backward_input(dx, dy, y));
}

/* ---- loss ------------------------------------------------------------------------------------ */

static lens_status traced_loss_forward(lens_tensor *total, const lens_tensor *x,
                                       const lens_tensor *t, const lens_tensor *w,
                                       const lens_loss_opts *opts, bool accumulate) {
    traced_call call =
        BEGIN(total, "loss", "forward", 0, {"total", total}, {"x", x}, {"t", t}, {"w", w});
    return end(&call, INNER(total)->loss_forward(total, x, t, w, opts, accumulate));
}

static lens_status traced_loss_backward_input(lens_tensor *dx, const lens_tensor *x,
                                              const lens_tensor *t, const lens_tensor *w,
                                              const lens_loss_opts *opts) {
    traced_call call =
        BEGIN(dx, "loss", "backward_input", 0, {"dx", dx}, {"x", x}, {"t", t}, {"w", w});
    return end(&call, INNER(dx)->loss_backward_input(dx, x, t, w, opts));
}

/* ---- resize2d -------------------------------------------------------------------------------- */

static lens_status traced_resize2d_forward(lens_tensor *y, const lens_tensor *x,
                                           lens_resize2d_kind kind) {
    traced_call call = BEGIN(y, "resize2d", "forward", 0, {"y", y}, {"x", x});
    return end(&call, INNER(y)->resize2d_forward(y, x, kind));
}

static lens_status traced_resize2d_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                                  lens_resize2d_kind kind) {
    traced_call call = BEGIN(dx, "resize2d", "backward_input", 0, {"dx", dx}, {"dy", dy});
    return end(&call, INNER(dx)->resize2d_backward_input(dx, dy, kind));
}

/* ---- optimizer ------------------------------------------------------------------------------- */

static lens_status traced_optimizer_norm(lens_tensor *norm, const lens_tensor *g,
                                         lens_tensor *scratch) {
    traced_call call = BEGIN(norm, "optimizer", "norm", 0, {"norm", norm}, {"g", g});
    return end(&call, INNER(norm)->optimizer_norm(norm, g, scratch));
}

static lens_status traced_optimizer_step(lens_tensor *w, const lens_tensor *g,
                                         lens_tensor *const *slots, const lens_tensor *norm,
                                         uint64_t step, const lens_optimizer_opts *opts) {
    size_t count = lens_optimizer_slots(opts->kind);
    const lens_tensor *m = count > 0 ? slots[0] : NULL, *v = count > 1 ? slots[1] : NULL;
    traced_call call = BEGIN(w, "optimizer", "step", 0, {"w", w}, {NULL, w}, {"g", g},
                             {"slot 1", m}, {NULL, m}, {"slot 2", v}, {NULL, v}, {"norm", norm});
    return end(&call, INNER(w)->optimizer_step(w, g, slots, norm, step, opts));
}

/* ---- the context ---------------------------------------------------------------------------- */

static lens_status traced_context_wait(lens_context *context) {
    lens_span span = lens_span_begin(context->tracing.trace, "wait");
    lens_status status = inner_of(context)->context_wait(context);
    lens_span_end(&span);
    return status;
}

static lens_status traced_context_limits(lens_context *context, lens_limits *limits) {
    lens_span span = lens_span_begin(context->tracing.trace, "measure limits");
    lens_status status = inner_of(context)->context_limits(context, limits);
    lens_span_end(&span);
    return status;
}

static void set_operations(lens_backend *table) {
    table->context_wait = traced_context_wait;
    table->context_limits = traced_context_limits;
    table->tensor_write = traced_tensor_write;
    table->tensor_read = traced_tensor_read;
    table->tensor_fill = traced_tensor_fill;
    table->tensor_copy = traced_tensor_copy;
    table->conv2d_forward = traced_conv2d_forward;
    table->conv2d_backward_input = traced_conv2d_backward_input;
    table->conv2d_backward_weight = traced_conv2d_backward_weight;
    table->conv2d_backward_bias = traced_conv2d_backward_bias;
    table->pool2d_forward = traced_pool2d_forward;
    table->pool2d_backward_input = traced_pool2d_backward_input;
    table->pad2d_forward = traced_pad2d_forward;
    table->pad2d_backward_input = traced_pad2d_backward_input;
    table->dense_forward = traced_dense_forward;
    table->dense_backward_input = traced_dense_backward_input;
    table->dense_backward_weight = traced_dense_backward_weight;
    table->dense_backward_bias = traced_dense_backward_bias;
    table->subsample_forward = traced_subsample_forward;
    table->subsample_backward_input = traced_subsample_backward_input;
    table->subsample_backward_weight = traced_subsample_backward_weight;
    table->subsample_backward_bias = traced_subsample_backward_bias;
    table->rbf_forward = traced_rbf_forward;
    table->rbf_backward_input = traced_rbf_backward_input;
    table->rbf_backward_weight = traced_rbf_backward_weight;
    table->activation_forward = traced_activation_forward;
    table->activation_backward_input = traced_activation_backward_input;
    table->activation_backward_bias = traced_activation_backward_bias;
    table->lrn_forward = traced_lrn_forward;
    table->lrn_backward_input = traced_lrn_backward_input;
    table->batchnorm_forward = traced_batchnorm_forward;
    table->batchnorm_forward_training = traced_batchnorm_forward_training;
    table->batchnorm_backward_weight = traced_batchnorm_backward_weight;
    table->batchnorm_backward_input = traced_batchnorm_backward_input;
    table->dropout_forward = traced_dropout_forward;
    table->dropout_backward_input = traced_dropout_backward_input;
    table->softmax_forward = traced_softmax_forward;
    table->softmax_backward_input = traced_softmax_backward_input;
    table->loss_forward = traced_loss_forward;
    table->loss_backward_input = traced_loss_backward_input;
    table->resize2d_forward = traced_resize2d_forward;
    table->resize2d_backward_input = traced_resize2d_backward_input;
    table->optimizer_norm = traced_optimizer_norm;
    table->optimizer_step = traced_optimizer_step;
}

lens_status lens_traced_open(lens_context *context, lens_trace *trace) {
    const lens_device_info *device = &context->device;
    char name[sizeof device->platform + sizeof device->name + 4];
    bool is_reference = device->type == LENS_DEVICE_REFERENCE;
    snprintf(name, sizeof name, "%s / %s", device->platform, device->name);
    lens_traced_backend *traced = malloc(sizeof *traced);
    uint32_t track = lens_trace_add_device(trace, name, is_reference ? "operations" : "queue");
    if (!traced || track == LENS_TRACK_NONE) {
        free(traced);
        return lens_fail_memory("trace", sizeof *traced);
    }
    *traced = (lens_traced_backend){.table = *context->backend, .inner = context->backend};
    set_operations(&traced->table);
    context->backend = &traced->table;
    context->tracing = (lens_tracing){.backend = traced, .trace = trace, .track = track};
    return LENS_OK;
}

void lens_traced_close(lens_context *context) {
    if (!context->tracing.trace)
        return;
    context->backend = inner_of(context);
    free(context->tracing.backend);
}
