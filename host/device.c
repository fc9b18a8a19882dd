/* device.c: the list of devices, the choice of one, contexts. */
#include "backend.h"
#include "core/error.h"
#include "traced.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct lens_devices {
    size_t count;
    lens_device_info infos[];
};

static const char *const type_names[] = {[LENS_DEVICE_REFERENCE] = "reference",
                                         [LENS_DEVICE_CPU] = "CPU",
                                         [LENS_DEVICE_GPU] = "GPU",
                                         [LENS_DEVICE_ACCELERATOR] = "accelerator",
                                         [LENS_DEVICE_OTHER] = "other"};

const char *lens_device_type_name(lens_device_type type) {
    return (size_t)type < sizeof type_names / sizeof type_names[0] ? type_names[type] : "unknown";
}

/* ---- the list ------------------------------------------------------------------------------ */

static lens_device_info reference_info(size_t index) {
    size_t memory = (size_t)sysconf(_SC_PHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE);
    return (lens_device_info){.platform = "Lenslet",
                              .name = "reference",
                              .vendor = "Lenslet",
                              .driver = LENSLET_VERSION,
                              .type = LENS_DEVICE_REFERENCE,
                              .index = index,
                              .compute_units = 1,
                              .memory_bytes = memory,
                              .allocation_bytes = memory,
                              .work_group_items = 1,
                              .alignment_bytes = sizeof(float),
                              .available = true,
                              .has_compiler = true,
                              .has_fp64 = true};
}

lens_status lens_devices_new(lens_devices **out) {
    assert(out);
    *out = NULL;
    size_t count = 0;
#ifdef LENSLET_OPENCL
    LENS_TRY(lens_opencl_list(NULL, 0, &count));
#endif
    size_t bytes = sizeof(lens_devices) + (count + 1) * sizeof(lens_device_info);
    lens_devices *devices = calloc(1, bytes);
    if (!devices)
        return lens_fail_memory("device list", bytes);
#ifdef LENSLET_OPENCL
    size_t found = 0; /* a device may have come or gone since it was counted */
    lens_status status = lens_opencl_list(devices->infos, count, &found);
    if (status != LENS_OK) {
        free(devices);
        return status;
    }
    if (found < count)
        count = found;
#endif
    devices->infos[count] = reference_info(count);
    devices->infos[count].platform_index = count ? devices->infos[count - 1].platform_index + 1 : 0;
    devices->count = count + 1;
    *out = devices;
    return LENS_OK;
}

void lens_devices_free(lens_devices *devices) {
    free(devices);
}

size_t lens_devices_count(const lens_devices *devices) {
    return devices->count;
}

const lens_device_info *lens_devices_get(const lens_devices *devices, size_t index) {
    assert(index < devices->count);
    return &devices->infos[index];
}

/* ---- the choice ---------------------------------------------------------------------------- */

static bool is_usable(const lens_device_info *info) {
    return info->available && info->has_compiler;
}

/* The number-th usable device of a type; false when there are fewer. */
static bool find_type(const lens_devices *devices, lens_device_type type, size_t number,
                      size_t *index) {
    for (size_t i = 0; i < devices->count; i++) {
        const lens_device_info *info = &devices->infos[i];
        if (info->type == type && is_usable(info) && number-- == 0) {
            *index = i;
            return true;
        }
    }
    return false;
}

static void choose_auto(const lens_devices *devices, size_t *index) {
    static const lens_device_type order[] = {LENS_DEVICE_GPU, LENS_DEVICE_ACCELERATOR,
                                             LENS_DEVICE_CPU, LENS_DEVICE_REFERENCE};
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
        if (find_type(devices, order[i], 0, index))
            return;
}

/* A whole decimal number up to `end`, without sign or space. */
static bool parse_number(const char *text, const char *end, size_t *number) {
    if (text == end || end - text > 9)
        return false;
    *number = 0;
    for (; text < end; text++) {
        if (!isdigit((unsigned char)*text))
            return false;
        *number = *number * 10 + (size_t)(*text - '0');
    }
    return true;
}

static bool equals_ignoring_case(const char *a, size_t a_size, const char *b) {
    if (a_size != strlen(b))
        return false;
    for (size_t i = 0; i < a_size; i++)
        if (tolower((unsigned char)a[i]) != tolower((unsigned char)b[i]))
            return false;
    return true;
}

static bool contains_ignoring_case(const char *text, const char *part) {
    size_t part_size = strlen(part);
    for (; *text; text++)
        if (strlen(text) >= part_size && equals_ignoring_case(text, part_size, part))
            return true;
    return false;
}

/* "gpu", "cpu:1". True when `choice` has that form, whether or not there is such a device. */
static bool parse_type(const char *choice, lens_device_type *type, size_t *number) {
    static const struct {
        const char *word;
        lens_device_type type;
    } words[] = {{"gpu", LENS_DEVICE_GPU},
                 {"cpu", LENS_DEVICE_CPU},
                 {"accelerator", LENS_DEVICE_ACCELERATOR},
                 {"reference", LENS_DEVICE_REFERENCE},
                 {"ref", LENS_DEVICE_REFERENCE}};
    const char *colon = strchr(choice, ':');
    size_t word_size = colon ? (size_t)(colon - choice) : strlen(choice);
    *number = 0;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (equals_ignoring_case(choice, word_size, words[i].word)) {
            *type = words[i].type;
            return !colon || parse_number(colon + 1, choice + strlen(choice), number);
        }
    return false;
}

static bool find_pair(const lens_devices *devices, size_t platform, size_t device, size_t *index) {
    for (size_t i = 0; i < devices->count; i++)
        if (devices->infos[i].platform_index == platform &&
            devices->infos[i].platform_device == device) {
            *index = i;
            return true;
        }
    return false;
}

