/* ocl_device.c: every device of every platform, and what each can do. */
#include "opencl/ocl_clblast.h"
#include "opencl/ocl_quirks.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PLATFORMS 64
#define MAX_DEVICES 256 /* of one platform */
#define MAX_DIMENSIONS 64

/* Fills `ids`; 0 when there is none or the loader fails: a machine without OpenCL is no error. */
static cl_uint list_platforms(cl_platform_id ids[MAX_PLATFORMS]) {
    cl_uint count = 0;
    if (clGetPlatformIDs(MAX_PLATFORMS, ids, &count) != CL_SUCCESS)
        return 0;
    return count < MAX_PLATFORMS ? count : MAX_PLATFORMS;
}

static cl_uint list_devices(cl_platform_id platform, cl_device_id ids[MAX_DEVICES]) {
    cl_uint count = 0;
    if (clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, MAX_DEVICES, ids, &count) != CL_SUCCESS)
        return 0;
    return count < MAX_DEVICES ? count : MAX_DEVICES;
}

/* ---- one device's properties --------------------------------------------------------------- */

/* Into text[size]: what a driver calls itself, without what would break a line or a terminal, cut
 * between characters (UTF-8); `unnamed` for nothing. */
static void keep_name(char *text, size_t size, const char *full, const char *unnamed) {
    size_t length = 0;
    for (; full[length] && length < size - 1; length++)
        text[length] =
            (unsigned char)full[length] < ' ' || full[length] == 127 ? ' ' : full[length];
    bool is_cut = full[length] != 0;
    while (is_cut && length && ((unsigned char)full[length] & 0xC0) == 0x80)
        length--; /* the bytes that a character goes on with */
    while (length && text[length - 1] == ' ')
        length--;
    text[length] = 0;
    if (!length)
        snprintf(text, size, "%s", unnamed);
}

#define LONGEST 4096 /* name of a driver */

static void device_string(cl_device_id id, cl_device_info what, char *text, size_t size,
                          const char *unnamed) {
    char full[LONGEST] = "";
    bool got = clGetDeviceInfo(id, what, sizeof full - 1, full, NULL) == CL_SUCCESS;
    keep_name(text, size, got ? full : "", unnamed);
}

static void platform_name(cl_platform_id id, char *text, size_t size) {
    char full[LONGEST] = "";
    bool got = clGetPlatformInfo(id, CL_PLATFORM_NAME, sizeof full - 1, full, NULL) == CL_SUCCESS;
    keep_name(text, size, got ? full : "", "unnamed platform");
}

static cl_ulong device_ulong(cl_device_id id, cl_device_info what) {
    cl_ulong value = 0;
    return clGetDeviceInfo(id, what, sizeof value, &value, NULL) == CL_SUCCESS ? value : 0;
}

/* Drivers say "no limit" as the largest number there is, which is too large for those who add to
 * it. */
static size_t device_bytes(cl_device_id id, cl_device_info what) {
    cl_ulong value = device_ulong(id, what);
    return value < PTRDIFF_MAX ? value : PTRDIFF_MAX;
}

static cl_uint device_uint(cl_device_id id, cl_device_info what) {
    cl_uint value = 0;
    return clGetDeviceInfo(id, what, sizeof value, &value, NULL) == CL_SUCCESS ? value : 0;
}

static size_t device_size(cl_device_id id, cl_device_info what) {
    size_t value = 0;
    if (clGetDeviceInfo(id, what, sizeof value, &value, NULL) != CL_SUCCESS)
        return 0;
    return value < PTRDIFF_MAX ? value : PTRDIFF_MAX;
}

/* The largest work-group whose work-items lie along the first dimension, as all of ours do. Some
 * devices give that dimension less than a group may have. */
static size_t device_group(cl_device_id id) {
    size_t most = device_size(id, CL_DEVICE_MAX_WORK_GROUP_SIZE), sizes[MAX_DIMENSIONS] = {0};
    if (clGetDeviceInfo(id, CL_DEVICE_MAX_WORK_ITEM_SIZES, sizeof sizes, sizes, NULL) ==
            CL_SUCCESS &&
        sizes[0] && sizes[0] < most)
        return sizes[0];
    return most;
}

