/* ocl_program.c: from a .cl file's name to a kernel that can be launched. */
#include "core/size.h"
#include "opencl/embedded.h"
#include "opencl/ocl_quirks.h"
#include "opencl/opencl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- source -------------------------------------------------------------------------------- */

static char *join(const char *a, size_t a_size, const char *b, size_t b_size) {
    char *text = malloc(a_size + b_size + 1);
    if (text) {
        memcpy(text, a, a_size);
        memcpy(text + a_size, b, b_size);
        text[a_size + b_size] = 0;
    }
    return text;
}

/* The file as built in; freed with free(). */
static lens_status embedded_text(char **out, const char *name) {
    for (const ocl_embedded_source *source = ocl_embedded_sources; source->name; source++)
        if (strcmp(source->name, name) == 0) {
            *out = join(source->text, source->size, "", 0);
            return *out ? LENS_OK : lens_fail_memory("kernel source", source->size);
        }
    return lens_fail(LENS_BAD_ARGUMENT, "there is no kernel file %s.cl", name);
}

/* The file as it is in the override's directory; freed with free(). */
static lens_status file_text(char **out, const char *directory, const char *name) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s.cl", directory, name);
    FILE *file = fopen(path, "rb");
    if (!file)
        return lens_fail(LENS_BAD_FILE, "%s: %s (LENSLET_CL_DIR must hold every kernel file)", path,
                         strerror(errno));
    char chunk[4096];
    size_t size = 0, got;
    char *text = calloc(1, 1);
    while (text && (got = fread(chunk, 1, sizeof chunk, file)) > 0) {
        char *longer = join(text, size, chunk, got);
        free(text);
        text = longer;
        size += got;
    }
    bool failed = ferror(file);
    fclose(file);
    if (!text)
        return lens_fail_memory("kernel source", size);
    if (failed) {
        free(text);
        return lens_fail(LENS_IO, "%s: cannot be read", path);
    }
    *out = text;
    return LENS_OK;
}

static lens_status read_text(char **out, const ocl_state *state, const char *name) {
    return state->kernel_dir ? file_text(out, state->kernel_dir, name) : embedded_text(out, name);
}

/* pocl.cl if it is wanted, common.cl and the program's own file, one behind the other; freed with
 * free(). */
static lens_status program_source(char **out, const ocl_state *state, const char *name,
                                  bool with_pocl) {
    const char *const names[] = {"pocl", "common", name};
    char *source = NULL;
    for (size_t i = with_pocl ? 0 : 1; i < sizeof names / sizeof names[0]; i++) {
        char *text = NULL;
        lens_status status = read_text(&text, state, names[i]);
        char *before = source;
        if (status == LENS_OK) {
            source = join(before ? before : "", before ? strlen(before) : 0, text, strlen(text));
            if (!source)
                status = lens_fail_memory("kernel source", strlen(text));
        }
        free(before);
        free(text);
        LENS_TRY(status);
    }
    *out = source;
    return LENS_OK;
}

/* ---- build --------------------------------------------------------------------------------- */

