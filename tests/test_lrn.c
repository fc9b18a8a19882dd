/* test_lrn.c: local response normalisation on the device under test against the reference, and the
 * reference against central differences.
 *
 * OpenCL allows pow 16 ulp, sqrt 3 and division 2.5. In the gradient two terms of that accuracy are
 * subtracted; both are at most a few times |dy|, so an absolute 64 eps is room enough.
 */
#include "sweep.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define ERROR (64 * 1.2e-7)

typedef struct lrn_case {
    const char *name;
    lens_shape x;
    lens_lrn_opts opts;
    bool no_scratch;
    float *values, *slopes;
} lrn_case;

static const lrn_case cases[] = {
    {"one number", {1, 1, 1, 1}, {LENS_LRN_ACROSS, 5, 1, 0.75f, 2, false}},
    {"the paper's, 5 x 7 pixels", {2, 11, 5, 7}, {LENS_LRN_ACROSS, 5, 0.5f, 0.75f, 2, false}},
    {"Caffe's", {1, 9, 4, 8}, {LENS_LRN_ACROSS, 5, 1, 0.75f, 1, true}},
    {"an even size", {1, 9, 3, 11}, {LENS_LRN_ACROSS, 4, 1, 0.75f, 1, false}},
    {"another exponent", {1, 7, 3, 7}, {LENS_LRN_ACROSS, 3, 1, 0.6f, 1.5f, false}},
    {"fewer channels than the window", {3, 2, 5, 5}, {LENS_LRN_ACROSS, 7, 1, 0.75f, 1, false}},
    {"a window of one", {1, 3, 4, 4}, {LENS_LRN_ACROSS, 1, 1, 0.5f, 1, false}},
    {"the widest window", {1, 70, 2, 9}, {LENS_LRN_ACROSS, 64, 0.1f, 0.75f, 1, false}},
    {"several runs of pixels", {2, 6, 23, 47}, {LENS_LRN_ACROSS, 5, 0.5f, 0.75f, 2, false}},
    {"runs, an even size", {1, 7, 19, 31}, {LENS_LRN_ACROSS, 4, 1, 0.6f, 1, false}},
    {"runs, a wide window", {1, 11, 13, 23}, {LENS_LRN_ACROSS, 9, 1, 0.75f, 1, true}},
    {"within, 3 x 3", {2, 3, 7, 6}, {LENS_LRN_WITHIN, 3, 1, 0.75f, 1, true}},
    {"within, an even size", {1, 2, 6, 5}, {LENS_LRN_WITHIN, 4, 1, 0.75f, 1, false}},
    {"within, larger than the picture", {1, 2, 3, 2}, {LENS_LRN_WITHIN, 9, 1, 0.7f, 1, false}},
    {"within, no scratch", {1, 2, 6, 5}, {LENS_LRN_WITHIN, 3, 1, 0.75f, 1, false}, true},
};
#define CASE_COUNT (sizeof cases / sizeof cases[0])

static float *copy_or_reals(const float *values, size_t count, uint64_t seed) {
    float *copy = test_reals(count, seed);
    for (size_t i = 0; values && i < count; i++)
        copy[i] = values[i];
    return copy;
}

static float *run_forward(lens_context *context, void *user, size_t *count) {
    const lrn_case *c = user;
    *count = shape_count(c->x);
    float *values = copy_or_reals(c->values, *count, 1);
    lens_tensor *x = test_tensor(context, c->x, values), *y = test_tensor(context, c->x, NULL);
    assert_ok(lens_lrn_forward(y, x, &c->opts));
    float *result = test_read(y);
    lens_tensor_free(x), lens_tensor_free(y);
    free(values);
    return result;
}

static float *run_backward(lens_context *context, void *user, size_t *count) {
    const lrn_case *c = user;
    *count = shape_count(c->x);
    float *values = copy_or_reals(c->values, *count, 1);
    float *slopes = copy_or_reals(c->slopes, *count, 2);
    lens_tensor *x = test_tensor(context, c->x, values), *dy = test_tensor(context, c->x, slopes);
    lens_tensor *dx = test_tensor(context, c->x, NULL), *scratch = NULL;
    size_t wanted;
    assert_ok(lens_lrn_scratch(&wanted, context, LENS_BACKWARD_INPUT, c->x, &c->opts));
    if (wanted && !c->no_scratch)
        scratch = test_tensor(context, (lens_shape){1, wanted, 1, 1}, NULL);
    assert_ok(lens_lrn_backward_input(dx, dy, x, &c->opts, scratch));
    float *result = test_read(dx);
    lens_tensor_free(x), lens_tensor_free(dy), lens_tensor_free(dx), lens_tensor_free(scratch);
    free(values), free(slopes);
    return result;
}

static void device_is_close_to_reference(void **state) {
    (void)state;
    for (size_t i = 0; i < CASE_COUNT; i++) {
        sweep_compare(cases[i].name, run_forward, (void *)&cases[i], ERROR, ERROR);
        sweep_compare(cases[i].name, run_backward, (void *)&cases[i], ERROR, ERROR);
    }
}