static bool device_has(cl_device_id id, const char *extension) {
    char all[16384] = "";
    if (clGetDeviceInfo(id, CL_DEVICE_EXTENSIONS, sizeof all - 1, all, NULL) != CL_SUCCESS)
        return false;
    size_t size = strlen(extension);
    for (const char *at = all; (at = strstr(at, extension)); at += size)
        if ((at == all || at[-1] == ' ') && (at[size] == ' ' || at[size] == 0))
            return true;
    return false;
}

static lens_device_type device_type(cl_device_id id) {
    cl_device_type type = device_ulong(id, CL_DEVICE_TYPE);
    return type & CL_DEVICE_TYPE_GPU           ? LENS_DEVICE_GPU
           : type & CL_DEVICE_TYPE_ACCELERATOR ? LENS_DEVICE_ACCELERATOR
           : type & CL_DEVICE_TYPE_CPU         ? LENS_DEVICE_CPU
                                               : LENS_DEVICE_OTHER;
}

static void describe(lens_device_info *info, cl_platform_id platform, cl_device_id id) {
    platform_name(platform, info->platform, sizeof info->platform);
    device_string(id, CL_DEVICE_NAME, info->name, sizeof info->name, "unnamed device");
    device_string(id, CL_DEVICE_VENDOR, info->vendor, sizeof info->vendor, "");
    device_string(id, CL_DRIVER_VERSION, info->driver, sizeof info->driver, "");
    device_string(id, CL_DEVICE_VERSION, info->opencl_version, sizeof info->opencl_version, "");
    info->type = device_type(id);
    info->compute_units = device_uint(id, CL_DEVICE_MAX_COMPUTE_UNITS);
    info->clock_mhz = device_uint(id, CL_DEVICE_MAX_CLOCK_FREQUENCY);
    info->memory_bytes = device_bytes(id, CL_DEVICE_GLOBAL_MEM_SIZE);
    info->allocation_bytes = device_bytes(id, CL_DEVICE_MAX_MEM_ALLOC_SIZE);
    info->local_bytes = device_bytes(id, CL_DEVICE_LOCAL_MEM_SIZE);
    info->work_group_items = device_group(id);
    info->alignment_bytes = device_uint(id, CL_DEVICE_MEM_BASE_ADDR_ALIGN) / 8;
    info->available = device_uint(id, CL_DEVICE_AVAILABLE);
    info->has_compiler = device_uint(id, CL_DEVICE_COMPILER_AVAILABLE);
    info->has_fp16 = device_has(id, "cl_khr_fp16");
    info->has_fp64 = device_has(id, "cl_khr_fp64");
    ocl_quirks_name(info->quirks, sizeof info->quirks, ocl_quirks_of(info));
}

lens_status lens_opencl_list(lens_device_info *infos, size_t capacity, size_t *count) {
    cl_platform_id platforms[MAX_PLATFORMS];
    cl_device_id devices[MAX_DEVICES];
    cl_uint platform_count = list_platforms(platforms);
    *count = 0;
    for (cl_uint p = 0; p < platform_count; p++) {
        cl_uint device_count = list_devices(platforms[p], devices);
        for (cl_uint d = 0; d < device_count; d++, ++*count) {
            if (*count >= capacity)
                continue;
            lens_device_info *info = &infos[*count];
            *info = (lens_device_info){.index = *count, .platform_index = p, .platform_device = d};
            describe(info, platforms[p], devices[d]);
        }
    }
    return LENS_OK;
}

lens_status ocl_find_device(const lens_device_info *info, cl_platform_id *platform,
                            cl_device_id *device) {
    cl_platform_id platforms[MAX_PLATFORMS];
    cl_device_id devices[MAX_DEVICES];
    if (info->platform_index < list_platforms(platforms) &&
        info->platform_device < list_devices(platforms[info->platform_index], devices)) {
        *platform = platforms[info->platform_index];
        *device = devices[info->platform_device];
        return LENS_OK;
    }
    return lens_fail(LENS_NO_DEVICE, "device %zu, %s, is gone", info->index, info->name);
}

void lens_opencl_release_compilers(void) {
    ocl_clblast_forget();
    cl_platform_id platforms[MAX_PLATFORMS];
    cl_uint count = list_platforms(platforms);
    for (cl_uint p = 0; p < count; p++)
        clUnloadPlatformCompiler(platforms[p]);
}
