/* test_subsample.c: trainable subsampling on the device under test against the reference, and the
 * reference against central differences.
 *
 * Small integers: every sum is exact in float32, the comparison is for equality. Reals: a sum of T
 * products rounds by about sqrt(T) eps of their size; 1e-6 sqrt(T) is 8 times that. A fused
 * scaled_tanh differs by the rounding of the device's own tanh, of values up to 1.7.
 */
#include "sweep.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct subsample_case {
    const char *name;
    lens_shape x;
    size_t window_h, window_w;
    lens_activation activation;
    /* filled in by the test */
    bool reals;
    enum { Y, DX, DW, DB } wanted;
    float *values[4]; /* x w b dy of the central differences */
} subsample_case;

static const subsample_case cases[] = {
    {"one pixel", {1, 1, 1, 1}, 1, 1},
    {"S2 of LeNet-5", {3, 6, 28, 28}, 2, 2},
    {"S4 of LeNet-5", {2, 16, 10, 10}, 2, 2},
    {"a row and a column left over", {2, 3, 5, 7}, 2, 2},
    {"window 3 x 2, two rows left over", {2, 2, 8, 6}, 3, 2},
    {"the window is the map", {3, 4, 3, 5}, 3, 5},
    {"relu", {2, 5, 6, 6}, 2, 2, {LENS_RELU, 0}},
};
#define CASE_COUNT (sizeof cases / sizeof cases[0])

static lens_subsample_opts opts_of(const subsample_case *c) {
    return (lens_subsample_opts){c->window_h, c->window_w, c->activation};
}

static lens_tensor *tensor_of(lens_context *context, const subsample_case *c, int which,
                              lens_shape shape) {
    if (c->values[which])
        return test_tensor(context, shape, c->values[which]);
    uint64_t seed = 20 + (uint64_t)which;
    float *values = c->reals ? test_reals(shape_count(shape), seed)
                             : test_integers(shape_count(shape), 3, seed);
    lens_tensor *tensor = test_tensor(context, shape, values);
    free(values);
    return tensor;
}

/* The wanted one of y, dx, dw and db. */
static float *run(lens_context *context, void *user, size_t *count) {
    const subsample_case *c = user;
    lens_subsample_opts opts = opts_of(c);
    lens_shape map = {1, c->x.c, 1, 1}, ys;
    assert_ok(lens_subsample_output_shape(&ys, c->x, &opts));
    const lens_shape shapes[] = {ys, c->x, map, map};
    lens_tensor *x = tensor_of(context, c, 0, c->x), *w = tensor_of(context, c, 1, map);
    lens_tensor *b = tensor_of(context, c, 2, map), *dy = tensor_of(context, c, 3, ys);
    lens_tensor *out = test_tensor(context, shapes[c->wanted], NULL);
    if (c->wanted == Y)
        assert_ok(lens_subsample_forward(out, x, w, b, &opts));
    if (c->wanted == DX)
        assert_ok(lens_subsample_backward_input(out, dy, w, &opts));
    if (c->wanted == DW)
        assert_ok(lens_subsample_backward_weight(out, dy, x, &opts));
    if (c->wanted == DB)
        assert_ok(lens_subsample_backward_bias(out, dy));
    float *result = test_read(out);
    *count = shape_count(shapes[c->wanted]);
    lens_tensor *all[] = {x, w, b, dy, out};
    for (size_t i = 0; i < 5; i++)
        lens_tensor_free(all[i]);
    return result;
}

static void compare(subsample_case c, const char *name) {
    static const char *const outputs[] = {"y", "dx", "dw", "db"};
    size_t taps = c.x.n * c.x.h * c.x.w;
    size_t terms[] = {c.window_h * c.window_w + 1, 1, taps, taps};
    for (int wanted = Y; wanted <= DB; wanted++) {
        char what[128];
        snprintf(what, sizeof what, "%s of %s", outputs[wanted], name);
        c.wanted = wanted;
        sweep_compare(what, run, &c, 0, c.reals ? 1e-6 * sqrt((double)terms[wanted]) : 0);
    }
}

static void device_equals_reference_on_integers(void **state) {
    (void)state;
    for (size_t i = 0; i < CASE_COUNT; i++)
        compare(cases[i], cases[i].name);
}

static void device_is_close_to_reference_on_reals(void **state) {
    (void)state;
    for (size_t i = 0; i < CASE_COUNT; i++) {
        subsample_case c = cases[i];
        c.reals = true;
        compare(c, c.name);
    }
    subsample_case c = cases[1];
    c.reals = true;
    c.activation.kind = LENS_SCALED_TANH;
    compare(c, "S2 of LeNet-5 with its scaled tanh");
}

static void device_equals_reference_on_200_generated_shapes(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 200; seed++) {
        char name[64];
        snprintf(name, sizeof name, "generated, seed %llu", (unsigned long long)seed);
        subsample_case c = {.window_h = draw(seed, 0, 1, 4), .window_w = draw(seed, 1, 1, 4)};
        c.x = (lens_shape){draw(seed, 2, 1, 5), draw(seed, 3, 1, 9), draw(seed, 4, c.window_h, 17),
                           draw(seed, 5, c.window_w, 17)};
        compare(c, name);
    }
}

