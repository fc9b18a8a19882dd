/* connections.c: convolutions whose filters do not read all channels.
 *
 * The weight is stored whole. What is not connected starts at 0, and its gradient is multiplied by
 * 0, so that every optimizer leaves it there: all of them move a weight of 0 by a multiple of its
 * gradients so far, and weight decay is a multiple of the weight.
 */
#include "net/connections.h"
#include "core/error.h"

#include <stdlib.h>

bool lens_layer_has_table(const lens_layer *layer) {
    return layer->spec.kind == LENS_LAYER_CONV2D && layer->spec.conv2d.connections[0] != 0;
}

lens_status lens_connections_check(const lens_layer *layer) {
    size_t filters = layer->spec.conv2d.filters, channels = layer->x.c;
    if (!lens_layer_has_table(layer))
        return LENS_OK;
    if (filters > LENS_CONNECTIONS_MOST || channels > 32 || layer->spec.conv2d.opts.groups != 1)
        return lens_fail(LENS_BAD_SHAPE,
                         "conv2d: connections are for 1 group and at most %d filters of 32 "
                         "channels, not for %zu groups, %zu filters and %zu channels",
                         LENS_CONNECTIONS_MOST, layer->spec.conv2d.opts.groups, filters, channels);
    for (size_t k = 0; k < LENS_CONNECTIONS_MOST; k++) {
        uint32_t reads = layer->spec.conv2d.connections[k];
        if (k < filters ? !reads : reads)
            return lens_fail(LENS_BAD_SHAPE,
                             "conv2d: the connections of filter %zu; each of the %zu filters needs "
                             "some",
                             k, filters);
        if (channels < 32 && reads >> channels)
            return lens_fail(LENS_BAD_SHAPE,
                             "conv2d: filter %zu is connected beyond the %zu channels of x", k,
                             channels);
    }
    return LENS_OK;
}

bool lens_layer_connects(const lens_layer *layer, size_t k, size_t c) {
    return !lens_layer_has_table(layer) || layer->spec.conv2d.connections[k] >> c & 1;
}

size_t lens_layer_inputs(const lens_layer *layer, size_t k) {
    size_t count = 0;
    for (size_t c = 0; c < layer->parameters[LENS_WEIGHT].shape.c; c++)
        count += lens_layer_connects(layer, k, c);
    return count;
}

size_t lens_layer_unconnected(const lens_layer *layer) {
    lens_shape w = layer->parameters[LENS_WEIGHT].shape;
    size_t pairs = 0;
    for (size_t k = 0; lens_layer_has_table(layer) && k < w.n; k++)
        pairs += w.c - lens_layer_inputs(layer, k);
    return pairs * w.h * w.w;
}

lens_status lens_connections_mask(lens_tensor **mask, const lens_layer *layer,
                                  lens_context *context) {
    lens_shape w = layer->parameters[LENS_WEIGHT].shape;
    size_t taps = w.h * w.w, count = w.n * w.c * taps;
    float *values = malloc(count * sizeof *values);
    if (!values)
        return lens_fail_memory("connections", count * sizeof *values);
    for (size_t i = 0; i < count; i++)
        values[i] = lens_layer_connects(layer, i / taps / w.c, i / taps % w.c);
    lens_status status = lens_tensor_new(mask, context, w);
    if (status == LENS_OK)
        status = lens_tensor_write(*mask, values);
    free(values);
    return status;
}
