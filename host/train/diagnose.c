/* diagnose.c: how the layers of a network fare on a batch: dead units, outputs, gradients. */
#include "train/diagnose.h"
#include "core/error.h"
#include "core/size.h"
#include "train/evaluate.h"
#include "train/feed.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { IMAGES = 64 };
#define DEAD_SHARE 0.75
#define LEAST_SPREAD 1e-3
#define LEAST_GRADIENT 1e-8
#define LEARNED 0.9 /* a loss of less than that part of the constant answer's */

/* ---- words ---------------------------------------------------------------------------------- */

const char *lens_trouble_name(lens_trouble trouble) {
    static const char *const names[] = {
#define X(name, text) text,
        LENS_TROUBLE_MAP(X)
#undef X
    };
    return names[trouble];
}

const char *lens_trouble_advice(lens_trouble trouble) {
    switch (trouble) {
    case LENS_TROUBLE_NOT_FINITE:
        return "a lower rate, a longer warm-up, clipped gradients, smaller initial weights";
    case LENS_TROUBLE_DEAD_UNITS:
    case LENS_TROUBLE_SAME_OUTPUTS:
        return "a lower rate, a warm-up, He initial weights, inputs of mean 0, batch normalisation";
    case LENS_TROUBLE_NO_GRADIENT:
        return "relu instead of sigmoid or tanh, other initial weights, batch normalisation";
    default:
        return "another rate, a warm-up; and do the labels belong to the images?";
    }
}

/* ---- the loss of one answer for all images -------------------------------------------------- */

static double entropy_term(double p) {
    return p > 0 ? -p * log(p) : 0;
}

/* The least loss when the share p of the images is of class 1 and x is one number. */
static double share_loss(double p, lens_loss_kind loss) {
    return loss == LENS_MEAN_SQUARED_ERROR ? p * (1 - p) : entropy_term(p) + entropy_term(1 - p);
}

static double loss_of_shares(const double *shares, size_t classes, size_t outputs,
                             lens_loss_kind loss) {
    double sum = 0;
    if (loss == LENS_SPARSE_CROSS_ENTROPY || loss == LENS_CROSS_ENTROPY) {
        for (size_t c = 0; c < classes; c++)
            sum += entropy_term(shares[c]);
        return sum;
    }
    if (outputs == 1)
        return classes == 2 ? share_loss(shares[1], loss) : NAN;
    for (size_t c = 0; c < classes; c++)
        sum += share_loss(shares[c], loss);
    return sum / (double)outputs;
}

/* Images that count w times are as many as w of them would be. */
lens_status lens_constant_loss(double *out, const lens_net *net, const lens_dataset *data,
                               const float *class_weights) {
    lens_loss_kind loss = lens_net_get_opts(net).loss;
    size_t classes = lens_dataset_classes(data), images = lens_dataset_shape(data).n;
    *out = NAN;
    if (loss == LENS_MAP || classes < 2)
        return LENS_OK;
    double *shares = calloc(classes, sizeof *shares);
    if (!shares)
        return lens_fail_memory("classes", classes * sizeof *shares);
    double all = 0;
    for (size_t i = 0; i < images; i++) {
        int32_t label = lens_dataset_label(data, i);
        double weight = class_weights ? (double)class_weights[label] : 1;
        shares[label] += weight;
        all += weight;
    }
    for (size_t c = 0; c < classes; c++)
        shares[c] /= all;
    double least = loss_of_shares(shares, classes, lens_tensor_shape(lens_net_output(net)).c, loss);
    if (least > 1e-6)
        *out = least * all / (double)images;
    free(shares);
    return LENS_OK;
}

/* ---- one layer ------------------------------------------------------------------------------ */

static double rms(const float *values, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (double)values[i] * (double)values[i];
    return count ? sqrt(sum / (double)count) : 0;
}

/* rms of the values less their mean over the images, relative to the rms of all. */
static double spread_of(const float *values, size_t images, size_t each, double all) {
    double sum = 0;
    for (size_t i = 0; i < each; i++) {
        double mean = 0;
        for (size_t n = 0; n < images; n++)
            mean += (double)values[n * each + i] / (double)images;
        for (size_t n = 0; n < images; n++)
            sum += pow((double)values[n * each + i] - mean, 2);
    }
    return all > 0 ? sqrt(sum / (double)(images * each)) / all : 0;
}

static size_t dead_units(const float *values, lens_shape shape) {
    size_t dead = 0, plane = shape.h * shape.w;
    for (size_t c = 0; c < shape.c; c++) {
        bool alive = false;
        for (size_t n = 0; n < shape.n && !alive; n++)
            for (size_t i = 0; i < plane && !alive; i++)
                alive = values[(n * shape.c + c) * plane + i] != 0;
        dead += !alive;
    }
    return dead;
}

