/* op.c: what each operation reads, writes and computes. */
#include "op.h"
#include "out.h"

static lens_status conv2d_output(lens_shape *y, const op *o) {
    return lens_conv2d_output_shape(y, o->x, o->w, &o->conv2d);
}

static lens_status dense_output(lens_shape *y, const op *o) {
    return lens_dense_output_shape(y, o->x, o->w);
}

static lens_status pool2d_output(lens_shape *y, const op *o) {
    return lens_pool2d_output_shape(y, o->x, &o->pool2d);
}

static lens_status same_output(lens_shape *y, const op *o) {
    *y = o->x;
    return LENS_OK;
}

/* ---- as text -------------------------------------------------------------------------------- */

static const char *conv2d_text(const op *o) {
    return out_printf("%s * %s", out_text_of_shape(o->x), out_text_of_shape(o->w));
}

static const char *dense_text(const op *o) {
    return out_printf("%zux%zu * %zux%zu", o->x.n, o->x.c * o->x.h * o->x.w, o->w.n, o->w.c);
}

static const char *pool2d_text(const op *o) {
    const lens_pool2d_opts *p = &o->pool2d;
    if (!p->window_h)
        return out_printf("%s, global %s", out_text_of_shape(o->x), lens_pool2d_kind_name(p->kind));
    return out_printf("%s, %s %zux%zu/%zu", out_text_of_shape(o->x), lens_pool2d_kind_name(p->kind),
                      p->window_h, p->window_w, p->stride_h ? p->stride_h : p->window_h);
}

static const char *lrn_text(const op *o) {
    return out_printf("%s, %s %zu", out_text_of_shape(o->x), lens_lrn_kind_name(o->lrn.kind),
                      o->lrn.size);
}

static const char *activation_text(const op *o) {
    return out_printf("%s, %s", out_text_of_shape(o->x), lens_activation_name(o->activation.kind));
}

static const char *x_text(const op *o) {
    return out_text_of_shape(o->x);
}

static const char *optimizer_text(const op *o) {
    return out_printf("%s, %s", out_thousands(o->w.n * o->w.c * o->w.h * o->w.w),
                      lens_optimizer_name(o->optimizer));
}

/* ---- the table ------------------------------------------------------------------------------ */

#define MATRIX_PASSES                                                                              \
    {                                                                                              \
        [LENS_FORWARD] = {OP_X | OP_W, OP_Y}, [LENS_BACKWARD_INPUT] = {OP_DY | OP_W, OP_DX},       \
        [LENS_BACKWARD_WEIGHT] = {OP_DY | OP_X, OP_DW}, [LENS_BACKWARD_BIAS] = {                   \
            OP_DY,                                                                                 \
            OP_DB                                                                                  \
        }                                                                                          \
    }

typedef struct op_type {
    const char *name;
    lens_status (*output)(lens_shape *y, const op *o);
    const char *(*text)(const op *o);
    bool multiplies; /* an output is a sum over a filter or a row of w */
    op_moves passes[OP_PASSES];
} op_type;

