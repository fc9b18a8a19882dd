/* activation.c: the activations' public entry. */
#include "ops/check.h"

#include <assert.h>

static const char *const names[] = {[LENS_LINEAR] = "linear",
                                    [LENS_RELU] = "relu",
                                    [LENS_LEAKY_RELU] = "leaky_relu",
                                    [LENS_TANH] = "tanh",
                                    [LENS_SCALED_TANH] = "scaled_tanh",
                                    [LENS_SIGMOID] = "sigmoid",
                                    [LENS_ELU] = "elu",
                                    [LENS_SOFTPLUS] = "softplus"};

const char *lens_activation_name(lens_activation_kind kind) {
    return (size_t)kind < sizeof names / sizeof names[0] ? names[kind] : "unknown";
}

lens_activation lens_activation_of(lens_activation_kind kind) {
    float alpha = kind == LENS_LEAKY_RELU ? 0.3f : kind == LENS_ELU ? 1.0f : 0.0f;
    return (lens_activation){.kind = kind, .alpha = alpha};
}

lens_status lens_activation_forward(lens_tensor *y, const lens_tensor *x,
                                    const lens_activation *opts) {
    assert(y && x && opts);
    LENS_TRY(lens_check_activation("activation", opts));
    LENS_TRY(lens_check_shape("activation", "y", y->shape, x->shape));
    LENS_TRY(lens_check_in_place("activation", y, x));
    return LENS_BACKEND(y)->activation_forward(y, x, opts);
}

static lens_status check_gradient(const lens_tensor *dx, const lens_tensor *dy,
                                  const lens_tensor *y, const lens_activation *opts) {
    LENS_TRY(lens_check_activation("activation", opts));
    LENS_TRY(lens_check_shape("activation", "dx", dx->shape, y->shape));
    LENS_TRY(lens_check_shape("activation", "dy", dy->shape, y->shape));
    LENS_TRY(lens_check_in_place("activation", dx, dy));
    return lens_check_in_place("activation", dx, y);
}

lens_status lens_activation_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                           const lens_tensor *y, const lens_activation *opts) {
    assert(dx && dy && y && opts);
    LENS_TRY(check_gradient(dx, dy, y, opts));
    return LENS_BACKEND(dx)->activation_backward_input(dx, dy, y, opts);
}

lens_status lens_activation_backward_bias(lens_tensor *dx, lens_tensor *db, const lens_tensor *dy,
                                          const lens_tensor *y, const lens_activation *opts) {
    assert(dx && db && dy && y && opts);
    LENS_TRY(check_gradient(dx, dy, y, opts));
    LENS_TRY(lens_check_shape("activation", "db", db->shape, (lens_shape){1, y->shape.c, 1, 1}));
    LENS_TRY(LENS_CHECK_TENSORS("activation", db, dx, dy, y));
    return LENS_BACKEND(dx)->activation_backward_bias(dx, db, dy, y, opts);
}
