/* test_folder.c: image folders: classes and their order, pictures that are broken or none, folders
 * that cannot be used.
 */
#include "golden_pictures.h"
#include "toy.h"

#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(LENSLET_PNG) && defined(LENSLET_JPEG)

/* ---- folders to read ------------------------------------------------------------------------ */

/* "<temp dir>/<set>/<rest>" in one of a few static buffers. */
static const char *in_set(const char *set, const char *rest) {
    static char paths[4][512];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s/%s", test_temp_dir(), set, rest);
    return path;
}

static void make_folders(const char *set, const char *const *folders) {
    assert_int_equal(mkdir(test_temp_path(set), 0755), 0);
    for (; *folders; folders++)
        assert_int_equal(mkdir(in_set(set, *folders), 0755), 0);
}

static void copy(const char *picture, const char *path) {
    size_t size;
    char *bytes = test_read_file(picture_path(picture), &size);
    test_write_file(path, bytes, size);
    free(bytes);
}

static lens_dataset *open_set(const char *set, lens_split split) {
    lens_dataset *data;
    assert_ok(lens_dataset_read_dir(&data, test_temp_path(set), split));
    return data;
}

static void assert_refused(const char *set, const char *why) {
    lens_dataset *data;
    assert_fails(lens_dataset_read_folders(&data, test_temp_path(set), LENS_SPLIT_TRAIN),
                 LENS_BAD_FILE, why);
    assert_null(data);
}

/* ---- what is in them ------------------------------------------------------------------------ */

static void classes_are_in_byte_order_and_take_turns(void **state) {
    (void)state;
    static const char *const folders[] = {"train",      "train/b",      "train/Z", "train/\xc3\xa4",
                                          "validation", "validation/a", NULL};
    make_folders("order", folders);
    static const char *const files[] = {"b/2.jpg", "b/10.jpg", "b/.hidden",     "b/1.jpg",
                                        "b/3.jpg", "Z/only",   "\xc3\xa4/x.png"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[64];
        snprintf(path, sizeof path, "train/%s", files[i]);
        copy("grey.jpg", in_set("order", path));
    }
    copy("rgb.png", in_set("order", "validation/a/1.png"));
    lens_dataset *data = open_set("order", LENS_SPLIT_TRAIN);
    assert_int_equal(lens_dataset_classes(data), 4); /* of both parts */
    static const char *const names[] = {"Z", "a", "b", "\xc3\xa4"};
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(lens_dataset_class_name(data, i), names[i]);
    assert_true(lens_shape_equal(lens_dataset_shape(data), (lens_shape){6, 3, 0, 0}));
    static const int32_t labels[] = {2, 2, 0, 3, 2, 2}; /* 1/8, 3/8, 1/2, 1/2, 5/8, 7/8 */
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(lens_dataset_label(data, i), labels[i]);
    lens_dataset_free(data);
    data = open_set("order", LENS_SPLIT_TEST);
    assert_int_equal(lens_dataset_shape(data).n, 1);
    assert_int_equal(lens_dataset_label(data, 0), 1);
    lens_dataset_free(data);
}

/* The loader gives what lens_picture_prepare() makes of the same file, again and again. */
static void the_loader_decodes_and_prepares(void **state) {
    (void)state;
    static const char *const folders[] = {"train", "train/a", "train/b", NULL};
    make_folders("prepared", folders);
    copy("colour.jpg", in_set("prepared", "train/a/1"));
    copy("turned_6.jpg", in_set("prepared", "train/b/1"));
    lens_dataset *data = open_set("prepared", LENS_SPLIT_TRAIN);
    lens_loader_opts opts = lens_loader_defaults();
    opts.shuffle = false;
    opts.loop = true;
    opts.preprocess = lens_preprocess_caffe();
    opts.input = (lens_shape){1, 3, 5, 7};
    lens_loader *loader;
    assert_ok(lens_loader_new(&loader, data, &opts));
    for (size_t epoch = 0; epoch < 3; epoch++) {
        lens_batch batch;
        assert_true(lens_loader_next(loader, &batch));
        assert_int_equal(batch.count, 2);
        for (size_t i = 0; i < 2; i++) {
            lens_picture picture;
            float expected[3 * 5 * 7];
            assert_ok(
                lens_picture_read(&picture, picture_path(i ? "turned_6.jpg" : "colour.jpg"), 5, 7));
            assert_ok(lens_picture_prepare(expected, opts.input, &picture, &opts.preprocess));
            test_compare("picture", batch.images + i * 105, expected, 105, 0, 0);
            assert_true(batch.labels[i] == (float)i);
            lens_picture_free(&picture);
        }
    }
    lens_loader_free(loader);
    lens_dataset_free(data);
}

