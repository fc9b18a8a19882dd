/* test_keras.c: Keras JSON: what Keras 2 and 3 write, round trips of every layer, refusals by name.
 */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static lens_net_spec *parse(const char *text) {
    lens_net_spec *spec;
    assert_ok(lens_keras_parse(&spec, text, "net.json"));
    return spec;
}

/* As Keras 3's model.to_json() writes it, but for fields that are null. */
static const char keras3[] =
    "{\"module\":\"keras\",\"class_name\":\"Sequential\",\"config\":{\"name\":\"sequential_1\","
    "\"trainable\":true,\"layers\":[{\"module\":\"keras.layers\",\"class_name\":\"InputLayer\","
    "\"config\":{\"batch_shape\":[null,28,20,3],\"dtype\":\"float32\",\"name\":\"input_layer\"}},"
    "{\"module\":\"keras.layers\",\"class_name\":\"Conv2D\",\"config\":{\"name\":\"conv2d\","
    "\"filters\":6,\"kernel_size\":[5,3],\"strides\":[2,1],\"padding\":\"same\","
    "\"data_format\":\"channels_last\",\"dilation_rate\":[1,1],\"groups\":1,"
    "\"activation\":\"relu\",\"use_bias\":true,\"kernel_initializer\":{\"module\":"
    "\"keras.initializers\",\"class_name\":\"HeNormal\",\"config\":{\"seed\":null}},"
    "\"kernel_regularizer\":null},\"build_config\":{\"input_shape\":[null,28,20,3]}},"
    "{\"class_name\":\"MaxPooling2D\",\"config\":{\"name\":\"pool\",\"pool_size\":[2,2],"
    "\"padding\":\"valid\",\"strides\":[2,2],\"data_format\":\"channels_last\"}},"
    "{\"class_name\":\"Flatten\",\"config\":{\"name\":\"flatten\",\"data_format\":"
    "\"channels_last\"}},{\"class_name\":\"Dense\",\"config\":{\"name\":\"dense\",\"units\":10,"
    "\"activation\":\"softmax\",\"use_bias\":true}}]},\"compile_config\":{}}";

static void keras_3(void **state) {
    (void)state;
    lens_net_spec *spec = parse(keras3);
    assert_string_equal(spec->name, "sequential_1");
    assert_true(lens_shape_equal(spec->input, (lens_shape){1, 3, 28, 20}));
    assert_int_equal(spec->layer_count, 5); /* the dense layer's softmax is one of its own */
    const lens_layer_spec *conv = &spec->layers[0];
    assert_int_equal(conv->kind, LENS_LAYER_CONV2D);
    assert_int_equal(conv->conv2d.kernel_h, 5);
    assert_int_equal(conv->conv2d.kernel_w, 3);
    assert_int_equal(conv->conv2d.opts.stride_h, 2);
    assert_true(conv->conv2d.same_padding);
    assert_int_equal(conv->conv2d.opts.activation.kind, LENS_RELU);
    assert_int_equal(conv->conv2d.initializer.kind, LENS_HE_NORMAL);
    assert_int_equal(spec->layers[4].kind, LENS_LAYER_SOFTMAX);
    assert_string_equal(spec->layers[4].name, "dense_softmax");
    lens_net_summary *summary;
    assert_ok(lens_net_summary_new(&summary, spec, NULL, 1, 0));
    assert_int_equal(summary->layers[0].output.h, 14);
    assert_int_equal(summary->layers[2].output.c, 6 * 7 * 10);
    lens_net_summary_free(summary);
    lens_net_spec_free(spec);
}

static void keras_2(void **state) {
    (void)state;
    lens_net_spec *spec = parse(
        "{\"class_name\":\"Sequential\",\"keras_version\":\"2.3.1\",\"config\":{\"name\":\"s\","
        "\"layers\":[{\"class_name\":\"Conv2D\",\"config\":{\"name\":\"c\","
        "\"batch_input_shape\":[null,1,8,8],\"filters\":2,\"kernel_size\":[3,3],"
        "\"data_format\":\"channels_first\",\"activation\":\"linear\",\"kernel_initializer\":"
        "{\"class_name\":\"GlorotUniform\",\"config\":{}}}},{\"class_name\":\"LeakyReLU\","
        "\"config\":{\"name\":\"l\",\"alpha\":0.1}},{\"class_name\":"
        "\"GlobalAveragePooling2D\",\"config\":{\"name\":\"g\"}}]}}");
    assert_true(lens_shape_equal(spec->input, (lens_shape){1, 1, 8, 8}));
    assert_int_equal(spec->layers[1].activation.kind, LENS_LEAKY_RELU);
    assert_true(spec->layers[1].activation.alpha == 0.1f);
    assert_int_equal(spec->layers[2].pool2d.opts.window_h, 0);
    assert_int_equal(spec->layers[2].pool2d.opts.kind, LENS_POOL_AVERAGE);
    lens_net_spec_free(spec);
}

