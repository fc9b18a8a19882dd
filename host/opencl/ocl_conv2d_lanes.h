/* ocl_conv2d_lanes.h: channels side by side in panels of 32, for the convolutions on CPU devices
 * that have them in the lanes of vectors. */
#ifndef LENSLET_OPENCL_OCL_CONV2D_LANES_H
#define LENSLET_OPENCL_OCL_CONV2D_LANES_H

#include "opencl/opencl.h"

#define OCL_PANEL 32

/* Panels of so many channels. */
size_t ocl_panels(size_t channels);

/* Floats of x in lanes, in `groups` of panels, with zeros around each image. */
size_t ocl_lanes_count(lens_shape x, size_t groups, const lens_padding *zeros);

/* Where the lanes of an image and of a panel begin, in floats. */
typedef struct ocl_lanes_strides {
    size_t image, panel;
} ocl_lanes_strides;

/* Image by image, and in it panel by panel; or panel by panel, and in it image by image. */
ocl_lanes_strides ocl_lanes_by_images(lens_shape x, size_t groups, const lens_padding *zeros);
ocl_lanes_strides ocl_lanes_by_panels(lens_shape x);

/* cl/conv2d_lanes.cl. */
lens_status ocl_lanes_pack(lens_tensor *lanes, const lens_tensor *x, size_t groups,
                           const lens_padding *zeros, ocl_lanes_strides strides);

#endif
