/* test_limits.c: measuring a device's limits gives numbers that can be, and says what cannot. */
#include "support.h"

static void limits_are_positive_and_not_absurd(void **state) {
    (void)state;
    lens_limits limits = {0};
    if (test_device_is_reference())
        skip();
    for (int i = 0; i < 2; i++) {
        assert_ok(lens_context_limits(test_device(), &limits));
        assert_true(limits.flops > 1e6 && limits.flops < 1e16);
        assert_true(limits.bytes > 1e6 && limits.bytes < 1e14);
    }
}

static void the_reference_has_none(void **state) {
    (void)state;
    lens_limits limits;
    assert_fails(lens_context_limits(test_reference(), &limits), LENS_UNSUPPORTED, "reference");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_are_positive_and_not_absurd),
        cmocka_unit_test(the_reference_has_none),
    };
    return cmocka_run_group_tests(tests, NULL, test_close);
}
