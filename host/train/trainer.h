/* trainer.h: what is inside a lens_trainer, for the files of this folder. */
#ifndef LENSLET_TRAIN_TRAINER_H
#define LENSLET_TRAIN_TRAINER_H

#include "lenslet/train.h"
#include "train/feed.h"
#include "train/groups.h"
#include "train/guard.h"
#include "train/watch.h"

struct lens_trainer {
    lens_context *context;
    lens_recipe recipe;
    uint64_t seed;
    const lens_dataset *given_train, *given_test; /* as given to lens_trainer_new() */
    lens_dataset *train_slice, *validation_slice; /* NULL unless the recipe holds images out */
    const lens_dataset *train, *validation;       /* what is used; validation may be NULL */

    lens_net *net;
    lens_feed *feed;
    float *class_weights;                /* NULL: 1 each */
    lens_tensor *slots[LENS_SLOTS_MOST]; /* as many as the optimizer has */
    lens_groups groups;                  /* views of parameters, gradients and slots */
    lens_tensor *norm, *norm_scratch;    /* NULL unless gradients are clipped */
    lens_tensor *total;                  /* loss and right answers of the epoch so far */

    /* keep_best: the best weights so far; at the end they and the last ones change places */
    lens_tensor *kept;
    bool holds_best;      /* they have: the net holds the best weights, `kept` the last */
    double best_accuracy; /* below 0: nothing has been kept yet */

    uint64_t steps_per_epoch;
    uint64_t step;   /* steps done */
    uint64_t images; /* of the epoch so far, without those that could not be read */
    uint64_t closed; /* epochs that have been validated and reported */
    lens_watch watch;
    lens_guard guard;
};

#endif
