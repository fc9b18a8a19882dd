/* test_initialize.c: starting weights: their first values, their statistics, the same on every
 * device. */
#include "core/philox.h"
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* One dense layer of `units` on `inputs`, or a convolution of `units` filters 3 x 3 on `inputs`
 * channels in `groups`. */
static lens_net *new_net(lens_context *context, lens_layer_kind kind, size_t inputs, size_t units,
                         size_t groups, lens_initializer_kind initializer) {
    lens_layer_spec layer = {.name = "only", .kind = kind};
    lens_net_spec spec = {
        .name = "one", .input = {1, inputs, 1, 1}, .layer_count = 1, .layers = &layer};
    if (kind == LENS_LAYER_DENSE) {
        layer.dense.units = units;
        layer.dense.initializer.kind = initializer;
    } else {
        spec.input.h = spec.input.w = 3;
        layer.conv2d.filters = units;
        layer.conv2d.kernel_h = layer.conv2d.kernel_w = 3;
        layer.conv2d.opts = lens_conv2d_defaults();
        layer.conv2d.opts.groups = groups;
        layer.conv2d.initializer.kind = initializer;
    }
    lens_net *net;
    assert_ok(lens_net_new(&net, context, &spec, NULL));
    return net;
}

static float *weights_for(lens_net *net, uint64_t seed) {
    assert_ok(lens_net_initialize(net, seed));
    return test_read(lens_net_parameter(net, 0)->value);
}

/* ---- first values -----------------------------------------------------------------------------
 */

/* Philox with counter (0, 1 << 24, 0, 0) and key 0 gives the words that these come from; the values
 * were computed from the formula in Python. */
static void first_values_for_seed_0(void **state) {
    (void)state;
    uint32_t word[4];
    for (uint32_t i = 0; i < 4; i++)
        word[i] = lens_random(0, LENS_STREAM_INITIALIZE, 0, 0, i);
    lens_net *net = new_net(test_reference(), LENS_LAYER_DENSE, 4, 2, 1, LENS_GLOROT_UNIFORM);
    float *w = weights_for(net, 0);
    static const float uniform[] = {0.323947069f, 0.171199741f, -0.631300708f, 0.502601008f};
    for (size_t i = 0; i < 4; i++) {
        double u = ((double)word[i] + 0.5) / 4294967296.0;
        assert_true(w[i] == (float)(sqrt(6.0 / (4 + 2)) * (2 * u - 1)));
        assert_true(w[i] == uniform[i]);
    }
    free(w);
    lens_net_free(net);

    net = new_net(test_reference(), LENS_LAYER_DENSE, 4, 2, 1, LENS_HE_NORMAL);
    w = weights_for(net, 0);
    static const float normal[] = {-0.55160525f, -0.329030925f, 0.0106254767f, -1.3003108f};
    /* log and cos of another libm may differ in the last place of a double, so of a float */
    for (size_t i = 0; i < 4; i++)
        assert_true(test_ulp(w[i], normal[i]) <= 1);
    free(w);
    lens_net_free(net);
}

/* ---- statistics -------------------------------------------------------------------------------
 */