static bool is_relu(const lens_layer_spec *layer) {
    switch (layer->kind) {
    case LENS_LAYER_CONV2D:
        return layer->conv2d.opts.activation.kind == LENS_RELU;
    case LENS_LAYER_DENSE:
        return layer->dense.opts.activation.kind == LENS_RELU;
    case LENS_LAYER_SUBSAMPLE:
        return layer->subsample.opts.activation.kind == LENS_RELU;
    case LENS_LAYER_ACTIVATION:
        return layer->activation.kind == LENS_RELU;
    default:
        return false;
    }
}

/* ---- a batch through a copy of the net ------------------------------------------------------ */

typedef struct probe {
    lens_net *net;
    lens_feed *feed;
    lens_loader *loader;
    lens_tensor *total;
    float *values; /* of the largest tensor that is read */
    lens_diagnosis *diagnosis;
} probe;

static lens_status open_probe(probe *p, const lens_net *net, const lens_dataset *data,
                              const lens_preprocess *preprocess, size_t images) {
    lens_net_opts opts = lens_net_defaults();
    opts.batch = lens_size_min(images ? images : IMAGES, lens_dataset_shape(data).n);
    opts.training = opts.keep_layers = true;
    opts.loss = lens_net_get_opts(net).loss;
    lens_context *context = lens_net_context(net);
    LENS_TRY(lens_net_new(&p->net, context, lens_net_get_spec(net), &opts));
    if (lens_net_state(net))
        LENS_TRY(lens_tensor_copy(lens_net_state(p->net), lens_net_state(net)));
    LENS_TRY(lens_feed_new(&p->feed, p->net, data, preprocess, NULL));
    LENS_TRY(lens_tensor_new(&p->total, context, (lens_shape){1, 2, 1, 1}));
    lens_loader_opts loader = lens_loader_defaults();
    loader.batch = opts.batch;
    loader.preprocess = *preprocess;
    loader.input = lens_tensor_shape(lens_net_input(p->net));
    return lens_loader_new(&p->loader, data, &loader);
}

static void close_probe(probe *p) {
    lens_loader_free(p->loader);
    lens_feed_free(p->feed);
    lens_net_free(p->net);
    lens_tensor_free(p->total);
    free(p->values);
}

static lens_status new_values(probe *p) {
    size_t most = 0;
    for (size_t i = 0; i < p->diagnosis->layer_count; i++)
        most = lens_size_max(most, lens_tensor_count(lens_net_layer_output(p->net, i)));
    for (size_t i = 0; i < lens_net_parameter_count(p->net); i++)
        most = lens_size_max(most, lens_tensor_count(lens_net_parameter(p->net, i)->value));
    p->values = malloc(most * sizeof *p->values);
    return p->values ? LENS_OK : lens_fail_memory("layer", most * sizeof *p->values);
}

static lens_status look_at_outputs(probe *p) {
    const lens_net_spec *spec = lens_net_get_spec(p->net);
    for (size_t i = 0; i < spec->layer_count; i++) {
        lens_layer_health *layer = &p->diagnosis->layers[i];
        const lens_tensor *y = lens_net_layer_output(p->net, i);
        lens_shape shape = lens_tensor_shape(y);
        size_t count = lens_tensor_count(y);
        LENS_TRY(lens_tensor_read(y, p->values));
        layer->output_rms = rms(p->values, count);
        layer->spread = spread_of(p->values, shape.n, count / shape.n, layer->output_rms);
        layer->finite = isfinite(layer->output_rms);
        layer->units = is_relu(&spec->layers[i]) ? shape.c : 0;
        layer->dead = layer->units ? dead_units(p->values, shape) : 0;
    }
    return LENS_OK;
}

static lens_status look_at_parameters(probe *p) {
    for (size_t i = 0; i < lens_net_parameter_count(p->net); i++) {
        const lens_parameter *parameter = lens_net_parameter(p->net, i);
        lens_layer_health *layer = &p->diagnosis->layers[parameter->layer];
        size_t count = lens_tensor_count(parameter->value);
        bool weight = strcmp(strrchr(parameter->name, '.'), ".weight") == 0;
        LENS_TRY(lens_tensor_read(parameter->value, p->values));
        double size = rms(p->values, count), gradient = 0;
        if (parameter->gradient) {
            LENS_TRY(lens_tensor_read(parameter->gradient, p->values));
            gradient = rms(p->values, count);
        }
        layer->finite &= isfinite(size);
        layer->finite_gradient &= isfinite(gradient);
        if (!weight)
            continue;
        layer->weight_rms = size;
        layer->gradient_rms = gradient;
        layer->trained = parameter->gradient != NULL;
    }
    return LENS_OK;
}

