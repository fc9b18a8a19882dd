/* guard.c: whether a run has collapsed.
 *
 * The loss is looked at all the time, the layers only when it does not fall: a healthy run pays for
 * one read of two numbers every 50 steps.
 */
#include "train/guard.h"
#include "core/error.h"
#include "core/size.h"
#include "train/diagnose.h"
#include "train/trainer.h"

#include <inttypes.h>
#include <math.h>

enum {
    LOOK_EVERY = 50,
    FIRST_PROBE = 100,
    LONG = 1000 /* without a better loss: a collapse, even if every layer looks well */
};
#define NO_BETTER 0.98

lens_status lens_guard_start(lens_trainer *trainer) {
    lens_guard *guard = &trainer->guard;
    *guard = (lens_guard){.probe_at = FIRST_PROBE, .step = trainer->step};
    LENS_TRY(lens_constant_loss(&guard->constant_loss, trainer->net, trainer->train,
                                trainer->class_weights));
    if (trainer->step % trainer->steps_per_epoch == 0)
        return LENS_OK;
    float sums[2];
    LENS_TRY(lens_tensor_read(trainer->total, sums));
    guard->sum = (double)sums[0];
    guard->images = trainer->images;
    return LENS_OK;
}

const lens_collapse *lens_guard_collapse(const lens_guard *guard) {
    return guard->has_collapsed ? &guard->collapse : NULL;
}

/* The layers at this step; NULL when there is no memory for that. */
static lens_diagnosis *look_at_layers(const lens_trainer *trainer) {
    lens_diagnosis *diagnosis;
    lens_status status =
        lens_diagnose(&diagnosis, trainer->net, trainer->train, &trainer->recipe.preprocess, 0);
    if (status == LENS_OK)
        return diagnosis;
    lens_log(LENS_LOG_INFO, "the layers cannot be looked at: %s", lens_last_error());
    return NULL;
}

static lens_status fail_diverged(const lens_trainer *trainer) {
    lens_diagnosis *diagnosis = look_at_layers(trainer);
    const char *layer = diagnosis && diagnosis->trouble == LENS_TROUBLE_NOT_FINITE
                            ? diagnosis->layers[diagnosis->layer].name
                            : NULL;
    lens_diagnosis_free(diagnosis);
    return lens_fail(LENS_DIVERGED,
                     "the loss is no finite number at step %" PRIu64
                     " (the look before was at step %" PRIu64 ")%s%s; worth a try: %s",
                     trainer->step, trainer->guard.step,
                     layer ? "; the first layer with such numbers is " : "", layer ? layer : "",
                     lens_trouble_advice(LENS_TROUBLE_NOT_FINITE));
}

/* The loss does not fall: look for the layer when it is time. */
static void suspect(lens_trainer *trainer, double loss) {
    lens_guard *guard = &trainer->guard;
    bool long_enough = guard->stuck >= lens_size_max(LONG, trainer->steps_per_epoch);
    if (guard->has_collapsed || (guard->stuck < guard->probe_at && !long_enough))
        return;
    while (guard->probe_at <= guard->stuck)
        guard->probe_at *= 2;
    lens_diagnosis *diagnosis = look_at_layers(trainer);
    bool found = diagnosis && diagnosis->trouble != LENS_TROUBLE_NONE;
    if (found || long_enough) {
        guard->has_collapsed = true;
        guard->collapse =
            (lens_collapse){.step = trainer->step, .steps = guard->stuck, .loss = loss};
        if (found) {
            guard->collapse.trouble = diagnosis->trouble;
            guard->collapse.layer = diagnosis->layers[diagnosis->layer].name;
        }
    }
    lens_diagnosis_free(diagnosis);
}

/* The mean loss since the last look. */
static void judge(lens_trainer *trainer, double loss) {
    lens_guard *guard = &trainer->guard;
    uint64_t warmup = trainer->recipe.schedule.warmup;
    uint64_t from = guard->step > warmup ? guard->step : warmup;
    if (!(loss >= NO_BETTER * guard->constant_loss)) {
        guard->stuck = 0;
        guard->probe_at = FIRST_PROBE;
        guard->has_collapsed = false;
    } else if (trainer->step > from) {
        guard->stuck += trainer->step - from;
        suspect(trainer, loss);
    }
}

lens_status lens_guard_step(lens_trainer *trainer) {
    lens_guard *guard = &trainer->guard;
    bool epoch_ends = trainer->step % trainer->steps_per_epoch == 0;
    if (!epoch_ends && trainer->step % LOOK_EVERY != 0)
        return LENS_OK;
    float sums[2];
    LENS_TRY(lens_tensor_read(trainer->total, sums));
    if (!isfinite(sums[0]))
        return fail_diverged(trainer);
    uint64_t images = trainer->images - guard->images;
    if (images > 0)
        judge(trainer, ((double)sums[0] - guard->sum) / (double)images);
    guard->sum = epoch_ends ? 0 : (double)sums[0];
    guard->images = epoch_ends ? 0 : trainer->images;
    guard->step = trainer->step;
    return LENS_OK;
}
