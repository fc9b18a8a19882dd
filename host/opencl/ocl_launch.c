/* ocl_launch.c: setting a kernel's arguments and queueing it. */
#include "opencl/opencl.h"
#include "core/size.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

ocl_launch ocl_begin(lens_context *context, const char *program, const char *kernel,
                     const char *options) {
    ocl_launch launch = {.context = context};
    launch.status = ocl_kernel_get(&launch.kernel, context, program, kernel, options);
    return launch;
}

static void set_arg(ocl_launch *launch, size_t size, const void *value) {
    if (launch->status != LENS_OK)
        return;
    cl_int code = clSetKernelArg(launch->kernel->handle, launch->arg, size, value);
    if (code != CL_SUCCESS)
        launch->status =
            ocl_fail(code, "clSetKernelArg %u of %s", launch->arg, launch->kernel->name);
    launch->arg++;
}

void ocl_arg_tensor(ocl_launch *launch, const lens_tensor *tensor) {
    cl_mem buffer = tensor ? tensor->buffer : ocl_state_of(launch->context)->dummy;
    cl_ulong offset = tensor ? tensor->offset : 0;
    set_arg(launch, sizeof buffer, &buffer);
    set_arg(launch, sizeof offset, &offset);
}

void ocl_arg_int(ocl_launch *launch, size_t value) {
    assert(value <= INT32_MAX);
    cl_int number = (cl_int)value;
    set_arg(launch, sizeof number, &number);
}

void ocl_arg_stride(ocl_launch *launch, ptrdiff_t value) {
    assert(value >= -INT32_MAX && value <= INT32_MAX);
    cl_int number = (cl_int)value;
    set_arg(launch, sizeof number, &number);
}

void ocl_arg_ulong(ocl_launch *launch, size_t value) {
    cl_ulong number = value;
    set_arg(launch, sizeof number, &number);
}

void ocl_arg_float(ocl_launch *launch, float value) {
    set_arg(launch, sizeof value, &value);
}

void ocl_arg_local(ocl_launch *launch, size_t bytes) {
    set_arg(launch, bytes, NULL);
}

void ocl_arg_shape(ocl_launch *launch, lens_shape shape) {
    ocl_arg_int(launch, shape.n);
    ocl_arg_int(launch, shape.c);
    ocl_arg_int(launch, shape.h);
    ocl_arg_int(launch, shape.w);
}

/* Remember the launch's event until its time is read. */
static lens_status keep_timing(ocl_state *state, ocl_kernel *kernel, cl_event since,
                               cl_event event) {
    if (state->timing_count == state->timing_capacity) {
        size_t capacity = state->timing_capacity ? 2 * state->timing_capacity : 256;
        ocl_timing *timings = realloc(state->timings, capacity * sizeof *timings);
        if (!timings) {
            clReleaseEvent(event);
            if (since)
                clReleaseEvent(since);
            return lens_fail_memory("profile", capacity * sizeof *timings);
        }
        state->timings = timings;
        state->timing_capacity = capacity;
    }
    state->timings[state->timing_count++] = (ocl_timing){since, event, kernel};
    return LENS_OK;
}

/* Many events in flight slow some drivers down and hold memory in all. */
#define MAX_TIMINGS 4096

lens_status ocl_run(ocl_launch *launch, cl_uint dims, const size_t *global, const size_t *local) {
    LENS_TRY(launch->status);
    ocl_state *state = ocl_state_of(launch->context);
    cl_event event;
    cl_int code = clEnqueueNDRangeKernel(state->queue, launch->kernel->handle, dims, NULL, global,
                                         local, 0, NULL, state->profile ? &event : NULL);
    if (code != CL_SUCCESS)
        return ocl_fail(code, "clEnqueueNDRangeKernel of %s, %zu work-items in groups of %zu",
                        launch->kernel->name, global[0], local[0]);
    if (!state->profile)
        return LENS_OK;
    LENS_TRY(keep_timing(state, launch->kernel, NULL, event));
    return state->timing_count < MAX_TIMINGS ? LENS_OK : ocl_collect_timings(launch->context);
}

lens_status ocl_span_begin(ocl_span *span, lens_context *context, const char *name) {
    ocl_state *state = ocl_state_of(context);
    *span = (ocl_span){.context = context, .name = name};
    if (!state->profile)
        return LENS_OK;
    cl_int code = clEnqueueMarkerWithWaitList(state->queue, 0, NULL, &span->since);
    if (code != CL_SUCCESS)
        return ocl_fail(code, "clEnqueueMarkerWithWaitList before %s", name);
    span->event = &span->last;
    return LENS_OK;
}

lens_status ocl_span_end(ocl_span *span, bool queued) {
    if (!span->event)
        return LENS_OK;
    ocl_kernel *entry = NULL;
    lens_status status =
        queued ? ocl_kernel_entry(&entry, ocl_state_of(span->context), span->name) : LENS_OK;
    if (entry) {
        LENS_TRY(keep_timing(ocl_state_of(span->context), entry, span->since, span->last));
        return ocl_state_of(span->context)->timing_count < MAX_TIMINGS
                   ? LENS_OK
                   : ocl_collect_timings(span->context);
    }
    clReleaseEvent(span->since);
    if (queued)
        clReleaseEvent(span->last);
    return status;
}

/* `wanted` halved until the kernel can run with it. */
static size_t group_size(const ocl_kernel *kernel, size_t wanted) {
    while (wanted > kernel->work_group_items)
        wanted /= 2;
    return wanted;
}

lens_status ocl_run_groups(ocl_launch *launch, size_t groups, size_t items) {
    LENS_TRY(launch->status);
    size_t local = group_size(launch->kernel, items), global = groups * local;
    return ocl_run(launch, 1, &global, &local);
}

lens_status ocl_run_1d(ocl_launch *launch, size_t items) {
    LENS_TRY(launch->status);
    /* On a CPU a group is the unit handed to a thread, on a GPU it fills the lanes of one core. */
    size_t local = group_size(launch->kernel, 64);
    size_t global = lens_size_round_up(items, local);
    return ocl_run(launch, 1, &global, &local);
}
