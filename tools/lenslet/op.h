/* op.h: a single pass of an operation on tensors of its own, for timing and comparing algorithms.
 */
#ifndef LENSLET_CLI_OP_H
#define LENSLET_CLI_OP_H

#include "cli.h"

typedef enum op_kind {
    OP_CONV2D,
    OP_DENSE,
    OP_POOL2D,
    OP_LRN,
    OP_BATCHNORM,
    OP_ACTIVATION,
    OP_DROPOUT,
    OP_OPTIMIZER, /* its forward pass is the update of all weights */
    OP_KINDS
} op_kind;

enum { OP_PASSES = LENS_BACKWARD_BIAS + 1 };

typedef struct op {
    op_kind kind;
    lens_pass pass;
    lens_shape x, w; /* w: of conv2d, dense and the optimizer */
    union {
        lens_conv2d_opts conv2d;
        lens_pool2d_opts pool2d;
        lens_lrn_opts lrn;
        lens_activation activation;
        lens_optimizer_kind optimizer;
    };
} op;

/* What a pass reads and writes. A pass that writes what it reads does so in place. */
enum {
    OP_X = 1,
    OP_DX = 2,
    OP_W = 4,
    OP_DW = 8,
    OP_Y = 16,
    OP_DY = 32,
    OP_DB = 64,    /* one value a channel of y */
    OP_SLOTS = 128 /* of the optimizer */
};

typedef struct op_moves {
    unsigned reads, writes; /* both 0: the operation has no such pass */
} op_moves;

op_moves op_moves_of(op_kind kind, lens_pass pass);

/* "conv2d"; "forward", "update". */
const char *op_name(op_kind kind);
const char *op_pass_name(const op *o);

/* "16x96x27x27 * 256x96x5x5" in a static buffer. */
const char *op_shape(const op *o);

lens_status op_output_shape(lens_shape *y, const op *o);

/* Multiply-adds of conv2d and dense: 0 for the others, whose time is that of their memory. */
double op_macs(const op *o);

/* The bytes that must move at least: each input read, each output written, once. */
double op_bytes(const op *o);

/* ---- those of a net ------------------------------------------------------------------------- */

typedef struct op_list {
    size_t count;
    op *ops;
    const char **layers; /* whose operation each is; borrowed from the spec but for "parameters" */
} op_list;

/* Every pass of each layer of a kind above, for this batch, as training does them, and the update
 * of all parameters. The input's gradient of the first layer with weights, and of those
 * before, is left out: no training needs it. Of a layer that is fused with an activation, the
 * activation's gradient is a pass too, the bias's gradient with it. */
lens_status op_list_new(op_list *list, const lens_net_spec *spec, size_t batch,
                        lens_optimizer_kind optimizer);
void op_list_free(op_list *list);

/* Drop all but those that `wanted` is true of; it gets `data` too. */
void op_list_keep(op_list *list, bool (*wanted)(const op *, const void *data), const void *data);

/* ---- algorithms ----------------------------------------------------------------------------- */

/* Whether there are any to choose from: in three passes of conv2d and dense. */
bool op_has_algorithms(const op *o);

/* Those that can do it, as lens_conv2d_algorithms(), and preferring one; for a pass that has
 * algorithms. */
lens_status op_algorithms(const op *o, const lens_context *context,
                          const char *names[LENS_ALGORITHMS_MOST], size_t *count);
lens_status op_prefer(const op *o, lens_context *context, const char *name);

/* ---- a run ---------------------------------------------------------------------------------- */

/* Tensors filled with small integers. Of the images, gradients of all but the first and the last
 * are 0 for LENS_BACKWARD_WEIGHT, so that the result can be had from these two. Those that the pass
 * has not are NULL. */
typedef struct op_run {
    op op;
    lens_context *context;
    lens_tensor *x, *w, *y, *dw, *dy, *scratch;
    lens_tensor *out;     /* the result, when it is not in place */
    lens_tensor *more[5]; /* statistics of batchnorm, slots of the optimizer */
} op_run;

lens_status op_open(op_run *run, lens_context *context, const op *o);
void op_close(op_run *run);

/* More scratch if it takes more, after another algorithm has been preferred. What is there stays:
 * the first use of new memory is slow, and would be taken for the algorithm's. */
lens_status op_rescratch(op_run *run);

/* Queue it once. */
lens_status op_start(op_run *run);

#endif
