/* cmd_eval.c: how good a trained network is: loss, accuracy, classes, confusion matrix. */
#include "model.h"
#include "pick.h"
#include "profile.h"
#include "progress.h"
#include "table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct eval_options {
    const char *data, *weights, *device, *algorithm;
    size_t batch;
    double least_accuracy; /* NaN: any will do */
    int split, format;
    const char *profile;
    bool ten_crop, strict, quiet;
} eval_options;

static const option options[] = {
    {"data", 0, OPTION_TEXT, "DIR", "directory of IDX files, CIFAR or image folders",
     offsetof(eval_options, data)},
    {"weights", 'w', OPTION_TEXT, "F.safetensors",
     "the weights; needed unless MODEL is a checkpoint", offsetof(eval_options, weights)},
    {"split", 0, OPTION_CHOICE, "test|train", "which images of DIR; default test",
     offsetof(eval_options, split)},
    {"batch-size", 'b', OPTION_COUNT, "B", "images at once; default 128",
     offsetof(eval_options, batch), 1, 1 << 20},
    {"min-accuracy", 0, OPTION_REAL, "PART", "exit with 1 if the accuracy, 0 .. 1, is less",
     offsetof(eval_options, least_accuracy), 0, 1},
    {"ten-crop", 0, OPTION_FLAG, NULL,
     "mean of ten views of each image: corners, middle, and those mirrored",
     offsetof(eval_options, ten_crop)},
    {"strict", 0, OPTION_FLAG, NULL, "a picture that cannot be read is an error",
     offsetof(eval_options, strict)},
    {"quiet", 'q', OPTION_FLAG, NULL, "no progress bar", offsetof(eval_options, quiet)},
    OPTION_DEVICE_ROW(eval_options),
    OPTION_ALGORITHM_ROW(eval_options),
    OPTION_PROFILE_ROW(eval_options),
    OPTION_FORMAT_ROW(eval_options),
    {0},
};

static const table_column columns[] = {
    {"class", "Class", true},           {"name", "Name"},
    {"images", "Images", true},         {"right", "Right", true},
    {"accuracy", "Accuracy", true},     {"most_taken_for", "Most taken for"},
    {"taken_for_count", "Times", true}, {0},
};

enum { CLASSES_SHOWN = 20 }; /* the largest confusion matrix that a terminal takes */

/* One evaluation; counts[truth * classes + answer]. */
typedef struct evaluation {
    lens_net *net;
    lens_dataset *data;
    size_t classes, *counts;
    lens_metrics metrics;
    double seconds;
    progress bar;
} evaluation;

/* ---- running ------------------------------------------------------------------------------- */

static bool on_progress(const lens_progress *p, void *user) {
    progress_show(user, "evaluating", p->image, p->images, p->seconds, "images", "");
    return true;
}

static lens_status open_net(evaluation *e, lens_context *context, const lens_net_spec *spec,
                            const lens_recipe *recipe, const char *weights, const eval_options *o) {
    lens_net_opts opts = lens_net_defaults();
    opts.batch = o->batch;
    opts.loss = recipe->loss;
    TRY(lens_net_new(&e->net, context, spec, &opts));
    return lens_net_load(e->net, weights);
}

static lens_status evaluate(evaluation *e, lens_preprocess preprocess, bool ten_crop) {
    size_t n = lens_dataset_shape(e->data).n;
    int32_t *answers = cli_alloc(n, sizeof *answers);
    lens_train_callbacks callbacks = {on_progress, NULL, 0.2, &e->bar};
    double start = cli_seconds();
    if (ten_crop && preprocess.side == 0)
        preprocess.side = model_crop_side(lens_net_get_spec(e->net));
    lens_status status = (ten_crop ? lens_evaluate_ten_crop : lens_evaluate)(
        &e->metrics, e->net, e->data, &preprocess, answers, NULL, &callbacks);
    e->seconds = cli_seconds() - start;
    progress_clear(&e->bar);
    e->counts = cli_alloc(e->classes * e->classes, sizeof *e->counts);
    for (size_t i = 0; status == LENS_OK && i < n; i++) {
        size_t truth = (size_t)lens_dataset_label(e->data, i), answer = (size_t)answers[i];
        if (answers[i] >= 0 && answer < e->classes)
            e->counts[truth * e->classes + answer]++;
    }
    free(answers);
    return status;
}

/* ---- showing ------------------------------------------------------------------------------- */

static const char *class_name(const evaluation *e, size_t label) {
    return lens_dataset_class_name(e->data, label);
}

static table *class_table(const evaluation *e) {
    table *t = table_new(columns);
    for (size_t truth = 0; truth < e->classes; truth++) {
        const size_t *row = e->counts + truth * e->classes;
        size_t images = 0, other = truth;
        for (size_t answer = 0; answer < e->classes; answer++) {
            images += row[answer];
            if (answer != truth && row[answer] > (other == truth ? 0 : row[other]))
                other = answer;
        }
        double accuracy = images ? (double)row[truth] / (double)images : NAN;
        table_cell(t, out_count(truth), out_printf("%zu", truth));
        table_text(t, class_name(e, truth));
        table_count(t, images);
        table_count(t, row[truth]);
        table_real(t, accuracy, images ? out_printf("%.2f %%", 100 * accuracy) : "-");
        bool confused = other != truth;
        const char *name = class_name(e, other);
        table_cell(t, confused ? out_count(other) : json_null(),
                   !confused ? "-"
                   : name    ? out_printf("%zu %s", other, name)
                             : out_printf("%zu", other));
        table_count(t, confused ? row[other] : 0);
    }
    return t;
}