static void random_shapes(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 100; seed++) {
        lrn_case c = {.name = "random"};
        c.x = (lens_shape){draw(seed, 0, 1, 3), draw(seed, 1, 1, 12), draw(seed, 2, 1, 9),
                           draw(seed, 3, 1, 21)};
        c.opts = (lens_lrn_opts){draw(seed, 4, 0, 1) ? LENS_LRN_WITHIN : LENS_LRN_ACROSS,
                                 draw(seed, 5, 1, 6),
                                 (float)draw(seed, 6, 0, 4) / 4,
                                 draw(seed, 7, 0, 1) ? 0.75f : 0.5f,
                                 (float)draw(seed, 8, 1, 3),
                                 draw(seed, 9, 0, 1)};
        sweep_compare("random, forward", run_forward, &c, ERROR, ERROR);
        sweep_compare("random, backward", run_backward, &c, ERROR, ERROR);
    }
}

/* s = 6, 15, 14; with the average 1 + 5/3, 1 + 14/3, 1 + 13/3. */
static void known_answer(void **state) {
    (void)state;
    float x[] = {1, 2, 3};
    const float sum[] = {1 / 6.f, 2 / 15.f, 3 / 14.f};
    const float average[] = {3 / 8.f, 6 / 17.f, 9 / 16.f};
    lens_context *contexts[] = {test_reference(), test_device()};
    for (int i = 0; i < 4; i++) {
        lrn_case c = {
            .x = {1, 3, 1, 1}, .opts = {LENS_LRN_ACROSS, 3, 1, 1, 1, i >= 2}, .values = x};
        size_t count;
        float *y = run_forward(contexts[i % 2], &c, &count);
        test_compare("three channels", y, i >= 2 ? average : sum, 3, ERROR, 0);
        free(y);
        c.x = (lens_shape){1, 1, 1, 3}; /* the same window, of pixels */
        c.opts.kind = LENS_LRN_WITHIN;
        c.opts.alpha = c.opts.average ? 3 : 1; /* divided by 9, not by 3 */
        y = run_forward(contexts[i % 2], &c, &count);
        test_compare("three pixels", y, i >= 2 ? average : sum, 3, ERROR, 0);
        free(y);
    }
}

/* With an exponent of 0 integers stay what they are, and so do their slopes. */
static void exponent_0_is_the_identity(void **state) {
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        lrn_case c = {.x = {2, 5, 3, 7}, .opts = {kind, 3, 1, 0, 1, false}};
        size_t count = shape_count(c.x);
        c.values = test_integers(count, 3, 1);
        c.slopes = test_integers(count, 3, 2);
        float *y = run_forward(test_device(), &c, &count);
        float *dx = run_backward(test_device(), &c, &count);
        test_compare("forward", y, c.values, count, 0, 0);
        test_compare("backward", dx, c.slopes, count, 0, 0);
        free(y), free(dx), free(c.values), free(c.slopes);
    }
}

typedef struct objective_of {
    lrn_case c;
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

/* The step's own error is step^2 / 6 times third derivatives of order 1 times the window's size,
 * the results' rounding eps / step: 2e-3 covers both at a step of 0.01. */
static void reference_gradient_is_close_to_central_differences(void **state) {
    (void)state;
    for (size_t i = 0; i < CASE_COUNT; i++) {
        objective_of o = {.c = cases[i]};
        size_t count;
        float *dx = run_backward(test_reference(), &o.c, &count);
        float *x = test_reals(count, 1);
        o.c.values = x;
        o.dy = test_reals(count, 2);
        test_gradient(o.c.name, dx, x, count < 60 ? count : 60, 0.01, 0, 2e-3, objective, &o);
        free(dx), free(x), free(o.dy);
    }
}

static void bad_arguments_are_named(void **state) {
    (void)state;
    lens_tensor *x = test_tensor(test_device(), (lens_shape){1, 3, 1, 1}, NULL);
    lens_tensor *y = test_tensor(test_device(), (lens_shape){1, 4, 1, 1}, NULL);
    lens_lrn_opts opts = lens_lrn_defaults();
    assert_fails(lens_lrn_forward(y, x, &opts), LENS_BAD_SHAPE, "y is (1, 4, 1, 1)");
    assert_fails(lens_lrn_forward(x, x, &opts), LENS_BAD_ARGUMENT, "overlaps");
    assert_fails(lens_lrn_backward_input(x, y, y, &opts, NULL), LENS_BAD_SHAPE, "dx is");
    static const lens_lrn_opts bad[] = {
        {LENS_LRN_ACROSS, 0, 1, 1, 1, false},  {LENS_LRN_ACROSS, 65, 1, 1, 1, false},
        {LENS_LRN_ACROSS, 5, -1, 1, 1, false}, {LENS_LRN_ACROSS, 5, 1, -1, 1, false},
        {LENS_LRN_ACROSS, 5, 1, 1, 0, false},  {LENS_LRN_ACROSS, 5, NAN, 1, 1, false},
        {(lens_lrn_kind)7, 5, 1, 1, 1, false},
    };
    static const char *const parts[] = {"size is 0", "size is 65", "alpha -1",    "beta -1",
                                        "k 0",       "alpha nan",  "7 is no kind"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_fails(lens_lrn_forward(x, x, &bad[i]), LENS_BAD_ARGUMENT, parts[i]);
    assert_string_equal(lens_lrn_kind_name(LENS_LRN_WITHIN), "within");
    lens_tensor_free(x), lens_tensor_free(y);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answer),
        cmocka_unit_test(exponent_0_is_the_identity),
        cmocka_unit_test(device_is_close_to_reference),
        cmocka_unit_test(random_shapes),
        cmocka_unit_test(reference_gradient_is_close_to_central_differences),
        cmocka_unit_test(bad_arguments_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, test_close);
}
