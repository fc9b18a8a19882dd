/* cmd_curve.c: the picture of a training log. */
#include "curve.h"

typedef struct curve_options {
    const char *out, *title;
} curve_options;

static const option options[] = {
    {"out", 'o', OPTION_TEXT, "F.svg", "where the picture goes; default: stdout",
     offsetof(curve_options, out)},
    {"title", 0, OPTION_TEXT, "TEXT", "what stands over it; default: the log's name",
     offsetof(curve_options, title)},
    {0},
};

static lens_status print_curve(const char *log, const char *title) {
    curve c;
    TRY(curve_read(&c, log));
    curve_draw(stdout, &c, title);
    curve_free(&c);
    return LENS_OK;
}

static int run(int argc, char **argv) {
    curve_options o = {0};
    options_parse(&command_curve, argc, argv, &o, 1, 1);
    const char *title = o.title ? o.title : argv[1];
    return cli_report("curve",
                      o.out ? curve_update(o.out, argv[1], title) : print_curve(argv[1], title));
}

const cli_command command_curve = {
    "curve",
    "LOG.jsonl [OPTION ...]",
    "loss and accuracy over the epochs of a training log, as SVG",
    "LOG.jsonl is what `lenslet train --log` wrote. Train and validation, loss at the left,\n"
    "accuracy at the right. A loss that fell to less than 1/15 is drawn on a logarithmic axis.\n"
    "`lenslet train --log F.jsonl --curve F.svg` draws the same after each epoch.",
    options,
    run,
};
