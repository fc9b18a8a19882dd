/* test_loss.c: the losses on the device under test against the reference, the reference against
 * central differences and answers worked out by hand.
 *
 * OpenCL allows exp, log and log1p 2 to 4 ulp; logarithms of the clipped 1e-7 are 16 in size, and
 * sums over a few hundred terms round as well: 1e-5 relative covers all of them.
 */
#include "sweep.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define RELATIVE 1e-5
#define ABSOLUTE 1e-6

typedef struct loss_case {
    const char *name;
    lens_loss_opts opts;
    lens_shape x;
    bool near_the_ends; /* some probabilities are clipped */
    float *values, *targets;
    bool weighted; /* image i counts i % 4 / 2 times */
} loss_case;

static const loss_case cases[] = {
    {"sparse, logits", {LENS_SPARSE_CROSS_ENTROPY, true}, {64, 10, 1, 1}},
    {"sparse, probabilities", {LENS_SPARSE_CROSS_ENTROPY, false}, {7, 5, 1, 1}},
    {"sparse, clipped", {LENS_SPARSE_CROSS_ENTROPY, false}, {9, 3, 1, 1}, true},
    {"sparse, pixels", {LENS_SPARSE_CROSS_ENTROPY, true}, {2, 4, 3, 5}},
    {"categorical, logits", {LENS_CROSS_ENTROPY, true}, {6, 4, 1, 1}},
    {"categorical, probabilities", {LENS_CROSS_ENTROPY, false}, {6, 4, 2, 1}},
    {"binary, logits", {LENS_BINARY_CROSS_ENTROPY, true}, {70, 1, 1, 1}},
    {"binary, probabilities", {LENS_BINARY_CROSS_ENTROPY, false}, {5, 3, 1, 1}},
    {"binary, clipped", {LENS_BINARY_CROSS_ENTROPY, false}, {5, 3, 1, 1}, true},
    {"mean squared error", {LENS_MEAN_SQUARED_ERROR, false}, {130, 3, 2, 1}},
    {"mean squared error, one output", {LENS_MEAN_SQUARED_ERROR, false}, {4, 1, 1, 1}},
    {"map", {LENS_MAP, false, 2}, {67, 10, 1, 1}},
    {"map, nothing is rejected", {LENS_MAP, false, 50}, {9, 4, 1, 1}},
    {"map, pixels", {LENS_MAP, false, .5f}, {2, 4, 3, 5}},
    {"weighted, sparse", {LENS_SPARSE_CROSS_ENTROPY, true}, {67, 10, 1, 1}, .weighted = true},
    {"weighted, pixels", {LENS_SPARSE_CROSS_ENTROPY, true}, {5, 4, 3, 5}, .weighted = true},
    {"weighted, categorical", {LENS_CROSS_ENTROPY, false}, {6, 4, 2, 1}, .weighted = true},
    {"weighted, binary", {LENS_BINARY_CROSS_ENTROPY, true}, {70, 1, 1, 1}, .weighted = true},
    {"weighted, squares", {LENS_MEAN_SQUARED_ERROR, false}, {13, 3, 2, 1}, .weighted = true},
    {"weighted, map", {LENS_MAP, false, 2}, {9, 4, 1, 1}, .weighted = true},
    /* on a GPU a group shares a pixel's channels */
    {"sparse, 1000 classes", {LENS_SPARSE_CROSS_ENTROPY, true}, {3, 1000, 1, 1}},
    {"sparse, more images than parts", {LENS_SPARSE_CROSS_ENTROPY, false}, {259, 33, 1, 1}},
    {"sparse, 33 classes of pixels", {LENS_SPARSE_CROSS_ENTROPY, true}, {2, 33, 2, 3}},
    {"sparse, 33 classes of many", {LENS_SPARSE_CROSS_ENTROPY, true}, {1, 33, 5, 7}},
    {"categorical, 130 classes", {LENS_CROSS_ENTROPY, true}, {5, 130, 1, 1}},
    {"categorical, 33 classes", {LENS_CROSS_ENTROPY, false}, {5, 33, 2, 1}, .weighted = true},
    {"binary, 33 logits", {LENS_BINARY_CROSS_ENTROPY, true}, {5, 33, 1, 1}, .weighted = true},
    {"binary, 33 clipped", {LENS_BINARY_CROSS_ENTROPY, false}, {5, 33, 1, 1}, true},
    {"mean squared error, 200", {LENS_MEAN_SQUARED_ERROR, false}, {7, 200, 1, 1}},
    {"map, 1000 classes", {LENS_MAP, false, 2}, {4, 1000, 1, 1}, .weighted = true},
};
#define CASE_COUNT (sizeof cases / sizeof cases[0])

