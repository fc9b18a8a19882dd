/* ocl_profile.c: how long the device takes for what it runs, from OpenCL's events. */
#include "opencl/opencl.h"

#include <stdio.h>
#include <stdlib.h>

/* Many events in flight slow some drivers down and hold memory in all. */
#define MAX_TIMINGS 4096

static void timing_release(ocl_timing *timing) {
    if (timing->since)
        clReleaseEvent(timing->since);
    clReleaseEvent(timing->event);
}

void ocl_timings_free(ocl_state *state) {
    for (size_t i = 0; i < state->timing_count; i++)
        timing_release(&state->timings[i]);
    free(state->timings);
}

/* ---- while it runs -------------------------------------------------------------------------- */

ocl_timing ocl_timing_begin(const lens_context *context, const char *name) {
    const lens_tracing *tracing = &context->tracing;
    if (!lens_trace_has_room(tracing->trace))
        return (ocl_timing){.name = NULL};
    ocl_timing timing = {.name = name ? lens_trace_text(tracing->trace, name) : tracing->name,
                         .args = name ? "" : tracing->args,
                         .queued_at = lens_trace_now(tracing->trace)};
    if (name && tracing->name) {
        timing.op = tracing->name;
        timing.op_args = tracing->args;
        timing.operation = tracing->operation;
    }
    return timing;
}

static lens_status grow(ocl_state *state) {
    size_t capacity = state->timing_capacity ? 2 * state->timing_capacity : 256;
    ocl_timing *timings = realloc(state->timings, capacity * sizeof *timings);
    if (!timings)
        return lens_fail_memory("profile", capacity * sizeof *timings);
    state->timings = timings;
    state->timing_capacity = capacity;
    return LENS_OK;
}

lens_status ocl_timing_keep(lens_context *context, ocl_timing *timing, ocl_kernel *kernel) {
    ocl_state *state = context->state;
    if (!timing->event)
        return LENS_OK;
    lens_status status = state->timing_count < state->timing_capacity ? LENS_OK : grow(state);
    if (status != LENS_OK) {
        timing_release(timing);
        return status;
    }
    timing->kernel = kernel;
    state->timings[state->timing_count++] = *timing;
    return state->timing_count < MAX_TIMINGS ? LENS_OK : ocl_collect_timings(context);
}

/* ---- when it has run ------------------------------------------------------------------------ */

static cl_ulong time_of(cl_event event, cl_profiling_info which) {
    cl_ulong time = 0;
    clGetEventProfilingInfo(event, which, sizeof time, &time, NULL);
    return time;
}

static void read_times(ocl_timing *timing) {
    cl_event first = timing->since ? timing->since : timing->event;
    timing->queued = time_of(first, CL_PROFILING_COMMAND_QUEUED);
    timing->started =
        time_of(first, timing->since ? CL_PROFILING_COMMAND_END : CL_PROFILING_COMMAND_START);
    timing->ended = time_of(timing->event, CL_PROFILING_COMMAND_END);
}

static void add_up(const ocl_timing *timing) {
    if (!timing->kernel)
        return;
    timing->kernel->launches++;
    timing->kernel->seconds += (double)(timing->ended - timing->started) * 1e-9;
}

static lens_status collect(lens_context *context) {
    ocl_state *state = context->state;
    LENS_TRY(ocl_context_wait(context));
    int64_t now = context->tracing.trace ? lens_trace_now(context->tracing.trace) : 0;
    for (size_t i = 0; i < state->timing_count; i++) {
        read_times(&state->timings[i]);
        add_up(&state->timings[i]);
    }
    if (context->tracing.trace)
        ocl_trace_timings(context, now);
    for (size_t i = 0; i < state->timing_count; i++)
        timing_release(&state->timings[i]);
    state->timing_count = 0;
    return LENS_OK;
}

lens_status ocl_collect_timings(lens_context *context) {
    lens_span span = lens_span_begin(context->tracing.trace, "wait and read kernel times");
    lens_status status = collect(context);
    lens_span_end(&span);
    return status;
}

/* ---- the table ------------------------------------------------------------------------------ */

static int longest_first(const void *a, const void *b) {
    double x = ((const lens_profile_entry *)a)->seconds;
    double y = ((const lens_profile_entry *)b)->seconds;
    return (x < y) - (x > y);
}

lens_status ocl_context_profile(lens_context *context, lens_profile_entry *entries, size_t capacity,
                                size_t *count) {
    ocl_state *state = context->state;
    if (!state->profile)
        return lens_fail(LENS_UNSUPPORTED, "profile: the context was opened without `profile`");
    LENS_TRY(ocl_collect_timings(context));
    *count = 0;
    for (ocl_kernel *kernel = state->kernels; kernel; kernel = kernel->next) {
        if (!kernel->launches)
            continue;
        if (*count < capacity) {
            lens_profile_entry *entry = &entries[*count];
            snprintf(entry->kernel, sizeof entry->kernel, "%s", kernel->name);
            entry->launches = kernel->launches;
            entry->seconds = kernel->seconds;
        }
        ++*count;
    }
    qsort(entries, *count < capacity ? *count : capacity, sizeof *entries, longest_first);
    return LENS_OK;
}
