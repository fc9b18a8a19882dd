/* test_device.c: the list of devices, the choice of one, contexts and what they are opened with. */
#include "support.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static lens_devices *devices;
static size_t reference; /* its index: the last */

static int list(void **state) {
    (void)state;
    assert_ok(lens_devices_new(&devices));
    reference = lens_devices_count(devices) - 1;
    return 0;
}

static int unlist(void **state) {
    lens_devices_free(devices);
    return test_close(state);
}

static void the_reference_is_always_the_last(void **state) {
    (void)state;
    const lens_device_info *info = lens_devices_get(devices, reference);
    assert_int_equal(info->type, LENS_DEVICE_REFERENCE);
    assert_true(info->available && info->has_compiler);
    for (size_t i = 0; i <= reference; i++)
        assert_int_equal(lens_devices_get(devices, i)->index, i);
}

static size_t choose(const char *choice) {
    size_t index;
    assert_ok(lens_devices_choose(devices, choice, &index));
    return index;
}

static void choices_find_their_device(void **state) {
    (void)state;
    char text[64];
    assert_int_equal(choose("reference"), reference);
    assert_int_equal(choose("ref"), reference);
    assert_int_equal(choose("REFERENCE"), reference);
    assert_int_equal(choose(NULL), choose("auto"));
    assert_int_equal(choose(""), choose("auto"));
    for (size_t i = 0; i <= reference; i++) {
        const lens_device_info *info = lens_devices_get(devices, i);
        snprintf(text, sizeof text, "%zu", i);
        assert_int_equal(choose(text), i);
        snprintf(text, sizeof text, "%zu:%zu", info->platform_index, info->platform_device);
        assert_int_equal(choose(text), i);
    }
    assert_int_equal(choose("lenslet / ref"), reference); /* part of "platform / name" */
}

static void bad_choices_are_named(void **state) {
    (void)state;
    size_t index;
    char number[64];
    snprintf(number, sizeof number, "%zu", reference + 1);
    assert_fails(lens_devices_choose(devices, number, &index), LENS_NO_DEVICE, "they are 0 to");
    assert_fails(lens_devices_choose(devices, "99:0", &index), LENS_NO_DEVICE, "platform 99");
    assert_fails(lens_devices_choose(devices, "accelerator:7", &index), LENS_NO_DEVICE,
                 "accelerator:7");
    assert_fails(lens_devices_choose(devices, "no such thing", &index), LENS_NO_DEVICE,
                 "\"no such thing\"");
    if (reference > 0) /* " / " is in every device's name */
        assert_fails(lens_devices_choose(devices, " / ", &index), LENS_AMBIGUOUS_DEVICE, "fits");
    lens_context *context;
    assert_fails(lens_context_new(&context, devices, reference + 1, NULL), LENS_NO_DEVICE,
                 "there is no device");
    assert_null(context);
}

/* One relu, so that a program is built. */
static lens_status use(lens_context *context) {
    lens_tensor *x = test_tensor(context, (lens_shape){1, 4, 1, 1}, NULL);
    lens_activation relu = lens_activation_of(LENS_RELU);
    lens_status status = lens_activation_forward(x, x, &relu);
    if (status == LENS_OK)
        status = lens_context_wait(context);
    lens_tensor_free(x);
    return status;
}

static lens_context *open_with(const lens_context_opts *opts) {
    lens_context *context;
    assert_ok(lens_context_open(&context, getenv("LENSLET_DEVICE"), opts));
    return context;
}

static void a_broken_kernel_comes_with_its_log(void **state) {
    (void)state;
    if (test_device_is_reference())
        skip();
    static const char common[] = "float activate(int kind, float alpha, float x) { return x; }\n";
    static const char broken[] = "kernel void activation_forward() { this_is_no_function(); }\n";
    test_write_file(test_temp_path("common.cl"), common, strlen(common));
    test_write_file(test_temp_path("pocl.cl"), "", 0);
    lens_context_opts opts = lens_context_defaults();
    opts.kernel_dir = test_temp_dir();
    lens_context *context = open_with(&opts);
    assert_fails(use(context), LENS_BAD_FILE, "activation.cl"); /* there is no such file yet */
    test_write_file(test_temp_path("activation.cl"), broken, strlen(broken));
    assert_fails(use(context), LENS_BUILD, "this_is_no_function");
    assert_ok(lens_context_wait(context)); /* and the context lives on */
    lens_context_free(context);
}

