/* test_dataset.c: data sets from IDX files, directories and memory; the order of an epoch; the
 * loader.
 */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FASHION "/usr/share/datasets/fashion-mnist"

/* ---- files --------------------------------------------------------------------------------- */

static const unsigned char images[] = {0, 0, 8, 3, 0, 0, 0, 2,   0,  0,
                                       0, 1, 0, 0, 0, 2, 0, 255, 51, 102};
static const unsigned char labels[] = {0, 0, 8, 1, 0, 0, 0, 2, 3, 1};

static const char *file(const char *name, const void *bytes, size_t size) {
    const char *path = test_temp_path(name);
    test_write_file(path, bytes, size);
    return path;
}

static void images_and_labels(void **state) {
    (void)state;
    lens_dataset *set, *slice;
    assert_ok(lens_dataset_read_idx(&set, file("i", images, sizeof images),
                                    file("l", labels, sizeof labels)));
    assert_true(lens_shape_equal(lens_dataset_shape(set), (lens_shape){2, 1, 1, 2}));
    assert_int_equal(lens_dataset_classes(set), 4);
    assert_int_equal(lens_dataset_label(set, 0), 3);
    assert_null(lens_dataset_class_name(set, 0));
    float values[2];
    lens_dataset_image(set, 1, 1.0f / 255, values);
    assert_true(values[0] == 51 * (1.0f / 255) && values[1] == 102 * (1.0f / 255));
    assert_ok(lens_dataset_slice(&slice, set, 1, 1));
    assert_int_equal(lens_dataset_label(slice, 0), 1);
    lens_dataset_image(slice, 0, 1, values);
    assert_true(values[0] == 51);
    lens_dataset *none;
    assert_fails(lens_dataset_slice(&none, set, 1, 2), LENS_BAD_ARGUMENT, "images 1 to 3 of 2");
    assert_fails(lens_dataset_slice(&none, set, 0, 0), LENS_BAD_ARGUMENT, "images 0 to 0 of 2");
    assert_null(none);
    lens_dataset_free(slice);
    lens_dataset_free(set);
}

static void colour_and_qmnist(void **state) {
    (void)state;
    const unsigned char colour[] = {0, 0, 8, 4, 0, 0, 0, 1, 0, 0, 0, 3,
                                    0, 0, 0, 1, 0, 0, 0, 1, 9, 8, 7};
    unsigned char rows[12 + 32] = {0, 0, 0x0c, 2, 0, 0, 0, 1, 0, 0, 0, 8, 0, 0, 0, 5};
    lens_dataset *set;
    assert_ok(lens_dataset_read_idx(&set, file("c", colour, sizeof colour),
                                    file("q", rows, sizeof rows)));
    assert_true(lens_shape_equal(lens_dataset_shape(set), (lens_shape){1, 3, 1, 1}));
    assert_int_equal(lens_dataset_label(set, 0), 5);
    lens_dataset_free(set);
}

static void wrong_sets_are_named(void **state) {
    (void)state;
    lens_dataset *set;
    const char *good = file("images", images, sizeof images);
    const unsigned char three[] = {0, 0, 8, 1, 0, 0, 0, 3, 1, 2, 3};
    assert_fails(lens_dataset_read_idx(&set, good, file("three", three, sizeof three)),
                 LENS_BAD_FILE, "3 labels for 2 images");
    const unsigned char negative[] = {0, 0, 9, 1, 0, 0, 0, 2, 1, 0xff};
    assert_fails(lens_dataset_read_idx(&set, good, file("negative", negative, sizeof negative)),
                 LENS_BAD_FILE, "label -1 of image 1");
    const unsigned char large[] = {0, 0, 0x0c, 1, 0, 0, 0, 2, 0, 0, 0, 1, 0, 1, 0, 0};
    assert_fails(lens_dataset_read_idx(&set, good, file("large", large, sizeof large)),
                 LENS_BAD_FILE, "label 65536 of image 1");
    assert_fails(lens_dataset_read_idx(&set, file("as images", labels, sizeof labels), good),
                 LENS_BAD_FILE, "images have rank 3");
    assert_fails(lens_dataset_read_idx(&set, good, good), LENS_BAD_FILE, "labels must be a list");
    assert_null(set);
}

