/* ocl_trace.c: what a device has run, in its context's trace.
 *
 * A device's clock has its own zero and pace, and OpenCL 1.2 does not say how it stands to the
 * host's. But nothing starts before the host has begun to queue it, and all has ended when the host
 * has waited for it: each reading of times tells the difference between the clocks anew, to within
 * the microseconds that queueing takes, and no event stands where it cannot have been.
 */
#include "opencl/opencl.h"

static bool is_recorded(const ocl_timing *timing) {
    return timing->name && timing->ended; /* 0: the driver does not tell */
}

/* The device's clock less the trace's. */
static int64_t clock_difference(const ocl_timing *timings, size_t count, int64_t now) {
    int64_t least = INT64_MIN, most = INT64_MAX;
    for (size_t i = 0; i < count; i++) {
        const ocl_timing *t = &timings[i];
        if (!is_recorded(t))
            continue;
        bool has_queued = t->queued && t->queued <= t->started; /* not all drivers tell */
        int64_t first = (int64_t)(has_queued ? t->queued : t->started) - t->queued_at;
        most = first < most ? first : most;
        int64_t last = (int64_t)t->ended - now;
        least = last > least ? last : least;
    }
    return most > least ? most : least;
}

static void close_operation(lens_context *context) {
    ocl_trace_state *state = &ocl_state_of(context)->trace;
    if (state->open.name)
        lens_trace_add(context->tracing.trace, &state->open);
    state->open.name = NULL;
}

/* The queue runs one after the other: where a driver's times overlap by their rounding, the later
 * event gives way. */
static void record(lens_context *context, const ocl_timing *timing, int64_t difference) {
    ocl_trace_state *state = &ocl_state_of(context)->trace;
    lens_trace_event event = {.name = timing->name,
                              .args = timing->args,
                              .start = (int64_t)timing->started - difference,
                              .end = (int64_t)timing->ended - difference,
                              .track = context->tracing.track};
    if (event.start < state->end)
        event.start = state->end;
    if (event.end < event.start)
        event.end = event.start;
    state->end = event.end;
    if (state->operation != timing->operation)
        close_operation(context);
    if (timing->op && !state->open.name) {
        state->open = event;
        state->open.name = timing->op;
        state->open.args = timing->op_args;
    }
    state->operation = timing->operation;
    state->open.end = event.end;
    lens_trace_add(context->tracing.trace, &event);
}

void ocl_trace_timings(lens_context *context, int64_t now) {
    const ocl_state *state = ocl_state_of(context);
    int64_t difference = clock_difference(state->timings, state->timing_count, now);
    for (size_t i = 0; i < state->timing_count; i++)
        if (is_recorded(&state->timings[i]))
            record(context, &state->timings[i], difference);
}

void ocl_trace_close(lens_context *context) {
    close_operation(context);
}
