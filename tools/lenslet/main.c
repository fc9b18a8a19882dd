/* main.c: the table of commands, and the way into one. */
#include "cli.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A new command is a file cmd_<name>.c and a row here. */
static const cli_command *const commands[] = {
    &command_devices, &command_models, &command_summary,  &command_check,  &command_train,
    &command_tune,    &command_curve,  &command_diagnose, &command_eval,   &command_predict,
    &command_show,    &command_run,    &command_bench,    &command_report,
};
enum { COMMAND_COUNT = sizeof commands / sizeof commands[0] };

const cli_command *cli_find(const char *name) {
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (!strcmp(commands[i]->name, name))
            return commands[i];
    return NULL;
}

static void print_help(FILE *to) {
    fputs("lenslet: train and run convolutional networks on any OpenCL device, and check that the\n"
          "device computes the right thing\n\n"
          "Usage: lenslet COMMAND [ARGUMENT ...] [OPTION ...]\n\n"
          "Commands:\n",
          to);
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        fprintf(to, "  %-10s %s\n", commands[i]->name, commands[i]->text);
    fputs(
        "  help       this text, or `lenslet help COMMAND`\n\n"
        "  --version  the version, and what it was built with\n\n"
        "MODEL is a name of `lenslet models`, a Keras .json file or a .safetensors checkpoint.\n"
        "A device is chosen by --device or LENSLET_DEVICE; `lenslet devices` lists them.\n"
        "Data goes to stdout, everything else to stderr.\n\n"
        "Exit codes: 0 done, 1 a check failed or training diverged, 2 usage, 3 no or ambiguous\n"
        "device, 4 device error, 5 bad input file, 6 reading or writing failed, 7 out of memory,\n"
        "130 Ctrl-C, 143 TERM.\n",
        to);
}

static void print_version(void) {
    printf("lenslet %s", lens_version());
#ifdef LENSLET_OPENCL
    printf(", OpenCL");
#else
    printf(", reference device only");
#endif
#ifdef LENSLET_CLBLAST
    printf(", CLBlast");
#endif
    putchar('\n');
}

static void unknown_command(const char *name) {
    const char *names[COMMAND_COUNT + 2] = {"help"};
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        names[i + 1] = commands[i]->name;
    const char *nearest = cli_nearest(name, names);
    if (nearest)
        cli_usage("", "unknown command \"%s\"; did you mean \"%s\"?", name, nearest);
    cli_usage("", "unknown command \"%s\"", name);
}

/* Warnings of the library; LENSLET_LOG=debug or info shows more. */
static void print_log(lens_log_level level, const char *line, void *user) {
    if (level >= *(lens_log_level *)user)
        fprintf(stderr, "lenslet: %s\n", line);
}

int main(int argc, char **argv) {
    if (fcntl(STDOUT_FILENO, F_GETFD) < 0) { /* else the next file opened would become stdout */
        fputs("lenslet: stdout is closed\n", stderr);
        return CLI_IO;
    }
    signal(SIGPIPE, SIG_IGN); /* a closed stdout is an error like any other: exit code 6 */
    static lens_log_level level = LENS_LOG_WARNING;
    const char *wanted = getenv("LENSLET_LOG");
    if (wanted && *wanted)
        level = *wanted == 'd' ? LENS_LOG_DEBUG : *wanted == 'i' ? LENS_LOG_INFO : level;
    lens_set_log(print_log, &level);

    const char *name = argc > 1 ? argv[1] : NULL;
    if (!name) {
        print_help(stderr);
        cli_exit(CLI_USAGE);
    }
    if (!strcmp(name, "--version") || !strcmp(name, "version")) {
        print_version();
        cli_exit(CLI_OK);
    }
    bool help = !strcmp(name, "help");
    if (!strcmp(name, "-h") || !strcmp(name, "--help") || (help && argc == 2)) {
        print_help(stdout);
        cli_exit(CLI_OK);
    }
    if (*name == '-')
        cli_usage("", "\"%s\" before a command; only --help and --version may stand there", name);
    const cli_command *command = cli_find(help ? argv[2] : name);
    if (!command)
        unknown_command(help ? argv[2] : name);
    if (help) {
        options_help(command);
        cli_exit(CLI_OK);
    }
    int code = command->run(argc - 1, argv + 1);
    lens_release_compilers();
    cli_exit(code);
}
