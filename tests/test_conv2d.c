/* test_conv2d.c: conv2d on the device under test against the reference, and the reference against
 * central differences.
 *
 * Data are small integers, so that every product and sum is exact in float32 (below 2^24) and any
 * order of summation gives the same bits: the comparison is for equality. Real data are compared
 * too: there the sums round, and the error of a sum of T terms of size 1 is at most T/2 ulp of its
 * partial sums, in practice sqrt(T); 1e-5 sqrt(T) is 80 times eps sqrt(T).
 */
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct conv_case {
    const char *name;
    lens_shape x;
    size_t k, r, s;
    size_t stride_h, stride_w, dilation_h, dilation_w, groups; /* 0 means 1 */
    lens_padding padding;
} conv_case;

static const conv_case cases[] = {
    {"one pixel, one weight", {1, 1, 1, 1}, 1, 1, 1},
    {"1x1 filter is a matrix product", {2, 7, 5, 3}, 5, 1, 1},
    {"filter covers the input", {2, 3, 4, 5}, 2, 4, 5},
    {"3x3, odd sizes", {2, 3, 7, 9}, 5, 3, 3},
    {"lenet5 first layer", {2, 1, 32, 32}, 6, 5, 5},
    {"lenet5 second layer", {3, 6, 14, 14}, 16, 5, 5},
    {"33 channels, 17 filters: no tile divides them", {1, 33, 6, 6}, 17, 3, 3},
    {"sixteen images", {16, 6, 12, 12}, 16, 5, 5},
    {"21 images, 7 filters, 5 channels: no tile divides them", {21, 5, 9, 14}, 7, 3, 5},
    {"17 images, rows of several tiles", {17, 2, 8, 28}, 5, 5, 5},
    {"18 images, same padding", {18, 4, 8, 8}, 5, 5, 5, .padding = {2, 2, 2, 2, 0, 0}},
    {"18 images, rows of 11 columns", {18, 5, 6, 13}, 3, 3, 3},
    {"17 images, rows of 3 columns", {17, 11, 5, 5}, 7, 3, 3},
    {"19 images, 11 channels a tile each, of uneven shares", {19, 11, 13, 13}, 3, 3, 3},
    {"16 images, one pixel of output", {16, 5, 5, 5}, 17, 5, 5},
    {"16 images, too few filters for a vector", {16, 3, 3, 3}, 15, 3, 3},
    {"260 images", {260, 1, 5, 6}, 2, 2, 3},
    {"stride 2", {1, 2, 9, 9}, 3, 3, 3, .stride_h = 2, .stride_w = 2},
    {"stride larger than the filter", {1, 2, 11, 13}, 3, 2, 2, .stride_h = 4, .stride_w = 3},
    {"alexnet first layer, small", {1, 3, 27, 27}, 8, 11, 11, .stride_h = 4, .stride_w = 4},
    {"dilation", {1, 2, 9, 11}, 3, 3, 3, .dilation_h = 2, .dilation_w = 3},
    {"stride and dilation", {2, 2, 12, 13}, 3, 3, 2, 2, 3, 2, 2},
    {"two groups", {2, 4, 6, 6}, 6, 3, 3, .groups = 2},
    {"depthwise", {1, 5, 6, 7}, 5, 3, 3, .groups = 5},
    {"depthwise, two filters a channel", {1, 3, 6, 7}, 6, 3, 3, .groups = 3},
    {"padding 1", {1, 2, 5, 5}, 3, 3, 3, .padding = {1, 1, 1, 1, 0, 0}},
    {"asymmetric padding", {1, 2, 5, 6}, 3, 3, 3, .padding = {0, 1, 2, 3, 0, 0}},
    {"padding larger than the filter", {1, 1, 3, 3}, 2, 2, 2, .padding = {4, 3, 2, 5, 0, 0}},
    {"constant padding", {1, 2, 5, 5}, 3, 3, 3, .padding = {1, 2, 1, 0, LENS_PAD_CONSTANT, 3}},
    {"reflect padding", {1, 2, 5, 5}, 3, 3, 3, .padding = {2, 1, 3, 4, LENS_PAD_REFLECT, 0}},
    {"reflect all but one", {1, 1, 3, 4}, 2, 3, 3, .padding = {2, 3, 2, 3, LENS_PAD_REFLECT, 0}},
    {"replicate padding", {1, 2, 4, 5}, 3, 3, 3, .padding = {3, 1, 2, 6, LENS_PAD_REPLICATE, 0}},
    {"reflect, stride, dilation, groups",
     {2, 4, 9, 8},
     4,
     3,
     2,
     2,
     3,
     2,
     1,
     2,
     .padding = {3, 2, 1, 4, LENS_PAD_REFLECT, 0}},
    {"replicate, stride, groups",
     {2, 4, 7, 8},
     2,
     3,
     3,
     3,
     2,
     1,
     1,
     2,
     .padding = {2, 5, 4, 1, LENS_PAD_REPLICATE, 0}},
    {"one row", {2, 3, 1, 17}, 4, 1, 5, .padding = {0, 2, 0, 2, 0, 0}},
    {"one column", {2, 3, 17, 1}, 4, 5, 1, .padding = {2, 0, 2, 0, 0, 0}},
    {"even filter, same padding", {1, 3, 8, 8}, 4, 4, 4, .padding = {1, 1, 2, 2, 0, 0}},
};
#define CASE_COUNT (sizeof cases / sizeof cases[0])

