/* cifar.c: the binary versions of CIFAR-10 and CIFAR-100.
 *
 * A record is one label byte (CIFAR-100: the coarse class, then the fine one) and 3072 bytes, the
 * red, green and blue planes of 32 x 32 pixels: https://www.cs.toronto.edu/~kriz/cifar.html.
 */
#include "core/read_file.h"
#include "data/dataset.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_LIMIT ((size_t)1 << 30)

enum { SIDE = 32, PIXELS = 3 * SIDE * SIDE, MOST_FILES = 6 };

typedef struct cifar {
    const char *folder; /* that the archive unpacks to */
    const char *python; /* that the Python version's unpacks to */
    const char *files[2][MOST_FILES];
    const char *names; /* of the classes */
    size_t label_bytes, limits[2];
} cifar;

static const cifar versions[] = {
    {"cifar-10-batches-bin",
     "cifar-10-batches-py",
     {[LENS_SPLIT_TRAIN] = {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                            "data_batch_4.bin", "data_batch_5.bin"},
      [LENS_SPLIT_TEST] = {"test_batch.bin"}},
     "batches.meta.txt",
     1,
     {10}},
    {"cifar-100-binary",
     "cifar-100-python",
     {[LENS_SPLIT_TRAIN] = {"train.bin"}, [LENS_SPLIT_TEST] = {"test.bin"}},
     "fine_label_names.txt",
     2,
     {20, 100}},
};

/* ---- where it is ---------------------------------------------------------------------------- */

static bool is_there(const char *folder, const char *name) {
    char path[4352];
    struct stat info;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return stat(path, &info) == 0;
}

/* The folder that holds this version: `directory`, or the archive's folder in it. */
static bool find_version(char folder[4096], const char *directory, const cifar *version) {
    for (int inside = 0; inside < 2; inside++) {
        snprintf(folder, 4096, inside ? "%s/%s" : "%s", directory, version->folder);
        if (is_there(folder, version->files[LENS_SPLIT_TRAIN][0]) ||
            is_there(folder, version->files[LENS_SPLIT_TEST][0]))
            return true;
    }
    return false;
}

static const cifar *find(char folder[4096], const char *directory) {
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++)
        if (find_version(folder, directory, &versions[i]))
            return &versions[i];
    return NULL;
}

/* Pickles, which only Python reads. */
static bool python_is_in(const char *directory) {
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++)
        if (is_there(directory, versions[i].python))
            return true;
    return is_there(directory, "data_batch_1") && is_there(directory, "batches.meta");
}

bool cifar_is_in(const char *directory) {
    char folder[4096];
    return find(folder, directory) || python_is_in(directory);
}

/* ---- records -------------------------------------------------------------------------------- */

static lens_status check_labels(const unsigned char *labels, size_t image, const cifar *version,
                                const char *path) {
    for (size_t i = 0; i < version->label_bytes; i++)
        if (labels[i] >= version->limits[i])
            return lens_fail(LENS_BAD_FILE, "%s: label %d of image %zu; there are %zu classes",
                             path, labels[i], image, version->limits[i]);
    return LENS_OK;
}

static lens_status grow(lens_dataset *dataset, size_t records, const char *path) {
    size_t n = dataset->shape.n + records;
    unsigned char *bytes = realloc(dataset->bytes, n * PIXELS);
    if (bytes)
        dataset->bytes = bytes;
    int32_t *labels = realloc(dataset->labels, n * sizeof *labels);
    if (labels)
        dataset->labels = labels;
    return bytes && labels ? LENS_OK : lens_fail_memory(path, n * PIXELS);
}

static lens_status add_records(lens_dataset *dataset, const unsigned char *bytes, size_t size,
                               const cifar *version, const char *path) {
    size_t record = version->label_bytes + PIXELS, records = size / record;
    if (records == 0 || size % record)
        return lens_fail(LENS_BAD_FILE, "%s: has %zu bytes; records have %zu each", path, size,
                         record);
    LENS_TRY(grow(dataset, records, path));
    for (size_t i = 0; i < records; i++, bytes += record) {
        LENS_TRY(check_labels(bytes, i, version, path));
        dataset->labels[dataset->shape.n] = bytes[version->label_bytes - 1];
        memcpy(dataset->bytes + dataset->shape.n * PIXELS, bytes + version->label_bytes, PIXELS);
        dataset->shape.n++;
    }
    return LENS_OK;
}

static lens_status add_file(lens_dataset *dataset, const char *path, const cifar *version) {
    unsigned char *bytes;
    size_t size;
    LENS_TRY(lens_read_file(&bytes, &size, path, FILE_LIMIT));
    lens_status status = add_records(dataset, bytes, size, version, path);
    free(bytes);
    return status;
}

static lens_status add_files(lens_dataset *dataset, const char *folder, const cifar *version,
                             lens_split split) {
    char path[4352];
    for (const char *const *name = version->files[split]; *name; name++) {
        snprintf(path, sizeof path, "%s/%s", folder, *name);
        LENS_TRY(add_file(dataset, path, version));
    }
    snprintf(path, sizeof path, "%s/%s", folder, version->names);
    dataset->classes = version->limits[version->label_bytes - 1];
    dataset_read_names(dataset, path);
    return LENS_OK;
}

lens_status lens_dataset_read_cifar(lens_dataset **out, const char *directory, lens_split split) {
    assert(out && directory);
    *out = NULL;
    char folder[4096];
    const cifar *version = find(folder, directory);
    if (!version)
        return lens_fail(LENS_BAD_FILE,
                         python_is_in(directory)
                             ? "%s: is CIFAR for Python; get its \"binary version\" instead"
                             : "%s: holds neither data_batch_1.bin (CIFAR-10) nor train.bin "
                               "(CIFAR-100)",
                         directory);
    lens_dataset *dataset = calloc(1, sizeof *dataset);
    if (!dataset)
        return lens_fail_memory("data set", sizeof *dataset);
    dataset->shape = (lens_shape){0, 3, SIDE, SIDE};
    lens_status status = add_files(dataset, folder, version, split);
    if (status != LENS_OK) {
        lens_dataset_free(dataset);
        return status;
    }
    *out = dataset;
    return LENS_OK;
}
