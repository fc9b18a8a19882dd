/* test_schedule.c: the learning rate over a run. */
#include "support.h"
#include "train/watch.h"

#include <math.h>

static void known_factors(void **state) {
    (void)state;
    static const struct {
        const char *name;
        lens_schedule schedule;
        uint64_t step, per_epoch, steps;
        double factor;
        uint64_t drops;
    } cases[] = {
        {"constant, first", {LENS_CONSTANT, 0.1f, 1, 0}, 0, 10, 100, 1},
        {"constant, last", {LENS_CONSTANT, 0.1f, 1, 0}, 99, 10, 100, 1},
        {"warm-up, first", {LENS_CONSTANT, 0.1f, 1, 4}, 0, 10, 100, 0.25},
        {"warm-up, third", {LENS_CONSTANT, 0.1f, 1, 4}, 2, 10, 100, 0.75},
        {"warm-up, its last", {LENS_CONSTANT, 0.1f, 1, 4}, 3, 10, 100, 1},
        {"warm-up, behind it", {LENS_CONSTANT, 0.1f, 1, 4}, 4, 10, 100, 1},
        {"warm-up longer than the run", {LENS_COSINE, 0.1f, 1, 200}, 99, 10, 100, 0.5},
        {"step, end of the first epoch", {LENS_STEP, 0.5f, 1, 0}, 9, 10, 100, 1},
        {"step, second epoch", {LENS_STEP, 0.5f, 1, 0}, 10, 10, 100, 0.5},
        {"step, fourth epoch", {LENS_STEP, 0.5f, 1, 0}, 39, 10, 100, 0.125},
        {"step every 3, third epoch", {LENS_STEP, 0.5f, 3, 0}, 29, 10, 100, 1},
        {"step every 3, seventh epoch", {LENS_STEP, 0.5f, 3, 0}, 60, 10, 100, 0.25},
        {"step every 0 is every 1", {LENS_STEP, 0.5f, 0, 0}, 10, 10, 100, 0.5},
        {"exponential, first", {LENS_EXPONENTIAL, 0.25f, 1, 0}, 0, 10, 100, 1},
        {"exponential, half an epoch", {LENS_EXPONENTIAL, 0.25f, 1, 0}, 5, 10, 100, 0.5},
        {"exponential, two epochs", {LENS_EXPONENTIAL, 0.25f, 1, 0}, 20, 10, 100, 0.0625},
        {"LeCun, second epoch", {LENS_LECUN1998, 0.1f, 1, 0}, 19, 10, 200, 1},
        {"LeCun, third epoch", {LENS_LECUN1998, 0.1f, 1, 0}, 20, 10, 200, 0.4},
        {"LeCun, sixth epoch", {LENS_LECUN1998, 0.1f, 1, 0}, 50, 10, 200, 0.2},
        {"LeCun, ninth epoch", {LENS_LECUN1998, 0.1f, 1, 0}, 80, 10, 200, 0.1},
        {"LeCun, twelfth epoch", {LENS_LECUN1998, 0.1f, 1, 0}, 119, 10, 200, 0.1},
        {"LeCun, thirteenth epoch", {LENS_LECUN1998, 0.1f, 1, 0}, 120, 10, 200, 0.02},
        {"plateau, none", {LENS_PLATEAU, 0.1f, 5, 0}, 90, 10, 100, 1},
        {"plateau, after two", {LENS_PLATEAU, 0.5f, 5, 0}, 50, 10, 100, 0.25, 2},
        {"plateau, in the warm-up", {LENS_PLATEAU, 0.5f, 5, 20}, 9, 10, 100, 0.5, 1},
        {"cosine, first", {LENS_COSINE, 0.1f, 1, 0}, 0, 10, 100, 1},
        {"cosine, a third", {LENS_COSINE, 0.1f, 1, 0}, 33, 10, 99, 0.75},
        {"cosine, half", {LENS_COSINE, 0.1f, 1, 0}, 50, 10, 100, 0.5},
        {"cosine, behind a warm-up", {LENS_COSINE, 0.1f, 1, 20}, 20, 10, 100, 1},
        {"cosine, half of what is left", {LENS_COSINE, 0.1f, 1, 20}, 60, 10, 100, 0.5},
        {"cosine, past the end", {LENS_COSINE, 0.1f, 1, 20}, 100, 10, 100, 0},
        {"cosine, far past it", {LENS_COSINE, 0.1f, 1, 0}, 1000, 10, 100, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        float factor = lens_schedule_factor(&cases[i].schedule, cases[i].step, cases[i].per_epoch,
                                            cases[i].steps, cases[i].drops);
        if (!(fabs(factor - cases[i].factor) < 1e-6))
            fail_msg("%s: %g, expected %g", cases[i].name, (double)factor, cases[i].factor);
    }
}

/* ---- on plateau, and out of patience ----------------------------------------------------------
 */

static void a_plateau_is_counted_in_epochs(void **state) {
    (void)state;
    lens_recipe recipe = lens_recipe_defaults();
    recipe.schedule = (lens_schedule){LENS_PLATEAU, 0.1f, 2, 0};
    recipe.patience = 4;
    recipe.min_delta = 0.125f;
    static const struct {
        double loss;
        uint64_t drops, stale;
    } epochs[] = {
        {2, 0, 0},     {1, 0, 0},   {0.9, 0, 1}, /* better, but by less than min_delta */
        {0.875, 1, 2},                           /* not below 1 - 0.125: the second in a row */
        {0.5, 1, 0},   {NAN, 1, 1}, {1, 2, 2},   {0.5, 2, 3}, {INFINITY, 3, 4},
    };
    lens_watch watch = lens_watch_start();
    for (size_t i = 0; i < sizeof epochs / sizeof epochs[0]; i++) {
        assert_false(lens_watch_out_of_patience(&watch, &recipe));
        lens_watch_epoch(&watch, &recipe, epochs[i].loss);
        assert_int_equal(watch.drops, epochs[i].drops);
        assert_int_equal(watch.stale, epochs[i].stale);
    }
    assert_true(lens_watch_out_of_patience(&watch, &recipe));
    recipe.patience = 0;
    assert_false(lens_watch_out_of_patience(&watch, &recipe));
    recipe.schedule.kind = LENS_STEP; /* only a plateau drops */
    lens_watch_epoch(&watch, &recipe, 9);
    lens_watch_epoch(&watch, &recipe, 9);
    assert_int_equal(watch.drops, 3);
}

/* Up, then never up again, and never above 1 or below 0. */
static void cosine_rises_once_and_falls(void **state) {
    (void)state;
    lens_schedule schedule = {LENS_COSINE, 0.1f, 1, 37};
    float before = 0;
    for (uint64_t step = 0; step < 500; step++) {
        float factor = lens_schedule_factor(&schedule, step, 100, 500, 0);
        assert_true(factor > 0 && factor <= 1);
        assert_true(step <= 37 ? factor >= before : factor <= before);
        before = factor;
    }
    assert_true(before < 1e-4f);
}

static void names(void **state) {
    (void)state;
    assert_string_equal(lens_schedule_name(LENS_CONSTANT), "constant");
    assert_string_equal(lens_schedule_name(LENS_STEP), "step");
    assert_string_equal(lens_schedule_name(LENS_EXPONENTIAL), "exponential");
    assert_string_equal(lens_schedule_name(LENS_COSINE), "cosine");
    assert_string_equal(lens_schedule_name(LENS_LECUN1998), "lecun1998");
    assert_string_equal(lens_schedule_name((lens_schedule_kind)9), "unknown");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_factors),
        cmocka_unit_test(a_plateau_is_counted_in_epochs),
        cmocka_unit_test(cosine_rises_once_and_falls),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, test_close);
}
