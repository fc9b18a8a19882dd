/* test_ocl_cpu.c: the algorithms for CPU devices at shapes that the other tests' small ones do not
 * reach: several panels of taps, blocks of filters and slices of images; and how much Winograd's
 * filtering rounds. The other side is "direct", which the other tests compare with the reference.
 */
#include "problem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static problem convolution(lens_shape x, lens_shape w) {
    return (problem){.x = x, .w = w, .opts = lens_conv2d_defaults()};
}

static bool is_cpu(void) {
    return lens_context_device(test_device())->type == LENS_DEVICE_CPU;
}

static void compare(const char *algorithm, problem p, lens_pass last) {
    lens_context *context = problem_context(algorithm, false);
    lens_context *direct = problem_context("direct", false);
    for (int pass = LENS_FORWARD; pass <= (int)last; pass++) {
        size_t count;
        p.pass = pass;
        float *got = problem_solve(context, &p, &count);
        float *expected = problem_solve(direct, &p, &count);
        test_compare(lens_pass_name(pass), got, expected, count, 0, 0);
        free(got), free(expected);
    }
    lens_context_free(context);
    lens_context_free(direct);
}

/* ---- packed -------------------------------------------------------------------------------- */

static void packed_many_taps_and_filters(void **state) {
    (void)state;
    if (!is_cpu())
        skip();
    problem p = convolution((lens_shape){3, 20, 13, 11}, (lens_shape){43, 20, 3, 3});
    p.opts.padding = (lens_padding){1, 1, 1, 1, LENS_PAD_ZERO, 0};
    compare("packed", p, LENS_BACKWARD_WEIGHT);
    compare("packed-32", p, LENS_BACKWARD_INPUT);
    p = convolution((lens_shape){40, 32, 3, 3}, (lens_shape){25, 32, 3, 3}); /* a pixel an image */
    compare("packed", p, LENS_BACKWARD_WEIGHT);
}

static void packed_strides(void **state) {
    (void)state;
    if (!is_cpu())
        skip();
    problem p = convolution((lens_shape){2, 3, 47, 51}, (lens_shape){33, 3, 11, 11});
    p.opts.stride_h = p.opts.stride_w = 4;
    compare("packed", p, LENS_BACKWARD_WEIGHT);
    p = convolution((lens_shape){2, 6, 23, 21}, (lens_shape){48, 3, 5, 5});
    p.opts.stride_h = 2, p.opts.stride_w = 3;
    p.opts.groups = 2;
    p.opts.padding = (lens_padding){2, 0, 1, 3, LENS_PAD_REFLECT, 0};
    compare("packed", p, LENS_BACKWARD_WEIGHT);
    compare("packed-32", p, LENS_BACKWARD_INPUT);
    p = convolution((lens_shape){2, 11, 25, 23}, (lens_shape){150, 11, 4, 3}); /* several panels */
    p.opts.stride_h = 2, p.opts.stride_w = 3;
    p.opts.dilation_h = 3, p.opts.dilation_w = 2;
    compare("packed", p, LENS_BACKWARD_WEIGHT);
    p = convolution((lens_shape){2, 70, 8, 9}, (lens_shape){30, 70, 1, 1}); /* pixels no tap sees */
    p.opts.stride_h = p.opts.stride_w = 2;
    compare("packed", p, LENS_BACKWARD_WEIGHT);
}

static void packed_dilation(void **state) {
    (void)state;
    if (!is_cpu())
        skip();
    problem p = convolution((lens_shape){2, 24, 19, 17}, (lens_shape){26, 24, 3, 3});
    p.opts.dilation_h = 2, p.opts.dilation_w = 3;
    compare("packed", p, LENS_BACKWARD_WEIGHT);
}

static void packed_few_taps(void **state) {
    (void)state;
    if (!is_cpu())
        skip();
    problem p = convolution((lens_shape){20, 1, 9, 8}, (lens_shape){35, 1, 3, 3});
    p.opts.padding = (lens_padding){1, 0, 1, 2, LENS_PAD_REPLICATE, 0};
    compare("packed", p, LENS_BACKWARD_WEIGHT);
    p = convolution((lens_shape){3, 6, 11, 13}, (lens_shape){40, 3, 1, 2});
    p.opts.groups = 2;
    p.opts.stride_h = 2;
    compare("packed", p, LENS_BACKWARD_WEIGHT);
}

