/* ten_crop.c: evaluation by the mean of ten views of each image: Krizhevsky et al. 2012. */
#include "core/error.h"
#include "train/clock.h"
#include "train/evaluate.h"
#include "train/feed.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#define VIEWS 10

typedef struct crops {
    lens_net *net;
    lens_feed *feed;
    lens_loader *loader;
    size_t images, classes;
    float *batch;  /* outputs of one batch */
    double *sums;  /* images x classes */
    size_t *views; /* of each image so far */
} crops;

/* The mean of outputs means something where they are probabilities. */
static lens_status check_outputs(const lens_net *net) {
    const lens_net_spec *spec = lens_net_get_spec(net);
    if (spec->layers[spec->layer_count - 1].kind == LENS_LAYER_SOFTMAX ||
        lens_net_spec_loss(spec) == LENS_BINARY_CROSS_ENTROPY)
        return LENS_OK;
    return lens_fail(LENS_UNSUPPORTED,
                     "ten crops are averaged as probabilities; network %s ends in neither softmax "
                     "nor sigmoid",
                     spec->name);
}

static lens_status open_crops(crops *c, const lens_dataset *data,
                              const lens_preprocess *preprocess) {
    LENS_TRY(check_outputs(c->net));
    lens_loader_opts opts = lens_loader_defaults();
    opts.batch = lens_net_get_opts(c->net).batch;
    opts.shuffle = false;
    opts.preprocess = *preprocess;
    opts.input = lens_tensor_shape(lens_net_input(c->net));
    opts.ten_crop = true;
    opts.trace = lens_context_trace(lens_net_context(c->net));
    LENS_TRY(lens_feed_new(&c->feed, c->net, data, preprocess, NULL));
    LENS_TRY(lens_loader_new(&c->loader, data, &opts));
    c->images = lens_dataset_shape(data).n;
    c->classes = lens_tensor_shape(lens_net_output(c->net)).c;
    c->batch = malloc(opts.batch * c->classes * sizeof *c->batch);
    c->sums = calloc(c->images * c->classes, sizeof *c->sums);
    c->views = calloc(c->images, sizeof *c->views);
    if (!c->batch || !c->sums || !c->views)
        return lens_fail_memory("ten crops", c->images * c->classes * sizeof *c->sums);
    return LENS_OK;
}

static void close_crops(crops *c) {
    lens_loader_free(c->loader);
    lens_feed_free(c->feed);
    free(c->batch);
    free(c->sums);
    free(c->views);
}

static lens_status add_batch(crops *c, const lens_batch *batch) {
    if (batch->count == 0)
        return LENS_OK;
    LENS_TRY(lens_feed_batch(c->feed, batch));
    LENS_TRY(lens_net_forward(c->net));
    LENS_TRY(lens_tensor_read(lens_net_output(c->net), c->batch));
    for (size_t i = 0; i < batch->count; i++) {
        c->views[batch->order[i]]++;
        for (size_t k = 0; k < c->classes; k++)
            c->sums[batch->order[i] * c->classes + k] += (double)c->batch[i * c->classes + k];
    }
    return LENS_OK;
}

/* Views are counted as images here: that is what takes the time. */
static lens_status add_all(crops *c, const lens_train_callbacks *callbacks) {
    double started = lens_seconds(), last = started;
    lens_progress progress = {.phase = "validation", .images = c->images};
    size_t done = 0;
    lens_batch batch;
    while (lens_loader_next(c->loader, &batch)) {
        LENS_TRY(add_batch(c, &batch));
        done += batch.count;
        progress.image = done / VIEWS;
        progress.seconds = lens_seconds() - started;
        if (!callbacks || !callbacks->progress ||
            lens_seconds() - last < callbacks->progress_seconds)
            continue;
        last = lens_seconds();
        if (!callbacks->progress(&progress, callbacks->user))
            return lens_fail(LENS_INTERRUPTED, "ten crops stopped at image %zu of %zu",
                             progress.image, progress.images);
    }
    return lens_loader_status(c->loader);
}

/* The mean row of one image, and what it adds to the metrics. */
static void judge(lens_metrics *metrics, float *row, int32_t *prediction, const crops *c,
                  size_t image, int32_t label) {
    for (size_t k = 0; k < c->classes; k++)
        row[k] = (float)(c->sums[image * c->classes + k] / (double)c->views[image]);
    double right = c->classes > 1 ? (double)row[label]
                   : label        ? (double)row[0]
                                  : 1 - (double)row[0];
    *prediction = lens_class_of(row, c->classes, LENS_SPARSE_CROSS_ENTROPY);
    metrics->loss -= log(fmax(right, 1e-12));
    metrics->accuracy += *prediction == label;
    metrics->images++;
}

static lens_status judge_all(lens_metrics *metrics, const crops *c, const lens_dataset *data,
                             int32_t *predictions, float *scores) {
    *metrics = (lens_metrics){0};
    for (size_t i = 0; i < c->images; i++) {
        int32_t prediction = -1;
        if (c->views[i])
            judge(metrics, scores ? scores + i * c->classes : c->batch, &prediction, c, i,
                  lens_dataset_label(data, i));
        if (predictions)
            predictions[i] = prediction;
    }
    if (metrics->images == 0)
        return lens_fail(LENS_BAD_FILE, "none of the %zu pictures can be read", c->images);
    metrics->loss /= (double)metrics->images;
    metrics->accuracy /= (double)metrics->images;
    return LENS_OK;
}

lens_status lens_evaluate_ten_crop(lens_metrics *metrics, lens_net *net, const lens_dataset *data,
                                   const lens_preprocess *preprocess, int32_t *predictions,
                                   float *scores, const lens_train_callbacks *callbacks) {
    assert(metrics && net && data && preprocess);
    crops c = {.net = net};
    lens_status status = open_crops(&c, data, preprocess);
    if (status == LENS_OK)
        status = add_all(&c, callbacks);
    if (status == LENS_OK)
        status = judge_all(metrics, &c, data, predictions, scores);
    close_crops(&c);
    return status;
}
