/* ocl_context.c: a context, its queue and its memory. */
#include "opencl/ocl_clblast.h"
#include "opencl/ocl_quirks.h"

#include <stdlib.h>
#include <string.h>

/* A copy of `given`, else of the environment variable, else NULL. */
static char *option_or_env(const char *given, const char *variable) {
    const char *value = given ? given : getenv(variable);
    return value && *value ? strdup(value) : NULL;
}

static void CL_CALLBACK driver_message(const char *text, const void *data, size_t size,
                                       void *user) {
    (void)data, (void)size, (void)user;
    lens_log(LENS_LOG_WARNING, "OpenCL driver: %s", text);
}

/* Every name that an operation may ask ocl_algorithm_allowed() for. */
#define ALGORITHMS                                                                                 \
    "direct, packed, packed-32, winograd2, winograd4, blocked, streamed, rows, images, tiled, "    \
    "clblast"

static lens_status check_algorithm(const char *name) {
    if (!name)
        return LENS_OK;
    if (strcmp(name, "clblast") == 0 && !ocl_clblast_built())
        return lens_fail(LENS_UNSUPPORTED, "algorithm clblast: this build is without CLBlast");
    size_t length = strlen(name);
    for (const char *known = ALGORITHMS; known; known = strchr(known, ' ')) {
        known += *known == ' ';
        if (strcspn(known, ",") == length && strncmp(known, name, length) == 0)
            return LENS_OK;
    }
    return lens_fail(LENS_BAD_ARGUMENT, "algorithm \"%s\" is none of " ALGORITHMS, name);
}

/* The device's own class, or the one that LENSLET_CLASS names. */
static lens_status choose_class(bool *cpu_class, const lens_device_info *device) {
    const char *name = getenv("LENSLET_CLASS");
    bool is_cpu =
        device->type == LENS_DEVICE_CPU && !(ocl_quirks_of(device) & OCL_QUIRK_GPU_KERNELS);
    *cpu_class = name && *name ? strcmp(name, "cpu") == 0 : is_cpu;
    if (!name || !*name || *cpu_class || strcmp(name, "gpu") == 0)
        return LENS_OK;
    return lens_fail(LENS_BAD_ARGUMENT, "LENSLET_CLASS=%s is none of cpu, gpu", name);
}

lens_status ocl_context_open(lens_context *context, const lens_context_opts *opts) {
    ocl_state *state = calloc(1, sizeof *state);
    if (!state)
        return lens_fail_memory("OpenCL context", sizeof *state);
    context->state = state;
    state->algorithm = option_or_env(opts->algorithm, "LENSLET_ALGORITHM");
    state->kernel_dir = option_or_env(opts->kernel_dir, "LENSLET_CL_DIR");
    state->profile = opts->profile || opts->trace;
    lens_status status = check_algorithm(state->algorithm);
    if (status == LENS_OK)
        status = choose_class(&state->cpu_class, &context->device);
    if (status == LENS_OK)
        status = ocl_find_device(&context->device, &state->platform, &state->device);
    if (status != LENS_OK)
        goto failed;
    const char *call = "clCreateContext";
    cl_int code;
    cl_context_properties properties[] = {CL_CONTEXT_PLATFORM,
                                          (cl_context_properties)state->platform, 0};
    state->context = clCreateContext(properties, 1, &state->device, driver_message, NULL, &code);
    if (code == CL_SUCCESS) {
        call = "clCreateCommandQueue";
        state->queue = clCreateCommandQueue(state->context, state->device,
                                            state->profile ? CL_QUEUE_PROFILING_ENABLE : 0, &code);
    }
    if (code == CL_SUCCESS) {
        call = "clCreateBuffer";
        state->dummy =
            clCreateBuffer(state->context, CL_MEM_READ_WRITE, sizeof(float), NULL, &code);
    }
    if (code == CL_SUCCESS)
        state->parts = clCreateBuffer(state->context, CL_MEM_READ_WRITE, OCL_PARTS * sizeof(float),
                                      NULL, &code);
    if (code == CL_SUCCESS)
        return LENS_OK;
    status = ocl_fail(code, "%s on %s", call, context->device.name);
failed:
    ocl_context_close(context);
    return status;
}

