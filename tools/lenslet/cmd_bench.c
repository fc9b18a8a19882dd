/* cmd_bench.c: what is measured: a net's steps on every device, or passes by themselves. */
#include "bench.h"
#include "op_parse.h"

#include <math.h>

static const option options[] = {
    OPTION_DEVICES_ROW(bench_options),
    {"compare", 0, OPTION_FLAG, NULL,
     "the whole comparison, which is also what is done when nothing is named; see above",
     offsetof(bench_options, compare)},
    {"out", 'o', OPTION_TEXT, "F.json", "where the comparison goes, for `lenslet report`",
     offsetof(bench_options, out)},
    {"machine", 0, OPTION_TEXT, "NAME",
     "how the comparison calls this machine; default its host name",
     offsetof(bench_options, machine)},
    {"mode", 0, OPTION_CHOICE, "training|inference",
     "a training step (the default), or the forward pass of a net that is opened for inference",
     offsetof(bench_options, mode)},
    {"batch-size", 'b', OPTION_COUNT, "N",
     "images a step, and of a SHAPE without mb; default 64 (16 of alexnet where it is not named)",
     offsetof(bench_options, batch), 1, 1 << 16},
    {"optimizer", 0, OPTION_CHOICE, "sgd|momentum|nesterov|rmsprop|adam|adamw",
     "default adam; momentum with --compare, --layers and SHAPE",
     offsetof(bench_options, optimizer)},
    {"seconds", 0, OPTION_REAL, "T",
     "how long to measure each device, default 2; with --layers and SHAPE each pass, default 0",
     offsetof(bench_options, seconds), 0.001, 3600},
    {"layers", 0, OPTION_FLAG, NULL,
     "instead: every pass of each layer, against the device's peak and memory",
     offsetof(bench_options, layers)},
    {"rounds", 0, OPTION_COUNT, "N", "how often --layers and SHAPE time a pass at least; default 7",
     offsetof(bench_options, rounds), 1, 1000},
    {"op", 0, OPTION_CHOICE, "conv2d|dense|pool2d|lrn|batchnorm|activation|dropout|optimizer",
     "with --compare and --layers only this; what a SHAPE is of: default conv2d with kh and oc, "
     "dense with oc",
     offsetof(bench_options, operation)},
    {"pass", 0, OPTION_CHOICE, "forward|input-gradient|weight-gradient|bias-gradient",
     "only this pass; default every one", offsetof(bench_options, pass)},
    {"pool", 0, OPTION_CHOICE, "max|average|min", "of --op pool2d; default max",
     offsetof(bench_options, pool2d)},
    {"activation", 0, OPTION_CHOICE, "linear|relu|leaky_relu|tanh|scaled_tanh|sigmoid|elu|softplus",
     "of --op activation; default relu", offsetof(bench_options, activation)},
    OPTION_ALGORITHM_ROW(bench_options),
    OPTION_PROFILE_ROW(bench_options),
    OPTION_FORMAT_ROW(bench_options),
    {0},
};

static void check_usage(const bench_options *o, char **given, size_t count, size_t shapes) {
    const char *only = shapes ? "SHAPE" : "--layers";
    if (shapes && shapes < count)
        cli_usage("bench", "\"%s\" is a shape, \"%s\" is none", given[0], given[1]);
    if (!shapes && !o->compare && count > 1)
        cli_usage("bench", "one MODEL, or shapes; \"%s\" is too much", given[1]);
    if (o->compare && (shapes || o->layers))
        cli_usage("bench", "the comparison takes no %s", only);
    if (o->compare && (o->mode >= 0 || o->profile))
        cli_usage("bench", "the comparison takes no --%s", o->profile ? "profile" : "mode");
    if (!o->compare && (o->out || o->machine))
        cli_usage("bench", "--%s is of the comparison", o->out ? "out" : "machine");
    if (shapes && o->layers)
        cli_usage("bench", "--layers takes a MODEL, \"%s\" is a shape", given[0]);
    if (!shapes && !o->layers && !o->compare && (o->operation >= 0 || o->pass >= 0))
        cli_usage("bench", "--%s is of --layers, --compare or a SHAPE",
                  o->operation >= 0 ? "op" : "pass");
    if ((shapes || o->layers) && o->devices.count > 1)
        cli_usage("bench", "%s takes one --device", only);
    if ((shapes || o->layers) && o->mode >= 0)
        cli_usage("bench", "%s takes no --mode", only);
}

