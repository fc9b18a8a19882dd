/* opencl.h: the OpenCL backend's inside: its state in a context, programs, launches.
 *
 * The only folder that includes CL/cl.h. A launch reads like this:
 *
 *     ocl_launch launch = ocl_begin(y->context, "conv2d", "conv2d_forward", "");
 *     ocl_arg_tensor(&launch, y);
 *     ocl_arg_int(&launch, y->shape.n);
 *     return ocl_run_1d(&launch, y->count);
 */
#ifndef LENSLET_OPENCL_OPENCL_H
#define LENSLET_OPENCL_OPENCL_H

#include "backend.h"
#include "core/error.h"
#include "core/timeline.h"

#include <CL/cl.h>
#include <stddef.h>

/* ---- state of a context (ocl_context.c) ---------------------------------------------------- */

/* One kernel of a program built with certain options. */
typedef struct ocl_kernel {
    char *program, *name, *options; /* the key */
    cl_kernel handle;
    size_t work_group_items; /* the most that this kernel can run with */
    size_t launches;         /* counted when profiling */
    double seconds;
    struct ocl_kernel *next;
} ocl_kernel;

typedef struct ocl_program {
    char *name, *options; /* the key */
    cl_program handle;
    struct ocl_program *next;
} ocl_program;

/* What has been queued and is timed, until its times are read. */
typedef struct ocl_timing {
    cl_event since;     /* the time starts when this one is done; NULL: at the start of `event` */
    cl_event event;     /* NULL: it is not timed */
    ocl_kernel *kernel; /* NULL: a transfer, which only a trace shows */
    cl_ulong queued, started, ended; /* by the device's clock, in nanoseconds */
    /* In a traced context. */
    const char *name, *args;  /* of the event; name NULL: it is not recorded */
    const char *op, *op_args; /* of the operation that it is a part of; NULL: of none */
    uint64_t operation;       /* its number */
    int64_t queued_at;        /* by the trace's clock, before it was queued */
} ocl_timing;

/* A traced device between two readings of times. */
typedef struct ocl_trace_state {
    int64_t end;           /* of the latest event */
    lens_trace_event open; /* the operation whose parts are being recorded; name NULL: none */
    uint64_t operation;    /* its number */
} ocl_trace_state;

/* A write on its way: the host's copy of its values, which lives until the event is done. */
typedef struct ocl_upload {
    cl_event event; /* NULL: none */
    float *values;
    size_t capacity; /* elements */
} ocl_upload;

#define OCL_PARTS 512

/* The host runs at most so many writes ahead of the device: a few training steps. */
#define OCL_UPLOADS 6

typedef struct ocl_state {
    cl_platform_id platform;
    cl_device_id device;
    cl_context context;
    cl_command_queue queue; /* in order */
    cl_mem dummy;           /* bound where a kernel takes a tensor and there is none */
    cl_mem parts;           /* OCL_PARTS floats: sums between two launches of one operation */
    ocl_upload uploads[OCL_UPLOADS];
    size_t next_upload;
    ocl_program *programs;
    ocl_kernel *kernels;
    char *algorithm; /* forced by name, or NULL */
    bool cpu_class;  /* runs the kernels for CPUs */
    bool used_clblast;
    char *kernel_dir; /* read .cl files from here, or NULL */
    bool profile;
    ocl_timing *timings;
    size_t timing_count, timing_capacity;
    ocl_trace_state trace;
} ocl_state;

static inline ocl_state *ocl_state_of(const lens_context *context) {
    return context->state;
}

/* True when the algorithm `name` may be chosen: it is the forced one, or none is forced. */
bool ocl_algorithm_allowed(const lens_context *context, const char *name);

/* The algorithm that is forced, or NULL: it runs wherever it can, not only where it pays. */
const char *ocl_algorithm_forced(const lens_context *context);

/* The class of kernels: a CPU's, or a GPU's. The device's own, unless LENSLET_CLASS says which. */
bool ocl_is_cpu(const lens_context *context);

/* Free the copies of writes; the queue has finished. */
void ocl_uploads_free(ocl_state *state);

