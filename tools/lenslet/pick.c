/* pick.c: the devices that a command line means. */
#include "pick.h"
#include "out.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *or_environment(const char *choice) {
    return choice ? choice : getenv("LENSLET_DEVICE");
}

static bool is_all(const char *choice) {
    return choice && !strcasecmp(choice, "all");
}

lens_status pick_open(lens_context **out, const char *choice, const lens_context_opts *opts) {
    choice = or_environment(choice);
    if (is_all(choice))
        return cli_fail(LENS_AMBIGUOUS_DEVICE,
                        "this command uses one device; \"all\" is for devices, check and bench");
    return lens_context_open(out, choice, opts);
}

bool pick_is_usable(const lens_device_info *device) {
    return device->available && device->has_compiler;
}

static void add_once(size_t *indices, size_t *count, size_t index) {
    for (size_t i = 0; i < *count; i++)
        if (indices[i] == index)
            return;
    indices[(*count)++] = index;
}

lens_status pick_devices(const lens_devices *devices, const text_list *choices, size_t **indices,
                         size_t *count) {
    size_t all = lens_devices_count(devices);
    *indices = cli_alloc(all, sizeof **indices);
    *count = 0;
    for (size_t i = 0; i < (choices->count ? choices->count : 1); i++) {
        const char *choice = choices->count ? choices->items[i] : or_environment(NULL);
        size_t index;
        if (is_all(choice)) {
            for (size_t j = 0; j < all; j++)
                if (pick_is_usable(lens_devices_get(devices, j)))
                    add_once(*indices, count, j);
            continue;
        }
        lens_status status = lens_devices_choose(devices, choice, &index);
        if (status != LENS_OK) {
            free(*indices);
            *indices = NULL;
            return status;
        }
        add_once(*indices, count, index);
    }
    return LENS_OK;
}

const char *pick_name(const lens_device_info *device) {
    if (device->type == LENS_DEVICE_REFERENCE)
        return "reference";
    return out_printf("%.70s / %.70s", device->platform, device->name);
}