void ocl_context_close(lens_context *context) {
    ocl_state *state = context->state;
    if (context->tracing.trace && ocl_collect_timings(context) == LENS_OK)
        ocl_trace_close(context);
    if (state->queue)
        clFinish(state->queue);
    ocl_timings_free(state);
    ocl_uploads_free(state);
    ocl_programs_free(state);
    if (state->used_clblast)
        ocl_clblast_forget(); /* its programs would keep the OpenCL context */
    if (state->dummy)
        clReleaseMemObject(state->dummy);
    if (state->parts)
        clReleaseMemObject(state->parts);
    if (state->queue)
        clReleaseCommandQueue(state->queue);
    if (state->context)
        clReleaseContext(state->context);
    free(state->algorithm);
    free(state->kernel_dir);
    free(state);
    context->state = NULL;
}

lens_status ocl_context_wait(lens_context *context) {
    cl_int code = clFinish(ocl_state_of(context)->queue);
    return code == CL_SUCCESS ? LENS_OK : ocl_fail(code, "clFinish on %s", context->device.name);
}

bool ocl_algorithm_allowed(const lens_context *context, const char *name) {
    const char *forced = ocl_state_of(context)->algorithm;
    return !forced || strcmp(forced, name) == 0;
}

const char *ocl_algorithm_forced(const lens_context *context) {
    return ocl_state_of(context)->algorithm;
}

bool ocl_is_cpu(const lens_context *context) {
    return ocl_state_of(context)->cpu_class;
}

/* ---- memory -------------------------------------------------------------------------------- */

lens_status ocl_buffer_new(void **out, lens_context *context, size_t count) {
    cl_int code;
    cl_mem buffer = clCreateBuffer(ocl_state_of(context)->context, CL_MEM_READ_WRITE,
                                   count * sizeof(float), NULL, &code);
    if (code != CL_SUCCESS)
        return ocl_fail(code, "clCreateBuffer of %zu bytes", count * sizeof(float));
    *out = buffer;
    return LENS_OK;
}

void ocl_buffer_free(lens_context *context, void *buffer) {
    (void)context;
    clReleaseMemObject(buffer);
}

lens_status ocl_tensor_read(const lens_tensor *tensor, float *values) {
    ocl_timing timing = ocl_timing_begin(tensor->context, NULL);
    cl_int code = clEnqueueReadBuffer(ocl_state_of(tensor->context)->queue, tensor->buffer, CL_TRUE,
                                      tensor->offset * sizeof(float), tensor->count * sizeof(float),
                                      values, 0, NULL, timing.name ? &timing.event : NULL);
    if (code != CL_SUCCESS)
        return ocl_fail(code, "clEnqueueReadBuffer of %zu floats", tensor->count);
    return ocl_timing_keep(tensor->context, &timing, NULL);
}

lens_status ocl_tensor_fill(lens_tensor *tensor, float value) {
    ocl_timing timing = ocl_timing_begin(tensor->context, NULL);
    cl_int code = clEnqueueFillBuffer(ocl_state_of(tensor->context)->queue, tensor->buffer, &value,
                                      sizeof value, tensor->offset * sizeof(float),
                                      tensor->count * sizeof(float), 0, NULL,
                                      timing.name ? &timing.event : NULL);
    if (code != CL_SUCCESS)
        return ocl_fail(code, "clEnqueueFillBuffer of %zu floats", tensor->count);
    return ocl_timing_keep(tensor->context, &timing, NULL);
}

lens_status ocl_tensor_copy(lens_tensor *to, const lens_tensor *from) {
    ocl_timing timing = ocl_timing_begin(to->context, NULL);
    cl_int code =
        clEnqueueCopyBuffer(ocl_state_of(to->context)->queue, from->buffer, to->buffer,
                            from->offset * sizeof(float), to->offset * sizeof(float),
                            to->count * sizeof(float), 0, NULL, timing.name ? &timing.event : NULL);
    if (code != CL_SUCCESS)
        return ocl_fail(code, "clEnqueueCopyBuffer of %zu floats", to->count);
    return ocl_timing_keep(to->context, &timing, NULL);
}
