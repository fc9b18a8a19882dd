/* class_names.c: the names of the classes, as they lie in checkpoints: a JSON array of strings. */
#include "core/error.h"
#include "lenslet/io.h"
#include "train/recipe.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

lens_status lens_class_names_print(char **text, const lens_dataset *dataset) {
    assert(text && dataset);
    *text = NULL;
    if (!lens_dataset_class_name(dataset, 0))
        return LENS_OK;
    json_t *names = json_array();
    bool whole = names != NULL;
    for (size_t i = 0; i < lens_dataset_classes(dataset); i++) {
        json_t *name = json_string(lens_dataset_class_name(dataset, i));
        if (!name) /* a folder's name need not be UTF-8 */
            name = json_null();
        whole = whole && json_array_append_new(names, name) == 0;
    }
    *text = whole ? json_dumps(names, JSON_COMPACT) : NULL;
    json_decref(names);
    return *text ? LENS_OK : lens_fail_memory("class names", lens_dataset_classes(dataset));
}

static lens_status parse(char ***names, size_t *count, const char *text, const char *path) {
    json_t *root = json_loads(text, 0, NULL);
    lens_status status = LENS_OK;
    if (!json_is_array(root))
        status = lens_fail(LENS_BAD_FILE, "%s: \"classes\" must be an array of names", path);
    size_t size = json_array_size(root);
    char **list = status == LENS_OK && size ? calloc(size, sizeof *list) : NULL;
    if (status == LENS_OK && size && !list)
        status = lens_fail_memory("class names", size * sizeof *list);
    for (size_t i = 0; list && i < size; i++) {
        const char *name = json_string_value(json_array_get(root, i));
        list[i] = name ? strdup(name) : NULL;
    }
    json_decref(root);
    *names = list;
    *count = list ? size : 0;
    return status;
}

lens_status lens_class_names_open(char ***names, size_t *count, const char *path) {
    assert(names && count && path);
    *names = NULL, *count = 0;
    lens_safetensors *file;
    LENS_TRY(lens_safetensors_read(&file, path));
    const char *text = lens_safetensors_metadata(file, "classes");
    lens_status status = text ? parse(names, count, text, path) : LENS_OK;
    lens_safetensors_free(file);
    return status;
}

void lens_class_names_free(char **names, size_t count) {
    for (size_t i = 0; names && i < count; i++)
        free(names[i]);
    free(names);
}
