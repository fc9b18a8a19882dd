/* watch.c: whether a run still gets better. */
#include "train/watch.h"

#include <math.h>

lens_watch lens_watch_start(void) {
    return (lens_watch){.best = INFINITY};
}

void lens_watch_epoch(lens_watch *watch, const lens_recipe *recipe, double loss) {
    if (loss < watch->best - recipe->min_delta) {
        watch->best = loss;
        watch->stale = watch->plateau = 0;
        return;
    }
    watch->stale++;
    watch->plateau++;
    uint64_t every = recipe->schedule.every ? recipe->schedule.every : 1;
    if (recipe->schedule.kind == LENS_PLATEAU && watch->plateau >= every) {
        watch->drops++;
        watch->plateau = 0;
    }
}

bool lens_watch_out_of_patience(const lens_watch *watch, const lens_recipe *recipe) {
    return recipe->patience > 0 && watch->stale >= recipe->patience;
}