/* Every program sees the host's enumerations, so their numbers are written once. */
static const struct {
    const char *name;
    int value;
} enumerators[] = {
#define X(name)                                                                                    \
    { #name, LENS_##name }
    X(PAD_ZERO),
    X(PAD_CONSTANT),
    X(PAD_REFLECT),
    X(PAD_REPLICATE),
    X(LINEAR),
    X(RELU),
    X(LEAKY_RELU),
    X(TANH),
    X(SCALED_TANH),
    X(SIGMOID),
    X(ELU),
    X(SOFTPLUS),
    X(POOL_MAX),
    X(POOL_AVERAGE),
    X(POOL_MIN),
    X(SPARSE_CROSS_ENTROPY),
    X(CROSS_ENTROPY),
    X(BINARY_CROSS_ENTROPY),
    X(MEAN_SQUARED_ERROR),
    X(MAP),
    X(SGD),
    X(MOMENTUM),
    X(NESTEROV),
    X(RMSPROP),
    X(ADAM),
    X(ADAMW),
#undef X
};

static void all_options(char *text, size_t size, const char *options, unsigned quirks) {
    size_t used =
        (size_t)snprintf(text, size, "-cl-std=CL1.2%s %s", ocl_quirks_options(quirks), options);
    for (size_t i = 0; i < sizeof enumerators / sizeof enumerators[0] && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, " -D%s=%d", enumerators[i].name,
                                 enumerators[i].value);
}

static lens_status build_failure(cl_int code, const ocl_state *state, cl_program program,
                                 const char *name) {
    char log[6000] = "";
    size_t size = 0;
    clGetProgramBuildInfo(program, state->device, CL_PROGRAM_BUILD_LOG, 0, NULL, &size);
    char *full = malloc(size + 1);
    if (full && clGetProgramBuildInfo(program, state->device, CL_PROGRAM_BUILD_LOG, size, full,
                                      NULL) == CL_SUCCESS) {
        full[size] = 0;
        snprintf(log, sizeof log, "%s", full);
    }
    free(full);
    lens_status status = ocl_fail(code, "%s.cl does not compile", name);
    return lens_fail(status == LENS_DEVICE ? LENS_BUILD : status,
                     "%s.cl does not compile: %s (%d)\n%s", name, ocl_error_name(code), code, log);
}

static lens_status build_source(cl_program *out, const ocl_state *state, const char *source,
                                const char *name, const char *options) {
    cl_int code;
    cl_program program = clCreateProgramWithSource(state->context, 1, &source, NULL, &code);
    if (code != CL_SUCCESS)
        return ocl_fail(code, "clCreateProgramWithSource of %s.cl", name);
    code = clBuildProgram(program, 1, &state->device, options, NULL, NULL);
    if (code != CL_SUCCESS) {
        lens_status status = build_failure(code, state, program, name);
        clReleaseProgram(program);
        return status;
    }
    *out = program;
    return LENS_OK;
}

/* From the cache, else from source, which then goes into the cache. With pocl.cl in place of PoCL's
 * header, if that is wanted. */
static lens_status build_or_load(cl_program *out, const lens_context *context, const char *name,
                                 const char *options, bool with_pocl) {
    ocl_state *state = context->state;
    char *source = NULL;
    LENS_TRY(program_source(&source, state, name, with_pocl));
    ocl_cache_key key = {name, source, options, &context->device};
    lens_status status = LENS_OK;
    *out = ocl_cache_load(state, &key);
    if (!*out) {
        status = build_source(out, state, source, name, options);
        if (status == LENS_OK)
            ocl_cache_store(state, &key, *out);
    }
    free(source);
    return status;
}

/* A kernel may call what pocl.cl lacks, and another PoCL may take other declarations: then its
 * header. */
static lens_status build_on_pocl(cl_program *out, const lens_context *context, const char *name,
                                 const char *options) {
    char more_options[2048];
    snprintf(more_options, sizeof more_options, "%s -D_OPENCL_H_", options);
    lens_status status = build_or_load(out, context, name, more_options, true);
    if (status != LENS_BUILD)
        return status;
    lens_log(LENS_LOG_DEBUG, "%s.cl is built with PoCL's own header: %s", name, lens_last_error());
    return build_or_load(out, context, name, options, false);
}

static lens_status build(cl_program *out, const lens_context *context, const char *name,
                         const char *options) {
    lens_trace *trace = context->tracing.trace;
    lens_trace_args args = {.used = 0};
    char phase[96];
    snprintf(phase, sizeof phase, "build %s.cl", name);
    lens_trace_args_text(&args, "options", options);
    lens_span span = lens_span_begin_on(trace, LENS_TRACK_HOST, phase, args.text);
    char full_options[2000];
    unsigned quirks = ocl_quirks_of(&context->device);
    all_options(full_options, sizeof full_options, options, quirks);
    lens_log(LENS_LOG_DEBUG, "program %s %s", name, full_options);
    lens_status status = quirks & OCL_QUIRK_LONG_HEADER
                             ? build_on_pocl(out, context, name, full_options)
                             : build_or_load(out, context, name, full_options, false);
    lens_span_end(&span);
    return status;
}

/* ---- look-up ------------------------------------------------------------------------------- */

static void program_free(ocl_program *program) {
    if (program->handle)
        clReleaseProgram(program->handle);
    free(program->name);
    free(program->options);
    free(program);
}

static void kernel_free(ocl_kernel *kernel) {
    if (kernel->handle)
        clReleaseKernel(kernel->handle);
    free(kernel->program);
    free(kernel->name);
    free(kernel->options);
    free(kernel);
}

static lens_status program_get(ocl_program **out, const lens_context *context, const char *name,
                               const char *options) {
    ocl_state *state = context->state;
    for (ocl_program *program = state->programs; program; program = program->next)
        if (strcmp(program->name, name) == 0 && strcmp(program->options, options) == 0) {
            *out = program;
            return LENS_OK;
        }
    ocl_program *program = calloc(1, sizeof *program);
    if (!program)
        return lens_fail_memory("program", sizeof *program);
    program->name = strdup(name);
    program->options = strdup(options);
    lens_status status = program->name && program->options
                             ? build(&program->handle, context, name, options)
                             : lens_fail_memory("program", strlen(options));
    if (status != LENS_OK) {
        program_free(program);
        return status;
    }
    program->next = state->programs;
    state->programs = program;
    *out = program;
    return LENS_OK;
}

static lens_status kernel_create(ocl_kernel *kernel, const lens_context *context) {
    ocl_state *state = context->state;
    ocl_program *program = NULL;
    LENS_TRY(program_get(&program, context, kernel->program, kernel->options));
    cl_int code;
    kernel->handle = clCreateKernel(program->handle, kernel->name, &code);
    if (code != CL_SUCCESS)
        return ocl_fail(code, "clCreateKernel of %s in %s.cl", kernel->name, kernel->program);
    code =
        clGetKernelWorkGroupInfo(kernel->handle, state->device, CL_KERNEL_WORK_GROUP_SIZE,
                                 sizeof kernel->work_group_items, &kernel->work_group_items, NULL);
    if (code != CL_SUCCESS || kernel->work_group_items == 0)
        return ocl_fail(code, "clGetKernelWorkGroupInfo of %s", kernel->name);
    size_t most = context->device.work_group_items;
    bool unknown = ocl_quirks_of(&context->device) & OCL_QUIRK_NO_LIMITS;
    kernel->work_group_items = unknown ? most : lens_size_min(kernel->work_group_items, most);
    return LENS_OK;
}

/* The entry with this key, or NULL. */
static ocl_kernel *kernel_find(ocl_state *state, const char *program, const char *name,
                               const char *options) {
    for (ocl_kernel *kernel = state->kernels; kernel; kernel = kernel->next)
        if (strcmp(kernel->name, name) == 0 && strcmp(kernel->program, program) == 0 &&
            strcmp(kernel->options, options) == 0)
            return kernel;
    return NULL;
}

static ocl_kernel *kernel_alloc(const char *program, const char *name, const char *options) {
    ocl_kernel *kernel = calloc(1, sizeof *kernel);
    if (!kernel)
        return NULL;
    kernel->program = strdup(program);
    kernel->name = strdup(name);
    kernel->options = strdup(options);
    if (kernel->program && kernel->name && kernel->options)
        return kernel;
    kernel_free(kernel);
    return NULL;
}

static void kernel_add(ocl_state *state, ocl_kernel *kernel) {
    kernel->next = state->kernels;
    state->kernels = kernel;
}

lens_status ocl_kernel_entry(ocl_kernel **out, ocl_state *state, const char *name) {
    *out = kernel_find(state, "", name, "");
    if (*out)
        return LENS_OK;
    *out = kernel_alloc("", name, "");
    if (!*out)
        return lens_fail_memory("kernel", sizeof **out);
    kernel_add(state, *out);
    return LENS_OK;
}

lens_status ocl_kernel_get(ocl_kernel **out, const lens_context *context, const char *program,
                           const char *name, const char *options) {
    ocl_state *state = context->state;
    *out = kernel_find(state, program, name, options);
    if (*out)
        return LENS_OK;
    ocl_kernel *kernel = kernel_alloc(program, name, options);
    if (!kernel)
        return lens_fail_memory("kernel", sizeof *kernel);
    lens_status status = kernel_create(kernel, context);
    if (status != LENS_OK) {
        kernel_free(kernel);
        return status;
    }
    kernel_add(state, kernel);
    *out = kernel;
    return LENS_OK;
}

void ocl_programs_free(ocl_state *state) {
    while (state->kernels) {
        ocl_kernel *kernel = state->kernels;
        state->kernels = kernel->next;
        kernel_free(kernel);
    }
    while (state->programs) {
        ocl_program *program = state->programs;
        state->programs = program->next;
        program_free(program);
    }
}
