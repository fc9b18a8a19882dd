/* cmd_diagnose.c: how each layer of a network fares: dead units, outputs, gradients. */
#include "model.h"
#include "pick.h"
#include "table.h"

#include <math.h>
#include <stdio.h>

typedef struct diagnose_options {
    const char *data, *weights, *recipe, *device, *algorithm;
    size_t images;
    uint64_t seed;
    int split, format;
} diagnose_options;

static const option options[] = {
    {"data", 0, OPTION_TEXT, "DIR", "directory of IDX files, CIFAR or image folders",
     offsetof(diagnose_options, data)},
    {"weights", 'w', OPTION_TEXT, "F.safetensors",
     "the weights; default: those of the checkpoint, else the initial ones",
     offsetof(diagnose_options, weights)},
    {"recipe", 0, OPTION_TEXT, "NAME",
     "of initial weights and preprocessing, as for `lenslet train`: default, or notebook",
     offsetof(diagnose_options, recipe)},
    {"seed", 's', OPTION_SEED, "S", "of initial weights; default 0",
     offsetof(diagnose_options, seed)},
    {"images", 0, OPTION_COUNT, "N", "how many, from all over the data; default 64",
     offsetof(diagnose_options, images), 1, 1 << 20},
    {"split", 0, OPTION_CHOICE, "train|test", "which images of DIR; default train",
     offsetof(diagnose_options, split)},
    OPTION_DEVICE_ROW(diagnose_options),
    OPTION_ALGORITHM_ROW(diagnose_options),
    OPTION_FORMAT_ROW(diagnose_options),
    {0},
};

static const table_column columns[] = {
    {"layer", "Layer"},
    {"type", "Type"},
    {"units", "Units", true},
    {"dead_part", "Dead", true},
    {"output_rms", "Output", true},
    {"spread", "Spread", true},
    {"weight_rms", "Weight", true},
    {"gradient_rms", "Gradient", true},
    {"gradient_over_weight", "Ratio", true},
    {0},
};

typedef struct job {
    const diagnose_options *o;
    const char *weights; /* NULL: the initial ones */
    lens_net_spec *spec;
    lens_recipe recipe;
    lens_dataset *data;
    lens_context *context;
    lens_net *net;
    lens_diagnosis *diagnosis;
} job;

/* ---- running ------------------------------------------------------------------------------- */

static lens_status open_net(job *j) {
    lens_context_opts opts = lens_context_defaults();
    opts.algorithm = j->o->algorithm;
    TRY(pick_open(&j->context, j->o->device, &opts));
    lens_net_opts net_opts = lens_net_defaults();
    net_opts.loss = j->recipe.loss;
    TRY(lens_net_new(&j->net, j->context, j->spec, &net_opts));
    return j->weights ? lens_net_load(j->net, j->weights) : lens_net_initialize(j->net, j->o->seed);
}

static lens_status diagnose(job *j, const char *model) {
    const diagnose_options *o = j->o;
    size_t classes;
    TRY(lens_net_spec_open(&j->spec, model));
    TRY(j->weights && !o->recipe ? lens_recipe_open(&j->recipe, j->spec, j->weights)
                                 : lens_recipe_for(&j->recipe, j->spec, o->recipe));
    TRY(lens_dataset_read_dir(&j->data, o->data, o->split ? LENS_SPLIT_TEST : LENS_SPLIT_TRAIN));
    TRY(model_check_labels(j->spec, j->data, o->data, &classes));
    TRY(open_net(j));
    return lens_diagnose(&j->diagnosis, j->net, j->data, &j->recipe.preprocess, o->images);
}

/* ---- showing ------------------------------------------------------------------------------- */

static void add_real(table *t, double value, bool has) {
    table_real(t, has ? value : NAN, has ? out_printf("%.3g", value) : "-");
}

