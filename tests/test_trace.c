/* test_trace.c: timelines: their file, their limit, and what contexts put into them. */
#include "support.h"
#include "backend.h"
#include "core/timeline.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What lens_trace_write() makes of it; freed with json_decref(). */
static json_t *written(lens_trace *trace) {
    const char *path = test_temp_path("trace.json");
    size_t size;
    assert_ok(lens_trace_write(trace, path));
    char *text = test_read_file(path, &size);
    json_error_t error;
    json_t *document = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (!document)
        fail_msg("%s, line %d", error.text, error.line);
    free(text);
    return document;
}

static const char *text_of(const json_t *object, const char *key) {
    return json_string_value(json_object_get(object, key));
}

static const char *arg_of(const json_t *event, const char *key) {
    return text_of(json_object_get(event, "args"), key);
}

static json_t *events_of(const json_t *document) {
    return json_object_get(document, "traceEvents");
}

/* The number-th event of this phase and name; NULL when there are fewer. */
static const json_t *find(const json_t *document, const char *phase, const char *name,
                          size_t number) {
    size_t i;
    json_t *event;
    json_array_foreach(events_of(document), i, event) {
        if (!strcmp(text_of(event, "ph"), phase) && !strcmp(text_of(event, "name"), name) &&
            number-- == 0)
            return event;
    }
    return NULL;
}

static double real(const json_t *event, const char *key) {
    return json_number_value(json_object_get(event, key));
}

static double end_of(const json_t *event) {
    return real(event, "ts") + real(event, "dur");
}

static bool is_inside(const json_t *inner, const json_t *outer) {
    const double rounding = 1e-4; /* microseconds, of times that are written to a nanosecond */
    return real(inner, "tid") == real(outer, "tid") &&
           real(inner, "ts") >= real(outer, "ts") - rounding &&
           end_of(inner) <= end_of(outer) + rounding;
}

/* ---- the host ------------------------------------------------------------------------------- */

static void spans_nest(void **state) {
    (void)state;
    lens_trace *trace;
    assert_ok(lens_trace_new(&trace, "a \"title\" of \xc3\xa4 \xff kind"));
    lens_span outer = lens_span_begin(trace, "outer");
    lens_span inner = lens_span_begin(trace, "inner \"quoted\\\"");
    lens_span_end(&inner);
    lens_span_end(&inner); /* once is enough */
    lens_span_end(&outer);
    assert_false(lens_trace_is_full(trace));
    json_t *d = written(trace);
    const json_t *first = find(d, "X", "outer", 0), *second = find(d, "X", "inner \"quoted\\\"", 0);
    assert_non_null(first);
    assert_non_null(second);
    assert_true(is_inside(second, first));
    assert_null(find(d, "X", "inner \"quoted\\\"", 1));
    assert_string_equal(arg_of(find(d, "M", "process_name", 0), "name"),
                        "a \"title\" of ?? ? kind"); /* no UTF-8 */
    assert_string_equal(arg_of(find(d, "M", "thread_name", 0), "name"), "host");
    json_decref(d);
    lens_trace_free(trace);
}

static void no_trace_is_no_error(void **state) {
    (void)state;
    lens_span span = lens_span_begin(NULL, "nothing");
    lens_span_end(&span);
    lens_trace_layer(NULL, "conv", "conv2d");
    lens_trace_free(NULL);
    assert_null(lens_context_trace(test_device()));
}

/* Of events with the same times the one recorded later is the outer one, and comes first. */
static void equal_times_keep_their_order(void **state) {
    (void)state;
    lens_trace *trace;
    assert_ok(lens_trace_new(&trace, "test"));
    static const char *const names[] = {"kernel", "operation", "layer"};
    for (size_t i = 0; i < 3; i++)
        lens_trace_add(trace, &(lens_trace_event){.name = names[i],
                                                  .args = "",
                                                  .start = 1500,
                                                  .end = 2001,
                                                  .track = LENS_TRACK_HOST});
    json_t *d = written(trace);
    size_t count = json_array_size(events_of(d));
    for (size_t i = 0; i < 3; i++) {
        const json_t *event = json_array_get(events_of(d), count - 1 - i);
        assert_string_equal(text_of(event, "name"), names[i]);
        assert_true(real(event, "ts") == 1.5 && real(event, "dur") == 0.501);
    }
    json_decref(d);
    lens_trace_free(trace);
}

