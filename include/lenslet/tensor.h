/* tensor.h: arrays of float32 on a device.
 *
 * A tensor is N images of C channels of H rows of W columns (NCHW), contiguous. Vectors and
 * matrices use the leading axes: a dense layer's features are (n, f, 1, 1), a bias (1, k, 1, 1), a
 * filter (k, c/groups, r, s), a scalar (1, 1, 1, 1).
 */
#ifndef LENSLET_TENSOR_H
#define LENSLET_TENSOR_H

#include "lenslet/device.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct lens_shape {
    size_t n, c, h, w;
} lens_shape;

typedef struct lens_tensor lens_tensor;

/* n c h w, counted; BAD_SHAPE when one of them is 0 or the count exceeds 2^31 - 1, the most
 * elements a tensor may have. `count` may be NULL to check only. */
LENS_API lens_status lens_shape_count(lens_shape shape, size_t *count);

LENS_API bool lens_shape_equal(lens_shape a, lens_shape b);

#define LENS_SHAPE_TEXT 96
/* "(1, 6, 28, 28)" into `text`, which is returned. */
LENS_API const char *lens_shape_text(lens_shape shape, char text[LENS_SHAPE_TEXT]);

/* A tensor of its own memory, its values undefined (NaN in debug builds). BAD_SHAPE as above;
 * OUT_OF_MEMORY when it exceeds the device's largest allocation or memory. */
LENS_API lens_status lens_tensor_new(lens_tensor **out, lens_context *context, lens_shape shape);

/* A window into `base`, which must outlive it: `shape` laid over base's elements from `offset` on,
 * so also a reshape. Any offset is allowed. BAD_SHAPE when it reaches past base's end. */
LENS_API lens_status lens_tensor_view(lens_tensor **out, lens_tensor *base, size_t offset,
                                      lens_shape shape);

/* NULL is allowed. */
LENS_API void lens_tensor_free(lens_tensor *tensor);

LENS_API lens_shape lens_tensor_shape(const lens_tensor *tensor);
LENS_API size_t lens_tensor_count(const lens_tensor *tensor); /* elements */
LENS_API lens_context *lens_tensor_context(const lens_tensor *tensor);

/* Host to device; `values` holds count elements and may be reused when the call returns. */
LENS_API lens_status lens_tensor_write(lens_tensor *tensor, const float *values);

/* Device to host, after everything queued before it: the call waits. */
LENS_API lens_status lens_tensor_read(const lens_tensor *tensor, float *values);

LENS_API lens_status lens_tensor_fill(lens_tensor *tensor, float value);

/* Same context and count; the shapes may differ. The two must not overlap. */
LENS_API lens_status lens_tensor_copy(lens_tensor *to, const lens_tensor *from);

#ifdef __cplusplus
}
#endif

#endif
