/* test_pad2d.c: padding on the device under test against the reference, and the reference against
 * central differences.
 *
 * The forward pass copies and the gradient adds small integers: everything is exact.
 */
#include "sweep.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct pad_case {
    const char *name;
    lens_shape x;
    lens_padding padding;
} pad_case;

static const pad_case cases[] = {
    {"one pixel, no padding", {1, 1, 1, 1}, {0}},
    {"zero on all sides", {2, 3, 4, 5}, {1, 1, 1, 1, LENS_PAD_ZERO, 0}},
    {"zero, asymmetric", {1, 2, 3, 4}, {0, 3, 2, 1, LENS_PAD_ZERO, 0}},
    {"zero ignores the value", {1, 1, 2, 2}, {1, 1, 1, 1, LENS_PAD_ZERO, 9}},
    {"constant", {2, 1, 3, 3}, {2, 0, 1, 4, LENS_PAD_CONSTANT, -7}},
    {"reflect", {1, 3, 4, 5}, {3, 4, 2, 1, LENS_PAD_REFLECT, 0}},
    {"reflect, two rows", {1, 1, 2, 2}, {1, 1, 1, 1, LENS_PAD_REFLECT, 0}},
    {"reflect on one side", {2, 2, 5, 5}, {0, 4, 0, 0, LENS_PAD_REFLECT, 0}},
    {"replicate", {1, 2, 3, 4}, {2, 5, 4, 1, LENS_PAD_REPLICATE, 0}},
    {"replicate one pixel", {1, 1, 1, 1}, {3, 2, 1, 4, LENS_PAD_REPLICATE, 0}},
    {"no padding, every mode is a copy", {1, 2, 3, 3}, {0, 0, 0, 0, LENS_PAD_REFLECT, 0}},
    {"long rows", {1, 2, 2, 70}, {1, 16, 1, 17, LENS_PAD_REFLECT, 0}},
};
#define CASE_COUNT (sizeof cases / sizeof cases[0])

static float *run_forward(lens_context *context, void *user, size_t *count) {
    const pad_case *c = user;
    lens_shape ys;
    assert_ok(lens_pad2d_output_shape(&ys, c->x, &c->padding));
    float *values = test_integers(shape_count(c->x), 100, 1);
    lens_tensor *x = test_tensor(context, c->x, values), *y = test_tensor(context, ys, NULL);
    assert_ok(lens_pad2d_forward(y, x, &c->padding));
    float *result = test_read(y);
    *count = shape_count(ys);
    lens_tensor_free(x), lens_tensor_free(y);
    free(values);
    return result;
}

static float *run_backward(lens_context *context, void *user, size_t *count) {
    const pad_case *c = user;
    lens_shape ys;
    assert_ok(lens_pad2d_output_shape(&ys, c->x, &c->padding));
    float *values = test_integers(shape_count(ys), 100, 2);
    lens_tensor *dy = test_tensor(context, ys, values), *dx = test_tensor(context, c->x, NULL);
    assert_ok(lens_pad2d_backward_input(dx, dy, &c->padding));
    float *result = test_read(dx);
    *count = shape_count(c->x);
    lens_tensor_free(dx), lens_tensor_free(dy);
    free(values);
    return result;
}

static void device_equals_reference(void **state) {
    (void)state;
    for (size_t i = 0; i < CASE_COUNT; i++) {
        sweep_compare(cases[i].name, run_forward, (void *)&cases[i], 0, 0);
        sweep_compare(cases[i].name, run_backward, (void *)&cases[i], 0, 0);
    }
}

static void device_equals_reference_on_200_generated_shapes(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 200; seed++) {
        char name[64];
        snprintf(name, sizeof name, "generated, seed %llu", (unsigned long long)seed);
        pad_case c = {.name = name};
        c.x = (lens_shape){draw(seed, 0, 1, 3), draw(seed, 1, 1, 3), draw(seed, 2, 1, 9),
                           draw(seed, 3, 1, 40)};
        c.padding.mode = (lens_pad_mode)draw(seed, 4, 0, 3);
        size_t limit_h = c.padding.mode == LENS_PAD_REFLECT ? c.x.h - 1 : 5;
        size_t limit_w = c.padding.mode == LENS_PAD_REFLECT ? c.x.w - 1 : 5;
        c.padding.top = draw(seed, 5, 0, limit_h), c.padding.bottom = draw(seed, 6, 0, limit_h);
        c.padding.left = draw(seed, 7, 0, limit_w), c.padding.right = draw(seed, 8, 0, limit_w);
        c.padding.value = 3;
        sweep_compare(name, run_forward, &c, 0, 0);
        sweep_compare(name, run_backward, &c, 0, 0);
    }
}