static lens_status run_probe(probe *p, size_t images) {
    lens_batch batch;
    if (!lens_loader_next(p->loader, &batch)) {
        LENS_TRY(lens_loader_status(p->loader));
        batch.count = 0;
    }
    if (batch.count == 0)
        return lens_fail(LENS_BAD_FILE, "none of %zu pictures can be read", images);
    LENS_TRY(lens_feed_batch(p->feed, &batch));
    LENS_TRY(lens_net_forward_training(p->net, 0, 0));
    LENS_TRY(lens_net_loss(p->net, p->total, false));
    LENS_TRY(lens_metrics_read(&p->diagnosis->metrics, p->total, batch.count));
    LENS_TRY(new_values(p));
    LENS_TRY(look_at_outputs(p)); /* backward takes the place of some */
    LENS_TRY(lens_net_backward(p->net));
    return look_at_parameters(p);
}

/* ---- the verdict ---------------------------------------------------------------------------- */

static bool is_not_finite(const lens_layer_health *layer) {
    return !layer->finite;
}

static bool has_no_finite_gradient(const lens_layer_health *layer) {
    return !layer->finite_gradient;
}

static bool is_dead(const lens_layer_health *layer) {
    return layer->units && (double)layer->dead >= DEAD_SHARE * (double)layer->units;
}

static bool gives_the_same(const lens_layer_health *layer) {
    return layer->spread < LEAST_SPREAD;
}

static bool has_no_gradient(const lens_layer_health *layer) {
    return layer->trained && layer->gradient_rms < LEAST_GRADIENT;
}

/* What goes wrong on the way to the output spreads on from the first layer that has it, what goes
 * wrong on the way back from the last. */
static const struct rule {
    lens_trouble trouble;
    bool (*has)(const lens_layer_health *layer);
    bool backward;
} rules[] = {
    {LENS_TROUBLE_NOT_FINITE, is_not_finite, false},
    {LENS_TROUBLE_NOT_FINITE, has_no_finite_gradient, true},
    {LENS_TROUBLE_DEAD_UNITS, is_dead, false},
    {LENS_TROUBLE_SAME_OUTPUTS, gives_the_same, false},
    {LENS_TROUBLE_NO_GRADIENT, has_no_gradient, true},
};

static void find_trouble(lens_diagnosis *d) {
    bool learns_nothing = d->metrics.loss >= LEARNED * d->constant_loss;
    for (size_t r = 0; r < sizeof rules / sizeof rules[0]; r++) {
        if (rules[r].trouble != LENS_TROUBLE_NOT_FINITE && !learns_nothing)
            return;
        if (rules[r].trouble == LENS_TROUBLE_SAME_OUTPUTS && d->metrics.images < 2)
            continue; /* one image is like itself */
        for (size_t i = 0; i < d->layer_count; i++) {
            size_t layer = rules[r].backward ? d->layer_count - 1 - i : i;
            if (!rules[r].has(&d->layers[layer]))
                continue;
            d->trouble = rules[r].trouble;
            d->layer = layer;
            return;
        }
    }
}

static lens_status new_diagnosis(lens_diagnosis **out, const lens_net *net) {
    const lens_net_spec *spec = lens_net_get_spec(net);
    lens_diagnosis *d = calloc(1, sizeof *d);
    if (d)
        d->layers = calloc(spec->layer_count, sizeof *d->layers);
    if (!d || !d->layers) {
        free(d);
        return lens_fail_memory("diagnosis", spec->layer_count * sizeof *d->layers);
    }
    d->layer_count = spec->layer_count;
    for (size_t i = 0; i < d->layer_count; i++) {
        d->layers[i].finite_gradient = true;
        d->layers[i].name = spec->layers[i].name;
        d->layers[i].type = lens_layer_kind_name(spec->layers[i].kind);
    }
    *out = d;
    return LENS_OK;
}

lens_status lens_diagnose(lens_diagnosis **out, const lens_net *net, const lens_dataset *data,
                          const lens_preprocess *preprocess, size_t images) {
    assert(out && net && data && preprocess);
    *out = NULL;
    probe p = {0};
    LENS_TRY(new_diagnosis(&p.diagnosis, net));
    lens_status status = open_probe(&p, net, data, preprocess, images);
    if (status == LENS_OK)
        status = lens_constant_loss(&p.diagnosis->constant_loss, net, data, NULL);
    if (status == LENS_OK)
        status = run_probe(&p, lens_net_get_opts(p.net).batch);
    close_probe(&p);
    if (status != LENS_OK) {
        lens_diagnosis_free(p.diagnosis);
        return status;
    }
    find_trouble(p.diagnosis);
    *out = p.diagnosis;
    return LENS_OK;
}

void lens_diagnosis_free(lens_diagnosis *diagnosis) {
    if (!diagnosis)
        return;
    free(diagnosis->layers);
    free(diagnosis);
}