static void tracks_are_one_owners_at_a_time(void **state) {
    (void)state;
    lens_trace *trace;
    assert_ok(lens_trace_new(&trace, "test"));
    uint32_t a = lens_trace_take_track(trace, "data"), b = lens_trace_take_track(trace, "data");
    assert_true(a != b && a != LENS_TRACK_HOST && b != LENS_TRACK_HOST);
    lens_trace_give_back(trace, a);
    assert_int_equal(lens_trace_take_track(trace, "data"), a);
    uint32_t device = lens_trace_add_device(trace, "platform / device", "queue");
    assert_true(device != a && device != b);
    json_t *d = written(trace);
    assert_string_equal(arg_of(find(d, "M", "thread_name", 1), "name"), "data 1");
    assert_string_equal(arg_of(find(d, "M", "thread_name", 2), "name"), "data 2");
    assert_string_equal(arg_of(find(d, "M", "thread_name", 3), "name"), "queue");
    assert_string_equal(arg_of(find(d, "M", "process_name", 1), "name"), "platform / device");
    assert_true(real(find(d, "M", "thread_name", 3), "pid") == 2);
    json_decref(d);
    lens_trace_free(trace);
}

static void args_are_json_and_cut_whole(void **state) {
    (void)state;
    lens_trace_args args = {.used = 0};
    lens_trace_args_text(&args, "name", "a \"b\\ \n\xff");
    lens_trace_args_number(&args, "bytes", 123456789012345.0);
    assert_string_equal(args.text, "\"name\":\"a \\\"b\\\\ ??\",\"bytes\":123456789012345");
    char before[sizeof args.text];
    char huge[LENS_TRACE_ARGS];
    memset(huge, '"', sizeof huge - 1);
    huge[sizeof huge - 1] = 0;
    strcpy(before, args.text);
    lens_trace_args_text(&args, "huge", huge);
    assert_string_equal(args.text, before);
}

/* What began before the limit is kept, so that the phases around it are there. */
static void a_full_trace_says_where_it_stops(void **state) {
    (void)state;
    lens_trace *trace;
    assert_ok(lens_trace_new(&trace, "test"));
    lens_span whole = lens_span_begin(trace, "whole");
    for (size_t i = 0; i < LENS_TRACE_EVENTS + 10; i++) {
        lens_span span = lens_span_begin(trace, "short");
        lens_span_end(&span);
    }
    lens_span_end(&whole);
    lens_span late = lens_span_begin(trace, "late");
    lens_span_end(&late);
    assert_true(lens_trace_is_full(trace));
    assert_int_equal(lens_trace_get(trace).event_count, LENS_TRACE_EVENTS + 1);
    json_t *d = written(trace);
    const json_t *other = json_object_get(d, "otherData");
    assert_true(json_is_true(json_object_get(other, "full")));
    assert_int_equal(json_integer_value(json_object_get(other, "limit")), LENS_TRACE_EVENTS);
    assert_null(find(d, "X", "late", 0));
    const json_t *stop = find(d, "i", "recording stopped: 250000 events", 0);
    assert_non_null(stop);
    assert_non_null(find(d, "X", "whole", 0));
    assert_true(real(stop, "ts") > real(find(d, "X", "whole", 0), "ts"));
    json_decref(d);
    lens_trace_free(trace);
}

static void what_cannot_be_written_leaves_nothing(void **state) {
    (void)state;
    lens_trace *trace;
    assert_ok(lens_trace_new(&trace, "test"));
    assert_fails(lens_trace_write(trace, "/nowhere/trace.json"), LENS_IO, "/nowhere/trace.json");
    const char *folder = test_temp_dir();
    assert_fails(lens_trace_write(trace, folder), LENS_IO, folder);
    lens_trace_free(trace);
}

/* ---- devices -------------------------------------------------------------------------------- */

static lens_context *open_traced(lens_trace *trace) {
    lens_context_opts opts = lens_context_defaults();
    opts.trace = trace;
    lens_context *context;
    assert_ok(lens_context_open(&context, getenv("LENSLET_DEVICE"), &opts));
    assert_ptr_equal(lens_context_trace(context), trace);
    return context;
}

