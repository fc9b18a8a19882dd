/* reference.c: memory of the reference backend, and the table of its operations. */
#include "reference/reference.h"
#include "core/error.h"

#include <stdlib.h>
#include <string.h>

static lens_status ref_context_open(lens_context *context, const lens_context_opts *opts) {
    (void)context, (void)opts;
    return LENS_OK;
}

static void ref_context_close(lens_context *context) {
    (void)context;
}

static lens_status ref_context_wait(lens_context *context) {
    (void)context; /* every call has finished when it returns */
    return LENS_OK;
}

static lens_status ref_context_limits(lens_context *context, lens_limits *limits) {
    (void)context, (void)limits;
    return lens_fail(LENS_UNSUPPORTED, "the reference has no limits to measure: its loops are made "
                                       "to be read");
}

static lens_status ref_context_profile(lens_context *context, lens_profile_entry *entries,
                                       size_t capacity, size_t *count) {
    (void)context, (void)entries, (void)capacity;
    *count = 0;
    return lens_fail(LENS_UNSUPPORTED, "profile: the reference device has no kernels");
}

static lens_status ref_buffer_new(void **out, lens_context *context, size_t count) {
    (void)context;
    *out = malloc(count * sizeof(float));
    return *out ? LENS_OK : lens_fail_memory("tensor", count * sizeof(float));
}

static void ref_buffer_free(lens_context *context, void *buffer) {
    (void)context;
    free(buffer);
}

static lens_status ref_tensor_write(lens_tensor *tensor, const float *values) {
    memcpy(ref_values(tensor), values, tensor->count * sizeof(float));
    return LENS_OK;
}

static lens_status ref_tensor_read(const lens_tensor *tensor, float *values) {
    memcpy(values, ref_values(tensor), tensor->count * sizeof(float));
    return LENS_OK;
}

static lens_status ref_tensor_fill(lens_tensor *tensor, float value) {
    float *values = ref_values(tensor);
    for (size_t i = 0; i < tensor->count; i++)
        values[i] = value;
    return LENS_OK;
}

static lens_status ref_tensor_copy(lens_tensor *to, const lens_tensor *from) {
    memcpy(ref_values(to), ref_values(from), to->count * sizeof(float));
    return LENS_OK;
}

/* No operation of the reference uses scratch. */
static size_t ref_conv2d_scratch(const lens_context *context, lens_pass pass, lens_shape x,
                                 lens_shape w, lens_shape y, const lens_conv2d_opts *opts) {
    (void)context, (void)pass, (void)x, (void)w, (void)y, (void)opts;
    return 0;
}

static size_t ref_conv2d_algorithms(const char *names[LENS_ALGORITHMS_MOST],
                                    const lens_context *context, lens_pass pass, lens_shape x,
                                    lens_shape w, lens_shape y, const lens_conv2d_opts *opts) {
    (void)context, (void)pass, (void)x, (void)w, (void)y, (void)opts;
    names[0] = "reference";
    return 1;
}

static size_t ref_dense_algorithms(const char *names[LENS_ALGORITHMS_MOST],
                                   const lens_context *context, lens_pass pass, lens_shape x,
                                   lens_shape w) {
    (void)context, (void)pass, (void)x, (void)w;
    names[0] = "reference";
    return 1;
}

const lens_backend lens_backend_reference = {
    .name = "reference",
    .context_open = ref_context_open,
    .context_close = ref_context_close,
    .context_wait = ref_context_wait,
    .context_profile = ref_context_profile,
    .context_limits = ref_context_limits,
    .buffer_new = ref_buffer_new,
    .buffer_free = ref_buffer_free,
    .tensor_write = ref_tensor_write,
    .tensor_read = ref_tensor_read,
    .tensor_fill = ref_tensor_fill,
    .tensor_copy = ref_tensor_copy,

    .conv2d_scratch = ref_conv2d_scratch,
    .conv2d_algorithms = ref_conv2d_algorithms,
    .conv2d_forward = ref_conv2d_forward,
    .conv2d_backward_input = ref_conv2d_backward_input,
    .conv2d_backward_weight = ref_conv2d_backward_weight,
    .conv2d_backward_bias = ref_conv2d_backward_bias,

    .pool2d_forward = ref_pool2d_forward,
    .pool2d_backward_input = ref_pool2d_backward_input,

    .pad2d_forward = ref_pad2d_forward,
    .pad2d_backward_input = ref_pad2d_backward_input,

    .dense_scratch = ref_dense_scratch,
    .dense_algorithms = ref_dense_algorithms,
    .dense_forward = ref_dense_forward,
    .dense_backward_input = ref_dense_backward_input,
    .dense_backward_weight = ref_dense_backward_weight,
    .dense_backward_bias = ref_dense_backward_bias,

    .subsample_forward = ref_subsample_forward,
    .subsample_backward_input = ref_subsample_backward_input,
    .subsample_backward_weight = ref_subsample_backward_weight,
    .subsample_backward_bias = ref_subsample_backward_bias,

    .rbf_forward = ref_rbf_forward,
    .rbf_backward_input = ref_rbf_backward_input,
    .rbf_backward_weight = ref_rbf_backward_weight,

    .activation_forward = ref_activation_forward,
    .activation_backward_input = ref_activation_backward_input,
    .activation_backward_bias = ref_activation_backward_bias,

    .lrn_scratch = ref_lrn_scratch,
    .lrn_forward = ref_lrn_forward,
    .lrn_backward_input = ref_lrn_backward_input,

    .batchnorm_forward = ref_batchnorm_forward,
    .batchnorm_forward_training = ref_batchnorm_forward_training,
    .batchnorm_backward_weight = ref_batchnorm_backward_weight,
    .batchnorm_backward_input = ref_batchnorm_backward_input,

    .dropout_forward = ref_dropout_forward,
    .dropout_backward_input = ref_dropout_backward_input,

    .softmax_forward = ref_softmax_forward,
    .softmax_backward_input = ref_softmax_backward_input,

    .loss_forward = ref_loss_forward,
    .loss_backward_input = ref_loss_backward_input,

    .resize2d_forward = ref_resize2d_forward,
    .resize2d_backward_input = ref_resize2d_backward_input,

    .optimizer_scratch = ref_optimizer_scratch,
    .optimizer_norm = ref_optimizer_norm,
    .optimizer_step = ref_optimizer_step,
};
