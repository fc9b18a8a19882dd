/* test_plan.c: the memory planner: nothing that lives at one time shares an element, and what does
 * not, does share. */
#include "net/plan.h"
#include "support.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- what holds for every plan ----------------------------------------------------------------
 */

static bool meet_in_time(const lens_plan_item *a, const lens_plan_item *b) {
    return a->first_use <= b->last_use && b->first_use <= a->last_use;
}

static bool meet_in_memory(const lens_plan_item *a, const lens_plan_item *b) {
    return a->offset < b->offset + b->count && b->offset < a->offset + a->count;
}

static size_t round_up(size_t count, size_t alignment) {
    return (count + alignment - 1) / alignment * alignment;
}

/* The most elements that are alive at any one time: no plan can do with less. */
static size_t lower_bound(const lens_plan_item *items, size_t count, size_t alignment) {
    size_t most = 0;
    for (size_t i = 0; i < count; i++) {
        size_t alive = 0;
        for (size_t j = 0; j < count; j++)
            if (items[j].first_use <= items[i].first_use && items[i].first_use <= items[j].last_use)
                alive += round_up(items[j].count, alignment);
        if (alive > most)
            most = alive;
    }
    return most;
}

static void check_plan(const char *what, const lens_plan_item *items, size_t count,
                       size_t alignment, size_t total) {
    size_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        if (items[i].offset % alignment)
            fail_msg("%s: item %zu at %zu is not aligned to %zu", what, i, items[i].offset,
                     alignment);
        if (items[i].offset + items[i].count > total)
            fail_msg("%s: item %zu ends behind the total %zu", what, i, total);
        for (size_t j = 0; j < i; j++)
            if (meet_in_time(&items[i], &items[j]) && meet_in_memory(&items[i], &items[j]))
                fail_msg("%s: items %zu and %zu live at one time and overlap", what, i, j);
        sum += round_up(items[i].count, alignment);
    }
    assert_true(total >= lower_bound(items, count, alignment));
    assert_true(total <= sum);
}

/* ---- tests ------------------------------------------------------------------------------------
 */

static void nothing_needs_nothing(void **state) {
    (void)state;
    size_t total = 7;
    assert_ok(lens_plan_memory(NULL, 0, 32, &total));
    assert_int_equal(total, 0);
}

static void known_plans(void **state) {
    (void)state;
    size_t total;
    /* a forward chain: each value is read by the next layer only, so two places are enough */
    lens_plan_item chain[] = {{8, 0, 1, 0}, {8, 1, 2, 0}, {8, 2, 3, 0}, {8, 3, 4, 0}};
    assert_ok(lens_plan_memory(chain, 4, 1, &total));
    check_plan("chain", chain, 4, 1, total);
    assert_int_equal(total, 16);
    /* all at one time: no sharing at all */
    lens_plan_item together[] = {{3, 0, 9, 0}, {5, 9, 9, 0}, {7, 4, 9, 0}};
    assert_ok(lens_plan_memory(together, 3, 1, &total));
    check_plan("together", together, 3, 1, total);
    assert_int_equal(total, 15);
    assert_ok(lens_plan_memory(together, 3, 4, &total));
    check_plan("together, aligned", together, 3, 4, total);
    assert_int_equal(total, 4 + 8 + 8);
    /* two small ones after each other beside a large one, in the place of a middle one */
    lens_plan_item gap[] = {{2, 0, 0, 0}, {10, 0, 5, 0}, {2, 1, 1, 0}, {4, 2, 5, 0}};
    assert_ok(lens_plan_memory(gap, 4, 1, &total));
    check_plan("gap", gap, 4, 1, total);
    assert_int_equal(total, 14);
    /* a use at the very time of the other's last use counts as meeting */
    lens_plan_item touch[] = {{6, 0, 3, 0}, {6, 3, 4, 0}};
    assert_ok(lens_plan_memory(touch, 2, 1, &total));
    assert_int_equal(total, 12);
}

static void two_thousand_generated_plans(void **state) {
    (void)state;
    enum { MOST = 40 };
    size_t planned = 0, bound = 0;
    for (uint64_t seed = 0; seed < 2000; seed++) {
        lens_plan_item items[MOST], again[MOST];
        size_t count = 1 + test_random(seed, 0) % MOST, times = 1 + test_random(seed, 1) % 60;
        size_t alignment = (size_t[]){1, 2, 3, 32, 64}[test_random(seed, 2) % 5];
        for (size_t i = 0; i < count; i++) {
            size_t a = test_random(seed, 10 + 3 * i) % times;
            size_t b = test_random(seed, 11 + 3 * i) % times;
            items[i] = (lens_plan_item){.count = test_random(seed, 12 + 3 * i) % 300,
                                        .first_use = a < b ? a : b,
                                        .last_use = a < b ? b : a,
                                        .offset = SIZE_MAX};
            again[i] = items[i];
        }
        size_t total, total_again;
        char what[64];
        snprintf(what, sizeof what, "seed %zu", (size_t)seed);
        assert_ok(lens_plan_memory(items, count, alignment, &total));
        check_plan(what, items, count, alignment, total);
        assert_ok(lens_plan_memory(again, count, alignment, &total_again));
        assert_int_equal(total, total_again);
        for (size_t i = 0; i < count; i++)
            assert_int_equal(items[i].offset, again[i].offset);
        planned += total;
        bound += lower_bound(items, count, alignment);
    }
    /* Random lives are harder to pack than a net's; a quarter above the bound would be a fault. */
    assert_true((double)planned < 1.25 * (double)bound);
}

static void sizes_that_no_memory_holds(void **state) {
    (void)state;
    size_t total;
    lens_plan_item huge[] = {{SIZE_MAX - 1, 0, 1, 0}};
    assert_fails(lens_plan_memory(huge, 1, 32, &total), LENS_BAD_SHAPE, "do not fit");
    lens_plan_item two[] = {{SIZE_MAX / 2 + 1, 0, 1, 0}, {SIZE_MAX / 2 + 1, 0, 1, 0}};
    assert_fails(lens_plan_memory(two, 2, 1, &total), LENS_BAD_SHAPE, "do not fit");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_needs_nothing),
        cmocka_unit_test(known_plans),
        cmocka_unit_test(two_thousand_generated_plans),
        cmocka_unit_test(sizes_that_no_memory_holds),
    };
    return cmocka_run_group_tests(tests, NULL, test_close);
}
