/* ocl_conv2d_rows.h: the convolution for CPU devices and few filters: "rows" of ocl_conv2d.c.
 */
#ifndef LENSLET_OPENCL_OCL_CONV2D_ROWS_H
#define LENSLET_OPENCL_OCL_CONV2D_ROWS_H

#include "opencl/opencl.h"

bool ocl_conv2d_rows_possible(const lens_context *context, lens_pass pass, lens_shape x,
                              lens_shape w, lens_shape y, const lens_conv2d_opts *opts);
bool ocl_conv2d_rows_pays(const lens_context *context, lens_pass pass, lens_shape x, lens_shape w,
                          lens_shape y, const lens_conv2d_opts *opts);
size_t ocl_conv2d_rows_scratch(const lens_context *context, lens_pass pass, lens_shape x,
                               lens_shape w, lens_shape y, const lens_conv2d_opts *opts);

/* With at least that much scratch. */
lens_status ocl_conv2d_rows_forward(lens_tensor *y, const lens_tensor *x, const lens_tensor *w,
                                    const lens_tensor *b, const lens_conv2d_opts *opts,
                                    lens_tensor *scratch);
lens_status ocl_conv2d_rows_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                           const lens_tensor *w, const lens_conv2d_opts *opts,
                                           lens_tensor *scratch);
lens_status ocl_conv2d_rows_backward_weight(lens_tensor *dw, const lens_tensor *dy,
                                            const lens_tensor *x, const lens_conv2d_opts *opts,
                                            lens_tensor *scratch);

#endif
