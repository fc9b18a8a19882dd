/* cmd_summary.c: a network's layers, shapes, parameters, work and memory. */
#include "pick.h"
#include "table.h"

#include <stdio.h>

typedef struct summary_options {
    const char *device;
    size_t batch;
    int optimizer, format;
} summary_options;

static const option options[] = {
    OPTION_DEVICE_ROW(summary_options),
    {"batch-size", 'b', OPTION_COUNT, "N", "the batch that the memory is for; default 32",
     offsetof(summary_options, batch), 1, 1 << 20},
    {"optimizer", 0, OPTION_CHOICE, "sgd|momentum|nesterov|rmsprop|adam|adamw",
     "the optimizer that the memory is for; default adam", offsetof(summary_options, optimizer)},
    OPTION_FORMAT_ROW(summary_options),
    {0},
};

static const table_column columns[] = {
    {"name", "Layer"},          {"type", "Type"},
    {"output_shape", "Output"}, {"params", "Parameters", true},
    {"macs", "MACs", true},     {0},
};

static table *layers_of(const lens_net_summary *summary) {
    table *t = table_new(columns);
    for (size_t i = 0; i < summary->layer_count; i++) {
        const lens_layer_summary *layer = &summary->layers[i];
        lens_shape y = layer->output;
        bool flat = y.h == 1 && y.w == 1;
        table_text(t, layer->name);
        table_text(t, layer->type);
        table_cell(t, out_shape(y),
                   flat ? out_printf("%zu", y.c) : out_printf("%zux%zux%zu", y.c, y.h, y.w));
        table_count(t, layer->parameters);
        table_cell(t, out_count(layer->macs), layer->macs ? out_thousands(layer->macs) : "-");
    }
    return t;
}

static void print_json(const lens_net_spec *spec, const lens_net_summary *s,
                       const lens_device_info *device, const table *layers,
                       const summary_options *o) {
    json_t *document = out_document("summary"), *memory = json_object();
    json_object_set_new(document, "model", out_text(spec->name));
    json_object_set_new(document, "input_shape", out_shape(spec->input));
    json_object_set_new(document, "layers", table_rows(layers));
    json_object_set_new(document, "params", out_count(s->parameters));
    json_object_set_new(document, "trained_params", out_count(s->trained));
    json_object_set_new(document, "macs_per_image", out_count(s->macs));
    json_object_set_new(document, "device", out_device(device));
    json_object_set_new(document, "batch_size", out_count(o->batch));
    json_object_set_new(document, "optimizer", out_text(lens_optimizer_name(o->optimizer)));
    json_object_set_new(memory, "parameters", out_count(s->memory_bytes.parameters));
    json_object_set_new(memory, "gradients", out_count(s->memory_bytes.gradients));
    json_object_set_new(memory, "slots", out_count(s->memory_bytes.slots));
    json_object_set_new(memory, "activations", out_count(s->memory_bytes.activations));
    json_object_set_new(memory, "scratch", out_count(s->memory_bytes.scratch));
    json_object_set_new(memory, "total", out_count(s->memory_bytes.total));
    json_object_set_new(document, "memory_bytes", memory);
    out_print(document);
}

static void print_text(const lens_net_spec *spec, const lens_net_summary *s,
                       const lens_device_info *device, const table *layers,
                       const summary_options *o) {
    lens_shape in = spec->input;
    printf("  %s: input %zux%zux%zu\n\n", spec->name, in.c, in.h, in.w);
    table_print(layers, FORMAT_TEXT);
    printf("\n  %s parameters", out_thousands(s->parameters));
    if (s->trained < s->parameters)
        printf(", %s trained and %s fixed", out_thousands(s->trained),
               out_thousands(s->parameters - s->trained));
    printf(" (%s), %s multiply-adds an image\n", out_bytes(s->memory_bytes.parameters),
           out_thousands(s->macs));
    printf("  training at batch %zu with %s: %s on %s\n", o->batch,
           lens_optimizer_name(o->optimizer), out_bytes(s->memory_bytes.total), pick_name(device));
    printf("  (parameters %s, gradients %s, optimizer %s, activations %s, scratch %s)\n",
           out_bytes(s->memory_bytes.parameters), out_bytes(s->memory_bytes.gradients),
           out_bytes(s->memory_bytes.slots), out_bytes(s->memory_bytes.activations),
           out_bytes(s->memory_bytes.scratch));
}

static void print_summary(const lens_net_spec *spec, const lens_net_summary *summary,
                          const lens_device_info *device, const summary_options *o) {
    table *layers = layers_of(summary);
    if (o->format == FORMAT_JSON)
        print_json(spec, summary, device, layers, o);
    else if (o->format == FORMAT_TEXT)
        print_text(spec, summary, device, layers, o);
    else
        table_print(layers, o->format);
    table_free(layers);
}

static lens_status summarize(const char *model, const summary_options *o) {
    lens_net_spec *spec = NULL;
    lens_net_summary *summary = NULL;
    lens_context *context = NULL;
    lens_context_opts opts = lens_context_defaults();
    lens_status status = lens_net_spec_open(&spec, model);
    if (status == LENS_OK)
        status = pick_open(&context, o->device, &opts);
    if (status == LENS_OK)
        status = lens_net_summary_new(&summary, spec, context, o->batch,
                                      lens_optimizer_slots(o->optimizer));
    if (status == LENS_OK)
        print_summary(spec, summary, lens_context_device(context), o);
    lens_net_summary_free(summary);
    lens_net_spec_free(spec);
    lens_context_free(context);
    return status;
}

static int run(int argc, char **argv) {
    summary_options o = {.batch = 32, .optimizer = LENS_ADAM};
    options_parse(&command_summary, argc, argv, &o, 1, 1);
    return cli_report("summary", summarize(argv[1], &o));
}

const cli_command command_summary = {
    "summary",
    "MODEL [OPTION ...]",
    "a network's layers, shapes, parameters, multiply-adds and memory",
    "MODEL is a name of `lenslet models`, a Keras .json file or a .safetensors checkpoint.\n"
    "Shapes are channels x rows x columns of one image. The memory is what training takes on the\n"
    "device, whose algorithms may want scratch space.",
    options,
    run,
};