/* Printed, parsed and printed again: the same text, and the same sizes. */
static void assert_round_trip(const lens_net_spec *spec) {
    char *first, *second;
    assert_ok(lens_keras_print(&first, spec));
    lens_net_spec *again = parse(first);
    assert_ok(lens_keras_print(&second, again));
    assert_string_equal(first, second);
    lens_net_summary *a, *b;
    assert_ok(lens_net_summary_new(&a, spec, NULL, 1, 0));
    assert_ok(lens_net_summary_new(&b, again, NULL, 1, 0));
    assert_int_equal(a->layer_count, b->layer_count);
    assert_int_equal(a->parameters, b->parameters);
    assert_int_equal(a->macs, b->macs);
    lens_net_summary_free(a), lens_net_summary_free(b);
    lens_net_spec_free(again);
    free(first), free(second);
}

static void every_model_of_the_zoo_round_trips(void **state) {
    (void)state;
    for (size_t i = 0; i < lens_model_count(); i++) {
        lens_net_spec *spec;
        assert_ok(lens_model_spec(&spec, lens_model_name(i)));
        assert_round_trip(spec);
        lens_net_spec_free(spec);
    }
}

static void what_keras_lacks_round_trips(void **state) {
    (void)state;
    lens_layer_spec layers[] = {
        {.name = "pad", .kind = LENS_LAYER_PAD2D, .pad2d = {1, 2, 3, 4, LENS_PAD_REFLECT, 0}},
        {.name = "zero", .kind = LENS_LAYER_PAD2D, .pad2d = {1, 0, 2, 1, LENS_PAD_ZERO, 0}},
        {.name = "conv",
         .kind = LENS_LAYER_CONV2D,
         .conv2d =
             {.filters = 4,
              .kernel_h = 3,
              .kernel_w = 3,
              .no_bias = true,
              .opts =
                  {1, 1, 2, 1, 2, {1, 2, 3, 0, LENS_PAD_CONSTANT, 0.5f}, {LENS_SCALED_TANH, 0}}}},
        {.name = "leaky", .kind = LENS_LAYER_ACTIVATION, .activation = {LENS_LEAKY_RELU, 0.3f}},
        {.name = "min",
         .kind = LENS_LAYER_POOL2D,
         .pool2d = {.opts = {LENS_POOL_MIN, 2, 2, 1, 1, {0}, false}}},
        {.name = "average",
         .kind = LENS_LAYER_POOL2D,
         .pool2d = {.opts = {LENS_POOL_AVERAGE, 3, 3, 2, 2, {1, 1, 1, 1, 0, 0}, true}}},
        {.name = "resize", .kind = LENS_LAYER_RESIZE2D, .resize2d = {9, 7, LENS_RESIZE_NEAREST}},
        {.name = "within",
         .kind = LENS_LAYER_LRN,
         .lrn = {LENS_LRN_WITHIN, 3, 0.01f, 0.5f, 1.5f, true}},
        {.name = "bn", .kind = LENS_LAYER_BATCHNORM, .batchnorm = {1e-5f, 0.875f}},
        {.name = "drop", .kind = LENS_LAYER_DROPOUT, .dropout = 0.125f},
        {.name = "elu", .kind = LENS_LAYER_ACTIVATION, .activation = {LENS_ELU, 0.5f}},
        {.name = "all", .kind = LENS_LAYER_POOL2D, .pool2d = {.opts = {.kind = LENS_POOL_MIN}}},
        {.name = "flat", .kind = LENS_LAYER_FLATTEN},
        {.name = "dense",
         .kind = LENS_LAYER_DENSE,
         .dense = {.units = 3, .opts = {{LENS_ELU, 1}}, .initializer = {LENS_HE_UNIFORM, 0}}},
        {.name = "normal",
         .kind = LENS_LAYER_DENSE,
         .dense = {.units = 3,
                   .opts = {{LENS_LINEAR, 0}},
                   .initial_bias = 1,
                   .initializer = {LENS_RANDOM_NORMAL, 0.01f}}},
        {.name = "soft", .kind = LENS_LAYER_SOFTMAX},
    };
    lens_net_spec spec = {.name = "odd",
                          .input = {1, 2, 11, 13},
                          .layer_count = sizeof layers / sizeof layers[0],
                          .layers = layers};
    assert_round_trip(&spec);
    char *text;
    assert_ok(lens_keras_print(&text, &spec));
    lens_net_spec *again = parse(text);
    for (size_t i = 0; i < spec.layer_count; i++) {
        assert_int_equal(again->layers[i].kind, layers[i].kind);
        assert_string_equal(again->layers[i].name, layers[i].name);
    }
    const lens_conv2d_opts *opts = &again->layers[2].conv2d.opts;
    assert_int_equal(opts->padding.mode, LENS_PAD_CONSTANT);
    assert_true(opts->padding.value == 0.5f && opts->padding.bottom == 3);
    assert_int_equal(opts->dilation_h, 2);
    assert_int_equal(opts->groups, 2);
    assert_true(again->layers[2].conv2d.no_bias);
    assert_true(again->layers[3].activation.alpha == 0.3f);
    assert_true(again->layers[5].pool2d.opts.count_padding);
    const lens_lrn_opts *lrn = &again->layers[7].lrn;
    assert_int_equal(lrn->kind, LENS_LRN_WITHIN);
    assert_true(lrn->size == 3 && lrn->alpha == 0.01f && lrn->beta == 0.5f && lrn->k == 1.5f);
    assert_true(lrn->average);
    assert_true(again->layers[8].batchnorm.epsilon == 1e-5f);
    assert_true(again->layers[8].batchnorm.momentum == 0.875f);
    assert_true(again->layers[9].dropout == 0.125f);
    assert_true(again->layers[14].dense.initial_bias == 1);
    assert_int_equal(again->layers[14].dense.initializer.kind, LENS_RANDOM_NORMAL);
    assert_true(again->layers[14].dense.initializer.value == 0.01f);
    lens_net_spec_free(again);
    free(text);
}

