/* progress.h: how far a long job is, on stderr: a bar on a terminal, a line every 10 s elsewhere.
 */
#ifndef LENSLET_CLI_PROGRESS_H
#define LENSLET_CLI_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

typedef struct progress {
    bool quiet;       /* say nothing */
    bool shown;       /* a bar stands on the terminal */
    double last_line; /* when the latest line was printed, in cli_seconds() */
} progress;

/* "label  #####-----  45 %  12,300 images/s  0:03 left  note". `seconds` since done was 0; `unit`
 * is what is counted. */
void progress_show(progress *p, const char *label, size_t done, size_t total, double seconds,
                   const char *unit, const char *note);

/* What is being done, where there is nothing to count: on a terminal only. */
void progress_say(progress *p, const char *what);

/* Which of `total` parts of unlike length begins. */
void progress_part(progress *p, size_t done, size_t total, const char *what);

/* Take the bar away, before anything else is printed. */
void progress_clear(progress *p);

#endif
