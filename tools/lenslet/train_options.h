/* train_options.h: what `lenslet train` can be told, and the recipe that comes of it. */
#ifndef LENSLET_CLI_TRAIN_OPTIONS_H
#define LENSLET_CLI_TRAIN_OPTIONS_H

#include "cli.h"
#include "options.h"

typedef struct train_options {
    const char *data, *recipe, *augment, *resume, *out, *log, *curve, *device, *algorithm;
    const char *layer_rates, *layer_decays, *class_weights;
    size_t epochs, batch, side, warmup, every, patience; /* COUNT_UNSET: the recipe's */
    double rate, l2, weight_decay, gamma, min_delta, validation_split; /* NaN: the recipe's */
    int optimizer, schedule, preprocess, fit; /* 0: the recipe's, else the kind + 1 */
    int format;
    uint64_t seed;       /* SEED_UNSET: 0, or the checkpoint's */
    const char *profile; /* as profile_open() wants it */
    bool strict, keep_best, quiet;
} train_options;

extern const option train_option_rows[];

train_options train_options_defaults(void);

/* The recipe that the options name, with what they change of it; the initialisers go into `spec`.
 */
lens_status train_recipe(lens_recipe *recipe, lens_net_spec *spec, const train_options *o,
                         const lens_dataset *data);

/* What was asked for must be what the checkpoint says; only the epochs may be raised. */
lens_status train_check_resumed(const lens_trainer *trainer, const train_options *o,
                                const lens_dataset *data);

#endif
