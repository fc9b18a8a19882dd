/* made_up.c: an OpenCL driver of made-up platforms and devices, for tests of how devices are
 * listed, chosen and refused. It computes nothing: contexts, queues and buffers can be made, but
 * nothing written to them, and no programs.
 *
 * $MADE_UP_DEVICES names a file of lines: "platform NAME", then its devices, "device TYPE NAME"
 * with TYPE gpu, cpu or accelerator, then what differs from the defaults, "KEY NUMBER" (keys:
 * `settings`, below). A name may have any bytes but a new line. The ICD loader finds the driver by
 * a file *.icd with the path of this library in it, in the folder of $OCL_ICD_VENDORS.
 */
#define CL_TARGET_OPENCL_VERSION 120
#define CL_USE_DEPRECATED_OPENCL_1_2_APIS
#include <CL/cl.h>
#include <CL/cl_icd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST 16 /* platforms; devices of one */
#define NAME_BYTES 512

/* What a device can be given, with its default. "opens": whether a context can be made. "answers":
 * whether it says anything of itself but its type. */
enum {
    UNITS,
    CLOCK,
    MEMORY,
    ALLOCATION,
    LOCAL,
    GROUP,
    ALONG, /* the most work-items of a group along its first dimension */
    AVAILABLE,
    COMPILER,
    OPENS,
    ANSWERS,
    SETTINGS
};
static const struct {
    const char *key;
    cl_ulong standard;
} settings[SETTINGS] = {
    {"units", 8},     {"clock", 1000}, {"memory", 1u << 30}, {"allocation", 1u << 28},
    {"local", 32768}, {"group", 256},  {"along", 4096},      {"available", 1},
    {"compiler", 1},  {"opens", 1},    {"answers", 1}};

/* The loader wants every handle to begin with the table of functions. */
struct _cl_device_id {
    const struct _cl_icd_dispatch *dispatch;
    cl_platform_id platform;
    cl_device_type type;
    char name[NAME_BYTES];
    cl_ulong values[SETTINGS];
};

struct _cl_platform_id {
    const struct _cl_icd_dispatch *dispatch;
    char name[NAME_BYTES];
    struct _cl_device_id devices[MOST];
    cl_uint count;
};

struct _cl_context {
    const struct _cl_icd_dispatch *dispatch;
};

struct _cl_command_queue {
    const struct _cl_icd_dispatch *dispatch;
    cl_context context;
    cl_device_id device;
};

struct _cl_mem {
    const struct _cl_icd_dispatch *dispatch;
};

static struct _cl_platform_id platforms[MOST];
static cl_uint platform_count;
static struct _cl_icd_dispatch table;

/* ---- the file -------------------------------------------------------------------------------- */

static void add_platform(const char *name) {
    struct _cl_platform_id *p = &platforms[platform_count++];
    p->dispatch = &table;
    snprintf(p->name, sizeof p->name, "%s", name);
}

static void add_device(const char *type, const char *name) {
    struct _cl_platform_id *p = &platforms[platform_count - 1];
    struct _cl_device_id *d = &p->devices[p->count++];
    d->dispatch = &table;
    d->platform = p;
    d->type = strcmp(type, "gpu") == 0   ? CL_DEVICE_TYPE_GPU
              : strcmp(type, "cpu") == 0 ? CL_DEVICE_TYPE_CPU
                                         : CL_DEVICE_TYPE_ACCELERATOR;
    snprintf(d->name, sizeof d->name, "%s", name);
    for (int i = 0; i < SETTINGS; i++)
        d->values[i] = settings[i].standard;
}

static void set(const char *key, const char *number) {
    struct _cl_platform_id *p = &platforms[platform_count - 1];
    for (int i = 0; i < SETTINGS; i++)
        if (strcmp(settings[i].key, key) == 0)
            p->devices[p->count - 1].values[i] = strtoull(number, NULL, 0);
}

static void read_file(void) {
    const char *path = getenv("MADE_UP_DEVICES");
    FILE *file = path ? fopen(path, "r") : NULL;
    char line[2 * NAME_BYTES], word[32], rest[NAME_BYTES], name[NAME_BYTES];
    while (file && fgets(line, sizeof line, file)) {
        *rest = *name = 0;
        if (sscanf(line, " %31s %511[^\n]", word, rest) < 1)
            continue;
        if (strcmp(word, "platform") == 0)
            add_platform(rest);
        else if (strcmp(word, "device") == 0 && sscanf(rest, "%31s %511[^\n]", word, name) >= 1)
            add_device(word, name);
        else
            set(word, rest);
    }
    if (file)
        fclose(file);
}

/* ---- questions ------------------------------------------------------------------------------- */

static cl_int answer(const void *value, size_t bytes, size_t room, void *to, size_t *size) {
    if (size)
        *size = bytes;
    if (to && room < bytes)
        return CL_INVALID_VALUE;
    if (to)
        memcpy(to, value, bytes);
    return CL_SUCCESS;
}

