/* environment.h: what of its surroundings changes what a run gives, for documents that are
 * compared.
 */
#ifndef LENSLET_CLI_ENVIRONMENT_H
#define LENSLET_CLI_ENVIRONMENT_H

#include "out.h"

/* The variables that decide what the loader finds, how the driver works and what Lenslet does with
 * it: {"POCL_MAX_PTHREAD_COUNT": "1"}. */
json_t *environment_variables(void);

/* "environment", those variables, and "cpus", the processors that this process may use. */
void environment_add(json_t *document);

/* `time` (UTC) and `machine`: {name, system, processor}. Without a name, that of the host. */
void environment_add_machine(json_t *document, const char *name);

#endif