lens_status ocl_context_open(lens_context *context, const lens_context_opts *opts);
void ocl_context_close(lens_context *context);
lens_status ocl_context_wait(lens_context *context);
lens_status ocl_context_limits(lens_context *context, lens_limits *limits);
lens_status ocl_buffer_new(void **out, lens_context *context, size_t count);
void ocl_buffer_free(lens_context *context, void *buffer);
lens_status ocl_tensor_write(lens_tensor *tensor, const float *values);
lens_status ocl_tensor_read(const lens_tensor *tensor, float *values);
lens_status ocl_tensor_fill(lens_tensor *tensor, float value);
lens_status ocl_tensor_copy(lens_tensor *to, const lens_tensor *from);

/* ---- times (ocl_profile.c, ocl_trace.c) ------------------------------------------------------ */

/* Before something is queued. `name` is what a trace calls it; NULL: it is all of its operation,
 * and has that one's name. */
ocl_timing ocl_timing_begin(const lens_context *context, const char *name);

/* After it has been queued, with `timing->event` set by it, or NULL. A kernel is counted in the
 * profile; a transfer (NULL) is not. */
lens_status ocl_timing_keep(lens_context *context, ocl_timing *timing, ocl_kernel *kernel);

/* Read the times of all that is queued into their kernels' sums, and into the trace. Waits. */
lens_status ocl_collect_timings(lens_context *context);

/* Without reading them. */
void ocl_timings_free(ocl_state *state);

/* Record timings, all that were kept, which have been read at `now`. */
void ocl_trace_timings(lens_context *context, int64_t now);

/* Nothing more is recorded. */
void ocl_trace_close(lens_context *context);

lens_status ocl_context_profile(lens_context *context, lens_profile_entry *entries, size_t capacity,
                                size_t *count);

/* ---- errors (ocl_error.c) ------------------------------------------------------------------ */

/* "CL_OUT_OF_RESOURCES" */
const char *ocl_error_name(cl_int code);

