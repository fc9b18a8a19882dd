/* error.c: status names, this thread's message, the log. */
#include "core/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Long enough for a compiler's log behind the sentence that names the kernel. */
#define MESSAGE_SIZE 8192

static _Thread_local char message[MESSAGE_SIZE];

static lens_log_callback *log_callback;
static void *log_user;

static const struct {
    const char *name, *text;
} statuses[] = {
#define X(name, text) {"LENS_" #name, text},
    LENS_STATUS_MAP(X)
#undef X
};

static bool is_status(lens_status status) {
    return (size_t)status < sizeof statuses / sizeof statuses[0];
}

const char *lens_status_name(lens_status status) {
    return is_status(status) ? statuses[status].name : "LENS_UNKNOWN";
}

const char *lens_status_text(lens_status status) {
    return is_status(status) ? statuses[status].text : "no status has this number";
}

const char *lens_last_error(void) {
    return message;
}

const char *lens_version(void) {
    return LENSLET_VERSION;
}

lens_status lens_fail(lens_status status, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    return status;
}

lens_status lens_fail_prefix(lens_status status, const char *format, ...) {
    static _Thread_local char rest[MESSAGE_SIZE];
    memcpy(rest, message, sizeof rest);
    va_list args;
    va_start(args, format);
    int used = vsnprintf(message, sizeof message, format, args);
    va_end(args);
    if (used >= 0 && (size_t)used < sizeof message)
        snprintf(message + used, sizeof message - (size_t)used, "%s", rest);
    return status;
}

lens_status lens_fail_memory(const char *what, size_t bytes) {
    return lens_fail(LENS_OUT_OF_MEMORY, "%s: no memory for %zu bytes", what, bytes);
}

void lens_set_log(lens_log_callback *callback, void *user) {
    log_callback = callback;
    log_user = user;
}

void lens_log(lens_log_level level, const char *format, ...) {
    if (!log_callback)
        return;
    char line[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    log_callback(level, line, log_user);
}
