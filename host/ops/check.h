/* check.h: what every operation checks before it hands over to the backend. */
#ifndef LENSLET_OPS_CHECK_H
#define LENSLET_OPS_CHECK_H

#include "backend.h"
#include "core/error.h"

/* The backend of a tensor's context. */
#define LENS_BACKEND(tensor) ((tensor)->context->backend)

/* `got` must be `expected`: "conv2d: y is (1, 2, 3, 4), the shape rule gives (1, 2, 3, 3)". */
lens_status lens_check_shape(const char *op, const char *what, lens_shape got, lens_shape expected);

/* `out` and the `in` tensors (NULLs are passed over) belong to one context, and no `in` shares an
 * element with `out`. */
lens_status lens_check_tensors(const char *op, const lens_tensor *out, size_t in_count,
                               const lens_tensor *const *in);

/* As above, but `in` may be `out` itself: the same elements, not others that overlap. */
lens_status lens_check_in_place(const char *op, const lens_tensor *out, const lens_tensor *in);

/* lens_check_tensors() with the inputs listed. */
#define LENS_CHECK_TENSORS(op, out, ...)                                                           \
    lens_check_tensors(op, out,                                                                    \
                       sizeof((const lens_tensor *[]){__VA_ARGS__}) / sizeof(lens_tensor *),       \
                       (const lens_tensor *const[]){__VA_ARGS__})

/* Sizes and mode of a padding against the input it surrounds. */
lens_status lens_check_padding(const char *op, lens_shape x, const lens_padding *padding);

lens_status lens_check_activation(const char *op, const lens_activation *activation);

/* *out = floor((size + before + after - ((window - 1) dilation + 1)) / stride) + 1, the size of an
 * output axis ("rows", "columns"); BAD_SHAPE when the window does not fit. */
lens_status lens_output_size(size_t *out, const char *op, const char *axis, size_t size,
                             size_t before, size_t after, size_t window, size_t stride,
                             size_t dilation);

#endif
