/* test_models.c: the zoo's sizes, to the unit: output shapes, parameters, multiply-adds, and names
 * that do not exist. */
#include "support.h"

#include <stdio.h>
#include <string.h>

/* ---- what each model must be ----------------------------------------------------------------- */

typedef struct row {
    const char *name, *type;
    size_t c, h, w; /* of the output */
    size_t parameters, macs;
} row;

typedef struct model {
    const char *name;
    size_t c, h, w;
    size_t parameters, macs;
    row rows[12];
    size_t fixed;       /* of the parameters, those that are not trained */
    size_t unconnected; /* stored as zeros besides the parameters */
} model;

/* The counts 456, 2,416, 156, 320 and 18,496 are those that Keras printed. */
static const model expected[] = {
    {"lenet5",
     1,
     32,
     32,
     61706,
     416520,
     {{"conv2d_1", "conv2d", 6, 28, 28, 156, 117600},
      {"pool2d_1", "pool2d", 6, 14, 14, 0, 0},
      {"conv2d_2", "conv2d", 16, 10, 10, 2416, 240000},
      {"pool2d_2", "pool2d", 16, 5, 5, 0, 0},
      {"flatten_1", "flatten", 400, 1, 1, 0, 0},
      {"dense_1", "dense", 120, 1, 1, 48120, 48000},
      {"dense_2", "dense", 84, 1, 1, 10164, 10080},
      {"dense_3", "dense", 10, 1, 1, 850, 840},
      {"softmax_1", "softmax", 10, 1, 1, 0, 0}}},
    {"lenet5-same",
     1,
     32,
     32,
     82826,
     579240,
     {{"conv2d_1", "conv2d", 6, 32, 32, 156, 153600},
      {"pool2d_1", "pool2d", 6, 16, 16, 0, 0},
      {"conv2d_2", "conv2d", 16, 12, 12, 2416, 345600},
      {"pool2d_2", "pool2d", 16, 6, 6, 0, 0},
      {"flatten_1", "flatten", 576, 1, 1, 0, 0},
      {"dense_1", "dense", 120, 1, 1, 69240, 69120},
      {"dense_2", "dense", 84, 1, 1, 10164, 10080},
      {"dense_3", "dense", 10, 1, 1, 850, 840},
      {"softmax_1", "softmax", 10, 1, 1, 0, 0}}},
    {"lenet5-max",
     1,
     32,
     32,
     61706,
     416520,
     {{"conv2d_1", "conv2d", 6, 28, 28, 156, 117600},
      {"pool2d_1", "pool2d", 6, 14, 14, 0, 0},
      {"conv2d_2", "conv2d", 16, 10, 10, 2416, 240000},
      {"pool2d_2", "pool2d", 16, 5, 5, 0, 0},
      {"flatten_1", "flatten", 400, 1, 1, 0, 0},
      {"dense_1", "dense", 120, 1, 1, 48120, 48000},
      {"dense_2", "dense", 84, 1, 1, 10164, 10080},
      {"dense_3", "dense", 10, 1, 1, 850, 840},
      {"softmax_1", "softmax", 10, 1, 1, 0, 0}}},
    {"lenet5-relu",
     1,
     28,
     28,
     44426,
     281640,
     {{"conv2d_1", "conv2d", 6, 24, 24, 156, 86400},
      {"pool2d_1", "pool2d", 6, 12, 12, 0, 0},
      {"conv2d_2", "conv2d", 16, 8, 8, 2416, 153600},
      {"pool2d_2", "pool2d", 16, 4, 4, 0, 0},
      {"flatten_1", "flatten", 256, 1, 1, 0, 0},
      {"dense_1", "dense", 120, 1, 1, 30840, 30720},
      {"dense_2", "dense", 84, 1, 1, 10164, 10080},
      {"dense_3", "dense", 10, 1, 1, 850, 840},
      {"softmax_1", "softmax", 10, 1, 1, 0, 0}}},
    {"lenet5-sigmoid",
     1,
     32,
     32,
     61706,
     416520,
     {{"conv2d_1", "conv2d", 6, 28, 28, 156, 117600},
      {"pool2d_1", "pool2d", 6, 14, 14, 0, 0},
      {"conv2d_2", "conv2d", 16, 10, 10, 2416, 240000},
      {"pool2d_2", "pool2d", 16, 5, 5, 0, 0},
      {"flatten_1", "flatten", 400, 1, 1, 0, 0},
      {"dense_1", "dense", 120, 1, 1, 48120, 48000},
      {"dense_2", "dense", 84, 1, 1, 10164, 10080},
      {"dense_3", "dense", 10, 1, 1, 850, 840},
      {"softmax_1", "softmax", 10, 1, 1, 0, 0}}},
    {"lenet5-cifar10",
     3,
     32,
     32,
     62006,
     651720,
     {{"conv2d_1", "conv2d", 6, 28, 28, 456, 352800},
      {"pool2d_1", "pool2d", 6, 14, 14, 0, 0},
      {"conv2d_2", "conv2d", 16, 10, 10, 2416, 240000},
      {"pool2d_2", "pool2d", 16, 5, 5, 0, 0},
      {"flatten_1", "flatten", 400, 1, 1, 0, 0},
      {"dense_1", "dense", 120, 1, 1, 48120, 48000},
      {"dense_2", "dense", 84, 1, 1, 10164, 10080},
      {"dense_3", "dense", 10, 1, 1, 850, 840},
      {"softmax_1", "softmax", 10, 1, 1, 0, 0}}},
    /* The paper's 340,908 connections are these multiply-adds and 8,084 biases; 60,000 are trained.
     */
    {"lenet5-1998",
     1,
     32,
     32,
     60840,
     332824,
     {{"conv2d_1", "conv2d", 6, 28, 28, 156, 117600},
      {"subsample_1", "subsample", 6, 14, 14, 12, 4704},
      {"conv2d_2", "conv2d", 16, 10, 10, 1516, 150000},
      {"subsample_2", "subsample", 16, 5, 5, 32, 1600},
      {"conv2d_3", "conv2d", 120, 1, 1, 48120, 48000},
      {"dense_1", "dense", 84, 1, 1, 10164, 10080},
      {"rbf_1", "rbf", 10, 1, 1, 840, 840}},
     .fixed = 840,
     .unconnected = 900},
    {"digits-cnn",
     1,
     28,
     28,
     403126,
     4222584,
     {{"conv2d_1", "conv2d", 32, 28, 28, 320, 225792},
      {"pool2d_1", "pool2d", 32, 14, 14, 0, 0},
      {"conv2d_2", "conv2d", 64, 14, 14, 18496, 3612672},
      {"pool2d_2", "pool2d", 64, 7, 7, 0, 0},
      {"flatten_1", "flatten", 3136, 1, 1, 0, 0},
      {"dense_1", "dense", 120, 1, 1, 376440, 376320},
      {"dense_2", "dense", 60, 1, 1, 7260, 7200},
      {"dense_3", "dense", 10, 1, 1, 610, 600},
      {"softmax_1", "softmax", 10, 1, 1, 0, 0}}},
    /* 73,856 and the rest as Keras printed them for the third convolution */
    {"alexnet-mini",
     1,
     28,
     28,
     241546,
     3237248,
     {{"conv2d_1", "conv2d", 32, 26, 26, 320, 194688},
      {"pool2d_1", "pool2d", 32, 13, 13, 0, 0},
      {"conv2d_2", "conv2d", 64, 11, 11, 18496, 2230272},
      {"pool2d_2", "pool2d", 64, 5, 5, 0, 0},
      {"conv2d_3", "conv2d", 128, 3, 3, 73856, 663552},
      {"flatten_1", "flatten", 1152, 1, 1, 0, 0},
      {"dense_1", "dense", 128, 1, 1, 147584, 147456},
      {"dense_2", "dense", 10, 1, 1, 1290, 1280},
      {"softmax_1", "softmax", 10, 1, 1, 0, 0}}},
};