/* Two layers' operations, and one of none. */
static void work(lens_context *context) {
    lens_shape shape = {2, 3, 8, 8}, filter = {4, 3, 3, 3}, out = {2, 4, 6, 6};
    float *values = test_integers(2 * 3 * 8 * 8, 3, 1);
    lens_tensor *x = test_tensor(context, shape, values);
    lens_tensor *w = test_tensor(context, filter, values);
    lens_tensor *y = test_tensor(context, out, NULL);
    lens_conv2d_opts conv2d = lens_conv2d_defaults();
    lens_activation relu = lens_activation_of(LENS_RELU);
    lens_tensor *scratch = NULL;
    size_t wanted;
    assert_ok(lens_conv2d_scratch(&wanted, context, LENS_FORWARD, shape, filter, &conv2d));
    if (wanted)
        assert_ok(lens_tensor_new(&scratch, context, (lens_shape){1, wanted, 1, 1}));
    lens_trace_layer(lens_context_trace(context), "first", "conv2d");
    assert_ok(lens_conv2d_forward(y, x, w, NULL, &conv2d, scratch));
    assert_ok(lens_activation_backward_input(y, y, y, &relu));
    lens_trace_layer(lens_context_trace(context), NULL, NULL);
    assert_ok(lens_activation_forward(y, y, &relu));
    free(values);
    free(test_read(y));
    lens_tensor_free(scratch);
    lens_tensor_free(x), lens_tensor_free(w), lens_tensor_free(y);
}

/* The event of this name on the device's track. */
static const json_t *of_device(const json_t *document, const char *name) {
    const json_t *event;
    for (size_t i = 0; (event = find(document, "X", name, i)); i++)
        if (real(event, "pid") == 2)
            return event;
    fail_msg("the device has no event \"%s\"", name);
    return NULL;
}

/* Events of the device, one after the other or one inside the other, within the time of `around`.
 * Returns how many are inside an operation. */
static size_t check_device_track(const json_t *document, const json_t *around) {
    size_t i, kernels = 0;
    json_t *event, *outer = NULL;
    double end = 0;
    json_array_foreach(events_of(document), i, event) {
        if (strcmp(text_of(event, "ph"), "X") != 0 || real(event, "pid") != 2)
            continue;
        assert_true(real(event, "ts") >= real(around, "ts") && real(event, "dur") >= 0);
        assert_true(end_of(event) <= end_of(around) + 1e-4);
        if (outer && real(event, "ts") < end_of(outer) - 1e-4) {
            assert_true(is_inside(event, outer));
            assert_non_null(arg_of(event, "program"));
            kernels++;
        } else {
            assert_true(real(event, "ts") >= end - 1e-4);
            assert_non_null(arg_of(event, "op"));
            outer = event;
        }
        end = end_of(event);
    }
    return kernels;
}

static void operations_are_recorded(void **state) {
    (void)state;
    lens_trace *trace;
    assert_ok(lens_trace_new(&trace, "test"));
    lens_span span = lens_span_begin(trace, "around");
    lens_context *context = open_traced(trace);
    work(context);
    work(context);
    lens_context_free(context);
    lens_span_end(&span);
    json_t *d = written(trace);
    const json_t *conv = of_device(d, "first forward");
    assert_string_equal(arg_of(conv, "layer"), "first");
    assert_string_equal(arg_of(conv, "op"), "conv2d");
    assert_string_equal(arg_of(conv, "pass"), "forward");
    assert_string_equal(arg_of(conv, "x"), "2x3x8x8");
    assert_string_equal(arg_of(conv, "w"), "4x3x3x3");
    assert_string_equal(arg_of(conv, "y"), "2x4x6x6");
    assert_null(arg_of(conv, "b"));
    const json_t *args = json_object_get(conv, "args");
    assert_true(real(args, "flops") == 2.0 * 2 * 4 * 6 * 6 * 3 * 3 * 3);
    assert_true(real(args, "bytes") == 4.0 * (2 * 3 * 8 * 8 + 4 * 3 * 3 * 3 + 2 * 4 * 6 * 6));
    of_device(d, "first activation backward_input");
    const json_t *activation = of_device(d, "activation forward");
    assert_null(arg_of(activation, "layer"));
    of_device(d, "read");
    size_t kernels = check_device_track(d, find(d, "X", "around", 0));
    if (test_device_is_reference())
        assert_int_equal(kernels, 0);
    else
        assert_true(kernels >= 6);
    if (!test_device_is_reference())
        assert_non_null(find(d, "X", "build activation.cl", 0));
    json_decref(d);
    lens_trace_free(trace);
}

