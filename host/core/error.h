/* error.h: how a failure is reported inside the library.
 *
 * The layer that finds the fault writes the message; layers above pass the status on untouched.
 */
#ifndef LENSLET_CORE_ERROR_H
#define LENSLET_CORE_ERROR_H

#include "lenslet/status.h"

/* Set this thread's message and return `status`: return lens_fail(LENS_BAD_SHAPE, "...", ...). */
lens_status lens_fail(lens_status status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Put text in front of this thread's message, for a caller that knows what failed ("layer conv2d_1:
 * "). Returns `status`. */
lens_status lens_fail_prefix(lens_status status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The same for memory, without needing any. */
lens_status lens_fail_memory(const char *what, size_t bytes);

/* Pass a failure on. */
#define LENS_TRY(call)                                                                             \
    do {                                                                                           \
        lens_status lens_try_status = (call);                                                      \
        if (lens_try_status != LENS_OK)                                                            \
            return lens_try_status;                                                                \
    } while (0)

void lens_log(lens_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
