/* test_upload.c: writing tensors: the host's array may be reused at once, however far the device is
 * behind, and writes of every size arrive in order. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

static void the_array_may_be_reused_at_once(void **state) {
    (void)state;
    enum { COUNT = 5000, WRITES = 200 };
    lens_context *context = test_device();
    lens_tensor *x = test_tensor(context, (lens_shape){1, COUNT, 1, 1}, NULL);
    lens_tensor *kept = test_tensor(context, (lens_shape){WRITES, COUNT, 1, 1}, NULL);
    float *values = malloc(COUNT * sizeof *values);
    for (size_t i = 0; i < WRITES; i++) {
        lens_tensor *row;
        for (size_t j = 0; j < COUNT; j++)
            values[j] = (float)(i * 10 + j % 10);
        assert_ok(lens_tensor_write(x, values));
        memset(values, 0, COUNT * sizeof *values);
        assert_ok(lens_tensor_view(&row, kept, i * COUNT, (lens_shape){1, COUNT, 1, 1}));
        assert_ok(lens_tensor_copy(row, x));
        lens_tensor_free(row);
    }
    float *got = test_read(kept);
    for (size_t i = 0; i < WRITES * COUNT; i++)
        assert_true(got[i] == (float)(i / COUNT * 10 + i % COUNT % 10));
    free(got);
    free(values);
    lens_tensor_free(x);
    lens_tensor_free(kept);
}

/* Small and large in turn, around the size from which a write waits. */
static void sizes_in_turn(void **state) {
    (void)state;
    static const size_t counts[] = {1, 7, 100000, 3, ((size_t)4 << 20) + 1, (size_t)4 << 20, 2};
    lens_context *context = test_device();
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        float *values = test_reals(counts[i], 50 + i);
        lens_tensor *x = test_tensor(context, (lens_shape){1, counts[i], 1, 1}, NULL);
        assert_ok(lens_tensor_write(x, values));
        float *got = test_read(x);
        assert_memory_equal(got, values, counts[i] * sizeof *values);
        free(got);
        free(values);
        lens_tensor_free(x); /* a tensor may go while its write is on its way, too */
        x = test_tensor(context, (lens_shape){1, 9, 1, 1}, NULL);
        assert_ok(lens_tensor_write(x, (float[9]){0}));
        lens_tensor_free(x);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_array_may_be_reused_at_once),
        cmocka_unit_test(sizes_in_turn),
    };
    return cmocka_run_group_tests(tests, NULL, test_close);
}
