/* folder.c: image folders: which files there are, and their pictures once they are decoded. */
#include "core/size.h"
#include "data/dataset.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define KEEP_BYTES ((size_t)1 << 30)

struct picture_store {
    pthread_mutex_t lock; /* of everything below and in the files */
    size_t room;          /* bytes that may still be kept */
    size_t broken;
};

/* ---- names ---------------------------------------------------------------------------------- */

typedef struct name_list {
    char **names;
    size_t count, capacity;
} name_list;

static void names_free(name_list *list) {
    for (size_t i = 0; i < list->count; i++)
        free(list->names[i]);
    free(list->names);
    *list = (name_list){0};
}

static lens_status names_add(name_list *list, const char *name) {
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 64;
        char **names = realloc(list->names, capacity * sizeof *names);
        if (!names)
            return lens_fail_memory("file names", capacity * sizeof *names);
        list->names = names;
        list->capacity = capacity;
    }
    char *copy = strdup(name);
    if (!copy)
        return lens_fail_memory("file names", strlen(name) + 1);
    list->names[list->count++] = copy;
    return LENS_OK;
}

static int compare_names(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* In byte order, each once. */
static void names_sort(name_list *list) {
    if (list->count == 0)
        return;
    qsort(list->names, list->count, sizeof *list->names, compare_names);
    size_t kept = 1;
    for (size_t i = 1; i < list->count; i++) {
        if (strcmp(list->names[i], list->names[kept - 1]) == 0)
            free(list->names[i]);
        else
            list->names[kept++] = list->names[i];
    }
    list->count = kept;
}

static char *join(const char *folder, const char *name) {
    size_t size = strlen(folder) + strlen(name) + 2;
    char *path = malloc(size);
    if (path)
        snprintf(path, size, "%s/%s", folder, name);
    return path;
}

static lens_status list_entry(name_list *list, const char *folder, const char *name, bool folders) {
    char *path = join(folder, name);
    if (!path)
        return lens_fail_memory("file names", strlen(folder) + strlen(name) + 2);
    struct stat info;
    lens_status status = LENS_OK;
    if (stat(path, &info) != 0)
        lens_log(LENS_LOG_WARNING, "%s: %s; left out", path, strerror(errno));
    else if (folders ? S_ISDIR(info.st_mode) : S_ISREG(info.st_mode))
        status = names_add(list, name);
    else if (!folders)
        lens_log(LENS_LOG_WARNING, "%s: is no regular file; left out", path);
    free(path);
    return status;
}

/* Add the folders, or the regular files, in `folder` whose names do not begin with a dot. */
static lens_status list_folder(name_list *list, const char *folder, bool folders) {
    DIR *stream = opendir(folder);
    if (!stream)
        return lens_fail(LENS_BAD_FILE, "%s: %s", folder, strerror(errno));
    lens_status status = LENS_OK;
    for (struct dirent *entry; status == LENS_OK && (errno = 0, entry = readdir(stream));)
        if (entry->d_name[0] != '.')
            status = list_entry(list, folder, entry->d_name, folders);
    if (status == LENS_OK && errno)
        status = lens_fail(LENS_BAD_FILE, "%s: %s", folder, strerror(errno));
    closedir(stream);
    return status;
}

/* ---- parts ---------------------------------------------------------------------------------- */

static const char *const part_names[][4] = {
    [LENS_SPLIT_TRAIN] = {"train", NULL},
    [LENS_SPLIT_TEST] = {"test", "validation", "val", NULL},
};

static bool is_folder(const char *path) {
    struct stat info;
    return path && stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* DIR/train, or whichever of the others is there; NULL: none. The caller frees it. */
static char *find_part(const char *directory, lens_split split) {
    for (const char *const *name = part_names[split]; *name; name++) {
        char *path = join(directory, *name);
        if (is_folder(path))
            return path;
        free(path);
    }
    return NULL;
}

bool folders_are_in(const char *directory) {
    char *train = find_part(directory, LENS_SPLIT_TRAIN);
    char *test = find_part(directory, LENS_SPLIT_TEST);
    bool found = train || test;
    free(train);
    free(test);
    return found;
}

/* The classes of both parts, so that a class has the same number in each. */
static lens_status list_classes(name_list *classes, const char *directory) {
    for (int split = LENS_SPLIT_TRAIN; split <= LENS_SPLIT_TEST; split++) {
        char *part = find_part(directory, (lens_split)split);
        lens_status status = part ? list_folder(classes, part, true) : LENS_OK;
        free(part);
        LENS_TRY(status);
    }
    names_sort(classes);
    if (classes->count == 0)
        return lens_fail(LENS_BAD_FILE, "%s: its image folders hold no folder of a class",
                         directory);
    if (classes->count == 1)
        return lens_fail(LENS_BAD_FILE, "%s: one class only, %s; there must be at least two",
                         directory, classes->names[0]);
    if (classes->count > DATASET_MAX_LABEL + 1)
        return lens_fail(LENS_BAD_FILE, "%s: %zu classes; at most %d are known", directory,
                         classes->count, DATASET_MAX_LABEL + 1);
    return LENS_OK;
}

/* ---- order ---------------------------------------------------------------------------------- */

/* One file and its place among the `of` files of its class. */
typedef struct found {
    char *path;
    size_t label, place, of;
} found;

typedef struct found_list {
    found *items;
    size_t count;
} found_list;

static void found_free(found_list *list) {
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i].path);
    free(list->items);
}

