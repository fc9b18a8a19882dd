/* ops.h: the operations and their gradients.
 *
 * One pattern for all of them. For an operation `op`:
 *
 *     lens_op_output_shape(&y, x, ..., &opts)      the one shape rule
 *     lens_op_scratch(&count, ctx, pass, ...)      elements of scratch the fastest way wants
 *     lens_op_forward(y, x, ..., &opts, scratch)
 *     lens_op_backward_input(dx, dy, ..., &opts, scratch)
 *     lens_op_backward_weight(dw, ...)             where there are weights
 *     lens_op_backward_bias(db, dy)                where there is a bias
 *
 * Outputs come first, then inputs, then options, then scratch. Outputs are overwritten; nothing
 * accumulates unless its comment says so. Operations never allocate: scratch is asked for and
 * handed in, and is any tensor with at least that many elements, whose contents are lost. NULL, or
 * less than was asked for, is allowed: then an algorithm that needs less does the work.
 *
 * All tensors of a call belong to one context, and an output overlaps no input unless its comment
 * allows it. Violations are BAD_ARGUMENT, shapes that do not fit BAD_SHAPE, with a message that
 * names both. A call only queues work on the device: a late failure shows in a later call, at the
 * latest in lens_tensor_read() or lens_context_wait().
 *
 * **Same input, same bits**: every sum has a fixed order, so a call repeated on one device gives
 * the same bits. There are no atomics anywhere.
 *
 * Algorithms: every operation and pass has "direct", a general kernel for any shape on any device,
 * and may have faster ones (lens_context_opts.algorithm forces one by name).
 */
#ifndef LENSLET_OPS_H
#define LENSLET_OPS_H

#include "lenslet/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum lens_pass {
    LENS_FORWARD,
    LENS_BACKWARD_INPUT,
    LENS_BACKWARD_WEIGHT,
    LENS_BACKWARD_BIAS
} lens_pass;

/* "forward", "backward_input", ... Never NULL. */
LENS_API const char *lens_pass_name(lens_pass pass);

/* ---- padding, shared by conv2d, pool2d and pad2d ------------------------------------------- */

typedef enum lens_pad_mode {
    LENS_PAD_ZERO,
    LENS_PAD_CONSTANT, /* `value` all around */
    LENS_PAD_REFLECT,  /* mirrored at the edge pixel, which is not repeated: c b | a b c | b a */
    LENS_PAD_REPLICATE /* the edge pixel repeated: a a | a b c | c c */
} lens_pad_mode;

/* Pixels added on each side. Reflect needs less than the input's size on each side. */
typedef struct lens_padding {
    size_t top, left, bottom, right;
    lens_pad_mode mode; /* default zero */
    float value;        /* of the constant mode */
} lens_padding;

/* "zero", "constant", "reflect", "replicate". Never NULL. */
LENS_API const char *lens_pad_mode_name(lens_pad_mode mode);

/* The padding that makes a window of r x s with these strides and dilations give
 * ceil(h / stride_h) x ceil(w / stride_w) outputs: TensorFlow's "same". The odd pixel goes to the
 * bottom and right. Mode zero. */
LENS_API lens_padding lens_padding_same(size_t h, size_t w, size_t r, size_t s, size_t stride_h,
                                        size_t stride_w, size_t dilation_h, size_t dilation_w);

/* ---- activation ----------------------------------------------------------------------------
 * Elementwise. The derivative of each is a function of its output alone, so the backward pass
 * needs y and not x, and the fused forms of conv2d and dense keep only y. */

typedef enum lens_activation_kind {
    LENS_LINEAR,      /* x */
    LENS_RELU,        /* max(x, 0); derivative 0 at 0; NaN stays NaN */
    LENS_LEAKY_RELU,  /* x > 0 ? x : alpha x, alpha > 0 */
    LENS_TANH,        /* tanh x */
    LENS_SCALED_TANH, /* 1.7159 tanh(2x/3): LeCun et al. 1998, appendix A */
    LENS_SIGMOID,     /* 1 / (1 + exp -x) */
    LENS_ELU,         /* x > 0 ? x : alpha (exp x - 1), alpha > 0: Clevert et al. 2015 */
    LENS_SOFTPLUS     /* log(1 + exp x) */
} lens_activation_kind;