/* The status for a failed OpenCL call, with the message "<what>: CL_OUT_OF_RESOURCES (-5)". */
lens_status ocl_fail(cl_int code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- devices (ocl_device.c) ---------------------------------------------------------------- */

/* The device that lens_opencl_list() put at this place of this platform. */
lens_status ocl_find_device(const lens_device_info *info, cl_platform_id *platform,
                            cl_device_id *device);

/* ---- programs (ocl_program.c, ocl_cache.c) ------------------------------------------------- */

/* The kernel, built or loaded from the cache when it is first asked for. `options` are the -D
 * macros of the program, "" for none. Borrowed from the context. */
lens_status ocl_kernel_get(ocl_kernel **out, const lens_context *context, const char *program,
                           const char *name, const char *options);
/* An entry for the profile of launches that a library does, which has no handle. */
lens_status ocl_kernel_entry(ocl_kernel **out, ocl_state *state, const char *name);

void ocl_programs_free(ocl_state *state);

/* What a cached binary depends on besides the source. */
typedef struct ocl_cache_key {
    const char *name;   /* of the program, for the file's name */
    const char *source; /* 0-terminated */
    const char *options;
    const lens_device_info *device;
} ocl_cache_key;

/* A program from the cache's binary, built; NULL when there is none that works. */
cl_program ocl_cache_load(ocl_state *state, const ocl_cache_key *key);

/* Keep a built program's binary. Failing to is no error: the next start compiles again. */
void ocl_cache_store(ocl_state *state, const ocl_cache_key *key, cl_program program);

/* ---- launches (ocl_launch.c) --------------------------------------------------------------- */

/* A kernel whose arguments are being set, in the order of its parameters. The first failure stays
 * in `status` and is returned by the run. */
typedef struct ocl_launch {
    lens_context *context;
    ocl_kernel *kernel;
    cl_uint arg; /* the next argument's index */
    lens_status status;
} ocl_launch;

ocl_launch ocl_begin(lens_context *context, const char *program, const char *kernel,
                     const char *options);

/* Two parameters: the buffer, and the offset of the first element as ulong. NULL: a buffer that the
 * kernel must not touch. */
void ocl_arg_tensor(ocl_launch *launch, const lens_tensor *tensor);
void ocl_arg_int(ocl_launch *launch, size_t value);       /* at most INT32_MAX */
void ocl_arg_stride(ocl_launch *launch, ptrdiff_t value); /* an int of either sign */
void ocl_arg_ulong(ocl_launch *launch, size_t value);
void ocl_arg_float(ocl_launch *launch, float value);
void ocl_arg_local(ocl_launch *launch, size_t bytes); /* so much local memory */
/* n, c, h, w */
void ocl_arg_shape(ocl_launch *launch, lens_shape shape);

/* `wanted`, a power of two, halved until the kernel can run with it. */
size_t ocl_group_size(const ocl_kernel *kernel, size_t wanted);

/* At least `items` work-items in one dimension, in groups of a size that suits the device; the
 * kernel guards against the rest. */
lens_status ocl_run_1d(ocl_launch *launch, size_t items);

/* `groups` groups of `items` work-items, or fewer when the kernel cannot have as many. */
lens_status ocl_run_groups(ocl_launch *launch, size_t groups, size_t items);

/* Exactly these groups: `global` is a multiple of `local` in each of the `dims` dimensions. */
lens_status ocl_run(ocl_launch *launch, cl_uint dims, const size_t *global, const size_t *local);

/* What another library queues, timed as one launch called `name` when profiling: from when all
 * before it is done to the end of `event`, which the library fills in (NULL: not profiling). */
typedef struct ocl_span {
    lens_context *context;
    const char *name;
    ocl_timing timing;
    cl_event *event;
} ocl_span;

lens_status ocl_span_begin(ocl_span *span, lens_context *context, const char *name);
/* `queued` is false when the library failed and left no event. */
lens_status ocl_span_end(ocl_span *span, bool queued);

/* ---- operations (one file each) ------------------------------------------------------------ */

size_t ocl_conv2d_scratch(const lens_context *context, lens_pass pass, lens_shape x, lens_shape w,
                          lens_shape y, const lens_conv2d_opts *opts);
size_t ocl_conv2d_algorithms(const char *names[LENS_ALGORITHMS_MOST], const lens_context *context,
                             lens_pass pass, lens_shape x, lens_shape w, lens_shape y,
                             const lens_conv2d_opts *opts);
lens_status ocl_conv2d_forward(lens_tensor *y, const lens_tensor *x, const lens_tensor *w,
                               const lens_tensor *b, const lens_conv2d_opts *opts,
                               lens_tensor *scratch);
lens_status ocl_conv2d_backward_input(lens_tensor *dx, const lens_tensor *dy, const lens_tensor *w,
                                      const lens_conv2d_opts *opts, lens_tensor *scratch);
lens_status ocl_conv2d_backward_weight(lens_tensor *dw, const lens_tensor *dy, const lens_tensor *x,
                                       const lens_conv2d_opts *opts, lens_tensor *scratch);
lens_status ocl_conv2d_backward_bias(lens_tensor *db, const lens_tensor *dy);

lens_status ocl_pool2d_forward(lens_tensor *y, const lens_tensor *x, const lens_pool2d_opts *opts);
lens_status ocl_pool2d_backward_input(lens_tensor *dx, const lens_tensor *dy, const lens_tensor *x,
                                      const lens_pool2d_opts *opts);

lens_status ocl_pad2d_forward(lens_tensor *y, const lens_tensor *x, const lens_padding *opts);
lens_status ocl_pad2d_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                     const lens_padding *opts);

size_t ocl_dense_scratch(const lens_context *context, lens_pass pass, lens_shape x, lens_shape w);
size_t ocl_dense_algorithms(const char *names[LENS_ALGORITHMS_MOST], const lens_context *context,
                            lens_pass pass, lens_shape x, lens_shape w);
lens_status ocl_dense_forward(lens_tensor *y, const lens_tensor *x, const lens_tensor *w,
                              const lens_tensor *b, const lens_dense_opts *opts,
                              lens_tensor *scratch);
lens_status ocl_dense_backward_input(lens_tensor *dx, const lens_tensor *dy, const lens_tensor *w,
                                     lens_tensor *scratch);
lens_status ocl_dense_backward_weight(lens_tensor *dw, const lens_tensor *dy, const lens_tensor *x,
                                      lens_tensor *scratch);
lens_status ocl_dense_backward_bias(lens_tensor *db, const lens_tensor *dy);

lens_status ocl_subsample_forward(lens_tensor *y, const lens_tensor *x, const lens_tensor *w,
                                  const lens_tensor *b, const lens_subsample_opts *opts);
