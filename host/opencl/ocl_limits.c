/* ocl_limits.c: measuring what an OpenCL device can do at most. */
#include "core/size.h"
#include "opencl/opencl.h"

#include <time.h>

#define CHAINS 24          /* as in cl/limits.cl */
#define STEPS 8            /* too */
#define LEAST_SECONDS 0.02 /* a shorter run measures the launch as well */

/* Three arrays of so many floats are more than caches hold: 96 MiB, and 768 MiB on a GPU, whose
 * last cache may have 256. */
#define MOST_FLOATS ((size_t)8 << 20)
#define MOST_FLOATS_GPU ((size_t)64 << 20)

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static size_t lanes_of(const lens_context *context) {
    return ocl_is_cpu(context) ? 16 : 1;
}

static ocl_launch begin(lens_context *context, const char *kernel) {
    return ocl_begin(context, "limits", kernel, ocl_is_cpu(context) ? "-DLANES=16" : "-DLANES=1");
}

/* Work-items that fill the device several times over. On a CPU each is a group. */
static lens_status run(ocl_launch *launch, size_t items) {
    const size_t one = 1;
    return ocl_is_cpu(launch->context) ? ocl_run(launch, 1, &items, &one)
                                       : ocl_run_1d(launch, items);
}

static lens_status time_fma(double *seconds, lens_tensor *out, size_t items, size_t rounds) {
    lens_context *context = out->context;
    ocl_launch launch = begin(context, "limits_fma");
    ocl_arg_tensor(&launch, out);
    ocl_arg_int(&launch, rounds);
    ocl_arg_float(&launch, 0.999f);
    ocl_arg_float(&launch, 0.001f);
    double start = now();
    LENS_TRY(run(&launch, items));
    LENS_TRY(ocl_context_wait(context));
    *seconds = now() - start;
    return LENS_OK;
}

/* As many rounds as it takes for a run that is long enough. */
static lens_status measure_flops(double *flops, lens_context *context) {
    size_t units = lens_size_max(1, context->device.compute_units);
    size_t items = ocl_is_cpu(context) ? 16 * units : 2048 * units, rounds = 64;
    lens_tensor *out;
    double seconds = 0;
    LENS_TRY(lens_tensor_new(&out, context, (lens_shape){1, items, 1, 1}));
    lens_status status = time_fma(&seconds, out, items, 1); /* compiles it */
    while (status == LENS_OK && rounds < (size_t)1 << 28) {
        status = time_fma(&seconds, out, items, rounds);
        if (seconds >= LEAST_SECONDS)
            break;
        rounds *= 2;
    }
    *flops = 2.0 * CHAINS * STEPS * (double)(lanes_of(context) * items * rounds) / seconds;
    lens_tensor_free(out);
    return status;
}

/* Of one launch, when so many follow each other. */
static lens_status time_add(double *seconds, lens_tensor *const arrays[3], size_t run_floats,
                            size_t launches) {
    lens_context *context = arrays[0]->context;
    double start = now();
    for (size_t i = 0; i < launches; i++) {
        ocl_launch launch = begin(context, "limits_add");
        for (int j = 0; j < 3; j++)
            ocl_arg_tensor(&launch, arrays[j]);
        ocl_arg_int(&launch, run_floats);
        LENS_TRY(run(&launch, arrays[0]->count / run_floats));
    }
    LENS_TRY(ocl_context_wait(context));
    *seconds = (now() - start) / (double)launches;
    return LENS_OK;
}

static lens_status measure_bytes(double *bytes, lens_context *context) {
    bool is_cpu = ocl_is_cpu(context);
    size_t run_floats = is_cpu ? 16384 : 4, launches = 1;
    size_t floats = lens_size_min(is_cpu ? MOST_FLOATS : MOST_FLOATS_GPU,
                                  context->device.allocation_bytes / 16);
    floats = lens_size_min(floats, context->device.memory_bytes / 64) / 16384 * 16384;
    lens_tensor *arrays[3] = {NULL};
    lens_status status = LENS_OK;
    double seconds = 1;
    for (size_t i = 0; status == LENS_OK && i < 3; i++) {
        status = lens_tensor_new(&arrays[i], context, (lens_shape){1, floats, 1, 1});
        if (status == LENS_OK)
            status = lens_tensor_fill(arrays[i], 1);
    }
    if (status == LENS_OK)
        status = time_add(&seconds, arrays, run_floats, 1); /* compiles it */
    while (status == LENS_OK) {
        status = time_add(&seconds, arrays, run_floats, launches);
        if (seconds * (double)launches >= LEAST_SECONDS || launches >= 1024)
            break;
        launches *= 2;
    }
    *bytes = 3.0 * sizeof(float) * (double)floats / seconds;
    for (size_t i = 0; i < 3; i++)
        lens_tensor_free(arrays[i]);
    return status;
}

lens_status ocl_context_limits(lens_context *context, lens_limits *limits) {
    LENS_TRY(measure_flops(&limits->flops, context));
    return measure_bytes(&limits->bytes, context);
}
