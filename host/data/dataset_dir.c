/* dataset_dir.c: the train or test part of a directory, told by the names of what is in it. */
#include "data/dataset.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* LeCun's names, and those that unpacking and other packages make of them. */
static const char *const image_names[] = {"%s-images-idx3-ubyte", "%s-images.idx3-ubyte",
                                          "%s-images-idx4-ubyte", "%s-images.idx4-ubyte",
                                          "%s-images-idx4-float", NULL};
static const char *const label_names[] = {"%s-labels-idx1-ubyte", "%s-labels.idx1-ubyte",
                                          "%s-labels-idx2-int", NULL};
static const char *const parts[][3] = {
    [LENS_SPLIT_TRAIN] = {"train", NULL}, [LENS_SPLIT_TEST] = {"t10k", "test", NULL}};

static bool exists(const char *path) {
    struct stat info;
    return stat(path, &info) == 0;
}

static bool find(char path[4096], const char *directory, const char *const *names,
                 lens_split split) {
    for (const char *const *part = parts[split]; *part; part++)
        for (const char *const *name = names; *name; name++) {
            char file[64];
            snprintf(file, sizeof file, *name, *part);
            for (int packed = 0; packed < 2; packed++) {
                snprintf(path, 4096, "%s/%s%s", directory, file, packed ? ".gz" : "");
                if (exists(path))
                    return true;
            }
        }
    return false;
}

static lens_status find_or_fail(char path[4096], const char *directory, const char *const *names,
                                lens_split split) {
    if (find(path, directory, names, split))
        return LENS_OK;
    char first[64];
    snprintf(first, sizeof first, names[0], parts[split][0]);
    return lens_fail(
        LENS_BAD_FILE, "%s: has no file %s, with or without .gz (also with a dot before idx%s)",
        directory, first, split == LENS_SPLIT_TEST ? ", or \"test\" for \"t10k\"" : "");
}

/* ---- names of the classes ------------------------------------------------------------------ */

static const char *const fashion[] = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
                                      "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};

bool dataset_read_names(lens_dataset *dataset, const char *path) {
    FILE *file = fopen(path, "r");
    if (!file)
        return false;
    char **names = calloc(dataset->classes, sizeof *names), line[256];
    size_t count = 0;
    while (names && count < dataset->classes && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\r\n")] = 0;
        names[count] = strdup(line);
        if (!names[count])
            break;
        count++;
    }
    fclose(file);
    if (names && count == dataset->classes) {
        dataset->class_names = names;
        return true;
    }
    for (size_t i = 0; i < count; i++)
        free(names[i]);
    free(names);
    return true;
}

static void copy_names(lens_dataset *dataset, const char *const *names) {
    dataset->class_names = calloc(dataset->classes, sizeof *dataset->class_names);
    for (size_t i = 0; dataset->class_names && i < dataset->classes; i++)
        dataset->class_names[i] = strdup(names[i]);
}

static void name_classes(lens_dataset *dataset, const char *directory) {
    char path[4096];
    snprintf(path, sizeof path, "%s/labels.txt", directory);
    if (!dataset_read_names(dataset, path) && strstr(directory, "fashion") &&
        dataset->classes == 10)
        copy_names(dataset, fashion);
}

static lens_status read_idx(lens_dataset **out, const char *directory, lens_split split) {
    char images[4096], labels[4096];
    LENS_TRY(find_or_fail(images, directory, image_names, split));
    LENS_TRY(find_or_fail(labels, directory, label_names, split));
    LENS_TRY(lens_dataset_read_idx(out, images, labels));
    name_classes(*out, directory);
    return LENS_OK;
}

lens_status lens_dataset_read_dir(lens_dataset **out, const char *directory, lens_split split) {
    assert(out && directory);
    *out = NULL;
    if (!exists(directory))
        return lens_fail(LENS_BAD_FILE, "%s: %s", directory, strerror(errno));
    char path[4096];
    bool has_idx = find(path, directory, image_names, LENS_SPLIT_TRAIN) ||
                   find(path, directory, image_names, LENS_SPLIT_TEST);
    if (!has_idx && cifar_is_in(directory))
        return lens_dataset_read_cifar(out, directory, split);
    if (!has_idx && folders_are_in(directory))
        return lens_dataset_read_folders(out, directory, split);
    return read_idx(out, directory, split);
}
