/* layer.h: what the net asks of a layer, whatever its kind.
 *
 * A lens_layer is a layer's spec with its shapes inferred. The shapes are for one image count; the
 * parameters' tensors are set by the net once they exist.
 */
#ifndef LENSLET_NET_LAYER_H
#define LENSLET_NET_LAYER_H

#include "lenslet/net.h"

typedef struct lens_layer lens_layer;

/* One layer's tensors in a pass. In backward dx is NULL when nobody wants it, and dy may be
 * overwritten. */
typedef struct lens_layer_io {
    lens_tensor *x, *y, *dx, *dy, *scratch;
    lens_tensor *saved;  /* what forward leaves for backward; NULL when the layer wants none */
    bool training;       /* forward: a backward pass follows */
    uint64_t seed, step; /* of the random numbers, when training */
} lens_layer_io;

/* What a kind of layer can do. All members are required. */
typedef struct lens_layer_class {
    /* From layer->spec and layer->x: y, the parameters' shapes, and "same" padding in numbers. */
    lens_status (*infer)(lens_layer *layer);
    /* Multiply-adds of a forward pass of one image. */
    size_t (*macs)(const lens_layer *layer);
    /* Elements that a forward pass leaves for backward, besides x and y. */
    size_t (*saved)(const lens_layer *layer);
    /* Elements of scratch that its passes want at most. */
    lens_status (*scratch)(size_t *count, const lens_layer *layer, const lens_context *context);
    /* Whether backward reads the layer's input or output, which then have to be kept. */
    bool (*keeps_x)(const lens_layer *layer);
    bool (*keeps_y)(const lens_layer *layer);
    lens_status (*forward)(const lens_layer *layer, const lens_layer_io *io);
    lens_status (*backward)(const lens_layer *layer, const lens_layer_io *io);
} lens_layer_class;

enum { LENS_WEIGHT, LENS_BIAS, LENS_MEAN, LENS_VARIANCE, LENS_LAYER_PARAMETERS };

struct lens_layer {
    lens_layer_spec spec;
    const lens_layer_class *class;
    uint32_t index; /* in the net, for the random numbers */
    lens_shape x, y;
    struct {
        lens_shape shape; /* n = 0: the layer has none */
        bool fixed;       /* not trained: it has no gradient */
        lens_tensor *value, *gradient;
    } parameters[LENS_LAYER_PARAMETERS];
    lens_tensor *mask; /* training with connections: 1 where the weight is connected, else 0 */
};

extern const lens_layer_class lens_layer_conv2d, lens_layer_dense, lens_layer_pool2d,
    lens_layer_pad2d, lens_layer_resize2d, lens_layer_activation, lens_layer_lrn,
    lens_layer_batchnorm, lens_layer_dropout, lens_layer_softmax, lens_layer_flatten,
    lens_layer_subsample, lens_layer_rbf;

/* Fill in everything but the parameters' tensors. A failure names the layer. */
lens_status lens_layer_infer(lens_layer *layer, const lens_layer_spec *spec, lens_shape x);

static inline bool lens_layer_has(const lens_layer *layer, int parameter) {
    return layer->parameters[parameter].shape.n != 0;
}

/* Elements of a parameter, 0 when the layer has none of the kind; of all of them; of those that are
 * trained. */
size_t lens_layer_parameter_count(const lens_layer *layer, int parameter);
size_t lens_layer_parameters(const lens_layer *layer);
size_t lens_layer_trained(const lens_layer *layer);

/* The gradient with respect to a fused activation's argument, in dy's place. */
lens_status lens_layer_through_activation(const lens_layer_io *io,
                                          const lens_activation *activation);

/* For kinds to which the answer is plain. */
bool lens_layer_yes(const lens_layer *layer);
bool lens_layer_no(const lens_layer *layer);
size_t lens_layer_none(const lens_layer *layer);
lens_status lens_layer_no_scratch(size_t *count, const lens_layer *layer,
                                  const lens_context *context);

#endif
