/* device.h: the devices of this machine, the choice of one, and a context on it.
 *
 * Life times: a lens_devices list and the contexts made from it are independent; free them in any
 * order. Everything made in a context must be freed before the context.
 *
 * Threads: **one context is used by one thread at a time**; different contexts are independent.
 */
#ifndef LENSLET_DEVICE_H
#define LENSLET_DEVICE_H

#include "lenslet/trace.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum lens_device_type {
    LENS_DEVICE_REFERENCE, /* the plain-C path of this library: the specification, never fast */
    LENS_DEVICE_CPU,
    LENS_DEVICE_GPU,
    LENS_DEVICE_ACCELERATOR,
    LENS_DEVICE_OTHER
} lens_device_type;

typedef struct lens_device_info {
    char platform[128];       /* "Portable Computing Language" */
    char name[128];           /* "pthread-skylake-avx512" */
    char vendor[128];         /*  */
    char driver[128];         /* the driver's version */
    char opencl_version[128]; /* "OpenCL 3.0 PoCL ..."; "" for the reference */
    lens_device_type type;
    size_t index;           /* position in the flat list */
    size_t platform_index;  /* P of P:D */
    size_t platform_device; /* D of P:D */
    size_t compute_units;
    size_t clock_mhz;        /* 0 when unknown */
    size_t memory_bytes;     /* global memory */
    size_t allocation_bytes; /* largest single allocation */
    size_t local_bytes;      /* local memory of a work-group; 0 for the reference */
    size_t work_group_items; /* largest work-group; 1 for the reference */
    size_t alignment_bytes;  /* of a sub-buffer's origin */
    bool available;          /* false: listed by the platform, but cannot run now */
    bool has_compiler;       /* false: cannot build kernels, so it cannot be used here */
    bool has_fp16;
    bool has_fp64;
    char quirks[128]; /* what is done differently for its driver; "" for nothing */
} lens_device_info;

typedef struct lens_devices lens_devices;
typedef struct lens_context lens_context;

/* List every device of every OpenCL platform that the ICD loader offers, then the reference
 * device, which is always the last. Having no OpenCL at all is no error: the list is then the
 * reference alone. Fails with OUT_OF_MEMORY only. */
LENS_API lens_status lens_devices_new(lens_devices **out);
LENS_API void lens_devices_free(lens_devices *devices);

/* At least 1. */
LENS_API size_t lens_devices_count(const lens_devices *devices);

/* Borrowed from the list; index < count. */
LENS_API const lens_device_info *lens_devices_get(const lens_devices *devices, size_t index);

/* Find the one device that `choice` names:
 *
 *     NULL, "" or "auto"   the first GPU, else accelerator, else CPU, else the reference
 *     "reference", "ref"   the plain-C path
 *     "N"                  the flat index
 *     "P:D"                device D of platform P
 *     "gpu", "cpu:1"       the first GPU, the second CPU
 *     anything else        part of "platform / name", upper and lower case alike
 *
 * Devices that are unavailable or have no compiler are never chosen by auto, type or name.
 * NO_DEVICE when nothing matches; AMBIGUOUS_DEVICE, with the matches in the message, when a name
 * fits several. */
LENS_API lens_status lens_devices_choose(const lens_devices *devices, const char *choice,
                                         size_t *index);

/* "GPU", "CPU", "reference", ... Never NULL. */
LENS_API const char *lens_device_type_name(lens_device_type type);

typedef struct lens_context_opts {
    /* NULL: the best known algorithm for each operation and shape (LENSLET_ALGORITHM when set).
     * Otherwise "direct", "packed", "packed-32", "winograd2", "winograd4", "blocked", "streamed",
     * "rows", "images", "tiled" or "clblast": wherever an operation has one of that name and it is
     * possible, it is taken; elsewhere "direct" does the work. See ops.h and tuning.h. Another name
     * is BAD_ARGUMENT, "clblast" UNSUPPORTED in a build without it. A device runs the algorithms of
     * its class, CPUs or GPUs; LENSLET_CLASS=cpu or gpu in the environment says which, whatever the
     * device is. */
    const char *algorithm;
    /* Directory of .cl files to use instead of those built in; NULL: LENSLET_CL_DIR when set. */
    const char *kernel_dir;
    /* Measure every kernel with events; see lens_context_profile(). Costs time. Default false. */
    bool profile;
    /* Record a timeline there, which must outlive the context; measures every kernel too. Default
     * NULL. */
    lens_trace *trace;
} lens_context_opts;

LENS_API lens_context_opts lens_context_defaults(void);

/* Open the device at `index` of the list. `opts` may be NULL for the defaults. Nothing is compiled
 * yet: a kernel is built, or loaded from the cache under $XDG_CACHE_HOME/lenslet, when it is first
 * needed. NO_DEVICE when the index is outside the list, DEVICE when the driver refuses. */
LENS_API lens_status lens_context_new(lens_context **out, const lens_devices *devices, size_t index,
                                      const lens_context_opts *opts);

/* The shortest way in: list, choose, open. */
LENS_API lens_status lens_context_open(lens_context **out, const char *choice,
                                       const lens_context_opts *opts);

/* Waits for what is queued. Asserts that no tensor of the context is left. NULL is allowed. */
LENS_API void lens_context_free(lens_context *context);

/* Borrowed from the context. */
LENS_API const lens_device_info *lens_context_device(const lens_context *context);

/* Borrowed; NULL unless it was opened with one. */
LENS_API lens_trace *lens_context_trace(const lens_context *context);

/* Wait until everything queued is done; this is where a device's late failure shows. */
LENS_API lens_status lens_context_wait(lens_context *context);

/* What a device can do at most. */
typedef struct lens_limits {
    double flops; /* floating-point operations a second, a multiply-add being two */
    double bytes; /* of memory a second, read and written */
} lens_limits;

/* Measure it, in some 0.1 seconds, by kernels of our own: chains of independent multiply-adds in
 * registers, and the sum of two arrays of 32 MiB (less on small devices). Other load lowers both,
 * so measure beside what is compared. UNSUPPORTED on the reference, whose loops are not made to be
 * fast. */
LENS_API lens_status lens_context_limits(lens_context *context, lens_limits *limits);

/* Bytes of device memory held now by tensors, and the most ever held. */
LENS_API size_t lens_context_memory(const lens_context *context, size_t *peak);

typedef struct lens_profile_entry {
    char kernel[64];
    size_t launches;
    double seconds; /* on the device, from start to end, summed */
} lens_profile_entry;

/* What was measured since the context was opened, longest first. Writes at most `capacity` entries
 * and the number there are into *count. UNSUPPORTED unless opened with `profile` or `trace`. */
LENS_API lens_status lens_context_profile(lens_context *context, lens_profile_entry *entries,
                                          size_t capacity, size_t *count);

/* Release the OpenCL compilers of all platforms. Call it last, if at all: it makes leak checkers
 * quiet about memory that the drivers keep. */
LENS_API void lens_release_compilers(void);

#ifdef __cplusplus
}
#endif

#endif