static void directories_by_any_name(void **state) {
    (void)state;
    char folder[256], path[512];
    snprintf(folder, sizeof folder, "%s/set", test_temp_dir());
    assert_int_equal(mkdir(folder, 0700), 0);
    lens_dataset *set;
    assert_fails(lens_dataset_read_dir(&set, folder, LENS_SPLIT_TRAIN), LENS_BAD_FILE,
                 "train-images-idx3-ubyte");
    snprintf(path, sizeof path, "%s/test-images.idx3-ubyte", folder);
    test_write_file(path, images, sizeof images);
    assert_fails(lens_dataset_read_dir(&set, folder, LENS_SPLIT_TEST), LENS_BAD_FILE,
                 "t10k-labels-idx1-ubyte");
    snprintf(path, sizeof path, "%s/t10k-labels-idx1-ubyte", folder);
    test_write_file(path, labels, sizeof labels);
    snprintf(path, sizeof path, "%s/labels.txt", folder);
    test_write_file(path, "zero\none\r\ntwo\nthree\n", 20);
    assert_ok(lens_dataset_read_dir(&set, folder, LENS_SPLIT_TEST));
    assert_string_equal(lens_dataset_class_name(set, 1), "one");
    assert_string_equal(lens_dataset_class_name(set, 3), "three");
    assert_null(lens_dataset_class_name(set, 4));
    lens_dataset_free(set);
    assert_fails(lens_dataset_read_dir(&set, "/no/such/place", LENS_SPLIT_TEST), LENS_BAD_FILE,
                 "/no/such/place: No such");
}

static void fashion_mnist(void **state) {
    (void)state;
    struct stat info;
    if (stat(FASHION, &info) != 0) {
        print_message("skipped: " FASHION " (Debian package dataset-fashion-mnist) is not there\n");
        skip();
    }
    lens_dataset *train, *test;
    assert_ok(lens_dataset_read_dir(&train, FASHION, LENS_SPLIT_TRAIN));
    assert_ok(lens_dataset_read_dir(&test, FASHION, LENS_SPLIT_TEST));
    assert_true(lens_shape_equal(lens_dataset_shape(train), (lens_shape){60000, 1, 28, 28}));
    assert_true(lens_shape_equal(lens_dataset_shape(test), (lens_shape){10000, 1, 28, 28}));
    size_t counts[10] = {0};
    for (size_t i = 0; i < 10000; i++)
        counts[lens_dataset_label(test, i)]++;
    for (size_t i = 0; i < 10; i++)
        assert_int_equal(counts[i], 1000);
    assert_string_equal(lens_dataset_class_name(train, 9), "Ankle boot");
    lens_dataset_free(train), lens_dataset_free(test);
}

static void bad_labels_in_memory_are_named(void **state) {
    (void)state;
    const float value[] = {1, 2};
    const int32_t bad[] = {0, -4};
    lens_dataset *set;
    assert_fails(lens_dataset_from_memory(&set, (lens_shape){2, 1, 1, 1}, value, bad),
                 LENS_BAD_ARGUMENT, "label -4 of image 1");
}

/* ---- order --------------------------------------------------------------------------------- */

static void shuffles_are_permutations_of_seed_and_epoch(void **state) {
    (void)state;
    uint32_t a[1000], b[1000];
    bool seen[1000] = {false};
    lens_shuffle(a, 1000, 7, 3);
    for (size_t i = 0; i < 1000; i++) {
        assert_true(a[i] < 1000 && !seen[a[i]]);
        seen[a[i]] = true;
    }
    lens_shuffle(b, 1000, 7, 3);
    assert_memory_equal(a, b, sizeof a);
    lens_shuffle(b, 1000, 7, 4);
    assert_memory_not_equal(a, b, sizeof a);
    lens_shuffle(b, 1000, 8, 3);
    assert_memory_not_equal(a, b, sizeof a);
    lens_shuffle(b, 1, 0, 0);
    assert_int_equal(b[0], 0);
}

/* Each of the 6 orders of 3 comes up 1000 times in 6000, give or take 4.5 deviations of 29. */
static void shuffles_are_unbiased(void **state) {
    (void)state;
    size_t counts[3][3] = {{0}};
    for (uint64_t epoch = 0; epoch < 6000; epoch++) {
        uint32_t order[3];
        lens_shuffle(order, 3, 1, epoch);
        counts[order[0]][order[1]]++;
    }
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < 3; j++)
            if (i != j)
                assert_in_range(counts[i][j], 870, 1130);
}

/* ---- loader -------------------------------------------------------------------------------- */

