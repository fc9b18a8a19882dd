/* ocl_conv2d_winograd.h: 3x3 convolutions by Winograd's filtering on CPU devices: "winograd2" and
 * "winograd4" of ocl_conv2d.c, named for the outputs of a tile along an axis. */
#ifndef LENSLET_OPENCL_OCL_CONV2D_WINOGRAD_H
#define LENSLET_OPENCL_OCL_CONV2D_WINOGRAD_H

#include "opencl/opencl.h"

/* Forward and gradients, of dense 3x3 filters at a stride of 1, padded with zeros. */
#define OCL_CONV2D_WINOGRAD(OUT)                                                                   \
    bool ocl_conv2d_winograd##OUT##_possible(const lens_context *context, lens_pass pass,          \
                                             lens_shape x, lens_shape w, lens_shape y,             \
                                             const lens_conv2d_opts *opts);                        \
    bool ocl_conv2d_winograd##OUT##_pays(const lens_context *context, lens_pass pass,              \
                                         lens_shape x, lens_shape w, lens_shape y,                 \
                                         const lens_conv2d_opts *opts);                            \
    size_t ocl_conv2d_winograd##OUT##_scratch(const lens_context *context, lens_pass pass,         \
                                              lens_shape x, lens_shape w, lens_shape y,            \
                                              const lens_conv2d_opts *opts);                       \
    lens_status ocl_conv2d_winograd##OUT##_forward(                                                \
        lens_tensor *y, const lens_tensor *x, const lens_tensor *w, const lens_tensor *b,          \
        const lens_conv2d_opts *opts, lens_tensor *scratch);                                       \
    lens_status ocl_conv2d_winograd##OUT##_backward_input(                                         \
        lens_tensor *dx, const lens_tensor *dy, const lens_tensor *w,                              \
        const lens_conv2d_opts *opts, lens_tensor *scratch);

OCL_CONV2D_WINOGRAD(2)
OCL_CONV2D_WINOGRAD(4)

/* "winograd2" only. */
lens_status ocl_conv2d_winograd2_backward_weight(lens_tensor *dw, const lens_tensor *dy,
                                                 const lens_tensor *x, const lens_conv2d_opts *opts,
                                                 lens_tensor *scratch);

#endif