#define EXPECTED_COUNT (sizeof expected / sizeof expected[0])

/* ---- tests ----------------------------------------------------------------------------------- */

static void check_model(const model *want) {
    lens_net_spec *spec;
    lens_net_summary *summary;
    assert_ok(lens_model_spec(&spec, want->name));
    assert_string_equal(spec->name, want->name);
    assert_true(lens_shape_equal(spec->input, (lens_shape){1, want->c, want->h, want->w}));
    assert_ok(lens_net_summary_new(&summary, spec, 32, 2));
    size_t rows = 0;
    while (rows < sizeof want->rows / sizeof want->rows[0] && want->rows[rows].name)
        rows++;
    assert_int_equal(summary->layer_count, rows);
    for (size_t i = 0; i < rows; i++) {
        const lens_layer_summary *got = &summary->layers[i];
        const row *r = &want->rows[i];
        assert_string_equal(got->name, r->name);
        assert_string_equal(got->type, r->type);
        assert_true(lens_shape_equal(got->output, (lens_shape){1, r->c, r->h, r->w}));
        assert_int_equal(got->parameters, r->parameters);
        assert_int_equal(got->macs, r->macs);
    }
    assert_int_equal(summary->parameters, want->parameters);
    assert_int_equal(summary->macs, want->macs);
    size_t trained = want->parameters - want->fixed, held = trained + want->unconnected;
    size_t mask = want->unconnected ? 2400 : 0; /* C3's weight, of which there is a mask */
    assert_int_equal(summary->trained, trained);
    assert_int_equal(summary->memory_bytes.parameters, 4 * (held + want->fixed + mask));
    assert_int_equal(summary->memory_bytes.gradients, 4 * held);
    assert_int_equal(summary->memory_bytes.slots, 8 * held);
    assert_true(summary->memory_bytes.total > 16 * want->parameters);
    lens_net_summary_free(summary);
    lens_net_spec_free(spec);
}