typedef struct lens_activation {
    lens_activation_kind kind; /* default linear */
    float alpha;               /* leaky relu (Keras's default 0.3) and elu (1.0) */
} lens_activation;

/* The kind with its default alpha. */
LENS_API lens_activation lens_activation_of(lens_activation_kind kind);

/* "linear", "relu", "leaky_relu", "tanh", "scaled_tanh", "sigmoid", "elu", "softplus". */
LENS_API const char *lens_activation_name(lens_activation_kind kind);

/* y = f(x); any equal shapes. y may be x. */
LENS_API lens_status lens_activation_forward(lens_tensor *y, const lens_tensor *x,
                                             const lens_activation *opts);

/* dx = dy f'(x), from y = f(x). dx may be dy, or y. */
LENS_API lens_status lens_activation_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                                    const lens_tensor *y,
                                                    const lens_activation *opts);

/* That, and the gradient of a bias that was added before f, while dx passes by:
 * db[c] = sum over n,h,w of dx[n,c,h,w]. dx, dy, y (n, c, h, w)  db (1, c, 1, 1). dx may be dy, or
 * y. */
LENS_API lens_status lens_activation_backward_bias(lens_tensor *dx, lens_tensor *db,
                                                   const lens_tensor *dy, const lens_tensor *y,
                                                   const lens_activation *opts);

/* ---- conv2d --------------------------------------------------------------------------------
 * Cross-correlation, as every framework's "convolution":
 *
 *     y[n,k,p,q] = f( b[k] + sum over c,r,s of w[k,c,r,s] x[n, g C/G + c, h, w'] )
 *     h = p stride_h + r dilation_h - top,  w' = q stride_w + s dilation_w - left,
 *     g = k / (K/G), the group of k
 *
 * x (n, c, h, w)  w (k, c/groups, r, s)  b (1, k, 1, 1) or NULL  y (n, k, p, q) with
 * p = (h + top + bottom - ((r-1) dilation_h + 1)) / stride_h + 1, rounded down, q alike.
 *
 * With a fused activation f, the backward calls still take the gradient with respect to f's
 * argument: pass dy through lens_activation_backward_input() first, or with the bias's gradient
 * through lens_activation_backward_bias(). */

typedef struct lens_conv2d_opts {
    size_t stride_h, stride_w;     /* default 1 */
    size_t dilation_h, dilation_w; /* default 1 */
    size_t groups;                 /* default 1; divides both c and k */
    lens_padding padding;          /* default none */
    lens_activation activation;    /* f; default linear */
} lens_conv2d_opts;

LENS_API lens_conv2d_opts lens_conv2d_defaults(void);

LENS_API lens_status lens_conv2d_output_shape(lens_shape *y, lens_shape x, lens_shape w,
                                              const lens_conv2d_opts *opts);

LENS_API lens_status lens_conv2d_scratch(size_t *count, const lens_context *context, lens_pass pass,
                                         lens_shape x, lens_shape w, const lens_conv2d_opts *opts);

LENS_API lens_status lens_conv2d_forward(lens_tensor *y, const lens_tensor *x, const lens_tensor *w,
                                         const lens_tensor *b, const lens_conv2d_opts *opts,
                                         lens_tensor *scratch);

/* dx[n,c,h,w] = sum over the k,p,q,r,s whose forward term read x[n,c,h,w] of w[k,c,r,s]
 * dy[n,k,p,q]. In the reflect and replicate modes a pixel also collects what its copies in the
 * padding receive. */
LENS_API lens_status lens_conv2d_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                                const lens_tensor *w, const lens_conv2d_opts *opts,
                                                lens_tensor *scratch);

/* dw[k,c,r,s] = sum over n,p,q of dy[n,k,p,q] x[n, g C/G + c, h, w']. */
LENS_API lens_status lens_conv2d_backward_weight(lens_tensor *dw, const lens_tensor *dy,
                                                 const lens_tensor *x, const lens_conv2d_opts *opts,
                                                 lens_tensor *scratch);

/* db[k] = sum over n,p,q of dy[n,k,p,q]. db (1, k, 1, 1). */
LENS_API lens_status lens_conv2d_backward_bias(lens_tensor *db, const lens_tensor *dy);