static cl_int answer_text(const char *text, size_t room, void *to, size_t *size) {
    return answer(text, strlen(text) + 1, room, to, size);
}

static cl_int CL_API_CALL platform_info(cl_platform_id p, cl_platform_info what, size_t room,
                                        void *to, size_t *size) {
    switch (what) {
    case CL_PLATFORM_NAME:
        return answer_text(p->name, room, to, size);
    case CL_PLATFORM_VERSION:
        return answer_text("OpenCL 1.2 made up", room, to, size);
    case CL_PLATFORM_PROFILE:
        return answer_text("FULL_PROFILE", room, to, size);
    case CL_PLATFORM_EXTENSIONS:
        return answer_text("cl_khr_icd", room, to, size);
    default: /* the vendor, and the suffix that the loader asks for */
        return answer_text("MADEUP", room, to, size);
    }
}

static cl_int CL_API_CALL list_devices(cl_platform_id p, cl_device_type type, cl_uint room,
                                       cl_device_id *to, cl_uint *count) {
    cl_uint found = 0;
    for (cl_uint i = 0; i < p->count; i++)
        if (p->devices[i].type & type) {
            if (to && found < room)
                to[found] = &p->devices[i];
            found++;
        }
    if (count)
        *count = found;
    return found ? CL_SUCCESS : CL_DEVICE_NOT_FOUND;
}

static cl_int CL_API_CALL device_info(cl_device_id d, cl_device_info what, size_t room, void *to,
                                      size_t *size) {
    const cl_uint units = (cl_uint)d->values[UNITS], clock = (cl_uint)d->values[CLOCK];
    const cl_uint alignment = 1024;
    const cl_bool available = (cl_bool)d->values[AVAILABLE],
                  compiler = (cl_bool)d->values[COMPILER];
    const size_t group = d->values[GROUP], along[] = {d->values[ALONG], 1, 1};
    if (what != CL_DEVICE_TYPE && what != CL_DEVICE_PLATFORM && !d->values[ANSWERS])
        return CL_OUT_OF_RESOURCES;
    switch (what) {
    case CL_DEVICE_TYPE:
        return answer(&d->type, sizeof d->type, room, to, size);
    case CL_DEVICE_PLATFORM:
        return answer(&d->platform, sizeof d->platform, room, to, size);
    case CL_DEVICE_NAME:
        return answer_text(d->name, room, to, size);
    case CL_DEVICE_VENDOR:
    case CL_DRIVER_VERSION:
        return answer_text("made up", room, to, size);
    case CL_DEVICE_VERSION:
        return answer_text("OpenCL 1.2 made up", room, to, size);
    case CL_DEVICE_EXTENSIONS:
        return answer_text("", room, to, size);
    case CL_DEVICE_MAX_COMPUTE_UNITS:
        return answer(&units, sizeof units, room, to, size);
    case CL_DEVICE_MAX_CLOCK_FREQUENCY:
        return answer(&clock, sizeof clock, room, to, size);
    case CL_DEVICE_GLOBAL_MEM_SIZE:
        return answer(&d->values[MEMORY], sizeof(cl_ulong), room, to, size);
    case CL_DEVICE_MAX_MEM_ALLOC_SIZE:
        return answer(&d->values[ALLOCATION], sizeof(cl_ulong), room, to, size);
    case CL_DEVICE_LOCAL_MEM_SIZE:
        return answer(&d->values[LOCAL], sizeof(cl_ulong), room, to, size);
    case CL_DEVICE_MAX_WORK_GROUP_SIZE:
        return answer(&group, sizeof group, room, to, size);
    case CL_DEVICE_MAX_WORK_ITEM_SIZES:
        return answer(along, sizeof along, room, to, size);
    case CL_DEVICE_MEM_BASE_ADDR_ALIGN:
        return answer(&alignment, sizeof alignment, room, to, size);
    case CL_DEVICE_AVAILABLE:
        return answer(&available, sizeof available, room, to, size);
    case CL_DEVICE_COMPILER_AVAILABLE:
        return answer(&compiler, sizeof compiler, room, to, size);
    default:
        return CL_INVALID_VALUE;
    }
}

/* ---- what can be made ------------------------------------------------------------------------ */

static void *made(size_t bytes, cl_int *code) {
    const struct _cl_icd_dispatch **object = calloc(1, bytes);
    if (object)
        *object = &table;
    if (code)
        *code = object ? CL_SUCCESS : CL_OUT_OF_HOST_MEMORY;
    return object;
}

static void *refused(cl_int reason, cl_int *code) {
    if (code)
        *code = reason;
    return NULL;
}

static cl_context CL_API_CALL create_context(const cl_context_properties *properties, cl_uint count,
                                             const cl_device_id *devices,
                                             void(CL_CALLBACK *notify)(const char *, const void *,
                                                                       size_t, void *),
                                             void *user, cl_int *code) {
    (void)properties, (void)count, (void)notify, (void)user;
    return devices[0]->values[OPENS] ? made(sizeof(struct _cl_context), code)
                                     : refused(CL_DEVICE_NOT_AVAILABLE, code);
}

