/* environment.c: what of its surroundings changes what a run gives. */
#define _GNU_SOURCE /* sched_getaffinity */
#include "environment.h"

#include <sched.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
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

/* Null where the system does not say it as Linux does. */
static json_t *processor_name(void) {
    FILE *file = fopen("/proc/cpuinfo", "r");
    char line[512];
    json_t *name = NULL;
    while (file && !name && fgets(line, sizeof line, file))
        if (!strncmp(line, "model name", 10) && strchr(line, ':')) {
            line[strcspn(line, "\n")] = 0;
            char *text = strchr(line, ':') + 1;
            name = out_text(text + strspn(text, " "));
        }
    if (file)
        fclose(file);
    return name ? name : json_null();
}

void environment_add_machine(json_t *document, const char *name) {
    char now[32];
    time_t seconds = time(NULL);
    struct utsname system;
    bool known = uname(&system) == 0;
    json_t *machine = json_object();
    strftime(now, sizeof now, "%Y-%m-%dT%H:%M:%SZ", gmtime(&seconds));
    json_object_set_new(document, "time", out_text(now));
    json_object_set_new(machine, "name", out_text(name ? name : known ? system.nodename : "?"));
    json_object_set_new(
        machine, "system",
        out_text(known ? out_printf("%s %s %s", system.sysname, system.release, system.machine)
                       : NULL));
    json_object_set_new(machine, "processor", processor_name());
    json_object_set_new(document, "machine", machine);
}
