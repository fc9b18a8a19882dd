/* test_softmax.c: softmax on the device under test against the reference, and the reference against
 * central differences.
 *
 * OpenCL allows exp 3 ulp and division 2.5; with the sum's own rounding 16 eps of a result that is
 * at most 1 (gradient: of slopes up to 1) leaves room.
 */
#include "sweep.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define ERROR (16 * 1.2e-7)

typedef struct softmax_case {
    const char *name;
    lens_shape x;
    float scale; /* of the reals -1 .. 1 */
    float *values;
} softmax_case;

static const softmax_case cases[] = {
    {"one class", {3, 1, 1, 1}, 1},         {"ten classes", {5, 10, 1, 1}, 4},
    {"a thousand", {2, 1000, 1, 1}, 4},     {"pixels", {2, 3, 4, 5}, 2},
    {"33 of few pixels", {2, 33, 2, 3}, 4}, {"33 of many", {2, 33, 5, 7}, 4},
    {"large values", {4, 10, 1, 1}, 200},   {"very large values", {4, 10, 1, 1}, 1e30f},
};
#define CASE_COUNT (sizeof cases / sizeof cases[0])

static float *values_of(const softmax_case *c) {
    size_t count = shape_count(c->x);
    float *values = test_reals(count, 1);
    for (size_t i = 0; i < count; i++)
        values[i] = c->values ? c->values[i] : values[i] * c->scale;
    return values;
}

static float *run_forward(lens_context *context, void *user, size_t *count) {
    const softmax_case *c = user;
    float *values = values_of(c);
    lens_tensor *x = test_tensor(context, c->x, values), *y = test_tensor(context, c->x, NULL);
    assert_ok(lens_softmax_forward(y, x));
    float *result = test_read(y);
    assert_ok(lens_softmax_forward(x, x)); /* in place: the same */
    float *again = test_read(x);
    *count = shape_count(c->x);
    test_compare("in place", again, result, *count, 0, 0);
    lens_tensor_free(x), lens_tensor_free(y);
    free(values), free(again);
    return result;
}

static float *run_backward(lens_context *context, void *user, size_t *count) {
    const softmax_case *c = user;
    *count = shape_count(c->x);
    float *out = run_forward(test_reference(), user, count), *slopes = test_reals(*count, 2);
    lens_tensor *y = test_tensor(context, c->x, out), *dy = test_tensor(context, c->x, slopes);
    assert_ok(lens_softmax_backward_input(dy, dy, y)); /* dx may be dy */
    float *result = test_read(dy);
    lens_tensor_free(y), lens_tensor_free(dy);
    free(out), free(slopes);
    return result;
}

static void device_is_close_to_reference(void **state) {
    (void)state;
    for (size_t i = 0; i < CASE_COUNT; i++) {
        sweep_compare(cases[i].name, run_forward, (void *)&cases[i], ERROR, ERROR);
        sweep_compare(cases[i].name, run_backward, (void *)&cases[i], ERROR, ERROR);
    }
}

static void known_answer(void **state) {
    (void)state;
    float x[] = {0, logf(2), logf(5), NAN, 1, 1};
    const float expected[] = {.125f, .25f, .625f, NAN, NAN, NAN};
    lens_context *contexts[] = {test_reference(), test_device()};
    for (int i = 0; i < 2; i++) {
        softmax_case c = {.x = {2, 3, 1, 1}, .values = x};
        size_t count;
        float *y = run_forward(contexts[i], &c, &count);
        test_compare("1/8 2/8 5/8, and NaN", y, expected, 6, 0, ERROR);
        free(y);
    }
}

/* On a GPU a group shares 40 channels: NaN in one is NaN in all, of that image alone. */
static void nan_among_many_stays(void **state) {
    (void)state;
    float x[80], expected[80];
    for (size_t i = 0; i < 80; i++)
        x[i] = 3, expected[i] = i < 40 ? NAN : 1.0f / 40;
    x[17] = NAN;
    lens_context *contexts[] = {test_reference(), test_device()};
    for (int i = 0; i < 2; i++) {
        softmax_case c = {.x = {2, 40, 1, 1}, .values = x};
        size_t count;
        float *y = run_forward(contexts[i], &c, &count);
        test_compare("NaN among 40", y, expected, 80, 0, ERROR);
        free(y);
    }
}

typedef struct objective_of {
    softmax_case c;
    float *dy;
} objective_of;

static double objective(void *user) {
    objective_of *o = user;
    size_t count;
    float *y = run_forward(test_reference(), &o->c, &count);
    double sum = test_dot(y, o->dy, count);
    free(y);
    return sum;
}

/* The step's own error is step^2 / 6 times a third derivative below 1, the results' rounding
 * eps / step: 1e-4 covers both at a step of 0.01. */
static void reference_gradient_is_close_to_central_differences(void **state) {
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        objective_of o = {.c = cases[i]};
        size_t count;
        float *dx = run_backward(test_reference(), &o.c, &count);
        float *x = values_of(&o.c);
        o.c.values = x;
        o.dy = test_reals(count, 2);
        test_gradient(o.c.name, dx, x, count < 100 ? count : 100, 0.01, 0, 1e-4, objective, &o);
        free(dx), free(x), free(o.dy);
    }
}

static void bad_arguments_are_named(void **state) {
    (void)state;
    lens_tensor *x = test_tensor(test_device(), (lens_shape){1, 3, 1, 1}, NULL);
    lens_tensor *y = test_tensor(test_device(), (lens_shape){1, 4, 1, 1}, NULL);
    assert_fails(lens_softmax_forward(y, x), LENS_BAD_SHAPE, "y is (1, 4, 1, 1)");
    assert_fails(lens_softmax_backward_input(x, x, x), LENS_BAD_ARGUMENT, "overlaps");
    lens_tensor_free(x), lens_tensor_free(y);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answer),
        cmocka_unit_test(nan_among_many_stays),
        cmocka_unit_test(device_is_close_to_reference),
        cmocka_unit_test(reference_gradient_is_close_to_central_differences),
        cmocka_unit_test(bad_arguments_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, test_close);
}
