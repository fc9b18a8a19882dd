/* cmd_show.c: filters and feature maps as a picture. */
#include "model.h"
#include "pick.h"
#include "pictures.h"
#include "table.h"
#include "tiles.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct show_options {
    const char *weights, *layer, *out, *device, *algorithm;
    size_t image, columns, zoom; /* columns, zoom 0: chosen */
    double scale;
    bool each, invert;
    int format;
} show_options;

static const option options[] = {
    {"out", 'o', OPTION_TEXT, "F.png", "where the picture goes", offsetof(show_options, out)},
    {"layer", 'l', OPTION_TEXT, "NAME", "a layer of `lenslet summary`; default: the first conv2d",
     offsetof(show_options, layer)},
    {"weights", 'w', OPTION_TEXT, "F.safetensors",
     "the weights; needed unless MODEL is a checkpoint", offsetof(show_options, weights)},
    {"each", 0, OPTION_FLAG, NULL, "scale each tile's colours by its own largest value",
     offsetof(show_options, each)},
    {"columns", 0, OPTION_COUNT, "N", "tiles in a row; default: a square, or a filter's channels",
     offsetof(show_options, columns), 1, 16384},
    {"zoom", 0, OPTION_COUNT, "N", "pixels a number; default: up to 24, what fits into 1000",
     offsetof(show_options, zoom), 1, 1024},
    {"image", 0, OPTION_COUNT, "N", "which image of a FILE of several, from 0; default 0",
     offsetof(show_options, image), 0, 1e9},
    {"scale", 0, OPTION_REAL, "S",
     "multiply values by S; default: bytes as in training, floats by 1",
     offsetof(show_options, scale), -1e9, 1e9},
    {"invert", 0, OPTION_FLAG, NULL,
     "black on white becomes white on black, as the digits of MNIST are",
     offsetof(show_options, invert)},
    OPTION_DEVICE_ROW(show_options),
    OPTION_ALGORITHM_ROW(show_options),
    OPTION_FORMAT_ROW(show_options),
    {0},
};

static const table_column columns[] = {
    {"layer", "Layer"},
    {"shows", "Shows"},
    {"tiles", "Tiles", true},
    {"tile_shape", "Tile"},
    {"columns", "Columns", true},
    {"zoom", "Zoom", true},
    {"min", "Least", true},
    {"max", "Largest", true},
    {"file", "File"},
    {0},
};

typedef struct job {
    const show_options *o;
    const char *weights;
    const char *file; /* NULL: the filters */
    lens_net_spec *spec;
    lens_context *context;
    lens_net *net;
    picture_rule rule;
    size_t layer;
    float *values; /* what the tiles borrow */
    tiles tiles;
} job;

/* ---- which layer --------------------------------------------------------------------------- */

static bool has_filters(const lens_layer_spec *layer) {
    return layer->kind == LENS_LAYER_CONV2D || layer->kind == LENS_LAYER_RBF;
}

/* "conv2d_1, conv2d_2": all layers, or those with filters. */
static const char *layer_list(const lens_net_spec *spec, bool with_filters) {
    static char text[400];
    size_t used = 0;
    *text = 0;
    for (size_t i = 0; i < spec->layer_count && used < sizeof text; i++)
        if (!with_filters || has_filters(&spec->layers[i]))
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", used ? ", " : "",
                                     spec->layers[i].name);
    return *text ? text : "none";
}

static size_t first_conv2d(const lens_net_spec *spec) {
    size_t i = 0;
    while (i < spec->layer_count && spec->layers[i].kind != LENS_LAYER_CONV2D)
        i++;
    return i;
}

static lens_status choose_layer(job *j) {
    const lens_net_spec *spec = j->spec;
    const char *name = j->o->layer;
    j->layer = first_conv2d(spec);
    for (size_t i = 0; name && i <= spec->layer_count; i++) {
        j->layer = i;
        if (i < spec->layer_count && !strcmp(spec->layers[i].name, name))
            break;
    }
    if (j->layer == spec->layer_count && name)
        return cli_fail(LENS_BAD_ARGUMENT, "--layer: %s has no layer \"%s\"; it has %s", spec->name,
                        name, layer_list(spec, false));
    if (j->layer == spec->layer_count)
        return cli_fail(LENS_BAD_ARGUMENT, "%s has no conv2d layer; --layer takes one of %s",
                        spec->name, layer_list(spec, !j->file));
    if (!j->file && !has_filters(&spec->layers[j->layer]))
        return cli_fail(LENS_BAD_ARGUMENT, "--layer: %s has no filters; layers that have: %s",
                        spec->layers[j->layer].name, layer_list(spec, true));
    return LENS_OK;
}

