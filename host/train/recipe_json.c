/* recipe_json.c: a recipe as one line of JSON, so that a checkpoint says how it was made. */
#include "core/error.h"
#include "train/recipe.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static json_t *pack_preprocess(const lens_preprocess *p) {
    return json_pack("{sf s[fff] s[fff] sb ss sI}", "scale", (double)p->scale, "mean",
                     (double)p->mean[0], (double)p->mean[1], (double)p->mean[2], "std",
                     (double)p->std[0], (double)p->std[1], (double)p->std[2], "bgr", p->bgr, "fit",
                     lens_fit_name(p->fit), "side", (json_int_t)p->side);
}

lens_status lens_recipe_print(char **text, const lens_recipe *recipe) {
    assert(text && recipe);
    const lens_optimizer_opts *o = &recipe->optimizer;
    const lens_schedule *s = &recipe->schedule;
    char augment[LENS_AUGMENT_TEXT];
    json_t *root = json_pack(
        "{sI sI s{ss sf sf sf sf sf sf sf sf sf} s{ss sf sI sI} ss so ss sI sb sb sI sf ss ss ss}",
        "epochs", (json_int_t)recipe->epochs, "batch", (json_int_t)recipe->batch, "optimizer",
        "kind", lens_optimizer_name(o->kind), "rate", (double)o->rate, "momentum",
        (double)o->momentum, "rho", (double)o->rho, "beta1", (double)o->beta1, "beta2",
        (double)o->beta2, "epsilon", (double)o->epsilon, "l2", (double)o->l2, "weight_decay",
        (double)o->weight_decay, "clip_norm", (double)o->clip_norm, "schedule", "kind",
        lens_schedule_name(s->kind), "gamma", (double)s->gamma, "every", (json_int_t)s->every,
        "warmup", (json_int_t)s->warmup, "loss", lens_loss_name(recipe->loss), "preprocess",
        pack_preprocess(&recipe->preprocess), "augment",
        lens_augment_text(&recipe->augment, augment), "validation", (json_int_t)recipe->validation,
        "validation_first", recipe->validation_first, "keep_best", recipe->keep_best, "patience",
        (json_int_t)recipe->patience, "min_delta", (double)recipe->min_delta, "layer_rates",
        recipe->layer_rates, "layer_decays", recipe->layer_decays, "class_weights",
        recipe->class_weights);
    /* 17 digits bring a double back to the bit, and so the float in it */
    *text = root ? json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    json_decref(root);
    return *text ? LENS_OK : lens_fail_memory("recipe", 1024);
}

/* ---- reading -----------------------------------------------------------------------------------
 * A key that is not there leaves the default: files of older versions have fewer. Each getter says
 * what is wrong with one that is. */

static lens_status fail_field(const char *key, const char *rule) {
    return lens_fail(LENS_BAD_FILE, "recipe: \"%s\" must be %s", key, rule);
}

static lens_status get_size(size_t *out, const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    if (!value)
        return LENS_OK;
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return fail_field(key, "a whole number");
    *out = (size_t)json_integer_value(value);
    return LENS_OK;
}

static lens_status get_float(float *out, const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    if (!value)
        return LENS_OK;
    if (!json_is_number(value))
        return fail_field(key, "a number");
    *out = (float)json_number_value(value);
    return LENS_OK;
}

static lens_status get_bool(bool *out, const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    if (!value)
        return LENS_OK;
    if (!json_is_boolean(value))
        return fail_field(key, "true or false");
    *out = json_is_true(value);
    return LENS_OK;
}

/* The number below `count` that name_of() gives the object's word. */
static lens_status get_kind(int *out, const json_t *object, const char *key, int count,
                            const char *(*name_of)(int)) {
    const json_t *value = json_object_get(object, key);
    const char *word = json_string_value(value);
    if (!value)
        return LENS_OK;
    for (int i = 0; word && i < count; i++)
        if (strcmp(word, name_of(i)) == 0) {
            *out = i;
            return LENS_OK;
        }
    return fail_field(key, "one of its known words");
}

static const char *optimizer_name(int kind) {
    return lens_optimizer_name((lens_optimizer_kind)kind);
}

static const char *schedule_name(int kind) {
    return lens_schedule_name((lens_schedule_kind)kind);
}

static const char *loss_name(int kind) {
    return lens_loss_name((lens_loss_kind)kind);
}

