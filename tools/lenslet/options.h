/* options.h: a command's options, from one table that gives both the parser and the help.
 */
#ifndef LENSLET_CLI_OPTIONS_H
#define LENSLET_CLI_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

struct cli_command;

typedef enum option_kind {
    OPTION_FLAG = 1, /* bool */
    OPTION_TEXT,     /* const char * */
    OPTION_OPTIONAL, /* const char *, joined by "="; "" without a value */
    OPTION_LIST,     /* text_list: may be given several times */
    OPTION_COUNT,    /* size_t, low .. high */
    OPTION_SEED,     /* uint64_t */
    OPTION_REAL,     /* double, low .. high */
    OPTION_CHOICE    /* int: which of the words in `value`, "text|json|csv|md" */
} option_kind;

#define TEXT_LIST_MAX 16
typedef struct text_list {
    size_t count;
    const char *items[TEXT_LIST_MAX];
} text_list;

typedef struct option_row {
    const char *name; /* "batch-size" */
    char letter;      /* 'b'; 0: none */
    option_kind kind;
    const char *value; /* what follows it, in the help */
    const char *text;  /* what it does, in the help */
    size_t offset;     /* of its field in the struct that options_parse() fills */
    double low, high;  /* of numbers; high 0: no limit */
} option;

/* A number that was not given, where the default comes from somewhere else. Reals: NaN. */
#define COUNT_UNSET ((size_t)-1)
#define SEED_UNSET UINT64_MAX /* no seed that can be given */

/* Rows that many commands have. `type` is the command's struct of options. */
#define OPTION_FORMAT_ROW(type)                                                                    \
    {                                                                                              \
        "format", 'f', OPTION_CHOICE, "text|json|csv|md", "how to print the result",               \
            offsetof(type, format)                                                                 \
    }
#define OPTION_DEVICE_ROW(type)                                                                    \
    { "device", 'd', OPTION_TEXT, "DEVICE", DEVICE_HELP, offsetof(type, device) }
#define OPTION_DEVICES_ROW(type)                                                                   \
    {                                                                                              \
        "device", 'd', OPTION_LIST, "DEVICE",                                                      \
            DEVICE_HELP "; \"all\" is every one; may be repeated", offsetof(type, devices)         \
    }
#define OPTION_ALGORITHM_ROW(type)                                                                 \
    {                                                                                              \
        "algorithm", 0, OPTION_TEXT, "NAME",                                                       \
            "take this algorithm wherever an operation has it, e.g. direct",                       \
            offsetof(type, algorithm)                                                              \
    }
#define OPTION_PROFILE_ROW(type)                                                                   \
    {                                                                                              \
        "profile", 0, OPTION_OPTIONAL, "F.json",                                                   \
            "measure every kernel; the table goes to stderr. With =F.json also write a timeline "  \
            "for ui.perfetto.dev or chrome://tracing: the first 250,000 events, then it stops",    \
            offsetof(type, profile)                                                                \
    }
#define DEVICE_HELP                                                                                \
    "auto, reference, a number of `lenslet devices`, P:D, gpu, cpu:1 or part of a name; default "  \
    "LENSLET_DEVICE or auto"

/* Fill `fields` from argv and leave what is no option in argv[1 .. result - 1]. For --help it
 * prints the help and exits; for bad usage it says so and exits. Fields keep their value when their
 * option is not given. At least `least` and at most `most` arguments must be left. */
int options_parse(const struct cli_command *command, int argc, char **argv, void *fields, int least,
                  int most);

/* The help of a command, on stdout. */
void options_help(const struct cli_command *command);

#endif
