/* progress.c: how far a long job is. */
#include "progress.h"
#include "out.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { BAR_WIDTH = 24, LINE_SECONDS = 10 };

static size_t terminal_width(void) {
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : 80;
}

/* The bar: filled and empty part, in colour where that is wanted. */
static void print_bar(double part) {
    bool utf8 = out_has_utf8(), colour = out_has_colour(stderr);
    int filled = (int)(part * BAR_WIDTH + 0.5);
    fputs(colour ? "\033[36m" : "", stderr);
    for (int i = 0; i < BAR_WIDTH; i++) {
        if (i == filled && colour)
            fputs("\033[90m", stderr);
        fputs(utf8 ? (i < filled ? "━" : "─") : (i < filled ? "#" : "-"), stderr);
    }
    fputs(colour ? "\033[0m" : "", stderr);
}

void progress_show(progress *p, const char *label, size_t done, size_t total, double seconds,
                   const char *unit, const char *note) {
    bool terminal = isatty(STDERR_FILENO);
    double now = cli_seconds();
    if (p->quiet || total == 0)
        return;
    if (p->last_line == 0)
        p->last_line = now; /* the first line comes 10 s from the start */
    if (!terminal && now - p->last_line < LINE_SECONDS)
        return;
    double part = (double)done / (double)total, rate = seconds > 0 ? (double)done / seconds : 0;
    const char *left = rate > 0 ? out_clock((double)(total - done) / rate) : "-:--";
    const char *tail = out_printf("%3.0f %%  %s %s/s  %s left", 100 * part,
                                  out_thousands((size_t)rate), unit, left);
    p->last_line = now;
    if (!terminal) {
        fprintf(stderr, "%s  %s%s%s\n", label, tail, *note ? "  " : "", note);
        return;
    }
    size_t width = terminal_width(), needed = strlen(label) + strlen(tail) + 4;
    fprintf(stderr, "\r\033[K%s  ", label);
    if (needed + BAR_WIDTH < width) {
        print_bar(part);
        fputs("  ", stderr);
        needed += BAR_WIDTH + 2;
    }
    fputs(tail, stderr);
    if (needed + strlen(note) + 2 < width)
        fprintf(stderr, "  %s", note);
    fflush(stderr);
    p->shown = true;
}

void progress_say(progress *p, const char *what) {
    if (p->quiet || !isatty(STDERR_FILENO))
        return;
    fprintf(stderr, "\r\033[K  %s ...", what);
    fflush(stderr);
    p->shown = true;
}

void progress_part(progress *p, size_t done, size_t total, const char *what) {
    double now = cli_seconds();
    if (p->quiet)
        return;
    if (isatty(STDERR_FILENO)) {
        fprintf(stderr, "\r\033[K  ");
        print_bar((double)done / (double)total);
        fprintf(stderr, "  %zu of %zu  %s ...", done + 1, total, what);
        fflush(stderr);
        p->shown = true;
    } else if (p->last_line == 0 || now - p->last_line >= LINE_SECONDS) {
        fprintf(stderr, "%zu of %zu  %s ...\n", done + 1, total, what);
        p->last_line = now;
    }
}

void progress_clear(progress *p) {
    if (p->shown)
        fputs("\r\033[K", stderr);
    p->shown = false;
}