/* 10 images of one value, which is 100 + the image's number; its label is the number. */
static lens_dataset *numbered(void) {
    float values[10];
    int32_t numbers[10];
    lens_dataset *set;
    for (int i = 0; i < 10; i++)
        values[i] = (float)(100 + i), numbers[i] = i;
    assert_ok(lens_dataset_from_memory(&set, (lens_shape){10, 1, 1, 1}, values, numbers));
    return set;
}

static void loader_gives_every_image_once(void **state) {
    (void)state;
    lens_dataset *set = numbered();
    lens_loader_opts opts = lens_loader_defaults();
    opts.batch = 4;
    opts.seed = 5;
    opts.epoch = 2;
    uint32_t order[10];
    lens_shuffle(order, 10, 5, 2);
    lens_loader *loader;
    lens_batch batch;
    assert_ok(lens_loader_new(&loader, set, &opts));
    size_t at = 0;
    for (size_t index = 0; lens_loader_next(loader, &batch); index++) {
        assert_int_equal(batch.index, index);
        assert_int_equal(batch.epoch, 2);
        assert_int_equal(batch.count, index < 2 ? 4 : 2);
        for (size_t i = 0; i < batch.count; i++, at++) {
            assert_int_equal(batch.order[i], order[at]);
            assert_true(batch.labels[i] == (float)order[at]);
            assert_true(batch.images[i] == (float)(100 + order[at]));
        }
    }
    assert_int_equal(at, 10);
    assert_false(lens_loader_next(loader, &batch));
    assert_true(lens_loader_waited(loader) >= 0);
    lens_loader_free(loader);
    lens_dataset_free(set);
}

/* Batch `first` of epoch e and all after it are those of a loader that began with epoch 0. */
static void loader_resumes_anywhere(void **state) {
    (void)state;
    lens_dataset *set = numbered();
    lens_loader_opts opts = lens_loader_defaults();
    opts.batch = 3;
    opts.loop = true;
    lens_loader *whole;
    assert_ok(lens_loader_new(&whole, set, &opts));
    for (size_t step = 0; step < 12; step++) {
        lens_batch expected, batch;
        assert_true(lens_loader_next(whole, &expected));
        lens_loader_opts late = opts;
        late.epoch = step / 4;
        late.first = step % 4;
        lens_loader *resumed;
        assert_ok(lens_loader_new(&resumed, set, &late));
        assert_true(lens_loader_next(resumed, &batch));
        assert_int_equal(batch.epoch, expected.epoch);
        assert_int_equal(batch.index, expected.index);
        assert_int_equal(batch.count, expected.count);
        assert_memory_equal(batch.images, expected.images, batch.count * sizeof(float));
        lens_loader_free(resumed); /* in the middle: the thread stops */
    }
    lens_loader_free(whole);
    lens_dataset_free(set);
}

static void loader_keeps_the_order_and_scales_when_asked(void **state) {
    (void)state;
    lens_dataset *set = numbered();
    lens_loader_opts opts = lens_loader_defaults();
    opts.batch = 100; /* more than there are */
    opts.shuffle = false;
    opts.preprocess.scale = 0.5f;
    lens_loader *loader;
    lens_batch batch;
    assert_ok(lens_loader_new(&loader, set, &opts));
    assert_true(lens_loader_next(loader, &batch));
    assert_int_equal(batch.count, 10);
    for (size_t i = 0; i < 10; i++)
        assert_true(batch.images[i] == 0.5f * (float)(100 + i));
    assert_false(lens_loader_next(loader, &batch));
    lens_loader_free(loader);
    opts.batch = 0;
    assert_fails(lens_loader_new(&loader, set, &opts), LENS_BAD_ARGUMENT, "batch of 0");
    opts.batch = 5;
    opts.first = 3;
    assert_fails(lens_loader_new(&loader, set, &opts), LENS_BAD_ARGUMENT, "batch 3 of an epoch");
    lens_dataset_free(set);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(images_and_labels),
        cmocka_unit_test(colour_and_qmnist),
        cmocka_unit_test(wrong_sets_are_named),
        cmocka_unit_test(directories_by_any_name),
        cmocka_unit_test(fashion_mnist),
        cmocka_unit_test(bad_labels_in_memory_are_named),
        cmocka_unit_test(shuffles_are_permutations_of_seed_and_epoch),
        cmocka_unit_test(shuffles_are_unbiased),
        cmocka_unit_test(loader_gives_every_image_once),
        cmocka_unit_test(loader_resumes_anywhere),
        cmocka_unit_test(loader_keeps_the_order_and_scales_when_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
