/* test_optimizer.c: the optimizers against Keras's formulas, worked out here in double, on the
 * reference and on the device under test.
 *
 * A step computes in float32 with a handful of roundings and a square root and division of up to 3
 * ulp each: 1e-6 of weights of size 1 after three steps. rmsprop and adam divide by the gradient's
 * own size, so a step is as large as the rate whatever the gradient; its relative error of 1e-6
 * stays below that limit as well.
 */
#include "sweep.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define COUNT 1001 /* no multiple of any run or vector */
#define STEPS 3
#define ERROR 1e-6

/* One weight's state in double. */
typedef struct model {
    double w, m, v;
} model;

static void step_model(model *s, double g, double norm, int t, const lens_optimizer_opts *o) {
    double rate = o->rate;
    if (o->clip_norm > 0 && norm > o->clip_norm)
        g *= o->clip_norm / norm;
    g += o->l2 * s->w;
    s->w -= rate * o->weight_decay * s->w;
    switch (o->kind) {
    case LENS_SGD:
        s->w -= rate * g;
        break;
    case LENS_MOMENTUM:
        s->m = o->momentum * s->m - rate * g;
        s->w += s->m;
        break;
    case LENS_NESTEROV:
        s->m = o->momentum * s->m - rate * g;
        s->w += o->momentum * s->m - rate * g;
        break;
    case LENS_RMSPROP:
        s->v = o->rho * s->v + (1 - o->rho) * g * g;
        s->w -= rate * g / sqrt(s->v + o->epsilon);
        break;
    case LENS_ADAM:
    case LENS_ADAMW:
        s->m = o->beta1 * s->m + (1 - o->beta1) * g;
        s->v = o->beta2 * s->v + (1 - o->beta2) * g * g;
        s->w -= rate * sqrt(1 - pow(o->beta2, t)) / (1 - pow(o->beta1, t)) * s->m /
                (sqrt(s->v) + o->epsilon);
        break;
    }
}

/* The gradient of a step: different each time, of very different sizes. */
static float *gradient(int step) {
    float *g = test_reals(COUNT, 100 + (uint64_t)step);
    for (size_t i = 0; i < COUNT; i++)
        g[i] *= i % 3 == 0 ? 1e-3f : i % 3 == 1 ? 1 : 10;
    return g;
}

static const lens_shape shape = {1, COUNT, 1, 1};

/* The weights after STEPS steps. */
static float *run(lens_context *context, void *user, size_t *count) {
    const lens_optimizer_opts *opts = user;
    float *weights = test_reals(COUNT, 1);
    lens_tensor *w = test_tensor(context, shape, weights), *slots[2] = {NULL, NULL};
    for (size_t i = 0; i < lens_optimizer_slots(opts->kind); i++) {
        slots[i] = test_tensor(context, shape, NULL);
        assert_ok(lens_tensor_fill(slots[i], 0));
    }
    size_t scratch_count;
    assert_ok(lens_optimizer_scratch(&scratch_count, context, COUNT));
    lens_tensor *norm = test_tensor(context, (lens_shape){1, 1, 1, 1}, NULL);
    lens_tensor *scratch =
        scratch_count ? test_tensor(context, (lens_shape){1, scratch_count, 1, 1}, NULL) : NULL;
    for (int step = 1; step <= STEPS; step++) {
        float *g = gradient(step);
        lens_tensor *gt = test_tensor(context, shape, g);
        assert_ok(lens_optimizer_norm(norm, gt, step % 2 ? scratch : NULL));
        assert_ok(lens_optimizer_step(w, gt, slots, norm, (uint64_t)step, opts));
        lens_tensor_free(gt);
        free(g);
    }
    float *result = test_read(w);
    *count = COUNT;
    lens_tensor *all[] = {w, slots[0], slots[1], norm, scratch};
    for (size_t i = 0; i < 5; i++)
        lens_tensor_free(all[i]);
    free(weights);
    return result;
}

static float *expected_weights(const lens_optimizer_opts *opts) {
    model *states = calloc(COUNT, sizeof *states);
    float *weights = test_reals(COUNT, 1);
    assert_non_null(states);
    for (size_t i = 0; i < COUNT; i++)
        states[i].w = weights[i];
    for (int step = 1; step <= STEPS; step++) {
        float *g = gradient(step);
        double norm = sqrt(test_dot(g, g, COUNT));
        for (size_t i = 0; i < COUNT; i++)
            step_model(&states[i], g[i], norm, step, opts);
        free(g);
    }
    for (size_t i = 0; i < COUNT; i++)
        weights[i] = (float)states[i].w;
    free(states);
    return weights;
}

