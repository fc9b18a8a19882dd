/* ocl_conv2d_packed.h: the convolution for CPU devices and many filters: "packed" of ocl_conv2d.c,
 * whose panels are 96 pixels wide, and "packed-32". */
#ifndef LENSLET_OPENCL_OCL_CONV2D_PACKED_H
#define LENSLET_OPENCL_OCL_CONV2D_PACKED_H

#include "opencl/opencl.h"

bool ocl_conv2d_packed_possible(const lens_context *context, lens_pass pass, lens_shape x,
                                lens_shape w, lens_shape y, const lens_conv2d_opts *opts);
bool ocl_conv2d_packed_pays(const lens_context *context, lens_pass pass, lens_shape x, lens_shape w,
                            lens_shape y, const lens_conv2d_opts *opts);
bool ocl_conv2d_packed_32_possible(const lens_context *context, lens_pass pass, lens_shape x,
                                   lens_shape w, lens_shape y, const lens_conv2d_opts *opts);
bool ocl_conv2d_packed_32_pays(const lens_context *context, lens_pass pass, lens_shape x,
                               lens_shape w, lens_shape y, const lens_conv2d_opts *opts);

/* Of either. */
size_t ocl_conv2d_packed_scratch(const lens_context *context, lens_pass pass, lens_shape x,
                                 lens_shape w, lens_shape y, const lens_conv2d_opts *opts);

/* With at least that much scratch. */
lens_status ocl_conv2d_packed_forward(lens_tensor *y, const lens_tensor *x, const lens_tensor *w,
                                      const lens_tensor *b, const lens_conv2d_opts *opts,
                                      lens_tensor *scratch);
lens_status ocl_conv2d_packed_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                             const lens_tensor *w, const lens_conv2d_opts *opts,
                                             lens_tensor *scratch);
lens_status ocl_conv2d_packed_backward_weight(lens_tensor *dw, const lens_tensor *dy,
                                              const lens_tensor *x, const lens_conv2d_opts *opts,
                                              lens_tensor *scratch);
lens_status ocl_conv2d_packed_32_forward(lens_tensor *y, const lens_tensor *x, const lens_tensor *w,
                                         const lens_tensor *b, const lens_conv2d_opts *opts,
                                         lens_tensor *scratch);
lens_status ocl_conv2d_packed_32_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                                const lens_tensor *w, const lens_conv2d_opts *opts,
                                                lens_tensor *scratch);

#endif