/* Logits in -3 .. 3, probabilities in 0.05 .. 0.95, some of them 0 or 1 where asked. */
static float *values_of(const loss_case *c) {
    size_t count = shape_count(c->x);
    float *values = test_reals(count, 1);
    for (size_t i = 0; i < count; i++) {
        bool is_logit = c->opts.from_logits || c->opts.kind == LENS_MEAN_SQUARED_ERROR ||
                        c->opts.kind == LENS_MAP;
        values[i] = is_logit ? 3 * values[i] : 0.5f + 0.45f * values[i];
        if (c->near_the_ends && i % 3 == 0)
            values[i] = i % 2 ? 0 : 1;
        if (c->values)
            values[i] = c->values[i];
    }
    return values;
}

static float *targets_of(const loss_case *c, lens_shape *ts) {
    assert_ok(lens_loss_target_shape(ts, c->x, c->opts.kind));
    size_t count = shape_count(*ts);
    float *targets = test_reals(count, 2);
    for (size_t i = 0; i < count; i++) {
        if (ts->c == 1 && c->x.c > 1)
            targets[i] = (float)draw(3, i, 0, c->x.c - 1);
        else if (c->opts.kind == LENS_BINARY_CROSS_ENTROPY)
            targets[i] = (float)draw(3, i, 0, 1);
        else
            targets[i] = 0.5f + 0.5f * targets[i];
        if (c->targets)
            targets[i] = c->targets[i];
    }
    return targets;
}

static void tensors_of(const loss_case *c, lens_context *context, lens_tensor **x, lens_tensor **t,
                       lens_tensor **w) {
    lens_shape ts;
    float *values = values_of(c), *targets = targets_of(c, &ts);
    *x = test_tensor(context, c->x, values);
    *t = test_tensor(context, ts, targets);
    for (size_t i = 0; i < c->x.n; i++)
        values[i] = (float)(i % 4) / 2; /* n is at most the count of x */
    *w = c->weighted ? test_tensor(context, (lens_shape){c->x.n, 1, 1, 1}, values) : NULL;
    free(values), free(targets);
}

/* {loss times n, number right} of one batch, and again accumulated on top. */
static float *run_forward(lens_context *context, void *user, size_t *count) {
    const loss_case *c = user;
    lens_tensor *x, *t, *w, *total = test_tensor(context, (lens_shape){1, 2, 1, 1}, NULL);
    tensors_of(c, context, &x, &t, &w);
    assert_ok(lens_loss_forward(total, x, t, w, &c->opts, false));
    float *once = test_read(total);
    assert_ok(lens_loss_forward(total, x, t, w, &c->opts, true));
    float *twice = test_read(total);
    float *result = malloc(4 * sizeof *result);
    assert_non_null(result);
    for (int i = 0; i < 2; i++)
        result[i] = once[i], result[2 + i] = twice[i];
    *count = 4;
    lens_tensor_free(x), lens_tensor_free(t), lens_tensor_free(w), lens_tensor_free(total);
    free(once), free(twice);
    return result;
}

static float *run_backward(lens_context *context, void *user, size_t *count) {
    const loss_case *c = user;
    lens_tensor *x, *t, *w, *dx = test_tensor(context, c->x, NULL);
    tensors_of(c, context, &x, &t, &w);
    assert_ok(lens_loss_backward_input(dx, x, t, w, &c->opts));
    float *result = test_read(dx);
    *count = shape_count(c->x);
    lens_tensor_free(x), lens_tensor_free(t), lens_tensor_free(w), lens_tensor_free(dx);
    return result;
}

