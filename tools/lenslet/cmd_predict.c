/* cmd_predict.c: the classes of images, with probabilities. */
#include "model.h"
#include "pick.h"
#include "pictures.h"
#include "table.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct predict_options {
    const char *weights, *names, *data, *device, *algorithm;
    size_t top;
    double scale; /* NaN: by the kind of file */
    bool invert;
    int format;
} predict_options;

static const option options[] = {
    {"weights", 'w', OPTION_TEXT, "F.safetensors",
     "the weights; needed unless MODEL is a checkpoint", offsetof(predict_options, weights)},
    {"top", 't', OPTION_COUNT, "K", "classes shown for each image; default 5",
     offsetof(predict_options, top), 1, 1e6},
    {"names", 0, OPTION_TEXT, "FILE",
     "the classes' names, one a line; default: as the checkpoint says",
     offsetof(predict_options, names)},
    {"data", 0, OPTION_TEXT, "DIR", "take the names from this directory of data",
     offsetof(predict_options, data)},
    {"scale", 0, OPTION_REAL, "S",
     "multiply values by S; default: bytes as in training, floats by 1",
     offsetof(predict_options, scale), -1e9, 1e9},
    {"invert", 0, OPTION_FLAG, NULL,
     "black on white becomes white on black, as the digits of MNIST are",
     offsetof(predict_options, invert)},
    OPTION_DEVICE_ROW(predict_options),
    OPTION_ALGORITHM_ROW(predict_options),
    OPTION_FORMAT_ROW(predict_options),
    {0},
};

static const table_column columns[] = {
    {"file", "File"},
    {"image", "Image", true},
    {"rank", "#", true},
    {"class", "Class", true},
    {"name", "Name"},
    {"probability", "Probability", true},
    {0},
};

enum { BATCH = 64, NAMES_MAX = 65536 };

/* The net, the names, and the rows so far. */
typedef struct job {
    const predict_options *o;
    lens_context *context;
    lens_net *net;
    lens_dataset *data;
    char *name_text; /* the file of names, its newlines made 0 */
    const char **names;
    char **own_names; /* the checkpoint's */
    size_t name_count;
    bool needs_softmax, has_penalties;
    picture_rule rule;
    size_t images;
    table *rows;
} job;

/* ---- names --------------------------------------------------------------------------------- */

static lens_status read_names(job *j, const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file)
        return cli_fail(LENS_BAD_FILE, "%s: %s", path, strerror(errno));
    enum { BYTES_MAX = 1 << 20 };
    j->name_text = cli_alloc(BYTES_MAX + 1, 1);
    size_t size = fread(j->name_text, 1, BYTES_MAX, file);
    fclose(file);
    j->names = cli_alloc(NAMES_MAX, sizeof *j->names);
    char *text = j->name_text, *end = text + size;
    while (text < end && j->name_count < NAMES_MAX) {
        char *line_end = memchr(text, '\n', (size_t)(end - text));
        line_end = line_end ? line_end : end;
        j->names[j->name_count++] = text;
        *line_end = 0;
        text[strcspn(text, "\r")] = 0;
        text = line_end + 1;
    }
    return j->name_count ? LENS_OK : cli_fail(LENS_BAD_FILE, "%s: no names in it", path);
}

static const char *name_of(const job *j, size_t label) {
    if (j->names)
        return label < j->name_count ? j->names[label] : NULL;
    if (j->data)
        return lens_dataset_class_name(j->data, label);
    return label < j->name_count ? j->own_names[label] : NULL;
}

/* ---- one batch ----------------------------------------------------------------------------- */

/* Penalties become the probabilities that the loss `map` reads in them; what is missing from 1 is
 * that the image is of no class. */
static void to_probabilities(float *y, size_t classes) {
    double least = LENS_REJECTION, sum = 0;
    for (size_t c = 0; c < classes; c++)
        least = y[c] < least ? y[c] : least;
    for (size_t c = 0; c < classes; c++)
        sum += exp(least - y[c]);
    sum += exp(least - LENS_REJECTION);
    for (size_t c = 0; c < classes; c++)
        y[c] = (float)(exp(least - y[c]) / sum);
}

/* The most probable classes of one image; clears their probabilities. */
static void add_rows(job *j, const char *file, size_t image, float *p, size_t classes) {
    for (size_t rank = 1; rank <= j->o->top && rank <= classes; rank++) {
        size_t best = 0;
        for (size_t c = 1; c < classes; c++)
            if (p[c] > p[best] || isnan(p[best]))
                best = c;
        table_cell(j->rows, out_text(file), rank == 1 ? file : "");
        table_cell(j->rows, out_count(image), rank == 1 ? out_printf("%zu", image) : "");
        table_cell(j->rows, out_count(rank), out_printf("%zu", rank));
        table_cell(j->rows, out_count(best), out_printf("%zu", best));
        table_text(j->rows, name_of(j, best));
        table_real(j->rows, (double)p[best], out_printf("%.2f %%", 100 * (double)p[best]));
        p[best] = -INFINITY;
    }
}