/* ---- pool2d --------------------------------------------------------------------------------
 * x (n, c, h, w)  y (n, c, p, q), p and q as for conv2d with dilation 1.
 *
 * What the padding holds: in the zero mode nothing, so that max and min skip it, the average
 * counts it as 0 or leaves it out (`count_padding`), and a window wholly inside it is BAD_SHAPE;
 * in the other modes real values that take part like any pixel's.
 *
 * NaN: a window with a NaN gives NaN, and its gradient goes to the last NaN in row order, as in
 * PyTorch. Ties: the gradient goes to the first of the equal pixels in row order. */

typedef enum lens_pool2d_kind { LENS_POOL_MAX, LENS_POOL_AVERAGE, LENS_POOL_MIN } lens_pool2d_kind;

typedef struct lens_pool2d_opts {
    lens_pool2d_kind kind;
    size_t window_h, window_w; /* both 0: the whole input (global pooling) */
    size_t stride_h, stride_w; /* 0: the window's size */
    lens_padding padding;      /* default none; none with global pooling */
    bool count_padding;        /* default false: the average leaves the zero padding out */
} lens_pool2d_opts;

/* No padding, stride = window. */
LENS_API lens_pool2d_opts lens_pool2d_defaults(lens_pool2d_kind kind, size_t window);

/* "max", "average", "min". Never NULL. */
LENS_API const char *lens_pool2d_kind_name(lens_pool2d_kind kind);

LENS_API lens_status lens_pool2d_output_shape(lens_shape *y, lens_shape x,
                                              const lens_pool2d_opts *opts);

LENS_API lens_status lens_pool2d_forward(lens_tensor *y, const lens_tensor *x,
                                         const lens_pool2d_opts *opts);

LENS_API lens_status lens_pool2d_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                                const lens_tensor *x, const lens_pool2d_opts *opts);

/* ---- pad2d ---------------------------------------------------------------------------------
 * x (n, c, h, w)  y (n, c, top + h + bottom, left + w + right). */

LENS_API lens_status lens_pad2d_output_shape(lens_shape *y, lens_shape x, const lens_padding *opts);

LENS_API lens_status lens_pad2d_forward(lens_tensor *y, const lens_tensor *x,
                                        const lens_padding *opts);

/* dx[h,w] = the sum of dy over every place that x[h,w] was copied to. */
LENS_API lens_status lens_pad2d_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                               const lens_padding *opts);

/* ---- dense ---------------------------------------------------------------------------------
 *     y[n,k] = f( b[k] + sum over i of w[k,i] x[n,i] )
 *
 * x (n, c, h, w), read as n rows of c h w features  w (k, c h w, 1, 1)  b (1, k, 1, 1) or NULL
 * y (n, k, 1, 1). With a fused activation the backward calls take the gradient with respect to
 * f's argument, as for conv2d. */

typedef struct lens_dense_opts {
    lens_activation activation; /* f; default linear */
} lens_dense_opts;

LENS_API lens_dense_opts lens_dense_defaults(void);

LENS_API lens_status lens_dense_output_shape(lens_shape *y, lens_shape x, lens_shape w);

LENS_API lens_status lens_dense_scratch(size_t *count, const lens_context *context, lens_pass pass,
                                        lens_shape x, lens_shape w);

LENS_API lens_status lens_dense_forward(lens_tensor *y, const lens_tensor *x, const lens_tensor *w,
                                        const lens_tensor *b, const lens_dense_opts *opts,
                                        lens_tensor *scratch);

/* dx[n,i] = sum over k of dy[n,k] w[k,i]. */
LENS_API lens_status lens_dense_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                               const lens_tensor *w, lens_tensor *scratch);

/* dw[k,i] = sum over n of dy[n,k] x[n,i]. */
LENS_API lens_status lens_dense_backward_weight(lens_tensor *dw, const lens_tensor *dy,
                                                const lens_tensor *x, lens_tensor *scratch);

/* db[k] = sum over n of dy[n,k]. */
LENS_API lens_status lens_dense_backward_bias(lens_tensor *db, const lens_tensor *dy);

