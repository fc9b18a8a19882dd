/* ocl_conv2d_lanes.c: channels side by side for the convolutions on CPU devices. */
#include "opencl/ocl_conv2d_lanes.h"
#include "core/size.h"
#include "opencl/ocl_conv2d_pad.h"

size_t ocl_panels(size_t channels) {
    return lens_size_div_up(channels, OCL_PANEL);
}

static size_t panel_floats(lens_shape x, const lens_padding *zeros) {
    lens_shape padded = ocl_padded_shape(x, zeros);
    return padded.h * padded.w * OCL_PANEL;
}

ocl_lanes_strides ocl_lanes_by_images(lens_shape x, size_t groups, const lens_padding *zeros) {
    size_t panel = panel_floats(x, zeros);
    return (ocl_lanes_strides){groups * ocl_panels(x.c / groups) * panel, panel};
}

ocl_lanes_strides ocl_lanes_by_panels(lens_shape x) {
    size_t image = x.h * x.w * OCL_PANEL;
    return (ocl_lanes_strides){image, x.n * image};
}

size_t ocl_lanes_count(lens_shape x, size_t groups, const lens_padding *zeros) {
    return x.n * ocl_lanes_by_images(x, groups, zeros).image;
}

lens_status ocl_lanes_pack(lens_tensor *lanes, const lens_tensor *x, size_t groups,
                           const lens_padding *zeros, ocl_lanes_strides strides) {
    lens_shape padded = ocl_padded_shape(x->shape, zeros);
    size_t channels = x->shape.c / groups;
    ocl_launch launch = ocl_begin(x->context, "conv2d_lanes", "conv2d_lanes_pack", "");
    ocl_arg_tensor(&launch, lanes);
    ocl_arg_tensor(&launch, x);
    ocl_arg_ulong(&launch, strides.image);
    ocl_arg_ulong(&launch, strides.panel);
    ocl_arg_int(&launch, channels);
    ocl_arg_int(&launch, x->shape.h);
    ocl_arg_int(&launch, x->shape.w);
    ocl_arg_int(&launch, padded.h);
    ocl_arg_int(&launch, padded.w);
    ocl_arg_int(&launch, zeros->top);
    ocl_arg_int(&launch, zeros->left);
    const size_t global[] = {x->shape.n, ocl_panels(channels), groups}, local[] = {1, 1, 1};
    return ocl_run(&launch, 3, global, local);
}