/* By (place + 1/2) / of: the classes take turns. */
static int compare_turns(const void *left, const void *right) {
    const found *a = left, *b = right;
    size_t ours = (2 * a->place + 1) * b->of, theirs = (2 * b->place + 1) * a->of;
    if (ours != theirs)
        return ours < theirs ? -1 : 1;
    return a->label < b->label ? -1 : a->label > b->label;
}

static lens_status add_files(found_list *list, const char *folder, size_t label,
                             const name_list *names) {
    if (names->count == 0)
        return LENS_OK;
    found *items = realloc(list->items, (list->count + names->count) * sizeof *items);
    if (!items)
        return lens_fail_memory(folder, names->count * sizeof *items);
    list->items = items;
    for (size_t i = 0; i < names->count; i++) {
        char *path = join(folder, names->names[i]);
        if (!path)
            return lens_fail_memory(folder, names->count);
        items[list->count++] = (found){path, label, i, names->count};
    }
    return LENS_OK;
}

static lens_status find_class(found_list *list, const char *part, const char *class_name,
                              size_t label) {
    char *folder = join(part, class_name);
    name_list names = {0};
    lens_status status = folder ? LENS_OK : lens_fail_memory(part, strlen(class_name));
    if (status == LENS_OK && !is_folder(folder))
        lens_log(LENS_LOG_WARNING, "%s: has no folder of class %s", part, class_name);
    else if (status == LENS_OK)
        status = list_folder(&names, folder, false);
    names_sort(&names);
    if (status == LENS_OK)
        status = add_files(list, folder, label, &names);
    names_free(&names);
    free(folder);
    return status;
}

static lens_status find_files(found_list *list, const char *part, const name_list *classes) {
    for (size_t label = 0; label < classes->count; label++)
        LENS_TRY(find_class(list, part, classes->names[label], label));
    if (list->count == 0)
        return lens_fail(LENS_BAD_FILE, "%s: holds no picture", part);
    if (list->count > INT32_MAX)
        return lens_fail(LENS_BAD_FILE, "%s: more than 2^31 - 1 pictures", part);
    qsort(list->items, list->count, sizeof *list->items, compare_turns);
    return LENS_OK;
}

/* ---- the data set --------------------------------------------------------------------------- */

/* Takes the paths and the names over. */
static lens_status fill(lens_dataset *dataset, found_list *list, name_list *classes) {
    dataset->shape = (lens_shape){list->count, 3, 0, 0};
    dataset->files = calloc(list->count, sizeof *dataset->files);
    dataset->labels = malloc(list->count * sizeof *dataset->labels);
    dataset->store = calloc(1, sizeof *dataset->store);
    if (!dataset->files || !dataset->labels || !dataset->store)
        return lens_fail_memory("data set", list->count * sizeof *dataset->files);
    pthread_mutex_init(&dataset->store->lock, NULL);
    dataset->store->room = KEEP_BYTES;
    for (size_t i = 0; i < list->count; i++) {
        dataset->files[i].path = list->items[i].path;
        dataset->labels[i] = (int32_t)list->items[i].label;
    }
    list->count = 0;
    dataset->classes = classes->count;
    dataset->class_names = classes->names;
    *classes = (name_list){0};
    return LENS_OK;
}

static lens_status no_part(const char *directory, lens_split split) {
    if (!is_folder(directory))
        return lens_fail(LENS_BAD_FILE, "%s: %s", directory, errno ? strerror(errno) : "no folder");
    return lens_fail(LENS_BAD_FILE, "%s: has no folder %s", directory,
                     split == LENS_SPLIT_TRAIN ? "train" : "test, validation or val");
}

