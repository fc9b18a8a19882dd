/* feed.h: how a batch gets from the loader into a net, in training and evaluation alike. */
#ifndef LENSLET_TRAIN_FEED_H
#define LENSLET_TRAIN_FEED_H

#include "lenslet/data.h"
#include "lenslet/net.h"

typedef struct lens_feed lens_feed;

/* For batches of `data`, preprocessed so. `class_weights` (of each class of the data; NULL: 1) go
 * into lens_net_weights() where the net is weighted. BAD_SHAPE when the channels differ;
 * BAD_ARGUMENT when the data has more classes than the net can tell apart. Both must outlive the
 * feed. */
lens_status lens_feed_new(lens_feed **out, lens_net *net, const lens_dataset *data,
                          const lens_preprocess *preprocess, const float *class_weights);
void lens_feed_free(lens_feed *feed); /* NULL is allowed */

/* Set the net's batch, write its input, resized on the device when the sizes differ, and its
 * target: class numbers, or one 1 a row when the loss wants a value for each class. */
lens_status lens_feed_batch(lens_feed *feed, const lens_batch *batch);

#endif
