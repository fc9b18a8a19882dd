/* ocl_dense_streamed.h: dense layers of many weights on CPU devices: "streamed" of ocl_dense.c. */
#ifndef LENSLET_OPENCL_OCL_DENSE_STREAMED_H
#define LENSLET_OPENCL_OCL_DENSE_STREAMED_H

#include "opencl/opencl.h"

/* For n images; w (k, i). */
bool ocl_dense_streamed_possible(const lens_context *context, lens_pass pass, size_t n,
                                 lens_shape w);
bool ocl_dense_streamed_pays(lens_pass pass, size_t n, lens_shape w);

/* Elements of scratch without which it cannot be done. */
size_t ocl_dense_streamed_scratch(lens_pass pass, size_t n, lens_shape w);

lens_status ocl_dense_streamed_forward(lens_tensor *y, const lens_tensor *x, const lens_tensor *w,
                                       const lens_tensor *b, const lens_dense_opts *opts,
                                       lens_tensor *scratch);
lens_status ocl_dense_streamed_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                              const lens_tensor *w, lens_tensor *scratch);
lens_status ocl_dense_streamed_backward_weight(lens_tensor *dw, const lens_tensor *dy,
                                               const lens_tensor *x);

#endif