static void known_answers(void **state) {
    (void)state;
    const float x[] = {1, 2, 3};
    static const struct {
        lens_pad_mode mode;
        float y[7], dx[3];
    } rows[] = {{LENS_PAD_ZERO, {0, 0, 1, 2, 3, 0, 0}, {1, 1, 1}},
                {LENS_PAD_CONSTANT, {5, 5, 1, 2, 3, 5, 5}, {1, 1, 1}},
                {LENS_PAD_REFLECT, {3, 2, 1, 2, 3, 2, 1}, {2, 3, 2}},
                {LENS_PAD_REPLICATE, {1, 1, 1, 2, 3, 3, 3}, {3, 1, 3}}};
    lens_context *context = test_device();
    lens_tensor *xt = test_tensor(context, (lens_shape){1, 1, 1, 3}, x);
    lens_tensor *y = test_tensor(context, (lens_shape){1, 1, 1, 7}, NULL);
    lens_tensor *dx = test_tensor(context, (lens_shape){1, 1, 1, 3}, NULL);
    for (size_t i = 0; i < 4; i++) {
        lens_padding padding = {0, 2, 0, 2, rows[i].mode, 5};
        assert_ok(lens_pad2d_forward(y, xt, &padding));
        float *got = test_read(y);
        test_compare(lens_pad_mode_name(rows[i].mode), got, rows[i].y, 7, 0, 0);
        free(got);
        assert_ok(lens_tensor_fill(y, 1)); /* each place gives 1: how often a pixel was shown */
        assert_ok(lens_pad2d_backward_input(dx, y, &padding));
        got = test_read(dx);
        test_compare(lens_pad_mode_name(rows[i].mode), got, rows[i].dx, 3, 0, 0);
        free(got);
    }
    lens_tensor_free(xt), lens_tensor_free(y), lens_tensor_free(dx);
}

/* L = sum of dy y; padding is linear in x, so integers and a step of 1 are exact. */
typedef struct objective_of {
    const pad_case *c;
    float *x, *dy;
} objective_of;

static double objective(void *user) {
    objective_of *o = user;
    lens_shape ys;
    assert_ok(lens_pad2d_output_shape(&ys, o->c->x, &o->c->padding));
    lens_tensor *x = test_tensor(test_reference(), o->c->x, o->x);
    lens_tensor *y = test_tensor(test_reference(), ys, NULL);
    assert_ok(lens_pad2d_forward(y, x, &o->c->padding));
    float *values = test_read(y);
    double sum = test_dot(values, o->dy, shape_count(ys));
    /* The constant around is no function of x; it cancels in the difference. */
    free(values);
    lens_tensor_free(x), lens_tensor_free(y);
    return sum;
}

static void reference_gradient_equals_central_differences(void **state) {
    (void)state;
    for (size_t i = 0; i < CASE_COUNT; i++) {
        lens_shape ys;
        size_t count;
        assert_ok(lens_pad2d_output_shape(&ys, cases[i].x, &cases[i].padding));
        objective_of o = {&cases[i], test_integers(shape_count(cases[i].x), 9, 3),
                          test_integers(shape_count(ys), 100, 2)};
        float *dx = run_backward(test_reference(), (void *)&cases[i], &count);
        test_gradient(cases[i].name, dx, o.x, count, 1, 0, 0, objective, &o);
        free(dx), free(o.x), free(o.dy);
    }
}

static void bad_arguments_are_named(void **state) {
    (void)state;
    lens_shape y, x = {1, 1, 3, 3};
    lens_padding reflect = {3, 0, 0, 0, LENS_PAD_REFLECT, 0};
    assert_fails(lens_pad2d_output_shape(&y, x, &reflect), LENS_BAD_SHAPE,
                 "3 pixels of reflect padding at the top");
    lens_padding unknown = {0, 0, 0, 0, (lens_pad_mode)7, 0};
    assert_fails(lens_pad2d_output_shape(&y, x, &unknown), LENS_BAD_ARGUMENT, "7 is no padding");
    lens_padding huge = {SIZE_MAX / 2, 0, 0, 0, LENS_PAD_ZERO, 0};
    assert_fails(lens_pad2d_output_shape(&y, x, &huge), LENS_BAD_SHAPE, "too many");
    lens_padding one = {1, 1, 1, 1, LENS_PAD_ZERO, 0};
    lens_tensor *xt = test_tensor(test_device(), x, NULL);
    lens_tensor *yt = test_tensor(test_device(), (lens_shape){1, 1, 5, 4}, NULL);
    assert_fails(lens_pad2d_forward(yt, xt, &one), LENS_BAD_SHAPE, "y is (1, 1, 5, 4)");
    lens_tensor *inside;
    assert_ok(lens_tensor_view(&inside, yt, 0, x));
    lens_padding crop = {1, 1, 1, 0, LENS_PAD_ZERO, 0};
    assert_fails(lens_pad2d_backward_input(inside, yt, &crop), LENS_BAD_ARGUMENT, "overlaps");
    lens_tensor_free(inside), lens_tensor_free(xt), lens_tensor_free(yt);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),
        cmocka_unit_test(device_equals_reference),
        cmocka_unit_test(device_equals_reference_on_200_generated_shapes),
        cmocka_unit_test(reference_gradient_equals_central_differences),
        cmocka_unit_test(bad_arguments_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, test_close);
}
