/* op.h: a single pass of an operation on tensors of its own, for timing and comparing algorithms.
 */
#ifndef LENSLET_CLI_OP_H
#define LENSLET_CLI_OP_H

#include "cli.h"

typedef enum op_kind { OP_CONV2D, OP_DENSE } op_kind;

typedef struct op {
    op_kind kind;
    lens_pass pass; /* but for LENS_BACKWARD_BIAS */
    lens_shape x, w;
    lens_conv2d_opts conv2d; /* of OP_CONV2D */
} op;

/* The conv2d and dense layers of a net for this batch, each with its three passes; op_names[i] is
 * the layer's, borrowed from the spec. The input's gradient of the first layer, which no training
 * needs, is left out. The caller frees both arrays. */
lens_status op_list(op **ops, const char ***op_names, size_t *count, const lens_net_spec *spec,
                    size_t batch);

/* "16x96x27x27 * 256x96x5x5" in a static buffer. */
const char *op_shape(const op *o);

/* Multiply-adds, and the bytes that must move at least: each input read, the output written, once.
 */
double op_macs(const op *o);
double op_bytes(const op *o);

/* The algorithms that can do it, as lens_conv2d_algorithms(), and preferring one. */
lens_status op_algorithms(const op *o, const lens_context *context,
                          const char *names[LENS_ALGORITHMS_MOST], size_t *count);
lens_status op_prefer(const op *o, lens_context *context, const char *name);

/* Tensors filled with small integers. Of the images, gradients of all but the first and the last
 * are 0 for LENS_BACKWARD_WEIGHT, so that the result can be had from these two. */
typedef struct op_run {
    op op;
    lens_tensor *x, *w, *dy, *out, *scratch; /* those that the pass has; out is the result */
} op_run;

lens_status op_open(op_run *run, lens_context *context, const op *o);
void op_close(op_run *run);

/* New scratch, after another algorithm has been preferred. */
lens_status op_rescratch(op_run *run);

/* Queue it once. */
lens_status op_start(op_run *run);

#endif
