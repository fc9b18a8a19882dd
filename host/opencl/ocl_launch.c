/* ocl_launch.c: setting a kernel's arguments and queueing it. */
#include "opencl/opencl.h"
#include "core/size.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>

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

/* "1024x8", for a trace. */
static void add_sizes(lens_trace_args *args, const char *key, cl_uint dims, const size_t *sizes) {
    char text[80] = "";
    for (cl_uint i = 0, used = 0; i < dims; i++)
        used += (cl_uint)snprintf(text + used, sizeof text - used, "%s%zu", i ? "x" : "", sizes[i]);
    lens_trace_args_text(args, key, text);
}

lens_status ocl_run(ocl_launch *launch, cl_uint dims, const size_t *global, const size_t *local) {
    LENS_TRY(launch->status);
    ocl_state *state = ocl_state_of(launch->context);
    ocl_timing timing = ocl_timing_begin(launch->context, launch->kernel->name);
    cl_int code = clEnqueueNDRangeKernel(state->queue, launch->kernel->handle, dims, NULL, global,
                                         local, 0, NULL, state->profile ? &timing.event : NULL);
    if (code != CL_SUCCESS)
        return ocl_fail(code, "clEnqueueNDRangeKernel of %s, %zu work-items in groups of %zu",
                        launch->kernel->name, global[0], local[0]);
    if (timing.name) {
        lens_trace_args args = {.used = 0};
        lens_trace_args_text(&args, "program", launch->kernel->program);
        add_sizes(&args, "global", dims, global);
        add_sizes(&args, "local", dims, local);
        timing.args = lens_trace_text(launch->context->tracing.trace, args.text);
    }
    return ocl_timing_keep(launch->context, &timing, launch->kernel);
}

lens_status ocl_span_begin(ocl_span *span, lens_context *context, const char *name) {
    ocl_state *state = ocl_state_of(context);
    *span = (ocl_span){.context = context, .timing = ocl_timing_begin(context, name)};
    if (!state->profile)
        return LENS_OK;
    cl_int code = clEnqueueMarkerWithWaitList(state->queue, 0, NULL, &span->timing.since);
    if (code != CL_SUCCESS)
        return ocl_fail(code, "clEnqueueMarkerWithWaitList before %s", name);
    span->name = name;
    span->event = &span->timing.event;
    return LENS_OK;
}

lens_status ocl_span_end(ocl_span *span, bool queued) {
    if (!span->event)
        return LENS_OK;
    ocl_kernel *entry = NULL;
    lens_status status =
        queued ? ocl_kernel_entry(&entry, ocl_state_of(span->context), span->name) : LENS_OK;
    if (entry)
        return ocl_timing_keep(span->context, &span->timing, entry);
    clReleaseEvent(span->timing.since);
    if (queued)
        clReleaseEvent(span->timing.event);
    return status;
}

size_t ocl_group_size(const ocl_kernel *kernel, size_t wanted) {
    while (wanted > kernel->work_group_items)
        wanted /= 2;
    return wanted;
}

lens_status ocl_run_groups(ocl_launch *launch, size_t groups, size_t items) {
    LENS_TRY(launch->status);
    size_t local = ocl_group_size(launch->kernel, items), global = groups * local;
    return ocl_run(launch, 1, &global, &local);
}

lens_status ocl_run_1d(ocl_launch *launch, size_t items) {
    LENS_TRY(launch->status);
    /* On a CPU a group is the unit handed to a thread, on a GPU it fills the lanes of one core. */
    size_t local = ocl_group_size(launch->kernel, 64);
    size_t global = lens_size_round_up(items, local);
    return ocl_run(launch, 1, &global, &local);
}
