/* loader.c: threads that decode, preprocess and fill batches ahead of the device.
 *
 * A ring of SLOTS batches. Each is opened for the batch after the last one, its images are handed
 * out to the threads a few at a time, and when all are done next() may have it, after the one
 * before. One lock guards everything but the images themselves, each of which belongs to the one
 * thread that took it until it is counted as done, and then to the caller until the batch is given
 * back. What an image becomes depends on its place in the order alone, so the batches do not know
 * how many threads there were.
 */
#include "core/size.h"
#include "core/timeline.h"
#include "data/dataset.h"
#include "data/view.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    SLOTS = 3,
    PORTION = 4, /* images that a thread takes at once */
    MOST_THREADS = 8,
    TEN = 10
};

typedef struct slot {
    lens_batch batch; /* its pointers are the three below */
    float *images, *labels;
    uint32_t *order;
    bool *missing;      /* images that could not be read */
    size_t taken, done; /* images */
} slot;

struct lens_loader {
    const lens_dataset *dataset;
    lens_loader_opts opts;
    lens_shape shape;           /* of one image as it leaves here */
    size_t image_size, batches; /* elements of an image, batches of an epoch */
    size_t views;               /* of each image: 1 or TEN */
    slot slots[SLOTS];

    pthread_t threads[MOST_THREADS];
    size_t thread_count;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint32_t *order;     /* of the epoch of the batch opened last */
    uint64_t next_epoch; /* of the batch to be opened next, and its place there */
    size_t next_index;
    bool has_order;         /* `order` is next_epoch's */
    uint64_t opened, given; /* batches, since the start */
    bool holding;           /* the caller holds slot given - 1 */
    bool stopping;
    lens_status status;
    char message[512];
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

/* ---- one image ------------------------------------------------------------------------------ */

lens_shape lens_loader_shape(const lens_dataset *dataset, const lens_preprocess *preprocess,
                             lens_shape input) {
    lens_shape shape = dataset->shape;
    if (dataset->files)
        shape = input;
    else if (preprocess->side)
        shape = (lens_shape){1, shape.c, input.h, input.w};
    shape.n = 1;
    return shape;
}

/* Which image of which epoch, and which of its views. */
typedef struct item {
    uint32_t image;
    uint64_t epoch;
    size_t view;
} item;

/* View 0 .. 3: a corner; 4: the middle; 5 .. 9: the same mirrored. */
static void choose_crop(view *part, lens_shape input, size_t number) {
    size_t place = number % 5;
    part->flip = number >= 5;
    if (place == 4)
        return;
    part->y = place & 2 ? (ptrdiff_t)part->h - (ptrdiff_t)input.h : 0;
    part->x = place & 1 ? (ptrdiff_t)part->w - (ptrdiff_t)input.w : 0;
}

static lens_status render(const lens_loader *loader, float *values, const view_source *source,
                          const item *it) {
    const lens_loader_opts *o = &loader->opts;
    view part = view_centre(loader->shape, source->h, source->w, &o->preprocess);
    if (o->ten_crop)
        choose_crop(&part, loader->shape, it->view);
    view_augment(&part, loader->shape, &o->augment, o->seed, it->epoch, it->image);
    return view_render(values, loader->shape, source, &part, &o->preprocess);
}

static lens_status render_memory(const lens_loader *loader, float *values, const item *it) {
    const lens_dataset *d = loader->dataset;
    size_t start = it->image * d->shape.c * d->shape.h * d->shape.w;
    view_source source = view_of_planes(d->bytes ? d->bytes + start : NULL,
                                        d->floats ? d->floats + start : NULL, d->shape);
    return render(loader, values, &source, it);
}

static lens_status render_file(const lens_loader *loader, float *values, const item *it) {
    size_t least_h, least_w;
    view_size(&least_h, &least_w, loader->shape, &loader->opts.preprocess);
    lens_picture picture;
    bool is_kept;
    LENS_TRY(folder_picture(&picture, &is_kept, loader->dataset, it->image, least_h, least_w));
    view_source source = view_of_picture(&picture);
    lens_status status = render(loader, values, &source, it);
    folder_release(&picture, is_kept);
    return status;
}

/* Image number i of a batch. What fails because of the file is left out, anything else stops. */
static lens_status fill(const lens_loader *loader, slot *s, size_t i) {
    item it = {.image = s->order[i],
               .epoch = s->batch.epoch,
               .view = (s->batch.index * loader->opts.batch + i) % loader->views};
    float *values = s->images + i * loader->image_size;
    s->labels[i] = (float)loader->dataset->labels[it.image];
    if (!loader->dataset->files)
        return render_memory(loader, values, &it);
    lens_status status = render_file(loader, values, &it);
    s->missing[i] = status == LENS_BAD_FILE || status == LENS_UNSUPPORTED || status == LENS_IO;
    return s->missing[i] ? LENS_OK : status;
}

/* ---- the threads: all with the lock held but where it says so ------------------------------- */

static void set_order(lens_loader *loader) {
    size_t count = loader->dataset->shape.n;
    if (loader->opts.shuffle)
        lens_shuffle(loader->order, count, loader->opts.seed, loader->next_epoch);
    else
        for (size_t i = 0; i < count; i++)
            loader->order[i] = (uint32_t)i;
    loader->has_order = true;
}

static bool is_at_end(const lens_loader *loader) {
    return !loader->opts.loop && loader->next_index >= loader->batches;
}

/* Make the next slot ready to be filled. */
static void open_batch(lens_loader *loader) {
    if (loader->next_index >= loader->batches) {
        loader->next_index = 0;
        loader->next_epoch++;
        loader->has_order = false;
    }
    if (!loader->has_order)
        set_order(loader);
    slot *s = &loader->slots[loader->opened++ % SLOTS];
    size_t first = loader->next_index * loader->opts.batch;
    s->taken = s->done = 0;
    s->batch =
        (lens_batch){.epoch = loader->next_epoch,
                     .index = loader->next_index++,
                     .count = lens_size_min(loader->opts.batch,
                                            loader->dataset->shape.n * loader->views - first),
                     .images = s->images,
                     .labels = s->labels,
                     .order = s->order};
    for (size_t i = 0; i < s->batch.count; i++)
        s->order[i] = loader->order[(first + i) / loader->views];
    memset(s->missing, 0, s->batch.count * sizeof *s->missing);
}

/* The first slot with images that no thread has taken, opened if need be; NULL: not now. */
static slot *find_work(lens_loader *loader) {
    for (uint64_t i = loader->given; i < loader->opened; i++) {
        slot *s = &loader->slots[i % SLOTS];
        if (s->taken < s->batch.count)
            return s;
    }
    bool has_room = loader->opened - loader->given + loader->holding < SLOTS;
    if (!has_room || is_at_end(loader))
        return NULL;
    open_batch(loader);
    return &loader->slots[(loader->opened - 1) % SLOTS];
}

static void stop(lens_loader *loader, lens_status status) {
    if (loader->status != LENS_OK)
        return;
    loader->status = status;
    snprintf(loader->message, sizeof loader->message, "%s", lens_last_error());
}

/* Fill a portion of a slot; the lock is let go meanwhile. */
static void work(lens_loader *loader, slot *s) {
    size_t first = s->taken, end = lens_size_min(first + PORTION, s->batch.count);
    lens_status status = LENS_OK;
    s->taken = end;
    pthread_mutex_unlock(&loader->lock);
    for (size_t i = first; i < end && status == LENS_OK; i++)
        status = fill(loader, s, i);
    pthread_mutex_lock(&loader->lock);
    if (status != LENS_OK)
        stop(loader, status);
    s->done += end - first;
    if (s->done == s->batch.count || status != LENS_OK)
        pthread_cond_broadcast(&loader->changed);
}

/* What a thread works on, in its track of the trace: one event for its part of a batch. */
typedef struct worker {
    lens_trace *trace;
    uint32_t track;
    const slot *on; /* NULL: nothing */
    lens_span span;
} worker;

static void set_work(worker *w, const slot *s) {
    if (w->on == s)
        return;
    if (w->on)
        lens_span_end(&w->span);
    w->on = s;
    if (!s)
        return;
    lens_trace_args args = {.used = 0};
    lens_trace_args_number(&args, "epoch", (double)s->batch.epoch + 1);
    lens_trace_args_number(&args, "batch", (double)s->batch.index + 1);
    w->span = lens_span_begin_on(w->trace, w->track, "prepare batch", args.text);
}

static void *run(void *user) {
    lens_loader *loader = user;
    worker w = {.trace = loader->opts.trace,
                .track = lens_trace_take_track(loader->opts.trace, "data")};
    pthread_mutex_lock(&loader->lock);
    while (!loader->stopping && loader->status == LENS_OK) {
        slot *s = find_work(loader);
        set_work(&w, s);
        if (s)
            work(loader, s);
        else if (is_at_end(loader))
            break;
        else
            pthread_cond_wait(&loader->changed, &loader->lock);
    }
    pthread_mutex_unlock(&loader->lock);
    set_work(&w, NULL);
    lens_trace_give_back(w.trace, w.track);
    return NULL;
}

/* ---- life ----------------------------------------------------------------------------------- */

static lens_status allocate(lens_loader *loader) {
    size_t batch = loader->opts.batch, bytes;
    if (!lens_size_mul(&bytes, batch, loader->image_size) ||
        !lens_size_mul(&bytes, bytes, sizeof(float)))
        return lens_fail_memory("loader", SIZE_MAX);
    bool whole = (loader->order = malloc(loader->dataset->shape.n * sizeof *loader->order)) != NULL;
    for (int i = 0; i < SLOTS; i++) {
        slot *s = &loader->slots[i];
        s->images = malloc(bytes);
        s->labels = malloc(batch * sizeof *s->labels);
        s->order = malloc(batch * sizeof *s->order);
        s->missing = malloc(batch * sizeof *s->missing);
        whole = whole && s->images && s->labels && s->order && s->missing;
    }
    return whole ? LENS_OK : lens_fail_memory("loader", SLOTS * bytes);
}

static lens_status start_threads(lens_loader *loader) {
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    size_t count =
        loader->opts.threads ? loader->opts.threads : (size_t)(processors > 0 ? processors : 1);
    count = lens_size_min(count, MOST_THREADS);
    while (loader->thread_count < count &&
           pthread_create(&loader->threads[loader->thread_count], NULL, run, loader) == 0)
        loader->thread_count++;
    return loader->thread_count
               ? LENS_OK
               : lens_fail(LENS_OUT_OF_MEMORY, "loader: the system gives no more threads");
}

/* Of an epoch: images, or views of them. */
static size_t items(const lens_dataset *dataset, const lens_loader_opts *opts) {
    return dataset->shape.n * (opts->ten_crop ? TEN : 1);
}

static lens_status check(const lens_dataset *dataset, const lens_loader_opts *opts) {
    if (opts->batch == 0)
        return lens_fail(LENS_BAD_ARGUMENT, "loader: a batch of 0 images");
    size_t batches = lens_size_div_up(items(dataset, opts), opts->batch);
    if (opts->first > batches)
        return lens_fail(LENS_BAD_ARGUMENT, "loader: batch %zu of an epoch of %zu", opts->first,
                         batches);
    LENS_TRY(lens_preprocess_check(&opts->preprocess));
    lens_shape shape = lens_loader_shape(dataset, &opts->preprocess, opts->input);
    LENS_TRY(lens_shape_count(shape, NULL));
    LENS_TRY(lens_augment_check(&opts->augment, &opts->preprocess, shape));
    if (opts->ten_crop && opts->preprocess.side <= lens_size_min(shape.h, shape.w))
        return lens_fail(LENS_BAD_ARGUMENT,
                         "loader: ten crops need a preprocess.side larger than the input's %zu",
                         lens_size_min(shape.h, shape.w));
    if (dataset->files && shape.c != 1 && shape.c != 3)
        return lens_fail(LENS_BAD_SHAPE, "pictures become 1 or 3 channels, not %zu", shape.c);
    return LENS_OK;
}

lens_status lens_loader_new(lens_loader **out, const lens_dataset *dataset,
                            const lens_loader_opts *opts) {
    assert(out && dataset && opts);
    *out = NULL;
    LENS_TRY(check(dataset, opts));
    lens_loader *loader = calloc(1, sizeof *loader);
    if (!loader)
        return lens_fail_memory("loader", sizeof *loader);
    loader->dataset = dataset;
    loader->opts = *opts;
    loader->views = opts->ten_crop ? TEN : 1;
    loader->opts.batch = lens_size_min(opts->batch, items(dataset, opts));
    loader->shape = lens_loader_shape(dataset, &opts->preprocess, opts->input);
    loader->image_size = loader->shape.c * loader->shape.h * loader->shape.w;
    loader->batches = lens_size_div_up(items(dataset, opts), opts->batch);
    loader->next_epoch = opts->epoch;
    loader->next_index = opts->first;
    pthread_mutex_init(&loader->lock, NULL);
    pthread_cond_init(&loader->changed, NULL);
    lens_status status = allocate(loader);
    if (status == LENS_OK)
        status = start_threads(loader);
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
    pthread_mutex_lock(&loader->lock);
    loader->stopping = true;
    pthread_cond_broadcast(&loader->changed);
    pthread_mutex_unlock(&loader->lock);
    for (size_t i = 0; i < loader->thread_count; i++)
        pthread_join(loader->threads[i], NULL);
    for (int i = 0; i < SLOTS; i++) {
        free(loader->slots[i].images);
        free(loader->slots[i].labels);
        free(loader->slots[i].order);
        free(loader->slots[i].missing);
    }
    free(loader->order);
    pthread_cond_destroy(&loader->changed);
    pthread_mutex_destroy(&loader->lock);
    free(loader);
}

/* ---- the caller ----------------------------------------------------------------------------- */

/* Close the gaps that images have left which could not be read. */
static void leave_out(const lens_loader *loader, slot *s) {
    size_t kept = 0;
    for (size_t i = 0; i < s->batch.count; i++) {
        if (s->missing[i])
            continue;
        if (kept < i) {
            memcpy(s->images + kept * loader->image_size, s->images + i * loader->image_size,
                   loader->image_size * sizeof *s->images);
            s->labels[kept] = s->labels[i];
            s->order[kept] = s->order[i];
        }
        kept++;
    }
    s->batch.count = kept;
}

/* Whether the next batch is whole; or there will be none. */
static bool is_ready(const lens_loader *loader, bool *ended) {
    const slot *s = &loader->slots[loader->given % SLOTS];
    *ended = loader->status != LENS_OK || (loader->given == loader->opened && is_at_end(loader));
    return !*ended && loader->given < loader->opened && s->done == s->batch.count;
}

bool lens_loader_next(lens_loader *loader, lens_batch *batch) {
    pthread_mutex_lock(&loader->lock);
    loader->holding = false;
    pthread_cond_broadcast(&loader->changed);
    double start = now();
    lens_span span = lens_span_begin(loader->opts.trace, "wait for data");
    bool ended, found;
    while (!(found = is_ready(loader, &ended)) && !ended)
        pthread_cond_wait(&loader->changed, &loader->lock);
    lens_span_end(&span);
    loader->waited += now() - start;
    if (found) {
        slot *s = &loader->slots[loader->given++ % SLOTS];
        leave_out(loader, s);
        *batch = s->batch;
        loader->holding = true;
    }
    pthread_mutex_unlock(&loader->lock);
    return found;
}

lens_status lens_loader_status(const lens_loader *loader) {
    return loader->status == LENS_OK ? LENS_OK : lens_fail(loader->status, "%s", loader->message);
}

double lens_loader_waited(const lens_loader *loader) {
    return loader->waited;
}