static table *layer_table(const lens_diagnosis *d) {
    table *t = table_new(columns);
    for (size_t i = 0; i < d->layer_count; i++) {
        const lens_layer_health *layer = &d->layers[i];
        double part = layer->units ? (double)layer->dead / (double)layer->units : NAN;
        table_text(t, layer->name);
        table_text(t, layer->type);
        table_cell(t, layer->units ? out_count(layer->units) : json_null(),
                   layer->units ? out_thousands(layer->units) : "-");
        table_real(t, part, layer->units ? out_printf("%.1f %%", 100 * part) : "-");
        add_real(t, layer->output_rms, true);
        add_real(t, layer->spread, true);
        add_real(t, layer->weight_rms, layer->weight_rms != 0);
        add_real(t, layer->gradient_rms, layer->trained);
        add_real(t, layer->gradient_rms / layer->weight_rms,
                 layer->trained && layer->weight_rms != 0);
    }
    return t;
}

static void print_document(const job *j, const table *t) {
    const lens_diagnosis *d = j->diagnosis;
    bool trouble = d->trouble != LENS_TROUBLE_NONE;
    json_t *document = out_document("diagnose");
    json_object_set_new(document, "model", out_text(j->spec->name));
    json_object_set_new(document, "weights", out_text(j->weights));
    json_object_set_new(document, "device", out_device(lens_context_device(j->context)));
    json_object_set_new(document, "images", out_count(d->metrics.images));
    json_object_set_new(document, "loss", out_real(d->metrics.loss));
    json_object_set_new(document, "constant_loss", out_real(d->constant_loss));
    json_object_set_new(document, "trouble", out_text(lens_trouble_name(d->trouble)));
    json_object_set_new(document, "layer", out_text(trouble ? d->layers[d->layer].name : NULL));
    json_object_set_new(document, "advice",
                        out_text(trouble ? lens_trouble_advice(d->trouble) : NULL));
    json_object_set_new(document, "layers", table_rows(t));
    out_print(document);
}

static void print_text(const job *j, const table *t) {
    const lens_diagnosis *d = j->diagnosis;
    printf("  %s, %s: %zu images on %s\n\n", j->spec->name,
           j->weights ? j->weights : "initial weights", d->metrics.images,
           pick_name(lens_context_device(j->context)));
    table_print(t, FORMAT_TEXT);
    printf("\n  loss %.4f", d->metrics.loss);
    if (isfinite(d->constant_loss))
        printf("; one answer for all images gets %.4f", d->constant_loss);
    if (d->trouble == LENS_TROUBLE_NONE)
        puts("\n  no trouble found");
    else
        printf("\n  %s: first in layer %s; worth a try: %s\n", lens_trouble_name(d->trouble),
               d->layers[d->layer].name, lens_trouble_advice(d->trouble));
}

static void print_results(const job *j) {
    table *t = layer_table(j->diagnosis);
    if (j->o->format == FORMAT_JSON)
        print_document(j, t);
    else if (j->o->format == FORMAT_TEXT)
        print_text(j, t);
    else
        table_print(t, j->o->format);
    table_free(t);
}

/* ---- the command --------------------------------------------------------------------------- */

static int run(int argc, char **argv) {
    diagnose_options o = {0};
    options_parse(&command_diagnose, argc, argv, &o, 1, 1);
    if (!o.data)
        cli_usage("diagnose",
                  "--data DIR is needed: a directory of IDX files, CIFAR or image folders");
    const char *own = model_has_weights(argv[1]) ? argv[1] : NULL;
    job j = {.o = &o, .weights = o.weights ? o.weights : own};
    lens_status status = diagnose(&j, argv[1]);
    if (status == LENS_OK) {
        model_note_broken("diagnose", j.data);
        print_results(&j);
    }
    lens_diagnosis_free(j.diagnosis);
    lens_net_free(j.net);
    lens_context_free(j.context);
    lens_dataset_free(j.data);
    lens_net_spec_free(j.spec);
    return cli_report("diagnose", status);
}

const cli_command command_diagnose = {
    "diagnose",
    "MODEL --data DIR [OPTION ...]",
    "what each layer makes of a batch: dead units, outputs, gradients",
    "One step's passes, as in training, of a checkpoint or of a network with its initial weights.\n"
    "Units are the channels of a relu layer, dead those that are 0 for every image. Output, "
    "weight\n"
    "and gradient are roots of mean squares; spread is what of the output differs from image to\n"
    "image, ratio is gradient over weight. A verdict names the first layer that keeps a network\n"
    "whose loss is no better than that of one answer for all images from learning.",
    options,
    run,
};
