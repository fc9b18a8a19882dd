/* test_activation.c: the activations on the device under test against the reference, and the
 * reference against central differences.
 *
 * The kernels' own exp and tanh are good to 2.5 ulp; a division, a product and, for softplus, a
 * logarithm follow: 8 ulp in all, of values of size 1 to 3. Results below 2^-126 may be 0. relu,
 * leaky relu and linear are exact or one product.
 */
#include "sweep.h"

#include <math.h>
#include <stdlib.h>

#define ERROR (8 * 6e-8)
#define COUNT 1003 /* no multiple of any run */

static const lens_shape shape = {1, COUNT, 1, 1};

/* Values around 0, of every size, and those where functions saturate. */
static float *inputs(void) {
    static const float ends[] = {0,   -0.0f, 1e-30f, -1e-30f, 1e-7f,  20,  -20,      88,       -88,
                                 100, -100,  1e30f,  -1e30f,  0.625f, .5f, INFINITY, -INFINITY};
    float *x = test_reals(COUNT, 1);
    for (size_t i = 0; i < COUNT; i++)
        x[i] *= i % 3 == 0 ? 0.1f : i % 3 == 1 ? 1 : 10;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        x[50 * i] = ends[i];
    return x;
}

static float *run_forward(lens_context *context, void *user, size_t *count) {
    float *values = inputs();
    lens_tensor *x = test_tensor(context, shape, values), *y = test_tensor(context, shape, NULL);
    assert_ok(lens_activation_forward(y, x, user));
    float *result = test_read(y);
    assert_ok(lens_activation_forward(x, x, user)); /* in place: the same */
    float *again = test_read(x);
    test_compare("in place", again, result, COUNT, 0, 0);
    *count = COUNT;
    lens_tensor_free(x), lens_tensor_free(y);
    free(values), free(again);
    return result;
}

static float *run_backward(lens_context *context, void *user, size_t *count) {
    float *out = run_forward(test_reference(), user, count), *slopes = test_reals(COUNT, 2);
    for (size_t i = 0; i < COUNT; i++)
        if (!isfinite(out[i]))
            out[i] = 1; /* inf * 0 is no gradient to compare */
    lens_tensor *y = test_tensor(context, shape, out), *dy = test_tensor(context, shape, slopes);
    assert_ok(lens_activation_backward_input(dy, dy, y, user));
    float *result = test_read(dy);
    lens_tensor_free(y), lens_tensor_free(dy);
    free(out), free(slopes);
    return result;
}

static void device_is_close_to_reference(void **state) {
    (void)state;
    for (int kind = LENS_LINEAR; kind <= LENS_SOFTPLUS; kind++) {
        lens_activation f = lens_activation_of((lens_activation_kind)kind);
        bool exact = kind == LENS_LINEAR || kind == LENS_RELU || kind == LENS_LEAKY_RELU;
        double error = exact ? 1.2e-7 : ERROR; /* a product with alpha is rounded twice at most */
        sweep_compare(lens_activation_name(f.kind), run_forward, &f, error, exact ? 0 : 1.2e-38);
        sweep_compare(lens_activation_name(f.kind), run_backward, &f, error, exact ? 0 : 2.5e-7);
    }
}

/* ---- with the gradient of a bias ------------------------------------------------------------ */

/* Planes longer than a vector, and shorter; those of one pixel, channels of which fill a vector,
 * some over, and not. */
static const lens_shape biased[] = {{3, 5, 7, 11},  {2, 3, 1, 5},   {1, 1, 1, 1}, {5, 37, 1, 1},
                                    {4, 144, 1, 1}, {3, 2, 33, 40}, {2, 3, 4, 4}};

typedef struct biased_case {
    lens_activation f;
    lens_shape shape;
} biased_case;

/* dx and behind it db. Integers, and outputs of 1 and less: of relu and leaky relu's sums none is
 * rounded but by alpha. */