static void device_is_close_to_reference(void **state) {
    (void)state;
    for (size_t i = 0; i < CASE_COUNT; i++) {
        sweep_compare(cases[i].name, run_forward, (void *)&cases[i], RELATIVE, ABSOLUTE);
        sweep_compare(cases[i].name, run_backward, (void *)&cases[i], RELATIVE, ABSOLUTE);
    }
}

static double objective(void *user) {
    loss_case *c = user;
    size_t count;
    float *total = run_forward(test_reference(), c, &count);
    double mean = (double)total[0] / (double)c->x.n;
    free(total);
    return mean;
}

/* The total is a float: its rounding over the step, and the step's own error, stay below 1e-3 of
 * the slopes' size. Clipped probabilities are left out: there the loss has a kink; and many
 * channels, whose total is large. */
static void reference_gradient_is_close_to_central_differences(void **state) {
    (void)state;
    for (size_t i = 0; i < CASE_COUNT; i++) {
        loss_case c = cases[i];
        if (c.near_the_ends || c.x.c > 30)
            continue;
        size_t count;
        float *dx = run_backward(test_reference(), &c, &count), *x = values_of(&c);
        c.values = x;
        test_gradient(c.name, dx, x, count < 60 ? count : 60, 0.002, 5e-3, 1e-3, objective, &c);
        free(dx), free(x);
    }
}

/* total = {loss n, right}, by hand. */
static void known_answers(void **state) {
    (void)state;
    static const struct {
        const char *name;
        lens_loss_opts opts;
        lens_shape x;
        float values[4], targets[4], loss, right;
    } rows[] = {
        {"-log 1/4",
         {LENS_SPARSE_CROSS_ENTROPY, false},
         {1, 2, 1, 1},
         {.75f, .25f},
         {1},
         1.3862944f,
         0},
        {"equal logits, first of equals",
         {LENS_SPARSE_CROSS_ENTROPY, true},
         {1, 4, 1, 1},
         {2, 2, 2, 2},
         {0},
         1.3862944f,
         1},
        {"no class 2 of 2", {LENS_SPARSE_CROSS_ENTROPY, true}, {1, 2, 1, 1}, {1, 2}, {2}, NAN, 0},
        {"class 0.5", {LENS_SPARSE_CROSS_ENTROPY, true}, {1, 2, 1, 1}, {1, 2}, {.5f}, NAN, 0},
        {"huge logits",
         {LENS_SPARSE_CROSS_ENTROPY, true},
         {1, 2, 1, 1},
         {1000, -1000},
         {1},
         2000,
         0},
        {"clipped at 1e-7",
         {LENS_SPARSE_CROSS_ENTROPY, false},
         {1, 2, 1, 1},
         {1, 0},
         {1},
         16.118095f,
         0},
        {"two halves",
         {LENS_BINARY_CROSS_ENTROPY, true},
         {2, 1, 1, 1},
         {0, 0},
         {1, 0},
         1.3862944f,
         1},
        {"huge binary logit", {LENS_BINARY_CROSS_ENTROPY, true}, {1, 1, 1, 1}, {-500}, {1}, 500, 0},
        {"map: 1 + log(e^-1 + 3 e^-1)",
         {LENS_MAP, false, 1},
         {1, 3, 1, 1},
         {1, 1, 1},
         {0},
         1.3862944f,
         1},
        {"map: the smallest wins", {LENS_MAP, false, 100}, {1, 2, 1, 1}, {3, 2}, {1}, .3132617f, 1},
        {"map: the largest does not",
         {LENS_MAP, false, 100},
         {1, 2, 1, 1},
         {3, 2},
         {0},
         1.3132617f,
         0},
        {"map: huge penalties, less j",
         {LENS_MAP, false, 4},
         {1, 2, 1, 1},
         {900, 1000},
         {0},
         896,
         1},
        {"map: penalties below 0", {LENS_MAP, false, 1}, {1, 2, 1, 1}, {-500, 500}, {1}, 1000, 0},
        {"map: no class 2 of 2", {LENS_MAP, false, 1}, {1, 2, 1, 1}, {1, 2}, {2}, NAN, 0},
        {"mean of 1 and 9", {LENS_MEAN_SQUARED_ERROR, false}, {1, 2, 1, 1}, {1, 5}, {0, 2}, 5, 1},
    };
    lens_context *contexts[] = {test_reference(), test_device()};
    for (size_t i = 0; i < 2 * sizeof rows / sizeof rows[0]; i++) {
        size_t count, row = i / 2;
        loss_case c = {.opts = rows[row].opts, .x = rows[row].x};
        c.values = (float *)rows[row].values;
        c.targets = (float *)rows[row].targets;
        const float expected[] = {rows[row].loss, rows[row].right, 2 * rows[row].loss,
                                  2 * rows[row].right};
        float *total = run_forward(contexts[i % 2], &c, &count);
        test_compare(rows[row].name, total, expected, 4, RELATIVE, 0);
        free(total);
    }
}

