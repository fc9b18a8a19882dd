/* dataset.c: data sets in memory. */
#include "data/dataset.h"
#include "core/size.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- labels -------------------------------------------------------------------------------- */

static double idx_value(const lens_idx *idx, size_t i) {
    switch (idx->type) {
    case 0x08:
        return ((const uint8_t *)idx->values)[i];
    case 0x09:
        return ((const int8_t *)idx->values)[i];
    case 0x0b:
        return ((const int16_t *)idx->values)[i];
    case 0x0c:
        return ((const int32_t *)idx->values)[i];
    case 0x0d:
        return (double)((const float *)idx->values)[i];
    }
    return ((const double *)idx->values)[i];
}

/* One label an image: an array of them, or QMNIST's rows of 8 of which the first is the class. */
static lens_status read_labels(lens_dataset *dataset, const lens_idx *idx, const char *path) {
    size_t step = idx->rank == 2 ? idx->dims[1] : 1, count = idx->dims[0];
    if (idx->rank > 2 || (idx->rank == 2 && step != 8))
        return lens_fail(LENS_BAD_FILE, "%s: labels must be a list, or QMNIST's rows of 8", path);
    if (count != dataset->shape.n)
        return lens_fail(LENS_BAD_FILE, "%s: %zu labels for %zu images", path, count,
                         dataset->shape.n);
    dataset->labels = malloc(count * sizeof *dataset->labels);
    if (!dataset->labels)
        return lens_fail_memory(path, count * sizeof *dataset->labels);
    for (size_t i = 0; i < count; i++) {
        double label = idx_value(idx, i * step);
        if (!(label >= 0 && label <= DATASET_MAX_LABEL) || label != (int32_t)label)
            return lens_fail(LENS_BAD_FILE,
                             "%s: label %g of image %zu; labels are whole numbers from 0 to %d",
                             path, label, i, DATASET_MAX_LABEL);
        dataset->labels[i] = (int32_t)label;
        dataset->classes = lens_size_max(dataset->classes, (size_t)label + 1);
    }
    return LENS_OK;
}

/* ---- images -------------------------------------------------------------------------------- */

/* Takes the values over from `idx` where they are bytes; other types become floats. */
static lens_status read_images(lens_dataset *dataset, lens_idx *idx, const char *path) {
    const size_t *d = idx->dims;
    if (idx->rank != 3 && idx->rank != 4)
        return lens_fail(LENS_BAD_FILE,
                         "%s: has rank %zu; images have rank 3 (n, h, w) or 4 (n, c, h, w)", path,
                         idx->rank);
    dataset->shape =
        idx->rank == 3 ? (lens_shape){d[0], 1, d[1], d[2]} : (lens_shape){d[0], d[1], d[2], d[3]};
    if (idx->type == 0x08) {
        dataset->bytes = idx->values;
        idx->values = NULL;
        return LENS_OK;
    }
    dataset->floats = malloc(idx->count * sizeof *dataset->floats);
    if (!dataset->floats)
        return lens_fail_memory(path, idx->count * sizeof *dataset->floats);
    for (size_t i = 0; i < idx->count; i++)
        dataset->floats[i] = (float)idx_value(idx, i);
    return LENS_OK;
}

lens_status lens_dataset_read_idx(lens_dataset **out, const char *images_path,
                                  const char *labels_path) {
    assert(out && images_path && labels_path);
    *out = NULL;
    lens_dataset *dataset = calloc(1, sizeof *dataset);
    if (!dataset)
        return lens_fail_memory("data set", sizeof *dataset);
    lens_idx images = {.values = NULL}, labels = {.values = NULL};
    lens_status status = lens_idx_read(&images, images_path);
    if (status == LENS_OK)
        status = read_images(dataset, &images, images_path);
    if (status == LENS_OK)
        status = lens_idx_read(&labels, labels_path);
    if (status == LENS_OK)
        status = read_labels(dataset, &labels, labels_path);
    lens_idx_free(&images);
    lens_idx_free(&labels);
    if (status != LENS_OK) {
        lens_dataset_free(dataset);
        return status;
    }
    *out = dataset;
    return LENS_OK;
}

