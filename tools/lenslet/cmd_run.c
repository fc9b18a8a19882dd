/* cmd_run.c: one forward pass, and one backward pass if asked for, from .npy files to .npy files.
 */
#include "model.h"
#include "pick.h"
#include "profile.h"
#include "table.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct run_options {
    const char *weights, *input, *labels, *directory, *save_weights, *device, *algorithm, *profile;
    bool gradients, every_layer;
    int loss, format;
    uint64_t seed;
} run_options;

enum { LOSS_AUTO }; /* then the order of lens_loss_kind */

static const option options[] = {
    {"input", 'i', OPTION_TEXT, "X.npy", "the images: (n, c, h, w)", offsetof(run_options, input)},
    {"output-dir", 'o', OPTION_TEXT, "DIR", "where the results go; made if it is missing",
     offsetof(run_options, directory)},
    {"weights", 'w', OPTION_TEXT, "F.safetensors",
     "the weights; default: those of MODEL if it is a checkpoint, else the seeded initial ones",
     offsetof(run_options, weights)},
    {"labels", 'l', OPTION_TEXT, "Y.npy", "class numbers (n) or targets (n, c)",
     offsetof(run_options, labels)},
    {"gradients", 'g', OPTION_FLAG, NULL,
     "also loss.npy, grad_input.npy and grad_<parameter>.npy; needs --labels",
     offsetof(run_options, gradients)},
    {"every-layer", 0, OPTION_FLAG, NULL, "also <layer>.npy, the output of each layer",
     offsetof(run_options, every_layer)},
    {"loss", 0, OPTION_CHOICE,
     "auto|sparse_categorical_crossentropy|categorical_crossentropy|binary_crossentropy|"
     "mean_squared_error|lenslet>map",
     "default auto: what fits the last layer and the labels", offsetof(run_options, loss)},
    {"save-weights", 0, OPTION_TEXT, "F", "write the weights that were used",
     offsetof(run_options, save_weights)},
    {"seed", 's', OPTION_SEED, "S", "of the initial weights; default 0",
     offsetof(run_options, seed)},
    OPTION_DEVICE_ROW(run_options),
    OPTION_ALGORITHM_ROW(run_options),
    OPTION_PROFILE_ROW(run_options),
    OPTION_FORMAT_ROW(run_options),
    {0},
};

static const table_column columns[] = {
    {"file", "File"}, {"shape", "Shape"}, {"min", "Least", true}, {"max", "Largest", true}, {0},
};

/* What the passes need: the net, its data, and the table of files written. */
typedef struct job {
    const run_options *o;
    lens_context *context;
    lens_net *net;
    float *input, *labels;
    lens_shape input_shape, labels_shape;
    size_t labels_rank;
    lens_loss_kind loss_kind;
    double loss;
    table *files;
} job;

/* ---- writing ------------------------------------------------------------------------------- */

/* The first `rank` of n c h w are the file's shape. */
static lens_status write_values(job *j, const char *name, const float *values, lens_shape shape,
                                size_t rank) {
    char path[4096];
    if (snprintf(path, sizeof path, "%s/%s.npy", j->o->directory, name) >= (int)sizeof path)
        return cli_fail(LENS_BAD_ARGUMENT, "--output-dir: the path is too long");
    TRY(lens_npy_write(path, values, shape, rank));
    size_t sizes[4] = {shape.n, shape.c, shape.h, shape.w}, count = 1;
    json_t *dims = json_array();
    char text[96] = "scalar";
    for (size_t i = 0, used = 0; i < rank; i++) {
        count *= sizes[i];
        json_array_append_new(dims, out_count(sizes[i]));
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%zu", i ? "x" : "", sizes[i]);
    }
    double least = INFINITY, largest = -INFINITY;
    for (size_t i = 0; i < count; i++) {
        least = values[i] < least ? values[i] : least;
        largest = values[i] > largest ? values[i] : largest;
    }
    table_text(j->files, strrchr(path, '/') + 1);
    table_cell(j->files, dims, text);
    table_real(j->files, least, out_printf("%.6g", least));
    table_real(j->files, largest, out_printf("%.6g", largest));
    return LENS_OK;
}

static lens_status write_tensor(job *j, const char *name, const lens_tensor *tensor,
                                lens_shape shape, size_t rank) {
    float *values = cli_alloc(lens_tensor_count(tensor), sizeof *values);
    lens_status status = lens_tensor_read(tensor, values);
    if (status == LENS_OK)
        status = write_values(j, name, values, shape, rank);
    free(values);
    return status;
}

static lens_status write_layers(job *j) {
    const lens_net_spec *spec = lens_net_get_spec(j->net);
    for (size_t i = 0; i < spec->layer_count; i++) {
        const lens_tensor *y = lens_net_layer_output(j->net, i);
        TRY(write_tensor(j, spec->layers[i].name, y, lens_tensor_shape(y),
                         model_layer_rank(spec, i)));
    }
    return LENS_OK;
}

