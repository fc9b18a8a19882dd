/* chain.h: the layers that run, and where each of their values lives in the arena.
 *
 * Value 0 is the net's input, value i + 1 the output of layer i. The chain is the spec's layers,
 * with one more where a last sigmoid is taken off its layer so that the loss can read the logits.
 */
#ifndef LENSLET_NET_CHAIN_H
#define LENSLET_NET_CHAIN_H

#include "net/layer.h"

/* Of arrays in a shared buffer, in elements: 128 bytes, a cache line or two, so that wide loads at
 * an array's start are aligned. */
#define LENS_ALIGNMENT 32

typedef struct lens_value {
    lens_shape shape;
    size_t offset; /* in the arena */
    bool has_gradient;
    size_t gradient_offset;
} lens_value;

typedef struct lens_chain {
    size_t count; /* layers */
    lens_layer *layers;
    lens_value *values;  /* count + 1 */
    size_t arena;        /* elements */
    size_t parameters;   /* elements */
    size_t trained;      /* of them, those with a gradient */
    size_t masks;        /* elements of the layers' masks */
    size_t saved;        /* elements that forward passes leave for backward */
    size_t first_layer;  /* backward ends with this one; count: there is nothing to compute */
    size_t loss_value;   /* the value that the loss reads, */
    lens_loss_opts loss; /* in this way */
    lens_shape target;
} lens_chain;

/* Infer all shapes at opts->batch and plan the arena. BAD_SHAPE names the layer that does not fit.
 */
lens_status lens_chain_new(lens_chain **out, const lens_net_spec *spec, const lens_net_opts *opts);
void lens_chain_free(lens_chain *chain); /* NULL is allowed */

/* Elements of scratch that the hungriest layer wants on that device; NULL: 0, as general kernels
 * want. */
lens_status lens_chain_scratch(size_t *most, const lens_chain *chain, const lens_context *context);

#endif