/* Every file of the folder with the given bytes instead of its own; returns how many there are. */
static size_t overwrite_all(const char *folder, const char *bytes, size_t size) {
    size_t count = 0;
    DIR *dir = opendir(folder);
    if (!dir)
        return 0;
    for (struct dirent *entry; (entry = readdir(dir));) {
        char path[1024];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (bytes)
            test_write_file(path, bytes, size);
        count++;
    }
    closedir(dir);
    return count;
}

/* What was in the environment, put back by the test that changed it. */
static void set_or_unset(const char *name, const char *value) {
    if (value)
        setenv(name, value, 1);
    else
        unsetenv(name);
}

static char *copy_of(const char *text) {
    return text ? strdup(text) : NULL;
}

static void compiled_kernels_are_kept(void **state) {
    (void)state;
    if (test_device_is_reference())
        skip();
    char *old_home = copy_of(getenv("XDG_CACHE_HOME")),
         *old_cache = copy_of(getenv("LENSLET_CACHE"));
    char folder[1024];
    snprintf(folder, sizeof folder, "%s/cache", test_temp_dir());
    setenv("XDG_CACHE_HOME", folder, 1);
    setenv("LENSLET_CACHE", "1", 1);
    strcat(folder, "/lenslet");
    for (int round = 0; round < 4; round++) { /* cold, warm, after rubbish, after a cut */
        lens_context *context = open_with(NULL);
        assert_ok(use(context));
        lens_context_free(context);
        assert_int_equal(overwrite_all(folder, NULL, 0), 1);
        if (round == 1)
            overwrite_all(folder, "rubbish", 7);
        if (round == 2)
            overwrite_all(folder, "", 0);
    }
    setenv("LENSLET_CACHE", "0", 1);
    setenv("XDG_CACHE_HOME", "/proc/no-such-place", 1); /* cannot be written: no error */
    lens_context *context = open_with(NULL);
    assert_ok(use(context));
    lens_context_free(context);
    set_or_unset("XDG_CACHE_HOME", old_home), set_or_unset("LENSLET_CACHE", old_cache);
    free(old_home), free(old_cache);
}

static void profile_counts_launches(void **state) {
    (void)state;
    lens_context_opts opts = lens_context_defaults();
    opts.profile = true;
    lens_context *context = open_with(&opts);
    lens_profile_entry entries[4];
    size_t count;
    if (test_device_is_reference()) {
        assert_fails(lens_context_profile(context, entries, 4, &count), LENS_UNSUPPORTED,
                     "no kernels");
    } else {
        for (int i = 0; i < 3; i++)
            assert_ok(use(context));
        assert_ok(lens_context_profile(context, entries, 4, &count));
        assert_int_equal(count, 1);
        assert_string_equal(entries[0].kernel, "activation_forward");
        assert_int_equal(entries[0].launches, 3);
        assert_true(entries[0].seconds > 0);
    }
    lens_context_free(context);
    if (!test_device_is_reference())
        assert_fails(lens_context_profile(test_device(), entries, 4, &count), LENS_UNSUPPORTED,
                     "without `profile`");
}

static void names_are_never_null(void **state) {
    (void)state;
    assert_string_equal(lens_status_name(LENS_BAD_SHAPE), "LENS_BAD_SHAPE");
    assert_string_equal(lens_status_name((lens_status)-1), "LENS_UNKNOWN");
    assert_non_null(lens_status_text((lens_status)1000));
    assert_string_equal(lens_device_type_name(LENS_DEVICE_GPU), "GPU");
    assert_string_equal(lens_device_type_name((lens_device_type)1000), "unknown");
    assert_string_equal(lens_version(), LENSLET_VERSION);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_reference_is_always_the_last),
        cmocka_unit_test(choices_find_their_device),
        cmocka_unit_test(bad_choices_are_named),
        cmocka_unit_test(a_broken_kernel_comes_with_its_log),
        cmocka_unit_test(compiled_kernels_are_kept),
        cmocka_unit_test(profile_counts_launches),
        cmocka_unit_test(names_are_never_null),
    };
    return cmocka_run_group_tests(tests, list, unlist);
}