static void sizes_of_every_model(void **state) {
    (void)state;
    for (size_t i = 0; i < EXPECTED_COUNT; i++)
        check_model(&expected[i]);
}

static void the_list_holds_every_model_once(void **state) {
    (void)state;
    assert_int_equal(lens_model_count(), EXPECTED_COUNT);
    for (size_t i = 0; i < lens_model_count(); i++) {
        assert_string_equal(lens_model_name(i), expected[i].name);
        assert_true(strlen(lens_model_text(i)) > 20);
        assert_null(strchr(lens_model_text(i), '\n'));
    }
}

/* What a summary says of memory is what a network then takes. */
static void memory_is_what_a_net_takes(void **state) {
    (void)state;
    for (size_t i = 0; i < EXPECTED_COUNT; i++) {
        lens_net_spec *spec;
        lens_net_summary *summary;
        lens_net *net;
        assert_ok(lens_model_spec(&spec, expected[i].name));
        assert_ok(lens_net_summary_new(&summary, spec, 16, 0));
        lens_net_opts opts = lens_net_defaults();
        opts.batch = 16;
        opts.training = true;
        size_t before = lens_context_memory(test_reference(), NULL);
        assert_ok(lens_net_new(&net, test_reference(), spec, &opts));
        assert_int_equal(lens_context_memory(test_reference(), NULL) - before,
                         summary->memory_bytes.total);
        lens_net_free(net);
        assert_int_equal(lens_context_memory(test_reference(), NULL), before);
        lens_net_summary_free(summary);
        lens_net_spec_free(spec);
    }
}

