/* test_tuning.c: which algorithms there are, preferring one, and the file that keeps preferences.
 */
#include "problem.h"

#include "backend.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const lens_shape x_shape = {3, 8, 9, 7}, w_shape = {5, 8, 3, 3};

static size_t algorithms(lens_context *context, const char *names[LENS_ALGORITHMS_MOST]) {
    lens_conv2d_opts opts = lens_conv2d_defaults();
    size_t count;
    assert_ok(
        lens_conv2d_algorithms(names, &count, context, LENS_FORWARD, x_shape, w_shape, &opts));
    assert_in_range(count, 1, LENS_ALGORITHMS_MOST);
    return count;
}

static lens_context *new_context(const char *algorithm) {
    lens_context_opts opts = lens_context_defaults();
    opts.algorithm = algorithm;
    lens_context *context;
    assert_ok(lens_context_open(&context, getenv("LENSLET_DEVICE"), &opts));
    return context;
}

static void the_reference_has_one(void **state) {
    (void)state;
    const char *names[LENS_ALGORITHMS_MOST];
    size_t count;
    assert_int_equal(algorithms(test_reference(), names), 1);
    assert_string_equal(names[0], "reference");
    assert_ok(lens_dense_algorithms(names, &count, test_reference(), LENS_FORWARD,
                                    (lens_shape){2, 3, 1, 1}, (lens_shape){4, 3, 1, 1}));
    assert_int_equal(count, 1);
}

static void bad_arguments_are_named(void **state) {
    (void)state;
    const char *names[LENS_ALGORITHMS_MOST];
    size_t count;
    lens_conv2d_opts opts = lens_conv2d_defaults();
    lens_context *context = test_reference();
    assert_fails(
        lens_conv2d_algorithms(names, &count, context, LENS_BACKWARD_BIAS, x_shape, w_shape, &opts),
        LENS_BAD_ARGUMENT, "no choice of algorithms for backward_bias");
    assert_fails(lens_conv2d_algorithms(names, &count, context, LENS_FORWARD, x_shape,
                                        (lens_shape){5, 7, 3, 3}, &opts),
                 LENS_BAD_SHAPE, "w expects 7");
    assert_fails(lens_conv2d_prefer(context, LENS_FORWARD, x_shape, w_shape, &opts, "cake"),
                 LENS_BAD_ARGUMENT, "\"cake\" cannot do conv2d forward n3c8h9w7 k5r3s3");
    assert_fails(lens_dense_prefer(context, LENS_FORWARD, (lens_shape){2, 3, 1, 1},
                                   (lens_shape){4, 3, 1, 1}, "cake"),
                 LENS_BAD_ARGUMENT, "dense forward n2i3 k4");
}

/* Every algorithm of a device, preferred in turn, becomes the first and gives the same integers. */
static void the_preferred_one_is_taken(void **state) {
    (void)state;
    lens_context *context = new_context(NULL);
    problem p = {.x = x_shape, .w = w_shape, .opts = lens_conv2d_defaults()};
    const char *names[LENS_ALGORITHMS_MOST], *now[LENS_ALGORITHMS_MOST];
    size_t count = algorithms(context, names), values;
    float *expected = problem_solve(test_reference(), &p, &values);
    for (size_t i = 0; i < count; i++) {
        assert_ok(lens_conv2d_prefer(context, LENS_FORWARD, x_shape, w_shape, &p.opts, names[i]));
        assert_int_equal(algorithms(context, now), count);
        assert_string_equal(now[0], names[i]);
        float *got = problem_solve(context, &p, &values);
        bool is_exact = strcmp(names[i], "winograd4") != 0;
        test_compare(names[i], got, expected, values, 0, is_exact ? 0 : 1e-3);
        free(got);
    }
    assert_ok(lens_conv2d_prefer(context, LENS_FORWARD, x_shape, w_shape, &p.opts, NULL));
    algorithms(context, now);
    assert_string_equal(now[0], names[0]);
    free(expected);
    lens_context_free(context);
}

/* ---- the file ------------------------------------------------------------------------------ */

