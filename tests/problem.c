/* problem.c: one pass of a convolution or a dense layer on any context. */
#include "problem.h"

#include <stdlib.h>

lens_context *problem_context(const char *algorithm, bool profile) {
    lens_context_opts opts = lens_context_defaults();
    opts.algorithm = algorithm;
    opts.profile = profile;
    lens_context *context;
    assert_ok(lens_context_open(&context, getenv("LENSLET_DEVICE"), &opts));
    return context;
}

static lens_tensor *fill(lens_context *context, const problem *p, lens_shape shape, uint64_t seed) {
    size_t count = shape_count(shape);
    float *values = p->reals ? test_reals(count, seed) : test_integers(count, 3, seed);
    lens_tensor *tensor = test_tensor(context, shape, values);
    free(values);
    return tensor;
}

size_t problem_scratch(lens_context *context, const problem *p) {
    size_t count;
    if (p->is_dense)
        assert_ok(lens_dense_scratch(&count, context, p->pass, p->x, p->w));
    else
        assert_ok(lens_conv2d_scratch(&count, context, p->pass, p->x, p->w, &p->opts));
    return count;
}

float *problem_solve(lens_context *context, void *user, size_t *count) {
    const problem *p = user;
    lens_shape ys;
    if (p->is_dense)
        assert_ok(lens_dense_output_shape(&ys, p->x, p->w));
    else
        assert_ok(lens_conv2d_output_shape(&ys, p->x, p->w, &p->opts));
    lens_shape bs = {1, p->w.n, 1, 1};
    const lens_shape out_shapes[] = {ys, p->x, p->w, bs};
    lens_tensor *x = fill(context, p, p->x, 1), *w = fill(context, p, p->w, 2);
    lens_tensor *b = fill(context, p, bs, 3), *dy = fill(context, p, ys, 4);
    lens_tensor *out = test_tensor(context, out_shapes[p->pass], NULL);
    size_t wanted = p->scratch == NONE ? 0 : problem_scratch(context, p);
    lens_tensor *around = NULL, *scratch = NULL;
    if (wanted)
        around = test_tensor(context, (lens_shape){1, wanted + 5, 1, 1}, NULL);
    if (wanted)
        assert_ok(lens_tensor_view(&scratch, around, p->scratch == INSIDE ? 5 : 0,
                                   (lens_shape){1, wanted, 1, 1}));
    lens_dense_opts dense = {p->opts.activation};
    lens_status status = LENS_OK;
    switch (p->pass) {
    case LENS_FORWARD:
        status = p->is_dense ? lens_dense_forward(out, x, w, b, &dense, scratch)
                             : lens_conv2d_forward(out, x, w, b, &p->opts, scratch);
        break;
    case LENS_BACKWARD_INPUT:
        status = p->is_dense ? lens_dense_backward_input(out, dy, w, scratch)
                             : lens_conv2d_backward_input(out, dy, w, &p->opts, scratch);
        break;
    case LENS_BACKWARD_WEIGHT:
        status = p->is_dense ? lens_dense_backward_weight(out, dy, x, scratch)
                             : lens_conv2d_backward_weight(out, dy, x, &p->opts, scratch);
        break;
    case LENS_BACKWARD_BIAS:
        status =
            p->is_dense ? lens_dense_backward_bias(out, dy) : lens_conv2d_backward_bias(out, dy);
    }
    assert_ok(status);
    float *result = test_read(out);
    *count = lens_tensor_count(out);
    lens_tensor *all[] = {scratch, around, x, w, b, dy, out};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        lens_tensor_free(all[i]);
    return result;
}
