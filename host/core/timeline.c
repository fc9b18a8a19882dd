/* timeline.c: a trace's events in memory, until they are written.
 *
 * A run repeats its steps, so names and args are few: each is kept once, and an event is five
 * words.
 */
#include "core/timeline.h"
#include "core/error.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct lens_trace {
    pthread_mutex_t lock; /* of all but the layer, which is the thread's that runs the contexts */
    struct timespec began;
    lens_trace_event *events;
    size_t event_count, event_capacity;
    lens_trace_track *tracks;
    size_t track_count;
    const char **processes;
    size_t process_count;
    char **texts; /* a hash table of a power of two places; NULL: free */
    size_t text_count, text_places;
    int64_t full_at;
    const char *layer, *layer_op;
};

/* ---- texts ---------------------------------------------------------------------------------- */

static size_t hash(const char *text) { /* FNV-1a */
    uint64_t value = 14695981039346656037u;
    for (; *text; text++)
        value = (value ^ (unsigned char)*text) * 1099511628211u;
    return (size_t)value;
}

/* The place of `text`, or the free one where it belongs. */
static char **find_text(char **texts, size_t places, const char *text) {
    size_t place = hash(text) & (places - 1);
    while (texts[place] && strcmp(texts[place], text) != 0)
        place = (place + 1) & (places - 1);
    return &texts[place];
}

static bool grow_texts(lens_trace *trace) {
    size_t places = trace->text_places ? 2 * trace->text_places : 256;
    char **texts = calloc(places, sizeof *texts);
    if (!texts)
        return false;
    for (size_t i = 0; i < trace->text_places; i++)
        if (trace->texts[i])
            *find_text(texts, places, trace->texts[i]) = trace->texts[i];
    free(trace->texts);
    trace->texts = texts;
    trace->text_places = places;
    return true;
}

static const char *keep_text(lens_trace *trace, const char *text) {
    if (2 * trace->text_count >= trace->text_places && !grow_texts(trace))
        return "";
    char **place = find_text(trace->texts, trace->text_places, text);
    if (!*place && (*place = strdup(text)))
        trace->text_count++;
    return *place ? *place : "";
}

const char *lens_trace_text(lens_trace *trace, const char *text) {
    pthread_mutex_lock(&trace->lock);
    const char *kept = keep_text(trace, text);
    pthread_mutex_unlock(&trace->lock);
    return kept;
}

/* ---- tracks --------------------------------------------------------------------------------- */

static uint32_t add_track(lens_trace *trace, uint32_t process, const char *name) {
    lens_trace_track *tracks =
        realloc(trace->tracks, (trace->track_count + 1) * sizeof *trace->tracks);
    if (!tracks)
        return LENS_TRACK_NONE;
    trace->tracks = tracks;
    tracks[trace->track_count] =
        (lens_trace_track){.name = keep_text(trace, name), .process = process};
    return (uint32_t)trace->track_count++;
}

/* Its track, or NONE. */
static uint32_t add_process(lens_trace *trace, const char *name, const char *track) {
    const char **processes =
        realloc(trace->processes, (trace->process_count + 1) * sizeof *trace->processes);
    if (!processes)
        return LENS_TRACK_NONE;
    trace->processes = processes;
    processes[trace->process_count] = keep_text(trace, name);
    return add_track(trace, (uint32_t)trace->process_count++, track);
}

uint32_t lens_trace_add_device(lens_trace *trace, const char *device, const char *track) {
    pthread_mutex_lock(&trace->lock);
    uint32_t number = add_process(trace, device, track);
    pthread_mutex_unlock(&trace->lock);
    return number;
}

uint32_t lens_trace_take_track(lens_trace *trace, const char *name) {
    if (!trace)
        return LENS_TRACK_NONE;
    pthread_mutex_lock(&trace->lock);
    uint32_t track = LENS_TRACK_NONE, alike = 0;
    for (uint32_t i = 0; i < trace->track_count && track == LENS_TRACK_NONE; i++) {
        const lens_trace_track *t = &trace->tracks[i];
        bool is_alike = t->process == 0 && strncmp(t->name, name, strlen(name)) == 0;
        alike += is_alike;
        if (is_alike && !t->is_taken && i != LENS_TRACK_HOST)
            track = i;
    }
    if (track == LENS_TRACK_NONE) {
        char numbered[64];
        snprintf(numbered, sizeof numbered, "%s %u", name, alike + 1);
        track = add_track(trace, 0, numbered);
    }
    if (track != LENS_TRACK_NONE)
        trace->tracks[track].is_taken = true;
    pthread_mutex_unlock(&trace->lock);
    return track;
}

void lens_trace_give_back(lens_trace *trace, uint32_t track) {
    if (!trace || track == LENS_TRACK_NONE)
        return;
    pthread_mutex_lock(&trace->lock);
    trace->tracks[track].is_taken = false;
    pthread_mutex_unlock(&trace->lock);
}

/* ---- life ----------------------------------------------------------------------------------- */

lens_status lens_trace_new(lens_trace **out, const char *title) {
    *out = NULL;
    lens_trace *trace = calloc(1, sizeof *trace);
    if (!trace)
        return lens_fail_memory("trace", sizeof *trace);
    pthread_mutex_init(&trace->lock, NULL);
    clock_gettime(CLOCK_MONOTONIC, &trace->began);
    trace->full_at = -1;
    if (add_process(trace, title, "host") != LENS_TRACK_HOST) {
        lens_trace_free(trace);
        return lens_fail_memory("trace", sizeof *trace->tracks);
    }
    *out = trace;
    return LENS_OK;
}