static size_t weight_rank(lens_layer_kind kind) {
    switch (kind) {
    case LENS_LAYER_SUBSAMPLE:
        return 1;
    case LENS_LAYER_DENSE:
    case LENS_LAYER_RBF:
        return 2;
    default:
        return 4;
    }
}

/* A bias has one axis, a weight as many as its layer has uses for. */
static lens_status write_gradient(job *j, const lens_parameter *parameter) {
    const lens_net_spec *spec = lens_net_get_spec(j->net);
    lens_shape shape = parameter->shape;
    size_t rank = 4, layer_size = (size_t)(strrchr(parameter->name, '.') - parameter->name);
    for (size_t i = 0; i < spec->layer_count; i++)
        if (strlen(spec->layers[i].name) == layer_size &&
            !strncmp(spec->layers[i].name, parameter->name, layer_size))
            rank = weight_rank(spec->layers[i].kind);
    if (!strcmp(parameter->name + layer_size, ".bias"))
        rank = 1;
    if (rank == 1)
        shape = (lens_shape){shape.c, 1, 1, 1};
    return write_tensor(j, out_printf("grad_%s", parameter->name), parameter->gradient, shape,
                        rank);
}

/* ---- labels -------------------------------------------------------------------------------- */

static lens_status check_labels(const job *j) {
    lens_shape target = lens_tensor_shape(lens_net_target(j->net)), y = j->labels_shape;
    size_t want = target.n * target.c * target.h * target.w, have = y.n * y.c * y.h * y.w;
    if (have != want || y.n != target.n)
        return cli_fail(LENS_BAD_FILE,
                        "%s: %zu values of %zu images, %s of this net wants %zu of %zu",
                        j->o->labels, have, y.n, lens_loss_name(j->loss_kind), want, target.n);
    if (j->loss_kind != LENS_SPARSE_CROSS_ENTROPY && j->loss_kind != LENS_MAP)
        return LENS_OK;
    size_t classes = lens_tensor_shape(lens_net_output(j->net)).c;
    for (size_t i = 0; i < have; i++)
        if (!(j->labels[i] >= 0 && j->labels[i] < (float)classes &&
              j->labels[i] == floorf(j->labels[i])))
            return cli_fail(LENS_BAD_FILE, "%s: label %g of image %zu is none of 0 .. %zu",
                            j->o->labels, j->labels[i], i, classes - 1);
    return LENS_OK;
}

static lens_status loss_and_gradients(job *j) {
    TRY(check_labels(j));
    TRY(lens_tensor_write(lens_net_target(j->net), j->labels));
    lens_tensor *total;
    float values[2];
    TRY(lens_tensor_new(&total, j->context, (lens_shape){1, 2, 1, 1}));
    lens_status status = lens_net_loss(j->net, total, false);
    if (status == LENS_OK)
        status = lens_tensor_read(total, values);
    lens_tensor_free(total);
    if (status != LENS_OK)
        return status;
    float mean = values[0] / (float)j->input_shape.n;
    j->loss = mean;
    TRY(write_values(j, "loss", &mean, (lens_shape){1, 1, 1, 1}, 0));
    if (!j->o->gradients)
        return LENS_OK;
    TRY(lens_net_backward(j->net));
    const lens_tensor *dx = lens_net_input_gradient(j->net);
    TRY(write_tensor(j, "grad_input", dx, lens_tensor_shape(dx), 4));
    for (size_t i = 0; i < lens_net_parameter_count(j->net); i++)
        if (lens_net_parameter(j->net, i)->gradient)
            TRY(write_gradient(j, lens_net_parameter(j->net, i)));
    return LENS_OK;
}

/* ---- the passes ---------------------------------------------------------------------------- */

static lens_status open_net(job *j, const char *model, const lens_net_spec *spec) {
    lens_shape x = j->input_shape, in = spec->input;
    if (x.c != in.c || x.h != in.h || x.w != in.w)
        return cli_fail(LENS_BAD_FILE, "%s: images of %zux%zux%zu, %s takes %zux%zux%zu",
                        j->o->input, x.c, x.h, x.w, spec->name, in.c, in.h, in.w);
    lens_net_opts opts = lens_net_defaults();
    opts.batch = x.n;
    opts.training = opts.input_gradient = j->o->gradients;
    opts.keep_layers = j->o->every_layer;
    opts.loss = j->loss_kind = j->o->loss == LOSS_AUTO ? model_loss(spec, j->labels_rank)
                                                       : (lens_loss_kind)(j->o->loss - 1);
    TRY(lens_net_new(&j->net, j->context, spec, &opts));
    TRY(lens_net_set_batch(j->net, x.n));
    if (j->o->weights)
        TRY(lens_net_load(j->net, j->o->weights));
    else if (model_has_weights(model))
        TRY(lens_net_load(j->net, model));
    else
        TRY(lens_net_initialize(j->net, j->o->seed));
    return j->o->save_weights ? lens_net_save(j->net, j->o->save_weights) : LENS_OK;
}

