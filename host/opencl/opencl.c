/* opencl.c: the table of the OpenCL backend. */
#include "opencl/opencl.h"

const lens_backend lens_backend_opencl = {
    .name = "opencl",
    .context_open = ocl_context_open,
    .context_close = ocl_context_close,
    .context_wait = ocl_context_wait,
    .context_profile = ocl_context_profile,
    .context_limits = ocl_context_limits,
    .buffer_new = ocl_buffer_new,
    .buffer_free = ocl_buffer_free,
    .tensor_write = ocl_tensor_write,
    .tensor_read = ocl_tensor_read,
    .tensor_fill = ocl_tensor_fill,
    .tensor_copy = ocl_tensor_copy,

    .conv2d_scratch = ocl_conv2d_scratch,
    .conv2d_algorithms = ocl_conv2d_algorithms,
    .conv2d_forward = ocl_conv2d_forward,
    .conv2d_backward_input = ocl_conv2d_backward_input,
    .conv2d_backward_weight = ocl_conv2d_backward_weight,
    .conv2d_backward_bias = ocl_conv2d_backward_bias,

    .pool2d_forward = ocl_pool2d_forward,
    .pool2d_backward_input = ocl_pool2d_backward_input,

    .pad2d_forward = ocl_pad2d_forward,
    .pad2d_backward_input = ocl_pad2d_backward_input,

    .dense_scratch = ocl_dense_scratch,
    .dense_algorithms = ocl_dense_algorithms,
    .dense_forward = ocl_dense_forward,
    .dense_backward_input = ocl_dense_backward_input,
    .dense_backward_weight = ocl_dense_backward_weight,
    .dense_backward_bias = ocl_dense_backward_bias,

    .subsample_forward = ocl_subsample_forward,
    .subsample_backward_input = ocl_subsample_backward_input,
    .subsample_backward_weight = ocl_subsample_backward_weight,
    .subsample_backward_bias = ocl_subsample_backward_bias,

    .rbf_forward = ocl_rbf_forward,
    .rbf_backward_input = ocl_rbf_backward_input,
    .rbf_backward_weight = ocl_rbf_backward_weight,

    .activation_forward = ocl_activation_forward,
    .activation_backward_input = ocl_activation_backward_input,
    .activation_backward_bias = ocl_activation_backward_bias,

    .lrn_scratch = ocl_lrn_scratch,
    .lrn_forward = ocl_lrn_forward,
    .lrn_backward_input = ocl_lrn_backward_input,

    .batchnorm_forward = ocl_batchnorm_forward,
    .batchnorm_forward_training = ocl_batchnorm_forward_training,
    .batchnorm_backward_weight = ocl_batchnorm_backward_weight,
    .batchnorm_backward_input = ocl_batchnorm_backward_input,

    .dropout_forward = ocl_dropout_forward,
    .dropout_backward_input = ocl_dropout_backward_input,

    .softmax_forward = ocl_softmax_forward,
    .softmax_backward_input = ocl_softmax_backward_input,

    .loss_forward = ocl_loss_forward,
    .loss_backward_input = ocl_loss_backward_input,

    .resize2d_forward = ocl_resize2d_forward,
    .resize2d_backward_input = ocl_resize2d_backward_input,

    .optimizer_scratch = ocl_optimizer_scratch,
    .optimizer_norm = ocl_optimizer_norm,
    .optimizer_step = ocl_optimizer_step,
};
