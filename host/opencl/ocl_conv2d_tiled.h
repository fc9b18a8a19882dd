/* ocl_conv2d_tiled.h: the convolution for GPUs: "tiled" of ocl_conv2d.c. */
#ifndef LENSLET_OPENCL_OCL_CONV2D_TILED_H
#define LENSLET_OPENCL_OCL_CONV2D_TILED_H

#include "opencl/opencl.h"

/* Any shape, but for the input's gradient where an axis has both a stride and a dilation. */
bool ocl_conv2d_tiled_possible(const lens_context *context, lens_pass pass, lens_shape x,
                               lens_shape w, lens_shape y, const lens_conv2d_opts *opts);
bool ocl_conv2d_tiled_pays(const lens_context *context, lens_pass pass, lens_shape x, lens_shape w,
                           lens_shape y, const lens_conv2d_opts *opts);
size_t ocl_conv2d_tiled_scratch(const lens_context *context, lens_pass pass, lens_shape x,
                                lens_shape w, lens_shape y, const lens_conv2d_opts *opts);

/* With at least that much scratch. */
lens_status ocl_conv2d_tiled_forward(lens_tensor *y, const lens_tensor *x, const lens_tensor *w,
                                     const lens_tensor *b, const lens_conv2d_opts *opts,
                                     lens_tensor *scratch);
lens_status ocl_conv2d_tiled_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                            const lens_tensor *w, const lens_conv2d_opts *opts,
                                            lens_tensor *scratch);
lens_status ocl_conv2d_tiled_backward_weight(lens_tensor *dw, const lens_tensor *dy,
                                             const lens_tensor *x, const lens_conv2d_opts *opts,
                                             lens_tensor *scratch);

#endif
