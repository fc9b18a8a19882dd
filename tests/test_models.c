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
    row rows[25];
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
    /* the larger ones were computed from their lists of layers by a script of ten lines; Keras
     * printed 896 for binary-cnn's first convolution, 34,944 and 614,656 for alexnet-bn's and 384
     * for its first batchnorm, two in four of which are not trained */
    {"alexnet-mnist",
     1,
     28,
     28,
     2126186,
     10954432,
     {{"resize2d_1", "resize2d", 1, 64, 64, 0, 0},
      {"conv2d_1", "conv2d", 48, 14, 14, 5856, 1138368},
      {"pool2d_1", "pool2d", 48, 6, 6, 0, 0},
      {"conv2d_2", "conv2d", 128, 6, 6, 153728, 5529600},
      {"pool2d_2", "pool2d", 128, 2, 2, 0, 0},
      {"conv2d_3", "conv2d", 192, 2, 2, 221376, 884736},
      {"conv2d_4", "conv2d", 192, 2, 2, 331968, 1327104},
      {"conv2d_5", "conv2d", 128, 2, 2, 221312, 884736},
      {"pool2d_3", "pool2d", 128, 1, 1, 0, 0},
      {"flatten_1", "flatten", 128, 1, 1, 0, 0},
      {"dense_1", "dense", 1024, 1, 1, 132096, 131072},
      {"dropout_1", "dropout", 1024, 1, 1, 0, 0},
      {"dense_2", "dense", 1024, 1, 1, 1049600, 1048576},
      {"dropout_2", "dropout", 1024, 1, 1, 0, 0},
      {"dense_3", "dense", 10, 1, 1, 10250, 10240},
      {"softmax_1", "softmax", 10, 1, 1, 0, 0}}},
    {"alexnet-cifar10",
     3,
     32,
     32,
     21622154,
     145718400,
     {{"conv2d_1", "conv2d", 96, 22, 22, 34944, 16866432},
      {"pool2d_1", "pool2d", 96, 10, 10, 0, 0},
      {"conv2d_2", "conv2d", 256, 10, 10, 614656, 61440000},
      {"pool2d_2", "pool2d", 256, 4, 4, 0, 0},
      {"conv2d_3", "conv2d", 384, 4, 4, 885120, 14155776},
      {"conv2d_4", "conv2d", 384, 4, 4, 1327488, 21233664},
      {"conv2d_5", "conv2d", 256, 4, 4, 884992, 14155776},
      {"pool2d_3", "pool2d", 256, 1, 1, 0, 0},
      {"flatten_1", "flatten", 256, 1, 1, 0, 0},
      {"dense_1", "dense", 4096, 1, 1, 1052672, 1048576},
      {"dropout_1", "dropout", 4096, 1, 1, 0, 0},
      {"dense_2", "dense", 4096, 1, 1, 16781312, 16777216},
      {"dropout_2", "dropout", 4096, 1, 1, 0, 0},
      {"dense_3", "dense", 10, 1, 1, 40970, 40960},
      {"softmax_1", "softmax", 10, 1, 1, 0, 0}}},
    {"binary-cnn",
     3,
     224,
     224,
     22421713,
     283974108,
     {{"conv2d_1", "conv2d", 32, 222, 222, 896, 42581376},
      {"pool2d_1", "pool2d", 32, 111, 111, 0, 0},
      {"conv2d_2", "conv2d", 64, 109, 109, 18496, 218990592},
      {"pool2d_2", "pool2d", 64, 54, 54, 0, 0},
      {"flatten_1", "flatten", 186624, 1, 1, 0, 0},
      {"dense_1", "dense", 120, 1, 1, 22395000, 22394880},
      {"dense_2", "dense", 60, 1, 1, 7260, 7200},
      {"dense_3", "dense", 1, 1, 1, 61, 60}}},
    {"alexnet-bn",
     3,
     224,
     224,
     24769281,
     743185536,
     {{"conv2d_1", "conv2d", 96, 54, 54, 34944, 101616768},
      {"pool2d_1", "pool2d", 96, 26, 26, 0, 0},
      {"batchnorm_1", "batchnorm", 96, 26, 26, 384, 0},
      {"conv2d_2", "conv2d", 256, 26, 26, 614656, 415334400},
      {"pool2d_2", "pool2d", 256, 12, 12, 0, 0},
      {"batchnorm_2", "batchnorm", 256, 12, 12, 1024, 0},
      {"conv2d_3", "conv2d", 384, 10, 10, 885120, 88473600},
      {"batchnorm_3", "batchnorm", 384, 10, 10, 1536, 0},
      {"conv2d_4", "conv2d", 384, 8, 8, 1327488, 84934656},
      {"batchnorm_4", "batchnorm", 384, 8, 8, 1536, 0},
      {"conv2d_5", "conv2d", 256, 6, 6, 884992, 31850496},
      {"pool2d_3", "pool2d", 256, 2, 2, 0, 0},
      {"batchnorm_5", "batchnorm", 256, 2, 2, 1024, 0},
      {"flatten_1", "flatten", 1024, 1, 1, 0, 0},
      {"dense_1", "dense", 4096, 1, 1, 4198400, 4194304},
      {"dropout_1", "dropout", 4096, 1, 1, 0, 0},
      {"batchnorm_6", "batchnorm", 4096, 1, 1, 16384, 0},
      {"dense_2", "dense", 4096, 1, 1, 16781312, 16777216},
      {"dropout_2", "dropout", 4096, 1, 1, 0, 0},
      {"batchnorm_7", "batchnorm", 4096, 1, 1, 16384, 0},
      {"dense_3", "dense", 1, 1, 1, 4097, 4096}},
     .fixed = 19136},
    {"alexnet-valid",
     3,
     224,
     224,
     25678184,
     539462784,
     {{"conv2d_1", "conv2d", 96, 54, 54, 34944, 101616768},
      {"pool2d_1", "pool2d", 96, 26, 26, 0, 0},
      {"conv2d_2", "conv2d", 256, 22, 22, 614656, 297369600},
      {"pool2d_2", "pool2d", 256, 10, 10, 0, 0},
      {"conv2d_3", "conv2d", 384, 8, 8, 885120, 56623104},
      {"conv2d_4", "conv2d", 384, 6, 6, 1327488, 47775744},
      {"conv2d_5", "conv2d", 256, 4, 4, 884992, 14155776},
      {"pool2d_3", "pool2d", 256, 1, 1, 0, 0},
      {"flatten_1", "flatten", 256, 1, 1, 0, 0},
      {"dense_1", "dense", 4096, 1, 1, 1052672, 1048576},
      {"dropout_1", "dropout", 4096, 1, 1, 0, 0},
      {"dense_2", "dense", 4096, 1, 1, 16781312, 16777216},
      {"dropout_2", "dropout", 4096, 1, 1, 0, 0},
      {"dense_3", "dense", 1000, 1, 1, 4097000, 4096000},
      {"softmax_1", "softmax", 1000, 1, 1, 0, 0}}},
    {"alexnet",
     3,
     227,
     227,
     62378344,
     1135256096,
     {{"conv2d_1", "conv2d", 96, 55, 55, 34944, 105415200},
      {"lrn_1", "lrn", 96, 55, 55, 0, 0},
      {"pool2d_1", "pool2d", 96, 27, 27, 0, 0},
      {"conv2d_2", "conv2d", 256, 27, 27, 614656, 447897600},
      {"lrn_2", "lrn", 256, 27, 27, 0, 0},
      {"pool2d_2", "pool2d", 256, 13, 13, 0, 0},
      {"conv2d_3", "conv2d", 384, 13, 13, 885120, 149520384},
      {"conv2d_4", "conv2d", 384, 13, 13, 1327488, 224280576},
      {"conv2d_5", "conv2d", 256, 13, 13, 884992, 149520384},
      {"pool2d_3", "pool2d", 256, 6, 6, 0, 0},
      {"flatten_1", "flatten", 9216, 1, 1, 0, 0},
      {"dense_1", "dense", 4096, 1, 1, 37752832, 37748736},
      {"dropout_1", "dropout", 4096, 1, 1, 0, 0},
      {"dense_2", "dense", 4096, 1, 1, 16781312, 16777216},
      {"dropout_2", "dropout", 4096, 1, 1, 0, 0},
      {"dense_3", "dense", 1000, 1, 1, 4097000, 4096000},
      {"softmax_1", "softmax", 1000, 1, 1, 0, 0}}},
    {"alexnet-2012",
     3,
     227,
     227,
     60965224,
     724406816,
     {{"conv2d_1", "conv2d", 96, 55, 55, 34944, 105415200},
      {"lrn_1", "lrn", 96, 55, 55, 0, 0},
      {"pool2d_1", "pool2d", 96, 27, 27, 0, 0},
      {"conv2d_2", "conv2d", 256, 27, 27, 307456, 223948800},
      {"lrn_2", "lrn", 256, 27, 27, 0, 0},
      {"pool2d_2", "pool2d", 256, 13, 13, 0, 0},
      {"conv2d_3", "conv2d", 384, 13, 13, 885120, 149520384},
      {"conv2d_4", "conv2d", 384, 13, 13, 663936, 112140288},
      {"conv2d_5", "conv2d", 256, 13, 13, 442624, 74760192},
      {"pool2d_3", "pool2d", 256, 6, 6, 0, 0},
      {"flatten_1", "flatten", 9216, 1, 1, 0, 0},
      {"dense_1", "dense", 4096, 1, 1, 37752832, 37748736},
      {"dropout_1", "dropout", 4096, 1, 1, 0, 0},
      {"dense_2", "dense", 4096, 1, 1, 16781312, 16777216},
      {"dropout_2", "dropout", 4096, 1, 1, 0, 0},
      {"dense_3", "dense", 1000, 1, 1, 4097000, 4096000},
      {"softmax_1", "softmax", 1000, 1, 1, 0, 0}}},
};

