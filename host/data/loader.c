/* loader.c: a thread that fills batches ahead of the device.
 *
 * A ring of SLOTS batches. The thread fills the one after the last filled; next() hands out the
 * first filled and gives back the one before. One lock guards the counters; a batch's arrays belong
 * to the thread until it is counted as filled, and to the caller until it is given back.
 */
#include "core/size.h"
#include "data/dataset.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define SLOTS 3

typedef struct slot {
    lens_batch batch; /* its pointers are the three below */
    float *images, *labels;
    uint32_t *order;
} slot;

struct lens_loader {
    const lens_dataset *dataset;
    lens_loader_opts opts;
    size_t image_size, batches; /* elements of an image, batches of an epoch */
    uint32_t *order;            /* of the epoch being filled */
    slot slots[SLOTS];

    pthread_t thread;
    bool has_thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint64_t filled, taken; /* batches, since the start */
    bool holding;           /* the caller holds slot taken - 1 */
    bool ended, stopping;
    double waited;
};

lens_loader_opts lens_loader_defaults(void) {
    return (lens_loader_opts){.batch = 32, .shuffle = true};
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* ---- the thread ---------------------------------------------------------------------------- */

static void fill(lens_loader *loader, slot *s, uint64_t epoch, size_t index) {
    size_t first = index * loader->opts.batch;
    size_t count = lens_size_min(loader->opts.batch, loader->dataset->shape.n - first);
    for (size_t i = 0; i < count; i++) {
        uint32_t image = loader->order[first + i];
        s->order[i] = image;
        s->labels[i] = (float)loader->dataset->labels[image];
        lens_dataset_image(loader->dataset, image, loader->opts.scale,
                           s->images + i * loader->image_size);
    }
    s->batch = (lens_batch){.epoch = epoch,
                            .index = index,
                            .count = count,
                            .images = s->images,
                            .labels = s->labels,
                            .order = s->order};
}

/* Wait for a slot that is neither filled nor held; false when the loader is being freed. */
static bool wait_for_room(lens_loader *loader) {
    pthread_mutex_lock(&loader->lock);
    while (!loader->stopping && loader->filled - loader->taken + loader->holding >= SLOTS)
        pthread_cond_wait(&loader->changed, &loader->lock);
    bool go_on = !loader->stopping;
    pthread_mutex_unlock(&loader->lock);
    return go_on;
}

static void count_filled(lens_loader *loader) {
    pthread_mutex_lock(&loader->lock);
    loader->filled++;
    pthread_cond_broadcast(&loader->changed);
    pthread_mutex_unlock(&loader->lock);
}

static void set_order(lens_loader *loader, uint64_t epoch) {
    size_t count = loader->dataset->shape.n;
    if (loader->opts.shuffle)
        lens_shuffle(loader->order, count, loader->opts.seed, epoch);
    else
        for (size_t i = 0; i < count; i++)
            loader->order[i] = (uint32_t)i;
}

static void *run(void *user) {
    lens_loader *loader = user;
    size_t index = loader->opts.first;
    uint64_t number = 0;
    for (uint64_t epoch = loader->opts.epoch;; epoch++, index = 0) {
        set_order(loader, epoch);
        for (; index < loader->batches; index++) {
            if (!wait_for_room(loader))
                return NULL;
            fill(loader, &loader->slots[number++ % SLOTS], epoch, index);
            count_filled(loader);
        }
        if (!loader->opts.loop)
            break;
    }
    pthread_mutex_lock(&loader->lock);
    loader->ended = true;
    pthread_cond_broadcast(&loader->changed);
    pthread_mutex_unlock(&loader->lock);
    return NULL;
}

/* ---- the caller ---------------------------------------------------------------------------- */

static lens_status allocate(lens_loader *loader) {
    size_t batch = loader->opts.batch, bytes = batch * loader->image_size * sizeof(float);
    bool whole = (loader->order = malloc(loader->dataset->shape.n * sizeof *loader->order)) != NULL;
    for (int i = 0; i < SLOTS; i++) {
        slot *s = &loader->slots[i];
        s->images = malloc(bytes);
        s->labels = malloc(batch * sizeof *s->labels);
        s->order = malloc(batch * sizeof *s->order);
        whole = whole && s->images && s->labels && s->order;
    }
    return whole ? LENS_OK : lens_fail_memory("loader", SLOTS * bytes);
}

lens_status lens_loader_new(lens_loader **out, const lens_dataset *dataset,
                            const lens_loader_opts *opts) {
    assert(out && dataset && opts);
    *out = NULL;
    size_t images = dataset->shape.n;
    if (opts->batch == 0)
        return lens_fail(LENS_BAD_ARGUMENT, "loader: a batch of 0 images");
    size_t batches = lens_size_div_up(images, opts->batch);
    if (opts->first > batches)
        return lens_fail(LENS_BAD_ARGUMENT, "loader: batch %zu of an epoch of %zu", opts->first,
                         batches);
    lens_loader *loader = calloc(1, sizeof *loader);
    if (!loader)
        return lens_fail_memory("loader", sizeof *loader);
    loader->dataset = dataset;
    loader->opts = *opts;
    loader->opts.batch = lens_size_min(opts->batch, images);
    if (loader->opts.scale == 0)
        loader->opts.scale = dataset_default_scale(dataset);
    loader->image_size = dataset->shape.c * dataset->shape.h * dataset->shape.w;
    loader->batches = batches;
    pthread_mutex_init(&loader->lock, NULL);
    pthread_cond_init(&loader->changed, NULL);
    lens_status status = allocate(loader);
    if (status == LENS_OK) {
        loader->has_thread = pthread_create(&loader->thread, NULL, run, loader) == 0;
        if (!loader->has_thread)
            status = lens_fail(LENS_OUT_OF_MEMORY, "loader: the system gives no more threads");
    }
    if (status != LENS_OK) {
        lens_loader_free(loader);
        return status;
    }
    *out = loader;
    return LENS_OK;
}

void lens_loader_free(lens_loader *loader) {
    if (!loader)
        return;
    if (loader->has_thread) {
        pthread_mutex_lock(&loader->lock);
        loader->stopping = true;
        pthread_cond_broadcast(&loader->changed);
        pthread_mutex_unlock(&loader->lock);
        pthread_join(loader->thread, NULL);
    }
    for (int i = 0; i < SLOTS; i++) {
        free(loader->slots[i].images);
        free(loader->slots[i].labels);
        free(loader->slots[i].order);
    }
    free(loader->order);
    pthread_cond_destroy(&loader->changed);
    pthread_mutex_destroy(&loader->lock);
    free(loader);
}

bool lens_loader_next(lens_loader *loader, lens_batch *batch) {
    pthread_mutex_lock(&loader->lock);
    loader->holding = false;
    pthread_cond_broadcast(&loader->changed);
    double start = now();
    while (loader->filled == loader->taken && !loader->ended)
        pthread_cond_wait(&loader->changed, &loader->lock);
    loader->waited += now() - start;
    bool found = loader->filled != loader->taken;
    if (found) {
        *batch = loader->slots[loader->taken % SLOTS].batch;
        loader->taken++;
        loader->holding = true;
    }
    pthread_mutex_unlock(&loader->lock);
    return found;
}

double lens_loader_waited(const lens_loader *loader) {
    return loader->waited;
}