static void print_confusion(const evaluation *e) {
    puts("\n  Confusion: rows are the truth, columns the answer\n");
    printf("  %6s", "");
    for (size_t answer = 0; answer < e->classes; answer++)
        printf(" %6zu", answer);
    putchar('\n');
    for (size_t truth = 0; truth < e->classes; truth++) {
        printf("  %6zu", truth);
        for (size_t answer = 0; answer < e->classes; answer++) {
            size_t count = e->counts[truth * e->classes + answer];
            printf(" %6s", count ? out_thousands(count) : ".");
        }
        putchar('\n');
    }
}

static json_t *confusion(const evaluation *e) {
    json_t *rows = json_array();
    for (size_t truth = 0; truth < e->classes; truth++) {
        json_t *row = json_array();
        for (size_t answer = 0; answer < e->classes; answer++)
            json_array_append_new(row, out_count(e->counts[truth * e->classes + answer]));
        json_array_append_new(rows, row);
    }
    return rows;
}

static void print_results(const evaluation *e, const char *weights, const eval_options *o) {
    const lens_net_spec *spec = lens_net_get_spec(e->net);
    const lens_device_info *device = lens_context_device(lens_net_context(e->net));
    double rate = (double)e->metrics.images / e->seconds;
    table *t = class_table(e);
    if (o->format == FORMAT_JSON) {
        json_t *document = out_document("eval");
        json_object_set_new(document, "model", out_text(spec->name));
        json_object_set_new(document, "weights", out_text(weights));
        json_object_set_new(document, "device", out_device(device));
        json_object_set_new(document, "images", out_count(e->metrics.images));
        json_object_set_new(document, "loss", out_real(e->metrics.loss));
        json_object_set_new(document, "accuracy", out_real(e->metrics.accuracy));
        json_object_set_new(document, "seconds", out_real(e->seconds));
        json_object_set_new(document, "images_per_second", out_real(rate));
        json_object_set_new(document, "classes", table_rows(t));
        json_object_set_new(document, "confusion", confusion(e));
        out_print(document);
    } else if (o->format == FORMAT_TEXT) {
        printf("  %s on %s: %s images\n\n", spec->name, pick_name(device),
               out_thousands(e->metrics.images));
        printf("  accuracy %.2f %%   loss %.4f   %s (%s images/s)\n\n", 100 * e->metrics.accuracy,
               e->metrics.loss, out_duration(e->seconds), out_thousands((size_t)rate));
        table_print(t, FORMAT_TEXT);
        if (e->classes <= CLASSES_SHOWN)
            print_confusion(e);
    } else {
        table_print(t, o->format);
    }
    table_free(t);
}

/* ---- the command --------------------------------------------------------------------------- */

static lens_status eval_model(const char *model, const eval_options *o, double *accuracy) {
    evaluation e = {.bar = {.quiet = o->quiet}};
    const char *weights = o->weights ? o->weights : model;
    lens_context_opts opts = lens_context_defaults();
    opts.algorithm = o->algorithm;
    profile p;
    lens_context *context = NULL;
    lens_net_spec *spec = NULL;
    lens_recipe recipe;
    lens_status status = profile_open(&p, o->profile, "eval", model);
    opts.profile = o->profile;
    opts.trace = p.trace;
    if (status == LENS_OK)
        status = lens_net_spec_open(&spec, model);
    if (status == LENS_OK)
        status = lens_recipe_open(&recipe, spec, weights);
    if (status == LENS_OK)
        status =
            lens_dataset_read_dir(&e.data, o->data, o->split ? LENS_SPLIT_TRAIN : LENS_SPLIT_TEST);
    if (status == LENS_OK)
        status = model_check_labels(spec, e.data, o->data, &e.classes);
    if (status == LENS_OK)
        status = pick_open(&context, o->device, &opts);
    if (status == LENS_OK)
        status = open_net(&e, context, spec, &recipe, weights, o);
    if (status == LENS_OK)
        status = model_check_pictures(e.data, o->strict);
    if (status == LENS_OK)
        status = evaluate(&e, recipe.preprocess, o->ten_crop);
    if (status == LENS_OK) {
        model_note_broken("eval", e.data);
        print_results(&e, weights, o);
    }
    if (status == LENS_OK && o->profile)
        profile_print(&p, context);
    *accuracy = e.metrics.accuracy;
    free(e.counts);
    lens_net_free(e.net);
    lens_dataset_free(e.data);
    lens_net_spec_free(spec);
    lens_context_free(context);
    return profile_close(&p, status);
}

static int run(int argc, char **argv) {
    eval_options o = {.batch = 128, .least_accuracy = NAN};
    double accuracy;
    options_parse(&command_eval, argc, argv, &o, 1, 1);
    if (!o.data)
        cli_usage("eval", "--data DIR is needed: a directory of IDX files, CIFAR or image folders");
    if (!o.weights && !model_has_weights(argv[1]))
        cli_usage("eval", "%s brings no weights; --weights F.safetensors does", argv[1]);
    int code = cli_report("eval", eval_model(argv[1], &o, &accuracy));
    if (code == CLI_OK && accuracy < o.least_accuracy) {
        cli_note("lenslet eval: accuracy %.4f is less than %g", accuracy, o.least_accuracy);
        code = CLI_CHECK_FAILED;
    }
    return code;
}

const cli_command command_eval = {
    "eval",
    "MODEL --data DIR [OPTION ...]",
    "loss, accuracy, accuracy of each class and confusion matrix",
    "MODEL is a .safetensors checkpoint, or any other model with --weights. Images are "
    "preprocessed\n"
    "as in training; so says the checkpoint, else the network's recipe.",
    options,
    run,
};