#define EXPECTED_COUNT (sizeof expected / sizeof expected[0])

/* ---- tests ----------------------------------------------------------------------------------- */

static void check_model(const model *want) {
    lens_net_spec *spec;
    lens_net_summary *summary;
    assert_ok(lens_model_spec(&spec, want->name));
    assert_string_equal(spec->name, want->name);
    assert_true(lens_shape_equal(spec->input, (lens_shape){1, want->c, want->h, want->w}));
    assert_ok(lens_net_summary_new(&summary, spec, NULL, 32, 2));
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

/* What a summary says of memory is what a network then takes: without scratch on the reference,
 * with it on the device under test. */
static void memory_is_what_a_net_takes(void **state) {
    (void)state;
    lens_context *contexts[] = {test_reference(), test_device()};
    for (size_t i = 0; i < 2 * EXPECTED_COUNT; i++) {
        lens_context *context = contexts[i % 2];
        lens_net_spec *spec;
        lens_net_summary *summary;
        lens_net *net;
        assert_ok(lens_model_spec(&spec, expected[i / 2].name));
        assert_ok(lens_net_summary_new(&summary, spec, context, 4, 0));
        lens_net_opts opts = lens_net_defaults();
        opts.batch = 4;
        opts.training = true;
        size_t before = lens_context_memory(context, NULL);
        assert_ok(lens_net_new(&net, context, spec, &opts));
        assert_int_equal(lens_context_memory(context, NULL) - before, summary->memory_bytes.total);
        lens_net_free(net);
        assert_int_equal(lens_context_memory(context, NULL), before);
        lens_net_summary_free(summary);
        lens_net_spec_free(spec);
    }
}

/* AlexNet at the paper's batch, with momentum. */
static void alexnet_trains_in_2_gib(void **state) {
    (void)state;
    lens_net_spec *spec;
    lens_net_summary *summary;
    assert_ok(lens_model_spec(&spec, "alexnet"));
    assert_ok(lens_net_summary_new(&summary, spec, test_device(), 128, 1));
    assert_true(summary->memory_bytes.total < (size_t)(2.2 * 1024 * 1024 * 1024));
    lens_net_summary_free(summary);
    lens_net_spec_free(spec);
}

static void what_does_not_fit_is_refused_with_the_batch_that_would(void **state) {
    (void)state;
    lens_net_spec *spec;
    lens_net *net;
    assert_ok(lens_model_spec(&spec, "alexnet"));
    lens_net_opts opts = lens_net_defaults();
    opts.training = true;
    const lens_device_info *device = lens_context_device(test_device());
    /* 4 bytes of each of the first convolution's outputs at least */
    opts.batch = 1 + device->memory_bytes / (4 * 96 * 55 * 55);
    if (opts.batch > INT32_MAX / (96 * 55 * 55))
        opts.batch = INT32_MAX / (96 * 55 * 55);
    size_t before = lens_context_memory(test_device(), NULL);
    lens_status status = lens_net_new(&net, test_device(), spec, &opts);
    if (status == LENS_OK) { /* a machine with more memory than a tensor can have */
        lens_net_free(net);
        lens_net_spec_free(spec);
        skip();
    }
    assert_int_equal(status, LENS_OUT_OF_MEMORY);
    const char *place = strstr(lens_last_error(), "; a batch of ");
    assert_non_null(place);
    assert_int_equal(lens_context_memory(test_device(), NULL), before);
    unsigned long long fitting = 0;
    assert_int_equal(sscanf(place, "; a batch of %llu would fit", &fitting), 1);
    opts.batch = fitting;
    assert_ok(lens_net_check_memory(test_device(), spec, &opts, 0));
    opts.batch++;
    assert_fails(lens_net_check_memory(test_device(), spec, &opts, 0), LENS_OUT_OF_MEMORY,
                 "network alexnet at a batch of");
    lens_net_spec_free(spec);
}

static void unknown_names_get_the_nearest(void **state) {
    (void)state;
    static const struct {
        const char *name, *nearest;
    } cases[] = {
        {"lenet", "\"lenet\"; the nearest are lenet5, "}, {"lenet-5", "lenet5, "},
        {"lenet5_relu", "nearest are lenet5-relu, "},     {"alexnet-minnie", "alexnet-mini"},
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

    assert_fails(lens_net_summary_new(&summary, spec, NULL, 0, 0), LENS_BAD_ARGUMENT, "batch of 0");
    spec->input.h = 4;
    assert_fails(lens_net_summary_new(&summary, spec, NULL, 1, 0), LENS_BAD_SHAPE,
                 "layer conv2d_1: ");
    spec->input.h = 9;
    assert_fails(lens_net_summary_new(&summary, spec, NULL, 1, 0), LENS_BAD_SHAPE,
                 "layer conv2d_2: ");
    spec->input.h = 32;
    spec->input.n = 2;
    assert_fails(lens_net_summary_new(&summary, spec, NULL, 1, 0), LENS_BAD_SHAPE, "2 images");
    spec->input.n = 1;

    layers[2].conv2d.filters = 0;
    assert_fails(lens_net_summary_new(&summary, spec, NULL, 1, 0), LENS_BAD_SHAPE,
                 "0 filters of 5 x 5");
    layers[2] = kept;
    layers[2].conv2d.opts.groups = 4;
    assert_fails(lens_net_summary_new(&summary, spec, NULL, 1, 0), LENS_BAD_SHAPE, "4 groups");
    layers[2] = kept;
    layers[2].conv2d.same_padding = true;
    layers[2].conv2d.opts.stride_w = 0;
    assert_fails(lens_net_summary_new(&summary, spec, NULL, 1, 0), LENS_BAD_ARGUMENT, "stride 0");
    layers[2] = kept;
    layers[2].conv2d.connections[0] = 1;
    assert_fails(lens_net_summary_new(&summary, spec, NULL, 1, 0), LENS_BAD_SHAPE,
                 "the connections of filter 1; each of the 16 filters needs some");
    for (size_t k = 0; k < 16; k++)
        layers[2].conv2d.connections[k] = 1 << 6;
    assert_fails(lens_net_summary_new(&summary, spec, NULL, 1, 0), LENS_BAD_SHAPE,
                 "filter 0 is connected beyond the 6 channels of x");
    for (size_t k = 0; k < 17; k++)
        layers[2].conv2d.connections[k] = 1;
    assert_fails(lens_net_summary_new(&summary, spec, NULL, 1, 0), LENS_BAD_SHAPE,
                 "the connections of filter 16");
    layers[2].conv2d.opts.groups = 2;
    assert_fails(lens_net_summary_new(&summary, spec, NULL, 1, 0), LENS_BAD_SHAPE,
                 "connections are for 1 group and at most 32 filters of 32 channels");
    layers[2] = kept;
    strcpy(layers[2].name, "conv2d_1");
    assert_fails(lens_net_summary_new(&summary, spec, NULL, 1, 0), LENS_BAD_ARGUMENT,
                 "layers 0 and 2 are both named \"conv2d_1\"");
    strcpy(layers[2].name, "a b");
    assert_fails(lens_net_summary_new(&summary, spec, NULL, 1, 0), LENS_BAD_ARGUMENT, "\"a b\"");
    strcpy(layers[2].name, "");
    assert_fails(lens_net_summary_new(&summary, spec, NULL, 1, 0), LENS_BAD_ARGUMENT,
                 "layer 2 needs");
    layers[2] = kept;
    layers[1].pool2d.same_padding = true;
    layers[1].pool2d.opts.window_h = layers[1].pool2d.opts.window_w = 0;
    assert_fails(lens_net_summary_new(&summary, spec, NULL, 1, 0), LENS_BAD_ARGUMENT,
                 "global pooling");
    layers[1].kind = LENS_LAYER_RBF;
    assert_fails(lens_net_summary_new(&summary, spec, NULL, 1, 0), LENS_BAD_SHAPE,
                 "layer pool2d_1: rbf: x has 4704 features, the codes are 7 x 12 pictures");
    layers[1].kind = LENS_LAYER_SUBSAMPLE;
    layers[1].subsample.opts = (lens_subsample_opts){.window_h = 2, .window_w = 29};
    assert_fails(lens_net_summary_new(&summary, spec, NULL, 1, 0), LENS_BAD_SHAPE,
                 "layer pool2d_1: subsample: a window of 29");
    layers[1].kind = (lens_layer_kind)99;
    assert_fails(lens_net_summary_new(&summary, spec, NULL, 1, 0), LENS_BAD_ARGUMENT, "kind 99");
    layers[1].kind = LENS_LAYER_ACTIVATION;
    layers[1].activation = (lens_activation){LENS_ELU, 0};
    assert_fails(lens_net_summary_new(&summary, spec, NULL, 1, 0), LENS_BAD_ARGUMENT,
                 "alpha of elu");
    layers[5].dense.units = 0;
    layers[1].activation = lens_activation_of(LENS_ELU);
    layers[2].kind = LENS_LAYER_FLATTEN;
    layers[3].kind = LENS_LAYER_FLATTEN;
    assert_fails(lens_net_summary_new(&summary, spec, NULL, 1, 0), LENS_BAD_SHAPE,
                 "layer dense_1: dense: 0 units");
    layers[5].dense.units = SIZE_MAX / 2;
    assert_fails(lens_net_summary_new(&summary, spec, NULL, 1, 0), LENS_BAD_SHAPE,
                 "layer dense_1: ");
    spec->layer_count = 0;
    assert_fails(lens_net_summary_new(&summary, spec, NULL, 1, 0), LENS_BAD_ARGUMENT, "no layer");
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
        cmocka_unit_test(alexnet_trains_in_2_gib),
        cmocka_unit_test(what_does_not_fit_is_refused_with_the_batch_that_would),
        cmocka_unit_test(unknown_names_get_the_nearest),
        cmocka_unit_test(bad_networks_are_named),
        cmocka_unit_test(a_copy_is_independent),
        cmocka_unit_test(names_of_kinds),
    };
    return cmocka_run_group_tests(tests, NULL, test_close);
}