lens_status lens_dataset_from_memory(lens_dataset **out, lens_shape shape, const float *images,
                                     const int32_t *labels) {
    assert(out && images);
    *out = NULL;
    size_t count;
    LENS_TRY(lens_shape_count(shape, &count));
    for (size_t i = 0; labels && i < shape.n; i++)
        if (labels[i] < 0 || labels[i] > DATASET_MAX_LABEL)
            return lens_fail(LENS_BAD_ARGUMENT,
                             "data set: label %d of image %zu; 0 to %d are known", labels[i], i,
                             DATASET_MAX_LABEL);
    lens_dataset *dataset = calloc(1, sizeof *dataset);
    if (!dataset)
        return lens_fail_memory("data set", sizeof *dataset);
    dataset->shape = shape;
    dataset->classes = 1;
    dataset->floats = malloc(count * sizeof *dataset->floats);
    dataset->labels = calloc(shape.n, sizeof *dataset->labels);
    if (!dataset->floats || !dataset->labels) {
        lens_dataset_free(dataset);
        return lens_fail_memory("data set", count * sizeof *dataset->floats);
    }
    memcpy(dataset->floats, images, count * sizeof *images);
    for (size_t i = 0; labels && i < shape.n; i++) {
        dataset->labels[i] = labels[i];
        dataset->classes = lens_size_max(dataset->classes, (size_t)labels[i] + 1);
    }
    *out = dataset;
    return LENS_OK;
}

void lens_dataset_free(lens_dataset *dataset) {
    if (!dataset)
        return;
    if (!dataset->borrows) {
        folder_free(dataset);
        free(dataset->files);
        for (size_t i = 0; dataset->class_names && i < dataset->classes; i++)
            free(dataset->class_names[i]);
        free(dataset->class_names);
        free(dataset->bytes);
        free(dataset->floats);
        free(dataset->labels);
    }
    free(dataset);
}

/* ---- what is in it ------------------------------------------------------------------------- */

lens_shape lens_dataset_shape(const lens_dataset *dataset) {
    return dataset->shape;
}

size_t lens_dataset_classes(const lens_dataset *dataset) {
    return dataset->classes;
}

int32_t lens_dataset_label(const lens_dataset *dataset, size_t image) {
    assert(image < dataset->shape.n);
    return dataset->labels[image];
}

const char *lens_dataset_class_name(const lens_dataset *dataset, size_t label) {
    return dataset->class_names && label < dataset->classes ? dataset->class_names[label] : NULL;
}

void lens_dataset_image(const lens_dataset *dataset, size_t image, float scale, float *values) {
    assert(image < dataset->shape.n && !dataset->files);
    size_t count = dataset->shape.c * dataset->shape.h * dataset->shape.w;
    if (dataset->bytes)
        for (size_t i = 0; i < count; i++)
            values[i] = (float)dataset->bytes[image * count + i] * scale;
    else
        for (size_t i = 0; i < count; i++)
            values[i] = dataset->floats[image * count + i] * scale;
}

lens_status lens_dataset_slice(lens_dataset **out, const lens_dataset *base, size_t first,
                               size_t count) {
    assert(out && base);
    *out = NULL;
    if (count == 0 || first > base->shape.n || count > base->shape.n - first)
        return lens_fail(LENS_BAD_ARGUMENT, "data set: images %zu to %zu of %zu", first,
                         first + count, base->shape.n);
    lens_dataset *slice = malloc(sizeof *slice);
    if (!slice)
        return lens_fail_memory("data set", sizeof *slice);
    *slice = *base;
    slice->borrows = true;
    slice->shape.n = count;
    size_t skipped = first * base->shape.c * base->shape.h * base->shape.w;
    slice->labels += first;
    if (slice->files)
        slice->files += first;
    if (slice->bytes)
        slice->bytes += skipped;
    if (slice->floats)
        slice->floats += skipped;
    *out = slice;
    return LENS_OK;
}
