/* diagnose.h: what a run compares its loss with. */
#ifndef LENSLET_TRAIN_DIAGNOSE_H
#define LENSLET_TRAIN_DIAGNOSE_H

#include "lenslet/train.h"

/* lens_diagnosis.constant_loss: the least loss that one answer for all images gets, where those of
 * each class count so many times (NULL: once). */
lens_status lens_constant_loss(double *out, const lens_net *net, const lens_dataset *data,
                               const float *class_weights);

#endif
