/* test_ocl_gpu.c: the kernels for GPUs, on whatever device there is: every tile with edges that no
 * tile divides, sums that are split into parts, phases of strides. The other side is "direct",
 * which the other tests compare with the reference.
 *
 * All data are small integers and all sums below 2^24, so every comparison is for equality.
 */
#include "problem.h"

#include "backend.h"
#include "small_kernels.h"

#include <stdlib.h>
#include <string.h>

static bool was_launched(lens_context *context, const char *kernel) {
    lens_profile_entry entries[32];
    size_t count;
    assert_ok(lens_context_profile(context, entries, 32, &count));
    for (size_t i = 0; i < count && i < 32; i++)
        if (strcmp(entries[i].kernel, kernel) == 0)
            return entries[i].launches > 0;
    return false;
}

/* Every pass by "tiled", which must be what runs, against "direct". */
static void compare(problem p, bool in_parts) {
    for (int pass = LENS_FORWARD; pass <= LENS_BACKWARD_WEIGHT; pass++) {
        lens_context *tiled = problem_context("tiled", true);
        lens_context *direct = problem_context("direct", false);
        size_t count;
        p.pass = pass;
        float *got = problem_solve(tiled, &p, &count);
        float *expected = problem_solve(direct, &p, &count);
        test_compare(lens_pass_name(pass), got, expected, count, 0, 0);
        assert_true(was_launched(tiled, "matmul_tiled"));
        if (in_parts && pass == LENS_BACKWARD_WEIGHT)
            assert_true(was_launched(tiled, "matmul_tiled_add_parts"));
        free(got), free(expected);
        lens_context_free(tiled);
        lens_context_free(direct);
    }
}

static problem convolution(lens_shape x, lens_shape w) {
    return (problem){.x = x, .w = w, .opts = lens_conv2d_defaults()};
}

static problem dense(size_t n, size_t i, size_t k) {
    return (problem){.x = {n, i, 1, 1}, .w = {k, i, 1, 1}, .is_dense = true};
}

/* ---- tests --------------------------------------------------------------------------------- */

static void setup_or_skip(void) {
    if (test_device_is_reference() || lens_context_device(test_device())->work_group_items < 128)
        skip();
}

static void large_tiles(void **state) {
    (void)state;
    setup_or_skip();
    problem p = convolution((lens_shape){8, 3, 46, 47}, (lens_shape){125, 3, 3, 3});
    p.opts.padding = (lens_padding){1, 1, 1, 1, LENS_PAD_ZERO, 0};
    compare(p, true);
    compare(convolution((lens_shape){8, 125, 46, 47}, (lens_shape){3, 125, 1, 1}), true);
    compare(dense(125, 3, 16390), false); /* forward */
    compare(dense(3, 1900, 1025), false); /* weight gradient */
}

static void medium_tiles(void **state) {
    (void)state;
    setup_or_skip();
    problem p = convolution((lens_shape){5, 40, 13, 11}, (lens_shape){43, 40, 3, 3});
    p.opts.padding = (lens_padding){1, 0, 2, 1, LENS_PAD_REPLICATE, 0};
    compare(p, true);
}

static void groups_and_phases_of_strides(void **state) {
    (void)state;
    setup_or_skip();
    problem p = convolution((lens_shape){2, 10, 31, 29}, (lens_shape){70, 5, 5, 4});
    p.opts.groups = 2;
    p.opts.stride_h = 3, p.opts.stride_w = 2;
    p.opts.padding = (lens_padding){2, 1, 0, 3, LENS_PAD_REFLECT, 0};
    compare(p, false);
    p.opts.padding = (lens_padding){4, 0, 1, 2, LENS_PAD_CONSTANT, 2};
    compare(p, false);
    p.opts.stride_h = 7, p.opts.stride_w = 6; /* pixels between the windows have no gradient */
    compare(p, false);
}

static void dense_layers(void **state) {
    (void)state;
    setup_or_skip();
    compare(dense(1, 1030, 130), false);
    compare(dense(65, 517, 259), false);
    compare(dense(130, 1025, 259), false);
}

/* Without scratch a sum is not split, and its result the same integers. */
static void dense_needs_no_scratch(void **state) {
    (void)state;
    setup_or_skip();
    problem p = dense(20, 4099, 40);
    lens_context *tiled = problem_context("tiled", false);
    assert_true(problem_scratch(tiled, &p) > 0);
    size_t count;
    float *own = problem_solve(tiled, &p, &count);
    p.scratch = NONE;
    float *none = problem_solve(tiled, &p, &count);
    p.scratch = INSIDE;
    float *inside = problem_solve(tiled, &p, &count);
    test_compare("none", none, own, count, 0, 0);
    test_compare("inside", inside, own, count, 0, 0);
    free(own), free(none), free(inside);
    lens_context_free(tiled);
}

/* A device with smaller groups or less local memory than a tile needs has "direct". */
static void small_devices_have_direct(void **state) {
    (void)state;
    setup_or_skip();
    problem p = convolution((lens_shape){1, 6, 9, 9}, (lens_shape){40, 6, 3, 3});
    for (int limit = 0; limit < 2; limit++) {
        lens_context *context = problem_context("tiled", true);
        if (limit == 0)
            context->device.work_group_items = 64;
        else
            context->device.local_bytes = 4096;
        size_t count;
        free(problem_solve(context, &p, &count));
        assert_true(was_launched(context, "conv2d_forward"));
        assert_false(was_launched(context, "matmul_tiled"));
        lens_context_free(context);
    }
}

/* A kernel may have fewer work-items than its device, for want of registers: then a smaller tile
 * runs, and "direct" where none does. */
static void small_kernels_have_smaller_tiles(void **state) {
    (void)state;
    setup_or_skip();
    if (strstr(lens_context_device(test_device())->quirks, "no limits of kernels"))
        skip();
    problem p = convolution((lens_shape){8, 40, 46, 47}, (lens_shape){125, 40, 1, 1});
    small_kernels("-DROWS=16 ", 128);
    compare(p, true);
    compare(dense(3, 1900, 1025), false);
    small_kernels("-DROWS=8 ", 64);
    compare(p, true);
    compare(dense(130, 1025, 259), false);
    small_kernels("-DROWS=4 ", 127);
    for (p.is_dense = false; p.pass <= LENS_BACKWARD_WEIGHT; p.pass++) {
        lens_context *context = problem_context("tiled", true);
        size_t count;
        free(problem_solve(context, &p, &count));
        assert_false(was_launched(context, "matmul_tiled"));
        lens_context_free(context);
    }
    small_kernels(NULL, 0);
}

static void an_unknown_class_is_refused(void **state) {
    (void)state;
    if (test_device_is_reference())
        skip();
    lens_context *context;
    setenv("LENSLET_CLASS", "fpga", 1);
    assert_fails(lens_context_open(&context, getenv("LENSLET_DEVICE"), NULL), LENS_BAD_ARGUMENT,
                 "LENSLET_CLASS=fpga is none of cpu, gpu");
    setenv("LENSLET_CLASS", "gpu", 1);
}

int main(void) {
    setenv("LENSLET_CLASS", "gpu", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(large_tiles),
        cmocka_unit_test(medium_tiles),
        cmocka_unit_test(groups_and_phases_of_strides),
        cmocka_unit_test(dense_layers),
        cmocka_unit_test(dense_needs_no_scratch),
        cmocka_unit_test(small_devices_have_direct),
        cmocka_unit_test(small_kernels_have_smaller_tiles),
        cmocka_unit_test(an_unknown_class_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, test_close);
}
