/* schedule.c: the learning rate over a run. */
#include "lenslet/train.h"

#include <assert.h>
#include <math.h>

#define PI 3.141592653589793238462643383279503

static const char *const names[] = {
    [LENS_CONSTANT] = "constant", [LENS_STEP] = "step",       [LENS_EXPONENTIAL] = "exponential",
    [LENS_COSINE] = "cosine",     [LENS_PLATEAU] = "plateau", [LENS_LECUN1998] = "lecun1998"};

const char *lens_schedule_name(lens_schedule_kind kind) {
    return (size_t)kind < sizeof names / sizeof names[0] ? names[kind] : "unknown";
}

/* How much of what follows the warm-up is over, 0 .. 1. */
static double progress(uint64_t step, uint64_t warmup, uint64_t steps) {
    if (step >= steps)
        return 1;
    return (double)(step - warmup) / (double)(steps - warmup);
}

/* LeCun et al. 1998, section III.B: 0.0005, 0.0002, 0.0001, 0.00005, 0.00001. */
static float lecun1998(uint64_t epoch) {
    return epoch < 2 ? 1 : epoch < 5 ? 0.4f : epoch < 8 ? 0.2f : epoch < 12 ? 0.1f : 0.02f;
}

float lens_schedule_factor(const lens_schedule *schedule, uint64_t step, uint64_t steps_per_epoch,
                           uint64_t steps, uint64_t drops) {
    assert(schedule && steps_per_epoch > 0);
    if (step < schedule->warmup)
        return (float)((double)(step + 1) / (double)schedule->warmup);
    double epoch = (double)step / (double)steps_per_epoch;
    switch (schedule->kind) {
    case LENS_CONSTANT:
        break;
    case LENS_STEP: {
        uint64_t every = schedule->every ? schedule->every : 1;
        return (float)pow(schedule->gamma, (double)(step / steps_per_epoch / every));
    }
    case LENS_EXPONENTIAL:
        return (float)pow(schedule->gamma, epoch);
    case LENS_PLATEAU:
        return (float)pow(schedule->gamma, (double)drops);
    case LENS_LECUN1998:
        return lecun1998(step / steps_per_epoch);
    case LENS_COSINE:
        return (float)((1 + cos(PI * progress(step, schedule->warmup, steps))) / 2);
    }
    return 1;
}