static void lenet5_1998_keeps_its_table_and_codes(void **state) {
    (void)state;
    lens_net_spec *spec, *again;
    char *text;
    assert_ok(lens_model_spec(&spec, "lenet5-1998"));
    spec->layers[6].rbf.trained = true;
    assert_ok(lens_keras_print(&text, spec));
    again = parse(text);
    assert_memory_equal(again->layers[2].conv2d.connections, spec->layers[2].conv2d.connections,
                        sizeof spec->layers[2].conv2d.connections);
    assert_int_equal(again->layers[2].conv2d.connections[4], 1 << 0 | 1 << 4 | 1 << 5);
    assert_int_equal(again->layers[3].subsample.opts.window_h, 2);
    assert_int_equal(again->layers[3].subsample.opts.activation.kind, LENS_SCALED_TANH);
    assert_int_equal(again->layers[3].subsample.initializer.kind, LENS_LECUN1998_UNIFORM);
    assert_true(again->layers[6].rbf.trained);
    free(text);
    spec->layers[6].rbf.trained = false;
    assert_ok(lens_keras_print(&text, spec));
    assert_non_null(strstr(text, "\"lenslet>Subsample\""));
    assert_non_null(strstr(text, "\"lenslet>RBF\""));
    lens_net_spec_free(again);
    again = parse(text);
    assert_false(again->layers[6].rbf.trained);
    free(text);
    lens_net_spec_free(spec), lens_net_spec_free(again);
}

#define NET(LAYERS)                                                                                \
    "{\"class_name\":\"Sequential\",\"config\":{\"name\":\"n\",\"layers\":[{\"class_name\":"       \
    "\"InputLayer\",\"config\":{\"name\":\"i\",\"batch_shape\":[null,8,8,1]}}" LAYERS "]}}"
#define LAYER(CLASS, CONFIG) ",{\"class_name\":\"" CLASS "\",\"config\":{\"name\":\"x\"" CONFIG "}}"