static size_t or_one(size_t value) {
    return value ? value : 1;
}

static lens_conv2d_opts opts_of(const conv_case *c) {
    return (lens_conv2d_opts){.stride_h = or_one(c->stride_h),
                              .stride_w = or_one(c->stride_w),
                              .dilation_h = or_one(c->dilation_h),
                              .dilation_w = or_one(c->dilation_w),
                              .groups = or_one(c->groups),
                              .padding = c->padding};
}

/* ---- all passes of one convolution on one context ------------------------------------------ */

/* Host arrays of one convolution: given x w b dy, computed y dx dw db. */
typedef struct conv {
    lens_shape xs, ws, bs, ys;
    lens_conv2d_opts opts;
    float *x, *w, *b, *dy;
    float *y, *dx, *dw, *db;
} conv;

static size_t count_of(lens_shape shape) {
    size_t count;
    assert_ok(lens_shape_count(shape, &count));
    return count;
}

/* The shapes and data of a case; integers up to `range`, reals when it is 0. */
static conv conv_new(const conv_case *c, int range, uint64_t seed) {
    conv v = {.xs = c->x, .opts = opts_of(c)};
    v.ws = (lens_shape){c->k, c->x.c / v.opts.groups, c->r, c->s};
    v.bs = (lens_shape){1, c->k, 1, 1};
    assert_ok(lens_conv2d_output_shape(&v.ys, v.xs, v.ws, &v.opts));
    float **arrays[] = {&v.x, &v.w, &v.b, &v.dy};
    const lens_shape shapes[] = {v.xs, v.ws, v.bs, v.ys};
    for (size_t i = 0; i < 4; i++)
        *arrays[i] = range ? test_integers(count_of(shapes[i]), range, seed + i)
                           : test_reals(count_of(shapes[i]), seed + i);
    return v;
}

static void conv_free_results(conv *v) {
    free(v->y), free(v->dx), free(v->dw), free(v->db);
    v->y = v->dx = v->dw = v->db = NULL;
}

static void conv_free(conv *v) {
    free(v->x), free(v->w), free(v->b), free(v->dy);
    conv_free_results(v);
}

/* As much scratch as the pass wants, filled with NaN; NULL when it wants none. */
static lens_tensor *scratch_for(lens_context *context, lens_pass pass, const conv *v) {
    size_t count;
    assert_ok(lens_conv2d_scratch(&count, context, pass, v->xs, v->ws, &v->opts));
    return count ? test_tensor(context, (lens_shape){1, count, 1, 1}, NULL) : NULL;
}

/* Every pass, outputs starting as NaN. */
static void conv_run(conv *v, lens_context *context) {
    conv_free_results(v);
    lens_tensor *x = test_tensor(context, v->xs, v->x), *w = test_tensor(context, v->ws, v->w);
    lens_tensor *b = test_tensor(context, v->bs, v->b), *dy = test_tensor(context, v->ys, v->dy);
    lens_tensor *y = test_tensor(context, v->ys, NULL), *dx = test_tensor(context, v->xs, NULL);
    lens_tensor *dw = test_tensor(context, v->ws, NULL), *db = test_tensor(context, v->bs, NULL);
    lens_tensor *scratch[3];
    for (int pass = LENS_FORWARD; pass <= LENS_BACKWARD_WEIGHT; pass++)
        scratch[pass] = scratch_for(context, pass, v);
    assert_ok(lens_conv2d_forward(y, x, w, b, &v->opts, scratch[LENS_FORWARD]));
    assert_ok(lens_conv2d_backward_input(dx, dy, w, &v->opts, scratch[LENS_BACKWARD_INPUT]));
    assert_ok(lens_conv2d_backward_weight(dw, dy, x, &v->opts, scratch[LENS_BACKWARD_WEIGHT]));
    assert_ok(lens_conv2d_backward_bias(db, dy));
    v->y = test_read(y), v->dx = test_read(dx), v->dw = test_read(dw), v->db = test_read(db);
    lens_tensor *all[] = {x, w, b, dy, y, dx, dw, db, scratch[0], scratch[1], scratch[2]};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        lens_tensor_free(all[i]);
}

