/* ocl_clblast.c: calls of CLBlast, with its status codes turned into ours. */
#include "opencl/ocl_clblast.h"

lens_status ocl_clblast_finish(lens_tensor *c, const lens_tensor *bias, const lens_activation *f) {
    if (!bias && (!f || f->kind == LENS_LINEAR))
        return LENS_OK;
    ocl_launch launch = ocl_begin(c->context, "matmul_clblast", "matmul_clblast_finish", "");
    ocl_arg_tensor(&launch, c);
    ocl_arg_tensor(&launch, bias);
    ocl_arg_int(&launch, bias != NULL);
    ocl_arg_int(&launch, f ? f->kind : LENS_LINEAR);
    ocl_arg_float(&launch, f ? f->alpha : 0);
    ocl_arg_int(&launch, c->count);
    ocl_arg_int(&launch, c->shape.c);
    ocl_arg_int(&launch, c->shape.h * c->shape.w);
    return ocl_run_1d(&launch, c->count);
}

#ifndef LENSLET_CLBLAST

bool ocl_clblast_built(void) {
    return false;
}

bool ocl_clblast_possible(const lens_context *context) {
    (void)context;
    return false;
}

size_t ocl_clblast_scratch(const lens_context *context, const ocl_matmul *product) {
    (void)context, (void)product;
    return 0;
}

static lens_status not_built(void) {
    return lens_fail(LENS_UNSUPPORTED, "clblast: this build is without CLBlast");
}

lens_status ocl_clblast_multiply(lens_tensor *c, const lens_tensor *a, const lens_tensor *b,
                                 const ocl_matmul *product, const lens_tensor *scratch) {
    (void)c, (void)a, (void)b, (void)product, (void)scratch;
    return not_built();
}

lens_status ocl_clblast_multiply_batch(lens_tensor *c, const lens_tensor *a, const lens_tensor *b,
                                       const ocl_matmul *product,
                                       const ocl_clblast_strides *strides, size_t batch) {
    (void)c, (void)a, (void)b, (void)product, (void)strides, (void)batch;
    return not_built();
}

void ocl_clblast_forget(void) {}

#else

#include <clblast_c.h>

/* Of a work-group. Which sizes CLBlast wants depends on the device, the kernel and CLBlast's
 * version: up to 256 are usual. It does not take others where they are too large, it fails with
 * CL_INVALID_WORK_GROUP_SIZE (seen on PoCL with POCL_MAX_WORK_GROUP_SIZE=8). */
#define LEAST_ITEMS 256

bool ocl_clblast_built(void) {
    return true;
}

bool ocl_clblast_possible(const lens_context *context) {
    return context->device.work_group_items >= LEAST_ITEMS;
}

void ocl_clblast_forget(void) {
    CLBlastClearCache();
}

/* ---- statuses ------------------------------------------------------------------------------ */

/* The codes that are CLBlast's own; the others are OpenCL's. */
static const char *own_name(int code) {
    switch (code) {
#define X(name)                                                                                    \
    case CLBlast##name:                                                                            \
        return "CLBlast" #name;
        X(NotImplemented)
        X(InvalidMatrixA)
        X(InvalidMatrixB)
        X(InvalidMatrixC)
        X(InvalidDimension)
        X(InvalidLeadDimA)
        X(InvalidLeadDimB)
        X(InvalidLeadDimC)
        X(InsufficientMemoryA)
        X(InsufficientMemoryB)
        X(InsufficientMemoryC)
        X(InsufficientMemoryTemp)
        X(InvalidBatchCount)
        X(InvalidLocalMemUsage)
        X(DatabaseError)
        X(UnknownError)
        X(UnexpectedError)
#undef X
    }
    return NULL;
}

static lens_status fail(CLBlastStatusCode code, const char *call, const ocl_matmul *product,
                        size_t batch) {
    if (!own_name(code))
        return ocl_fail((cl_int)code, "%s of %zu times %zu x %zu x %zu", call, batch, product->m,
                        product->j, product->l);
    lens_status status = code == CLBlastInvalidLocalMemUsage ? LENS_UNSUPPORTED : LENS_DEVICE;
    return lens_fail(status, "%s of %zu times %zu x %zu x %zu: %s (%d)", call, batch, product->m,
                     product->j, product->l, own_name(code), (int)code);
}

/* ---- products ------------------------------------------------------------------------------ */

