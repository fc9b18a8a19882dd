/* test_batchnorm.c: batch normalisation on the device under test against the reference, and the
 * reference against central differences.
 *
 * Sums of m reals of size 1 err by at most (m / 16 + images) eps in the device's order, and OpenCL
 * allows the division and the root 2.5 and 3 ulp; z is at most sqrt(m). 1e-5 leaves room for the
 * sizes here. Where the arithmetic is exact the comparison is for equality.
 */
#include "sweep.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define ERROR 1e-5

/* What one call on one device makes and leaves. */
typedef struct fixture {
    lens_shape shape;
    lens_batchnorm_opts opts;
    lens_tensor *x, *y, *dy, *dx, *gamma, *beta, *dgamma, *dbeta, *mean, *variance, *saved;
} fixture;

typedef struct batchnorm_case {
    const char *name;
    lens_shape x;
    lens_batchnorm_opts opts;
    float *values, *gamma, *beta; /* NULL: reals */
} batchnorm_case;

static const batchnorm_case cases[] = {
    {"one channel, two numbers", {2, 1, 1, 1}, {1e-3f, 0.99f}},
    {"units of a dense layer", {16, 37, 1, 1}, {1e-3f, 0.9f}},
    {"odd planes", {3, 5, 7, 5}, {1e-5f, 0.5f}},
    {"planes of whole vectors", {2, 3, 8, 8}, {1e-3f, 0.9f}},
    {"one image", {1, 4, 13, 13}, {1e-2f, 0}},
    {"one row", {1, 2, 1, 100}, {1e-3f, 1}},
    {"AlexNet's first", {2, 6, 26, 26}, {1e-3f, 0.9f}},
    {"units that fill vectors and more", {5, 150, 1, 1}, {1e-3f, 0.9f}},
};
#define CASE_COUNT (sizeof cases / sizeof cases[0])

static lens_tensor *filled(lens_context *context, size_t channels, const float *values,
                           uint64_t seed) {
    float *reals = test_reals(channels, seed);
    lens_tensor *tensor =
        test_tensor(context, (lens_shape){1, channels, 1, 1}, values ? values : reals);
    free(reals);
    return tensor;
}

static fixture fixture_new(lens_context *context, const batchnorm_case *c) {
    fixture f = {.shape = c->x, .opts = c->opts};
    size_t count = shape_count(c->x), channels = c->x.c;
    float *values = test_reals(count, 1), *slopes = test_reals(count, 2);
    for (size_t i = 0; i < count; i++)
        values[i] = c->values ? c->values[i] : 3 * values[i] + 0.5f;
    f.x = test_tensor(context, c->x, values);
    f.dy = test_tensor(context, c->x, slopes);
    f.y = test_tensor(context, c->x, NULL);
    f.dx = test_tensor(context, c->x, NULL);
    f.gamma = filled(context, channels, c->gamma, 3);
    f.beta = filled(context, channels, c->beta, 4);
    f.dgamma = test_tensor(context, (lens_shape){1, channels, 1, 1}, NULL);
    f.dbeta = test_tensor(context, (lens_shape){1, channels, 1, 1}, NULL);
    f.saved = test_tensor(context, (lens_shape){1, 2 * channels, 1, 1}, NULL);
    f.mean = filled(context, channels, NULL, 5);
    f.variance = filled(context, channels, NULL, 6);
    float *variances = test_read(f.variance);
    for (size_t i = 0; i < channels; i++)
        variances[i] = 1.5f + variances[i];
    assert_ok(lens_tensor_write(f.variance, variances));
    free(values), free(slopes), free(variances);
    return f;
}

static void fixture_free(fixture *f) {
    lens_tensor *all[] = {f->x,      f->y,     f->dy,   f->dx,       f->gamma, f->beta,
                          f->dgamma, f->dbeta, f->mean, f->variance, f->saved};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        lens_tensor_free(all[i]);
}

static void train(fixture *f) {
    assert_ok(lens_batchnorm_forward_training(f->y, f->x, f->gamma, f->beta, f->mean, f->variance,
                                              f->saved, &f->opts));
}

/* One after the other into one array. */
static float *joined(size_t count, const lens_tensor *const *tensors, size_t *total) {
    *total = 0;
    for (size_t i = 0; i < count; i++)
        *total += lens_tensor_count(tensors[i]);
    float *all = malloc(*total * sizeof *all), *at = all;
    for (size_t i = 0; i < count; i++) {
        assert_ok(lens_tensor_read(tensors[i], at));
        at += lens_tensor_count(tensors[i]);
    }
    return all;
}

static float *run_inference(lens_context *context, void *user, size_t *count) {
    fixture f = fixture_new(context, user);
    assert_ok(lens_batchnorm_forward(f.y, f.x, f.gamma, f.beta, f.mean, f.variance, &f.opts));
    float *result = joined(1, (const lens_tensor *[]){f.y}, count);
    fixture_free(&f);
    return result;
}

