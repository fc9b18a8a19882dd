/* test_philox.c: Philox4x32-10 against the vectors that its authors published. */
#include "support.h"
#include "core/philox.h"

static void known_answers(void **state) {
    (void)state;
    static const struct {
        uint32_t counter[4], key[2], out[4];
    } rows[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint32_t out[4];
        lens_philox(out, rows[i].counter, rows[i].key);
        assert_memory_equal(out, rows[i].out, sizeof out);
    }
}

static void every_part_of_the_counter_counts(void **state) {
    (void)state;
    uint32_t base = lens_random(1, LENS_STREAM_SHUFFLE, 2, 3, 4);
    assert_int_equal(base, lens_random(1, LENS_STREAM_SHUFFLE, 2, 3, 4));
    assert_int_not_equal(base, lens_random(2, LENS_STREAM_SHUFFLE, 2, 3, 4));
    assert_int_not_equal(base, lens_random(1ull << 32 | 1, LENS_STREAM_SHUFFLE, 2, 3, 4));
    assert_int_not_equal(base, lens_random(1, LENS_STREAM_INITIALIZE, 2, 3, 4));
    assert_int_not_equal(base, lens_random(1, LENS_STREAM_SHUFFLE, 3, 3, 4));
    assert_int_not_equal(base, lens_random(1, LENS_STREAM_SHUFFLE, 2, 4, 4));
    assert_int_not_equal(base, lens_random(1, LENS_STREAM_SHUFFLE, 2, 3ull << 32 | 3, 4));
    assert_int_not_equal(base, lens_random(1, LENS_STREAM_SHUFFLE, 2, 3, 5));
    assert_int_not_equal(base, lens_random(1, LENS_STREAM_SHUFFLE, 2, 3, 8));
}

static void uniform_is_below_one(void **state) {
    (void)state;
    assert_true(lens_uniform(0) == 0.0f);
    assert_true(lens_uniform(0xffffffff) < 1.0f);
    assert_true(lens_uniform(0x80000000) == 0.5f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),
        cmocka_unit_test(every_part_of_the_counter_counts),
        cmocka_unit_test(uniform_is_below_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
