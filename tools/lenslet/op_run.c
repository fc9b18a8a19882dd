/* op_run.c: the tensors of an operation's pass, and starting it. */
#include "op.h"

#include <stdlib.h>

/* ---- starting ------------------------------------------------------------------------------- */

static lens_status conv2d_forward(op_run *r) {
    return lens_conv2d_forward(r->out, r->x, r->w, NULL, &r->op.conv2d, r->scratch);
}

static lens_status conv2d_backward_input(op_run *r) {
    return lens_conv2d_backward_input(r->out, r->dy, r->w, &r->op.conv2d, r->scratch);
}

static lens_status conv2d_backward_weight(op_run *r) {
    return lens_conv2d_backward_weight(r->out, r->dy, r->x, &r->op.conv2d, r->scratch);
}

static lens_status conv2d_backward_bias(op_run *r) {
    return lens_conv2d_backward_bias(r->out, r->dy);
}

static lens_status dense_forward(op_run *r) {
    lens_dense_opts opts = lens_dense_defaults();
    return lens_dense_forward(r->out, r->x, r->w, NULL, &opts, r->scratch);
}

static lens_status dense_backward_input(op_run *r) {
    return lens_dense_backward_input(r->out, r->dy, r->w, r->scratch);
}

static lens_status dense_backward_weight(op_run *r) {
    return lens_dense_backward_weight(r->out, r->dy, r->x, r->scratch);
}

static lens_status dense_backward_bias(op_run *r) {
    return lens_dense_backward_bias(r->out, r->dy);
}

static lens_status pool2d_forward(op_run *r) {
    return lens_pool2d_forward(r->out, r->x, &r->op.pool2d);
}

static lens_status pool2d_backward_input(op_run *r) {
    return lens_pool2d_backward_input(r->out, r->dy, r->x, &r->op.pool2d);
}

static lens_status lrn_forward(op_run *r) {
    return lens_lrn_forward(r->out, r->x, &r->op.lrn);
}

static lens_status lrn_backward_input(op_run *r) {
    return lens_lrn_backward_input(r->out, r->dy, r->x, &r->op.lrn, r->scratch);
}

/* What batchnorm has a value of each channel of; beta's place is also dbeta's, which has its size.
 */
enum { GAMMA, BETA, MEAN, VARIANCE, SAVED };

static lens_status batchnorm_forward(op_run *r) {
    lens_batchnorm_opts opts = lens_batchnorm_defaults();
    return lens_batchnorm_forward_training(r->out, r->x, r->more[GAMMA], r->more[BETA],
                                           r->more[MEAN], r->more[VARIANCE], r->more[SAVED], &opts);
}

static lens_status batchnorm_backward_input(op_run *r) {
    return lens_batchnorm_backward_input(r->out, r->dy, r->x, r->more[GAMMA], r->more[SAVED],
                                         r->more[GAMMA], r->more[BETA]);
}

static lens_status batchnorm_backward_weight(op_run *r) {
    return lens_batchnorm_backward_weight(r->out, r->more[BETA], r->dy, r->x, r->more[SAVED]);
}

static lens_status activation_forward(op_run *r) {
    return lens_activation_forward(r->out, r->x, &r->op.activation);
}

static lens_status activation_backward_input(op_run *r) {
    return lens_activation_backward_input(r->dy, r->dy, r->y, &r->op.activation);
}

static lens_status activation_backward_bias(op_run *r) {
    return lens_activation_backward_bias(r->dy, r->out, r->dy, r->y, &r->op.activation);
}

static const lens_dropout_opts dropout = {.rate = 0.5f};

static lens_status dropout_forward(op_run *r) {
    return lens_dropout_forward(r->out, r->x, &dropout);
}

static lens_status dropout_backward_input(op_run *r) {
    return lens_dropout_backward_input(r->out, r->dy, &dropout);
}

static lens_status optimizer_update(op_run *r) {
    lens_optimizer_opts opts = lens_optimizer_defaults(r->op.optimizer);
    return lens_optimizer_step(r->w, r->dw, r->more, NULL, 1, &opts);
}

static lens_status (*const starts[OP_KINDS][OP_PASSES])(op_run *) = {
    [OP_CONV2D] = {conv2d_forward, conv2d_backward_input, conv2d_backward_weight,
                   conv2d_backward_bias},
    [OP_DENSE] = {dense_forward, dense_backward_input, dense_backward_weight, dense_backward_bias},
    [OP_POOL2D] = {pool2d_forward, pool2d_backward_input},
    [OP_LRN] = {lrn_forward, lrn_backward_input},
    [OP_BATCHNORM] = {batchnorm_forward, batchnorm_backward_input, batchnorm_backward_weight},
    [OP_ACTIVATION] = {activation_forward, activation_backward_input, NULL,
                       activation_backward_bias},
    [OP_DROPOUT] = {dropout_forward, dropout_backward_input},
    [OP_OPTIMIZER] = {optimizer_update},
};