void lens_trace_free(lens_trace *trace) {
    if (!trace)
        return;
    for (size_t i = 0; i < trace->text_places; i++)
        free(trace->texts[i]);
    free(trace->texts);
    free(trace->events);
    free(trace->tracks);
    free(trace->processes);
    pthread_mutex_destroy(&trace->lock);
    free(trace);
}

bool lens_trace_is_full(const lens_trace *trace) {
    return trace->full_at >= 0;
}

lens_trace_content lens_trace_get(const lens_trace *trace) {
    return (lens_trace_content){.events = trace->events,
                                .event_count = trace->event_count,
                                .tracks = trace->tracks,
                                .track_count = trace->track_count,
                                .processes = trace->processes,
                                .process_count = trace->process_count,
                                .full_at = trace->full_at};
}

/* ---- events --------------------------------------------------------------------------------- */

int64_t lens_trace_now(const lens_trace *trace) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)(now.tv_sec - trace->began.tv_sec) * 1000000000 + now.tv_nsec -
           trace->began.tv_nsec;
}

bool lens_trace_has_room(lens_trace *trace) {
    if (!trace)
        return false;
    pthread_mutex_lock(&trace->lock);
    bool has_room = trace->full_at < 0 && trace->event_count < LENS_TRACE_EVENTS;
    if (!has_room && trace->full_at < 0)
        trace->full_at = lens_trace_now(trace);
    pthread_mutex_unlock(&trace->lock);
    return has_room;
}

/* With the lock held. */
static bool grow_events(lens_trace *trace) {
    size_t capacity = trace->event_capacity ? 2 * trace->event_capacity : 4096;
    lens_trace_event *events = realloc(trace->events, capacity * sizeof *events);
    if (!events)
        return false;
    trace->events = events;
    trace->event_capacity = capacity;
    return true;
}

void lens_trace_add(lens_trace *trace, const lens_trace_event *event) {
    if (event->track == LENS_TRACK_NONE)
        return;
    pthread_mutex_lock(&trace->lock);
    if (trace->event_count < trace->event_capacity || grow_events(trace))
        trace->events[trace->event_count++] = *event;
    else if (trace->full_at < 0)
        trace->full_at = event->start;
    pthread_mutex_unlock(&trace->lock);
}

lens_span lens_span_begin_on(lens_trace *trace, uint32_t track, const char *name,
                             const char *args) {
    if (track == LENS_TRACK_NONE || !lens_trace_has_room(trace))
        return (lens_span){.trace = NULL};
    return (lens_span){.trace = trace,
                       .track = track,
                       .start = lens_trace_now(trace),
                       .name = lens_trace_text(trace, name),
                       .args = lens_trace_text(trace, args)};
}

lens_span lens_span_begin(lens_trace *trace, const char *name) {
    return lens_span_begin_on(trace, LENS_TRACK_HOST, name, "");
}

void lens_span_end(lens_span *span) {
    if (!span->trace)
        return;
    lens_trace_event event = {.name = span->name,
                              .args = span->args,
                              .start = span->start,
                              .end = lens_trace_now(span->trace),
                              .track = span->track};
    lens_trace_add(span->trace, &event);
    span->trace = NULL;
}

/* ---- args ----------------------------------------------------------------------------------- */

/* `value` as it stands in a JSON string; what is not plain ASCII becomes '?'. */
static void escape(char *to, size_t size, const char *value) {
    size_t used = 0;
    for (; *value && used + 2 < size; value++) {
        if (*value == '"' || *value == '\\')
            to[used++] = '\\';
        to[used++] = *value >= 0x20 && *value < 0x7f ? *value : '?';
    }
    to[used] = 0;
}

/* `written`: what snprintf said of the member put behind the others, which goes if it was cut. */
static void close_member(lens_trace_args *args, int written) {
    if (written > 0 && args->used + (size_t)written < sizeof args->text)
        args->used += (size_t)written;
    args->text[args->used] = 0;
}

void lens_trace_args_text(lens_trace_args *args, const char *key, const char *value) {
    char escaped[LENS_TRACE_ARGS];
    escape(escaped, sizeof escaped, value);
    close_member(args, snprintf(args->text + args->used, sizeof args->text - args->used,
                                "%s\"%s\":\"%s\"", args->used ? "," : "", key, escaped));
}

void lens_trace_args_number(lens_trace_args *args, const char *key, double value) {
    close_member(args, snprintf(args->text + args->used, sizeof args->text - args->used,
                                "%s\"%s\":%.0f", args->used ? "," : "", key, value));
}

/* ---- the layer ------------------------------------------------------------------------------ */

void lens_trace_layer(lens_trace *trace, const char *layer, const char *op) {
    if (!trace)
        return;
    trace->layer = layer;
    trace->layer_op = op;
}

const char *lens_trace_layer_name(const lens_trace *trace) {
    return trace->layer;
}

void lens_trace_operation_name(const lens_trace *trace, char *name, size_t size, const char *op,
                               const char *pass) {
    bool is_own = trace->layer && trace->layer_op && strcmp(op, trace->layer_op) == 0;
    snprintf(name, size, "%s%s%s%s%s", trace->layer ? trace->layer : "", trace->layer ? " " : "",
             is_own ? "" : op, is_own || !*pass ? "" : " ", pass);
}