static float *run_bias(lens_context *context, void *user, size_t *count) {
    const biased_case *c = user;
    size_t values = shape_count(c->shape);
    float *out = test_reals(values, 3), *slopes = test_integers(values, 3, 4);
    lens_tensor *y = test_tensor(context, c->shape, out);
    lens_tensor *dy = test_tensor(context, c->shape, slopes);
    lens_tensor *dx = test_tensor(context, c->shape, NULL);
    lens_tensor *db = test_tensor(context, (lens_shape){1, c->shape.c, 1, 1}, NULL);
    assert_ok(lens_activation_backward_bias(dx, db, dy, y, &c->f));
    float *first = test_read(dx), *sums = test_read(db);
    assert_ok(lens_activation_backward_bias(dy, db, dy, y, &c->f)); /* in place: the same */
    float *again = test_read(dy), *sums_again = test_read(db);
    test_compare("dx in dy's place", again, first, values, 0, 0);
    test_compare("db of that", sums_again, sums, c->shape.c, 0, 0);
    assert_ok(lens_tensor_write(dy, slopes));
    assert_ok(lens_activation_backward_bias(y, db, dy, y, &c->f));
    float *third = test_read(y);
    test_compare("dx in y's place", third, first, values, 0, 0);
    free(third);
    first = realloc(first, (values + c->shape.c) * sizeof *first);
    for (size_t k = 0; k < c->shape.c; k++)
        first[values + k] = sums[k];
    *count = values + c->shape.c;
    lens_tensor_free(y), lens_tensor_free(dy), lens_tensor_free(dx), lens_tensor_free(db);
    free(out), free(slopes), free(sums), free(again), free(sums_again);
    return first;
}

/* A sum of 2640 products of integers up to 3, of either sign, with rounded slopes below 1.2. */
static void bias_gradient_is_close_to_reference(void **state) {
    (void)state;
    for (int kind = LENS_LINEAR; kind <= LENS_SOFTPLUS; kind++)
        for (size_t i = 0; i < sizeof biased / sizeof biased[0]; i++) {
            biased_case c = {lens_activation_of((lens_activation_kind)kind), biased[i]};
            bool exact = kind == LENS_LINEAR || kind == LENS_RELU;
            sweep_compare(lens_activation_name(c.f.kind), run_bias, &c, exact ? 0 : ERROR,
                          exact ? 0 : 1e-3);
        }
}

/* Of the reference: dx is that of lens_activation_backward_input(), db its sum. */
static void bias_gradient_is_the_sum(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof biased / sizeof biased[0]; i++) {
        biased_case c = {lens_activation_of(LENS_SCALED_TANH), biased[i]};
        size_t count, values = shape_count(c.shape), pixels = c.shape.h * c.shape.w;
        float *got = run_bias(test_reference(), &c, &count);
        float *out = test_reals(values, 3), *slopes = test_integers(values, 3, 4);
        lens_tensor *y = test_tensor(test_reference(), c.shape, out);
        lens_tensor *dy = test_tensor(test_reference(), c.shape, slopes);
        assert_ok(lens_activation_backward_input(dy, dy, y, &c.f));
        float *dx = test_read(dy), *sums = calloc(c.shape.c, sizeof *sums);
        for (size_t j = 0; j < values; j++)
            sums[j / pixels % c.shape.c] += dx[j];
        test_compare("dx", got, dx, values, 0, 0);
        test_compare("db", got + values, sums, c.shape.c, 1e-4, 1e-3);
        lens_tensor_free(y), lens_tensor_free(dy);
        free(got), free(out), free(slopes), free(dx), free(sums);
    }
}

static void known_answers(void **state) {
    (void)state;
    static const struct {
        lens_activation_kind kind;
        float x, y, slope;
    } rows[] = {{LENS_LINEAR, -3, -3, 1},
                {LENS_RELU, -3, 0, 0},
                {LENS_RELU, 0, 0, 0},
                {LENS_RELU, 2, 2, 1},
                {LENS_LEAKY_RELU, -2, -.6f, .3f},
                {LENS_TANH, .5f, .46211716f, .78644773f},
                {LENS_SCALED_TANH, 1, .99999725f, .75541244f},
                {LENS_SIGMOID, 0, .5f, .25f},
                {LENS_ELU, -1, -.63212056f, .36787944f},
                {LENS_ELU, 3, 3, 1},
                {LENS_SOFTPLUS, 0, .69314718f, .5f},
                {LENS_SOFTPLUS, 50, 50, 1}};
    lens_context *contexts[] = {test_reference(), test_device()};
    const lens_shape one = {1, 1, 1, 1};
    for (size_t i = 0; i < 2 * sizeof rows / sizeof rows[0]; i++) {
        lens_activation f = lens_activation_of(rows[i / 2].kind);
        lens_tensor *x = test_tensor(contexts[i % 2], one, &rows[i / 2].x);
        lens_tensor *slope = test_tensor(contexts[i % 2], one, NULL);
        assert_ok(lens_tensor_fill(slope, 1));
        assert_ok(lens_activation_forward(x, x, &f));
        assert_ok(lens_activation_backward_input(slope, slope, x, &f));
        float *y = test_read(x), *s = test_read(slope);
        test_compare(lens_activation_name(f.kind), y, &rows[i / 2].y, 1, ERROR, 0);
        test_compare("its slope", s, &rows[i / 2].slope, 1, 1e-6, 0);
        free(y), free(s);
        lens_tensor_free(x), lens_tensor_free(slope);
    }
}

