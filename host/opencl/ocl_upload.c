/* ocl_upload.c: writing tensors without waiting for the device.
 *
 * A blocking write in an in-order queue waits for everything before it, so a training step that
 * writes its batch would never let the host run ahead. Instead the values are copied, the write is
 * queued, and the copy is used again once the device is done with it: a ring of a few copies, which
 * also bounds how far ahead the host may run.
 */
#include "opencl/opencl.h"

#include <stdlib.h>
#include <string.h>

/* Larger writes, of weights rather than batches, are not worth a copy. In elements: 16 MiB. */
#define COPY_LIMIT ((size_t)4 << 20)

static lens_status fail_write(cl_int code, const lens_tensor *tensor) {
    return ocl_fail(code, "clEnqueueWriteBuffer of %zu floats", tensor->count);
}

static cl_int enqueue(const lens_tensor *tensor, const float *values, cl_bool blocking,
                      cl_event *event) {
    return clEnqueueWriteBuffer(ocl_state_of(tensor->context)->queue, tensor->buffer, blocking,
                                tensor->offset * sizeof(float), tensor->count * sizeof(float),
                                values, 0, NULL, event);
}

/* The next copy of the ring, free and large enough; NULL when there is no memory for it. */
static lens_status take_upload(ocl_upload **out, const lens_context *context, size_t count) {
    ocl_state *state = ocl_state_of(context);
    ocl_upload *upload = &state->uploads[state->next_upload];
    state->next_upload = (state->next_upload + 1) % OCL_UPLOADS;
    if (upload->event) {
        lens_span span = lens_span_begin(context->tracing.trace, "wait");
        cl_int code = clWaitForEvents(1, &upload->event);
        lens_span_end(&span);
        clReleaseEvent(upload->event);
        upload->event = NULL;
        if (code != CL_SUCCESS)
            return ocl_fail(code, "clWaitForEvents of a write");
    }
    if (upload->capacity < count) {
        float *larger = realloc(upload->values, count * sizeof *larger);
        *out = NULL;
        if (!larger)
            return LENS_OK;
        upload->values = larger;
        upload->capacity = count;
    }
    *out = upload;
    return LENS_OK;
}

lens_status ocl_tensor_write(lens_tensor *tensor, const float *values) {
    ocl_state *state = ocl_state_of(tensor->context);
    ocl_upload *upload = NULL;
    if (tensor->count <= COPY_LIMIT)
        LENS_TRY(take_upload(&upload, tensor->context, tensor->count));
    cl_int code;
    ocl_timing timing = ocl_timing_begin(tensor->context, NULL);
    if (!upload) {
        code = enqueue(tensor, values, CL_TRUE, timing.name ? &timing.event : NULL);
        return code == CL_SUCCESS ? ocl_timing_keep(tensor->context, &timing, NULL)
                                  : fail_write(code, tensor);
    }
    memcpy(upload->values, values, tensor->count * sizeof *values);
    code = enqueue(tensor, upload->values, CL_FALSE, &upload->event);
    if (code != CL_SUCCESS) {
        upload->event = NULL;
        return fail_write(code, tensor);
    }
    if (timing.name && clRetainEvent(upload->event) == CL_SUCCESS)
        timing.event = upload->event;
    LENS_TRY(ocl_timing_keep(tensor->context, &timing, NULL));
    code = clFlush(state->queue);
    return code == CL_SUCCESS ? LENS_OK : ocl_fail(code, "clFlush");
}

void ocl_uploads_free(ocl_state *state) {
    for (size_t i = 0; i < OCL_UPLOADS; i++) {
        if (state->uploads[i].event)
            clReleaseEvent(state->uploads[i].event);
        free(state->uploads[i].values);
        state->uploads[i] = (ocl_upload){0};
    }
}