lens_status lens_dataset_read_folders(lens_dataset **out, const char *directory, lens_split split) {
    assert(out && directory);
    *out = NULL;
    char *part = find_part(directory, split);
    if (!part)
        return no_part(directory, split);
    lens_dataset *dataset = calloc(1, sizeof *dataset);
    name_list classes = {0};
    found_list list = {0};
    lens_status status = dataset ? LENS_OK : lens_fail_memory("data set", sizeof *dataset);
    if (status == LENS_OK)
        status = list_classes(&classes, directory);
    if (status == LENS_OK)
        status = find_files(&list, part, &classes);
    if (status == LENS_OK)
        status = fill(dataset, &list, &classes);
    found_free(&list);
    names_free(&classes);
    free(part);
    if (status != LENS_OK) {
        lens_dataset_free(dataset);
        return status;
    }
    *out = dataset;
    return LENS_OK;
}

void folder_free(lens_dataset *dataset) {
    if (!dataset->store)
        return;
    for (size_t i = 0; i < dataset->shape.n; i++) {
        free(dataset->files[i].path);
        lens_picture_free(&dataset->files[i].kept);
    }
    pthread_mutex_destroy(&dataset->store->lock);
    free(dataset->store);
}

/* ---- pictures ------------------------------------------------------------------------------- */

/* A kept picture serves who wants it as large as the first one did: whether it would be reduced
 * otherwise is not known. */
static bool find_kept(lens_picture *out, const lens_dataset *dataset, size_t image, size_t least_h,
                      size_t least_w) {
    const picture_file *file = &dataset->files[image];
    pthread_mutex_lock(&dataset->store->lock);
    bool is_there = file->kept.pixels && file->least_h == least_h && file->least_w == least_w;
    if (is_there)
        *out = file->kept;
    pthread_mutex_unlock(&dataset->store->lock);
    return is_there;
}

/* False when there is no room. */
static bool keep(const lens_dataset *dataset, size_t image, const lens_picture *picture,
                 size_t least_h, size_t least_w) {
    picture_file *file = &dataset->files[image];
    picture_store *store = dataset->store;
    size_t bytes = picture->h * picture->w * picture->c;
    pthread_mutex_lock(&store->lock);
    bool kept = !file->kept.pixels && bytes <= store->room;
    if (kept) {
        store->room -= bytes;
        file->kept = *picture;
        file->least_h = least_h;
        file->least_w = least_w;
    }
    pthread_mutex_unlock(&store->lock);
    return kept;
}

static void report_broken(const lens_dataset *dataset, size_t image) {
    picture_file *file = &dataset->files[image];
    pthread_mutex_lock(&dataset->store->lock);
    bool is_new = !file->broken;
    file->broken = true;
    dataset->store->broken += is_new;
    pthread_mutex_unlock(&dataset->store->lock);
    if (is_new)
        lens_log(LENS_LOG_WARNING, "%s; left out", lens_last_error());
}

lens_status folder_picture(lens_picture *out, bool *is_kept, const lens_dataset *dataset,
                           size_t image, size_t least_h, size_t least_w) {
    assert(dataset->store && image < dataset->shape.n);
    *is_kept = find_kept(out, dataset, image, least_h, least_w);
    if (*is_kept)
        return LENS_OK;
    lens_status status = lens_picture_read(out, dataset->files[image].path, least_h, least_w);
    if (status == LENS_OK)
        *is_kept = keep(dataset, image, out, least_h, least_w);
    else if (status != LENS_OUT_OF_MEMORY)
        report_broken(dataset, image);
    return status;
}

void folder_release(lens_picture *picture, bool is_kept) {
    if (!is_kept)
        lens_picture_free(picture);
}

size_t lens_dataset_broken(const lens_dataset *dataset) {
    if (!dataset->store)
        return 0;
    pthread_mutex_lock(&dataset->store->lock);
    size_t broken = dataset->store->broken;
    pthread_mutex_unlock(&dataset->store->lock);
    return broken;
}

lens_status lens_dataset_check(const lens_dataset *dataset) {
    assert(dataset);
    for (size_t i = 0; dataset->store && i < dataset->shape.n; i++) {
        lens_picture picture;
        LENS_TRY(lens_picture_read(&picture, dataset->files[i].path, 0, 0));
        lens_picture_free(&picture);
    }
    return LENS_OK;
}