static lens_status get_optimizer(lens_optimizer_opts *out, const json_t *object) {
    int kind = (int)out->kind;
    LENS_TRY(get_kind(&kind, object, "kind", LENS_ADAMW + 1, optimizer_name));
    out->kind = (lens_optimizer_kind)kind;
    LENS_TRY(get_float(&out->rate, object, "rate"));
    LENS_TRY(get_float(&out->momentum, object, "momentum"));
    LENS_TRY(get_float(&out->rho, object, "rho"));
    LENS_TRY(get_float(&out->beta1, object, "beta1"));
    LENS_TRY(get_float(&out->beta2, object, "beta2"));
    LENS_TRY(get_float(&out->epsilon, object, "epsilon"));
    LENS_TRY(get_float(&out->l2, object, "l2"));
    LENS_TRY(get_float(&out->weight_decay, object, "weight_decay"));
    return get_float(&out->clip_norm, object, "clip_norm");
}

static lens_status get_schedule(lens_schedule *out, const json_t *object) {
    int kind = (int)out->kind;
    LENS_TRY(get_kind(&kind, object, "kind", LENS_LECUN1998 + 1, schedule_name));
    out->kind = (lens_schedule_kind)kind;
    LENS_TRY(get_float(&out->gamma, object, "gamma"));
    LENS_TRY(get_size(&out->every, object, "every"));
    return get_size(&out->warmup, object, "warmup");
}

static lens_status get_scales(char out[LENS_SCALES_SIZE], const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    const char *text = json_string_value(value);
    if (!value)
        return LENS_OK;
    if (!text || strlen(text) >= LENS_SCALES_SIZE)
        return fail_field(key, "a list of layers and numbers");
    strcpy(out, text);
    return LENS_OK;
}

static const char *fit_name(int kind) {
    return lens_fit_name((lens_fit)kind);
}

/* One number a channel. */
static lens_status get_three(float out[3], const json_t *object, const char *key) {
    const json_t *array = json_object_get(object, key);
    if (!array)
        return LENS_OK;
    for (size_t c = 0; c < 3; c++) {
        const json_t *value = json_array_get(array, c);
        if (!json_is_number(value))
            return fail_field(key, "a list of three numbers");
        out[c] = (float)json_number_value(value);
    }
    return LENS_OK;
}

static lens_status get_preprocess(lens_preprocess *out, const json_t *object) {
    int fit = (int)out->fit;
    LENS_TRY(get_float(&out->scale, object, "scale"));
    LENS_TRY(get_three(out->mean, object, "mean"));
    LENS_TRY(get_three(out->std, object, "std"));
    LENS_TRY(get_bool(&out->bgr, object, "bgr"));
    LENS_TRY(get_kind(&fit, object, "fit", LENS_FIT_PAD + 1, fit_name));
    out->fit = (lens_fit)fit;
    return get_size(&out->side, object, "side");
}

static lens_status get_recipe(lens_recipe *out, const json_t *root) {
    int loss = (int)out->loss;
    LENS_TRY(get_size(&out->epochs, root, "epochs"));
    LENS_TRY(get_size(&out->batch, root, "batch"));
    LENS_TRY(get_optimizer(&out->optimizer, json_object_get(root, "optimizer")));
    LENS_TRY(get_schedule(&out->schedule, json_object_get(root, "schedule")));
    LENS_TRY(get_kind(&loss, root, "loss", LENS_MAP + 1, loss_name));
    out->loss = (lens_loss_kind)loss;
    LENS_TRY(get_preprocess(&out->preprocess, json_object_get(root, "preprocess")));
    const json_t *augment = json_object_get(root, "augment");
    if (augment && (!json_is_string(augment) ||
                    lens_augment_parse(&out->augment, json_string_value(augment)) != LENS_OK))
        return fail_field("augment", "a list of augmentations");
    LENS_TRY(get_size(&out->validation, root, "validation"));
    LENS_TRY(get_bool(&out->validation_first, root, "validation_first"));
    LENS_TRY(get_bool(&out->keep_best, root, "keep_best"));
    LENS_TRY(get_size(&out->patience, root, "patience"));
    LENS_TRY(get_float(&out->min_delta, root, "min_delta"));
    LENS_TRY(get_scales(out->layer_rates, root, "layer_rates"));
    LENS_TRY(get_scales(out->layer_decays, root, "layer_decays"));
    LENS_TRY(get_scales(out->class_weights, root, "class_weights"));
    return lens_recipe_check(out);
}

lens_status lens_recipe_parse(lens_recipe *out, const char *text) {
    assert(out && text);
    json_error_t error;
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(root)) {
        json_decref(root);
        return lens_fail(LENS_BAD_FILE, "recipe: it is no JSON object");
    }
    lens_recipe recipe = lens_recipe_defaults();
    lens_status status = get_recipe(&recipe, root);
    json_decref(root);
    if (status == LENS_OK)
        *out = recipe;
    return status;
}
