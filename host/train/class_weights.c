/* class_weights.c: how much the images of each class count in training. */
#include "train/class_weights.h"
#include "core/error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* images / (classes * images of the class); a class without images never asks for its weight. */
static void balance(float *weights, size_t classes, const lens_dataset *data) {
    size_t images = lens_dataset_shape(data).n;
    for (size_t i = 0; i < images; i++)
        weights[lens_dataset_label(data, i)]++;
    for (size_t c = 0; c < classes; c++)
        if (weights[c] > 0)
            weights[c] = (float)((double)images / ((double)classes * (double)weights[c]));
}

static lens_status parse(float *weights, size_t classes, const char *text) {
    size_t count = 0;
    for (const char *at = text; at; count++) {
        char *end;
        float weight = strtof(at, &end);
        if (end == at || (*end && *end != ',') || !isfinite(weight) || weight < 0)
            return lens_fail(
                LENS_BAD_ARGUMENT,
                "recipe: class weights: \"%.*s\" must be a number of at least 0, or all "
                "of it \"balanced\"",
                (int)strcspn(at, ","), at);
        if (count < classes)
            weights[count] = weight;
        at = *end ? end + 1 : NULL;
    }
    if (count != classes)
        return lens_fail(LENS_BAD_ARGUMENT,
                         "recipe: class weights: there are %zu, the data has %zu classes", count,
                         classes);
    return LENS_OK;
}

lens_status lens_class_weights_new(float **weights, const char *text, const lens_dataset *data) {
    *weights = NULL;
    if (!*text)
        return LENS_OK;
    size_t classes = lens_dataset_classes(data);
    float *values = calloc(classes, sizeof *values);
    if (!values)
        return lens_fail_memory("class weights", classes * sizeof *values);
    lens_status status = LENS_OK;
    if (strcmp(text, "balanced") == 0)
        balance(values, classes, data);
    else
        status = parse(values, classes, text);
    if (status != LENS_OK) {
        free(values);
        return status;
    }
    *weights = values;
    return LENS_OK;
}