static void refusals_name_the_layer(void **state) {
    (void)state;
    static const struct {
        const char *text, *part;
        lens_status status;
    } rows[] = {
        {"{", "is no JSON", LENS_BAD_FILE},
        {"[]", "is a Keras nothing", LENS_BAD_FILE},
        {"{\"class_name\":\"Functional\"}", "is a Keras Functional", LENS_UNSUPPORTED},
        {"{\"class_name\":\"Sequential\",\"config\":{\"layers\":[]}}", "0 layers", LENS_BAD_FILE},
        {NET(""), "no layer behind", LENS_BAD_FILE},
        {NET(LAYER("LSTM", "")), "layer x is a LSTM", LENS_UNSUPPORTED},
        {NET(LAYER("Dense", "")), "layer x: units", LENS_BAD_FILE},
        {NET(LAYER("Dense", ",\"units\":0")), "layer x: units", LENS_BAD_FILE},
        {NET(LAYER("Dense", ",\"units\":3,\"activation\":\"gelu\"")), "layer x: gelu",
         LENS_UNSUPPORTED},
        {NET(LAYER("Dense", ",\"units\":3,\"kernel_regularizer\":{\"class_name\":\"L2\"}")),
         "kernel_regularizer is not supported", LENS_UNSUPPORTED},
        {NET(LAYER("Conv2D", ",\"filters\":2")), "kernel_size is missing", LENS_BAD_FILE},
        {NET(LAYER("Conv2D", ",\"filters\":2,\"kernel_size\":3,\"padding\":\"causal\"")),
         "padding must be", LENS_BAD_FILE},
        {NET(LAYER("Flatten", "") LAYER("Flatten", "")), "must be unique", LENS_BAD_FILE},
        {NET(",{\"class_name\":\"Flatten\",\"config\":{\"name\":\"a b\"}}"), "of letters",
         LENS_BAD_FILE},
        {NET(",{\"class_name\":\"Flatten\",\"config\":{}}"), "no class_name or name",
         LENS_BAD_FILE},
        {NET(LAYER("Resizing", ",\"height\":3,\"width\":3,\"interpolation\":\"area\"")),
         "interpolation", LENS_UNSUPPORTED},
        {NET(LAYER("Softmax", ",\"axis\":2")), "axis", LENS_UNSUPPORTED},
        {NET(LAYER("lenslet>RBF", ",\"codes\":\"letters\"")), "codes must be \"digits\"",
         LENS_UNSUPPORTED},
        {NET(LAYER("lenslet>Subsample", ",\"pool_size\":0")), "pool_size must be", LENS_BAD_FILE},
        {NET(LAYER("lenslet>Conv2D", ",\"filters\":2,\"kernel_size\":3,\"connections\":[[0]]")),
         "connections must be a list for each filter", LENS_BAD_FILE},
        {NET(LAYER("lenslet>Conv2D", ",\"filters\":2,\"kernel_size\":3,\"connections\":[[0],[]]")),
         "connections must name a channel", LENS_BAD_FILE},
        {NET(LAYER("lenslet>Conv2D", ",\"filters\":1,\"kernel_size\":3,\"connections\":[[32]]")),
         "connections must be channels below 32", LENS_BAD_FILE},
        {NET(LAYER("lenslet>Conv2D", ",\"filters\":1,\"kernel_size\":3,\"connections\":[[-1]]")),
         "connections must be a whole number", LENS_BAD_FILE},
        {"{\"class_name\":\"Sequential\",\"config\":{\"layers\":[{\"class_name\":\"Flatten\","
         "\"config\":{\"name\":\"f\"}}]}}",
         "must give the input's shape", LENS_BAD_FILE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        lens_net_spec *spec;
        assert_fails(lens_keras_parse(&spec, rows[i].text, "net.json"), rows[i].status,
                     rows[i].part);
        assert_null(spec);
    }
}

static void files_and_names_open(void **state) {
    (void)state;
    lens_net_spec *spec;
    const char *path = test_temp_path("net.json");
    test_write_file(path, keras3, strlen(keras3));
    assert_ok(lens_net_spec_open(&spec, path));
    lens_net_spec_free(spec);
    for (size_t cut = 0; cut < strlen(keras3); cut++) {
        test_write_file(path, keras3, cut);
        assert_fails(lens_net_spec_open(&spec, path), LENS_BAD_FILE, "net.json");
    }
    test_write_file(path, "{}\0{}", 5);
    assert_fails(lens_net_spec_open(&spec, path), LENS_BAD_FILE, "0 byte");
    assert_fails(lens_net_spec_open(&spec, "/no/such.json"), LENS_BAD_FILE, "/no/such.json");
    assert_fails(lens_net_spec_open(&spec, "lenet6"), LENS_BAD_ARGUMENT, "lenet5");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keras_3),
        cmocka_unit_test(keras_2),
        cmocka_unit_test(every_model_of_the_zoo_round_trips),
        cmocka_unit_test(what_keras_lacks_round_trips),
        cmocka_unit_test(lenet5_1998_keeps_its_table_and_codes),
        cmocka_unit_test(refusals_name_the_layer),
        cmocka_unit_test(files_and_names_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
