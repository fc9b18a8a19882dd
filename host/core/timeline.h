/* timeline.h: recording a trace's events, for the parts of the library that have some. */
#ifndef LENSLET_CORE_TIMELINE_H
#define LENSLET_CORE_TIMELINE_H

#include "lenslet/trace.h"

/* Times are nanoseconds since the trace began, on the host's clock that only goes forward. */
typedef struct lens_trace_event {
    const char *name, *args; /* kept by the trace; args: members of a JSON object, "" for none */
    int64_t start, end;
    uint32_t track;
} lens_trace_event;

/* Events of one track nest or follow each other, they never overlap. */
typedef struct lens_trace_track {
    const char *name;
    uint32_t process;
    bool is_taken;
} lens_trace_track;

#define LENS_TRACK_HOST 0u
#define LENS_TRACK_NONE UINT32_MAX /* what is recorded there is left out */

/* What lens_trace_write() writes, in the order in which it was recorded: of two events with the
 * same times on one track the later one is the outer one. Borrowed. */
typedef struct lens_trace_content {
    const lens_trace_event *events;
    size_t event_count;
    const lens_trace_track *tracks;
    size_t track_count;
    const char *const *processes;
    size_t process_count;
    int64_t full_at; /* when the first event was left out; -1: none was */
} lens_trace_content;

lens_trace_content lens_trace_get(const lens_trace *trace);

int64_t lens_trace_now(const lens_trace *trace);

/* Text that the trace keeps: equal texts are one. "" when there is no memory left. */
const char *lens_trace_text(lens_trace *trace, const char *text);

/* Where events may begin: false when the trace is NULL or full. */
bool lens_trace_has_room(lens_trace *trace);

/* An event that began when there was room. */
void lens_trace_add(lens_trace *trace, const lens_trace_event *event);

/* A process for a device, with one track. */
uint32_t lens_trace_add_device(lens_trace *trace, const char *device, const char *track);

/* A track "data 1" of the host that is nobody else's until it is given back. */
uint32_t lens_trace_take_track(lens_trace *trace, const char *name);
void lens_trace_give_back(lens_trace *trace, uint32_t track);

/* A phase on a track, with args. */
lens_span lens_span_begin_on(lens_trace *trace, uint32_t track, const char *name, const char *args);

/* ---- args ----------------------------------------------------------------------------------- */

#define LENS_TRACE_ARGS 640

/* The members of a JSON object, put together; what does not fit is left out. */
typedef struct lens_trace_args {
    char text[LENS_TRACE_ARGS];
    size_t used;
} lens_trace_args;

void lens_trace_args_text(lens_trace_args *args, const char *key, const char *value);
void lens_trace_args_number(lens_trace_args *args, const char *key, double value); /* whole */

/* ---- the layer that operations belong to ------------------------------------------------------
 */

/* NULL: none. */
const char *lens_trace_layer_name(const lens_trace *trace);

/* "conv2d_1 forward", "conv2d_1 activation backward_input", "loss forward", into `name`. */
void lens_trace_operation_name(const lens_trace *trace, char *name, size_t size, const char *op,
                               const char *pass);

#endif
