/* watch.h: whether a run still gets better: for schedules on plateau and for early stopping. */
#ifndef LENSLET_TRAIN_WATCH_H
#define LENSLET_TRAIN_WATCH_H

#include "lenslet/train.h"

/* What is remembered of the epochs so far. */
typedef struct lens_watch {
    double best;      /* the least loss; infinite before the first epoch */
    uint64_t stale;   /* epochs since it */
    uint64_t plateau; /* epochs since it or since the latest drop of the rate */
    uint64_t drops;   /* of the rate */
} lens_watch;

lens_watch lens_watch_start(void);

/* An epoch has ended with this loss. NaN is no better than anything. */
void lens_watch_epoch(lens_watch *watch, const lens_recipe *recipe, double loss);

bool lens_watch_out_of_patience(const lens_watch *watch, const lens_recipe *recipe);

#endif
