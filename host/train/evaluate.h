/* evaluate.h: evaluation as a phase of training. */
#ifndef LENSLET_TRAIN_EVALUATE_H
#define LENSLET_TRAIN_EVALUATE_H

#include "lenslet/train.h"

typedef struct lens_evaluation {
    const char *phase;
    size_t epoch, epochs;
    lens_preprocess preprocess;
    int32_t *predictions;
    float *scores;
} lens_evaluation;

/* lens_evaluate() with all that its progress reports say. */
lens_status lens_evaluate_phase(lens_metrics *metrics, lens_net *net, const lens_dataset *data,
                                const lens_evaluation *evaluation,
                                const lens_train_callbacks *callbacks);

/* The class that a row of outputs names: the largest, of penalties the smallest, the first of
 * equals; of a single output whether it is above one half. */
int32_t lens_class_of(const float *scores, size_t classes, lens_loss_kind loss);

/* What lens_loss_forward() summed up over `images` images; the call reads, so it waits. */
lens_status lens_metrics_read(lens_metrics *metrics, const lens_tensor *total, size_t images);

/* Calls of the progress callback, no more than one in progress_seconds. */
typedef struct lens_pacer {
    const lens_train_callbacks *callbacks;
    double started, last;
} lens_pacer;

lens_pacer lens_pacer_start(const lens_train_callbacks *callbacks);

/* Report when it is time: `progress` has its phase, counts and epochs filled in, the rest is read
 * from `total`. INTERRUPTED when the callback says so. */
lens_status lens_pacer_report(lens_pacer *pacer, lens_progress *progress, const lens_tensor *total);

#endif