static void nan_stays_nan(void **state) {
    (void)state;
    const float nan = NAN;
    lens_context *contexts[] = {test_reference(), test_device()};
    for (int i = 0; i < 2 * (LENS_SOFTPLUS + 1); i++) {
        lens_activation f = lens_activation_of((lens_activation_kind)(i / 2));
        lens_tensor *x = test_tensor(contexts[i % 2], (lens_shape){1, 1, 1, 1}, &nan);
        assert_ok(lens_activation_forward(x, x, &f));
        float *y = test_read(x);
        test_compare(lens_activation_name(f.kind), y, &nan, 1, 0, 0);
        free(y);
        lens_tensor_free(x);
    }
}

/* f'(x) against (f(x + h) - f(x - h)) / 2h in double, through the reference's own floats: their
 * rounding over a step of 1/64 is 4e-6, the step's own error h^2/6 times a third derivative
 * below 2. */
static void reference_slope_is_close_to_central_differences(void **state) {
    (void)state;
    const double step = 1.0 / 64;
    for (int kind = LENS_LINEAR; kind <= LENS_SOFTPLUS; kind++) {
        lens_activation f = lens_activation_of((lens_activation_kind)kind);
        for (int i = -40; i <= 40; i++) {
            float x[3] = {(float)(i / 8.0 + 0.03), 0, 0}, one[3] = {1, 1, 1};
            x[1] = (float)(x[0] + step), x[2] = (float)(x[0] - step);
            lens_tensor *t = test_tensor(test_reference(), (lens_shape){1, 3, 1, 1}, x);
            lens_tensor *d = test_tensor(test_reference(), (lens_shape){1, 3, 1, 1}, one);
            assert_ok(lens_activation_forward(t, t, &f));
            assert_ok(lens_activation_backward_input(d, d, t, &f));
            float *y = test_read(t), *slope = test_read(d);
            float difference = (float)(((double)y[1] - y[2]) / ((double)x[1] - x[2]));
            test_compare(lens_activation_name(f.kind), slope, &difference, 1, 0, 2e-4);
            free(y), free(slope);
            lens_tensor_free(t), lens_tensor_free(d);
        }
    }
}

static void bad_arguments_are_named(void **state) {
    (void)state;
    lens_tensor *x = test_tensor(test_device(), (lens_shape){1, 3, 1, 1}, NULL);
    lens_tensor *y = test_tensor(test_device(), (lens_shape){1, 4, 1, 1}, NULL);
    lens_activation f = lens_activation_of(LENS_RELU);
    assert_fails(lens_activation_forward(y, x, &f), LENS_BAD_SHAPE, "y is (1, 4, 1, 1)");
    f.kind = (lens_activation_kind)42;
    assert_fails(lens_activation_forward(x, x, &f), LENS_BAD_ARGUMENT, "42 is no activation");
    f = (lens_activation){LENS_LEAKY_RELU, -1};
    assert_fails(lens_activation_forward(x, x, &f), LENS_BAD_ARGUMENT, "alpha of leaky_relu");
    f = lens_activation_of(LENS_RELU);
    assert_fails(lens_activation_backward_bias(x, x, x, x, &f), LENS_BAD_ARGUMENT, "overlaps");
    assert_fails(lens_activation_backward_bias(x, y, x, x, &f), LENS_BAD_SHAPE,
                 "db is (1, 4, 1, 1)");
    lens_tensor_free(x), lens_tensor_free(y);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),
        cmocka_unit_test(nan_stays_nan),
        cmocka_unit_test(device_is_close_to_reference),
        cmocka_unit_test(bias_gradient_is_close_to_reference),
        cmocka_unit_test(bias_gradient_is_the_sum),
        cmocka_unit_test(reference_slope_is_close_to_central_differences),
        cmocka_unit_test(bad_arguments_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, test_close);
}