/* Every result of `got` within the limits of `expected`'s. */
static void conv_compare(const char *name, const conv *got, const conv *expected, double relative,
                         double absolute) {
    const struct {
        const char *what;
        const float *got, *expected;
        lens_shape shape;
    } rows[] = {{"y", got->y, expected->y, got->ys},
                {"dx", got->dx, expected->dx, got->xs},
                {"dw", got->dw, expected->dw, got->ws},
                {"db", got->db, expected->db, got->bs}};
    for (size_t i = 0; i < 4; i++) {
        char what[256];
        snprintf(what, sizeof what, "%s: %s", name, rows[i].what);
        test_compare(what, rows[i].got, rows[i].expected, count_of(rows[i].shape), relative,
                     absolute);
    }
}

/* ---- tests --------------------------------------------------------------------------------- */

static void device_equals_reference_on_integers(void **state) {
    (void)state;
    for (size_t i = 0; i < CASE_COUNT; i++) {
        conv expected = conv_new(&cases[i], 3, 10 * i), got = conv_new(&cases[i], 3, 10 * i);
        conv_run(&expected, test_reference());
        conv_run(&got, test_device());
        conv_compare(cases[i].name, &got, &expected, 0, 0);
        conv_free(&expected), conv_free(&got);
    }
}

static void device_is_close_to_reference_on_reals(void **state) {
    (void)state;
    for (size_t i = 0; i < CASE_COUNT; i++) {
        conv expected = conv_new(&cases[i], 0, 10 * i), got = conv_new(&cases[i], 0, 10 * i);
        conv_run(&expected, test_reference());
        conv_run(&got, test_device());
        double terms =
            (double)count_of(expected.ys) / (double)expected.ys.c + (double)count_of(expected.ws);
        conv_compare(cases[i].name, &got, &expected, 1e-5, 1e-5 * sqrt(terms));
        conv_free(&expected), conv_free(&got);
    }
}

static void three_runs_give_the_same_bits(void **state) {
    (void)state;
    for (size_t i = 0; i < CASE_COUNT; i++) {
        conv first = conv_new(&cases[i], 0, 10 * i);
        conv_run(&first, test_device());
        for (int run = 0; run < 2; run++) {
            conv again = conv_new(&cases[i], 0, 10 * i);
            conv_run(&again, test_device());
            conv_compare(cases[i].name, &again, &first, 0, 0);
            conv_free(&again);
        }
        conv_free(&first);
    }
}

/* A case drawn from a seed: small, but with every option in play. */
static conv_case generated_case(uint64_t seed) {
    uint32_t words[24];
    for (size_t i = 0; i < 24; i++)
        words[i] = test_random(seed, i);
    size_t groups = 1 + words[0] % 3, next = 1;
#define DRAW(low, high) ((low) + words[next++] % ((high) - (low) + 1))
    conv_case c = {.name = "generated", .groups = groups};
    c.x = (lens_shape){DRAW(1, 3), groups * DRAW(1, 5), DRAW(1, 14), DRAW(1, 40)};
    c.k = groups * DRAW(1, 7);
    c.padding = (lens_padding){DRAW(0, 3), DRAW(0, 3), DRAW(0, 3), DRAW(0, 3), DRAW(0, 3), 2};
    c.stride_h = DRAW(1, 3), c.stride_w = DRAW(1, 3);
    c.dilation_h = DRAW(1, 2), c.dilation_w = DRAW(1, 2);
    if (c.padding.mode == LENS_PAD_REFLECT) {
        size_t *sides[] = {&c.padding.top, &c.padding.left, &c.padding.bottom, &c.padding.right};
        for (int i = 0; i < 4; i++) {
            size_t limit = i % 2 ? c.x.w : c.x.h;
            *sides[i] = *sides[i] < limit ? *sides[i] : limit - 1;
        }
    }
    size_t rows = (c.x.h + c.padding.top + c.padding.bottom - 1) / c.dilation_h + 1;
    size_t columns = (c.x.w + c.padding.left + c.padding.right - 1) / c.dilation_w + 1;
    c.r = DRAW(1, rows < 5 ? rows : 5), c.s = DRAW(1, columns < 5 ? columns : 5);
#undef DRAW
    return c;
}

