/* evaluate.c: loss and accuracy of a net on a data set, and how progress is reported. */
#include "train/evaluate.h"
#include "core/error.h"
#include "train/clock.h"
#include "train/feed.h"

#include <assert.h>
#include <stdlib.h>

/* ---- reports -------------------------------------------------------------------------------- */

lens_status lens_metrics_read(lens_metrics *metrics, const lens_tensor *total, size_t images) {
    float sums[2];
    LENS_TRY(lens_tensor_read(total, sums));
    *metrics = (lens_metrics){.loss = (double)sums[0] / (double)images,
                              .accuracy = (double)sums[1] / (double)images,
                              .images = images};
    return LENS_OK;
}

lens_pacer lens_pacer_start(const lens_train_callbacks *callbacks) {
    double now = lens_seconds();
    return (lens_pacer){.callbacks = callbacks, .started = now, .last = now};
}

lens_status lens_pacer_report(lens_pacer *pacer, lens_progress *progress,
                              const lens_tensor *total) {
    const lens_train_callbacks *callbacks = pacer->callbacks;
    if (!callbacks || !callbacks->progress || progress->image == 0)
        return LENS_OK;
    double now = lens_seconds();
    if (now - pacer->last < callbacks->progress_seconds)
        return LENS_OK;
    LENS_TRY(lens_metrics_read(&progress->so_far, total, progress->image));
    pacer->last = lens_seconds();
    progress->seconds = pacer->last - pacer->started;
    if (callbacks->progress(progress, callbacks->user))
        return LENS_OK;
    return lens_fail(LENS_INTERRUPTED, "%s stopped at image %zu of %zu", progress->phase,
                     progress->image, progress->images);
}

/* ---- evaluation ----------------------------------------------------------------------------- */

int32_t lens_class_of(const float *scores, size_t classes, lens_loss_kind loss) {
    if (classes == 1)
        return scores[0] > 0.5f;
    size_t best = 0;
    for (size_t i = 1; i < classes; i++)
        if (loss == LENS_MAP ? scores[i] < scores[best] : scores[i] > scores[best])
            best = i;
    return (int32_t)best;
}

typedef struct evaluator {
    lens_net *net;
    lens_feed *feed;
    lens_loader *loader;
    lens_tensor *total;
    float *scores; /* of one batch; NULL when nobody asked for them */
    size_t classes;
} evaluator;

static lens_status evaluator_open(evaluator *e, const lens_dataset *data,
                                  const lens_evaluation *evaluation) {
    size_t batch = lens_net_get_opts(e->net).batch;
    lens_loader_opts opts = lens_loader_defaults();
    opts.batch = batch;
    opts.shuffle = false;
    opts.preprocess = evaluation->preprocess;
    opts.input = lens_tensor_shape(lens_net_input(e->net));
    opts.trace = lens_context_trace(lens_net_context(e->net));
    LENS_TRY(lens_feed_new(&e->feed, e->net, data, &opts.preprocess, NULL));
    LENS_TRY(lens_tensor_new(&e->total, lens_net_context(e->net), (lens_shape){1, 2, 1, 1}));
    LENS_TRY(lens_tensor_fill(e->total, 0));
    LENS_TRY(lens_loader_new(&e->loader, data, &opts));
    e->classes = lens_tensor_shape(lens_net_output(e->net)).c;
    if (!evaluation->predictions && !evaluation->scores)
        return LENS_OK;
    e->scores = malloc(batch * e->classes * sizeof *e->scores);
    return e->scores ? LENS_OK : lens_fail_memory("scores", batch * e->classes * sizeof(float));
}

static void evaluator_close(evaluator *e) {
    lens_loader_free(e->loader);
    lens_feed_free(e->feed);
    lens_tensor_free(e->total);
    free(e->scores);
}

/* The outputs of the batch's images. */
static lens_status collect(evaluator *e, const lens_evaluation *evaluation,
                           const lens_batch *batch) {
    if (!e->scores)
        return LENS_OK;
    LENS_TRY(lens_tensor_read(lens_net_output(e->net), e->scores));
    lens_loss_kind loss = lens_net_get_opts(e->net).loss;
    for (size_t i = 0; i < batch->count; i++) {
        size_t image = batch->order[i];
        const float *row = e->scores + i * e->classes;
        if (evaluation->predictions)
            evaluation->predictions[image] = lens_class_of(row, e->classes, loss);
        for (size_t c = 0; evaluation->scores && c < e->classes; c++)
            evaluation->scores[image * e->classes + c] = row[c];
    }
    return LENS_OK;
}

static lens_status evaluate_batches(lens_metrics *metrics, evaluator *e, size_t images,
                                    const lens_evaluation *evaluation,
                                    const lens_train_callbacks *callbacks) {
    lens_pacer pacer = lens_pacer_start(callbacks);
    lens_progress progress = {.phase = evaluation->phase,
                              .epoch = evaluation->epoch,
                              .epochs = evaluation->epochs,
                              .images = images};
    lens_batch batch;
    while (lens_loader_next(e->loader, &batch)) {
        if (batch.count == 0)
            continue;
        LENS_TRY(lens_feed_batch(e->feed, &batch));
        LENS_TRY(lens_net_forward(e->net));
        LENS_TRY(lens_net_loss(e->net, e->total, true));
        LENS_TRY(collect(e, evaluation, &batch));
        progress.image += batch.count;
        LENS_TRY(lens_pacer_report(&pacer, &progress, e->total));
    }
    LENS_TRY(lens_loader_status(e->loader));
    if (progress.image == 0)
        return lens_fail(LENS_BAD_FILE, "none of the %zu pictures can be read", images);
    return lens_metrics_read(metrics, e->total, progress.image);
}

lens_status lens_evaluate_phase(lens_metrics *metrics, lens_net *net, const lens_dataset *data,
                                const lens_evaluation *evaluation,
                                const lens_train_callbacks *callbacks) {
    evaluator e = {.net = net};
    lens_span span = lens_span_begin(lens_context_trace(lens_net_context(net)), evaluation->phase);
    lens_status status = evaluator_open(&e, data, evaluation);
    if (status == LENS_OK)
        status = evaluate_batches(metrics, &e, lens_dataset_shape(data).n, evaluation, callbacks);
    evaluator_close(&e);
    lens_span_end(&span);
    return status;
}

lens_status lens_evaluate(lens_metrics *metrics, lens_net *net, const lens_dataset *data,
                          const lens_preprocess *preprocess, int32_t *predictions, float *scores,
                          const lens_train_callbacks *callbacks) {
    assert(metrics && net && data && preprocess);
    for (size_t i = 0; predictions && i < lens_dataset_shape(data).n; i++)
        predictions[i] = -1;
    lens_evaluation evaluation = {.phase = "validation",
                                  .preprocess = *preprocess,
                                  .predictions = predictions,
                                  .scores = scores};
    return lens_evaluate_phase(metrics, net, data, &evaluation, callbacks);
}
