/* cli.h: what every command shares: exit codes, messages, the table of commands.
 *
 * Data goes to stdout, everything else to stderr. A command's inner functions return a lens_status,
 * as the library does; cli_report() prints the message and gives the exit code.
 */
#ifndef LENSLET_CLI_H
#define LENSLET_CLI_H

#include "lenslet/lenslet.h"

#include "options.h"

/* Documented in the README; scripts rely on them. */
enum {
    CLI_OK = 0,
    CLI_CHECK_FAILED = 1, /* or training that ended in no numbers */
    CLI_USAGE = 2,
    CLI_NO_DEVICE = 3, /* or an ambiguous one */
    CLI_DEVICE = 4,
    CLI_BAD_FILE = 5,
    CLI_IO = 6,
    CLI_NO_MEMORY = 7,
    CLI_SIGNAL = 128 /* + 2 after Ctrl-C, + 15 after TERM */
};

/* One command. main.c has the table of them. */
typedef struct cli_command {
    const char *name;
    const char *arguments;             /* "MODEL [OPTION ...]" */
    const char *text;                  /* one line for `lenslet help` */
    const char *details;               /* lines for its own help; NULL: none */
    const option *options;             /* ends with {0} */
    int (*run)(int argc, char **argv); /* argv[0] is the command's name; returns an exit code */
} cli_command;

extern const cli_command command_devices, command_models, command_summary, command_check,
    command_train, command_tune, command_curve, command_eval, command_diagnose, command_predict,
    command_show, command_run, command_bench, command_report;

/* The command called `name`; NULL when there is none. */
const cli_command *cli_find(const char *name);

/* Set the message of a failure that the command itself has found, and return `status`. */
lens_status cli_fail(lens_status status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* "lenslet train: message" on stderr for any failure; the exit code that goes with `status`. */
int cli_report(const char *command, lens_status status);

/* What went wrong last: found by the command, else by the library. */
const char *cli_message(void);

/* Forget it, before something else is tried. */
void cli_forget(void);

/* A line on stderr that is no failure. */
void cli_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Print "lenslet COMMAND: message", where to read more, and exit with CLI_USAGE. */
void cli_usage(const char *command, const char *format, ...)
    __attribute__((format(printf, 2, 3), noreturn));

/* Leave with `code`, or with CLI_IO if stdout could not be written. */
void cli_exit(int code) __attribute__((noreturn));

/* Pass a failure on. */
#define TRY(call)                                                                                  \
    do {                                                                                           \
        lens_status try_status = (call);                                                           \
        if (try_status != LENS_OK)                                                                 \
            return try_status;                                                                     \
    } while (0)

/* The nearest of `words` (a list that ends with NULL) to a mistyped one; NULL when none is near. */
const char *cli_nearest(const char *word, const char *const *words);

/* Allocation that cannot fail: without memory it reports so and exits with CLI_NO_MEMORY. */
void *cli_alloc(size_t count, size_t size);

/* Seconds from a clock that only goes forward. */
double cli_seconds(void);

#endif