static void device_equals_reference_on_600_generated_shapes(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 600; seed++) {
        conv_case c = generated_case(seed);
        char name[64];
        snprintf(name, sizeof name, "generated shape, seed %llu", (unsigned long long)seed);
        conv expected = conv_new(&c, 2, seed), got = conv_new(&c, 2, seed);
        conv_run(&expected, test_reference());
        conv_run(&got, test_device());
        conv_compare(name, &got, &expected, 0, 0);
        conv_free(&expected), conv_free(&got);
    }
}

/* L = sum of dy y, whose gradients are what the backward passes return. */
static double objective(void *user) {
    conv *v = user;
    lens_context *context = test_reference();
    lens_tensor *x = test_tensor(context, v->xs, v->x), *w = test_tensor(context, v->ws, v->w);
    lens_tensor *b = test_tensor(context, v->bs, v->b), *y = test_tensor(context, v->ys, NULL);
    assert_ok(lens_conv2d_forward(y, x, w, b, &v->opts, NULL));
    float *values = test_read(y);
    double sum = test_dot(values, v->dy, count_of(v->ys));
    free(values);
    lens_tensor_free(x), lens_tensor_free(w), lens_tensor_free(b), lens_tensor_free(y);
    return sum;
}

/* The convolution is linear in x, w and b, so integers and a step of 1 give exact differences. */
static void reference_gradients_equal_central_differences(void **state) {
    (void)state;
    for (size_t i = 0; i < CASE_COUNT; i++) {
        conv v = conv_new(&cases[i], 2, i);
        if (count_of(v.xs) + count_of(v.ws) > 1000) {
            conv_free(&v);
            continue; /* too long for one forward pass an element */
        }
        conv_run(&v, test_reference());
        test_gradient(cases[i].name, v.dx, v.x, count_of(v.xs), 1, 0, 0, objective, &v);
        test_gradient(cases[i].name, v.dw, v.w, count_of(v.ws), 1, 0, 0, objective, &v);
        test_gradient(cases[i].name, v.db, v.b, count_of(v.bs), 1, 0, 0, objective, &v);
        conv_free(&v);
    }
}

/* 3x3 over 1 .. 9 with a filter of ones, worked out by hand. */
static void known_answer(void **state) {
    (void)state;
    const float x[] = {1, 2, 3, 4, 5, 6, 7, 8, 9}, ones[] = {1, 1, 1, 1};
    const float valid[] = {12, 16, 24, 28};
    lens_context *context = test_device();
    lens_tensor *xt = test_tensor(context, (lens_shape){1, 1, 3, 3}, x);
    lens_tensor *wt = test_tensor(context, (lens_shape){1, 1, 2, 2}, ones);
    lens_tensor *yt = test_tensor(context, (lens_shape){1, 1, 2, 2}, NULL);
    lens_conv2d_opts opts = lens_conv2d_defaults();
    assert_ok(lens_conv2d_forward(yt, xt, wt, NULL, &opts, NULL));
    float *y = test_read(yt);
    test_compare("valid", y, valid, 4, 0, 0);
    free(y);
    lens_tensor_free(xt), lens_tensor_free(wt), lens_tensor_free(yt);
}

/* Bit for bit on OpenCL. The reference rounds once after a fused activation, but before and after a
 * separate one: two roundings apart. */
static void fused_activation_equals_the_separate_one(void **state) {
    (void)state;
    double relative = test_device_is_reference() ? 2 * 1.2e-7 : 0;
    for (int kind = LENS_LINEAR; kind <= LENS_SOFTPLUS; kind++) {
        conv v = conv_new(&cases[3], 0, 7);
        lens_context *context = test_device();
        conv_run(&v, context);
        lens_activation activation = lens_activation_of(kind);
        lens_tensor *separate = test_tensor(context, v.ys, v.y);
        assert_ok(lens_activation_forward(separate, separate, &activation));
        float *expected = test_read(separate);
        v.opts.activation = activation;
        conv_run(&v, context);
        test_compare(lens_activation_name(kind), v.y, expected, count_of(v.ys), relative, 0);
        lens_tensor_free(separate);
        free(expected);
        conv_free(&v);
    }
}

