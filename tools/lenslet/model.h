/* model.h: the network that a command line means, and what follows from its last layer.
 */
#ifndef LENSLET_CLI_MODEL_H
#define LENSLET_CLI_MODEL_H

#include "cli.h"

/* The loss that goes with the net's last layer and labels of this rank: map after rbf units, binary
 * cross-entropy after a sigmoid, mean squared error after anything else that is no softmax and has
 * targets (rank 2), else the cross-entropy of class numbers (rank 1) or of probabilities. */
lens_loss_kind model_loss(const lens_net_spec *spec, size_t label_rank);

/* Whether the last layer gives probabilities. */
bool model_ends_in_softmax(const lens_net_spec *spec);
bool model_ends_in_sigmoid(const lens_net_spec *spec);

/* Whether it gives penalties, of which the smallest names the class. */
bool model_ends_in_rbf(const lens_net_spec *spec);

/* The axes that people expect of a layer's output: 2 for (n, c), 4 for (n, c, h, w). */
size_t model_layer_rank(const lens_net_spec *spec, size_t layer);

/* BAD_FILE, naming the directory that the data came from, when a label is beyond the classes that
 * the net tells apart. */
lens_status model_check_labels(const lens_net_spec *spec, const lens_dataset *data,
                               const char *directory, size_t *classes);

/* The preprocess.side that crops are taken from when nothing else is said: 8/7 of the input's
 * shorter side, as 256 is of 224. */
size_t model_crop_side(const lens_net_spec *spec);

/* BAD_FILE for the first picture of the data that cannot be decoded, if `strict`. */
lens_status model_check_pictures(const lens_dataset *data, bool strict);

/* A note when pictures were left out. */
void model_note_broken(const char *command, const lens_dataset *data);

/* Whether MODEL is a checkpoint, which brings its own weights. */
bool model_has_weights(const char *model);

#endif
