/* preferences.c: preferring an algorithm, for a context and, in a file, for those opened later. */
#include "preferences.h"
#include "backend.h"
#include "core/cache.h"
#include "core/error.h"
#include "io/atomic_file.h"

#include <assert.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct lens_tuning {
    lens_tuning *next;
    lens_tuning_key key;
    char algorithm[32];
};

/* ---- the list ------------------------------------------------------------------------------ */

bool lens_tuning_is_empty(const lens_context *context) {
    return context->tuning == NULL;
}

static lens_tuning **place_of(lens_tuning **list, const lens_tuning_key *key) {
    while (*list && strcmp((*list)->key.text, key->text) != 0)
        list = &(*list)->next;
    return list;
}

const char *lens_tuning_find(const lens_context *context, const lens_tuning_key *key) {
    lens_tuning *list = context->tuning, *found = *place_of(&list, key);
    return found ? found->algorithm : NULL;
}

static void forget(lens_context *context, const lens_tuning_key *key) {
    lens_tuning **place = place_of(&context->tuning, key), *found = *place;
    if (!found)
        return;
    *place = found->next;
    free(found);
}

static lens_status remember(lens_context *context, const lens_tuning_key *key, const char *name) {
    forget(context, key);
    lens_tuning *entry = calloc(1, sizeof *entry);
    if (!entry)
        return lens_fail_memory("tuning", sizeof *entry);
    entry->key = *key;
    snprintf(entry->algorithm, sizeof entry->algorithm, "%s", name);
    *place_of(&context->tuning, key) = entry; /* at the end */
    return LENS_OK;
}

void lens_tuning_clear(lens_context *context) {
    assert(context);
    while (context->tuning) {
        lens_tuning *next = context->tuning->next;
        free(context->tuning);
        context->tuning = next;
    }
}

/* ---- keys ---------------------------------------------------------------------------------- */

lens_tuning_key lens_tuning_key_conv2d(lens_pass pass, lens_shape x, lens_shape w,
                                       const lens_conv2d_opts *opts) {
    const lens_padding *p = &opts->padding;
    lens_tuning_key key;
    snprintf(key.text, sizeof key.text,
             "conv2d %s n%zuc%zuh%zuw%zu k%zur%zus%zu g%zu stride %zux%zu dilation %zux%zu "
             "padding %zu,%zu,%zu,%zu %d",
             lens_pass_name(pass), x.n, x.c, x.h, x.w, w.n, w.h, w.w, opts->groups, opts->stride_h,
             opts->stride_w, opts->dilation_h, opts->dilation_w, p->top, p->left, p->bottom,
             p->right, (int)p->mode);
    return key;
}

lens_tuning_key lens_tuning_key_dense(lens_pass pass, size_t n, lens_shape w) {
    lens_tuning_key key;
    snprintf(key.text, sizeof key.text, "dense %s n%zui%zu k%zu", lens_pass_name(pass), n, w.c,
             w.n);
    return key;
}

/* ---- the public side ------------------------------------------------------------------------ */

static lens_status has_choice(const char *operation, lens_pass pass) {
    if (pass != LENS_BACKWARD_BIAS)
        return LENS_OK;
    return lens_fail(LENS_BAD_ARGUMENT, "%s: there is no choice of algorithms for %s", operation,
                     lens_pass_name(pass));
}

lens_status lens_conv2d_algorithms(const char *names[LENS_ALGORITHMS_MOST], size_t *count,
                                   const lens_context *context, lens_pass pass, lens_shape x,
                                   lens_shape w, const lens_conv2d_opts *opts) {
    assert(names && count && context && opts);
    lens_shape y;
    LENS_TRY(has_choice("conv2d", pass));
    LENS_TRY(lens_conv2d_output_shape(&y, x, w, opts));
    *count = context->backend->conv2d_algorithms(names, context, pass, x, w, y, opts);
    return LENS_OK;
}

lens_status lens_dense_algorithms(const char *names[LENS_ALGORITHMS_MOST], size_t *count,
                                  const lens_context *context, lens_pass pass, lens_shape x,
                                  lens_shape w) {
    assert(names && count && context);
    lens_shape y;
    LENS_TRY(has_choice("dense", pass));
    LENS_TRY(lens_dense_output_shape(&y, x, w));
    *count = context->backend->dense_algorithms(names, context, pass, x, w);
    return LENS_OK;
}

static lens_status prefer(lens_context *context, const lens_tuning_key *key, const char *name,
                          const char *const *names, size_t count) {
    if (!name) {
        forget(context, key);
        return LENS_OK;
    }
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return remember(context, key, name);
    return lens_fail(LENS_BAD_ARGUMENT, "algorithm \"%.40s\" cannot do %s on %s", name, key->text,
                     context->device.name);
}

