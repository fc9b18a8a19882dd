/* ocl_conv2d_pad.h: what the convolutions for CPU devices share: padding into scratch, and the
 * input's gradient as a convolution of the output's. */
#ifndef LENSLET_OPENCL_OCL_CONV2D_PAD_H
#define LENSLET_OPENCL_OCL_CONV2D_PAD_H

#include "opencl/opencl.h"

/* Elements of a shape, and the shape with its padding. */
size_t ocl_count_of(lens_shape s);
bool ocl_has_padding(const lens_padding *padding);
lens_shape ocl_padded_shape(lens_shape x, const lens_padding *padding);

/* The next `shape` of scratch as a tensor of its own, on the stack; *used goes on. */
lens_tensor ocl_carve(const lens_tensor *scratch, size_t *used, lens_shape shape);

/* x itself, or a padded copy of it in scratch. */
lens_status ocl_pad(lens_tensor *out, const lens_tensor *x, const lens_padding *padding,
                    const lens_tensor *scratch, size_t *used);

/* How the input's gradient is had at a stride of 1: dy with `zeros` around it, so that every tap of
 * the turned filter is there, gives the padded input's gradient, which is then folded; or, where
 * the padding is zeros and smaller than the filter's reach, with so much less around it the input's
 * own gradient at once. */
typedef struct ocl_turn {
    lens_padding zeros;
    bool fold;
} ocl_turn;

ocl_turn ocl_turn_of(lens_shape w, const lens_conv2d_opts *opts);

#endif
