/* ocl_quirks.h: what is done differently for certain drivers. Why, ocl_quirks.c says.
 *
 * What a device can do is asked of it, never inferred from its name or from a version.
 */
#ifndef LENSLET_OPENCL_OCL_QUIRKS_H
#define LENSLET_OPENCL_OCL_QUIRKS_H

#include "lenslet/device.h"

enum {
    OCL_QUIRK_KEEPS_CACHE = 1 << 0, /* the driver keeps compiled kernels itself: do not */
    OCL_QUIRK_NO_PREFETCH = 1 << 1, /* its compiler knows no __builtin_prefetch */
    OCL_QUIRK_LONG_HEADER = 1 << 2, /* cl/pocl.cl declares built-in functions, not its header */
    OCL_QUIRK_GPU_KERNELS = 1 << 3, /* a CPU that runs the kernels for GPUs */
    OCL_QUIRK_NO_LIMITS = 1 << 4,   /* it does not know how many work-items a kernel can have */
};

/* Those of a device's driver, together. */
unsigned ocl_quirks_of(const lens_device_info *device);

/* Into text[size]: "keeps kernels, no prefetching"; "" for none. */
void ocl_quirks_name(char *text, size_t size, unsigned quirks);

/* What they add to the options of every program, "" or with a space in front. */
const char *ocl_quirks_options(unsigned quirks);

#endif