static lens_status pass(job *j) {
    const lens_net_spec *spec = lens_net_get_spec(j->net);
    TRY(lens_tensor_write(lens_net_input(j->net), j->input));
    TRY(j->o->gradients ? lens_net_forward_training(j->net, j->o->seed, 0)
                        : lens_net_forward(j->net));
    const lens_tensor *y = lens_net_output(j->net);
    TRY(write_tensor(j, "output", y, lens_tensor_shape(y),
                     model_layer_rank(spec, spec->layer_count - 1)));
    if (j->o->every_layer)
        TRY(write_layers(j));
    return j->labels ? loss_and_gradients(j) : LENS_OK;
}

static lens_status make_directory(const char *path) {
    struct stat info;
    if (mkdir(path, 0777) == 0 ||
        (errno == EEXIST && stat(path, &info) == 0 && S_ISDIR(info.st_mode)))
        return LENS_OK;
    return cli_fail(LENS_IO, "%s: cannot make this directory: %s", path, strerror(errno));
}

static lens_status read_files(job *j) {
    size_t rank;
    TRY(lens_npy_read(&j->input, &j->input_shape, &rank, j->o->input));
    if (j->o->labels)
        TRY(lens_npy_read(&j->labels, &j->labels_shape, &j->labels_rank, j->o->labels));
    return make_directory(j->o->directory);
}

static void print_results(const job *j, const lens_net_spec *spec) {
    if (j->o->format == FORMAT_JSON) {
        json_t *document = out_document("run");
        json_object_set_new(document, "model", out_text(spec->name));
        json_object_set_new(document, "device", out_device(lens_context_device(j->context)));
        json_object_set_new(document, "images", out_count(j->input_shape.n));
        json_object_set_new(document, "loss_kind",
                            j->labels ? out_text(lens_loss_name(j->loss_kind)) : json_null());
        json_object_set_new(document, "loss", j->labels ? out_real(j->loss) : json_null());
        json_object_set_new(document, "output_dir", out_text(j->o->directory));
        json_object_set_new(document, "files", table_rows(j->files));
        out_print(document);
    } else if (j->o->format == FORMAT_TEXT) {
        printf("  %s on %s: %zu images, into %s\n", spec->name,
               pick_name(lens_context_device(j->context)), j->input_shape.n, j->o->directory);
        if (j->labels)
            printf("  loss %.6g (%s, mean of the batch)\n", j->loss, lens_loss_name(j->loss_kind));
        putchar('\n');
        table_print(j->files, FORMAT_TEXT);
    } else {
        table_print(j->files, j->o->format);
    }
}

static lens_status run_model(const char *model, const run_options *o) {
    job j = {.o = o, .files = table_new(columns)};
    lens_context_opts opts = lens_context_defaults();
    opts.algorithm = o->algorithm;
    profile p;
    lens_net_spec *spec = NULL;
    lens_status status = profile_open(&p, o->profile, "run", model);
    opts.profile = o->profile;
    opts.trace = p.trace;
    if (status == LENS_OK)
        status = lens_net_spec_open(&spec, model);
    if (status == LENS_OK)
        status = read_files(&j);
    if (status == LENS_OK)
        status = pick_open(&j.context, o->device, &opts);
    if (status == LENS_OK)
        status = open_net(&j, model, spec);
    if (status == LENS_OK)
        status = pass(&j);
    if (status == LENS_OK)
        print_results(&j, spec);
    if (status == LENS_OK && o->profile)
        profile_print(&p, j.context);
    lens_net_free(j.net);
    lens_context_free(j.context);
    lens_net_spec_free(spec);
    free(j.input);
    free(j.labels);
    table_free(j.files);
    return profile_close(&p, status);
}

static int run(int argc, char **argv) {
    run_options o = {0};
    options_parse(&command_run, argc, argv, &o, 1, 1);
    if (!o.input || !o.directory)
        cli_usage("run", "--input and --output-dir are needed");
    if (o.gradients && !o.labels)
        cli_usage("run", "--gradients needs --labels");
    return cli_report("run", run_model(argv[1], &o));
}

const cli_command command_run = {
    "run",
    "MODEL --input X.npy --output-dir DIR [OPTION ...]",
    "one forward pass of arrays; layers, loss and gradients too if asked for",
    "Reads and writes .npy files, so that any other program can compare. Writes output.npy, the\n"
    "last layer's output; with --labels also loss.npy, the mean loss of the batch.",
    options,
    run,
};
