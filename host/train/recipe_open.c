/* recipe_open.c: the recipe that weights in a file were trained by. */
#include "core/error.h"
#include "lenslet/io.h"
#include "train/recipe.h"

#include <assert.h>

lens_status lens_recipe_open(lens_recipe *out, lens_net_spec *spec, const char *path) {
    assert(out && spec && path);
    lens_safetensors *file;
    LENS_TRY(lens_safetensors_read(&file, path));
    const char *text = lens_safetensors_metadata(file, "recipe");
    lens_status status =
        text ? lens_recipe_parse(out, text) : lens_recipe_for(out, spec, "default");
    if (status != LENS_OK)
        status = lens_fail_prefix(status, "%s: ", path);
    lens_safetensors_free(file);
    return status;
}