static void two_contexts_share_a_trace(void **state) {
    (void)state;
    lens_trace *trace;
    assert_ok(lens_trace_new(&trace, "test"));
    lens_context_opts opts = lens_context_defaults();
    opts.trace = trace;
    lens_context *context = open_traced(trace), *reference;
    assert_ok(lens_context_open(&reference, "reference", &opts));
    work(context);
    work(reference);
    lens_context_free(context);
    lens_context_free(reference);
    json_t *d = written(trace);
    assert_string_equal(arg_of(find(d, "M", "process_name", 2), "name"), "Lenslet / reference");
    of_device(d, "first forward");
    size_t of_reference = 0;
    const json_t *event;
    for (size_t i = 0; (event = find(d, "X", "first forward", i)); i++)
        of_reference += real(event, "pid") == 3;
    assert_int_equal(of_reference, 1);
    json_decref(d);
    lens_trace_free(trace);
}

/* A trace that is full lets the work go on, with the same results. */
static void a_full_trace_leaves_devices_alone(void **state) {
    (void)state;
    lens_trace *trace;
    assert_ok(lens_trace_new(&trace, "test"));
    for (size_t i = 0; i < LENS_TRACE_EVENTS; i++) {
        lens_span span = lens_span_begin(trace, "short");
        lens_span_end(&span);
    }
    lens_context *context = open_traced(trace);
    work(context);
    lens_context_free(context);
    assert_int_equal(lens_trace_get(trace).event_count, LENS_TRACE_EVENTS);
    lens_trace_free(trace);
}

/* Every operation of the table is recorded: all but what makes nothing run on the device. */
static void no_operation_is_forgotten(void **state) {
    (void)state;
#define SLOT(member) (offsetof(lens_backend, member) / sizeof(void *))
    static const size_t passed_on[] = {
        SLOT(name),          SLOT(context_open),     SLOT(context_close),  SLOT(context_profile),
        SLOT(buffer_new),    SLOT(buffer_free),      SLOT(conv2d_scratch), SLOT(conv2d_algorithms),
        SLOT(dense_scratch), SLOT(dense_algorithms), SLOT(lrn_scratch),    SLOT(optimizer_scratch)};
#undef SLOT
    lens_trace *trace;
    assert_ok(lens_trace_new(&trace, "test"));
    lens_context *context = open_traced(trace);
    void *const *traced = (void *const *)(const void *)context->backend;
    void *const *own = (void *const *)(const void *)test_device()->backend;
    for (size_t i = 0; i < sizeof(lens_backend) / sizeof *own; i++) {
        bool is_passed_on = false;
        for (size_t k = 0; k < sizeof passed_on / sizeof *passed_on; k++)
            is_passed_on |= passed_on[k] == i;
        if ((traced[i] == own[i]) != is_passed_on)
            fail_msg("member %zu of lens_backend is %srecorded", i, is_passed_on ? "" : "not ");
    }
    lens_context_free(context);
    lens_trace_free(trace);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spans_nest),
        cmocka_unit_test(no_trace_is_no_error),
        cmocka_unit_test(equal_times_keep_their_order),
        cmocka_unit_test(tracks_are_one_owners_at_a_time),
        cmocka_unit_test(args_are_json_and_cut_whole),
        cmocka_unit_test(a_full_trace_says_where_it_stops),
        cmocka_unit_test(what_cannot_be_written_leaves_nothing),
        cmocka_unit_test(operations_are_recorded),
        cmocka_unit_test(two_contexts_share_a_trace),
        cmocka_unit_test(a_full_trace_leaves_devices_alone),
        cmocka_unit_test(no_operation_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, test_close);
}
