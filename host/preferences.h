/* preferences.h: the preferences of a context: which algorithm for which pass and shape. */
#ifndef LENSLET_PREFERENCES_H
#define LENSLET_PREFERENCES_H

#include "lenslet/tuning.h"

/* One operation's pass with its shapes, as a text: the key of a preference. */
#define LENS_TUNING_KEY 256
typedef struct lens_tuning_key {
    char text[LENS_TUNING_KEY];
} lens_tuning_key;

lens_tuning_key lens_tuning_key_conv2d(lens_pass pass, lens_shape x, lens_shape w,
                                       const lens_conv2d_opts *opts);
lens_tuning_key lens_tuning_key_dense(lens_pass pass, size_t n, lens_shape w);

/* A context's preferences, a list. */
typedef struct lens_tuning lens_tuning;

bool lens_tuning_is_empty(const lens_context *context);

/* The preferred algorithm, or NULL. */
const char *lens_tuning_find(const lens_context *context, const lens_tuning_key *key);

/* Read the file of this device, driver and version, if there is one; what cannot be read is logged
 * and left out. */
void lens_tuning_load(lens_context *context);

#endif