/* The fifth column is left over. */
static void known_answer(void **state) {
    (void)state;
    float x[] = {1, 2, 3, 4, 9, 5, 6, 7, 8, 9}, w[] = {2}, b[] = {-30}, dy[] = {10, 100};
    const float expected[4][10] = {
        {-2, 14}, {20, 20, 200, 200, 0, 20, 20, 200, 200, 0}, {10 * 14 + 100 * 22}, {110}};
    subsample_case c = {.x = {1, 1, 2, 5}, .window_h = 2, .window_w = 2, .values = {x, w, b, dy}};
    lens_context *contexts[] = {test_reference(), test_device()};
    for (int i = 0; i < 8; i++) {
        size_t count;
        c.wanted = i / 2;
        float *got = run(contexts[i % 2], &c, &count);
        test_compare("by hand", got, expected[i / 2], count, 0, 0);
        free(got);
    }
}

static double objective(void *user) {
    subsample_case c = *(subsample_case *)user;
    size_t count;
    c.wanted = Y;
    float *y = run(test_reference(), &c, &count);
    double sum = test_dot(y, c.values[3], count);
    free(y);
    return sum;
}

/* Linear in x, w and b: integers and a step of 1 are exact. */
static void reference_gradients_equal_central_differences(void **state) {
    (void)state;
    for (size_t i = 0; i < CASE_COUNT; i++) {
        subsample_case c = cases[i];
        size_t counts[] = {shape_count(c.x), c.x.c, c.x.c, shape_count(c.x)}, count;
        if (c.activation.kind != LENS_LINEAR || counts[0] > 4000)
            continue;
        for (int j = 0; j < 4; j++)
            c.values[j] = test_integers(counts[j], 3, 20 + (uint64_t)j);
        for (int wanted = DX; wanted <= DB; wanted++) {
            c.wanted = wanted;
            float *gradient = run(test_reference(), &c, &count);
            test_gradient(c.name, gradient, c.values[wanted - 1], count, 1, 0, 0, objective, &c);
            free(gradient);
        }
        for (int j = 0; j < 4; j++)
            free(c.values[j]);
    }
}

static void bad_arguments_are_named(void **state) {
    (void)state;
    lens_shape y;
    lens_subsample_opts opts = lens_subsample_defaults();
    assert_int_equal(opts.window_h, 2);
    assert_int_equal(opts.window_w, 2);
    assert_fails(lens_subsample_output_shape(&y, (lens_shape){1, 1, 4, 1}, &opts), LENS_BAD_SHAPE,
                 "subsample: a window of 2 with dilation 1 does not fit the 1 columns");
    opts.window_h = 0;
    assert_fails(lens_subsample_output_shape(&y, (lens_shape){1, 1, 4, 4}, &opts),
                 LENS_BAD_ARGUMENT, "window 0");
    opts = lens_subsample_defaults();
    lens_context *context = test_device();
    lens_tensor *x = test_tensor(context, (lens_shape){2, 3, 4, 4}, NULL);
    lens_tensor *w = test_tensor(context, (lens_shape){1, 3, 1, 1}, NULL);
    lens_tensor *b = test_tensor(context, (lens_shape){1, 3, 1, 1}, NULL);
    lens_tensor *four = test_tensor(context, (lens_shape){1, 4, 1, 1}, NULL);
    lens_tensor *yt = test_tensor(context, (lens_shape){2, 3, 2, 2}, NULL);
    assert_fails(lens_subsample_forward(x, x, w, b, &opts), LENS_BAD_SHAPE, "subsample: y is");
    assert_fails(lens_subsample_forward(yt, x, four, b, &opts), LENS_BAD_SHAPE, "w is");
    assert_fails(lens_subsample_forward(yt, x, w, four, &opts), LENS_BAD_SHAPE, "b is");
    assert_fails(lens_subsample_backward_input(x, yt, four, &opts), LENS_BAD_SHAPE, "w is");
    assert_fails(lens_subsample_backward_input(yt, yt, w, &opts), LENS_BAD_SHAPE, "dy is");
    assert_fails(lens_subsample_backward_weight(four, yt, x, &opts), LENS_BAD_SHAPE, "dw is");
    assert_fails(lens_subsample_backward_weight(w, x, x, &opts), LENS_BAD_SHAPE, "dy is");
    assert_fails(lens_subsample_backward_bias(four, yt), LENS_BAD_SHAPE, "db is");
    opts.activation.kind = (lens_activation_kind)99;
    assert_fails(lens_subsample_forward(yt, x, w, b, &opts), LENS_BAD_ARGUMENT,
                 "99 is no activation");
    lens_tensor *all[] = {x, w, b, four, yt};
    for (size_t i = 0; i < 5; i++)
        lens_tensor_free(all[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answer),
        cmocka_unit_test(device_equals_reference_on_integers),
        cmocka_unit_test(device_is_close_to_reference_on_reals),
        cmocka_unit_test(device_equals_reference_on_200_generated_shapes),
        cmocka_unit_test(reference_gradients_equal_central_differences),
        cmocka_unit_test(bad_arguments_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, test_close);
}