static void statistics(void **state) {
    (void)state;
    static const struct {
        const char *name;
        lens_layer_kind kind;
        size_t inputs, units, groups;
        lens_initializer_kind initializer;
        double sd, most; /* most: the limit, 0: none */
    } cases[] = {
        {"dense, Glorot uniform", LENS_LAYER_DENSE, 300, 200, 1, LENS_GLOROT_UNIFORM, 0.0632455532,
         0.1095445115 /* sqrt(2/500), sqrt(6/500) */},
        {"dense, Glorot normal", LENS_LAYER_DENSE, 300, 200, 1, LENS_GLOROT_NORMAL, 0.0632455532,
         0},
        {"dense, He uniform", LENS_LAYER_DENSE, 300, 200, 1, LENS_HE_UNIFORM, 0.0816496581,
         0.1414213562 /* sqrt(2/300), sqrt(6/300) */},
        {"dense, He normal", LENS_LAYER_DENSE, 300, 200, 1, LENS_HE_NORMAL, 0.0816496581, 0},
        {"dense, LeCun 1998", LENS_LAYER_DENSE, 300, 200, 1, LENS_LECUN1998_UNIFORM, 0.00461880215,
         0.008 /* 2.4 / 300, over sqrt(3) */},
        {"conv2d, Glorot uniform", LENS_LAYER_CONV2D, 60, 80, 1, LENS_GLOROT_UNIFORM, 0.0398409536,
         0.0690065559 /* fans 540 and 720: sqrt(2/1260), sqrt(6/1260) */},
        {"conv2d in 2 groups, Glorot uniform", LENS_LAYER_CONV2D, 60, 80, 2, LENS_GLOROT_UNIFORM,
         0.0563436170, 0.0975900073 /* fans 270 and 360: sqrt(2/630), sqrt(6/630) */},
        {"conv2d, He normal", LENS_LAYER_CONV2D, 60, 80, 1, LENS_HE_NORMAL,
         0.0608580619 /* sqrt(2/540) */, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        lens_net *net = new_net(test_reference(), cases[i].kind, cases[i].inputs, cases[i].units,
                                cases[i].groups, cases[i].initializer);
        float *w = weights_for(net, 5);
        size_t count = lens_tensor_count(lens_net_parameter(net, 0)->value);
        double sum = 0, squares = 0, most = 0;
        for (size_t j = 0; j < count; j++) {
            sum += w[j];
            squares += (double)w[j] * w[j];
            most = fmax(most, fabs((double)w[j]));
        }
        double sd = cases[i].sd, n = (double)count;
        print_message("%s: mean %.2g, sd %.6f of %.6f, most %.6f\n", cases[i].name, sum / n,
                      sqrt(squares / n), sd, most);
        /* five standard errors */
        assert_true(fabs(sum / n) < 5 * sd / sqrt(n));
        assert_true(fabs(sqrt(squares / n) / sd - 1) < 5 / sqrt(2 * n));
        if (cases[i].most > 0)
            assert_true(most <= cases[i].most && most > 0.999 * cases[i].most);
        else
            assert_true(most > 3.5 * sd && most < 6 * sd);
        float *b = test_read(lens_net_parameter(net, 1)->value);
        for (size_t j = 0; j < cases[i].units; j++)
            assert_true(b[j] == 0);
        free(b);
        free(w);
        lens_net_free(net);
    }
}

/* ---- LeNet-5 of 1998 --------------------------------------------------------------------------
 */

/* Each weight of C3 is within 2.4 over the inputs of its map, or 0 where there is none; the
 * coefficients within 2.4 over the four pixels. */
static void limits_follow_the_connections(void **state) {
    (void)state;
    static const size_t inputs[] = {3, 3, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4, 4, 6};
    lens_net_spec *spec;
    lens_net *net;
    assert_ok(lens_model_spec(&spec, "lenet5-1998"));
    assert_ok(lens_net_new(&net, test_reference(), spec, NULL));
    assert_ok(lens_net_initialize(net, 1));
    assert_string_equal(lens_net_parameter(net, 4)->name, "conv2d_2.weight");
    float *w = test_read(lens_net_parameter(net, 4)->value);
    for (size_t k = 0; k < 16; k++) {
        size_t connected = 0;
        double limit = 2.4 / (25.0 * (double)inputs[k]), most = 0;
        for (size_t i = k * 150; i < k * 150 + 150; i++) {
            connected += w[i] != 0;
            most = fmax(most, fabs((double)w[i]));
        }
        assert_int_equal(connected, 25 * inputs[k]);
        assert_true(most <= limit * 1.000001 && most > 0.9 * limit);
    }
    free(w);
    w = test_read(lens_net_parameter(net, 2)->value);
    for (size_t i = 0; i < 6; i++)
        assert_true(w[i] != 0 && fabsf(w[i]) <= 0.6f);
    free(w);
    lens_net_free(net);
    lens_net_spec_free(spec);
}

/* The codes are pictures of 1 and -1; the nearest, 8 and 3, 6 or 9, differ in 14 of 84 places, a
 * squared distance of 56. */
static void codes_are_pictures_of_digits(void **state) {
    (void)state;
    lens_net_spec *spec;
    lens_net *net;
    assert_ok(lens_model_spec(&spec, "lenet5-1998"));
    assert_ok(lens_net_new(&net, test_device(), spec, NULL));
    assert_ok(lens_net_initialize(net, 1));
    const lens_parameter *codes = lens_net_parameter(net, lens_net_parameter_count(net) - 1);
    assert_string_equal(codes->name, "rbf_1.weight");
    assert_null(codes->gradient);
    float *w = test_read(codes->value);
    size_t least = 84;
    for (size_t a = 0; a < 10; a++)
        for (size_t b = 0; b < a; b++) {
            size_t different = 0;
            for (size_t i = 0; i < 84; i++) {
                assert_true(fabsf(w[84 * a + i]) == 1);
                different += w[84 * a + i] != w[84 * b + i];
            }
            print_message("%zu and %zu differ in %zu\n", a, b, different);
            least = different < least ? different : least;
        }
    assert_int_equal(least, 14);
    /* the foot of the 1: row 11, all but the left column */
    static const float foot[] = {-1, 1, 1, 1, 1, 1, 1};
    assert_memory_equal(w + 84 + 77, foot, sizeof foot);
    free(w);
    lens_net_free(net);
    lens_net_spec_free(spec);
}

/* ---- where the values come from ---------------------------------------------------------------
 */

static void every_device_starts_alike(void **state) {
    (void)state;
    lens_net_spec *spec;
    assert_ok(lens_model_spec(&spec, "lenet5"));
    float *weights[4];
    static const uint64_t seeds[] = {9, 9, 10, (uint64_t)9 << 32};
    size_t count = 0;
    for (size_t i = 0; i < 4; i++) {
        lens_net *net;
        assert_ok(lens_net_new(&net, i ? test_device() : test_reference(), spec, NULL));
        assert_ok(lens_net_initialize(net, 1));
        assert_ok(lens_net_initialize(net, seeds[i])); /* only the last call counts */
        count = lens_tensor_count(lens_net_parameters(net));
        weights[i] = test_read(lens_net_parameters(net));
        lens_net_free(net);
    }
    assert_memory_equal(weights[0], weights[1], count * sizeof(float));
    for (size_t i = 2; i < 4; i++) {
        size_t equal = 0;
        for (size_t j = 0; j < count; j++)
            equal += weights[0][j] == weights[i][j];
        assert_true(equal < 300); /* 236 biases are 0 in both */
    }
    /* conv2d_1 and conv2d_2 draw from different streams */
    double scale = sqrt(6.0 / (25 + 150)) / sqrt(6.0 / (150 + 400));
    size_t same = 0;
    for (size_t j = 0; j < 150; j++)
        same += fabs((double)weights[0][j] / ((double)weights[0][156 + j] * scale) - 1) < 1e-5;
    assert_true(same < 5);
    for (size_t i = 0; i < 4; i++)
        free(weights[i]);
    lens_net_spec_free(spec);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_values_for_seed_0),
        cmocka_unit_test(statistics),
        cmocka_unit_test(limits_follow_the_connections),
        cmocka_unit_test(codes_are_pictures_of_digits),
        cmocka_unit_test(every_device_starts_alike),
    };
    return cmocka_run_group_tests(tests, NULL, test_close);
}
