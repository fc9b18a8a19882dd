/* traced.h: the backend of a context that is traced: every operation is recorded on its way to the
 * device's own backend.
 */
#ifndef LENSLET_TRACED_H
#define LENSLET_TRACED_H

#include "backend.h"

/* Put the recording between the context, whose backend is set, and its backend. */
lens_status lens_traced_open(lens_context *context, lens_trace *trace);

/* The context's own backend again. Nothing happens when it is not traced. */
void lens_traced_close(lens_context *context);

#endif
