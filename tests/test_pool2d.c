/* test_pool2d.c: pooling on the device under test against the reference, and the reference against
 * central differences.
 *
 * Max and min only choose, and their gradients add small integers: exact. An average divides, and
 * its gradient adds quotients: a few roundings, so 4 eps of the largest value (100) is allowed.
 */
#include "sweep.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define AVERAGE_ERROR (4 * 1.2e-7 * 100)

typedef struct pool_case {
    const char *name;
    lens_shape x;
    size_t r, s, stride_h, stride_w;
    lens_padding padding;
    bool count_padding;
    /* filled in by the test */
    lens_pool2d_kind kind;
    const float *values; /* of x; NULL: integers without equals in a window's reach */
} pool_case;

static const pool_case cases[] = {
    {"one pixel", {1, 1, 1, 1}, 1, 1},
    {"2x2, lenet5", {2, 6, 28, 28}, 2, 2},
    {"2x2, short rows", {3, 5, 8, 8}, 2, 2},
    {"2x2, rows of two pixels", {1, 3, 6, 2}, 2, 2},
    {"2x2, many planes", {7, 13, 24, 24}, 2, 2},
    {"2x2, wide", {1, 1, 4, 1030}, 2, 2},
    {"2x2, odd size leaves a row over", {2, 3, 7, 9}, 2, 2},
    {"3x3 stride 2, overlapping", {1, 3, 9, 11}, 3, 3, 2, 2},
    {"3x3 stride 1", {1, 2, 5, 6}, 3, 3, 1, 1},
    {"stride larger than the window", {1, 2, 10, 11}, 2, 2, 3, 4},
    {"window of one, stride 3", {1, 2, 7, 8}, 1, 1, 3, 3},
    {"rows only", {1, 2, 9, 4}, 3, 1, 2, 1},
    {"global", {2, 3, 5, 7}, 0, 0},
    {"large window", {1, 1, 11, 13}, 7, 5, 2, 3},
    {"padding 1", {1, 2, 6, 6}, 3, 3, 2, 2, {1, 1, 1, 1, 0, 0}},
    {"padding 1, counted", {1, 2, 6, 6}, 3, 3, 2, 2, {1, 1, 1, 1, 0, 0}, true},
    {"asymmetric padding", {1, 2, 7, 6}, 3, 3, 2, 2, {0, 2, 1, 0, 0, 0}},
    {"same padding at the bottom and right", {1, 2, 6, 7}, 3, 3, 2, 2, {0, 1, 1, 1, 0, 0}},
    {"constant padding", {1, 2, 5, 5}, 3, 3, 2, 2, {1, 1, 1, 1, LENS_PAD_CONSTANT, 4}},
    {"reflect padding", {1, 2, 5, 6}, 3, 2, 1, 2, {2, 1, 2, 1, LENS_PAD_REFLECT, 0}},
    {"replicate padding", {1, 2, 4, 5}, 3, 3, 2, 1, {2, 3, 1, 2, LENS_PAD_REPLICATE, 0}},
    {"window wholly in constant padding",
     {1, 1, 3, 3},
     2,
     2,
     2,
     2,
     {4, 0, 0, 4, LENS_PAD_CONSTANT, 1}},
};
#define CASE_COUNT (sizeof cases / sizeof cases[0])

static lens_pool2d_opts opts_of(const pool_case *c) {
    return (lens_pool2d_opts){.kind = c->kind,
                              .window_h = c->r,
                              .window_w = c->s,
                              .stride_h = c->stride_h,
                              .stride_w = c->stride_w,
                              .padding = c->padding,
                              .count_padding = c->count_padding};
}

static float *values_of(const pool_case *c) {
    size_t count = shape_count(c->x);
    float *values = test_integers(count, 100, 1);
    for (size_t i = 0; c->values && i < count; i++)
        values[i] = c->values[i];
    return values;
}

static float *run_forward(lens_context *context, void *user, size_t *count) {
    const pool_case *c = user;
    lens_pool2d_opts opts = opts_of(c);
    lens_shape ys;
    assert_ok(lens_pool2d_output_shape(&ys, c->x, &opts));
    float *values = values_of(c);
    lens_tensor *x = test_tensor(context, c->x, values), *y = test_tensor(context, ys, NULL);
    assert_ok(lens_pool2d_forward(y, x, &opts));
    float *result = test_read(y);
    *count = shape_count(ys);
    lens_tensor_free(x), lens_tensor_free(y);
    free(values);
    return result;
}