/* A matrix as BLAS sees it, from how far apart its rows and its columns are: one of the two is 1.
 * Where both are, the count of columns tells. */
typedef struct side {
    CLBlastTranspose transpose;
    size_t leading;
} side;

static side side_of(size_t columns, size_t row, size_t column) {
    if (column == 1 && row >= columns)
        return (side){CLBlastTransposeNo, row};
    return (side){CLBlastTransposeYes, column};
}

static side side_a(const ocl_matmul *product) {
    return side_of(product->l, product->a_row, product->a_column);
}

static side side_b(const ocl_matmul *product) {
    return side_of(product->j, product->b_row, product->b_column);
}

/* Bytes of temporary memory that CLBlast wants. Tensors that do not start at their buffer's begin
 * are copied, so offsets count only as 0 or not. */
static size_t temporary_bytes(const lens_context *context, const ocl_matmul *product,
                              size_t a_offset, size_t b_offset, size_t c_offset) {
    side a = side_a(product), b = side_b(product);
    size_t bytes = 0;
    CLBlastStatusCode code =
        CLBlastSGemmTempBufferSize(CLBlastLayoutRowMajor, a.transpose, b.transpose, product->m,
                                   product->j, product->l, a_offset, a.leading, b_offset, b.leading,
                                   c_offset, product->j, &ocl_state_of(context)->queue, &bytes);
    return code == CLBlastSuccess ? bytes : 0; /* 0: it will ask the driver */
}

size_t ocl_clblast_scratch(const lens_context *context, const ocl_matmul *product) {
    return temporary_bytes(context, product, 1, 1, 1) / sizeof(float);
}

lens_status ocl_clblast_multiply(lens_tensor *c, const lens_tensor *a, const lens_tensor *b,
                                 const ocl_matmul *product, const lens_tensor *scratch) {
    side as = side_a(product), bs = side_b(product);
    size_t wanted = temporary_bytes(c->context, product, a->offset, b->offset, c->offset);
    bool is_given =
        wanted && scratch && scratch->offset == 0 && scratch->count * sizeof(float) >= wanted;
    ocl_state_of(c->context)->used_clblast = true;
    cl_command_queue *queue = &ocl_state_of(c->context)->queue;
    ocl_span span;
    LENS_TRY(ocl_span_begin(&span, c->context, "CLBlastSgemm"));
    CLBlastStatusCode code;
    if (is_given)
        code = CLBlastSgemmWithTempBuffer(
            CLBlastLayoutRowMajor, as.transpose, bs.transpose, product->m, product->j, product->l,
            1, a->buffer, a->offset, as.leading, b->buffer, b->offset, bs.leading, 0, c->buffer,
            c->offset, product->j, queue, span.event, scratch->buffer);
    else
        code =
            CLBlastSgemm(CLBlastLayoutRowMajor, as.transpose, bs.transpose, product->m, product->j,
                         product->l, 1, a->buffer, a->offset, as.leading, b->buffer, b->offset,
                         bs.leading, 0, c->buffer, c->offset, product->j, queue, span.event);
    LENS_TRY(ocl_span_end(&span, code == CLBlastSuccess));
    return code == CLBlastSuccess ? LENS_OK : fail(code, "CLBlastSgemm", product, 1);
}

lens_status ocl_clblast_multiply_batch(lens_tensor *c, const lens_tensor *a, const lens_tensor *b,
                                       const ocl_matmul *product,
                                       const ocl_clblast_strides *strides, size_t batch) {
    side as = side_a(product), bs = side_b(product);
    ocl_state_of(c->context)->used_clblast = true;
    ocl_span span;
    LENS_TRY(ocl_span_begin(&span, c->context, "CLBlastSgemmStridedBatched"));
    CLBlastStatusCode code = CLBlastSgemmStridedBatched(
        CLBlastLayoutRowMajor, as.transpose, bs.transpose, product->m, product->j, product->l, 1,
        a->buffer, a->offset, as.leading, strides->a, b->buffer, b->offset, bs.leading, strides->b,
        0, c->buffer, c->offset, product->j, strides->c, batch, &ocl_state_of(c->context)->queue,
        span.event);
    LENS_TRY(ocl_span_end(&span, code == CLBlastSuccess));
    return code == CLBlastSuccess ? LENS_OK
                                  : fail(code, "CLBlastSgemmStridedBatched", product, batch);
}

#endif