static float *run_training(lens_context *context, void *user, size_t *count) {
    fixture f = fixture_new(context, user);
    train(&f);
    float *result = joined(4, (const lens_tensor *[]){f.y, f.mean, f.variance, f.saved}, count);
    fixture_free(&f);
    return result;
}

static float *run_backward(lens_context *context, void *user, size_t *count) {
    fixture f = fixture_new(context, user);
    train(&f);
    assert_ok(lens_batchnorm_backward_weight(f.dgamma, f.dbeta, f.dy, f.x, f.saved));
    assert_ok(lens_batchnorm_backward_input(f.dx, f.dy, f.x, f.gamma, f.saved, f.dgamma, f.dbeta));
    float *result = joined(3, (const lens_tensor *[]){f.dx, f.dgamma, f.dbeta}, count);
    /* dx may be dy */
    assert_ok(lens_batchnorm_backward_input(f.dy, f.dy, f.x, f.gamma, f.saved, f.dgamma, f.dbeta));
    float *again = test_read(f.dy);
    test_compare("in place", again, result, lens_tensor_count(f.dy), 0, 0);
    free(again);
    fixture_free(&f);
    return result;
}

static void device_is_close_to_reference(void **state) {
    (void)state;
    for (size_t i = 0; i < CASE_COUNT; i++) {
        sweep_compare(cases[i].name, run_inference, (void *)&cases[i], ERROR, ERROR);
        sweep_compare(cases[i].name, run_training, (void *)&cases[i], ERROR, ERROR);
        /* sums over up to 1352 elements of dy z, |dy| <= 1, |z| < 2 */
        sweep_compare(cases[i].name, run_backward, (void *)&cases[i], ERROR, 20 * ERROR);
    }
}

static void random_shapes(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 100; seed++) {
        batchnorm_case c = {.name = "random", .opts = {1e-3f, 0.9f}};
        c.x = (lens_shape){draw(seed, 0, 1, 5), draw(seed, 1, 1, 12), draw(seed, 2, 2, 9),
                           draw(seed, 3, 1, 21)};
        sweep_compare("random, inference", run_inference, &c, ERROR, ERROR);
        sweep_compare("random, training", run_training, &c, ERROR, ERROR);
        sweep_compare("random, backward", run_backward, &c, ERROR, 20 * ERROR);
    }
}

/* Values -1 and 3 in turn: mean 1, variance 4, and 1 / sqrt(4 + 12) is 1/4: nothing rounds. */
static void exact_where_the_arithmetic_is(void **state) {
    (void)state;
    enum { COUNT = 4 * 2 * 16 };
    float values[COUNT], y[COUNT];
    float gamma[] = {2, -4}, beta[] = {3, 0.5f};
    for (size_t i = 0; i < COUNT; i++) {
        size_t c = i / 16 % 2;
        values[i] = i % 2 ? 3 : -1;
        y[i] = gamma[c] * (i % 2 ? 0.5f : -0.5f) + beta[c];
    }
    batchnorm_case c = {"exact", {4, 2, 4, 4}, {12, 0.5f}, values, gamma, beta};
    lens_context *contexts[] = {test_reference(), test_device()};
    for (int i = 0; i < 2; i++) {
        fixture f = fixture_new(contexts[i], &c);
        float *mean = test_read(f.mean), *variance = test_read(f.variance), *slopes;
        train(&f);
        float *got = test_read(f.y), *moved = test_read(f.mean), *wide = test_read(f.variance);
        float *saved = test_read(f.saved);
        test_compare("y", got, y, COUNT, 0, 0);
        test_compare("saved", saved, (float[]){1, 1, 0.25f, 0.25f}, 4, 0, 0);
        for (int k = 0; k < 2; k++) {
            assert_true(moved[k] == 0.5f * mean[k] + 0.5f);
            assert_true(wide[k] == 0.5f * variance[k] + 2);
        }
        /* integer slopes: dbeta = sum dy, dgamma = sum dy z; dx = gamma / 4 (dy - (dbeta + z
         * dgamma) / 64) */
        slopes = test_integers(COUNT, 3, 9);
        assert_ok(lens_tensor_write(f.dy, slopes));
        assert_ok(lens_batchnorm_backward_weight(f.dgamma, f.dbeta, f.dy, f.x, f.saved));
        assert_ok(
            lens_batchnorm_backward_input(f.dx, f.dy, f.x, f.gamma, f.saved, f.dgamma, f.dbeta));
        float sum[2] = {0}, products[2] = {0}, dx[COUNT];
        for (size_t k = 0; k < COUNT; k++) {
            sum[k / 16 % 2] += slopes[k];
            products[k / 16 % 2] += slopes[k] * (k % 2 ? 0.5f : -0.5f);
        }
        for (size_t k = 0; k < COUNT; k++) {
            size_t channel = k / 16 % 2;
            float z = k % 2 ? 0.5f : -0.5f;
            dx[k] = gamma[channel] / 4 * (slopes[k] - (sum[channel] + z * products[channel]) / 64);
        }
        float *dgamma = test_read(f.dgamma), *dbeta = test_read(f.dbeta), *out = test_read(f.dx);
        test_compare("dgamma", dgamma, products, 2, 0, 0);
        test_compare("dbeta", dbeta, sum, 2, 0, 0);
        test_compare("dx", out, dx, COUNT, 0, 0);
        free(mean), free(variance), free(got), free(moved), free(wide), free(saved);
        free(slopes), free(dgamma), free(dbeta), free(out);
        fixture_free(&f);
    }
}

