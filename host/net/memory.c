/* memory.c: does a network fit a device. Asked before anything is allocated, so that the answer can
 * name the batch that would fit. */
#include "core/error.h"
#include "core/size.h"
#include "net/chain.h"

#include <assert.h>
#include <stdio.h>

lens_status lens_chain_scratch(size_t *most, const lens_chain *chain, const lens_context *context) {
    *most = 0;
    for (size_t i = 0; context && i < chain->count; i++) {
        const lens_layer *layer = &chain->layers[i];
        size_t count;
        LENS_TRY(layer->class->scratch(&count, layer, context));
        *most = lens_size_max(*most, count);
    }
    return LENS_OK;
}

typedef struct need {
    size_t total, largest; /* bytes: of all arrays, and of the largest one */
} need;

static lens_status need_of(need *out, lens_context *context, const lens_net_spec *spec,
                           const lens_net_opts *opts, size_t slots) {
    lens_chain *chain;
    size_t scratch, target, arrays;
    LENS_TRY(lens_chain_new(&chain, spec, opts));
    lens_status status = lens_chain_scratch(&scratch, chain, context);
    if (status == LENS_OK)
        status = lens_shape_count(chain->target, &target);
    if (status == LENS_OK) {
        arrays = opts->training ? 1 + slots : 0;
        out->largest =
            sizeof(float) * lens_size_max(lens_size_max(chain->parameters, chain->arena), scratch);
        out->total =
            sizeof(float) * (chain->parameters + chain->masks + arrays * chain->trained +
                             chain->arena + (opts->training ? chain->saved : 0) + scratch + target);
    }
    lens_chain_free(chain);
    return status;
}

static bool fits(need n, const lens_device_info *device) {
    return n.total <= device->memory_bytes && n.largest <= device->allocation_bytes;
}

/* The largest batch that fits, by halving; 0: none does. */
static lens_status largest_batch(size_t *out, lens_context *context, const lens_net_spec *spec,
                                 lens_net_opts opts, size_t slots) {
    size_t low = 0, high = opts.batch; /* low fits, high does not */
    while (high - low > 1) {
        need n;
        opts.batch = low + (high - low) / 2;
        LENS_TRY(need_of(&n, context, spec, &opts, slots));
        if (fits(n, lens_context_device(context)))
            low = opts.batch;
        else
            high = opts.batch;
    }
    *out = low;
    return LENS_OK;
}

#define SIZE_TEXT 32

static const char *size_text(char text[SIZE_TEXT], double bytes) {
    bool is_small = bytes < 10 << 20;
    snprintf(text, SIZE_TEXT, is_small ? "%.0f KiB" : "%.0f MiB",
             bytes / (is_small ? 1 << 10 : 1 << 20));
    return text;
}

lens_status lens_net_check_memory(lens_context *context, const lens_net_spec *spec,
                                  const lens_net_opts *opts, size_t slots) {
    assert(context && spec && opts);
    const lens_device_info *device = lens_context_device(context);
    need n;
    LENS_TRY(need_of(&n, context, spec, opts, slots));
    if (fits(n, device))
        return LENS_OK;
    size_t batch;
    char advice[64];
    LENS_TRY(largest_batch(&batch, context, spec, *opts, slots));
    if (batch)
        snprintf(advice, sizeof advice, "a batch of %zu would fit", batch);
    else
        snprintf(advice, sizeof advice, "not even a batch of 1 would fit");
    char whole[SIZE_TEXT], array[SIZE_TEXT], memory[SIZE_TEXT], most[SIZE_TEXT];
    return lens_fail(
        LENS_OUT_OF_MEMORY,
        "network %s at a batch of %zu takes %s, %s of them in one array; %s has %s and "
        "gives at most %s at once; %s",
        spec->name, opts->batch, size_text(whole, (double)n.total),
        size_text(array, (double)n.largest), device->name,
        size_text(memory, (double)device->memory_bytes),
        size_text(most, (double)device->allocation_bytes), advice);
}
