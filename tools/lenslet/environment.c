/* environment.c: what of its surroundings changes what a run gives. */
#define _GNU_SOURCE /* sched_getaffinity */
#include "environment.h"

#include <sched.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

static bool matters(const char *entry) {
    static const char *const starts[] = {"LENSLET_",       "POCL_",           "OCL_ICD_",
                                         "OPENCL_LAYERS=", "XDG_CACHE_HOME=", "CL_CONFIG_",
                                         "CLBLAST"};
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++)
        if (!strncmp(entry, starts[i], strlen(starts[i])))
            return true;
    return false;
}

json_t *environment_variables(void) {
    json_t *object = json_object();
    for (char **entry = environ; *entry; entry++) {
        const char *equals = strchr(*entry, '=');
        if (equals && matters(*entry))
            json_object_set_new(object, out_printf("%.*s", (int)(equals - *entry), *entry),
                                out_text(equals + 1));
    }
    return object;
}

static size_t usable_processors(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        return (size_t)CPU_COUNT(&set);
    long online = sysconf(_SC_NPROCESSORS_ONLN); /* of a machine with more than a set holds */
    return online > 0 ? (size_t)online : 1;
}

void environment_add(json_t *document) {
    json_object_set_new(document, "environment", environment_variables());
    json_object_set_new(document, "cpus", out_count(usable_processors()));
}