/* Of 40 channels, which a group shares on a GPU: the first of the largest is the answer, and
 * channel 0 where that is NaN. */
static void first_of_many_equals_is_right(void **state) {
    (void)state;
    static const struct {
        const char *name;
        lens_loss_kind kind;
        size_t largest, class_number, nan_at; /* and the one behind `largest` is as large */
        float right;
    } rows[] = {
        {"the first of equals", LENS_SPARSE_CROSS_ENTROPY, 35, 35, 40, 1},
        {"not the second", LENS_SPARSE_CROSS_ENTROPY, 35, 36, 40, 0},
        {"NaN in front", LENS_SPARSE_CROSS_ENTROPY, 35, 0, 0, 1},
        {"NaN elsewhere", LENS_SPARSE_CROSS_ENTROPY, 35, 35, 3, 1},
        {"the least penalty", LENS_MAP, 1, 0, 40, 1},
        {"no class 40", LENS_MAP, 1, 40, 40, 0},
    };
    lens_context *contexts[] = {test_reference(), test_device()};
    for (size_t i = 0; i < 2 * sizeof rows / sizeof rows[0]; i++) {
        size_t row = i / 2, count;
        float x[40] = {0}, t = (float)rows[row].class_number;
        x[rows[row].largest] = x[rows[row].largest + 1] = 2;
        if (rows[row].nan_at < 40)
            x[rows[row].nan_at] = NAN;
        loss_case c = {.opts = {rows[row].kind, rows[row].kind != LENS_MAP, 1}};
        c.x = (lens_shape){1, 40, 1, 1}, c.values = x, c.targets = &t;
        float *total = run_forward(contexts[i % 2], &c, &count);
        test_compare(rows[row].name, total + 1, &rows[row].right, 1, 0, 0);
        free(total);
    }
}

/* torch.nn.functional.cross_entropy(weight=(0.5, 2, 3)) and
 * binary_cross_entropy_with_logits(weight=) of PyTorch 1.13 in float64: the sum, and the gradient
 * of a third of it. */
static void weights_are_as_in_pytorch(void **state) {
    (void)state;
    static const struct {
        lens_loss_kind kind;
        size_t c;
        float x[9], t[3], w[3], loss, dx[9];
    } rows[] = {{LENS_SPARSE_CROSS_ENTROPY,
                 3,
                 {1, 2, -1, 0, .5f, 3, -2, 1, 1},
                 {1, 2, 0},
                 {2, 3, .5f},
                 2.9285112679778265f,
                 {.1730f, -.1964f, .0234f, .0440f, .0725f, -.1165f, -.1626f, .0813f, .0813f}},
                {LENS_BINARY_CROSS_ENTROPY,
                 1,
                 {.5f, -1, 2},
                 {1, 0, 0},
                 {2, .25f, .25f},
                 1.558201393000512f,
                 {-.2517f, .0224f, .0734f}}};
    lens_context *contexts[] = {test_reference(), test_device()};
    for (size_t i = 0; i < 2 * sizeof rows / sizeof rows[0]; i++) {
        size_t row = i / 2, count = 3 * rows[row].c;
        lens_shape one = {3, 1, 1, 1}, like_x = {3, rows[row].c, 1, 1};
        lens_context *context = contexts[i % 2];
        lens_loss_opts opts = {rows[row].kind, true};
        lens_tensor *x = test_tensor(context, like_x, rows[row].x);
        lens_tensor *t = test_tensor(context, one, rows[row].t);
        lens_tensor *w = test_tensor(context, one, rows[row].w);
        lens_tensor *dx = test_tensor(context, like_x, NULL);
        lens_tensor *total = test_tensor(context, (lens_shape){1, 2, 1, 1}, NULL);
        assert_ok(lens_loss_forward(total, x, t, w, &opts, false));
        assert_ok(lens_loss_backward_input(dx, x, t, w, &opts));
        float *loss = test_read(total), *got = test_read(dx);
        test_compare("weighted loss", loss, &rows[row].loss, 1, 1e-6, 0);
        test_compare("its gradient", got, rows[row].dx, count, 0, 6e-5); /* four digits */
        free(loss), free(got);
        lens_tensor_free(x), lens_tensor_free(t), lens_tensor_free(w);
        lens_tensor_free(dx), lens_tensor_free(total);
    }
}

