/* test_ocl_algorithm.c: a forced algorithm is the one that runs, names that do not exist are
 * refused, and what the other tests' small shapes do not reach of "clblast": several rounds over
 * the images when memory is short, scratch of every kind in large products.
 *
 * All data are small integers and all sums below 2^24, so every comparison is for equality.
 */
#include "problem.h"

#include "backend.h"

#include <stdlib.h>
#include <string.h>

static void compare_with_reference(lens_context *context, problem *p, const char *what) {
    size_t count, expected_count;
    float *got = problem_solve(context, p, &count),
          *expected = problem_solve(test_reference(), p, &expected_count);
    assert_int_equal(count, expected_count);
    test_compare(what, got, expected, count, 0, 0);
    free(got), free(expected);
}

static problem small_convolution(void) {
    problem p = {.x = {7, 4, 9, 8}, .w = {6, 2, 3, 2}, .opts = lens_conv2d_defaults()};
    p.opts.groups = 2;
    p.opts.padding = (lens_padding){1, 2, 0, 1, LENS_PAD_REFLECT, 0};
    return p;
}

/* ---- tests --------------------------------------------------------------------------------- */

static void an_unknown_algorithm_is_refused(void **state) {
    (void)state;
    if (test_device_is_reference())
        skip();
    lens_context_opts opts = lens_context_defaults();
    lens_context *context;
    opts.algorithm = "blokced";
    assert_fails(lens_context_open(&context, getenv("LENSLET_DEVICE"), &opts), LENS_BAD_ARGUMENT,
                 "\"blokced\" is none of direct, packed, packed-32, winograd2, winograd4, "
                 "blocked, streamed, rows, images, tiled, clblast");
    opts.algorithm = "packed, packed-32"; /* the beginning of a list is no name */
    assert_fails(lens_context_open(&context, getenv("LENSLET_DEVICE"), &opts), LENS_BAD_ARGUMENT,
                 "is none of");
    assert_null(context);
#ifndef LENSLET_CLBLAST
    opts.algorithm = "clblast";
    assert_fails(lens_context_open(&context, getenv("LENSLET_DEVICE"), &opts), LENS_UNSUPPORTED,
                 "without CLBlast");
#endif
}

static bool was_launched(const lens_profile_entry *entries, size_t count, const char *kernel) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(entries[i].kernel, kernel) == 0)
            return entries[i].launches > 0 && entries[i].seconds > 0;
    return false;
}

static void a_forced_algorithm_is_the_one_that_runs(void **state) {
    (void)state;
    static const struct {
        const char *algorithm, *conv2d, *dense;
        bool cpu_only;
        size_t group; /* work-items that it needs */
    } rows[] = {
        {"direct", "conv2d_forward", "dense_forward"},
        {"rows", "conv2d_rows_forward", "dense_forward", true}, /* dense has none of that name */
        {"blocked", "conv2d_blocked_forward", "matmul_dots", true},
#ifdef LENSLET_CLBLAST
        {"clblast", "CLBlastSgemmStridedBatched", "CLBlastSgemm", .group = 256},
#endif
    };
    if (test_device_is_reference())
        skip();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        lens_context *context = problem_context(rows[i].algorithm, true);
        const lens_device_info *device = lens_context_device(context);
        bool applies = (!rows[i].cpu_only || device->type == LENS_DEVICE_CPU) &&
                       device->work_group_items >= rows[i].group;
        problem p = small_convolution();
        compare_with_reference(context, &p, rows[i].algorithm);
        p = (problem){.x = {5, 30, 1, 1}, .w = {20, 30, 1, 1}, .is_dense = true};
        compare_with_reference(context, &p, rows[i].algorithm);
        lens_profile_entry entries[32];
        size_t count;
        assert_ok(lens_context_profile(context, entries, 32, &count));
        assert_true(count <= 32);
        if (applies && !was_launched(entries, count, rows[i].conv2d))
            fail_msg("%s forced: %s did not run", rows[i].algorithm, rows[i].conv2d);
        if (applies && !was_launched(entries, count, rows[i].dense))
            fail_msg("%s forced: %s did not run", rows[i].algorithm, rows[i].dense);
        lens_context_free(context);
    }
}

