/* status.h: what every call returns, and where its message is.
 *
 * A call that can fail returns a lens_status; the code decides, the message explains. The message
 * is one line, belongs to the calling thread, and names the subject, the values and the rule:
 * "conv2d: x has 3 channels, w expects 16". The library never prints, exits or aborts on bad
 * input; a NULL handle is a programming error and asserts.
 */
#ifndef LENSLET_STATUS_H
#define LENSLET_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define LENS_API __attribute__((visibility("default")))
#else
#define LENS_API
#endif

#define LENSLET_VERSION "0.1.0"

/* One list gives the codes, their names and their meaning. */
#define LENS_STATUS_MAP(X)                                                                         \
    X(OK, "done")                                                                                  \
    X(BAD_ARGUMENT, "an argument is outside its rule")                                             \
    X(BAD_SHAPE, "shapes do not fit together")                                                     \
    X(UNSUPPORTED, "the arguments are right, but this cannot do it")                               \
    X(NO_DEVICE, "no such device")                                                                 \
    X(AMBIGUOUS_DEVICE, "more than one device has that name")                                      \
    X(DEVICE, "the device or its driver failed")                                                   \
    X(BUILD, "a kernel does not compile")                                                          \
    X(BAD_FILE, "a file is missing or does not hold what it should")                               \
    X(IO, "reading or writing failed")                                                             \
    X(OUT_OF_MEMORY, "no memory left, here or on the device")                                      \
    X(INTERRUPTED, "stopped on request")                                                           \
    X(DIVERGED, "training ended in values that are no numbers")

typedef enum lens_status {
#define X(name, text) LENS_##name,
    LENS_STATUS_MAP(X)
#undef X
} lens_status;

/* "LENS_BAD_SHAPE"; "LENS_UNKNOWN" for a number that is no status. Never NULL. */
LENS_API const char *lens_status_name(lens_status status);

/* "shapes do not fit together". Never NULL. */
LENS_API const char *lens_status_text(lens_status status);

/* The message of this thread's latest failure, "" before the first. Borrowed: valid until this
 * thread's next failing call. */
LENS_API const char *lens_last_error(void);

/* The version of the library that is running, as LENSLET_VERSION was when it was built. */
LENS_API const char *lens_version(void);

typedef enum lens_log_level { LENS_LOG_DEBUG, LENS_LOG_INFO, LENS_LOG_WARNING } lens_log_level;

/* Receives one line without its newline. May be called from any thread. */
typedef void lens_log_callback(lens_log_level level, const char *line, void *user);

/* Set what becomes of log lines; NULL, the default, drops them. Call it once, before anything
 * else: it is the one setting of the whole process. */
LENS_API void lens_set_log(lens_log_callback *callback, void *user);

#ifdef __cplusplus
}
#endif

#endif