lens_status ocl_subsample_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                         const lens_tensor *w, const lens_subsample_opts *opts);
lens_status ocl_subsample_backward_weight(lens_tensor *dw, const lens_tensor *dy,
                                          const lens_tensor *x, const lens_subsample_opts *opts);
lens_status ocl_subsample_backward_bias(lens_tensor *db, const lens_tensor *dy);

lens_status ocl_rbf_forward(lens_tensor *y, const lens_tensor *x, const lens_tensor *w);
lens_status ocl_rbf_backward_input(lens_tensor *dx, const lens_tensor *dy, const lens_tensor *x,
                                   const lens_tensor *w);
lens_status ocl_rbf_backward_weight(lens_tensor *dw, const lens_tensor *dy, const lens_tensor *x,
                                    const lens_tensor *w);

lens_status ocl_activation_forward(lens_tensor *y, const lens_tensor *x,
                                   const lens_activation *opts);
lens_status ocl_activation_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                          const lens_tensor *y, const lens_activation *opts);
lens_status ocl_activation_backward_bias(lens_tensor *dx, lens_tensor *db, const lens_tensor *dy,
                                         const lens_tensor *y, const lens_activation *opts);

size_t ocl_lrn_scratch(const lens_context *context, lens_pass pass, lens_shape x,
                       const lens_lrn_opts *opts);
lens_status ocl_lrn_forward(lens_tensor *y, const lens_tensor *x, const lens_lrn_opts *opts);
lens_status ocl_lrn_backward_input(lens_tensor *dx, const lens_tensor *dy, const lens_tensor *x,
                                   const lens_lrn_opts *opts, lens_tensor *scratch);

lens_status ocl_batchnorm_forward(lens_tensor *y, const lens_tensor *x, const lens_tensor *gamma,
                                  const lens_tensor *beta, const lens_tensor *mean,
                                  const lens_tensor *variance, const lens_batchnorm_opts *opts);
lens_status ocl_batchnorm_forward_training(lens_tensor *y, const lens_tensor *x,
                                           const lens_tensor *gamma, const lens_tensor *beta,
                                           lens_tensor *mean, lens_tensor *variance,
                                           lens_tensor *saved, const lens_batchnorm_opts *opts);
lens_status ocl_batchnorm_backward_weight(lens_tensor *dgamma, lens_tensor *dbeta,
                                          const lens_tensor *dy, const lens_tensor *x,
                                          const lens_tensor *saved);
lens_status ocl_batchnorm_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                         const lens_tensor *x, const lens_tensor *gamma,
                                         const lens_tensor *saved, const lens_tensor *dgamma,
                                         const lens_tensor *dbeta);

lens_status ocl_dropout_forward(lens_tensor *y, const lens_tensor *x,
                                const lens_dropout_opts *opts);
lens_status ocl_dropout_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                       const lens_dropout_opts *opts);

lens_status ocl_softmax_forward(lens_tensor *y, const lens_tensor *x);
lens_status ocl_softmax_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                       const lens_tensor *y);

/* Whether a group shares the channels of a pixel, in softmax and losses: on a GPU, where they are
 * many, and an image's pixels too few for neighbouring work-items to read neighbours. */
bool ocl_channels_shared(const lens_context *context, lens_shape shape);

lens_status ocl_loss_forward(lens_tensor *total, const lens_tensor *x, const lens_tensor *t,
                             const lens_tensor *w, const lens_loss_opts *opts, bool accumulate);
lens_status ocl_loss_backward_input(lens_tensor *dx, const lens_tensor *x, const lens_tensor *t,
                                    const lens_tensor *w, const lens_loss_opts *opts);

lens_status ocl_resize2d_forward(lens_tensor *y, const lens_tensor *x, lens_resize2d_kind kind);
lens_status ocl_resize2d_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                        lens_resize2d_kind kind);

size_t ocl_optimizer_scratch(const lens_context *context, size_t count);
lens_status ocl_optimizer_norm(lens_tensor *norm, const lens_tensor *g, lens_tensor *scratch);
lens_status ocl_optimizer_step(lens_tensor *w, const lens_tensor *g, lens_tensor *const *slots,
                               const lens_tensor *norm, uint64_t step,
                               const lens_optimizer_opts *opts);

#endif
