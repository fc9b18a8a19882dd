/* trace_write.c: a trace as JSON, in the trace event format that Chrome began and Perfetto reads:
 * "X" for an event with its begin and duration in microseconds, "M" for names of processes (pid)
 * and tracks (tid), "i" for the moment when the trace was full.
 */
#include "core/timeline.h"
#include "io/atomic_file.h"

#include <assert.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

typedef struct writer {
    atomic_file file;
    bool has_events; /* so that the next one needs a comma */
} writer;

static void put(writer *w, const char *text) {
    atomic_file_write(&w->file, text, strlen(text));
}

/* Numbers and literals; at most 255 characters. */
__attribute__((format(printf, 2, 3))) static void put_numbers(writer *w, const char *format, ...) {
    char text[256];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    put(w, text);
}

static void put_ascii(writer *w, const char *text) {
    put(w, "\"");
    for (; *text; text++) {
        char one[3] = {'\\', *text, 0};
        bool is_plain = *text >= 0x20 && *text < 0x7f;
        put(w, !is_plain ? "?" : *text == '"' || *text == '\\' ? one : one + 1);
    }
    put(w, "\"");
}

/* Of any text; what is not UTF-8 is written with '?' in place of all that is not ASCII. */
static void put_text(writer *w, const char *text) {
    json_t *value = json_string(text);
    char *quoted = value ? json_dumps(value, JSON_ENCODE_ANY) : NULL;
    if (quoted)
        put(w, quoted);
    else
        put_ascii(w, text);
    free(quoted);
    json_decref(value);
}

/* Up to its name. Processes are numbered from 1, as systems do. */
static void begin_event(writer *w, char phase, uint32_t process, uint32_t track) {
    put_numbers(w, "%s{\"ph\":\"%c\",\"pid\":%" PRIu32 ",\"tid\":%" PRIu32 ",\"name\":",
                w->has_events ? ",\n" : "\n", phase, process + 1, track + 1);
    w->has_events = true;
}

static void put_microseconds(writer *w, const char *key, int64_t nanoseconds) {
    put_numbers(w, ",\"%s\":%" PRId64 ".%03" PRId64, key, nanoseconds / 1000, nanoseconds % 1000);
}

/* ---- the parts ------------------------------------------------------------------------------ */

static void name_process(writer *w, uint32_t process, const char *name) {
    begin_event(w, 'M', process, 0);
    put(w, "\"process_name\",\"args\":{\"name\":");
    put_text(w, name);
    put(w, "}}");
    begin_event(w, 'M', process, 0);
    put_numbers(w, "\"process_sort_index\",\"args\":{\"sort_index\":%" PRIu32 "}}", process);
}

static void name_track(writer *w, uint32_t track, const lens_trace_track *t) {
    begin_event(w, 'M', t->process, track);
    put(w, "\"thread_name\",\"args\":{\"name\":");
    put_text(w, t->name);
    put(w, "}}");
    begin_event(w, 'M', t->process, track);
    put_numbers(w, "\"thread_sort_index\",\"args\":{\"sort_index\":%" PRIu32 "}}", track);
}

static void put_event(writer *w, const lens_trace_event *event, const lens_trace_track *track) {
    begin_event(w, 'X', track->process, event->track);
    put_text(w, event->name);
    put_microseconds(w, "ts", event->start);
    put_microseconds(w, "dur", event->end - event->start);
    if (*event->args) {
        put(w, ",\"args\":{");
        put(w, event->args);
        put(w, "}");
    }
    put(w, "}");
}

static void put_full(writer *w, int64_t at) {
    begin_event(w, 'i', 0, LENS_TRACK_HOST);
    put_numbers(w, "\"recording stopped: %d events\",\"s\":\"g\"", LENS_TRACE_EVENTS);
    put_microseconds(w, "ts", at);
    put(w, "}");
}

/* By track and begin; of those that begin together the outer one first: the longer, and of equal
 * ones that which was recorded later. */
static int in_order(const void *a, const void *b) {
    const lens_trace_event *x = *(const lens_trace_event *const *)a;
    const lens_trace_event *y = *(const lens_trace_event *const *)b;
    if (x->track != y->track)
        return x->track < y->track ? -1 : 1;
    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    if (x->end != y->end)
        return x->end > y->end ? -1 : 1;
    return (x < y) - (x > y);
}

static void put_content(writer *w, const lens_trace_content *c, const lens_trace_event **events) {
    put(w, "{\"displayTimeUnit\":\"ms\",\"otherData\":{\"lenslet\":\"" LENSLET_VERSION "\"");
    put_numbers(w, ",\"events\":%zu,\"limit\":%d,\"full\":%s},\"traceEvents\":[", c->event_count,
                LENS_TRACE_EVENTS, c->full_at >= 0 ? "true" : "false");
    for (size_t i = 0; i < c->process_count; i++)
        name_process(w, (uint32_t)i, c->processes[i]);
    for (size_t i = 0; i < c->track_count; i++)
        name_track(w, (uint32_t)i, &c->tracks[i]);
    for (size_t i = 0; i < c->event_count; i++)
        put_event(w, events[i], &c->tracks[events[i]->track]);
    if (c->full_at >= 0)
        put_full(w, c->full_at);
    put(w, "\n]}\n");
}

lens_status lens_trace_write(lens_trace *trace, const char *path) {
    assert(trace && path);
    lens_trace_content c = lens_trace_get(trace);
    const lens_trace_event **events = malloc((c.event_count + 1) * sizeof *events);
    if (!events)
        return lens_fail_memory(path, (c.event_count + 1) * sizeof *events);
    for (size_t i = 0; i < c.event_count; i++)
        events[i] = &c.events[i];
    qsort(events, c.event_count, sizeof *events, in_order);
    writer w = {0};
    lens_status status = atomic_file_open(&w.file, path);
    if (status == LENS_OK) {
        put_content(&w, &c, events);
        status = atomic_file_close(&w.file);
    }
    free(events);
    return status;
}