/* The activation's gradient is taken in place, as in a layer that is fused with one. */
static const op_type types[OP_KINDS] = {
    [OP_CONV2D] = {"conv2d", conv2d_output, conv2d_text, true, MATRIX_PASSES},
    [OP_DENSE] = {"dense", dense_output, dense_text, true, MATRIX_PASSES},
    [OP_POOL2D] = {"pool2d",
                   pool2d_output,
                   pool2d_text,
                   false,
                   {[LENS_FORWARD] = {OP_X, OP_Y}, [LENS_BACKWARD_INPUT] = {OP_DY | OP_X, OP_DX}}},
    [OP_LRN] = {"lrn",
                same_output,
                lrn_text,
                false,
                {[LENS_FORWARD] = {OP_X, OP_Y}, [LENS_BACKWARD_INPUT] = {OP_DY | OP_X, OP_DX}}},
    [OP_BATCHNORM] = {"batchnorm",
                      same_output,
                      x_text,
                      false,
                      {[LENS_FORWARD] = {OP_X, OP_Y},
                       [LENS_BACKWARD_INPUT] = {OP_DY | OP_X, OP_DX},
                       [LENS_BACKWARD_WEIGHT] = {OP_DY | OP_X, OP_DB}}},
    [OP_ACTIVATION] = {"activation",
                       same_output,
                       activation_text,
                       false,
                       {[LENS_FORWARD] = {OP_X, OP_Y},
                        [LENS_BACKWARD_INPUT] = {OP_DY | OP_Y, OP_DY},
                        [LENS_BACKWARD_BIAS] = {OP_DY | OP_Y, OP_DY | OP_DB}}},
    [OP_DROPOUT] = {"dropout",
                    same_output,
                    x_text,
                    false,
                    {[LENS_FORWARD] = {OP_X, OP_Y}, [LENS_BACKWARD_INPUT] = {OP_DY, OP_DX}}},
    [OP_OPTIMIZER] = {"optimizer",
                      same_output,
                      optimizer_text,
                      false,
                      {[LENS_FORWARD] = {OP_DW | OP_W | OP_SLOTS, OP_W | OP_SLOTS}}},
};

op_moves op_moves_of(op_kind kind, lens_pass pass) {
    return types[kind].passes[pass];
}

const char *op_name(op_kind kind) {
    return types[kind].name;
}

const char *op_pass_name(const op *o) {
    return o->kind == OP_OPTIMIZER ? "update" : lens_pass_name(o->pass);
}

const char *op_shape(const op *o) {
    return types[o->kind].text(o);
}

lens_status op_output_shape(lens_shape *y, const op *o) {
    return types[o->kind].output(y, o);
}

/* ---- work ----------------------------------------------------------------------------------- */

static double count_of(lens_shape shape) {
    return (double)shape.n * (double)shape.c * (double)shape.h * (double)shape.w;
}

double op_macs(const op *o) {
    lens_shape y;
    if (!types[o->kind].multiplies || o->pass == LENS_BACKWARD_BIAS ||
        op_output_shape(&y, o) != LENS_OK)
        return 0;
    return count_of(y) * (double)(o->w.c * o->w.h * o->w.w);
}

static double floats_of(const op *o, lens_shape y, unsigned arrays) {
    double slots = 0;
    if (arrays & OP_SLOTS)
        slots = (double)lens_optimizer_slots(o->optimizer) * count_of(o->w);
    return (arrays & OP_X ? count_of(o->x) : 0) + (arrays & OP_DX ? count_of(o->x) : 0) +
           (arrays & OP_W ? count_of(o->w) : 0) + (arrays & OP_DW ? count_of(o->w) : 0) +
           (arrays & OP_Y ? count_of(y) : 0) + (arrays & OP_DY ? count_of(y) : 0) +
           (arrays & OP_DB ? (double)y.c : 0) + slots;
}

double op_bytes(const op *o) {
    lens_shape y;
    op_moves moves = op_moves_of(o->kind, o->pass);
    if (op_output_shape(&y, o) != LENS_OK)
        return 0;
    return (floats_of(o, y, moves.reads) + floats_of(o, y, moves.writes)) * sizeof(float);
}

/* ---- algorithms ----------------------------------------------------------------------------- */

bool op_has_algorithms(const op *o) {
    return (o->kind == OP_CONV2D || o->kind == OP_DENSE) && o->pass != LENS_BACKWARD_BIAS;
}

lens_status op_algorithms(const op *o, const lens_context *context,
                          const char *names[LENS_ALGORITHMS_MOST], size_t *count) {
    if (o->kind == OP_DENSE)
        return lens_dense_algorithms(names, count, context, o->pass, o->x, o->w);
    return lens_conv2d_algorithms(names, count, context, o->pass, o->x, o->w, &o->conv2d);
}

lens_status op_prefer(const op *o, lens_context *context, const char *name) {
    if (o->kind == OP_DENSE)
        return lens_dense_prefer(context, o->pass, o->x, o->w, name);
    return lens_conv2d_prefer(context, o->pass, o->x, o->w, &o->conv2d, name);
}
