/* sweep.c: one operation's pass on two contexts. */
#include "sweep.h"

#include <stdlib.h>
#include <string.h>

void sweep_compare(const char *what, sweep_run *run, void *user, double relative, double absolute) {
    size_t count, again_count;
    float *expected = run(test_reference(), user, &count);
    float *got = run(test_device(), user, &again_count);
    assert_int_equal(count, again_count);
    test_compare(what, got, expected, count, relative, absolute);
    for (int i = 0; i < 2; i++) {
        float *again = run(test_device(), user, &again_count);
        if (memcmp(again, got, count * sizeof *got) != 0)
            fail_msg("%s: run %d gives other bits than the first", what, i + 2);
        free(again);
    }
    free(expected), free(got);
}

size_t shape_count(lens_shape shape) {
    size_t count;
    assert_ok(lens_shape_count(shape, &count));
    return count;
}

size_t draw(uint64_t seed, size_t index, size_t low, size_t high) {
    return low + test_random(seed, index) % (high - low + 1);
}