lens_status op_start(op_run *r) {
    return starts[r->op.kind][r->op.pass](r);
}

/* ---- tensors -------------------------------------------------------------------------------- */

/* -3 .. 3; where `ends_only`, 0 for all images but the first and the last. */
static lens_status new_filled(lens_tensor **out, lens_context *context, lens_shape shape,
                              uint32_t salt, bool ends_only) {
    TRY(lens_tensor_new(out, context, shape));
    size_t count = lens_tensor_count(*out), image = count / shape.n;
    float *values = cli_alloc(count, sizeof *values);
    for (size_t i = 0; i < count; i++) {
        bool is_end = i < image || i >= count - image;
        uint32_t word = ((uint32_t)i + salt) * 2654435761u;
        values[i] = is_end || !ends_only ? (float)((word >> 16) % 7) - 3 : 0;
    }
    lens_status status = lens_tensor_write(*out, values);
    free(values);
    return status;
}

static lens_status new_constant(lens_tensor **out, lens_context *context, lens_shape shape,
                                float value) {
    TRY(lens_tensor_new(out, context, shape));
    return lens_tensor_fill(*out, value);
}

static lens_status open_more(op_run *r) {
    if (r->op.kind == OP_BATCHNORM)
        for (size_t i = GAMMA; i <= SAVED; i++)
            TRY(new_constant(&r->more[i], r->context,
                             (lens_shape){1, r->op.x.c * (i == SAVED ? 2 : 1), 1, 1}, 1));
    if (r->op.kind == OP_OPTIMIZER)
        for (size_t i = 0; i < lens_optimizer_slots(r->op.optimizer); i++)
            TRY(new_constant(&r->more[i], r->context, r->op.w, 0));
    return LENS_OK;
}

static lens_status open_out(op_run *r, unsigned made, lens_shape y) {
    lens_shape shape = made & OP_DX ? r->op.x : made & OP_DW ? r->op.w : y;
    if (made & OP_DB)
        shape = (lens_shape){1, y.c, 1, 1};
    return made ? lens_tensor_new(&r->out, r->context, shape) : LENS_OK;
}

static lens_status scratch_size(size_t *size, const op_run *r) {
    const op *o = &r->op;
    *size = 0;
    if (o->kind == OP_LRN)
        return lens_lrn_scratch(size, r->context, o->pass, o->x, &o->lrn);
    if (!op_has_algorithms(o))
        return LENS_OK;
    if (o->kind == OP_DENSE)
        return lens_dense_scratch(size, r->context, o->pass, o->x, o->w);
    return lens_conv2d_scratch(size, r->context, o->pass, o->x, o->w, &o->conv2d);
}

lens_status op_rescratch(op_run *r) {
    size_t size;
    TRY(scratch_size(&size, r));
    if (size <= (r->scratch ? lens_tensor_count(r->scratch) : 0))
        return LENS_OK;
    lens_tensor_free(r->scratch);
    r->scratch = NULL;
    return lens_tensor_new(&r->scratch, r->context, (lens_shape){1, size, 1, 1});
}

lens_status op_open(op_run *r, lens_context *context, const op *o) {
    lens_shape y;
    op_moves moves = op_moves_of(o->kind, o->pass);
    *r = (op_run){.op = *o, .context = context};
    TRY(op_output_shape(&y, o));
    if (moves.reads & OP_X)
        TRY(new_filled(&r->x, context, o->x, 1, false));
    if (moves.reads & OP_W)
        TRY(new_filled(&r->w, context, o->w, 2, false));
    if (moves.reads & OP_DY)
        TRY(new_filled(&r->dy, context, y, 3, o->pass == LENS_BACKWARD_WEIGHT));
    if (moves.reads & OP_Y)
        TRY(new_filled(&r->y, context, y, 4, false));
    if (moves.reads & OP_DW)
        TRY(new_filled(&r->dw, context, o->w, 5, false));
    TRY(open_more(r));
    TRY(open_out(r, moves.writes & ~moves.reads, y));
    return op_rescratch(r);
}

void op_close(op_run *r) {
    lens_tensor *all[] = {r->scratch, r->out, r->dy, r->y, r->dw, r->w, r->x};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        lens_tensor_free(all[i]);
    for (size_t i = 0; i < sizeof r->more / sizeof r->more[0]; i++)
        lens_tensor_free(r->more[i]);
}
