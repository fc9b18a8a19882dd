/* test_dense.c: the dense layer on the device under test against the reference, and the reference
 * against central differences.
 *
 * Small integers: every sum is exact in float32, the comparison is for equality. Reals: a sum of T
 * products rounds by about sqrt(T) eps of their size; 1e-6 sqrt(T) is 8 times that.
 */
#include "sweep.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct dense_case {
    const char *name;
    lens_shape x;
    size_t k;
    lens_activation activation;
    bool no_bias;
    /* filled in by the test */
    bool reals;
    enum { Y, DX, DW, DB } wanted;
    float *values[4]; /* x w b dy of the central differences */
} dense_case;

static const dense_case cases[] = {
    {"one by one", {1, 1, 1, 1}, 1},
    {"lenet5 first", {4, 16, 4, 4}, 120},
    {"lenet5 last", {3, 84, 1, 1}, 10},
    {"no bias", {2, 7, 1, 1}, 5, {LENS_LINEAR, 0}, true},
    {"33 images, 31 inputs, 65 units", {33, 31, 1, 1}, 65},
    {"whole tiles", {16, 64, 1, 1}, 64},
    {"more inputs than a panel", {5, 7, 11, 9}, 34},
    {"one image", {1, 300, 1, 1}, 33},
    {"one unit", {9, 40, 1, 1}, 1},
    {"one input", {9, 1, 1, 1}, 40},
    {"relu", {5, 19, 1, 1}, 37, {LENS_RELU, 0}},
    {"many images", {130, 12, 1, 1}, 10},
};
#define CASE_COUNT (sizeof cases / sizeof cases[0])

static size_t features_of(const dense_case *c) {
    return c->x.c * c->x.h * c->x.w;
}

static float *data(const dense_case *c, int which, size_t count) {
    if (c->values[which]) {
        float *copy = malloc(count * sizeof *copy);
        assert_non_null(copy);
        for (size_t i = 0; i < count; i++)
            copy[i] = c->values[which][i];
        return copy;
    }
    return c->reals ? test_reals(count, 10 + (uint64_t)which)
                    : test_integers(count, 3, 10 + (uint64_t)which);
}

static lens_tensor *tensor_of(lens_context *context, const dense_case *c, int which,
                              lens_shape shape) {
    float *values = data(c, which, shape_count(shape));
    lens_tensor *tensor = test_tensor(context, shape, values);
    free(values);
    return tensor;
}

/* The wanted one of y, dx, dw and db. */
static float *run(lens_context *context, void *user, size_t *count) {
    const dense_case *c = user;
    lens_shape ws = {c->k, features_of(c), 1, 1}, bs = {1, c->k, 1, 1}, ys;
    const lens_pass passes[] = {LENS_FORWARD, LENS_BACKWARD_INPUT, LENS_BACKWARD_WEIGHT,
                                LENS_BACKWARD_BIAS};
    size_t scratch_count;
    assert_ok(lens_dense_output_shape(&ys, c->x, ws));
    assert_ok(lens_dense_scratch(&scratch_count, context, passes[c->wanted], c->x, ws));
    const lens_shape shapes[] = {ys, c->x, ws, bs};
    lens_tensor *x = tensor_of(context, c, 0, c->x), *w = tensor_of(context, c, 1, ws);
    lens_tensor *b = tensor_of(context, c, 2, bs), *dy = tensor_of(context, c, 3, ys);
    lens_tensor *out = test_tensor(context, shapes[c->wanted], NULL);
    lens_tensor *scratch =
        scratch_count ? test_tensor(context, (lens_shape){1, scratch_count, 1, 1}, NULL) : NULL;
    lens_dense_opts opts = {c->activation};
    if (c->wanted == Y)
        assert_ok(lens_dense_forward(out, x, w, c->no_bias ? NULL : b, &opts, scratch));
    if (c->wanted == DX)
        assert_ok(lens_dense_backward_input(out, dy, w, scratch));
    if (c->wanted == DW)
        assert_ok(lens_dense_backward_weight(out, dy, x, scratch));
    if (c->wanted == DB)
        assert_ok(lens_dense_backward_bias(out, dy));
    float *result = test_read(out);
    *count = shape_count(shapes[c->wanted]);
    lens_tensor *all[] = {x, w, b, dy, out, scratch};
    for (size_t i = 0; i < 6; i++)
        lens_tensor_free(all[i]);
    return result;
}

static void compare(dense_case c, const char *name) {
    static const char *const outputs[] = {"y", "dx", "dw", "db"};
    size_t terms[] = {features_of(&c) + 1, c.k, c.x.n, c.x.n};
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
        dense_case c = cases[i];
        c.reals = true;
        compare(c, c.name);
    }
}

static void device_equals_reference_on_200_generated_shapes(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 200; seed++) {
        char name[64];
        snprintf(name, sizeof name, "generated, seed %llu", (unsigned long long)seed);
        dense_case c = {.x = {draw(seed, 0, 1, 40), draw(seed, 1, 1, 40), draw(seed, 2, 1, 3),
                              draw(seed, 3, 1, 3)},
                        .k = draw(seed, 4, 1, 70),
                        .no_bias = draw(seed, 5, 0, 1)};
        compare(c, name);
    }
}

static void known_answer(void **state) {
    (void)state;
    float x[] = {1, 2}, w[] = {3, 4, 5, 6, 7, 8}, b[] = {1, 0, -40}, dy[] = {1, 2, 3};
    const float expected[4][6] = {{12, 17, 0}, {34, 40}, {1, 2, 2, 4, 3, 6}, {1, 2, 3}};
    dense_case c = {
        .x = {1, 2, 1, 1}, .k = 3, .activation = {LENS_RELU, 0}, .values = {x, w, b, dy}};
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
    dense_case c = *(dense_case *)user;
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
        dense_case c = cases[i];
        size_t counts[] = {shape_count(c.x), c.k * features_of(&c), c.k, c.x.n * c.k}, count;
        if (c.activation.kind != LENS_LINEAR || counts[1] > 2000)
            continue;
        for (int j = 0; j < 4; j++)
            c.values[j] = test_integers(counts[j], 3, 10 + (uint64_t)j);
        for (int wanted = DX; wanted <= DB; wanted++) {
            c.wanted = wanted;
            if (wanted == DB && c.no_bias)
                continue;
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
    assert_fails(lens_dense_output_shape(&y, (lens_shape){2, 3, 2, 2}, (lens_shape){5, 10, 1, 1}),
                 LENS_BAD_SHAPE, "x has 12 features an image, w is (5, 10, 1, 1)");
    lens_tensor *x = test_tensor(test_device(), (lens_shape){2, 3, 1, 1}, NULL);
    lens_tensor *w = test_tensor(test_device(), (lens_shape){4, 3, 1, 1}, NULL);
    lens_tensor *yt = test_tensor(test_device(), (lens_shape){2, 4, 1, 1}, NULL);
    lens_dense_opts opts = lens_dense_defaults();
    assert_fails(lens_dense_forward(yt, x, w, x, &opts, NULL), LENS_BAD_SHAPE, "b is");
    assert_fails(lens_dense_forward(w, x, w, NULL, &opts, NULL), LENS_BAD_SHAPE, "y is");
    opts.activation.kind = (lens_activation_kind)99;
    assert_fails(lens_dense_forward(yt, x, w, NULL, &opts, NULL), LENS_BAD_ARGUMENT,
                 "99 is no activation");
    assert_fails(lens_dense_backward_bias(x, yt), LENS_BAD_SHAPE, "db is");
    lens_tensor_free(x), lens_tensor_free(w), lens_tensor_free(yt);
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
