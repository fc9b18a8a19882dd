/* ocl_conv2d_images.h: the convolution for CPU devices and batches of small maps: "images" of
 * ocl_conv2d.c.
 */
#ifndef LENSLET_OPENCL_OCL_CONV2D_IMAGES_H
#define LENSLET_OPENCL_OCL_CONV2D_IMAGES_H

#include "opencl/opencl.h"

bool ocl_conv2d_images_possible(const lens_context *context, lens_pass pass, lens_shape x,
                                lens_shape w, lens_shape y, const lens_conv2d_opts *opts);
bool ocl_conv2d_images_pays(const lens_context *context, lens_pass pass, lens_shape x, lens_shape w,
                            lens_shape y, const lens_conv2d_opts *opts);
size_t ocl_conv2d_images_scratch(const lens_context *context, lens_pass pass, lens_shape x,
                                 lens_shape w, lens_shape y, const lens_conv2d_opts *opts);

/* With at least that much scratch. */
lens_status ocl_conv2d_images_forward(lens_tensor *y, const lens_tensor *x, const lens_tensor *w,
                                      const lens_tensor *b, const lens_conv2d_opts *opts,
                                      lens_tensor *scratch);
lens_status ocl_conv2d_images_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                             const lens_tensor *w, const lens_conv2d_opts *opts,
                                             lens_tensor *scratch);
lens_status ocl_conv2d_images_backward_weight(lens_tensor *dw, const lens_tensor *dy,
                                              const lens_tensor *x, const lens_conv2d_opts *opts,
                                              lens_tensor *scratch);

#endif
