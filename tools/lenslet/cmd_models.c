/* cmd_models.c: the networks that come with Lenslet. */
#include "table.h"

typedef struct models_options {
    int format;
} models_options;

static const option options[] = {
    OPTION_FORMAT_ROW(models_options),
    {0},
};

static const table_column columns[] = {
    {"name", "Name"},
    {"input_shape", "Input"},
    {"layers", "Layers", true},
    {"params", "Parameters", true},
    {"macs_per_image", "MMAC", true},
    {"text", "What it is"},
    {0},
};

static lens_status add_row(table *t, size_t index) {
    const char *name = lens_model_name(index);
    lens_net_spec *spec = NULL;
    lens_net_summary *summary = NULL;
    lens_status status = lens_model_spec(&spec, name);
    if (status == LENS_OK)
        status = lens_net_summary_new(&summary, spec, NULL, 1, 0);
    if (status == LENS_OK) {
        lens_shape in = spec->input;
        table_text(t, name);
        table_cell(t, out_shape(in), out_printf("%zux%zux%zu", in.c, in.h, in.w));
        table_count(t, spec->layer_count);
        table_count(t, summary->parameters);
        table_cell(t, out_count(summary->macs), out_printf("%.2f", 1e-6 * (double)summary->macs));
        table_text(t, lens_model_text(index));
    }
    lens_net_summary_free(summary);
    lens_net_spec_free(spec);
    return status;
}

static int run(int argc, char **argv) {
    models_options o = {0};
    options_parse(&command_models, argc, argv, &o, 0, 0);
    table *t = table_new(columns);
    lens_status status = LENS_OK;
    for (size_t i = 0; status == LENS_OK && i < lens_model_count(); i++)
        status = add_row(t, i);
    if (status == LENS_OK && o.format == FORMAT_JSON) {
        json_t *document = out_document("models");
        json_object_set_new(document, "models", table_rows(t));
        out_print(document);
    } else if (status == LENS_OK) {
        table_print(t, o.format);
    }
    table_free(t);
    return cli_report("models", status);
}

const cli_command command_models = {
    "models",
    "[OPTION ...]",
    "the networks that come with Lenslet",
    "Input is channels x rows x columns of one image; MMAC is millions of multiply-adds of one\n"
    "image's forward pass.",
    options,
    run,
};