/* ---- subsample -----------------------------------------------------------------------------
 * The trainable subsampling of LeCun et al. 1998, section II.B: windows that do not overlap,
 * summed, times one coefficient and plus one bias a map:
 *
 *     y[n,c,p,q] = f( b[c] + w[c] sum over r,s of x[n, c, p window_h + r, q window_w + s] )
 *
 * x (n, c, h, w)  w (1, c, 1, 1)  b (1, c, 1, 1)  y (n, c, h / window_h, w / window_w), rounded
 * down: rows and columns left over at the bottom and right are not read, and get no gradient. With
 * a fused activation the backward calls take the gradient with respect to f's argument, as for
 * conv2d. */

typedef struct lens_subsample_opts {
    size_t window_h, window_w;  /* default 2 */
    lens_activation activation; /* f; default linear */
} lens_subsample_opts;

LENS_API lens_subsample_opts lens_subsample_defaults(void);

LENS_API lens_status lens_subsample_output_shape(lens_shape *y, lens_shape x,
                                                 const lens_subsample_opts *opts);

LENS_API lens_status lens_subsample_forward(lens_tensor *y, const lens_tensor *x,
                                            const lens_tensor *w, const lens_tensor *b,
                                            const lens_subsample_opts *opts);

/* dx[n,c,h,w'] = w[c] dy[n, c, h / window_h, w' / window_w], 0 outside the windows. */
LENS_API lens_status lens_subsample_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                                   const lens_tensor *w,
                                                   const lens_subsample_opts *opts);

/* dw[c] = sum over n,p,q of dy[n,c,p,q] times the sum of its window. dw (1, c, 1, 1). */
LENS_API lens_status lens_subsample_backward_weight(lens_tensor *dw, const lens_tensor *dy,
                                                    const lens_tensor *x,
                                                    const lens_subsample_opts *opts);

/* db[c] = sum over n,p,q of dy[n,c,p,q]. db (1, c, 1, 1). */
LENS_API lens_status lens_subsample_backward_bias(lens_tensor *db, const lens_tensor *dy);

/* ---- rbf -----------------------------------------------------------------------------------
 * Euclidean radial basis function units (LeCun et al. 1998, equation 7): how far the input is from
 * each unit's code,
 *
 *     y[n,k] = sum over i of (x[n,i] - w[k,i])^2
 *
 * x (n, c, h, w), read as n rows of c h w features  w (k, c h w, 1, 1)  y (n, k, 1, 1). */

LENS_API lens_status lens_rbf_output_shape(lens_shape *y, lens_shape x, lens_shape w);

LENS_API lens_status lens_rbf_forward(lens_tensor *y, const lens_tensor *x, const lens_tensor *w);

/* dx[n,i] = sum over k of 2 dy[n,k] (x[n,i] - w[k,i]). */
LENS_API lens_status lens_rbf_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                             const lens_tensor *x, const lens_tensor *w);

/* dw[k,i] = sum over n of 2 dy[n,k] (w[k,i] - x[n,i]). */
LENS_API lens_status lens_rbf_backward_weight(lens_tensor *dw, const lens_tensor *dy,
                                              const lens_tensor *x, const lens_tensor *w);

/* ---- lrn -----------------------------------------------------------------------------------
 * Local response normalisation, Krizhevsky et al. 2012, section 3.3:
 *
 *     y[i] = x[i] s[i]^-beta,  s[i] = k + a sum over j in the window of i of x[j]^2
 *
 * across channels: the window is channels i - size/2 .. i + (size-1)/2 of the same pixel, as far as
 * they exist; within: the size x size square of pixels around i, in the same way, of the same
 * channel. a = alpha (the paper, TensorFlow), or with `average` alpha divided by the elements of a
 * whole window, size or size^2 (Caffe, PyTorch, ONNX). */

typedef enum lens_lrn_kind { LENS_LRN_ACROSS, LENS_LRN_WITHIN } lens_lrn_kind;

typedef struct lens_lrn_opts {
    lens_lrn_kind kind; /* default across */
    size_t size;        /* default 5; at most 64 */
    float alpha;        /* default 1e-4; at least 0 */
    float beta;         /* default 0.75; at least 0 */
    float k;            /* default 2; above 0 */
    bool average;       /* default false */
} lens_lrn_opts;

/* The paper's. */
LENS_API lens_lrn_opts lens_lrn_defaults(void);