/* ---- broken pictures ------------------------------------------------------------------------ */

static char warnings[8192];
static pthread_mutex_t warnings_lock = PTHREAD_MUTEX_INITIALIZER;

static void take_warning(lens_log_level level, const char *message, void *user) {
    (void)user;
    pthread_mutex_lock(&warnings_lock);
    size_t used = strlen(warnings);
    if (level == LENS_LOG_WARNING)
        snprintf(warnings + used, sizeof warnings - used, "%s\n", message);
    pthread_mutex_unlock(&warnings_lock);
}

/* A truncated JPEG, text with a picture's name, an empty file, a header of 20,000 x 20,000; beside
 * a PNG whose name says JPEG, which is fine. */
static void make_broken(const char *set) {
    static const char *const folders[] = {"train", "train/a", "train/b", NULL};
    make_folders(set, folders);
    size_t size;
    char *bytes = test_read_file(picture_path("colour.jpg"), &size);
    test_write_file(in_set(set, "train/a/cut.jpg"), bytes, size / 2);
    free(bytes);
    test_write_file(in_set(set, "train/a/text.jpg"), "no picture", 10);
    test_write_file(in_set(set, "train/b/empty.jpg"), "", 0);
    bytes = test_read_file(picture_path("rgb.png"), &size);
    test_write_file(in_set(set, "train/b/really.jpg"), bytes, size);
    memcpy(bytes + 16, "\0\0\x4e\x20\0\0\x4e\x20", 8);
    test_write_file(in_set(set, "train/b/huge.png"), bytes, size);
    free(bytes);
    copy("grey.jpg", in_set(set, "train/a/good.png"));
}

static void broken_pictures_are_named_counted_and_left_out(void **state) {
    (void)state;
    make_broken("broken");
    lens_dataset *data = open_set("broken", LENS_SPLIT_TRAIN);
    assert_int_equal(lens_dataset_shape(data).n, 6);
    *warnings = 0;
    lens_loader_opts opts = lens_loader_defaults();
    opts.shuffle = false;
    opts.loop = true;
    opts.input = (lens_shape){1, 3, 4, 4};
    lens_loader *loader;
    assert_ok(lens_loader_new(&loader, data, &opts));
    for (size_t epoch = 0; epoch < 2; epoch++) {
        lens_batch batch;
        assert_true(lens_loader_next(loader, &batch));
        assert_int_equal(batch.count, 2);
        /* a: cut good text, b: empty huge really */
        assert_int_equal(batch.order[0], 2);
        assert_int_equal(batch.order[1], 5);
        assert_true(batch.labels[0] == 0 && batch.labels[1] == 1);
    }
    lens_loader_free(loader);
    assert_int_equal(lens_dataset_broken(data), 4);
    static const char *const named[] = {"cut.jpg: ", "text.jpg: ", "empty.jpg: ", "huge.png: "};
    for (size_t i = 0; i < 4; i++) {
        const char *at = strstr(warnings, named[i]);
        assert_non_null(at);
        assert_null(strstr(at + 1, named[i])); /* once, not in each epoch */
    }
    assert_fails(lens_dataset_check(data), LENS_BAD_FILE, "cut.jpg");
    lens_dataset_free(data);
}

static lens_net_spec *colour_net(void) {
    lens_net_spec *spec = toy_net(2);
    spec->input.c = 3;
    return spec;
}

