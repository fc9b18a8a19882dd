/* test_resize2d.c: resizing on the device under test against the reference, and the reference
 * against central differences and answers worked out by hand.
 *
 * Which pixels are mixed is decided in integers, the shares are one division: what is left are the
 * roundings of three mixes of values up to 100, 4 eps of that. Where the sizes are powers of two of
 * each other the shares are too, and everything is exact.
 */
#include "sweep.h"

#include <stdio.h>
#include <stdlib.h>

#define MIX_ERROR (4 * 1.2e-7 * 100)

typedef struct resize_case {
    const char *name;
    lens_shape x;
    size_t p, q;
    lens_resize2d_kind kind;
    float *values; /* of x, or NULL */
} resize_case;

static const resize_case cases[] = {
    {"same size", {2, 1, 5, 4}, 5, 4},
    {"28 to 32, MNIST", {2, 1, 28, 28}, 32, 32},
    {"28 to 64", {1, 1, 28, 28}, 64, 64},
    {"one pixel to many", {1, 2, 1, 1}, 3, 4},
    {"many to one", {1, 2, 5, 7}, 1, 1},
    {"twice", {1, 2, 4, 6}, 8, 12},
    {"half", {1, 2, 8, 6}, 4, 3},
    {"smaller by more than two", {1, 1, 23, 17}, 5, 3},
    {"larger by more than two", {1, 1, 3, 5}, 17, 23},
    {"rows grow, columns shrink", {1, 3, 4, 9}, 7, 5},
};
#define CASE_COUNT (sizeof cases / sizeof cases[0])

static lens_shape output_of(const resize_case *c) {
    return (lens_shape){c->x.n, c->x.c, c->p, c->q};
}

static float *run_forward(lens_context *context, void *user, size_t *count) {
    const resize_case *c = user;
    float *values = test_integers(shape_count(c->x), 100, 1);
    lens_tensor *x = test_tensor(context, c->x, c->values ? c->values : values);
    lens_tensor *y = test_tensor(context, output_of(c), NULL);
    assert_ok(lens_resize2d_forward(y, x, c->kind));
    float *result = test_read(y);
    *count = shape_count(output_of(c));
    lens_tensor_free(x), lens_tensor_free(y);
    free(values);
    return result;
}

static float *run_backward(lens_context *context, void *user, size_t *count) {
    const resize_case *c = user;
    float *values = test_integers(shape_count(output_of(c)), 100, 2);
    lens_tensor *dy = test_tensor(context, output_of(c), values);
    lens_tensor *dx = test_tensor(context, c->x, NULL);
    assert_ok(lens_resize2d_backward_input(dx, dy, c->kind));
    float *result = test_read(dx);
    *count = shape_count(c->x);
    lens_tensor_free(dx), lens_tensor_free(dy);
    free(values);
    return result;
}

/* A gradient adds up as many mixes as there are outputs a pixel. */
static void compare(resize_case c, const char *name) {
    for (int kind = LENS_RESIZE_BILINEAR; kind <= LENS_RESIZE_NEAREST; kind++) {
        c.kind = (lens_resize2d_kind)kind;
        double outputs = 4 + 4.0 * (double)(c.p * c.q) / (double)(c.x.h * c.x.w);
        double error = c.kind == LENS_RESIZE_BILINEAR ? MIX_ERROR : 0;
        sweep_compare(name, run_forward, &c, 0, error);
        sweep_compare(name, run_backward, &c, 0, error * outputs);
    }
}

static void device_equals_reference(void **state) {
    (void)state;
    for (size_t i = 0; i < CASE_COUNT; i++)
        compare(cases[i], cases[i].name);
}

static void device_equals_reference_on_200_generated_shapes(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 200; seed++) {
        char name[64];
        snprintf(name, sizeof name, "generated, seed %llu", (unsigned long long)seed);
        resize_case c = {.x = {draw(seed, 0, 1, 2), draw(seed, 1, 1, 2), draw(seed, 2, 1, 20),
                               draw(seed, 3, 1, 20)},
                         .p = draw(seed, 4, 1, 20),
                         .q = draw(seed, 5, 1, 20)};
        compare(c, name);
    }
}

/* A row of 0 4 8 to six, and back; by hand from the centres (q + 0.5) / 2 - 0.5. */
static void known_answers(void **state) {
    (void)state;
    float x[] = {0, 4, 8};
    const float bilinear[] = {0, 1, 3, 5, 7, 8}, nearest[] = {0, 0, 4, 4, 8, 8};
    resize_case c = {.x = {1, 1, 1, 3}, .p = 1, .q = 6, .values = x};
    lens_context *contexts[] = {test_reference(), test_device()};
    for (int i = 0; i < 4; i++) {
        size_t count;
        c.kind = (lens_resize2d_kind)(i % 2);
        float *y = run_forward(contexts[i / 2], &c, &count);
        test_compare("0 4 8 to six", y, i % 2 ? nearest : bilinear, 6, 0, 0);
        free(y);
    }
}

typedef struct objective_of {
    resize_case c;
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

/* Linear in x: what is left is the float rounding of y, at most eps/2 of 100, times dy. */
static void reference_gradient_equals_central_differences(void **state) {
    (void)state;
    for (size_t i = 0; i < 2 * CASE_COUNT; i++) {
        objective_of o = {.c = cases[i / 2]};
        size_t count = shape_count(o.c.x), outputs = shape_count(output_of(&o.c));
        o.c.kind = (lens_resize2d_kind)(i % 2);
        o.c.values = test_integers(count, 100, 1);
        o.dy = test_integers(outputs, 100, 2);
        float *dx = run_backward(test_reference(), &o.c, &outputs);
        test_gradient(o.c.name, dx, o.c.values, count, 1, 1e-6,
                      6e-8 * 100 * 100 * 2 * (double)shape_count(output_of(&o.c)), objective, &o);
        free(dx), free(o.c.values), free(o.dy);
    }
}

static void bad_arguments_are_named(void **state) {
    (void)state;
    lens_tensor *x = test_tensor(test_device(), (lens_shape){1, 2, 3, 3}, NULL);
    lens_tensor *y = test_tensor(test_device(), (lens_shape){1, 3, 4, 4}, NULL);
    assert_fails(lens_resize2d_forward(y, x, LENS_RESIZE_BILINEAR), LENS_BAD_SHAPE,
                 "x is (1, 2, 3, 3) and y (1, 3, 4, 4)");
    assert_fails(lens_resize2d_backward_input(x, x, (lens_resize2d_kind)5), LENS_BAD_ARGUMENT,
                 "5 is no kind");
    assert_fails(lens_resize2d_forward(x, x, LENS_RESIZE_NEAREST), LENS_BAD_ARGUMENT, "overlaps");
    lens_tensor_free(x), lens_tensor_free(y);
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
