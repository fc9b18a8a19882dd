/* ops.c: names of passes and padding modes, and padding helpers, that no one operation owns. */
#include "core/size.h"
#include "lenslet/ops.h"

static const char *const pass_names[] = {[LENS_FORWARD] = "forward",
                                         [LENS_BACKWARD_INPUT] = "backward_input",
                                         [LENS_BACKWARD_WEIGHT] = "backward_weight",
                                         [LENS_BACKWARD_BIAS] = "backward_bias"};

const char *lens_pass_name(lens_pass pass) {
    return (size_t)pass < sizeof pass_names / sizeof pass_names[0] ? pass_names[pass] : "unknown";
}

static const char *const pad_mode_names[] = {[LENS_PAD_ZERO] = "zero",
                                             [LENS_PAD_CONSTANT] = "constant",
                                             [LENS_PAD_REFLECT] = "reflect",
                                             [LENS_PAD_REPLICATE] = "replicate"};

const char *lens_pad_mode_name(lens_pad_mode mode) {
    return (size_t)mode < sizeof pad_mode_names / sizeof pad_mode_names[0] ? pad_mode_names[mode]
                                                                           : "unknown";
}

/* All the padding one axis needs for ceil(size / stride) outputs. */
static size_t same_total(size_t size, size_t window, size_t stride, size_t dilation) {
    size_t needed = (lens_size_div_up(size, stride) - 1) * stride + (window - 1) * dilation + 1;
    return needed > size ? needed - size : 0;
}

lens_padding lens_padding_same(size_t h, size_t w, size_t r, size_t s, size_t stride_h,
                               size_t stride_w, size_t dilation_h, size_t dilation_w) {
    size_t rows = same_total(h, r, stride_h, dilation_h);
    size_t columns = same_total(w, s, stride_w, dilation_w);
    return (lens_padding){.top = rows / 2,
                          .left = columns / 2,
                          .bottom = rows - rows / 2,
                          .right = columns - columns / 2};
}