/* ---- filters ------------------------------------------------------------------------------- */

/* Filters that see the colours of the net's input become coloured tiles. */
static bool sees_colours(const job *j) {
    return j->spec->input.c == 3 && j->layer == first_conv2d(j->spec);
}

static void swap_red_and_blue(job *j) {
    size_t plane = j->tiles.h * j->tiles.w;
    for (size_t i = 0; i < j->tiles.count; i++)
        for (size_t p = 0; p < plane; p++) {
            float *blue = j->values + 3 * i * plane + p, kept = blue[0];
            blue[0] = blue[2 * plane];
            blue[2 * plane] = kept;
        }
}

/* (k, c, r, s): a tile for each filter that sees colours or one channel, else a row of tiles. */
static void cut_conv2d(job *j, lens_shape w) {
    j->tiles = (tiles){.count = w.n * w.c, .channels = 1, .h = w.h, .w = w.w};
    if (sees_colours(j) && w.c == 3) {
        j->tiles.count = w.n;
        j->tiles.channels = 3;
        if (j->rule.preprocess.bgr)
            swap_red_and_blue(j);
    } else if (w.c > 1) {
        j->tiles.columns = w.c;
    }
}

static lens_status take_filters(job *j) {
    const lens_layer_spec *layer = &j->spec->layers[j->layer];
    const lens_parameter *weight = NULL;
    for (size_t i = 0; i < lens_net_parameter_count(j->net); i++)
        if (!strcmp(lens_net_parameter(j->net, i)->name, out_printf("%s.weight", layer->name)))
            weight = lens_net_parameter(j->net, i);
    j->values = cli_alloc(lens_tensor_count(weight->value), sizeof *j->values);
    TRY(lens_tensor_read(weight->value, j->values));
    if (layer->kind == LENS_LAYER_CONV2D)
        cut_conv2d(j, weight->shape);
    else /* the codes: pictures of 12 rows of 7 */
        j->tiles = (tiles){.count = weight->shape.n, .channels = 1, .h = 12, .w = 7};
    return LENS_OK;
}

/* ---- feature maps -------------------------------------------------------------------------- */

static lens_status take_maps(job *j) {
    pictures p;
    TRY(pictures_read(&p, j->file, j->spec->input, &j->rule));
    lens_status status = LENS_OK;
    if (j->o->image >= p.shape.n)
        status = cli_fail(LENS_BAD_ARGUMENT, "--image %zu: %s has %zu, counted from 0", j->o->image,
                          j->file, p.shape.n);
    if (status == LENS_OK)
        status = pictures_feed(&p, j->net, j->o->image, 1);
    pictures_free(&p);
    TRY(status);
    TRY(lens_net_forward(j->net));
    const lens_tensor *y = lens_net_layer_output(j->net, j->layer);
    lens_shape shape = lens_tensor_shape(y);
    j->values = cli_alloc(lens_tensor_count(y), sizeof *j->values);
    TRY(lens_tensor_read(y, j->values));
    j->tiles = (tiles){.count = shape.c, .channels = 1, .h = shape.h, .w = shape.w};
    return LENS_OK;
}

/* ---- the command --------------------------------------------------------------------------- */

static lens_status open_net(job *j) {
    lens_context_opts opts = lens_context_defaults();
    opts.algorithm = j->o->algorithm;
    TRY(choose_layer(j));
    TRY(picture_rule_open(&j->rule, j->spec, j->weights, j->o->scale, j->o->invert));
    TRY(pick_open(&j->context, j->o->device, &opts));
    lens_net_opts net_opts = lens_net_defaults();
    net_opts.keep_layers = j->file != NULL;
    TRY(lens_net_new(&j->net, j->context, j->spec, &net_opts));
    return lens_net_load(j->net, j->weights);
}

