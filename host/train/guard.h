/* guard.h: whether a run has collapsed: a loss that is no number, or that of one answer for all. */
#ifndef LENSLET_TRAIN_GUARD_H
#define LENSLET_TRAIN_GUARD_H

#include "lenslet/train.h"

/* What is remembered since the latest lens_guard_start(). Nothing of it moves the weights, and it
 * is no part of a checkpoint. */
typedef struct lens_guard {
    double constant_loss; /* NaN: there is nothing to compare with */
    double sum; /* of the loss, and how many images, when it was last read: of this epoch */
    uint64_t images;
    uint64_t step;     /* steps done then */
    uint64_t stuck;    /* steps of no better loss, until then */
    uint64_t probe_at; /* as many, and the layers are looked at */
    bool has_collapsed;
    lens_collapse collapse;
} lens_guard;

/* A run begins or goes on. */
lens_status lens_guard_start(lens_trainer *trainer);

/* A step has been made. Every 50, and after the last of an epoch, the loss is read. DIVERGED when
 * it is not finite. */
lens_status lens_guard_step(lens_trainer *trainer);

/* NULL: the run is well. */
const lens_collapse *lens_guard_collapse(const lens_guard *guard);

#endif
