/* test_idx.c: IDX files: every type, plain and gzip'd, and every way in which a file can be wrong.
 */
#include "support.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static const char *write_gz(const char *name, const void *bytes, size_t size) {
    const char *path = test_temp_path(name);
    gzFile file = gzopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(gzwrite(file, bytes, (unsigned)size), size);
    assert_int_equal(gzclose(file), Z_OK);
    return path;
}

static const char *write_plain(const char *name, const void *bytes, size_t size) {
    const char *path = test_temp_path(name);
    test_write_file(path, bytes, size);
    return path;
}

/* 2 images of 1 x 3 bytes */
static const unsigned char small[] = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0,
                                      1, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6};

static void plain_and_packed_read_alike(void **state) {
    (void)state;
    /* The names say the opposite of the content, which alone counts. */
    const char *paths[] = {write_plain("plain.gz", small, sizeof small),
                           write_gz("packed", small, sizeof small)};
    for (int i = 0; i < 2; i++) {
        lens_idx idx;
        assert_ok(lens_idx_read(&idx, paths[i]));
        assert_int_equal(idx.type, 8);
        assert_int_equal(idx.rank, 3);
        assert_int_equal(idx.dims[0], 2);
        assert_int_equal(idx.dims[2], 3);
        assert_int_equal(idx.count, 6);
        assert_memory_equal(idx.values, small + 16, 6);
        lens_idx_free(&idx);
    }
}

static void values_are_big_endian(void **state) {
    (void)state;
    static const struct {
        int type;
        unsigned char bytes[8];
        size_t size;
    } rows[] = {{0x09, {0xfe}, 1},
                {0x0b, {0xff, 0xfe}, 2},
                {0x0c, {0xff, 0xff, 0xff, 0xfe}, 4},
                {0x0d, {0xc0, 0, 0, 0}, 4},
                {0x0e, {0xc0, 0, 0, 0, 0, 0, 0, 0}, 8}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        unsigned char bytes[16] = {0, 0, (unsigned char)rows[i].type, 1, 0, 0, 0, 1};
        memcpy(bytes + 8, rows[i].bytes, rows[i].size);
        lens_idx idx;
        assert_ok(lens_idx_read(&idx, write_plain("typed", bytes, 8 + rows[i].size)));
        double value = rows[i].type == 0x09   ? *(int8_t *)idx.values
                       : rows[i].type == 0x0b ? *(int16_t *)idx.values
                       : rows[i].type == 0x0c ? *(int32_t *)idx.values
                       : rows[i].type == 0x0d ? (double)*(float *)idx.values
                                              : *(double *)idx.values;
        assert_true(value == -2);
        lens_idx_free(&idx);
    }
}

static void every_truncation_is_named(void **state) {
    (void)state;
    lens_idx idx;
    for (size_t size = 0; size < sizeof small; size++) {
        assert_fails(lens_idx_read(&idx, write_plain("cut", small, size)), LENS_BAD_FILE,
                     "truncated");
        assert_null(idx.values);
        assert_fails(lens_idx_read(&idx, write_gz("cut.gz", small, size)), LENS_BAD_FILE, "cut.gz");
    }
    size_t packed_size;
    char *packed = test_read_file(write_gz("whole.gz", small, sizeof small), &packed_size);
    for (size_t size = 2; size < packed_size; size++)
        assert_fails(lens_idx_read(&idx, write_plain("broken.gz", packed, size)), LENS_BAD_FILE,
                     "broken.gz");
    free(packed);
}

static void wrong_files_are_named(void **state) {
    (void)state;
    lens_idx idx;
    unsigned char bytes[sizeof small + 1];
    memcpy(bytes, small, sizeof small);
    bytes[sizeof small] = 7;
    assert_fails(lens_idx_read(&idx, write_plain("long", bytes, sizeof bytes)), LENS_BAD_FILE,
                 "more bytes");
    bytes[0] = 1;
    assert_fails(lens_idx_read(&idx, write_plain("magic", bytes, sizeof small)), LENS_BAD_FILE,
                 "begins with 01 00");
    bytes[0] = 0, bytes[2] = 0x0a;
    assert_fails(lens_idx_read(&idx, write_plain("type", bytes, sizeof small)), LENS_BAD_FILE,
                 "type 0x0a");
    bytes[2] = 8, bytes[3] = 5;
    assert_fails(lens_idx_read(&idx, write_plain("rank", bytes, sizeof small)), LENS_BAD_FILE,
                 "rank 5");
    bytes[3] = 3, bytes[7] = 0;
    assert_fails(lens_idx_read(&idx, write_plain("zero", bytes, sizeof small)), LENS_BAD_FILE,
                 "size 0 of axis 0");
    memset(bytes + 4, 0xff, 12); /* 2^96 values: never asked for */
    assert_fails(lens_idx_read(&idx, write_plain("huge", bytes, sizeof small)), LENS_BAD_FILE,
                 "below 2^31");
    const unsigned char promise[] = {0, 0, 8, 1, 0x7f, 0xff, 0xff, 0xff, 1};
    assert_fails(lens_idx_read(&idx, write_plain("promise", promise, sizeof promise)),
                 LENS_BAD_FILE, "promises 2147483647 bytes");
    assert_fails(lens_idx_read(&idx, test_temp_path("nowhere")), LENS_BAD_FILE, "nowhere: No such");
    assert_fails(lens_idx_read(&idx, test_temp_dir()), LENS_BAD_FILE, "no regular file");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_and_packed_read_alike),
        cmocka_unit_test(values_are_big_endian),
        cmocka_unit_test(every_truncation_is_named),
        cmocka_unit_test(wrong_files_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
