/* test_dropout.c: dropout: the same bits on every device, from the counter alone. */
#include "core/philox.h"
#include "sweep.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct dropout_case {
    const char *name;
    lens_shape x;
    lens_dropout_opts opts;
} dropout_case;

static const dropout_case cases[] = {
    {"one number", {1, 1, 1, 1}, {0.5f, 1, 0, 0}},
    {"no whole block", {1, 3, 1, 1}, {0.5f, 1, 2, 3}},
    {"a vector and a bit", {1, 67, 1, 1}, {0.4f, 1, 2, 3}},
    {"maps", {3, 5, 7, 11}, {0.25f, UINT64_C(0x123456789abcdef0), UINT64_C(1) << 40, 0xffffff}},
    {"a dense layer's", {16, 4096, 1, 1}, {0.5f, 7, 100, 12}},
    {"nothing dropped", {2, 100, 1, 1}, {0, 1, 2, 3}},
    {"almost all dropped", {2, 1000, 1, 1}, {0.99f, 1, 2, 3}},
};
#define CASE_COUNT (sizeof cases / sizeof cases[0])

static float *run_forward(lens_context *context, void *user, size_t *count) {
    const dropout_case *c = user;
    *count = shape_count(c->x);
    float *values = test_reals(*count, 1);
    lens_tensor *x = test_tensor(context, c->x, values), *y = test_tensor(context, c->x, NULL);
    assert_ok(lens_dropout_forward(y, x, &c->opts));
    float *result = test_read(y);
    assert_ok(lens_dropout_forward(x, x, &c->opts)); /* in place: the same */
    float *again = test_read(x);
    test_compare("in place", again, result, *count, 0, 0);
    lens_tensor_free(x), lens_tensor_free(y);
    free(values), free(again);
    return result;
}

static float *run_backward(lens_context *context, void *user, size_t *count) {
    const dropout_case *c = user;
    *count = shape_count(c->x);
    float *slopes = test_reals(*count, 2);
    lens_tensor *dy = test_tensor(context, c->x, slopes);
    assert_ok(lens_dropout_backward_input(dy, dy, &c->opts)); /* dx may be dy */
    float *result = test_read(dy);
    lens_tensor_free(dy);
    free(slopes);
    return result;
}

static void device_equals_reference(void **state) {
    (void)state;
    for (size_t i = 0; i < CASE_COUNT; i++) {
        sweep_compare(cases[i].name, run_forward, (void *)&cases[i], 0, 0);
        sweep_compare(cases[i].name, run_backward, (void *)&cases[i], 0, 0);
    }
    for (uint64_t seed = 0; seed < 50; seed++) {
        dropout_case c = {.x = {draw(seed, 0, 1, 4), draw(seed, 1, 1, 90), 1, draw(seed, 2, 1, 5)},
                          .opts = {(float)draw(seed, 3, 0, 99) / 100, seed, draw(seed, 4, 0, 1000),
                                   (uint32_t)draw(seed, 5, 0, 100)}};
        sweep_compare("random", run_forward, &c, 0, 0);
    }
}

/* What ops.h says, word by word; backward keeps what forward kept. */
static void the_mask_is_philox(void **state) {
    (void)state;
    dropout_case c = cases[3];
    lens_context *contexts[] = {test_reference(), test_device()};
    for (int i = 0; i < 2; i++) {
        size_t count;
        float *y = run_forward(contexts[i], &c, &count),
              *dx = run_backward(contexts[i], &c, &count);
        float *x = test_reals(count, 1), *dy = test_reals(count, 2);
        for (size_t j = 0; j < count; j++) {
            uint32_t counter[] = {(uint32_t)j / 4, 3u << 24 | c.opts.index, (uint32_t)c.opts.step,
                                  (uint32_t)(c.opts.step >> 32)};
            uint32_t key[] = {(uint32_t)c.opts.seed, (uint32_t)(c.opts.seed >> 32)}, words[4];
            lens_philox(words, counter, key);
            bool kept = words[j % 4] >= (uint32_t)(0.25 * 0x1p32);
            assert_true(y[j] == (kept ? x[j] * (1 / 0.75f) : 0));
            assert_true(dx[j] == (kept ? dy[j] * (1 / 0.75f) : 0));
        }
        free(y), free(dx), free(x), free(dy);
    }
}

/* Among 65,536 draws the share dropped is within five standard deviations of the rate. */
static void drops_its_rate(void **state) {
    (void)state;
    static const float rates[] = {0.1f, 0.4f, 0.5f, 0.9f};
    for (int i = 0; i < 4; i++) {
        dropout_case c = cases[4];
        c.opts.rate = rates[i];
        size_t count, dropped = 0;
        float *y = run_forward(test_device(), &c, &count);
        for (size_t j = 0; j < count; j++)
            dropped += y[j] == 0;
        double deviation = sqrt(rates[i] * (1 - rates[i]) / (double)count);
        assert_true(fabs((double)dropped / (double)count - rates[i]) < 5 * deviation);
        free(y);
    }
}

/* Another seed, step or layer is another mask: about half of the elements change sides. */
static void each_counter_has_its_own_mask(void **state) {
    (void)state;
    dropout_case others[] = {cases[4], cases[4], cases[4]};
    others[0].opts.seed++, others[1].opts.step++, others[2].opts.index++;
    size_t count;
    float *y = run_forward(test_device(), (void *)&cases[4], &count);
    for (int i = 0; i < 3; i++) {
        size_t different = 0;
        float *other = run_forward(test_device(), &others[i], &count);
        for (size_t j = 0; j < count; j++)
            different += (y[j] == 0) != (other[j] == 0);
        assert_true(different > count * 48 / 100 && different < count * 52 / 100);
        free(other);
    }
    free(y);
}

static void bad_arguments_are_named(void **state) {
    (void)state;
    lens_tensor *x = test_tensor(test_device(), (lens_shape){1, 3, 1, 1}, NULL);
    lens_tensor *y = test_tensor(test_device(), (lens_shape){1, 4, 1, 1}, NULL);
    lens_dropout_opts opts = {.rate = 0.5f};
    assert_fails(lens_dropout_forward(y, x, &opts), LENS_BAD_SHAPE, "y is (1, 4, 1, 1)");
    assert_fails(lens_dropout_backward_input(y, x, &opts), LENS_BAD_SHAPE, "dx is");
    opts.rate = 1;
    assert_fails(lens_dropout_forward(x, x, &opts), LENS_BAD_ARGUMENT, "rate is 1");
    opts.rate = -0.5f;
    assert_fails(lens_dropout_backward_input(x, x, &opts), LENS_BAD_ARGUMENT, "rate is -0.5");
    opts = (lens_dropout_opts){.rate = 0.5f, .index = 1 << 24};
    assert_fails(lens_dropout_forward(x, x, &opts), LENS_BAD_ARGUMENT, "index is 16777216");
    lens_tensor_free(x), lens_tensor_free(y);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(device_equals_reference), cmocka_unit_test(the_mask_is_philox),
        cmocka_unit_test(drops_its_rate),          cmocka_unit_test(each_counter_has_its_own_mask),
        cmocka_unit_test(bad_arguments_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, test_close);
}
