/* connections.h: convolutions whose filters do not read all channels. */
#ifndef LENSLET_NET_CONNECTIONS_H
#define LENSLET_NET_CONNECTIONS_H

#include "net/layer.h"

/* Whether the layer is a convolution with a table. */
bool lens_layer_has_table(const lens_layer *layer);

/* BAD_SHAPE when the table of a convolution does not fit its filters and channels. */
lens_status lens_connections_check(const lens_layer *layer);

/* Whether filter k of a weighted layer reads channel c; without a table it always does. */
bool lens_layer_connects(const lens_layer *layer, size_t k, size_t c);

/* How many channels filter k reads; of a weight (k, c, r, s) all c where there is no table. */
size_t lens_layer_inputs(const lens_layer *layer, size_t k);

/* Elements of the weight that are 0 because nothing is connected there. */
size_t lens_layer_unconnected(const lens_layer *layer);

/* *mask like the weight: 1 where connected, 0 elsewhere. */
lens_status lens_connections_mask(lens_tensor **mask, const lens_layer *layer,
                                  lens_context *context);

#endif
