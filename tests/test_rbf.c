/* test_rbf.c: the radial basis function units on the device under test against the reference, and
 * the reference against central differences.
 *
 * Small integers: every sum is exact in float32, the comparison is for equality. Reals: a sum of T
 * products of size up to 4 rounds by about 4 sqrt(T) eps; 4e-6 sqrt(T) is 8 times that.
 */
#include "sweep.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct rbf_case {
    const char *name;
    lens_shape x;
    size_t k;
    /* filled in by the test */
    bool reals;
    enum { Y, DX, DW } wanted;
    float *values[3]; /* x w dy of the central differences */
} rbf_case;

static const rbf_case cases[] = {
    {"one by one", {1, 1, 1, 1}, 1},
    {"LeNet-5's output", {5, 84, 1, 1}, 10},
    {"rows and columns are features", {3, 2, 3, 4}, 7},
    {"one unit", {9, 40, 1, 1}, 1},
    {"one feature", {9, 1, 1, 1}, 40},
    {"many images", {130, 12, 1, 1}, 10},
};
#define CASE_COUNT (sizeof cases / sizeof cases[0])

static size_t features_of(const rbf_case *c) {
    return c->x.c * c->x.h * c->x.w;
}

static lens_tensor *tensor_of(lens_context *context, const rbf_case *c, int which,
                              lens_shape shape) {
    if (c->values[which])
        return test_tensor(context, shape, c->values[which]);
    uint64_t seed = 30 + (uint64_t)which;
    float *values = c->reals ? test_reals(shape_count(shape), seed)
                             : test_integers(shape_count(shape), 3, seed);
    lens_tensor *tensor = test_tensor(context, shape, values);
    free(values);
    return tensor;
}

/* The wanted one of y, dx and dw. */
static float *run(lens_context *context, void *user, size_t *count) {
    const rbf_case *c = user;
    lens_shape ws = {c->k, features_of(c), 1, 1}, ys;
    assert_ok(lens_rbf_output_shape(&ys, c->x, ws));
    const lens_shape shapes[] = {ys, c->x, ws};
    lens_tensor *x = tensor_of(context, c, 0, c->x), *w = tensor_of(context, c, 1, ws);
    lens_tensor *dy = tensor_of(context, c, 2, ys);
    lens_tensor *out = test_tensor(context, shapes[c->wanted], NULL);
    if (c->wanted == Y)
        assert_ok(lens_rbf_forward(out, x, w));
    if (c->wanted == DX)
        assert_ok(lens_rbf_backward_input(out, dy, x, w));
    if (c->wanted == DW)
        assert_ok(lens_rbf_backward_weight(out, dy, x, w));
    float *result = test_read(out);
    *count = shape_count(shapes[c->wanted]);
    lens_tensor_free(x), lens_tensor_free(w), lens_tensor_free(dy), lens_tensor_free(out);
    return result;
}

static void compare(rbf_case c, const char *name) {
    static const char *const outputs[] = {"y", "dx", "dw"};
    size_t terms[] = {features_of(&c), c.k, c.x.n};
    for (int wanted = Y; wanted <= DW; wanted++) {
        char what[128];
        snprintf(what, sizeof what, "%s of %s", outputs[wanted], name);
        c.wanted = wanted;
        sweep_compare(what, run, &c, 0, c.reals ? 4e-6 * sqrt((double)terms[wanted]) : 0);
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
        rbf_case c = cases[i];
        c.reals = true;
        compare(c, c.name);
    }
}

static void device_equals_reference_on_200_generated_shapes(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 200; seed++) {
        char name[64];
        snprintf(name, sizeof name, "generated, seed %llu", (unsigned long long)seed);
        rbf_case c = {.x = {draw(seed, 0, 1, 40), draw(seed, 1, 1, 40), draw(seed, 2, 1, 3),
                            draw(seed, 3, 1, 3)},
                      .k = draw(seed, 4, 1, 30)};
        compare(c, name);
    }
}

static void known_answer(void **state) {
    (void)state;
    float x[] = {1, 2}, w[] = {1, -1, 4, 6}, dy[] = {10, 1};
    const float expected[3][4] = {{9, 25}, {-6, 52}, {0, -60, 6, 8}};
    rbf_case c = {.x = {1, 2, 1, 1}, .k = 2, .values = {x, w, dy}};
    lens_context *contexts[] = {test_reference(), test_device()};
    for (int i = 0; i < 6; i++) {
        size_t count;
        c.wanted = i / 2;
        float *got = run(contexts[i % 2], &c, &count);
        test_compare("by hand", got, expected[i / 2], count, 0, 0);
        free(got);
    }
}

static double objective(void *user) {
    rbf_case c = *(rbf_case *)user;
    size_t count;
    c.wanted = Y;
    float *y = run(test_reference(), &c, &count);
    double sum = test_dot(y, c.values[2], count);
    free(y);
    return sum;
}

/* Quadratic in x and w: the central difference of a square is exact for integers and a step of 1.
 */
static void reference_gradients_equal_central_differences(void **state) {
    (void)state;
    for (size_t i = 0; i < CASE_COUNT; i++) {
        rbf_case c = cases[i];
        size_t counts[] = {shape_count(c.x), c.k * features_of(&c), c.x.n * c.k}, count;
        for (int j = 0; j < 3; j++)
            c.values[j] = test_integers(counts[j], 3, 30 + (uint64_t)j);
        for (int wanted = DX; wanted <= DW; wanted++) {
            c.wanted = wanted;
            float *gradient = run(test_reference(), &c, &count);
            test_gradient(c.name, gradient, c.values[wanted - 1], count, 1, 0, 0, objective, &c);
            free(gradient);
        }
        for (int j = 0; j < 3; j++)
            free(c.values[j]);
    }
}

static void bad_arguments_are_named(void **state) {
    (void)state;
    lens_shape y;
    assert_fails(lens_rbf_output_shape(&y, (lens_shape){2, 3, 2, 2}, (lens_shape){5, 10, 1, 1}),
                 LENS_BAD_SHAPE, "rbf: x has 12 features an image, w is (5, 10, 1, 1)");
    lens_tensor *x = test_tensor(test_device(), (lens_shape){2, 3, 1, 1}, NULL);
    lens_tensor *w = test_tensor(test_device(), (lens_shape){4, 3, 1, 1}, NULL);
    lens_tensor *yt = test_tensor(test_device(), (lens_shape){2, 4, 1, 1}, NULL);
    assert_fails(lens_rbf_forward(w, x, w), LENS_BAD_SHAPE, "rbf: y is");
    assert_fails(lens_rbf_backward_input(w, yt, x, w), LENS_BAD_SHAPE, "dx is");
    assert_fails(lens_rbf_backward_input(x, w, x, w), LENS_BAD_SHAPE, "dy is");
    assert_fails(lens_rbf_backward_input(x, yt, x, w), LENS_BAD_ARGUMENT, "overlaps");
    assert_fails(lens_rbf_backward_weight(x, yt, x, w), LENS_BAD_SHAPE, "dw is");
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
