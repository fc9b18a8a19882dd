/* test_cifar.c: the binary versions of CIFAR-10 and CIFAR-100, small ones written here.
 */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PIXELS = 3 * 32 * 32 };

static void write_in(const char *folder, const char *name, const void *bytes, size_t size) {
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    test_write_file(path, bytes, size);
}

/* A new folder of this name; in one of two static buffers. */
static const char *new_folder(const char *name) {
    static char paths[2][512];
    static int next;
    char *path = paths[next++ % 2];
    snprintf(path, sizeof paths[0], "%s/%s", test_temp_dir(), name);
    assert_int_equal(mkdir(path, 0700), 0);
    return path;
}

/* `count` records whose pixel i of image k is tag + k + i, modulo 256. */
static size_t make_records(unsigned char *bytes, size_t count, size_t label_bytes,
                           const unsigned char *labels, unsigned tag) {
    size_t record = label_bytes + PIXELS;
    for (size_t k = 0; k < count; k++) {
        memcpy(bytes + k * record, labels + k * label_bytes, label_bytes);
        for (size_t i = 0; i < PIXELS; i++)
            bytes[k * record + label_bytes + i] = (unsigned char)(tag + k + i);
    }
    return count * record;
}

static void write_cifar10(const char *folder) {
    unsigned char bytes[2 * (1 + PIXELS)];
    for (unsigned batch = 1; batch <= 5; batch++) {
        char name[32];
        const unsigned char labels[] = {(unsigned char)batch, (unsigned char)(10 - batch)};
        snprintf(name, sizeof name, "data_batch_%u.bin", batch);
        write_in(folder, name, bytes, make_records(bytes, 2, 1, labels, 10 * batch));
    }
    write_in(folder, "test_batch.bin", bytes,
             make_records(bytes, 1, 1, (const unsigned char[]){0}, 99));
}

static void cifar10_in_its_files_order(void **state) {
    (void)state;
    const char *folder = new_folder("ten");
    write_cifar10(folder);
    lens_dataset *set;
    assert_ok(lens_dataset_read_dir(&set, folder, LENS_SPLIT_TRAIN));
    assert_true(lens_shape_equal(lens_dataset_shape(set), (lens_shape){10, 3, 32, 32}));
    assert_int_equal(lens_dataset_classes(set), 10);
    assert_null(lens_dataset_class_name(set, 0));
    for (size_t i = 0; i < 10; i++) {
        int batch = (int)i / 2 + 1;
        float values[PIXELS];
        assert_int_equal(lens_dataset_label(set, i), i % 2 ? 10 - batch : batch);
        lens_dataset_image(set, i, 1, values);
        for (size_t k = 0; k < PIXELS; k++)
            assert_true(values[k] == (float)((10 * (size_t)batch + i % 2 + k) % 256));
    }
    lens_dataset_free(set);
    assert_ok(lens_dataset_read_dir(&set, folder, LENS_SPLIT_TEST));
    assert_int_equal(lens_dataset_shape(set).n, 1);
    assert_int_equal(lens_dataset_classes(set), 10);
    lens_dataset_free(set);
}

static void names_and_the_archives_folder(void **state) {
    (void)state;
    const char *folder = new_folder("unpacked");
    write_cifar10(new_folder("unpacked/cifar-10-batches-bin"));
    static const char names[] = "airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\n"
                                "truck\n\n";
    write_in(folder, "cifar-10-batches-bin/batches.meta.txt", names, sizeof names - 1);
    lens_dataset *set;
    assert_ok(lens_dataset_read_cifar(&set, folder, LENS_SPLIT_TEST));
    assert_string_equal(lens_dataset_class_name(set, 9), "truck");
    lens_dataset_free(set);
}

static void cifar100_has_the_fine_classes(void **state) {
    (void)state;
    const char *folder = new_folder("hundred");
    unsigned char bytes[3 * (2 + PIXELS)];
    const unsigned char labels[] = {19, 99, 0, 5, 7, 0};
    write_in(folder, "train.bin", bytes, make_records(bytes, 3, 2, labels, 0));
    lens_dataset *set;
    assert_ok(lens_dataset_read_dir(&set, folder, LENS_SPLIT_TRAIN));
    assert_int_equal(lens_dataset_classes(set), 100);
    assert_int_equal(lens_dataset_label(set, 0), 99);
    assert_int_equal(lens_dataset_label(set, 1), 5);
    assert_int_equal(lens_dataset_label(set, 2), 0);
    lens_dataset_free(set);
    assert_fails(lens_dataset_read_dir(&set, folder, LENS_SPLIT_TEST), LENS_BAD_FILE, "test.bin");
    const unsigned char coarse[] = {20, 3};
    write_in(folder, "test.bin", bytes, make_records(bytes, 1, 2, coarse, 0));
    assert_fails(lens_dataset_read_dir(&set, folder, LENS_SPLIT_TEST), LENS_BAD_FILE,
                 "label 20 of image 0; there are 20 classes");
}

static void wrong_files_are_named(void **state) {
    (void)state;
    const char *folder = new_folder("wrong");
    unsigned char bytes[2 * (1 + PIXELS)];
    size_t size = make_records(bytes, 2, 1, (const unsigned char[]){1, 10}, 0);
    lens_dataset *set;
    write_in(folder, "test_batch.bin", bytes, size);
    assert_fails(lens_dataset_read_dir(&set, folder, LENS_SPLIT_TEST), LENS_BAD_FILE,
                 "label 10 of image 1; there are 10 classes");
    write_in(folder, "test_batch.bin", bytes, size - 1);
    assert_fails(lens_dataset_read_dir(&set, folder, LENS_SPLIT_TEST), LENS_BAD_FILE,
                 "has 6145 bytes; records have 3073 each");
    write_in(folder, "test_batch.bin", bytes, 0);
    assert_fails(lens_dataset_read_dir(&set, folder, LENS_SPLIT_TEST), LENS_BAD_FILE,
                 "test_batch.bin");
    assert_fails(lens_dataset_read_dir(&set, folder, LENS_SPLIT_TRAIN), LENS_BAD_FILE,
                 "data_batch_1.bin: No such");
    assert_fails(lens_dataset_read_cifar(&set, test_temp_dir(), LENS_SPLIT_TRAIN), LENS_BAD_FILE,
                 "neither data_batch_1.bin (CIFAR-10) nor train.bin (CIFAR-100)");
    const char *python = new_folder("python");
    write_in(python, "data_batch_1", "x", 1);
    write_in(python, "batches.meta", "x", 1);
    assert_fails(lens_dataset_read_dir(&set, python, LENS_SPLIT_TRAIN), LENS_BAD_FILE,
                 "is CIFAR for Python; get its \"binary version\"");
    assert_null(set);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cifar10_in_its_files_order),
        cmocka_unit_test(names_and_the_archives_folder),
        cmocka_unit_test(cifar100_has_the_fine_classes),
        cmocka_unit_test(wrong_files_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