static float *run_backward(lens_context *context, void *user, size_t *count) {
    const pool_case *c = user;
    lens_pool2d_opts opts = opts_of(c);
    lens_shape ys;
    assert_ok(lens_pool2d_output_shape(&ys, c->x, &opts));
    float *values = values_of(c), *slopes = test_integers(shape_count(ys), 100, 2);
    lens_tensor *x = test_tensor(context, c->x, values), *dx = test_tensor(context, c->x, NULL);
    lens_tensor *dy = test_tensor(context, ys, slopes);
    assert_ok(lens_pool2d_backward_input(dx, dy, x, &opts));
    float *result = test_read(dx);
    *count = shape_count(c->x);
    lens_tensor_free(x), lens_tensor_free(dx), lens_tensor_free(dy);
    free(values), free(slopes);
    return result;
}

static void compare_kinds(pool_case c, const char *name) {
    for (int kind = LENS_POOL_MAX; kind <= LENS_POOL_MIN; kind++) {
        c.kind = (lens_pool2d_kind)kind;
        char what[128];
        snprintf(what, sizeof what, "%s, %s", lens_pool2d_kind_name(c.kind), name);
        double error = c.kind == LENS_POOL_AVERAGE ? AVERAGE_ERROR : 0;
        sweep_compare(what, run_forward, &c, 0, error);
        sweep_compare(what, run_backward, &c, 0, error);
    }
}

static void device_equals_reference(void **state) {
    (void)state;
    for (size_t i = 0; i < CASE_COUNT; i++)
        compare_kinds(cases[i], cases[i].name);
}

static void device_equals_reference_on_200_generated_shapes(void **state) {
    (void)state;
    size_t ran = 0;
    for (uint64_t seed = 0; ran < 200; seed++) {
        pool_case c = {.x = {draw(seed, 0, 1, 2), draw(seed, 1, 1, 3), draw(seed, 2, 1, 12),
                             draw(seed, 3, 1, 20)},
                       .r = draw(seed, 4, 1, 4),
                       .s = draw(seed, 5, 1, 4),
                       .stride_h = draw(seed, 6, 1, 4),
                       .stride_w = draw(seed, 7, 1, 4),
                       .count_padding = draw(seed, 8, 0, 1)};
        if (draw(seed, 9, 0, 1))
            c.padding = (lens_padding){draw(seed, 10, 0, 2),
                                       draw(seed, 11, 0, 2),
                                       draw(seed, 12, 0, 2),
                                       draw(seed, 13, 0, 2),
                                       (lens_pad_mode)draw(seed, 14, 0, 3),
                                       50};
        lens_pool2d_opts opts = opts_of(&c);
        lens_shape ys;
        if (lens_pool2d_output_shape(&ys, c.x, &opts) != LENS_OK)
            continue; /* the window does not fit, or lies in the padding */
        char name[64];
        snprintf(name, sizeof name, "generated, seed %llu", (unsigned long long)seed);
        compare_kinds(c, name);
        ran++;
    }
}

/* One window of four: what is chosen, and where the gradient of 1 goes. */
static void nan_and_equals(void **state) {
    (void)state;
    static const struct {
        const char *name;
        lens_pool2d_kind kind;
        float x[4], y, dx[4];
    } rows[] = {
        {"max", LENS_POOL_MAX, {1, 4, 3, 2}, 4, {0, 1, 0, 0}},
        {"min", LENS_POOL_MIN, {3, 4, 1, 2}, 1, {0, 0, 1, 0}},
        {"average", LENS_POOL_AVERAGE, {1, 2, 3, 6}, 3, {.25f, .25f, .25f, .25f}},
        {"max, equals: the first", LENS_POOL_MAX, {1, 5, 5, 5}, 5, {0, 1, 0, 0}},
        {"min, equals: the first", LENS_POOL_MIN, {1, 1, 1, 1}, 1, {1, 0, 0, 0}},
        {"max, a NaN", LENS_POOL_MAX, {9, NAN, 3, 2}, NAN, {0, 1, 0, 0}},
        {"max, two NaN: the last", LENS_POOL_MAX, {NAN, 1, NAN, 7}, NAN, {0, 0, 1, 0}},
        {"min, a NaN at the end", LENS_POOL_MIN, {1, 2, 3, NAN}, NAN, {0, 0, 0, 1}},
        {"max of -inf",
         LENS_POOL_MAX,
         {-INFINITY, -INFINITY, -INFINITY, -INFINITY},
         -INFINITY,
         {1, 0, 0, 0}},
    };
    lens_context *contexts[] = {test_reference(), test_device()};
    const lens_shape window = {1, 1, 2, 2}, one = {1, 1, 1, 1};
    const float slope = 1;
    for (size_t i = 0; i < 2 * sizeof rows / sizeof rows[0]; i++) {
        lens_context *context = contexts[i % 2];
        lens_pool2d_opts opts = lens_pool2d_defaults(rows[i / 2].kind, 2);
        lens_tensor *x = test_tensor(context, window, rows[i / 2].x);
        lens_tensor *y = test_tensor(context, one, NULL);
        lens_tensor *dy = test_tensor(context, one, &slope);
        lens_tensor *dx = test_tensor(context, window, NULL);
        assert_ok(lens_pool2d_forward(y, x, &opts));
        assert_ok(lens_pool2d_backward_input(dx, dy, x, &opts));
        float *got_y = test_read(y), *got_dx = test_read(dx);
        test_compare(rows[i / 2].name, got_y, &rows[i / 2].y, 1, 0, 0);
        test_compare(rows[i / 2].name, got_dx, rows[i / 2].dx, 4, 0, 0);
        free(got_y), free(got_dx);
        lens_tensor_free(x), lens_tensor_free(y), lens_tensor_free(dx), lens_tensor_free(dy);
    }
}