static void print_result(const job *j) {
    const tiles *t = &j->tiles;
    double least = INFINITY, largest = -INFINITY;
    for (size_t i = 0; i < t->count * t->channels * t->h * t->w; i++) {
        least = j->values[i] < least ? j->values[i] : least;
        largest = j->values[i] > largest ? j->values[i] : largest;
    }
    table *row = table_new(columns);
    table_text(row, j->spec->layers[j->layer].name);
    table_text(row, j->file ? "maps" : "filters");
    table_count(row, t->count);
    lens_shape shape = {1, t->channels, t->h, t->w};
    table_cell(row, out_shape(shape), out_printf("%zux%zux%zu", t->channels, t->h, t->w));
    table_count(row, t->columns);
    table_count(row, t->zoom);
    table_real(row, least, out_printf("%.4g", least));
    table_real(row, largest, out_printf("%.4g", largest));
    table_text(row, j->o->out);
    if (j->o->format == FORMAT_JSON) {
        json_t *document = out_document("show"), *rows = table_rows(row);
        json_object_set_new(document, "model", out_text(j->spec->name));
        json_object_set_new(document, "device", out_device(lens_context_device(j->context)));
        json_object_update(document, json_array_get(rows, 0));
        json_decref(rows);
        out_print(document);
    } else {
        table_print(row, j->o->format);
    }
    table_free(row);
}

static lens_status paint(job *j) {
    lens_picture picture = {0};
    j->tiles.values = j->values;
    j->tiles.each = j->o->each;
    j->tiles.zoom = j->o->zoom;
    if (j->o->columns)
        j->tiles.columns = j->o->columns < j->tiles.count ? j->o->columns : j->tiles.count;
    else if (!j->tiles.columns)
        j->tiles.columns = tiles_square(&j->tiles);
    TRY(tiles_paint(&picture, &j->tiles));
    lens_status status = lens_picture_write(j->o->out, &picture);
    lens_picture_free(&picture);
    return status;
}

static lens_status show(job *j, const char *model) {
    lens_status status = lens_net_spec_open(&j->spec, model);
    if (status == LENS_OK)
        status = open_net(j);
    if (status == LENS_OK)
        status = j->file ? take_maps(j) : take_filters(j);
    if (status == LENS_OK)
        status = paint(j);
    if (status == LENS_OK)
        print_result(j);
    lens_net_free(j->net);
    lens_context_free(j->context);
    lens_net_spec_free(j->spec);
    free(j->values);
    return status;
}

static int run(int argc, char **argv) {
    show_options o = {.scale = NAN, .image = COUNT_UNSET};
    int left = options_parse(&command_show, argc, argv, &o, 1, 2);
    if (!o.out)
        cli_usage("show", "--out F.png is needed: where the picture goes");
    if (!o.weights && !model_has_weights(argv[1]))
        cli_usage("show", "%s brings no weights; --weights F.safetensors does", argv[1]);
    if (left == 2 && (o.image != COUNT_UNSET || o.invert || !isnan(o.scale)))
        cli_usage("show", "--image, --scale and --invert are of a FILE; there is none");
    if (o.image == COUNT_UNSET)
        o.image = 0;
    job j = {
        .o = &o, .weights = o.weights ? o.weights : argv[1], .file = left > 2 ? argv[2] : NULL};
    return cli_report("show", show(&j, argv[1]));
}

const cli_command command_show = {
    "show",
    "MODEL [FILE] --out F.png [OPTION ...]",
    "a picture of a layer's filters, or of what a layer makes of an image",
    "Without FILE: the filters of a conv2d layer, or the codes of an rbf layer. A filter that "
    "sees\n"
    "the colours of the image is one coloured tile, 0 being grey; any other has a tile for each\n"
    "channel, one row a filter if there are several. With FILE, a JPEG, PNG, .npy or IDX image as\n"
    "`lenslet predict` takes it: the layer's output, one tile a channel; the values of a dense\n"
    "layer are tiles of one number.\n"
    "Negative numbers are blue, positive ones red, 0 is white; without negative ones they go from\n"
    "black (0) to white. The largest of the picture, or of each tile with --each, has full colour.",
    options,
    run,
};