/* "across", "within". Never NULL. */
LENS_API const char *lens_lrn_kind_name(lens_lrn_kind kind);

/* Elements that backward_input of a within-channel window is faster with; else 0. */
LENS_API lens_status lens_lrn_scratch(size_t *count, const lens_context *context, lens_pass pass,
                                      lens_shape x, const lens_lrn_opts *opts);

/* x and y of equal shape. */
LENS_API lens_status lens_lrn_forward(lens_tensor *y, const lens_tensor *x,
                                      const lens_lrn_opts *opts);

/* dx[i] = dy[i] s[i]^-beta - 2 a beta x[i] sum over the j whose window holds i of
 * dy[j] x[j] s[j]^(-beta-1). */
LENS_API lens_status lens_lrn_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                             const lens_tensor *x, const lens_lrn_opts *opts,
                                             lens_tensor *scratch);

/* ---- batchnorm -----------------------------------------------------------------------------
 * Batch normalisation, Ioffe and Szegedy 2015. For each channel c, over the m = n h w values of it:
 *
 *     y = gamma[c] z + beta[c],  z = (x - mean[c]) / sqrt(variance[c] + epsilon)
 *
 * x, y (n, c, h, w); gamma, beta, mean, variance (1, c, 1, 1). After a dense layer h = w = 1, and
 * the statistics are those of each unit. */

typedef struct lens_batchnorm_opts {
    float epsilon;  /* default 1e-3, Keras's; above 0 */
    float momentum; /* default 0.99, Keras's: running = momentum running + (1 - momentum) batch.
                       PyTorch's is one minus this. 0 .. 1 */
} lens_batchnorm_opts;

LENS_API lens_batchnorm_opts lens_batchnorm_defaults(void);

/* With the given statistics: inference. */
LENS_API lens_status lens_batchnorm_forward(lens_tensor *y, const lens_tensor *x,
                                            const lens_tensor *gamma, const lens_tensor *beta,
                                            const lens_tensor *mean, const lens_tensor *variance,
                                            const lens_batchnorm_opts *opts);

/* With the batch's own statistics, its variance divided by m. They move the running `mean` and
 * `variance`, and saved (1, 2 c, 1, 1) becomes the batch's means and, behind them, its
 * 1 / sqrt(variance + epsilon), for backward. */
LENS_API lens_status lens_batchnorm_forward_training(lens_tensor *y, const lens_tensor *x,
                                                     const lens_tensor *gamma,
                                                     const lens_tensor *beta, lens_tensor *mean,
                                                     lens_tensor *variance, lens_tensor *saved,
                                                     const lens_batchnorm_opts *opts);

/* dgamma[c] = sum of dy z,  dbeta[c] = sum of dy. */
LENS_API lens_status lens_batchnorm_backward_weight(lens_tensor *dgamma, lens_tensor *dbeta,
                                                    const lens_tensor *dy, const lens_tensor *x,
                                                    const lens_tensor *saved);

/* dx = gamma[c] / sqrt(variance + epsilon) (dy - (dbeta[c] + z dgamma[c]) / m): the batch's
 * statistics depend on x too. dx may be dy. */
LENS_API lens_status lens_batchnorm_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                                   const lens_tensor *x, const lens_tensor *gamma,
                                                   const lens_tensor *saved,
                                                   const lens_tensor *dgamma,
                                                   const lens_tensor *dbeta);

/* ---- dropout -------------------------------------------------------------------------------
 * Inverted dropout, Srivastava et al. 2014: y[i] = x[i] / (1 - rate), or 0 with probability `rate`.
 * Which ones is a function of (seed, index, step, i) alone, by Philox, so backward draws the same
 * ones again, every device drops the same, and nothing is stored: element i goes when word i % 4 of
 * the counter (i / 4, 3 << 24 | index, step low, step high) under the key `seed` is below
 * rate 2^32. */

typedef struct lens_dropout_opts {
    float rate; /* 0 <= rate < 1; 0 copies */
    uint64_t seed, step;
    uint32_t index; /* of the layer, below 2^24 */
} lens_dropout_opts;

/* Equal shapes. y may be x. */
LENS_API lens_status lens_dropout_forward(lens_tensor *y, const lens_tensor *x,
                                          const lens_dropout_opts *opts);