typedef struct objective_of {
    pool_case c;
    float *x, *dy;
} objective_of;

static double objective(void *user) {
    objective_of *o = user;
    o->c.values = o->x;
    size_t count;
    float *y = run_forward(test_reference(), &o->c, &count);
    double sum = test_dot(y, o->dy, count);
    free(y);
    return sum;
}

/* Distinct multiples of 4, in a scrambled order: a step of 1 changes no max or min. */
static float *distinct_values(size_t count) {
    float *values = malloc(count * sizeof *values);
    assert_non_null(values);
    for (size_t i = 0; i < count; i++)
        values[i] = (float)(4 * (i * 7919 % 1009));
    return values;
}

/* Linear in x while the chosen pixel stays the same; an average's quotient rounds. */
static void reference_gradient_equals_central_differences(void **state) {
    (void)state;
    for (size_t i = 0; i < 3 * CASE_COUNT; i++) {
        objective_of o = {.c = cases[i / 3]};
        size_t count = shape_count(o.c.x), outputs;
        if (count > 1000)
            continue; /* too long for a forward pass an element, and the values repeat */
        o.c.kind = (lens_pool2d_kind)(i % 3);
        o.x = distinct_values(count);
        o.c.values = o.x;
        float *dx = run_backward(test_reference(), &o.c, &outputs);
        float *y = run_forward(test_reference(), &o.c, &outputs);
        o.dy = test_integers(outputs, 100, 2);
        test_gradient(o.c.name, dx, o.x, count, 1, 0,
                      o.c.kind == LENS_POOL_AVERAGE ? 4000 * AVERAGE_ERROR : 0, objective, &o);
        free(dx), free(y), free(o.x), free(o.dy);
    }
}

static void bad_arguments_are_named(void **state) {
    (void)state;
    lens_shape y, x = {1, 1, 4, 4};
    lens_pool2d_opts opts = lens_pool2d_defaults(LENS_POOL_MAX, 2);
    opts.padding.top = 2;
    assert_fails(lens_pool2d_output_shape(&y, x, &opts), LENS_BAD_SHAPE, "wholly in the padding");
    opts = lens_pool2d_defaults(LENS_POOL_MAX, 2);
    opts.padding.right = 3;
    assert_fails(lens_pool2d_output_shape(&y, x, &opts), LENS_BAD_SHAPE, "wholly in the padding");
    opts = lens_pool2d_defaults(LENS_POOL_MAX, 5);
    assert_fails(lens_pool2d_output_shape(&y, x, &opts), LENS_BAD_SHAPE, "window of 5");
    opts = lens_pool2d_defaults(LENS_POOL_MAX, 0);
    opts.padding.left = 1;
    assert_fails(lens_pool2d_output_shape(&y, x, &opts), LENS_BAD_ARGUMENT, "global pooling");
    opts = lens_pool2d_defaults(LENS_POOL_MAX, 2);
    opts.window_w = 0;
    assert_fails(lens_pool2d_output_shape(&y, x, &opts), LENS_BAD_ARGUMENT, "window 2x0");
    opts = lens_pool2d_defaults((lens_pool2d_kind)9, 2);
    assert_fails(lens_pool2d_output_shape(&y, x, &opts), LENS_BAD_ARGUMENT, "9 is no kind");
    opts = lens_pool2d_defaults(LENS_POOL_MAX, 2);
    lens_tensor *xt = test_tensor(test_device(), x, NULL);
    assert_fails(lens_pool2d_forward(xt, xt, &opts), LENS_BAD_SHAPE, "y is (1, 1, 4, 4)");
    lens_tensor_free(xt);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nan_and_equals),
        cmocka_unit_test(device_equals_reference),
        cmocka_unit_test(device_equals_reference_on_200_generated_shapes),
        cmocka_unit_test(reference_gradient_equals_central_differences),
        cmocka_unit_test(bad_arguments_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, test_close);
}