static lens_status choose_name(const lens_devices *devices, const char *part, size_t *index) {
    size_t matches = 0;
    char list[1024] = "";
    size_t used = 0;
    for (size_t i = 0; i < devices->count; i++) {
        const lens_device_info *info = &devices->infos[i];
        char full[sizeof info->platform + sizeof info->name + 4];
        snprintf(full, sizeof full, "%s / %s", info->platform, info->name);
        if (!is_usable(info) || !contains_ignoring_case(full, part))
            continue;
        if (matches++ == 0)
            *index = i;
        if (used < sizeof list)
            used += (size_t)snprintf(list + used, sizeof list - used, "%s %zu: %s",
                                     matches > 1 ? ";" : "", i, full);
    }
    if (matches == 0)
        return lens_fail(LENS_NO_DEVICE,
                         "no usable device is called \"%s\"; `lenslet devices` lists them", part);
    if (matches > 1)
        return lens_fail(LENS_AMBIGUOUS_DEVICE, "\"%s\" fits %zu devices:%s", part, matches, list);
    return LENS_OK;
}

lens_status lens_devices_choose(const lens_devices *devices, const char *choice, size_t *index) {
    assert(devices && index);
    if (!choice || !*choice || equals_ignoring_case(choice, strlen(choice), "auto")) {
        choose_auto(devices, index);
        return LENS_OK;
    }
    lens_device_type type;
    size_t number, platform;
    const char *end = choice + strlen(choice), *colon = strchr(choice, ':');
    if (parse_type(choice, &type, &number)) {
        if (find_type(devices, type, number, index))
            return LENS_OK;
        return lens_fail(LENS_NO_DEVICE, "there is no usable device \"%s\"", choice);
    }
    if (parse_number(choice, end, &number)) {
        if (number >= devices->count)
            return lens_fail(LENS_NO_DEVICE, "there is no device %s: they are 0 to %zu", choice,
                             devices->count - 1);
        *index = number;
        return LENS_OK;
    }
    if (colon && parse_number(choice, colon, &platform) && parse_number(colon + 1, end, &number)) {
        if (find_pair(devices, platform, number, index))
            return LENS_OK;
        return lens_fail(LENS_NO_DEVICE, "there is no device %zu on a platform %zu", number,
                         platform);
    }
    return choose_name(devices, choice, index);
}

/* ---- contexts ------------------------------------------------------------------------------ */

lens_context_opts lens_context_defaults(void) {
    return (lens_context_opts){.algorithm = NULL};
}

lens_status lens_context_new(lens_context **out, const lens_devices *devices, size_t index,
                             const lens_context_opts *opts) {
    assert(out && devices);
    *out = NULL;
    if (index >= devices->count)
        return lens_fail(LENS_NO_DEVICE, "there is no device %zu: they are 0 to %zu", index,
                         devices->count - 1);
    const lens_device_info *info = &devices->infos[index];
    if (!is_usable(info))
        return lens_fail(LENS_NO_DEVICE, "device %zu, %s, %s", index, info->name,
                         info->available ? "has no compiler" : "is not available");
    lens_context_opts defaults = lens_context_defaults();
    lens_context *context = calloc(1, sizeof *context);
    if (!context)
        return lens_fail_memory("context", sizeof *context);
    context->device = *info;
    context->backend = &lens_backend_reference;
#ifdef LENSLET_OPENCL
    if (info->type != LENS_DEVICE_REFERENCE)
        context->backend = &lens_backend_opencl;
#endif
    lens_status status = context->backend->context_open(context, opts ? opts : &defaults);
    if (status != LENS_OK) {
        free(context);
        return status;
    }
    if (info->type != LENS_DEVICE_REFERENCE)
        lens_tuning_load(context);
    if (opts && opts->trace)
        status = lens_traced_open(context, opts->trace);
    if (status != LENS_OK) {
        lens_context_free(context);
        return status;
    }
    *out = context;
    return LENS_OK;
}

lens_status lens_context_open(lens_context **out, const char *choice,
                              const lens_context_opts *opts) {
    *out = NULL;
    lens_devices *devices;
    LENS_TRY(lens_devices_new(&devices));
    size_t index;
    lens_status status = lens_devices_choose(devices, choice, &index);
    if (status == LENS_OK)
        status = lens_context_new(out, devices, index, opts);
    lens_devices_free(devices);
    return status;
}

void lens_context_free(lens_context *context) {
    if (!context)
        return;
    assert(context->live_tensors == 0);
    context->backend->context_close(context);
    lens_traced_close(context);
    lens_tuning_clear(context);
    free(context);
}

const lens_device_info *lens_context_device(const lens_context *context) {
    return &context->device;
}

lens_trace *lens_context_trace(const lens_context *context) {
    return context->tracing.trace;
}

lens_status lens_context_wait(lens_context *context) {
    return context->backend->context_wait(context);
}

size_t lens_context_memory(const lens_context *context, size_t *peak) {
    if (peak)
        *peak = context->peak_bytes;
    return context->bytes;
}

lens_status lens_context_limits(lens_context *context, lens_limits *limits) {
    assert(context && limits);
    return context->backend->context_limits(context, limits);
}

lens_status lens_context_profile(lens_context *context, lens_profile_entry *entries,
                                 size_t capacity, size_t *count) {
    return context->backend->context_profile(context, entries, capacity, count);
}

void lens_release_compilers(void) {
#ifdef LENSLET_OPENCL
    lens_opencl_release_compilers();
#endif
}
