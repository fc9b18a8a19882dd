/* ref_dropout.c: dropout and its gradient, as ops.h states them. */
#include "core/philox.h"
#include "reference/reference.h"

static lens_status drop(lens_tensor *out, const lens_tensor *in, const lens_dropout_opts *opts) {
    uint32_t limit = (uint32_t)((double)opts->rate * 0x1p32);
    float scale = 1 / (1 - opts->rate);
    for (size_t i = 0; i < in->count; i++) {
        uint32_t word =
            lens_random(opts->seed, LENS_STREAM_DROPOUT, opts->index, opts->step, (uint32_t)i);
        ref_values(out)[i] = word < limit ? 0 : ref_values(in)[i] * scale;
    }
    return LENS_OK;
}

lens_status ref_dropout_forward(lens_tensor *y, const lens_tensor *x,
                                const lens_dropout_opts *opts) {
    return drop(y, x, opts);
}

lens_status ref_dropout_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                       const lens_dropout_opts *opts) {
    return drop(dx, dy, opts);
}