/* What was not given, which depends on what is measured. */
static void set_defaults(bench_options *o, bool of_steps) {
    if (o->optimizer < 0)
        o->optimizer = of_steps ? LENS_ADAM : LENS_MOMENTUM;
    if (isnan(o->seconds))
        o->seconds = of_steps || o->compare ? 2 : 0;
    if (o->mode < 0)
        o->mode = BENCH_TRAINING;
    if (o->batch == COUNT_UNSET && !o->compare)
        o->batch = BENCH_BATCH;
}

static int compare(char **models, size_t count, const bench_options *o) {
    size_t failed;
    lens_status status = bench_compare(models, count, o, &failed);
    return status == LENS_OK && failed ? CLI_CHECK_FAILED : cli_report("bench", status);
}

static int run(int argc, char **argv) {
    bench_options o = {.batch = COUNT_UNSET,
                       .mode = -1,
                       .seconds = NAN,
                       .rounds = 7,
                       .optimizer = -1,
                       .operation = -1,
                       .pass = -1,
                       .pool2d = LENS_POOL_MAX,
                       .activation = LENS_RELU};
    size_t count = (size_t)options_parse(&command_bench, argc, argv, &o, 0, argc) - 1, shapes = 0;
    char **given = argv + 1;
    const char *model = count ? given[0] : "lenet5-relu"; /* of --layers */
    for (size_t i = 0; i < count; i++)
        shapes += op_parse_is_shape(given[i]);
    o.compare = o.compare || (!count && !o.layers);
    check_usage(&o, given, count, shapes);
    set_defaults(&o, !shapes && !o.layers && !o.compare);
    if (o.compare)
        return compare(given, count, &o);
    if (shapes)
        return cli_report("bench", bench_shapes(given, count, &o));
    return cli_report("bench", o.layers ? bench_layers(model, &o) : bench_steps(model, &o));
}

const cli_command command_bench = {
    "bench",
    "[MODEL ... | SHAPE ...] [OPTION ...]",
    "compare devices; time a net's training step or inference, or single operations",
    "With MODEL: its training step on each --device, timed from its first launch to the end of "
    "the\n"
    "last kernel.\n"
    "\n"
    "`lenslet bench --device all -o F.json` is the comparison: of each device its own peak and\n"
    "bandwidth, the training step and the inference of lenet5-relu and alexnet (or of the MODELs\n"
    "that stand beside --compare), every pass of their layers, the cost of a first start with\n"
    "empty caches, and the cross-check of every operation and of these nets against the "
    "reference.\n"
    "It takes a minute or two a device. `lenslet report F.json -o F.html` makes a page of it.\n"
    "Exit code 1 when a check fails.\n"
    "\n"
    "--layers leaves out layers that pad, resize, subsample or flatten, softmax and rbf.\n"
    "\n"
    "SHAPE is an operation as oneDNN's benchmark writes it, "
    "g2mb16ic96ih27oc256oh27kh5ph2n\"conv2\":\n"
    "groups, images, input channels and rows, output channels and rows, filter, stride (sh),\n"
    "padding, dilation less one (dh), name. Columns (iw, ow, kw ...) are as rows unless given; g, "
    "mb,\n"
    "oh, strides, padding and dilation may be left out. `lenslet bench ic96ih55kh3sh2 --op "
    "pool2d`.\n"
    "\n"
    "A pass that takes less than a millisecond is launched so often in a round that the round "
    "takes\n"
    "five, and small arrays then stay in a cache: it may come out above its bound by memory.",
    options,
    run,
};