static lens_status predict_batch(job *j, const char *file, const pictures *p, size_t first,
                                 size_t count) {
    TRY(lens_net_set_batch(j->net, count));
    TRY(pictures_feed(p, j->net, first, count));
    TRY(lens_net_forward(j->net));
    lens_tensor *y = lens_net_output(j->net);
    if (j->needs_softmax)
        TRY(lens_softmax_forward(y, y));
    size_t outputs = lens_tensor_count(y) / count;
    float *values = cli_alloc(count * outputs, sizeof *values);
    lens_status status = lens_tensor_read(y, values);
    for (size_t i = 0; status == LENS_OK && i < count; i++) {
        if (j->has_penalties)
            to_probabilities(values + i * outputs, outputs);
        float two[2] = {1 - values[i * outputs], values[i * outputs]}; /* of one sigmoid */
        add_rows(j, file, first + i, outputs == 1 ? two : values + i * outputs,
                 outputs == 1 ? 2 : outputs);
    }
    free(values);
    return status;
}

static lens_status predict_file(job *j, const char *file) {
    pictures p;
    TRY(pictures_read(&p, file, lens_net_get_spec(j->net)->input, &j->rule));
    lens_status status = LENS_OK;
    for (size_t first = 0; status == LENS_OK && first < p.shape.n; first += BATCH)
        status = predict_batch(j, file, &p, first,
                               p.shape.n - first < BATCH ? p.shape.n - first : BATCH);
    j->images += p.shape.n;
    pictures_free(&p);
    return status;
}

/* ---- the command --------------------------------------------------------------------------- */

static lens_status open_job(job *j, const char *model, lens_net_spec *spec) {
    const predict_options *o = j->o;
    const char *weights = o->weights ? o->weights : model;
    lens_context_opts opts = lens_context_defaults();
    opts.algorithm = o->algorithm;
    if (o->names)
        TRY(read_names(j, o->names));
    else if (o->data)
        TRY(lens_dataset_read_dir(&j->data, o->data, LENS_SPLIT_TEST));
    else
        TRY(lens_class_names_open(&j->own_names, &j->name_count, weights));
    TRY(picture_rule_open(&j->rule, spec, weights, o->scale, o->invert));
    TRY(pick_open(&j->context, o->device, &opts));
    lens_net_opts net_opts = lens_net_defaults();
    net_opts.batch = BATCH;
    TRY(lens_net_new(&j->net, j->context, spec, &net_opts));
    TRY(lens_net_load(j->net, weights));
    j->has_penalties = model_ends_in_rbf(spec);
    j->needs_softmax =
        !model_ends_in_softmax(spec) && !model_ends_in_sigmoid(spec) && !j->has_penalties;
    return LENS_OK;
}

static void print_results(const job *j, const lens_net_spec *spec) {
    if (j->o->format != FORMAT_JSON) {
        table_print(j->rows, j->o->format);
        return;
    }
    json_t *document = out_document("predict");
    json_object_set_new(document, "model", out_text(spec->name));
    json_object_set_new(document, "device", out_device(lens_context_device(j->context)));
    json_object_set_new(document, "images", out_count(j->images));
    json_object_set_new(document, "predictions", table_rows(j->rows));
    out_print(document);
}

static lens_status predict(const char *model, char **files, size_t count,
                           const predict_options *o) {
    job j = {.o = o, .rows = table_new(columns)};
    lens_net_spec *spec = NULL;
    lens_status status = lens_net_spec_open(&spec, model);
    if (status == LENS_OK)
        status = open_job(&j, model, spec);
    for (size_t i = 0; status == LENS_OK && i < count; i++)
        status = predict_file(&j, files[i]);
    if (status == LENS_OK)
        print_results(&j, spec);
    lens_net_free(j.net);
    lens_context_free(j.context);
    lens_dataset_free(j.data);
    lens_net_spec_free(spec);
    free(j.name_text);
    free(j.names);
    lens_class_names_free(j.own_names, j.name_count);
    table_free(j.rows);
    return status;
}

static int run(int argc, char **argv) {
    predict_options o = {.top = 5, .scale = NAN};
    int left = options_parse(&command_predict, argc, argv, &o, 2, 1 << 20);
    if (!o.weights && !model_has_weights(argv[1]))
        cli_usage("predict", "%s brings no weights; --weights F.safetensors does", argv[1]);
    return cli_report("predict", predict(argv[1], argv + 2, (size_t)left - 2, &o));
}

const cli_command command_predict = {
    "predict",
    "MODEL FILE ... [OPTION ...]",
    "the classes of images, with probabilities",
    "MODEL is a .safetensors checkpoint, or any other model with --weights. FILE is a JPEG or "
    "PNG\n"
    "picture, an .npy array or an IDX file. Pictures and bytes are preprocessed as in training; "
    "arrays\n"
    "of another size are resized on the device, colour becomes grey or grey colour.",
    options,
    run,
};