/* A preference other than the default, in a new context. */
static lens_context *with_preference(const char **other) {
    lens_conv2d_opts opts = lens_conv2d_defaults();
    lens_context *context = new_context(NULL);
    const char *names[LENS_ALGORITHMS_MOST];
    if (algorithms(context, names) < 2)
        return context; /* the reference */
    *other = names[1];
    assert_ok(lens_conv2d_prefer(context, LENS_FORWARD, x_shape, w_shape, &opts, *other));
    return context;
}

/* The reference has nothing to prefer, nor has a device whose groups are too small for the others.
 */
static bool has_choice(void) {
    const char *names[LENS_ALGORITHMS_MOST];
    return algorithms(test_device(), names) > 1;
}

static const char *first_of(lens_context *context) {
    const char *names[LENS_ALGORITHMS_MOST];
    algorithms(context, names);
    lens_context_free(context);
    return names[0];
}

static void use_folder(const char *name) {
    const char *folder = test_temp_path(name);
    assert_true(mkdir(folder, 0700) == 0);
    setenv("XDG_CACHE_HOME", folder, 1);
}

static void later_contexts_take_it_up(void **state) {
    (void)state;
    if (!has_choice())
        skip();
    use_folder("cache");
    char path[LENS_TUNING_PATH_SIZE];
    const char *other = NULL, *usual = first_of(new_context(NULL));
    lens_context *context = with_preference(&other);
    assert_ok(lens_tuning_save(context, path));
    lens_context_free(context);
    assert_string_not_equal(usual, other);
    assert_string_equal(first_of(new_context(NULL)), other);
    assert_string_equal(first_of(new_context("direct")), "direct"); /* forced: no preferences */
    setenv("LENSLET_TUNING", "0", 1);
    assert_string_equal(first_of(new_context(NULL)), usual);
    unsetenv("LENSLET_TUNING");

    context = new_context(NULL);
    lens_tuning_clear(context);
    assert_ok(lens_tuning_save(context, path));
    assert_ok(lens_tuning_save(context, path)); /* nothing to remove is no error */
    lens_context_free(context);
    assert_int_not_equal(access(path, F_OK), 0);
    assert_string_equal(first_of(new_context(NULL)), usual);
}

static char logged[512];

static void on_log(lens_log_level level, const char *line, void *user) {
    (void)user;
    if (level == LENS_LOG_WARNING)
        snprintf(logged, sizeof logged, "%s", line);
}

/* Files that are not what they should be are left out, with a word. */
static void bad_files_are_left_out(void **state) {
    (void)state;
    if (!has_choice())
        skip();
    use_folder("bad");
    char path[LENS_TUNING_PATH_SIZE];
    const char *other = NULL, *usual = first_of(new_context(NULL));
    lens_context *context = with_preference(&other);
    assert_ok(lens_tuning_save(context, path));
    lens_context_free(context);
    size_t size;
    char *text = test_read_file(path, &size);
    char *device = strstr(text, "\"device\": \"");
    assert_non_null(device);
    device[strlen("\"device\": \"")] ^= 1; /* of another device */
    const char *const bad[] = {"", "{", "[]", "{\"choices\": 3}", text};
    lens_set_log(on_log, NULL);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        test_write_file(path, bad[i], strlen(bad[i]));
        logged[0] = 0;
        assert_string_equal(first_of(new_context(NULL)), usual);
        assert_non_null(strstr(logged, "holds no tuning of this device"));
    }
    lens_set_log(NULL, NULL);
    free(text);
}

static void no_folder_is_an_error(void **state) {
    (void)state;
    if (test_device_is_reference())
        skip();
    char path[LENS_TUNING_PATH_SIZE];
    const char *other;
    const char *file = test_temp_path("file");
    test_write_file(file, "x", 1);
    setenv("XDG_CACHE_HOME", file, 1);
    lens_context *context = with_preference(&other);
    assert_fails(lens_tuning_save(context, path), LENS_IO, "there is no folder for it");
    lens_context_free(context);
}

int main(void) {
    unsetenv("LENSLET_TUNING"); /* by which a caller may have turned off what is tested */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_reference_has_one),      cmocka_unit_test(bad_arguments_are_named),
        cmocka_unit_test(the_preferred_one_is_taken), cmocka_unit_test(later_contexts_take_it_up),
        cmocka_unit_test(bad_files_are_left_out),     cmocka_unit_test(no_folder_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, test_close);
}