static void unknown_names_get_the_nearest(void **state) {
    (void)state;
    static const struct {
        const char *name, *nearest;
    } cases[] = {
        {"lenet", "\"lenet\"; the nearest are lenet5, "}, {"lenet-5", "lenet5, "},
        {"lenet5_relu", "nearest are lenet5-relu, "},     {"alexnet", "alexnet-mini"},
        {"digit-cnn", "nearest are digits-cnn, "},        {"", "\"\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        lens_net_spec *spec = (lens_net_spec *)&cases;
        assert_fails(lens_model_spec(&spec, cases[i].name), LENS_BAD_ARGUMENT, cases[i].nearest);
        assert_null(spec);
    }
    char many[5000];
    memset(many, 'x', sizeof many - 1);
    many[sizeof many - 1] = 0;
    lens_net_spec *spec;
    assert_fails(lens_model_spec(&spec, many), LENS_BAD_ARGUMENT, "xxx");
}

static void bad_networks_are_named(void **state) {
    (void)state;
    lens_net_summary *summary;
    lens_net_spec *spec;
    assert_ok(lens_model_spec(&spec, "lenet5"));
    lens_layer_spec *layers = spec->layers;
    lens_layer_spec kept = layers[2];

    assert_fails(lens_net_summary_new(&summary, spec, 0, 0), LENS_BAD_ARGUMENT, "batch of 0");
    spec->input.h = 4;
    assert_fails(lens_net_summary_new(&summary, spec, 1, 0), LENS_BAD_SHAPE, "layer conv2d_1: ");
    spec->input.h = 9;
    assert_fails(lens_net_summary_new(&summary, spec, 1, 0), LENS_BAD_SHAPE, "layer conv2d_2: ");
    spec->input.h = 32;
    spec->input.n = 2;
    assert_fails(lens_net_summary_new(&summary, spec, 1, 0), LENS_BAD_SHAPE, "2 images");
    spec->input.n = 1;

    layers[2].conv2d.filters = 0;
    assert_fails(lens_net_summary_new(&summary, spec, 1, 0), LENS_BAD_SHAPE, "0 filters of 5 x 5");
    layers[2] = kept;
    layers[2].conv2d.opts.groups = 4;
    assert_fails(lens_net_summary_new(&summary, spec, 1, 0), LENS_BAD_SHAPE, "4 groups");
    layers[2] = kept;
    layers[2].conv2d.same_padding = true;
    layers[2].conv2d.opts.stride_w = 0;
    assert_fails(lens_net_summary_new(&summary, spec, 1, 0), LENS_BAD_ARGUMENT, "stride 0");
    layers[2] = kept;
    layers[2].conv2d.connections[0] = 1;
    assert_fails(lens_net_summary_new(&summary, spec, 1, 0), LENS_BAD_SHAPE,
                 "the connections of filter 1; each of the 16 filters needs some");
    for (size_t k = 0; k < 16; k++)
        layers[2].conv2d.connections[k] = 1 << 6;
    assert_fails(lens_net_summary_new(&summary, spec, 1, 0), LENS_BAD_SHAPE,
                 "filter 0 is connected beyond the 6 channels of x");
    for (size_t k = 0; k < 17; k++)
        layers[2].conv2d.connections[k] = 1;
    assert_fails(lens_net_summary_new(&summary, spec, 1, 0), LENS_BAD_SHAPE,
                 "the connections of filter 16");
    layers[2].conv2d.opts.groups = 2;
    assert_fails(lens_net_summary_new(&summary, spec, 1, 0), LENS_BAD_SHAPE,
                 "connections are for 1 group and at most 32 filters of 32 channels");
    layers[2] = kept;
    strcpy(layers[2].name, "conv2d_1");
    assert_fails(lens_net_summary_new(&summary, spec, 1, 0), LENS_BAD_ARGUMENT,
                 "layers 0 and 2 are both named \"conv2d_1\"");
    strcpy(layers[2].name, "a b");
    assert_fails(lens_net_summary_new(&summary, spec, 1, 0), LENS_BAD_ARGUMENT, "\"a b\"");
    strcpy(layers[2].name, "");
    assert_fails(lens_net_summary_new(&summary, spec, 1, 0), LENS_BAD_ARGUMENT, "layer 2 needs");
    layers[2] = kept;
    layers[1].pool2d.same_padding = true;
    layers[1].pool2d.opts.window_h = layers[1].pool2d.opts.window_w = 0;
    assert_fails(lens_net_summary_new(&summary, spec, 1, 0), LENS_BAD_ARGUMENT, "global pooling");
    layers[1].kind = LENS_LAYER_RBF;
    assert_fails(lens_net_summary_new(&summary, spec, 1, 0), LENS_BAD_SHAPE,
                 "layer pool2d_1: rbf: x has 4704 features, the codes are 7 x 12 pictures");
    layers[1].kind = LENS_LAYER_SUBSAMPLE;
    layers[1].subsample.opts = (lens_subsample_opts){.window_h = 2, .window_w = 29};
    assert_fails(lens_net_summary_new(&summary, spec, 1, 0), LENS_BAD_SHAPE,
                 "layer pool2d_1: subsample: a window of 29");
    layers[1].kind = (lens_layer_kind)99;
    assert_fails(lens_net_summary_new(&summary, spec, 1, 0), LENS_BAD_ARGUMENT, "kind 99");
    layers[1].kind = LENS_LAYER_ACTIVATION;
    layers[1].activation = (lens_activation){LENS_ELU, 0};
    assert_fails(lens_net_summary_new(&summary, spec, 1, 0), LENS_BAD_ARGUMENT, "alpha of elu");
    layers[5].dense.units = 0;
    layers[1].activation = lens_activation_of(LENS_ELU);
    layers[2].kind = LENS_LAYER_FLATTEN;
    layers[3].kind = LENS_LAYER_FLATTEN;
    assert_fails(lens_net_summary_new(&summary, spec, 1, 0), LENS_BAD_SHAPE,
                 "layer dense_1: dense: 0 units");
    layers[5].dense.units = SIZE_MAX / 2;
    assert_fails(lens_net_summary_new(&summary, spec, 1, 0), LENS_BAD_SHAPE, "layer dense_1: ");
    spec->layer_count = 0;
    assert_fails(lens_net_summary_new(&summary, spec, 1, 0), LENS_BAD_ARGUMENT, "no layer");
    lens_net_spec_free(spec);
    lens_net_spec_free(NULL);
    lens_net_summary_free(NULL);
}

static void a_copy_is_independent(void **state) {
    (void)state;
    lens_net_spec *spec, *copy;
    assert_ok(lens_model_spec(&spec, "lenet5"));
    assert_ok(lens_net_spec_copy(&copy, spec));
    spec->layers[0].conv2d.filters = 7;
    strcpy(spec->name, "other");
    lens_net_spec_free(spec);
    assert_string_equal(copy->name, "lenet5");
    assert_int_equal(copy->layer_count, 9);
    assert_int_equal(copy->layers[0].conv2d.filters, 6);
    lens_net_spec_free(copy);
}

static void names_of_kinds(void **state) {
    (void)state;
    assert_string_equal(lens_layer_kind_name(LENS_LAYER_CONV2D), "conv2d");
    assert_string_equal(lens_layer_kind_name(LENS_LAYER_RESIZE2D), "resize2d");
    assert_string_equal(lens_layer_kind_name((lens_layer_kind)77), "unknown");
    assert_string_equal(lens_initializer_name(LENS_GLOROT_UNIFORM), "glorot_uniform");
    assert_string_equal(lens_initializer_name(LENS_HE_NORMAL), "he_normal");
    assert_string_equal(lens_initializer_name(LENS_LECUN1998_UNIFORM), "lenslet>lecun1998_uniform");
    assert_string_equal(lens_layer_kind_name(LENS_LAYER_SUBSAMPLE), "subsample");
    assert_string_equal(lens_layer_kind_name(LENS_LAYER_RBF), "rbf");
    assert_string_equal(lens_initializer_name((lens_initializer_kind)77), "unknown");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_of_every_model),
        cmocka_unit_test(the_list_holds_every_model_once),
        cmocka_unit_test(memory_is_what_a_net_takes),
        cmocka_unit_test(unknown_names_get_the_nearest),
        cmocka_unit_test(bad_networks_are_named),
        cmocka_unit_test(a_copy_is_independent),
        cmocka_unit_test(names_of_kinds),
    };
    return cmocka_run_group_tests(tests, NULL, test_close);
}