static cl_command_queue CL_API_CALL create_queue(cl_context context, cl_device_id device,
                                                 cl_command_queue_properties properties,
                                                 cl_int *code) {
    (void)properties;
    cl_command_queue queue = made(sizeof *queue, code);
    if (queue)
        *queue = (struct _cl_command_queue){&table, context, device};
    return queue;
}

static cl_int CL_API_CALL queue_info(cl_command_queue queue, cl_command_queue_info what,
                                     size_t room, void *to, size_t *size) {
    return what == CL_QUEUE_DEVICE ? answer(&queue->device, sizeof queue->device, room, to, size)
           : what == CL_QUEUE_CONTEXT
               ? answer(&queue->context, sizeof queue->context, room, to, size)
               : CL_INVALID_VALUE;
}

static cl_mem CL_API_CALL create_buffer(cl_context context, cl_mem_flags flags, size_t bytes,
                                        void *host, cl_int *code) {
    (void)context, (void)flags, (void)bytes, (void)host;
    return made(sizeof(struct _cl_mem), code);
}

static cl_program CL_API_CALL create_program(cl_context context, cl_uint count, const char **texts,
                                             const size_t *lengths, cl_int *code) {
    (void)context, (void)count, (void)texts, (void)lengths;
    return refused(CL_OUT_OF_RESOURCES, code);
}

static cl_int CL_API_CALL write_buffer(cl_command_queue queue, cl_mem buffer, cl_bool wait,
                                       size_t offset, size_t bytes, const void *from, cl_uint count,
                                       const cl_event *events, cl_event *event) {
    (void)queue, (void)buffer, (void)wait, (void)offset, (void)bytes, (void)from, (void)count;
    (void)events, (void)event;
    return CL_OUT_OF_RESOURCES;
}

static cl_int CL_API_CALL fill_buffer(cl_command_queue queue, cl_mem buffer, const void *pattern,
                                      size_t size, size_t offset, size_t bytes, cl_uint count,
                                      const cl_event *events, cl_event *event) {
    (void)queue, (void)buffer, (void)pattern, (void)size, (void)offset, (void)bytes, (void)count;
    (void)events, (void)event;
    return CL_OUT_OF_RESOURCES;
}

static cl_int CL_API_CALL finish(cl_command_queue queue) {
    (void)queue;
    return CL_SUCCESS;
}

static cl_int CL_API_CALL release_context(cl_context context) {
    free(context);
    return CL_SUCCESS;
}

static cl_int CL_API_CALL release_queue(cl_command_queue queue) {
    free(queue);
    return CL_SUCCESS;
}

static cl_int CL_API_CALL release_buffer(cl_mem buffer) {
    free(buffer);
    return CL_SUCCESS;
}

static cl_int CL_API_CALL unload_compiler(cl_platform_id platform) {
    (void)platform;
    return CL_SUCCESS;
}

/* ---- what the loader calls ------------------------------------------------------------------- */

#pragma GCC visibility push(default)

CL_API_ENTRY cl_int CL_API_CALL clIcdGetPlatformIDsKHR(cl_uint room, cl_platform_id *to,
                                                       cl_uint *count) {
    if (platform_count == 0) {
        table.clGetPlatformInfo = platform_info;
        table.clGetDeviceIDs = list_devices;
        table.clGetDeviceInfo = device_info;
        table.clCreateContext = create_context;
        table.clCreateCommandQueue = create_queue;
        table.clGetCommandQueueInfo = queue_info;
        table.clCreateBuffer = create_buffer;
        table.clCreateProgramWithSource = create_program;
        table.clEnqueueWriteBuffer = write_buffer;
        table.clEnqueueFillBuffer = fill_buffer;
        table.clFinish = finish;
        table.clReleaseContext = release_context;
        table.clReleaseCommandQueue = release_queue;
        table.clReleaseMemObject = release_buffer;
        table.clUnloadPlatformCompiler = unload_compiler;
        read_file();
    }
    for (cl_uint i = 0; to && i < platform_count && i < room; i++)
        to[i] = &platforms[i];
    if (count)
        *count = platform_count;
    return platform_count ? CL_SUCCESS : CL_PLATFORM_NOT_FOUND_KHR;
}

CL_API_ENTRY void *CL_API_CALL clGetExtensionFunctionAddress(const char *name) {
    return strcmp(name, "clIcdGetPlatformIDsKHR") == 0 ? (void *)clIcdGetPlatformIDsKHR : NULL;
}

CL_API_ENTRY cl_int CL_API_CALL clGetPlatformInfo(cl_platform_id platform, cl_platform_info what,
                                                  size_t room, void *to, size_t *size) {
    return platform_info(platform, what, room, to, size);
}

#pragma GCC visibility pop
