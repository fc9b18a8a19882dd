/* groups.h: parameters that one call of the optimizer serves: neighbours with the same multiples of
 * rate and decay. */
#ifndef LENSLET_TRAIN_GROUPS_H
#define LENSLET_TRAIN_GROUPS_H

#include "lenslet/train.h"

#define LENS_SLOTS_MOST 2

/* Views of the net's parameters and gradients and of the slots. */
typedef struct lens_group {
    lens_tensor *w, *g, *slots[LENS_SLOTS_MOST];
    float rate, decay; /* multiples */
} lens_group;

typedef struct lens_groups {
    lens_group *list;
    size_t count;
} lens_groups;

/* The groups of a training net, as few as the recipe allows: one where nothing decays and no layer
 * is named. BAD_ARGUMENT names what is wrong with the recipe's lists. `slots` as the optimizer has
 * them. */
lens_status lens_groups_new(lens_groups *out, const lens_net *net, const lens_recipe *recipe,
                            lens_tensor *const slots[LENS_SLOTS_MOST]);
void lens_groups_free(lens_groups *groups);

/* One optimizer step of every group; opts.rate is what a multiple of 1 has. */
lens_status lens_groups_step(const lens_groups *groups, const lens_tensor *norm, uint64_t step,
                             const lens_optimizer_opts *opts);

#endif
