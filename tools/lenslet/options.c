/* options.c: getopt_long driven by a command's table. */
#include "options.h"
#include "cli.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OPTIONS_MAX = 40, HELP_COLUMN = 30, HELP_WIDTH = 92 };

static size_t row_count(const cli_command *command) {
    size_t count = 0;
    while (command->options && command->options[count].name)
        count++;
    return count;
}

/* ---- values -------------------------------------------------------------------------------- */

static double parse_real(const cli_command *command, const option *row, const char *text) {
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end || !isfinite(value))
        cli_usage(command->name, "--%s: \"%s\" is no number", row->name, text);
    if (value < row->low || (row->high > 0 && value > row->high)) {
        if (row->high > 0)
            cli_usage(command->name, "--%s: %s is outside %.9g .. %.9g", row->name, text, row->low,
                      row->high);
        cli_usage(command->name, "--%s: %s is less than %.9g", row->name, text, row->low);
    }
    return value;
}

static uint64_t parse_integer(const cli_command *command, const option *row, const char *text) {
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (end == text || *end || errno || strchr(text, '-') || value == SEED_UNSET)
        cli_usage(command->name, "--%s: \"%s\" is no whole number from 0 up", row->name, text);
    return value;
}

static int parse_choice(const cli_command *command, const option *row, const char *text) {
    size_t size = strlen(text);
    int index = 0;
    for (const char *word = row->value; word; index++) {
        if (size && !strncmp(word, text, size) && (word[size] == '|' || !word[size]))
            return index;
        word = strchr(word, '|');
        word += word != NULL;
    }
    cli_usage(command->name, "--%s: \"%s\" is none of %s", row->name, text, row->value);
}

static void store(const cli_command *command, const option *row, const char *text, char *fields) {
    void *field = fields + row->offset;
    switch (row->kind) {
    case OPTION_FLAG:
        *(bool *)field = true;
        break;
    case OPTION_OPTIONAL:
        if (text && !*text)
            cli_usage(command->name, "--%s=: the name of a file is missing", row->name);
        *(const char **)field = text ? text : "";
        break;
    case OPTION_TEXT:
        *(const char **)field = text;
        break;
    case OPTION_LIST: {
        text_list *list = field;
        if (list->count == TEXT_LIST_MAX)
            cli_usage(command->name, "--%s: more than %d", row->name, TEXT_LIST_MAX);
        list->items[list->count++] = text;
        break;
    }
    case OPTION_COUNT:
        parse_integer(command, row, text);
        *(size_t *)field = (size_t)parse_real(command, row, text); /* whole, and in its range */
        break;
    case OPTION_SEED:
        *(uint64_t *)field = parse_integer(command, row, text);
        break;
    case OPTION_REAL:
        *(double *)field = parse_real(command, row, text);
        break;
    case OPTION_CHOICE:
        *(int *)field = parse_choice(command, row, text);
        break;
    }
}

/* ---- the command line ---------------------------------------------------------------------- */

static void unknown_option(const cli_command *command, const char *given) {
    if (strncmp(given, "--", 2) != 0)
        cli_usage(command->name, "unknown option \"%s\"", given);
    const char *names[OPTIONS_MAX + 2] = {"help"};
    for (size_t i = 0; i < row_count(command); i++)
        names[i + 1] = command->options[i].name;
    char word[64];
    snprintf(word, sizeof word, "%.*s", (int)strcspn(given + 2, "="), given + 2);
    const char *nearest = cli_nearest(word, names);
    if (nearest)
        cli_usage(command->name, "unknown option \"--%s\"; did you mean --%s?", word, nearest);
    cli_usage(command->name, "unknown option \"--%s\"", word);
}

static int argument_of(const option *row) {
    return row->kind == OPTION_FLAG       ? no_argument
           : row->kind == OPTION_OPTIONAL ? optional_argument
                                          : required_argument;
}

