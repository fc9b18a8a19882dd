/* test_npy.c: .npy files: round trips, NumPy's own bytes, and files that are wrong.
 */
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A version 1 file with this header and these values. */
static const char *npy(const char *name, const char *header, const void *values, size_t size) {
    unsigned char bytes[512] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0};
    size_t length = strlen(header);
    bytes[8] = (unsigned char)length;
    memcpy(bytes + 10, header, length);
    memcpy(bytes + 10 + length, values, size);
    const char *path = test_temp_path(name);
    test_write_file(path, bytes, 10 + length + size);
    return path;
}

static void what_is_written_is_read(void **state) {
    (void)state;
    const lens_shape shapes[] = {
        {1, 1, 1, 1}, {5, 1, 1, 1}, {2, 3, 1, 1}, {1, 2, 3, 4}, {2, 3, 4, 5}};
    for (size_t rank = 0; rank <= 4; rank++) {
        size_t count, read_rank;
        assert_ok(lens_shape_count(shapes[rank], &count));
        float *values = test_reals(count, rank), *back;
        lens_shape shape, written = shapes[rank];
        if (rank == 3) /* the leading three axes are written: n c h of (2, 3, 4, 1) */
            written = (lens_shape){2, 3, 4, 1};
        values[0] = rank == 1 ? NAN : values[0];
        const char *path = test_temp_path("round.npy");
        assert_ok(lens_npy_write(path, values, written, rank));
        assert_ok(lens_npy_read(&back, &shape, &read_rank, path));
        assert_int_equal(read_rank, rank);
        assert_true(lens_shape_equal(shape, rank == 3 ? (lens_shape){1, 2, 3, 4} : written));
        test_compare("round trip", back, values, count, 0, 0);
        free(values), free(back);
    }
}

static void the_header_is_numpys(void **state) {
    (void)state;
    const float values[] = {1, 2};
    size_t size;
    const char *path = test_temp_path("header.npy");
    assert_ok(lens_npy_write(path, values, (lens_shape){2, 1, 1, 1}, 1));
    char *bytes = test_read_file(path, &size);
    assert_int_equal(size, 128 + 8); /* as np.save: the values begin at a multiple of 64 */
    assert_memory_equal(bytes, "\x93NUMPY\x01\x00\x76\x00", 10);
    assert_memory_equal(bytes + 10, "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }",
                        57);
    assert_int_equal(bytes[127], '\n');
    free(bytes);
}

static void other_types_become_floats(void **state) {
    (void)state;
    static const struct {
        const char *type;
        unsigned char bytes[16];
        size_t size;
    } rows[] = {{"|u1", {3, 200}, 2},
                {"<i4", {3, 0, 0, 0, 200, 0, 0, 0}, 8},
                {"<i8", {3, 0, 0, 0, 0, 0, 0, 0, 200}, 16},
                {"<f8", {0, 0, 0, 0, 0, 0, 8, 0x40, 0, 0, 0, 0, 0, 0, 0x69, 0x40}, 16}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char header[128];
        float *values;
        lens_shape shape;
        snprintf(header, sizeof header,
                 "{'descr': '%s', 'fortran_order': False, 'shape': (2,), }\n", rows[i].type);
        assert_ok(lens_npy_read(&values, &shape, NULL,
                                npy("typed.npy", header, rows[i].bytes, rows[i].size)));
        assert_true(values[0] == 3 && values[1] == 200);
        free(values);
    }
}

static void wrong_files_are_named(void **state) {
    (void)state;
    static const struct {
        const char *header, *part;
        size_t size;
    } rows[] = {
        {"{'descr': '<f2', 'fortran_order': False, 'shape': (2,), }", "type '<f2'", 8},
        {"{'descr': '|O', 'fortran_order': False, 'shape': (2,), }", "type '|O'", 8},
        {"{'descr': '<f4', 'fortran_order': True, 'shape': (2, 1), }", "Fortran", 8},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", "needs 12", 8},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", "holds 8 bytes", 8},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (0,), }", "size of 0", 0},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 1, 1, 2), }", "at most 4", 8},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (-2,), }", "at most 4", 8},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999999,), }",
         "at most 4", 8},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }",
         "2^31 - 1", 8},
        {"{'fortran_order': False, 'shape': (2,), }", "descr", 8},
        {"{'descr': '<f4', 'shape': (2,), }", "fortran_order", 8},
        {"", "descr", 0},
    };
    float *values;
    lens_shape shape;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *path = npy("wrong.npy", rows[i].header, "\0\0\0\0\0\0\0", rows[i].size);
        assert_fails(lens_npy_read(&values, &shape, NULL, path), LENS_BAD_FILE, rows[i].part);
        assert_null(values);
    }
    assert_fails(lens_npy_read(&values, &shape, NULL, test_temp_path("no.npy")), LENS_BAD_FILE,
                 "no.npy: No such");
    assert_fails(lens_npy_read(&values, &shape, NULL, test_temp_dir()), LENS_BAD_FILE,
                 "no regular file");
}

static void every_truncation_is_named(void **state) {
    (void)state;
    const float two[] = {1, 2};
    const char *path = test_temp_path("whole.npy");
    assert_ok(lens_npy_write(path, two, (lens_shape){2, 1, 1, 1}, 1));
    size_t size;
    char *bytes = test_read_file(path, &size);
    for (size_t cut = 0; cut < size; cut++) {
        float *values;
        lens_shape shape;
        test_write_file(test_temp_path("cut.npy"), bytes, cut);
        assert_fails(lens_npy_read(&values, &shape, NULL, test_temp_path("cut.npy")), LENS_BAD_FILE,
                     "cut.npy");
    }
    free(bytes);
}

static void failed_writes_leave_nothing(void **state) {
    (void)state;
    const float one = 1;
    const lens_shape scalar = {1, 1, 1, 1};
    assert_fails(lens_npy_write("/no/such/place/x.npy", &one, scalar, 0), LENS_IO,
                 "/no/such/place/x.npy");
    assert_fails(lens_npy_write(test_temp_dir(), &one, scalar, 0), LENS_IO, "cannot be written");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),   cmocka_unit_test(the_header_is_numpys),
        cmocka_unit_test(other_types_become_floats), cmocka_unit_test(wrong_files_are_named),
        cmocka_unit_test(every_truncation_is_named), cmocka_unit_test(failed_writes_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