#ifdef LENSLET_CLBLAST
static bool runs_clblast(void) {
    return !test_device_is_reference() &&
           lens_context_device(test_device())->work_group_items >= 256;
}
#endif

/* The device is made to believe in less and less memory: from all images at once to one at a time,
 * to none, when "direct" takes over. */
static void clblast_works_in_as_many_rounds_as_memory_asks(void **state) {
    (void)state;
#ifdef LENSLET_CLBLAST
    if (!runs_clblast())
        skip();
    lens_context *context = problem_context("clblast", false);
    for (size_t limit = 16384; limit >= 1024; limit /= 2)
        for (int pass = LENS_FORWARD; pass <= LENS_BACKWARD_WEIGHT; pass++) {
            problem p = small_convolution();
            p.pass = pass;
            context->device.allocation_bytes = limit * 4 * sizeof(float);
            assert_true(problem_scratch(context, &p) <= limit);
            assert_true((problem_scratch(context, &p) > 0) == (limit >= 2048));
            compare_with_reference(context, &p, lens_pass_name(pass));
        }
    lens_context_free(context);
#else
    skip();
#endif
}

/* It fails on devices with smaller groups than its kernels were written for: they have "direct". */
static void clblast_is_for_groups_of_256(void **state) {
    (void)state;
#ifdef LENSLET_CLBLAST
    if (!runs_clblast())
        skip();
    for (size_t items = 256; items >= 128; items /= 2) {
        lens_context *context = problem_context("clblast", true);
        context->device.work_group_items = items;
        problem p = small_convolution();
        compare_with_reference(context, &p, "convolution");
        p = (problem){.x = {5, 30, 1, 1}, .w = {20, 30, 1, 1}, .is_dense = true};
        compare_with_reference(context, &p, "dense");
        lens_profile_entry entries[32];
        size_t count;
        assert_ok(lens_context_profile(context, entries, 32, &count));
        assert_true(was_launched(entries, count, "CLBlastSgemmStridedBatched") == (items == 256));
        assert_true(was_launched(entries, count, "CLBlastSgemm") == (items == 256));
        assert_true(was_launched(entries, count, "dense_forward") == (items < 256));
        lens_context_free(context);
    }
#else
    skip();
#endif
}

/* Large products take other kernels of CLBlast, which pad their operands in temporary memory. The
 * reference would be long about them; the other side is an algorithm that the other tests compare
 * with it. */
static void clblast_large_products_take_any_scratch(void **state) {
    (void)state;
#ifdef LENSLET_CLBLAST
    if (!runs_clblast())
        skip();
    bool is_cpu = lens_context_device(test_device())->type == LENS_DEVICE_CPU;
    lens_context *other = problem_context(is_cpu ? "blocked" : "direct", false);
    lens_context *context = problem_context("clblast", false);
    const problem problems[] = {
        {.x = {911, 919, 1, 1}, .w = {923, 919, 1, 1}, .is_dense = true},
        {.x = {2, 919, 30, 31}, .w = {923, 919, 1, 1}, .opts = lens_conv2d_defaults()},
    };
    for (int i = 0; i < 2; i++)
        for (int pass = LENS_FORWARD; pass <= LENS_BACKWARD_WEIGHT; pass++) {
            problem p = problems[i];
            p.pass = pass;
            size_t count;
            float *expected = problem_solve(other, &p, &count);
            for (int scratch = OWN; scratch <= (p.is_dense ? INSIDE : OWN); scratch++) {
                p.scratch = scratch;
                float *got = problem_solve(context, &p, &count);
                test_compare(lens_pass_name(pass), got, expected, count, 0, 0);
                free(got);
            }
            free(expected);
        }
    lens_context_free(context);
    lens_context_free(other);
#else
    skip();
#endif
}

int main(void) {
    unsetenv("LENSLET_CLASS");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unknown_algorithm_is_refused),
        cmocka_unit_test(a_forced_algorithm_is_the_one_that_runs),
        cmocka_unit_test(clblast_works_in_as_many_rounds_as_memory_asks),
        cmocka_unit_test(clblast_is_for_groups_of_256),
        cmocka_unit_test(clblast_large_products_take_any_scratch),
    };
    return cmocka_run_group_tests(tests, NULL, test_close);
}