/* dx[i] = dy[i] / (1 - rate) where x[i] was kept, else 0. dx may be dy. */
LENS_API lens_status lens_dropout_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                                 const lens_dropout_opts *opts);

/* ---- softmax -------------------------------------------------------------------------------
 * Over the channels, for each image and pixel: y[c] = exp(x[c] - max x) / sum of the same. */

/* y may be x. */
LENS_API lens_status lens_softmax_forward(lens_tensor *y, const lens_tensor *x);

/* dx[c] = y[c] (dy[c] - sum over j of dy[j] y[j]). dx may be dy. */
LENS_API lens_status lens_softmax_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                                 const lens_tensor *y);

/* ---- loss ----------------------------------------------------------------------------------
 * x (n, c, h, w) the prediction, t the target. The loss is a mean over the batch:
 *
 *     sparse_cross_entropy  t (n, 1, h, w), class numbers  mean over n h w of -log p[t]
 *     cross_entropy         t like x, probabilities        mean over n h w of -sum t[c] log p[c]
 *     binary_cross_entropy  t like x, each 0 .. 1          mean over all of
 *                                                          -t log p - (1-t) log(1-p)
 *     mean_squared_error    t like x                       mean over all of (x - t)^2
 *     map                   t (n, 1, h, w), class numbers  mean over n h w of
 *                                                          x[t] + log(e^-j + sum of e^-x[c])
 *
 * map is equation 9 of LeCun et al. 1998: x[c] is a penalty of class c, as rbf units give it, and j
 * the penalty of an image that is of no class, so that penalties much above j are not pushed up
 * further. Without the logarithm it is their equation 8.
 *
 * From logits p = softmax(x) over the channels, or sigmoid(x); otherwise p = x, clipped to
 * [1e-7, 1 - 1e-7] as Keras does (where it is clipped the gradient is 0). A class number that is
 * none of 0 .. c-1 gives NaN, in the loss and in the gradient of its image.
 *
 * With weights w (n, 1, 1, 1) the loss of image i counts w[i] times; the mean still divides by n,
 * as with class weights in Keras. NULL: 1 each.
 *
 * A prediction is right when the class of the largest x (the first of equals) is the target's; for
 * binary cross-entropy when every element is on the target's side of 0.5 (of 0 for logits); for
 * the mean squared error as for classes if c > 1, else never; for map that of the smallest x. */

typedef enum lens_loss_kind {
    LENS_SPARSE_CROSS_ENTROPY,
    LENS_CROSS_ENTROPY,
    LENS_BINARY_CROSS_ENTROPY,
    LENS_MEAN_SQUARED_ERROR,
    LENS_MAP
} lens_loss_kind;

typedef struct lens_loss_opts {
    lens_loss_kind kind;
    bool from_logits; /* default false; must be false for the mean squared error and map */
    float rejection;  /* j of map, above 0; LENS_REJECTION unless there is a reason */
} lens_loss_opts;

/* The default j; the paper names none. */
#define LENS_REJECTION 10.0f

/* "sparse_categorical_crossentropy", ... : Keras's names, and "lenslet>map". Never NULL. */
LENS_API const char *lens_loss_name(lens_loss_kind kind);

/* The shape the target must have for predictions of shape x. */
LENS_API lens_status lens_loss_target_shape(lens_shape *t, lens_shape x, lens_loss_kind kind);

/* total (1, 2, 1, 1): total[0] is the loss times n, total[1] the number of predictions (n, or n h
 * w) that are right. `accumulate` adds to what total holds, so that one read serves many batches.
 */
LENS_API lens_status lens_loss_forward(lens_tensor *total, const lens_tensor *x,
                                       const lens_tensor *t, const lens_tensor *w,
                                       const lens_loss_opts *opts, bool accumulate);

/* dx (like x): the gradient of the mean loss. */
LENS_API lens_status lens_loss_backward_input(lens_tensor *dx, const lens_tensor *x,
                                              const lens_tensor *t, const lens_tensor *w,
                                              const lens_loss_opts *opts);

