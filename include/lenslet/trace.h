/* trace.h: a timeline of what the host and its devices did, as a file for Perfetto
 * (ui.perfetto.dev) and chrome://tracing.
 *
 *     lens_trace_new(&trace, "my program");
 *     opts.trace = trace;                             for lens_context_new(), of any number of
 * devices lens_span span = lens_span_begin(trace, "read images");
 *     ...
 *     lens_span_end(&span);
 *     lens_context_free(context);                     hands over what the device has measured
 *     lens_trace_write(trace, "trace.json");
 *
 * The host and each device are a process of the timeline. On a device's track every operation
 * stands over its kernels, as its events measured them, on the host's clock; on the reference the
 * operation is the time of the call. The host's tracks show phases (forward, waiting for data,
 * building a program), the queueing of each operation, and the threads that prepare batches.
 *
 * Threads: a trace and the contexts that share it are used by one thread; the library's own threads
 * have tracks of their own.
 */
#ifndef LENSLET_TRACE_H
#define LENSLET_TRACE_H

#include "lenslet/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct lens_trace lens_trace;

/* A trace holds so many events, in some 15 MB; what begins after the last one is left out. */
#define LENS_TRACE_EVENTS 250000

/* `title` names the host's process. */
LENS_API lens_status lens_trace_new(lens_trace **out, const char *title);

/* After every context that has it. NULL is allowed. */
LENS_API void lens_trace_free(lens_trace *trace);

/* Whether something had to be left out; the timeline then says where it stops. */
LENS_API bool lens_trace_is_full(const lens_trace *trace);

/* Write the timeline, whole or not at all. IO when the file cannot be written. */
LENS_API lens_status lens_trace_write(lens_trace *trace, const char *path);

/* A phase of the host. Phases nest: the one that began last ends first. */
typedef struct lens_span {
    lens_trace *trace; /* NULL: nothing is recorded */
    uint32_t track;
    int64_t start;
    const char *name, *args;
} lens_span;

/* `trace` may be NULL, and then nothing happens; `name` is copied. */
LENS_API lens_span lens_span_begin(lens_trace *trace, const char *name);
LENS_API void lens_span_end(lens_span *span);

/* Whose operations follow: they are shown under the layer's name. `op` is the layer's own
 * operation, "conv2d". NULL: no layer's. Both are borrowed until the next call. `trace` may be
 * NULL. */
LENS_API void lens_trace_layer(lens_trace *trace, const char *layer, const char *op);

#ifdef __cplusplus
}
#endif

#endif
