/* net_state.h: what is inside a lens_net, for the files of this folder. */
#ifndef LENSLET_NET_NET_STATE_H
#define LENSLET_NET_NET_STATE_H

#include "net/chain.h"

/* The tensors that depend on how many images there are: views into the arena and the target. */
typedef struct lens_net_views {
    lens_tensor **values, **gradients; /* of each value of the chain; gradients may be NULL */
    lens_tensor **saved;               /* of each layer; may be NULL */
    lens_tensor *target, *weights;     /* weights: NULL unless the net is weighted */
} lens_net_views;

struct lens_net {
    lens_context *context;
    lens_net_spec *spec;
    lens_net_opts opts;
    lens_chain *chain;
    lens_tensor *state;                  /* all parameters, the trained ones first */
    lens_tensor *parameters, *gradients; /* of the trained ones; gradients: NULL unless training */
    lens_tensor *arena, *target, *weights;
    lens_tensor *scratch; /* NULL when nobody wants any */
    lens_tensor *saved;   /* for backward, besides the arena; NULL: none */
    size_t list_count;
    lens_parameter *list;
    size_t images; /* of the batch, now */
    lens_net_views views;
    bool has_output;     /* forward has run, so there is something to take the loss of */
    bool has_backward;   /* and what backward needs is still there */
    uint64_t seed, step; /* of the latest forward pass for training */
};

#endif
