/* profile.c: the table of kernels, and the timeline. */
#include "profile.h"
#include "out.h"

#include <stdio.h>

enum { ROWS_MOST = 64 };

lens_status profile_open(profile *p, const char *given, const char *command, const char *title) {
    *p = (profile){.path = given && *given ? given : NULL};
    if (!p->path)
        return LENS_OK;
    TRY(out_check_file("--profile", p->path));
    return lens_trace_new(&p->trace, out_printf("lenslet %s %s", command, title));
}

static void print_table(const lens_profile_entry *entries, size_t count) {
    double total = 0;
    for (size_t i = 0; i < count; i++)
        total += entries[i].seconds;
    cli_note("\n  %-32s %10s %12s %12s %7s", "Kernel", "Launches", "Total", "Mean", "Share");
    for (size_t i = 0; i < count; i++) {
        const lens_profile_entry *e = &entries[i];
        cli_note("  %-32s %10s %12s %12s %5.1f %%", e->kernel, out_thousands(e->launches),
                 out_duration(e->seconds), out_duration(e->seconds / (double)e->launches),
                 total > 0 ? 100 * e->seconds / total : 0);
    }
}

void profile_print(const profile *p, lens_context *context) {
    lens_profile_entry entries[ROWS_MOST];
    size_t count;
    bool is_reference = lens_context_device(context)->type == LENS_DEVICE_REFERENCE;
    if (p->trace && is_reference)
        return; /* it has no kernels, and the timeline its operations */
    if (lens_context_profile(context, entries, ROWS_MOST, &count) == LENS_OK)
        print_table(entries, count < ROWS_MOST ? count : ROWS_MOST);
    else
        cli_note("lenslet: %s", lens_last_error());
}

static lens_status write_timeline(const profile *p) {
    TRY(lens_trace_write(p->trace, p->path));
    cli_note("wrote %s, a timeline for ui.perfetto.dev or chrome://tracing%s", p->path,
             lens_trace_is_full(p->trace)
                 ? out_printf("; it stops after %s events", out_thousands(LENS_TRACE_EVENTS))
                 : "");
    return LENS_OK;
}

lens_status profile_close(profile *p, lens_status status) {
    bool has_ended = status == LENS_OK || status == LENS_INTERRUPTED || status == LENS_DIVERGED;
    lens_status written = p->trace && has_ended ? write_timeline(p) : LENS_OK;
    if (written != LENS_OK && status == LENS_OK)
        status = cli_fail(written, "--profile: %s", lens_last_error());
    else if (written != LENS_OK)
        cli_note("lenslet: --profile: %s", lens_last_error());
    lens_trace_free(p->trace);
    *p = (profile){.path = NULL};
    return status;
}