static void training_goes_on_without_them(void **state) {
    (void)state;
    make_broken("trained");
    lens_dataset *data = open_set("trained", LENS_SPLIT_TRAIN);
    lens_net_spec *spec = colour_net();
    lens_recipe recipe = toy_recipe(LENS_SGD);
    recipe.batch = 1; /* so that some batches are empty */
    recipe.preprocess.scale = 1.0f / 255;
    lens_trainer *trainer;
    lens_metrics metrics;
    assert_ok(lens_trainer_new(&trainer, test_device(), spec, &recipe, 1, data, NULL));
    assert_ok(lens_trainer_run(trainer, NULL));
    int32_t predictions[6];
    assert_ok(lens_evaluate(&metrics, lens_trainer_net(trainer), data, &recipe.preprocess,
                            predictions, NULL, NULL));
    assert_int_equal(metrics.images, 2);
    assert_int_equal(predictions[0], -1); /* the cut one */
    assert_in_range(predictions[2], 0, 1);
    lens_trainer_free(trainer);
    lens_net_spec_free(spec);
    lens_dataset_free(data);
}

/* Also a name that JSON has no text for. */
static void checkpoints_say_the_names_of_the_classes(void **state) {
    (void)state;
    static const char *const folders[] = {"train", "train/cat \"1\"", "train/\xff\xfe", NULL};
    make_folders("named", folders);
    copy("grey.jpg", in_set("named", "train/cat \"1\"/1.jpg"));
    lens_dataset *data = open_set("named", LENS_SPLIT_TRAIN);
    lens_net_spec *spec = colour_net();
    lens_recipe recipe = toy_recipe(LENS_SGD);
    recipe.preprocess.scale = 1.0f / 255;
    lens_trainer *trainer;
    assert_ok(lens_trainer_new(&trainer, test_device(), spec, &recipe, 1, data, NULL));
    const char *path = test_temp_path("named.safetensors");
    char **names;
    size_t count;
    assert_ok(lens_trainer_save(trainer, path));
    assert_ok(lens_class_names_open(&names, &count, path));
    assert_int_equal(count, 2);
    assert_string_equal(names[0], "cat \"1\"");
    assert_null(names[1]);
    lens_class_names_free(names, count);
    lens_trainer_free(trainer);
    lens_net_spec_free(spec);
    lens_dataset_free(data);
    const float value = 1;
    const lens_array array = {
        .name = "a", .type = "F32", .rank = 1, .dims = {1}, .bytes = 4, .values = &value};
    assert_ok(lens_safetensors_write(path, &array, 1, NULL, 0));
    assert_ok(lens_class_names_open(&names, &count, path));
    assert_true(!names && count == 0);
    assert_ok(lens_safetensors_write(path, &array, 1, &(lens_metadata){"classes", "{}"}, 1));
    assert_fails(lens_class_names_open(&names, &count, path), LENS_BAD_FILE,
                 "\"classes\" must be an array of names");
    assert_null(names);
}

static void none_that_can_be_read_is_an_error(void **state) {
    (void)state;
    static const char *const folders[] = {"train", "train/a", "train/b", NULL};
    make_folders("all_broken", folders);
    test_write_file(in_set("all_broken", "train/a/1"), "x", 1);
    test_write_file(in_set("all_broken", "train/b/1"), "y", 1);
    lens_dataset *data = open_set("all_broken", LENS_SPLIT_TRAIN);
    lens_net_spec *spec = colour_net();
    lens_recipe recipe = toy_recipe(LENS_SGD);
    recipe.preprocess.scale = 1.0f / 255;
    lens_trainer *trainer;
    assert_ok(lens_trainer_new(&trainer, test_device(), spec, &recipe, 1, data, NULL));
    assert_fails(lens_trainer_run(trainer, NULL), LENS_BAD_FILE,
                 "none of the 2 pictures to train on can be read");
    lens_trainer_free(trainer);
    lens_net_spec_free(spec);
    lens_dataset_free(data);
}

