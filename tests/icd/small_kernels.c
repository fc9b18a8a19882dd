/* small_kernels.c: OpenCL calls that answer for a device with fewer registers than there are, and
 * hand the rest on to the library.
 */
#define _GNU_SOURCE
#define CL_TARGET_OPENCL_VERSION 120
#include "small_kernels.h"

#include <CL/cl.h>
#include <assert.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#define MOST 8

static struct {
    const char *option;
    size_t items;
} limits[MOST];
static size_t limit_count;

void small_kernels(const char *option, size_t items) {
    if (!option) {
        limit_count = 0;
        return;
    }
    assert(limit_count < MOST);
    limits[limit_count].option = option;
    limits[limit_count++].items = items;
}

/* SIZE_MAX: any that the device has. */
static size_t limit_of(cl_kernel kernel) {
    size_t device_count = 0, size = 0, limit = SIZE_MAX;
    cl_program program;
    cl_device_id devices[MOST];
    if (clGetKernelInfo(kernel, CL_KERNEL_PROGRAM, sizeof program, &program, NULL) != CL_SUCCESS ||
        clGetProgramInfo(program, CL_PROGRAM_DEVICES, sizeof devices, devices, &device_count) !=
            CL_SUCCESS ||
        clGetProgramBuildInfo(program, devices[0], CL_PROGRAM_BUILD_OPTIONS, 0, NULL, &size) !=
            CL_SUCCESS)
        return limit;
    char *options = malloc(size);
    if (options && clGetProgramBuildInfo(program, devices[0], CL_PROGRAM_BUILD_OPTIONS, size,
                                         options, NULL) == CL_SUCCESS)
        for (size_t i = 0; i < limit_count; i++)
            if (strstr(options, limits[i].option))
                limit = limits[i].items;
    free(options);
    return limit;
}

/* The library's own function of that name. */
static void *next(const char *name) {
    void *function = dlsym(RTLD_NEXT, name);
    assert(function);
    return function;
}

cl_int clGetKernelWorkGroupInfo(cl_kernel kernel, cl_device_id device,
                                cl_kernel_work_group_info what, size_t room, void *to,
                                size_t *size) {
    typedef cl_int question(cl_kernel, cl_device_id, cl_kernel_work_group_info, size_t, void *,
                            size_t *);
    question *ask = (question *)next("clGetKernelWorkGroupInfo");
    cl_int code = ask(kernel, device, what, room, to, size);
    size_t limit = limit_of(kernel);
    if (code == CL_SUCCESS && what == CL_KERNEL_WORK_GROUP_SIZE && to && *(size_t *)to > limit)
        *(size_t *)to = limit;
    return code;
}

cl_int clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dims,
                              const size_t *offset, const size_t *global, const size_t *local,
                              cl_uint wait_count, const cl_event *waits, cl_event *event) {
    typedef cl_int launch(cl_command_queue, cl_kernel, cl_uint, const size_t *, const size_t *,
                          const size_t *, cl_uint, const cl_event *, cl_event *);
    size_t items = 1;
    for (cl_uint i = 0; local && i < dims; i++)
        items *= local[i];
    if (items > limit_of(kernel))
        return CL_INVALID_WORK_GROUP_SIZE;
    launch *run = (launch *)next("clEnqueueNDRangeKernel");
    return run(queue, kernel, dims, offset, global, local, wait_count, waits, event);
}
