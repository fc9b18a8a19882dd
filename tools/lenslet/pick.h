/* pick.h: the devices that a command line means.
 */
#ifndef LENSLET_CLI_PICK_H
#define LENSLET_CLI_PICK_H

#include "cli.h"

/* Open the one device that --device, else LENSLET_DEVICE, else auto means. */
lens_status pick_open(lens_context **out, const char *choice, const lens_context_opts *opts);

/* The places in the list of the devices that the --device options mean, in their order, each once;
 * "all": every usable one. None given: LENSLET_DEVICE, else auto. The caller frees *indices. */
lens_status pick_devices(const lens_devices *devices, const text_list *choices, size_t **indices,
                         size_t *count);

/* Whether kernels can run there at all. */
bool pick_is_usable(const lens_device_info *device);

/* "Platform / name", in a static buffer. */
const char *pick_name(const lens_device_info *device);

#endif