lens_status lens_conv2d_prefer(lens_context *context, lens_pass pass, lens_shape x, lens_shape w,
                               const lens_conv2d_opts *opts, const char *name) {
    const char *names[LENS_ALGORITHMS_MOST];
    size_t count;
    LENS_TRY(lens_conv2d_algorithms(names, &count, context, pass, x, w, opts));
    lens_tuning_key key = lens_tuning_key_conv2d(pass, x, w, opts);
    return prefer(context, &key, name, names, count);
}

lens_status lens_dense_prefer(lens_context *context, lens_pass pass, lens_shape x, lens_shape w,
                              const char *name) {
    const char *names[LENS_ALGORITHMS_MOST];
    size_t count;
    LENS_TRY(lens_dense_algorithms(names, &count, context, pass, x, w));
    lens_tuning_key key = lens_tuning_key_dense(pass, x.n, w);
    return prefer(context, &key, name, names, count);
}

/* ---- the file ------------------------------------------------------------------------------ */

#define SCHEMA_VERSION 1

/* What the preferences were measured on: another driver or version of ours is another file. */
static json_t *identity_of(const lens_device_info *device) {
    return json_pack("{s:i,s:s,s:s,s:s,s:s,s:s,s:s,s:i}", "schema_version", SCHEMA_VERSION,
                     "lenslet", lens_version(), "platform", device->platform, "device",
                     device->name, "vendor", device->vendor, "driver", device->driver, "opencl",
                     device->opencl_version, "compute_units", (int)device->compute_units);
}

static bool path_of(char path[LENS_TUNING_PATH_SIZE], const json_t *identity) {
    char folder[LENS_TUNING_PATH_SIZE - 64];
    char *text = json_dumps(identity, JSON_COMPACT | JSON_SORT_KEYS);
    bool found = text && lens_cache_folder(folder, sizeof folder);
    if (found)
        snprintf(path, LENS_TUNING_PATH_SIZE, "%s/tuning-%016llx.json", folder,
                 (unsigned long long)lens_hash_text(LENS_HASH_START, text));
    free(text);
    return found;
}

static int write_json(const char *bytes, size_t size, void *user) {
    atomic_file_write(user, bytes, size);
    return 0;
}

static lens_status write_file(const char *path, const json_t *document) {
    atomic_file *file = malloc(sizeof *file);
    if (!file)
        return lens_fail_memory(path, sizeof *file);
    lens_status status = atomic_file_open(file, path);
    if (status == LENS_OK) {
        json_dump_callback(document, write_json, file, JSON_INDENT(1));
        status = atomic_file_close(file);
    }
    free(file);
    return status;
}

static json_t *choices_of(const lens_context *context) {
    json_t *choices = json_object();
    for (const lens_tuning *t = context->tuning; t; t = t->next)
        json_object_set_new(choices, t->key.text, json_string(t->algorithm));
    return choices;
}

lens_status lens_tuning_save(const lens_context *context, char path[LENS_TUNING_PATH_SIZE]) {
    assert(context && path);
    json_t *document = identity_of(&context->device);
    if (!document || !path_of(path, document)) {
        json_decref(document);
        return lens_fail(LENS_IO, "tuning: there is no folder for it: neither XDG_CACHE_HOME nor "
                                  "HOME is a folder that can be written");
    }
    lens_status status = LENS_OK;
    if (context->tuning) {
        json_object_set_new(document, "choices", choices_of(context));
        status = write_file(path, document);
    } else if (unlink(path) != 0 && errno != ENOENT) {
        status = lens_fail(LENS_IO, "%s: %s", path, strerror(errno));
    }
    json_decref(document);
    return status;
}

/* The choices of a document that is about this device; NULL: it is not. */
static json_t *choices_in(json_t *document, json_t *identity) {
    const char *name;
    json_t *value;
    json_object_foreach(identity, name,
                        value) if (!json_equal(json_object_get(document, name), value)) return NULL;
    return json_object_get(document, "choices");
}

static bool take_choices(lens_context *context, json_t *choices) {
    const char *text;
    json_t *value;
    lens_tuning_key key;
    json_object_foreach(choices, text, value) {
        if (!json_is_string(value) || strlen(text) >= sizeof key.text)
            return false;
        strcpy(key.text, text);
        if (remember(context, &key, json_string_value(value)) != LENS_OK)
            return false;
    }
    return json_is_object(choices);
}

void lens_tuning_load(lens_context *context) {
    char path[LENS_TUNING_PATH_SIZE];
    const char *wish = getenv("LENSLET_TUNING");
    if (wish && strcmp(wish, "0") == 0)
        return;
    json_t *identity = identity_of(&context->device), *document = NULL;
    if (identity && path_of(path, identity) && access(path, F_OK) == 0) {
        document = json_load_file(path, 0, NULL);
        if (!take_choices(context, choices_in(document, identity)))
            lens_log(LENS_LOG_WARNING, "%s holds no tuning of this device; `lenslet tune` makes it",
                     path);
    }
    json_decref(document);
    json_decref(identity);
}
