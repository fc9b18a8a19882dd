/* summary.c: a network's sizes, without a device. */
#include "core/error.h"
#include "core/size.h"
#include "net/chain.h"
#include "net/connections.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void summarise_layers(lens_net_summary *summary, const lens_net_spec *spec,
                             const lens_chain *chain) {
    for (size_t i = 0; i < spec->layer_count; i++) {
        const lens_layer *layer = &chain->layers[i];
        size_t unconnected = lens_layer_unconnected(layer);
        lens_layer_summary *row = &summary->layers[i];
        *row = (lens_layer_summary){.name = spec->layers[i].name,
                                    .type = lens_layer_kind_name(spec->layers[i].kind),
                                    .output = layer->y,
                                    .parameters = lens_layer_parameters(layer) - unconnected,
                                    .macs = layer->class->macs(layer)};
        row->output.n = 1;
        summary->parameters += row->parameters;
        summary->trained += lens_layer_trained(layer) - unconnected;
        summary->macs += row->macs;
    }
    summary->layer_count = spec->layer_count;
}

static lens_status float_bytes(size_t *bytes, size_t *total, size_t count, size_t arrays) {
    if (!lens_size_mul(bytes, count, arrays) || !lens_size_mul(bytes, *bytes, sizeof(float)) ||
        !lens_size_add(total, *total, *bytes))
        return lens_fail(LENS_BAD_SHAPE, "net: it needs more memory than there is address space");
    return LENS_OK;
}

/* A mask is kept beside the parameters. */
static lens_status summarise_memory(lens_net_summary *summary, const lens_chain *chain,
                                    const lens_context *context, size_t slots) {
    size_t target, scratch, *total = &summary->memory_bytes.total;
    LENS_TRY(lens_shape_count(chain->target, &target));
    LENS_TRY(lens_chain_scratch(&scratch, chain, context));
    LENS_TRY(float_bytes(&summary->memory_bytes.scratch, total, scratch, 1));
    LENS_TRY(
        float_bytes(&summary->memory_bytes.parameters, total, chain->parameters + chain->masks, 1));
    LENS_TRY(float_bytes(&summary->memory_bytes.gradients, total, chain->trained, 1));
    LENS_TRY(float_bytes(&summary->memory_bytes.slots, total, chain->trained, slots));
    return float_bytes(&summary->memory_bytes.activations, total,
                       chain->arena + chain->saved + target, 1);
}

lens_status lens_net_summary_new(lens_net_summary **out, const lens_net_spec *spec,
                                 const lens_context *context, size_t batch, size_t slots) {
    assert(out && spec);
    *out = NULL;
    lens_net_opts opts = lens_net_defaults();
    opts.batch = batch;
    opts.training = true;
    lens_chain *chain;
    LENS_TRY(lens_chain_new(&chain, spec, &opts));
    lens_net_summary *summary = calloc(1, sizeof *summary);
    if (summary)
        summary->layers = calloc(spec->layer_count, sizeof *summary->layers);
    lens_status status = LENS_OK;
    if (!summary || !summary->layers) {
        status = lens_fail_memory("summary", spec->layer_count * sizeof *summary->layers);
        goto done;
    }
    summarise_layers(summary, spec, chain);
    status = summarise_memory(summary, chain, context, slots);
done:
    lens_chain_free(chain);
    if (status != LENS_OK)
        lens_net_summary_free(summary);
    else
        *out = summary;
    return status;
}

void lens_net_summary_free(lens_net_summary *summary) {
    if (!summary)
        return;
    free(summary->layers);
    free(summary);
}