/* "--profile trace.json", which would make a MODEL of the file: one that is there may be meant so.
 */
static void check_optional(const cli_command *command, const option *row, const char *next) {
    size_t size = next ? strlen(next) : 0;
    if (row->kind == OPTION_OPTIONAL && size > 5 && !strcmp(next + size - 5, ".json") &&
        access(next, F_OK) != 0)
        cli_usage(command->name, "--%s %s: a file is joined by \"=\", as --%s=%s", row->name, next,
                  row->name, next);
}

int options_parse(const cli_command *command, int argc, char **argv, void *fields, int least,
                  int most) {
    struct option longs[OPTIONS_MAX + 2] = {{"help", no_argument, NULL, 'h'}};
    char shorts[2 * OPTIONS_MAX + 4] = ":h";
    size_t used = 2, count = row_count(command);
    for (size_t i = 0; i < count && i < OPTIONS_MAX; i++) {
        const option *row = &command->options[i];
        int argument = argument_of(row);
        longs[i + 1] = (struct option){row->name, argument, NULL, 256 + (int)i};
        if (row->letter) {
            shorts[used++] = row->letter;
            if (argument == required_argument)
                shorts[used++] = ':';
        }
    }
    opterr = 0;
    for (int code; (code = getopt_long(argc, argv, shorts, longs, NULL)) != -1;) {
        if (code == 'h') {
            options_help(command);
            cli_exit(CLI_OK);
        }
        if (code == ':')
            cli_usage(command->name, "%s needs a value", argv[optind - 1]);
        if (code == '?')
            unknown_option(command, argv[optind - 1]);
        size_t i = 0;
        while (i < count && code != 256 + (int)i && code != command->options[i].letter)
            i++;
        if (!optarg)
            check_optional(command, &command->options[i], argv[optind]);
        store(command, &command->options[i], optarg, fields);
    }
    int left = argc - optind;
    if (left < least)
        cli_usage(command->name, "too few arguments: lenslet %s %s", command->name,
                  command->arguments);
    if (left > most)
        cli_usage(command->name, "one argument too many: \"%s\"", argv[optind + most]);
    memmove(argv + 1, argv + optind, (size_t)left * sizeof *argv);
    return left + 1;
}

/* ---- help ---------------------------------------------------------------------------------- */

/* `text` from column HELP_COLUMN on, broken at spaces. */
static void print_wrapped(const char *text) {
    size_t room = HELP_WIDTH - HELP_COLUMN;
    while (strlen(text) > room) {
        size_t cut = room;
        while (cut > 1 && text[cut] != ' ')
            cut--;
        printf("%.*s\n%*s", (int)cut, text, HELP_COLUMN, "");
        text += cut + 1;
    }
    puts(text);
}

static void print_row(char letter, const char *name, const char *value, bool is_optional,
                      const char *text) {
    char head[192], short_form[8] = "    ";
    if (letter)
        snprintf(short_form, sizeof short_form, "-%c, ", letter);
    snprintf(head, sizeof head,
             is_optional ? "  %s--%s[=%s]"
             : value     ? "  %s--%s %s"
                         : "  %s--%s%s",
             short_form, name, value ? value : "");
    if (strlen(head) >= HELP_COLUMN)
        printf("%s\n%*s", head, HELP_COLUMN, "");
    else
        printf("%-*s", HELP_COLUMN, head);
    print_wrapped(text);
}

void options_help(const cli_command *command) {
    printf("lenslet %s: %s\n\nUsage: lenslet %s %s\n", command->name, command->text, command->name,
           command->arguments);
    if (command->details)
        printf("\n%s\n", command->details);
    puts("\nOptions:");
    for (size_t i = 0; i < row_count(command); i++) {
        const option *row = &command->options[i];
        print_row(row->letter, row->name, row->value, row->kind == OPTION_OPTIONAL, row->text);
    }
    print_row('h', "help", NULL, false, "this text");
}
