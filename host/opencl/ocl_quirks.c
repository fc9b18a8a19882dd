/* ocl_quirks.c: the table of drivers that are treated differently, each with its reason. */
#include "opencl/ocl_quirks.h"

#include <stdio.h>
#include <string.h>

/* A row fits a device whose texts contain its own; NULL fits any. All rows that fit count. */
typedef struct row {
    const char *platform, *vendor, *name, *driver;
    bool cpu_only;
    unsigned quirks;
} row;

static const row rows[] = {
    /* PoCL keeps the kernels of each work-group size, which a program's binary has none of; and to
     * be asked for a binary makes it compile a general one first. */
    {.platform = "Portable Computing Language", .quirks = OCL_QUIRK_KEEPS_CACHE},

    /* And for CPUs its header of built-in functions, of 18,000 lines, is read twice for each
     * program, compiled or kept, which is most of the time that a program takes (3.1). */
    {.platform = "Portable Computing Language", .cpu_only = true, .quirks = OCL_QUIRK_LONG_HEADER},

    /* Its "binary" is PTX, to be compiled once more; what that becomes is in ~/.nv/ComputeCache. */
    {.platform = "NVIDIA", .quirks = OCL_QUIRK_KEEPS_CACHE},

    /* The simulator interprets LLVM's instructions and has no llvm.prefetch: a program that holds
     * one builds, but has no kernels (CL_INVALID_KERNEL_NAME). Seen with 21.10. */
    {.platform = "Oclgrind", .quirks = OCL_QUIRK_NO_PREFETCH},

    /* llvmpipe takes vectors of 16 for as many numbers: some kernels for CPUs take its compiler
     * minutes, those for GPUs seconds. Seen with 22.3. */
    {.platform = "rusticl", .cpu_only = true, .quirks = OCL_QUIRK_GPU_KERNELS},

    /* Whatever the kernel, it answers with the size of a sub-group (32 on llvmpipe), and runs
     * groups as large as the device's. Mended by 23.2. */
    {.platform = "rusticl", .driver = "22.", .quirks = OCL_QUIRK_NO_LIMITS},
};

static bool contains(const char *text, const char *part) {
    return !part || strstr(text, part);
}

unsigned ocl_quirks_of(const lens_device_info *device) {
    unsigned quirks = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if ((!rows[i].cpu_only || device->type == LENS_DEVICE_CPU) &&
            contains(device->platform, rows[i].platform) &&
            contains(device->vendor, rows[i].vendor) && contains(device->name, rows[i].name) &&
            contains(device->driver, rows[i].driver))
            quirks |= rows[i].quirks;
    return quirks;
}

void ocl_quirks_name(char *text, size_t size, unsigned quirks) {
    static const char *const names[] = {"keeps kernels", "no prefetching", "long header",
                                        "kernels for GPUs", "no limits of kernels"};
    size_t used = 0;
    text[0] = 0;
    for (unsigned i = 0; i < sizeof names / sizeof names[0] && used < size; i++)
        if (quirks & 1u << i)
            used += (size_t)snprintf(text + used, size - used, "%s%s", used ? ", " : "", names[i]);
}

const char *ocl_quirks_options(unsigned quirks) {
    return quirks & OCL_QUIRK_NO_PREFETCH ? " -DNO_PREFETCH" : "";
}
