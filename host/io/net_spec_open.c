/* net_spec_open.c: what MODEL means: a name of the zoo, Keras JSON, or a checkpoint. */
#include "core/error.h"
#include "lenslet/io.h"

#include <assert.h>
#include <string.h>

static bool ends_with(const char *text, const char *end) {
    size_t size = strlen(text), end_size = strlen(end);
    return size > end_size && strcmp(text + size - end_size, end) == 0;
}

static lens_status from_checkpoint(lens_net_spec **out, const char *path) {
    lens_safetensors *file;
    LENS_TRY(lens_safetensors_read(&file, path));
    const char *architecture = lens_safetensors_metadata(file, "architecture");
    lens_status status =
        architecture ? lens_keras_parse(out, architecture, path)
                     : lens_fail(LENS_BAD_FILE,
                                 "%s: has no architecture in its metadata; name the model, and the "
                                 "file as its weights",
                                 path);
    lens_safetensors_free(file);
    return status;
}

lens_status lens_net_spec_open(lens_net_spec **out, const char *model) {
    assert(out && model);
    *out = NULL;
    if (ends_with(model, ".json"))
        return lens_keras_read(out, model);
    if (ends_with(model, ".safetensors"))
        return from_checkpoint(out, model);
    return lens_model_spec(out, model);
}
