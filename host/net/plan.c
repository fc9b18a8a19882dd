/* plan.c: memory of an arena, planned before anything is allocated.
 *
 * Largest first: each item takes the lowest gap that is free during its whole life. Simple, and
 * for the networks here within a few percent of the most that lives at one time.
 */
#include "net/plan.h"
#include "core/error.h"
#include "core/size.h"

#include <assert.h>
#include <stdlib.h>

static bool meet(const lens_plan_item *a, const lens_plan_item *b) {
    return a->first_use <= b->last_use && b->first_use <= a->last_use;
}

/* The lowest offset at which `item` overlaps none of the `placed` ones, sorted by offset, that live
 * when it does. */
static bool find_gap(size_t *offset, const lens_plan_item *item, size_t size,
                     lens_plan_item *const *placed, size_t placed_count, size_t alignment) {
    size_t low = 0;
    for (size_t i = 0; i < placed_count; i++) {
        if (!meet(item, placed[i]))
            continue;
        if (placed[i]->offset >= low && placed[i]->offset - low >= size)
            break;
        low =
            lens_size_max(low, placed[i]->offset + lens_size_round_up(placed[i]->count, alignment));
    }
    size_t end;
    *offset = low;
    return lens_size_add(&end, low, size);
}

/* Keeps `placed` sorted by offset. */
static void insert(lens_plan_item **placed, size_t placed_count, lens_plan_item *item) {
    size_t at = placed_count;
    for (; at > 0 && placed[at - 1]->offset > item->offset; at--)
        placed[at] = placed[at - 1];
    placed[at] = item;
}

/* The indices of the items, the largest first, equal ones in their own order. */
static void sort_by_count(lens_plan_item **order, lens_plan_item *items, size_t item_count) {
    for (size_t i = 0; i < item_count; i++) {
        size_t at = i;
        for (; at > 0 && order[at - 1]->count < items[i].count; at--)
            order[at] = order[at - 1];
        order[at] = &items[i];
    }
}

lens_status lens_plan_memory(lens_plan_item *items, size_t item_count, size_t alignment,
                             size_t *total) {
    assert(total && alignment > 0 && (items || item_count == 0));
    *total = 0;
    if (item_count == 0)
        return LENS_OK;
    size_t bytes = 2 * item_count * sizeof(lens_plan_item *);
    lens_plan_item **order = malloc(bytes), **placed = order ? order + item_count : NULL;
    if (!order)
        return lens_fail_memory("memory plan", bytes);
    sort_by_count(order, items, item_count);
    lens_status status = LENS_OK;
    for (size_t i = 0; i < item_count && status == LENS_OK; i++) {
        lens_plan_item *item = order[i];
        assert(item->first_use <= item->last_use);
        size_t size;
        if (item->count > SIZE_MAX - alignment ||
            !find_gap(&item->offset, item, size = lens_size_round_up(item->count, alignment),
                      placed, i, alignment)) {
            status = lens_fail(LENS_BAD_SHAPE, "memory plan: the arrays do not fit any memory");
            break;
        }
        insert(placed, i, item);
        *total = lens_size_max(*total, item->offset + size);
    }
    free(order);
    return status;
}
