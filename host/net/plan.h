/* plan.h: where arrays that live for a while go in one arena. */
#ifndef LENSLET_NET_PLAN_H
#define LENSLET_NET_PLAN_H

#include "lenslet/status.h"

/* An array of `count` elements that is needed at every time first_use .. last_use, both included.
 */
typedef struct lens_plan_item {
    size_t count;
    size_t first_use, last_use;
    size_t offset; /* the answer: its first element, a multiple of the alignment */
} lens_plan_item;

/* Give every item an offset such that items whose times meet share no element, and set *total to
 * the elements of the arena. The result depends on the items and their order alone. BAD_SHAPE when
 * the total does not fit a size_t. */
lens_status lens_plan_memory(lens_plan_item *items, size_t item_count, size_t alignment,
                             size_t *total);

#endif