/* ---- folders that cannot be used ------------------------------------------------------------ */

static void useless_folders_are_named(void **state) {
    (void)state;
    static const char *const none[] = {"train", NULL};
    make_folders("no_class", none);
    assert_refused("no_class", "hold no folder of a class");
    test_write_file(in_set("no_class", "train/1.jpg"), "x", 1);
    assert_refused("no_class", "hold no folder of a class");
    static const char *const one[] = {"train", "train/cat", NULL};
    make_folders("one_class", one);
    copy("grey.jpg", in_set("one_class", "train/cat/1.jpg"));
    assert_refused("one_class", "one class only, cat");
    static const char *const empty[] = {"train", "train/a", "train/b", NULL};
    make_folders("no_picture", empty);
    assert_refused("no_picture", "holds no picture");
    static const char *const test_only[] = {"val", "val/a", "val/b", NULL};
    make_folders("no_train", test_only);
    assert_refused("no_train", "has no folder train");
    assert_refused("nowhere", "nowhere: No such");
}

static void one_picture_is_enough(void **state) {
    (void)state;
    static const char *const folders[] = {"train", "train/a", "train/b", NULL};
    make_folders("single", folders);
    copy("grey.jpg", in_set("single", "train/b/1.jpg"));
    lens_dataset *data = open_set("single", LENS_SPLIT_TRAIN);
    assert_int_equal(lens_dataset_shape(data).n, 1);
    assert_int_equal(lens_dataset_classes(data), 2);
    assert_int_equal(lens_dataset_label(data, 0), 1);
    lens_loader_opts opts = lens_loader_defaults();
    opts.input = (lens_shape){1, 1, 3, 3};
    lens_loader *loader;
    lens_batch batch;
    assert_ok(lens_loader_new(&loader, data, &opts));
    assert_true(lens_loader_next(loader, &batch));
    assert_int_equal(batch.count, 1);
    assert_false(lens_loader_next(loader, &batch));
    lens_loader_free(loader);
    lens_dataset_free(data);
}

/* Root reads everything, so it becomes somebody else for this. */
static void a_folder_that_may_not_be_read_is_named(void **state) {
    (void)state;
    static const char *const folders[] = {"train", "train/a", "train/b", NULL};
    make_folders("shut", folders);
    copy("grey.jpg", in_set("shut", "train/a/1.jpg"));
    copy("grey.jpg", in_set("shut", "train/b/1.jpg"));
    assert_int_equal(chmod(test_temp_dir(), 0755), 0);
    assert_int_equal(chmod(in_set("shut", "train/b"), 0), 0);
    bool is_root = geteuid() == 0;
    assert_true(!is_root || seteuid(65534) == 0);
    lens_dataset *data;
    lens_status status = lens_dataset_read_dir(&data, test_temp_path("shut"), LENS_SPLIT_TRAIN);
    assert_true(!is_root || seteuid(0) == 0);
    assert_int_equal(chmod(in_set("shut", "train/b"), 0755), 0);
    assert_int_equal(status, LENS_BAD_FILE);
    assert_non_null(strstr(lens_last_error(), "shut/train/b: Permission denied"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes_are_in_byte_order_and_take_turns),
        cmocka_unit_test(the_loader_decodes_and_prepares),
        cmocka_unit_test(broken_pictures_are_named_counted_and_left_out),
        cmocka_unit_test(training_goes_on_without_them),
        cmocka_unit_test(checkpoints_say_the_names_of_the_classes),
        cmocka_unit_test(none_that_can_be_read_is_an_error),
        cmocka_unit_test(useless_folders_are_named),
        cmocka_unit_test(one_picture_is_enough),
        cmocka_unit_test(a_folder_that_may_not_be_read_is_named),
    };
    lens_set_log(take_warning, NULL);
    return cmocka_run_group_tests(tests, NULL, test_close);
}

#else

int main(void) {
    print_message("skipped: a build without JPEG and PNG\n");
    return 77;
}

#endif