/* ---- resize2d ------------------------------------------------------------------------------
 * x (n, c, h, w)  y (n, c, p, q), any p and q. Half-pixel centres: output row p looks at input
 * row (p + 0.5) h / p_size - 0.5; bilinear mixes the two nearest rows and columns, clamped at the
 * edge; nearest takes the pixel at floor((p + 0.5) h / p_size). No antialiasing. */

typedef enum lens_resize2d_kind { LENS_RESIZE_BILINEAR, LENS_RESIZE_NEAREST } lens_resize2d_kind;

/* "bilinear", "nearest". Never NULL. */
LENS_API const char *lens_resize2d_kind_name(lens_resize2d_kind kind);

LENS_API lens_status lens_resize2d_forward(lens_tensor *y, const lens_tensor *x,
                                           lens_resize2d_kind kind);

LENS_API lens_status lens_resize2d_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                                  lens_resize2d_kind kind);

/* ---- optimizer -----------------------------------------------------------------------------
 * One call updates all weights w from their gradient g; w, g and the slots have equal counts.
 * Formulas and defaults are Keras's. First g is scaled by clip_norm / max(clip_norm, |g|) and
 * l2 w is added; after that w -= rate weight_decay w (decoupled decay); then, with step t = 1, 2,
 * ...
 *
 *     sgd       w -= rate g
 *     momentum  m = momentum m - rate g;  w += m
 *     nesterov  m = momentum m - rate g;  w += momentum m - rate g
 *     rmsprop   v = rho v + (1-rho) g^2;  w -= rate g / sqrt(v + epsilon)
 *     adam      m += (1-beta1)(g - m);  v += (1-beta2)(g^2 - v)
 *               w -= rate sqrt(1 - beta2^t) / (1 - beta1^t) m / (sqrt v + epsilon)
 *     adamw     adam, with weight_decay 0.004 by default */

typedef enum lens_optimizer_kind {
    LENS_SGD,
    LENS_MOMENTUM,
    LENS_NESTEROV,
    LENS_RMSPROP,
    LENS_ADAM,
    LENS_ADAMW
} lens_optimizer_kind;

typedef struct lens_optimizer_opts {
    lens_optimizer_kind kind;
    float rate;         /* 0.01 for sgd, momentum, nesterov; 0.001 for the others */
    float momentum;     /* 0.9, used by momentum and nesterov */
    float rho;          /* 0.9, rmsprop */
    float beta1;        /* 0.9, adam and adamw */
    float beta2;        /* 0.999, adam and adamw */
    float epsilon;      /* 1e-7 */
    float l2;           /* 0: adds l2 w to the gradient (the gradient of l2/2 |w|^2) */
    float weight_decay; /* 0, adamw 0.004: decoupled, as in Loshchilov and Hutter 2017 */
    float clip_norm;    /* 0: no clipping; otherwise the largest norm that g may have */
} lens_optimizer_opts;

LENS_API lens_optimizer_opts lens_optimizer_defaults(lens_optimizer_kind kind);

/* "sgd", "momentum", "nesterov", "rmsprop", "adam", "adamw". Never NULL. */
LENS_API const char *lens_optimizer_name(lens_optimizer_kind kind);

/* How many slots the kind keeps: 0 sgd; 1 momentum, nesterov (m), rmsprop (v); 2 adam, adamw. */
LENS_API size_t lens_optimizer_slots(lens_optimizer_kind kind);

/* Elements of scratch that lens_optimizer_norm() wants for `count` gradients. */
LENS_API lens_status lens_optimizer_scratch(size_t *scratch_count, const lens_context *context,
                                            size_t count);

/* norm (1, 1, 1, 1) = sqrt of the sum of g^2. Needed for clip_norm only. */
LENS_API lens_status lens_optimizer_norm(lens_tensor *norm, const lens_tensor *g,
                                         lens_tensor *scratch);

/* Updates w and the slots in place. `slots` has lens_optimizer_slots() tensors, m before v, filled
 * with 0 before the first step. `norm` from lens_optimizer_norm(), NULL when clip_norm is 0. */
LENS_API lens_status lens_optimizer_step(lens_tensor *w, const lens_tensor *g,
                                         lens_tensor *const *slots, const lens_tensor *norm,
                                         uint64_t step, const lens_optimizer_opts *opts);

#ifdef __cplusplus
}
#endif

#endif
