/* cli.c: messages and exit codes. */
#include "cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static char message[1024]; /* of a failure found by the command, "" when the library found it */

lens_status cli_fail(lens_status status, const char *format, ...) {
    va_list list;
    va_start(list, format);
    vsnprintf(message, sizeof message, format, list);
    va_end(list);
    return status;
}

static int exit_code(lens_status status) {
    switch (status) {
    case LENS_OK:
        return CLI_OK;
    case LENS_BAD_ARGUMENT:
        return CLI_USAGE;
    case LENS_NO_DEVICE:
    case LENS_AMBIGUOUS_DEVICE:
        return CLI_NO_DEVICE;
    case LENS_DEVICE:
    case LENS_BUILD:
        return CLI_DEVICE;
    case LENS_BAD_SHAPE: /* of a network or of data, and both come from files */
    case LENS_UNSUPPORTED:
    case LENS_BAD_FILE:
        return CLI_BAD_FILE;
    case LENS_IO:
        return CLI_IO;
    case LENS_OUT_OF_MEMORY:
        return CLI_NO_MEMORY;
    case LENS_INTERRUPTED:
        return CLI_SIGNAL + 2;
    case LENS_DIVERGED:
        return CLI_CHECK_FAILED;
    }
    return CLI_USAGE;
}

const char *cli_message(void) {
    return *message ? message : lens_last_error();
}

void cli_forget(void) {
    *message = 0;
}

int cli_report(const char *command, lens_status status) {
    if (status != LENS_OK)
        fprintf(stderr, "lenslet %s: %s\n", command, cli_message());
    return exit_code(status);
}

void cli_note(const char *format, ...) {
    va_list list;
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fputc('\n', stderr);
}

void cli_usage(const char *command, const char *format, ...) {
    fprintf(stderr, "lenslet%s%s: ", *command ? " " : "", command);
    va_list list;
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fprintf(stderr, "\n`lenslet %s%s--help` says more.\n", command, *command ? " " : "");
    cli_exit(CLI_USAGE);
}

void cli_exit(int code) {
    bool failed = ferror(stdout) != 0;
    errno = 0;
    if (fclose(stdout) != 0 || failed) {
        fprintf(stderr, "lenslet: cannot write to stdout: %s\n",
                errno ? strerror(errno) : "an earlier write failed");
        code = code == CLI_OK ? CLI_IO : code;
    }
    exit(code);
}

/* Levenshtein's distance between words of at most 31 letters. */
static size_t distance(const char *a, const char *b) {
    size_t row[32], a_size = strlen(a), b_size = strlen(b);
    if (a_size > 31 || b_size > 31)
        return SIZE_MAX;
    for (size_t j = 0; j <= b_size; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_size; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
            size_t shorter = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = replaced < shorter ? replaced : shorter;
        }
    }
    return row[b_size];
}

const char *cli_nearest(const char *word, const char *const *words) {
    const char *nearest = NULL;
    size_t least = 1 + strlen(word) / 3; /* one slip in three letters */
    for (; *words; words++) {
        size_t apart = distance(word, *words);
        if (apart <= least) {
            nearest = *words;
            least = apart;
        }
    }
    return nearest;
}

void *cli_alloc(size_t count, size_t size) {
    void *memory = calloc(count ? count : 1, size);
    if (!memory) {
        fprintf(stderr, "lenslet: no memory left for %zu x %zu bytes\n", count, size);
        cli_exit(CLI_NO_MEMORY);
    }
    return memory;
}

double cli_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}
