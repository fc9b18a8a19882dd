/* test_ocl_algorithm.c: a forced algorithm is the one that runs, names that do not exist are
 * refused, and what the other tests' small shapes do not reach of "clblast": several rounds over
 * the images when memory is short, scratch of every kind in large products.
 *
 * All data are small integers and all sums below 2^24, so every comparison is for equality.
 */
#include "sweep.h"

#include "backend.h"

#include <stdlib.h>
#include <string.h>

static lens_context *open_with(const char *algorithm, bool profile) {
    lens_context_opts opts = lens_context_defaults();
    opts.algorithm = algorithm;
    opts.profile = profile;
    lens_context *context;
    assert_ok(lens_context_open(&context, getenv("LENSLET_DEVICE"), &opts));
    return context;
}

/* ---- a convolution and a dense layer on any context ---------------------------------------- */

typedef struct problem {
    lens_shape x, w;
    lens_conv2d_opts opts; /* of the convolution; a dense layer when `is_dense` */
    bool is_dense;
    lens_pass pass;
    enum { OWN, NONE, INSIDE } scratch; /* a tensor of its own; NULL; a view into another */
} problem;

static lens_tensor *integers(lens_context *context, lens_shape shape, uint64_t seed) {
    float *values = test_integers(shape_count(shape), 3, seed);
    lens_tensor *tensor = test_tensor(context, shape, values);
    free(values);
    return tensor;
}

static size_t scratch_count(lens_context *context, const problem *p) {
    size_t count;
    if (p->is_dense)
        assert_ok(lens_dense_scratch(&count, context, p->pass, p->x, p->w));
    else
        assert_ok(lens_conv2d_scratch(&count, context, p->pass, p->x, p->w, &p->opts));
    return count;
}

/* The result of the problem's pass. */
static float *solve(lens_context *context, void *user, size_t *count) {
    const problem *p = user;
    lens_shape ys;
    if (p->is_dense)
        assert_ok(lens_dense_output_shape(&ys, p->x, p->w));
    else
        assert_ok(lens_conv2d_output_shape(&ys, p->x, p->w, &p->opts));
    lens_shape bs = {1, p->w.n, 1, 1};
    const lens_shape out_shapes[] = {ys, p->x, p->w, bs};
    lens_tensor *x = integers(context, p->x, 1), *w = integers(context, p->w, 2);
    lens_tensor *b = integers(context, bs, 3), *dy = integers(context, ys, 4);
    lens_tensor *out = test_tensor(context, out_shapes[p->pass], NULL);
    size_t wanted = p->scratch == NONE ? 0 : scratch_count(context, p);
    lens_tensor *around = NULL, *scratch = NULL;
    if (wanted)
        around = test_tensor(context, (lens_shape){1, wanted + 5, 1, 1}, NULL);
    if (wanted)
        assert_ok(lens_tensor_view(&scratch, around, p->scratch == INSIDE ? 5 : 0,
                                   (lens_shape){1, wanted, 1, 1}));
    lens_dense_opts dense = {p->opts.activation};
    lens_status status = LENS_OK;
    switch (p->pass) {
    case LENS_FORWARD:
        status = p->is_dense ? lens_dense_forward(out, x, w, b, &dense, scratch)
                             : lens_conv2d_forward(out, x, w, b, &p->opts, scratch);
        break;
    case LENS_BACKWARD_INPUT:
        status = p->is_dense ? lens_dense_backward_input(out, dy, w, scratch)
                             : lens_conv2d_backward_input(out, dy, w, &p->opts, scratch);
        break;
    case LENS_BACKWARD_WEIGHT:
        status = p->is_dense ? lens_dense_backward_weight(out, dy, x, scratch)
                             : lens_conv2d_backward_weight(out, dy, x, &p->opts, scratch);
        break;
    case LENS_BACKWARD_BIAS:
        status =
            p->is_dense ? lens_dense_backward_bias(out, dy) : lens_conv2d_backward_bias(out, dy);
    }
    assert_ok(status);
    float *result = test_read(out);
    *count = lens_tensor_count(out);
    lens_tensor *all[] = {scratch, around, x, w, b, dy, out};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        lens_tensor_free(all[i]);
    return result;
}

static void compare_with_reference(lens_context *context, problem *p, const char *what) {
    size_t count, expected_count;
    float *got = solve(context, p, &count), *expected = solve(test_reference(), p, &expected_count);
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
                 "\"blokced\" is none of direct, packed, blocked, streamed, rows, clblast");
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
    } rows[] = {
        {"direct", "conv2d_forward", "dense_forward"},
        {"rows", "conv2d_forward", "dense_forward"}, /* neither has one of that name */
        {"blocked", "conv2d_blocked_forward", "matmul_blocked", true},
#ifdef LENSLET_CLBLAST
        {"clblast", "CLBlastSgemmStridedBatched", "CLBlastSgemm"},
#endif
    };
    if (test_device_is_reference())
        skip();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        lens_context *context = open_with(rows[i].algorithm, true);
        bool applies = !rows[i].cpu_only || lens_context_device(context)->type == LENS_DEVICE_CPU;
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

/* The device is made to believe in less and less memory: from all images at once to one at a time,
 * to none, when "direct" takes over. */
static void clblast_works_in_as_many_rounds_as_memory_asks(void **state) {
    (void)state;
#ifdef LENSLET_CLBLAST
    if (test_device_is_reference())
        skip();
    lens_context *context = open_with("clblast", false);
    for (size_t limit = 16384; limit >= 1024; limit /= 2)
        for (int pass = LENS_FORWARD; pass <= LENS_BACKWARD_WEIGHT; pass++) {
            problem p = small_convolution();
            p.pass = pass;
            context->device.allocation_bytes = limit * 4 * sizeof(float);
            assert_true(scratch_count(context, &p) <= limit);
            assert_true((scratch_count(context, &p) > 0) == (limit >= 2048));
            compare_with_reference(context, &p, lens_pass_name(pass));
        }
    lens_context_free(context);
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
    if (test_device_is_reference())
        skip();
    bool is_cpu = lens_context_device(test_device())->type == LENS_DEVICE_CPU;
    lens_context *other = open_with(is_cpu ? "blocked" : "direct", false);
    lens_context *context = open_with("clblast", false);
    const problem problems[] = {
        {.x = {911, 919, 1, 1}, .w = {923, 919, 1, 1}, .is_dense = true},
        {.x = {2, 919, 30, 31}, .w = {923, 919, 1, 1}, .opts = lens_conv2d_defaults()},
    };
    for (int i = 0; i < 2; i++)
        for (int pass = LENS_FORWARD; pass <= LENS_BACKWARD_WEIGHT; pass++) {
            problem p = problems[i];
            p.pass = pass;
            size_t count;
            float *expected = solve(other, &p, &count);
            for (int scratch = OWN; scratch <= (p.is_dense ? INSIDE : OWN); scratch++) {
                p.scratch = scratch;
                float *got = solve(context, &p, &count);
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
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unknown_algorithm_is_refused),
        cmocka_unit_test(a_forced_algorithm_is_the_one_that_runs),
        cmocka_unit_test(clblast_works_in_as_many_rounds_as_memory_asks),
        cmocka_unit_test(clblast_large_products_take_any_scratch),
    };
    return cmocka_run_group_tests(tests, NULL, test_close);
}
