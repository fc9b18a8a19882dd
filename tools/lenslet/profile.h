/* profile.h: what --profile asks for: a table of kernels, and a timeline in a file.
 */
#ifndef LENSLET_CLI_PROFILE_H
#define LENSLET_CLI_PROFILE_H

#include "cli.h"

typedef struct profile {
    const char *path;  /* of the timeline; NULL: none */
    lens_trace *trace; /* for the options of each context; NULL: none */
} profile;

/* `given` is the option's value: NULL when it was not given, "" without a file. The file's place is
 * checked here, before any work. `title` is what was run, as the timeline shows it. */
lens_status profile_open(profile *p, const char *given, const char *command, const char *title);

/* The table of what a context has measured, on stderr. */
void profile_print(const profile *p, lens_context *context);

/* After the contexts are freed: write the timeline, when the work has ended in a result, was
 * stopped, or has diverged. `status` is the work's; the result is that, or why the file could not
 * be written. */
lens_status profile_close(profile *p, lens_status status);

#endif