static void bad_arguments_are_named(void **state) {
    (void)state;
    lens_conv2d_opts opts = lens_conv2d_defaults();
    lens_shape y, x = {1, 3, 8, 8}, w = {4, 3, 3, 3};
    assert_fails(lens_conv2d_output_shape(&y, x, (lens_shape){4, 16, 3, 3}, &opts), LENS_BAD_SHAPE,
                 "x has 3 channels in 1 groups, w expects 16");
    assert_fails(lens_conv2d_output_shape(&y, x, (lens_shape){4, 3, 9, 3}, &opts), LENS_BAD_SHAPE,
                 "window of 9");
    assert_fails(lens_conv2d_output_shape(&y, (lens_shape){0, 3, 8, 8}, w, &opts), LENS_BAD_SHAPE,
                 "size of 0");
    opts.groups = 2;
    assert_fails(lens_conv2d_output_shape(&y, x, w, &opts), LENS_BAD_SHAPE, "2 groups");
    opts.groups = 0;
    assert_fails(lens_conv2d_output_shape(&y, x, w, &opts), LENS_BAD_SHAPE, "0 groups");
    opts = lens_conv2d_defaults();
    opts.stride_w = 0;
    assert_fails(lens_conv2d_output_shape(&y, x, w, &opts), LENS_BAD_ARGUMENT, "stride 0");
    opts = lens_conv2d_defaults();
    opts.dilation_h = SIZE_MAX / 2;
    assert_fails(lens_conv2d_output_shape(&y, x, w, &opts), LENS_BAD_SHAPE, "does not fit");
    opts = lens_conv2d_defaults();
    opts.padding = (lens_padding){8, 0, 0, 0, LENS_PAD_REFLECT, 0};
    assert_fails(lens_conv2d_output_shape(&y, x, w, &opts), LENS_BAD_SHAPE, "reflect");
    opts.padding = (lens_padding){SIZE_MAX, 0, 0, 0, LENS_PAD_ZERO, 0};
    assert_fails(lens_conv2d_output_shape(&y, x, w, &opts), LENS_BAD_SHAPE, "too many");
    opts = lens_conv2d_defaults();
    opts.activation = (lens_activation){LENS_ELU, 0};
    assert_fails(lens_conv2d_output_shape(&y, x, w, &opts), LENS_BAD_ARGUMENT, "alpha of elu");
}

static void tensors_must_fit_and_not_overlap(void **state) {
    (void)state;
    lens_context *context = test_device();
    lens_conv2d_opts opts = lens_conv2d_defaults();
    lens_tensor *x = test_tensor(context, (lens_shape){1, 3, 8, 8}, NULL);
    lens_tensor *w = test_tensor(context, (lens_shape){4, 3, 3, 3}, NULL);
    lens_tensor *y = test_tensor(context, (lens_shape){1, 4, 6, 5}, NULL);
    lens_tensor *b = test_tensor(context, (lens_shape){1, 3, 1, 1}, NULL);
    assert_fails(lens_conv2d_forward(y, x, w, NULL, &opts, NULL), LENS_BAD_SHAPE,
                 "y is (1, 4, 6, 5), the shape rule gives (1, 4, 6, 6)");
    lens_tensor *inside;
    assert_ok(lens_tensor_view(&inside, x, 0, (lens_shape){1, 4, 6, 6}));
    assert_fails(lens_conv2d_forward(inside, x, w, NULL, &opts, NULL), LENS_BAD_ARGUMENT,
                 "overlaps");
    assert_fails(lens_conv2d_forward(inside, x, w, b, &opts, NULL), LENS_BAD_SHAPE, "b is");
    lens_tensor *other = test_tensor(test_reference(), (lens_shape){1, 4, 6, 6}, NULL);
    assert_fails(lens_conv2d_forward(other, x, w, NULL, &opts, NULL), LENS_BAD_ARGUMENT,
                 "different contexts");
    lens_tensor *all[] = {inside, x, w, y, b, other};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        lens_tensor_free(all[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answer),
        cmocka_unit_test(device_equals_reference_on_integers),
        cmocka_unit_test(device_is_close_to_reference_on_reals),
        cmocka_unit_test(three_runs_give_the_same_bits),
        cmocka_unit_test(device_equals_reference_on_600_generated_shapes),
        cmocka_unit_test(reference_gradients_equal_central_differences),
        cmocka_unit_test(fused_activation_equals_the_separate_one),
        cmocka_unit_test(bad_arguments_are_named),
        cmocka_unit_test(tensors_must_fit_and_not_overlap),
    };
    return cmocka_run_group_tests(tests, NULL, test_close);
}
