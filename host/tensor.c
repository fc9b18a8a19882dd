/* tensor.c: making tensors and moving their values. */
#include "backend.h"
#include "core/error.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

static lens_tensor *tensor_alloc(lens_context *context, lens_shape shape, size_t count) {
    lens_tensor *tensor = calloc(1, sizeof *tensor);
    if (!tensor)
        return NULL;
    *tensor = (lens_tensor){.context = context, .shape = shape, .count = count};
    context->live_tensors++;
    return tensor;
}

lens_status lens_tensor_new(lens_tensor **out, lens_context *context, lens_shape shape) {
    assert(out && context);
    *out = NULL;
    size_t count;
    LENS_TRY(lens_shape_count(shape, &count));
    const lens_device_info *device = &context->device;
    char text[LENS_SHAPE_TEXT];
    if (count > device->allocation_bytes / sizeof(float))
        return lens_fail(LENS_OUT_OF_MEMORY,
                         "tensor %s needs %zu bytes, the largest allocation of %s is %zu",
                         lens_shape_text(shape, text), count * sizeof(float), device->name,
                         device->allocation_bytes);
    lens_tensor *tensor = tensor_alloc(context, shape, count);
    if (!tensor)
        return lens_fail_memory("tensor", sizeof *tensor);
    lens_status status = context->backend->buffer_new(&tensor->buffer, context, count);
    if (status != LENS_OK) {
        context->live_tensors--;
        free(tensor);
        return status;
    }
    context->bytes += count * sizeof(float);
    if (context->bytes > context->peak_bytes)
        context->peak_bytes = context->bytes;
    *out = tensor;
#ifndef NDEBUG
    /* A value that is read before it is written shows. */
    status = lens_tensor_fill(tensor, NAN);
    if (status != LENS_OK) {
        lens_tensor_free(tensor);
        *out = NULL;
    }
#endif
    return status;
}

lens_status lens_tensor_view(lens_tensor **out, lens_tensor *base, size_t offset,
                             lens_shape shape) {
    assert(out && base);
    *out = NULL;
    size_t count;
    LENS_TRY(lens_shape_count(shape, &count));
    char text[LENS_SHAPE_TEXT];
    if (offset > base->count || count > base->count - offset)
        return lens_fail(LENS_BAD_SHAPE, "view of %s at element %zu reaches past the %zu elements",
                         lens_shape_text(shape, text), offset, base->count);
    lens_tensor *tensor = tensor_alloc(base->context, shape, count);
    if (!tensor)
        return lens_fail_memory("tensor view", sizeof *tensor);
    tensor->buffer = base->buffer;
    tensor->offset = base->offset + offset;
    tensor->is_view = true;
    *out = tensor;
    return LENS_OK;
}

void lens_tensor_free(lens_tensor *tensor) {
    if (!tensor)
        return;
    lens_context *context = tensor->context;
    if (!tensor->is_view) {
        context->backend->buffer_free(context, tensor->buffer);
        context->bytes -= tensor->count * sizeof(float);
    }
    context->live_tensors--;
    free(tensor);
}

lens_shape lens_tensor_shape(const lens_tensor *tensor) {
    return tensor->shape;
}

size_t lens_tensor_count(const lens_tensor *tensor) {
    return tensor->count;
}

lens_context *lens_tensor_context(const lens_tensor *tensor) {
    return tensor->context;
}

lens_status lens_tensor_write(lens_tensor *tensor, const float *values) {
    assert(tensor && values);
    return tensor->context->backend->tensor_write(tensor, values);
}

lens_status lens_tensor_read(const lens_tensor *tensor, float *values) {
    assert(tensor && values);
    return tensor->context->backend->tensor_read(tensor, values);
}

lens_status lens_tensor_fill(lens_tensor *tensor, float value) {
    assert(tensor);
    return tensor->context->backend->tensor_fill(tensor, value);
}

lens_status lens_tensor_copy(lens_tensor *to, const lens_tensor *from) {
    assert(to && from);
    if (to->context != from->context)
        return lens_fail(LENS_BAD_ARGUMENT, "copy: the tensors belong to different contexts");
    if (to->count != from->count)
        return lens_fail(LENS_BAD_SHAPE, "copy: %zu elements into %zu", from->count, to->count);
    return to->context->backend->tensor_copy(to, from);
}