typedef struct objective_of {
    batchnorm_case c;
    float *dy;
} objective_of;

static double objective(void *user) {
    objective_of *o = user;
    size_t count;
    float *all = run_training(test_reference(), &o->c, &count);
    double sum = test_dot(all, o->dy, shape_count(o->c.x));
    free(all);
    return sum;
}

/* The step's own error is step^2 / 6 times third derivatives of order 1, the results' rounding
 * m eps / step: 3e-3 covers both at a step of 0.01. */
static void reference_gradients_are_close_to_central_differences(void **state) {
    (void)state;
    for (size_t i = 1; i < 4; i++) {
        objective_of o = {.c = cases[i]};
        size_t count = shape_count(o.c.x), channels = o.c.x.c, total;
        float *x = test_reals(count, 1), *gamma = test_reals(channels, 3);
        float *beta = test_reals(channels, 4);
        o.c.values = x, o.c.gamma = gamma, o.c.beta = beta;
        o.dy = test_reals(count, 2);
        float *all = run_backward(test_reference(), &o.c, &total);
        test_gradient(o.c.name, all, x, count < 60 ? count : 60, 0.01, 0, 3e-3, objective, &o);
        test_gradient("gamma", all + count, gamma, channels, 0.01, 0, 3e-3, objective, &o);
        test_gradient("beta", all + count + channels, beta, channels, 0.01, 0, 3e-3, objective, &o);
        free(all), free(x), free(gamma), free(beta), free(o.dy);
    }
}

/* A channel without any spread gives beta, and no infinity. */
static void constant_channel(void **state) {
    (void)state;
    float values[32];
    for (int i = 0; i < 32; i++)
        values[i] = 7;
    batchnorm_case c = {"constant", {2, 1, 4, 4}, {1e-3f, 0.9f}, values, NULL, NULL};
    fixture f = fixture_new(test_device(), &c);
    train(&f);
    float *y = test_read(f.y), *beta = test_read(f.beta);
    for (int i = 0; i < 32; i++)
        assert_true(y[i] == beta[0]);
    free(y), free(beta);
    fixture_free(&f);
}

static void bad_arguments_are_named(void **state) {
    (void)state;
    batchnorm_case c = cases[2];
    fixture f = fixture_new(test_device(), &c);
    lens_batchnorm_opts bad = {0, 0.9f};
    assert_fails(lens_batchnorm_forward(f.y, f.x, f.gamma, f.beta, f.mean, f.variance, &bad),
                 LENS_BAD_ARGUMENT, "epsilon is 0");
    bad = (lens_batchnorm_opts){1e-3f, 1.5f};
    assert_fails(lens_batchnorm_forward(f.y, f.x, f.gamma, f.beta, f.mean, f.variance, &bad),
                 LENS_BAD_ARGUMENT, "momentum is 1.5");
    assert_fails(lens_batchnorm_forward(f.y, f.x, f.saved, f.beta, f.mean, f.variance, &f.opts),
                 LENS_BAD_SHAPE, "gamma is (1, 10, 1, 1)");
    assert_fails(lens_batchnorm_forward(f.x, f.x, f.gamma, f.beta, f.mean, f.variance, &f.opts),
                 LENS_BAD_ARGUMENT, "overlaps");
    assert_fails(lens_batchnorm_forward_training(f.y, f.x, f.gamma, f.beta, f.mean, f.variance,
                                                 f.beta, &f.opts),
                 LENS_BAD_SHAPE, "saved is");
    assert_fails(lens_batchnorm_forward_training(f.y, f.x, f.gamma, f.beta, f.mean, f.mean, f.saved,
                                                 &f.opts),
                 LENS_BAD_ARGUMENT, "overlaps");
    assert_fails(lens_batchnorm_backward_weight(f.dgamma, f.dgamma, f.dy, f.x, f.saved),
                 LENS_BAD_ARGUMENT, "overlaps");
    assert_fails(lens_batchnorm_backward_input(f.x, f.dy, f.x, f.gamma, f.saved, f.dgamma, f.dbeta),
                 LENS_BAD_ARGUMENT, "overlaps");
    fixture_free(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exact_where_the_arithmetic_is),
        cmocka_unit_test(constant_channel),
        cmocka_unit_test(device_is_close_to_reference),
        cmocka_unit_test(random_shapes),
        cmocka_unit_test(reference_gradients_are_close_to_central_differences),
        cmocka_unit_test(bad_arguments_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, test_close);
}