/* ---- rows ---------------------------------------------------------------------------------- */

static void rows_strips_and_parts(void **state) {
    (void)state;
    if (!is_cpu())
        skip();
    problem p = convolution((lens_shape){2, 3, 61, 90}, (lens_shape){13, 3, 5, 3}); /* strips */
    p.opts.padding = (lens_padding){2, 1, 2, 1, LENS_PAD_REPLICATE, 0};
    compare("rows", p, LENS_BACKWARD_WEIGHT);
    p = convolution((lens_shape){2, 1, 3, 700}, (lens_shape){2, 1, 2, 5}); /* a row a strip */
    compare("rows", p, LENS_BACKWARD_WEIGHT);
    p = convolution((lens_shape){37, 6, 12, 12}, (lens_shape){16, 6, 5, 5}); /* images of a part */
    compare("rows", p, LENS_BACKWARD_WEIGHT);
}

static void rows_tiles_that_hang_over(void **state) {
    (void)state;
    if (!is_cpu())
        skip();
    problem p = convolution((lens_shape){3, 8, 14, 11}, (lens_shape){22, 4, 3, 3});
    p.opts.groups = 2; /* eleven filters a group: six and five */
    p.opts.dilation_h = 2, p.opts.dilation_w = 3;
    compare("rows", p, LENS_BACKWARD_WEIGHT);
    p = convolution((lens_shape){2, 2, 5, 6}, (lens_shape){9, 2, 1, 1}); /* one vector a tile */
    compare("rows", p, LENS_BACKWARD_WEIGHT);
    p = convolution((lens_shape){3, 4, 5, 5}, (lens_shape){33, 4, 3, 3}); /* nine pixels a map */
    compare("rows", p, LENS_BACKWARD_WEIGHT);
}

/* ---- winograd ------------------------------------------------------------------------------ */

static problem filtering(size_t taps) {
    problem p = convolution((lens_shape){19, 64, 9, 7}, (lens_shape){70, 32, taps, taps});
    p.opts.groups = 2;
    p.opts.padding = (lens_padding){1, 0, 2, 1, LENS_PAD_ZERO, 0};
    return p;
}

/* Its factors are 1 and 1/2, so that all sums stay exact. */
static void winograd2_is_exact_on_integers(void **state) {
    (void)state;
    if (!is_cpu())
        skip();
    for (size_t taps = 3; taps <= 5; taps += 2) {
        compare("winograd2", filtering(taps), LENS_BACKWARD_WEIGHT);
        compare("winograd2", convolution((lens_shape){1, 5, 8, 6}, (lens_shape){9, 5, taps, taps}),
                LENS_BACKWARD_WEIGHT);
        problem p = convolution((lens_shape){3, 6, 11, 41}, (lens_shape){5, 6, taps, taps});
        p.opts.padding = (lens_padding){1, 1, 1, 1, LENS_PAD_ZERO, 0}; /* long rows */
        compare("winograd2", p, LENS_BACKWARD_WEIGHT);
    }
}

/* More than the caches hold: filters, transformed tiles, images. */
static void winograd2_by_slices(void **state) {
    (void)state;
    if (!is_cpu())
        skip();
    compare("winograd2", convolution((lens_shape){34, 2, 10, 10}, (lens_shape){3, 2, 3, 3}),
            LENS_BACKWARD_WEIGHT); /* 17 blocks: the last of its shares has one */
    compare("winograd2", convolution((lens_shape){2, 96, 9, 8}, (lens_shape){100, 96, 3, 3}),
            LENS_BACKWARD_WEIGHT);
    compare("winograd2", convolution((lens_shape){18, 32, 28, 26}, (lens_shape){33, 32, 5, 5}),
            LENS_BACKWARD_WEIGHT);
    compare("winograd2", convolution((lens_shape){18, 3, 67, 66}, (lens_shape){5, 3, 3, 3}),
            LENS_BACKWARD_WEIGHT);
}

