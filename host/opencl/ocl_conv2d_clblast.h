/* ocl_conv2d_clblast.h: the convolution by CLBlast: "clblast" of ocl_conv2d.c. */
#ifndef LENSLET_OPENCL_OCL_CONV2D_CLBLAST_H
#define LENSLET_OPENCL_OCL_CONV2D_CLBLAST_H

#include "opencl/opencl.h"

/* Forward, backward_input, backward_weight: any shape, as long as one image's columns fit. */
bool ocl_conv2d_clblast_possible(const lens_context *context, lens_pass pass, lens_shape x,
                                 lens_shape w, lens_shape y, const lens_conv2d_opts *opts);
size_t ocl_conv2d_clblast_scratch(const lens_context *context, lens_pass pass, lens_shape x,
                                  lens_shape w, lens_shape y, const lens_conv2d_opts *opts);

/* With at least that much scratch. */
lens_status ocl_conv2d_clblast_forward(lens_tensor *y, const lens_tensor *x, const lens_tensor *w,
                                       const lens_tensor *b, const lens_conv2d_opts *opts,
                                       lens_tensor *scratch);
lens_status ocl_conv2d_clblast_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                              const lens_tensor *w, const lens_conv2d_opts *opts,
                                              lens_tensor *scratch);
lens_status ocl_conv2d_clblast_backward_weight(lens_tensor *dw, const lens_tensor *dy,
                                               const lens_tensor *x, const lens_conv2d_opts *opts,
                                               lens_tensor *scratch);
/* A group a channel; CLBlast itself is not needed. */
lens_status ocl_conv2d_clblast_backward_bias(lens_tensor *db, const lens_tensor *dy);

#endif
