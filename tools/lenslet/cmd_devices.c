/* cmd_devices.c: every device, what it can do, and which one would be chosen and why. */
#include "environment.h"
#include "pick.h"
#include "table.h"

#include <stdlib.h>
#include <string.h>

typedef struct devices_options {
    text_list devices;
    int format;
} devices_options;

static const option options[] = {
    OPTION_DEVICES_ROW(devices_options),
    OPTION_FORMAT_ROW(devices_options),
    {0},
};

/* In text the columns without a title go to a second table, lest the lines get too long. */
static const table_column columns[] = {
    {"index", "", true},
    {"pair", NULL},
    {"type", "Type"},
    {"name", "Name"},
    {"platform", "Platform"},
    {"compute_units", "Units", true},
    {"clock_mhz", "MHz", true},
    {"memory_bytes", "Memory", true},
    {"features", "Has"},
    {"allocation_bytes", NULL},
    {"local_bytes", NULL},
    {"work_group_items", NULL},
    {"usable", NULL},
    {"chosen", NULL},
    {"vendor", NULL},
    {"driver", NULL},
    {"opencl", NULL},
    {"quirks", NULL},
    {0},
};

static const table_column limit_columns[] = {
    {"index", "", true},
    {"pair", "P:D"},
    {"allocation_bytes", "Largest buffer", true},
    {"local_bytes", "Local memory", true},
    {"work_group_items", "Work-group", true},
    {"opencl", "Version"},
    {"driver", "Driver"},
    {"quirks", "Quirks"},
    {0},
};

static const char *features_of(const lens_device_info *d) {
    if (!d->available)
        return "not available";
    if (!d->has_compiler)
        return "no compiler";
    const char *text = out_printf("%s%s", d->has_fp16 ? " fp16" : "", d->has_fp64 ? " fp64" : "");
    return *text ? text + 1 : "-";
}

static void add_row(table *t, const lens_device_info *d, bool chosen) {
    table_cell(t, out_count(d->index), out_printf("%s%zu", chosen ? "> " : "", d->index));
    table_text(t, out_printf("%zu:%zu", d->platform_index, d->platform_device));
    table_text(t, lens_device_type_name(d->type));
    table_text(t, d->name);
    table_text(t, d->platform);
    table_count(t, d->compute_units);
    table_cell(t, out_count(d->clock_mhz), d->clock_mhz ? out_thousands(d->clock_mhz) : "-");
    table_cell(t, out_count(d->memory_bytes), out_bytes(d->memory_bytes));
    table_text(t, features_of(d));
    table_count(t, d->allocation_bytes);
    table_count(t, d->local_bytes);
    table_count(t, d->work_group_items);
    table_cell(t, json_boolean(pick_is_usable(d)), "");
    table_cell(t, json_boolean(chosen), "");
    table_text(t, d->vendor);
    table_text(t, d->driver);
    table_text(t, d->opencl_version);
    table_text(t, d->quirks);
}

static void add_limits(table *t, const lens_device_info *d, bool chosen) {
    const char *version = d->opencl_version; /* "OpenCL 3.0 and what the vendor adds" */
    size_t words = strcspn(version, " ");
    words += version[words] ? 1 + strcspn(version + words + 1, " ") : 0;
    table_cell(t, out_count(d->index), out_printf("%s%zu", chosen ? "> " : "", d->index));
    table_text(t, out_printf("%zu:%zu", d->platform_index, d->platform_device));
    table_cell(t, out_count(d->allocation_bytes), out_bytes(d->allocation_bytes));
    table_cell(t, out_count(d->local_bytes), d->local_bytes ? out_bytes(d->local_bytes) : "-");
    table_count(t, d->work_group_items);
    table_text(t, words ? out_printf("%.*s", (int)words, version) : "-");
    table_text(t, d->driver);
    table_text(t, *d->quirks ? d->quirks : "-");
}

/* ---- why ----------------------------------------------------------------------------------- */

/* What decided the choice, without the device's name. */
static const char *reason(const lens_device_info *chosen, const devices_options *o) {
    const char *environment = getenv("LENSLET_DEVICE");
    if (o->devices.count)
        return out_printf("--device %s", o->devices.items[0]);
    if (environment && *environment && strcmp(environment, "auto") != 0)
        return out_printf("LENSLET_DEVICE=%s", environment);
    switch (chosen->type) {
    case LENS_DEVICE_GPU:
        return "auto: the first GPU";
    case LENS_DEVICE_ACCELERATOR:
        return "auto: there is no GPU; the first accelerator";
    case LENS_DEVICE_CPU:
        return "auto: there is no GPU and no accelerator; the first CPU";
    default:
        return "auto: there is no usable OpenCL device";
    }
}

static void print_text(const table *t, const table *limits, const char *chosen, const char *why) {
    table_print(t, FORMAT_TEXT);
    putchar('\n');
    table_print(limits, FORMAT_TEXT);
    printf("\n  > chosen: %s (%s)\n", chosen, why);
    json_t *variables = environment_variables(), *value;
    const char *name;
    json_object_foreach(variables, name, value) printf("  %s=%s\n", name, json_string_value(value));
    json_decref(variables);
}

/* ---- the command --------------------------------------------------------------------------- */

static lens_status list(const lens_devices *devices, const devices_options *o) {
    size_t *picked = NULL, picked_count;
    TRY(pick_devices(devices, &o->devices, &picked, &picked_count));
    const lens_device_info *chosen = lens_devices_get(devices, picked[0]);
    table *t = table_new(columns), *limits = table_new(limit_columns);
    for (size_t i = 0; i < lens_devices_count(devices); i++) {
        bool is_picked = false;
        for (size_t j = 0; j < picked_count; j++)
            is_picked |= picked[j] == i;
        if (!is_picked && o->devices.count)
            continue;
        add_row(t, lens_devices_get(devices, i), i == picked[0]);
        add_limits(limits, lens_devices_get(devices, i), i == picked[0]);
    }
    if (o->format == FORMAT_JSON) {
        json_t *document = out_document("devices");
        json_object_set_new(document, "devices", table_rows(t));
        json_object_set_new(document, "chosen", out_count(chosen->index));
        json_object_set_new(document, "reason", out_text(reason(chosen, o)));
        environment_add(document);
        out_print(document);
    } else if (o->format == FORMAT_TEXT) {
        print_text(t, limits, pick_name(chosen), reason(chosen, o));
    } else {
        table_print(t, o->format);
    }
    table_free(t);
    table_free(limits);
    free(picked);
    return LENS_OK;
}

static int run(int argc, char **argv) {
    devices_options o = {0};
    options_parse(&command_devices, argc, argv, &o, 0, 0);
    lens_devices *devices = NULL;
    lens_status status = lens_devices_new(&devices);
    if (status == LENS_OK)
        status = list(devices, &o);
    lens_devices_free(devices);
    return cli_report("devices", status);
}

const cli_command command_devices = {
    "devices",
    "[OPTION ...]",
    "every device, what it can do, and which one would be chosen",
    "Lists the devices of every OpenCL platform, then the reference: the plain-C path that checks\n"
    "the others. The number or the P:D pair of a row is what --device takes.",
    options,
    run,
};