/* The largest error against the sums in float64, over the root of the number of products. */
static double error_of(const char *algorithm, lens_pass pass, size_t taps) {
    problem p = filtering(taps);
    p.reals = true;
    p.pass = pass;
    lens_context *context = problem_context(algorithm, false);
    size_t count;
    float *got = problem_solve(context, &p, &count);
    float *expected = problem_solve(test_reference(), &p, &count);
    double worst = 0;
    for (size_t i = 0; i < count; i++)
        worst = fmax(worst, fabs((double)got[i] - (double)expected[i]));
    free(got), free(expected);
    lens_context_free(context);
    size_t products = pass == LENS_BACKWARD_WEIGHT ? p.x.n * p.x.h * p.x.w : p.w.c * taps * taps;
    return worst / sqrt((double)products);
}

/* Data uniform in -1 .. 1: results are of the size of a third of the root of the number of
 * products. Seen: 9e-7 for one sum of all products, 3e-7 for winograd2, whose sums are of channels
 * only, 6e-6 for winograd4. */
static void winograd_rounds_little(void **state) {
    (void)state;
    if (!is_cpu())
        skip();
    for (int pass = LENS_FORWARD; pass <= LENS_BACKWARD_WEIGHT; pass++) {
        double packed = error_of("packed", pass, 3), two = error_of("winograd2", pass, 3);
        double nested = error_of("winograd2", pass, 5);
        double four = pass == LENS_BACKWARD_WEIGHT ? 0 : error_of("winograd4", pass, 3);
        print_message("%s: packed %.2g, winograd2 %.2g, of 5x5 %.2g, winograd4 %.2g\n",
                      lens_pass_name(pass), packed, two, nested, four);
        assert_true(packed < 3e-6);
        assert_true(two < 3e-6);
        assert_true(nested < 3e-6);
        assert_true(four < 2e-5);
    }
}

/* ---- streamed ------------------------------------------------------------------------------ */

static void streamed_large_and_odd(void **state) {
    (void)state;
    if (!is_cpu())
        skip();
    compare("streamed", (problem){.x = {37, 1033, 1, 1}, .w = {301, 1033, 1, 1}, .is_dense = true},
            LENS_BACKWARD_WEIGHT);
    compare("streamed", (problem){.x = {9, 512, 1, 1}, .w = {64, 512, 1, 1}, .is_dense = true},
            LENS_BACKWARD_WEIGHT);
    const size_t inputs_of_one[] = {240, 256, 1033, 1536};
    for (size_t i = 0; i < 4; i++) {
        problem p = {.x = {1, inputs_of_one[i], 1, 1}, .w = {301, inputs_of_one[i], 1, 1}};
        p.is_dense = true;
        compare("streamed", p, LENS_BACKWARD_WEIGHT);
    }
}

/* Forward, "blocked" takes its sums sixteen at a time: ends of a row, tiles past the edge, one
 * image. */
static void blocked_dots(void **state) {
    (void)state;
    const size_t images[] = {1, 3, 7, 66}, inputs[] = {16, 31, 120};
    if (!is_cpu())
        skip();
    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < 3; j++) {
            problem p = {.x = {images[i], inputs[j], 1, 1}, .w = {18, inputs[j], 1, 1}};
            p.is_dense = true;
            compare("blocked", p, LENS_BACKWARD_WEIGHT);
        }
}

int main(void) {
    unsetenv("LENSLET_CLASS");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packed_many_taps_and_filters),
        cmocka_unit_test(packed_strides),
        cmocka_unit_test(packed_dilation),
        cmocka_unit_test(packed_few_taps),
        cmocka_unit_test(rows_strips_and_parts),
        cmocka_unit_test(rows_tiles_that_hang_over),
        cmocka_unit_test(winograd2_is_exact_on_integers),
        cmocka_unit_test(winograd2_by_slices),
        cmocka_unit_test(winograd_rounds_little),
        cmocka_unit_test(streamed_large_and_odd),
        cmocka_unit_test(blocked_dots),
    };
    return cmocka_run_group_tests(tests, NULL, test_close);
}
