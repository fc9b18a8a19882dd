/* class_weights.h: how much the images of each class count in training. */
#ifndef LENSLET_TRAIN_CLASS_WEIGHTS_H
#define LENSLET_TRAIN_CLASS_WEIGHTS_H

#include "lenslet/data.h"

/* One weight a class of `data`, freed with free(), from a recipe's text: numbers, "balanced", or
 * nothing, which gives NULL. BAD_ARGUMENT names what is wrong with it. */
lens_status lens_class_weights_new(float **weights, const char *text, const lens_dataset *data);

#endif