static void compare(const char *name, lens_optimizer_opts opts) {
    char what[64];
    snprintf(what, sizeof what, "%s, %s", lens_optimizer_name(opts.kind), name);
    size_t count;
    float *expected = expected_weights(&opts), *got = run(test_reference(), &opts, &count);
    test_compare(what, got, expected, COUNT, ERROR, ERROR);
    sweep_compare(what, run, &opts, ERROR, ERROR);
    free(expected), free(got);
}

static void every_kind_follows_its_formula(void **state) {
    (void)state;
    for (int kind = LENS_SGD; kind <= LENS_ADAMW; kind++) {
        lens_optimizer_opts opts = lens_optimizer_defaults((lens_optimizer_kind)kind);
        compare("defaults", opts);
        opts.l2 = 0.01f;
        compare("l2", opts);
        opts.l2 = 0;
        opts.weight_decay = 0.1f;
        compare("weight decay", opts);
        opts.clip_norm = 5;
        compare("clipped", opts);
        opts.clip_norm = 1e6f;
        compare("clip norm not reached", opts);
    }
}

static void norm_is_exact_on_integers(void **state) {
    (void)state;
    lens_context *contexts[] = {test_reference(), test_device()};
    float *g = test_integers(COUNT, 9, 7);
    for (int i = 0; i < 2; i++) {
        lens_tensor *gt = test_tensor(contexts[i], shape, g);
        lens_tensor *norm = test_tensor(contexts[i], (lens_shape){1, 1, 1, 1}, NULL);
        assert_ok(lens_optimizer_norm(norm, gt, NULL));
        float *got = test_read(norm), expected = (float)sqrt(test_dot(g, g, COUNT));
        test_compare("norm", got, &expected, 1, 1.2e-7, 0); /* the root may be 1 ulp off */
        free(got);
        lens_tensor_free(gt), lens_tensor_free(norm);
    }
    free(g);
}

static void bad_arguments_are_named(void **state) {
    (void)state;
    lens_tensor *w = test_tensor(test_device(), shape, NULL);
    lens_tensor *g = test_tensor(test_device(), shape, NULL);
    lens_tensor *few = test_tensor(test_device(), (lens_shape){1, 3, 1, 1}, NULL);
    lens_tensor *slots[] = {g, g};
    lens_optimizer_opts opts = lens_optimizer_defaults(LENS_SGD);
    assert_fails(lens_optimizer_step(w, few, slots, NULL, 1, &opts), LENS_BAD_SHAPE,
                 "g has 3 elements, w 1001");
    assert_fails(lens_optimizer_step(w, w, slots, NULL, 1, &opts), LENS_BAD_ARGUMENT, "overlaps");
    assert_fails(lens_optimizer_step(w, g, slots, NULL, 0, &opts), LENS_BAD_ARGUMENT, "from 1");
    opts.clip_norm = 1;
    assert_fails(lens_optimizer_step(w, g, slots, NULL, 1, &opts), LENS_BAD_ARGUMENT, "norm");
    opts = lens_optimizer_defaults(LENS_ADAM);
    opts.beta1 = 1;
    assert_fails(lens_optimizer_step(w, g, slots, NULL, 1, &opts), LENS_BAD_ARGUMENT,
                 "beta1 is 1, it must be at least 0 and below 1");
    opts.beta1 = 0.9f;
    opts.rate = NAN;
    assert_fails(lens_optimizer_step(w, g, slots, NULL, 1, &opts), LENS_BAD_ARGUMENT, "rate");
    opts.kind = (lens_optimizer_kind)77;
    assert_fails(lens_optimizer_step(w, g, slots, NULL, 1, &opts), LENS_BAD_ARGUMENT, "77");
    lens_tensor_free(w), lens_tensor_free(g), lens_tensor_free(few);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_follows_its_formula),
        cmocka_unit_test(norm_is_exact_on_integers),
        cmocka_unit_test(bad_arguments_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, test_close);
}