static void bad_arguments_are_named(void **state) {
    (void)state;
    lens_tensor *x = test_tensor(test_device(), (lens_shape){2, 3, 1, 1}, NULL);
    lens_tensor *t = test_tensor(test_device(), (lens_shape){3, 1, 1, 1}, NULL);
    lens_tensor *total = test_tensor(test_device(), (lens_shape){1, 2, 1, 1}, NULL);
    lens_loss_opts opts = {LENS_SPARSE_CROSS_ENTROPY, true};
    assert_fails(lens_loss_forward(total, x, t, NULL, &opts, false), LENS_BAD_SHAPE,
                 "t is (3, 1, 1, 1), the shape rule gives (2, 1, 1, 1)");
    opts.kind = LENS_MEAN_SQUARED_ERROR;
    opts.from_logits = false;
    assert_fails(lens_loss_forward(total, x, x, t, &opts, false), LENS_BAD_SHAPE,
                 "w is (3, 1, 1, 1), the shape rule gives (2, 1, 1, 1)");
    opts.from_logits = true;
    opts.kind = (lens_loss_kind)8;
    assert_fails(lens_loss_forward(total, x, t, NULL, &opts, false), LENS_BAD_ARGUMENT,
                 "8 is no loss");
    opts.kind = LENS_MEAN_SQUARED_ERROR;
    lens_tensor *like_x = test_tensor(test_device(), (lens_shape){2, 3, 1, 1}, NULL);
    assert_fails(lens_loss_forward(total, x, like_x, NULL, &opts, false), LENS_BAD_ARGUMENT,
                 "no logits");
    opts.from_logits = false;
    assert_fails(lens_loss_forward(x, x, like_x, NULL, &opts, false), LENS_BAD_SHAPE, "total is");
    assert_fails(lens_loss_backward_input(x, x, like_x, NULL, &opts), LENS_BAD_ARGUMENT,
                 "overlaps");
    lens_tensor *labels = test_tensor(test_device(), (lens_shape){2, 1, 1, 1}, NULL);
    opts = (lens_loss_opts){LENS_MAP};
    assert_fails(lens_loss_forward(total, x, labels, NULL, &opts, false), LENS_BAD_ARGUMENT,
                 "the rejection of map is 0, it must be above 0");
    opts = (lens_loss_opts){LENS_MAP, true, 1};
    assert_fails(lens_loss_forward(total, x, labels, NULL, &opts, false), LENS_BAD_ARGUMENT,
                 "map takes no logits");
    assert_string_equal(lens_loss_name(LENS_MAP), "lenslet>map");
    lens_tensor_free(x), lens_tensor_free(t), lens_tensor_free(total), lens_tensor_free(like_x);
    lens_tensor_free(labels);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),
        cmocka_unit_test(first_of_many_equals_is_right),
        cmocka_unit_test(weights_are_as_in_pytorch),
        cmocka_unit_test(device_is_close_to_reference),
        cmocka_unit_test(reference_gradient_is_close_to_central_differences),
        cmocka_unit_test(bad_arguments_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, test_close);
}
