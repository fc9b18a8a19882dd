/* report_facts.c: devices, drivers and machines, side by side. */
#include "markup.h"
#include "report_page.h"

#include <math.h>
#include <string.h>

typedef struct fact {
    const char *name;
    const char *(*text)(const report *r, size_t device); /* "": not known */
} fact;

static const report_file *file_of(const report *r, size_t device) {
    return &r->files[r->devices[device].file];
}

static const char *type(const report *r, size_t i) {
    return r->devices[i].type;
}

static const char *platform(const report *r, size_t i) {
    return r->devices[i].platform;
}

static const char *vendor(const report *r, size_t i) {
    return r->devices[i].vendor;
}

static const char *driver(const report *r, size_t i) {
    return r->devices[i].driver;
}

static const char *opencl(const report *r, size_t i) {
    return r->devices[i].opencl;
}

static const char *compute_units(const report *r, size_t i) {
    return out_thousands(r->devices[i].compute_units);
}

static const char *clock_rate(const report *r, size_t i) {
    return r->devices[i].clock_mhz ? out_printf("%zu MHz", r->devices[i].clock_mhz) : "";
}

static const char *memory(const report *r, size_t i) {
    return out_bytes(r->devices[i].memory_bytes);
}

static const char *allocation(const report *r, size_t i) {
    return out_bytes(r->devices[i].allocation_bytes);
}

static const char *local_memory(const report *r, size_t i) {
    return r->devices[i].local_bytes ? out_bytes(r->devices[i].local_bytes) : "";
}

static const char *work_group(const report *r, size_t i) {
    return out_thousands(r->devices[i].work_group_items);
}

static const char *peak(const report *r, size_t i) {
    double value = r->devices[i].peak_gflops;
    return isfinite(value) ? out_printf("%.4g GFLOP/s", value) : "";
}

static const char *bandwidth(const report *r, size_t i) {
    double value = r->devices[i].bandwidth;
    return isfinite(value) ? out_printf("%.3g GB/s", value) : "";
}

static const char *machine(const report *r, size_t i) {
    return file_of(r, i)->machine;
}

static const char *processor(const report *r, size_t i) {
    return file_of(r, i)->processor ? file_of(r, i)->processor : "";
}

static const char *cpus(const report *r, size_t i) {
    return out_thousands(file_of(r, i)->cpus);
}

static const char *system_name(const report *r, size_t i) {
    return file_of(r, i)->system ? file_of(r, i)->system : "";
}

static const char *version(const report *r, size_t i) {
    return file_of(r, i)->lenslet;
}

static const char *measured(const report *r, size_t i) {
    return file_of(r, i)->time;
}

static const char *file_name(const report *r, size_t i) {
    return file_of(r, i)->path;
}

static const fact facts[] = {
    {"Type", type},
    {"Platform", platform},
    {"Vendor", vendor},
    {"Driver", driver},
    {"OpenCL", opencl},
    {"Compute units", compute_units},
    {"Clock", clock_rate},
    {"Memory", memory},
    {"Largest buffer", allocation},
    {"Local memory", local_memory},
    {"Work-group, items", work_group},
    {"Measured peak", peak},
    {"Measured bandwidth", bandwidth},
    {"Checks", report_verdict_text},
    {"Machine", machine},
    {"Processor", processor},
    {"CPUs of the process", cpus},
    {"System", system_name},
    {"Lenslet", version},
    {"Measured at", measured},
    {"File", file_name},
};

static void put_fact(FILE *to, const report *r, const fact *f) {
    fprintf(to, "<tr><th>%s</th>", f->name);
    for (size_t i = 0; i < r->device_count; i++) {
        const char *text = f->text(r, i);
        fputs("<td>", to);
        markup_text(to, *text ? text : "-");
        fputs("</td>", to);
    }
    fputs("</tr>\n", to);
}

/* Variables of the environment that change results, of each file that has any. */
static void put_environment(FILE *to, const report *r) {
    for (size_t i = 0; i < r->file_count; i++) {
        json_t *variables = json_object_get(r->files[i].document, "environment"), *value;
        const char *name;
        if (!json_object_size(variables))
            continue;
        fputs("<p class=\"files\">Environment of ", to);
        markup_text(to, r->files[i].path);
        fputs(":", to);
        json_object_foreach(variables, name, value) {
            fputs(" <code>", to);
            markup_text(to, name);
            fputs("=", to);
            markup_text(to, json_is_string(value) ? json_string_value(value) : "");
            fputs("</code>", to);
        }
        fputs("</p>\n", to);
    }
}

void report_put_facts(FILE *to, const report *r) {
    report_heading(to, "Devices and drivers", "As the drivers and systems name themselves.");
    report_matrix_open(to, r, "facts", "", NULL);
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++)
        put_fact(to, r, &facts[i]);
    report_matrix_close(to);
    put_environment(to, r);
}
