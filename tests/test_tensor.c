/* test_tensor.c: making tensors, views of them, and moving values, on the reference and on the
 * device under test.
 */
#include "support.h"

#include <stdlib.h>
#include <string.h>

static lens_context *contexts[2];

static int open_both(void **state) {
    (void)state;
    contexts[0] = test_reference();
    contexts[1] = test_device();
    return 0;
}

static void values_come_back(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) {
        float *values = test_reals(2 * 3 * 4 * 5, 1);
        lens_tensor *a = test_tensor(contexts[i], (lens_shape){2, 3, 4, 5}, values);
        lens_tensor *b = test_tensor(contexts[i], (lens_shape){1, 120, 1, 1}, NULL);
        assert_int_equal(lens_tensor_count(a), 120);
        assert_ptr_equal(lens_tensor_context(a), contexts[i]);
        assert_ok(lens_tensor_copy(b, a)); /* shapes may differ, counts not */
        float *back = test_read(b);
        assert_memory_equal(back, values, 120 * sizeof *values);
        assert_ok(lens_tensor_fill(b, -2.5f));
        free(back);
        back = test_read(b);
        assert_true(back[0] == -2.5f && back[119] == -2.5f);
        free(back), free(values);
        lens_tensor_free(a), lens_tensor_free(b);
    }
}

static void writes_are_done_with_the_callers_memory(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) {
        lens_tensor *a = test_tensor(contexts[i], (lens_shape){1, 1000, 1, 1}, NULL);
        float *values = malloc(1000 * sizeof *values);
        assert_non_null(values);
        for (int round = 0; round < 50; round++) {
            for (int j = 0; j < 1000; j++)
                values[j] = (float)(round + j);
            assert_ok(lens_tensor_write(a, values));
            memset(values, 0xff, 1000 * sizeof *values); /* must not be seen */
        }
        float *back = test_read(a);
        for (int j = 0; j < 1000; j++)
            assert_true(back[j] == (float)(49 + j));
        free(back), free(values);
        lens_tensor_free(a);
    }
}

static void views_share_memory(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) {
        const float values[] = {0, 1, 2, 3, 4, 5, 6};
        lens_tensor *base = test_tensor(contexts[i], (lens_shape){7, 1, 1, 1}, values), *view,
                    *inner;
        assert_ok(lens_tensor_view(&view, base, 2, (lens_shape){1, 4, 1, 1}));
        assert_ok(lens_tensor_view(&inner, view, 1, (lens_shape){1, 1, 1, 2}));
        float *seen = test_read(inner);
        assert_true(seen[0] == 3 && seen[1] == 4);
        free(seen);
        assert_ok(lens_tensor_fill(inner, 9));
        seen = test_read(base);
        const float expected[] = {0, 1, 2, 9, 9, 5, 6};
        assert_memory_equal(seen, expected, sizeof expected);
        free(seen);
        lens_tensor_free(inner), lens_tensor_free(view), lens_tensor_free(base);
    }
}

static void memory_is_counted(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) {
        size_t peak, before = lens_context_memory(contexts[i], NULL);
        lens_tensor *a = test_tensor(contexts[i], (lens_shape){1, 1, 1, 100}, NULL), *view;
        assert_ok(lens_tensor_view(&view, a, 0, (lens_shape){1, 1, 1, 10}));
        assert_int_equal(lens_context_memory(contexts[i], &peak), before + 400);
        assert_true(peak >= before + 400);
        lens_tensor_free(view), lens_tensor_free(a);
        assert_int_equal(lens_context_memory(contexts[i], NULL), before);
    }
}

static void bad_shapes_are_named(void **state) {
    (void)state;
    lens_tensor *a, *b = test_tensor(contexts[1], (lens_shape){1, 10, 1, 1}, NULL);
    assert_fails(lens_tensor_new(&a, contexts[1], (lens_shape){1, 0, 2, 3}), LENS_BAD_SHAPE,
                 "(1, 0, 2, 3) has a size of 0");
    assert_fails(lens_tensor_new(&a, contexts[1], (lens_shape){1 << 16, 1 << 16, 1, 1}),
                 LENS_BAD_SHAPE, "more than 2^31 - 1");
    assert_fails(lens_tensor_new(&a, contexts[1], (lens_shape){SIZE_MAX, SIZE_MAX, 2, 2}),
                 LENS_BAD_SHAPE, "more than 2^31 - 1");
    assert_fails(lens_tensor_view(&a, b, 8, (lens_shape){1, 3, 1, 1}), LENS_BAD_SHAPE,
                 "at element 8 reaches past the 10 elements");
    assert_fails(lens_tensor_view(&a, b, SIZE_MAX, (lens_shape){1, 1, 1, 1}), LENS_BAD_SHAPE,
                 "reaches past");
    assert_null(a);
    lens_tensor *c = test_tensor(contexts[1], (lens_shape){1, 9, 1, 1}, NULL);
    assert_fails(lens_tensor_copy(c, b), LENS_BAD_SHAPE, "10 elements into 9");
    lens_tensor_free(b), lens_tensor_free(c);
}

static void what_the_device_cannot_hold_is_refused(void **state) {
    (void)state;
    const lens_device_info *device = lens_context_device(contexts[1]);
    lens_shape most = {1, INT32_MAX, 1, 1};
    lens_tensor *a;
    if (device->allocation_bytes / sizeof(float) >= most.c)
        skip(); /* a device that large takes any tensor there can be */
    assert_fails(lens_tensor_new(&a, contexts[1], most), LENS_OUT_OF_MEMORY,
                 "the largest allocation of");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_come_back),
        cmocka_unit_test(writes_are_done_with_the_callers_memory),
        cmocka_unit_test(views_share_memory),
        cmocka_unit_test(memory_is_counted),
        cmocka_unit_test(bad_shapes_are_named),
        cmocka_unit_test(what_the_device_cannot_hold_is_refused),
    };
    return cmocka_run_group_tests(tests, open_both, test_close);
}
