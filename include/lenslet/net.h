/* net.h: networks, from a list of layers to gradients.
 *
 * A lens_net_spec says what a network is: plain data, no device. It comes from the zoo
 * (lens_model_spec), from a Keras JSON file or from a checkpoint (io.h). A lens_net is that network
 * on a device: parameters in one buffer, gradients in another, activations in a third that was
 * planned before anything was allocated.
 *
 *     lens_net_forward_training -> lens_net_loss -> lens_net_backward -> lens_optimizer_step
 * (ops.h)
 */
#ifndef LENSLET_NET_H
#define LENSLET_NET_H

#include "lenslet/ops.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- what a network is --------------------------------------------------------------------- */

/* One list gives the kinds and the word each has in tables and JSON. */
#define LENS_LAYER_MAP(X)                                                                          \
    X(CONV2D, "conv2d")                                                                            \
    X(POOL2D, "pool2d")                                                                            \
    X(PAD2D, "pad2d")                                                                              \
    X(DENSE, "dense")                                                                              \
    X(ACTIVATION, "activation")                                                                    \
    X(LRN, "lrn")                                                                                  \
    X(BATCHNORM, "batchnorm")                                                                      \
    X(DROPOUT, "dropout")                                                                          \
    X(SOFTMAX, "softmax")                                                                          \
    X(FLATTEN, "flatten")                                                                          \
    X(RESIZE2D, "resize2d")                                                                        \
    X(SUBSAMPLE, "subsample")                                                                      \
    X(RBF, "rbf")

typedef enum lens_layer_kind {
#define X(name, text) LENS_LAYER_##name,
    LENS_LAYER_MAP(X)
#undef X
} lens_layer_kind;

/* "conv2d". Never NULL. */
LENS_API const char *lens_layer_kind_name(lens_layer_kind kind);

/* Starting values of weights; with fan_in = c/groups r s and fan_out = k r s / groups
 * (dense: inputs and units; subsample: the window's size, both). Of a convolution with connections
 * c is what the filter is connected to. Values are a function of (seed, layer, element) alone. */
typedef enum lens_initializer_kind {
    LENS_GLOROT_UNIFORM, /* +- sqrt(6 / (fan_in + fan_out)): Glorot and Bengio 2010; the default */
    LENS_GLOROT_NORMAL,  /* sd sqrt(2 / (fan_in + fan_out)) */
    LENS_HE_UNIFORM,     /* +- sqrt(6 / fan_in): He et al. 2015 */
    LENS_HE_NORMAL,      /* sd sqrt(2 / fan_in) */
    LENS_LECUN1998_UNIFORM, /* +- 2.4 / fan_in: LeCun et al. 1998, appendix A */
    LENS_LECUN_UNIFORM,     /* +- sqrt(3 / fan_in): LeCun et al. 1998, "Efficient BackProp" */
    LENS_LECUN_NORMAL,      /* sd sqrt(1 / fan_in) */
    LENS_RANDOM_NORMAL,     /* sd `value` */
    LENS_RANDOM_UNIFORM,    /* +- `value` */
    LENS_CONSTANT_VALUE     /* `value` */
} lens_initializer_kind;

typedef struct lens_initializer {
    lens_initializer_kind kind;
    float value; /* of the last three */
} lens_initializer;

/* "glorot_uniform", ... , "random_normal", "random_uniform", "constant": Keras's. Never NULL. */
LENS_API const char *lens_initializer_name(lens_initializer_kind kind);

#define LENS_NAME_SIZE 64
#define LENS_CONNECTIONS_MOST 32 /* filters of a convolution with a table of connections */

typedef struct lens_layer_spec {
    char name[LENS_NAME_SIZE]; /* unique in the net; letters, digits, '_' and '-' */
    lens_layer_kind kind;
    union {
        struct {
            size_t filters, kernel_h, kernel_w;
            bool same_padding; /* lens_padding_same() from the input's size; opts.padding unused */
            bool no_bias;      /* default false */
            lens_conv2d_opts opts;
            lens_initializer initializer; /* of the weights */
            float initial_bias;           /* biases start at this, default 0 */
            /* Bit c of word k: filter k reads channel c. All words 0, the default: every filter
             * reads every channel. Else every filter reads one at least; 1 group, at most
             * LENS_CONNECTIONS_MOST filters and 32 channels. The other weights are 0 and stay so.
             */
            uint32_t connections[LENS_CONNECTIONS_MOST];
        } conv2d;
        struct {
            bool same_padding;
            lens_pool2d_opts opts;
        } pool2d;
        lens_padding pad2d;
        struct {
            size_t units;
            bool no_bias;
            lens_dense_opts opts;
            lens_initializer initializer;
            float initial_bias;
        } dense;
        lens_activation activation;
        lens_lrn_opts lrn;
        lens_batchnorm_opts batchnorm;
        float dropout; /* the rate, 0 <= rate < 1 */
        struct {
            size_t h, w;
            lens_resize2d_kind kind;
        } resize2d;
        struct {
            lens_subsample_opts opts;
            lens_initializer initializer; /* of the coefficients; biases start at 0 */
        } subsample;
        /* 10 units on 84 features whose codes are pictures of the digits, 7 x 12 (LeCun et al.
         * 1998, figure 3, drawn anew). The outputs are penalties: the smallest names the class. */
        struct {
            bool trained; /* the codes only start as the pictures; default false */
        } rbf;
    };
} lens_layer_spec;

/* A chain: each layer's input is the output of the one before, the first one's is `input`. */
typedef struct lens_net_spec {
    char name[LENS_NAME_SIZE];
    lens_shape input; /* of one image: n = 1 */
    size_t layer_count;
    lens_layer_spec *layers; /* owned by the spec */
} lens_net_spec;

LENS_API void lens_net_spec_free(lens_net_spec *spec); /* NULL is allowed */

/* The loss that the last layer asks for where labels are class numbers: binary cross-entropy after
 * a sigmoid, map after rbf units, else the cross-entropy of class numbers. */
LENS_API lens_loss_kind lens_net_spec_loss(const lens_net_spec *spec);
LENS_API lens_status lens_net_spec_copy(lens_net_spec **out, const lens_net_spec *spec);

/* The zoo. Index order is that of `lenslet models`. */
LENS_API size_t lens_model_count(void);
LENS_API const char *lens_model_name(size_t index);
LENS_API const char *lens_model_text(size_t index); /* one line on what it is and where from */

/* The named network of the zoo; BAD_ARGUMENT, with the nearest names, for an unknown one. */
LENS_API lens_status lens_model_spec(lens_net_spec **out, const char *name);

/* ---- its sizes, without a device ------------------------------------------------------------ */

typedef struct lens_layer_summary {
    const char *name;  /* borrowed from the spec */
    const char *type;  /* "conv2d" */
    lens_shape output; /* n = 1 */
    size_t parameters; /* elements, those that are not trained too; only what is connected */
    size_t macs;       /* multiply-adds of one image's forward pass; 0 but for conv2d, dense,
                          subsample (the window's pixels), rbf */
} lens_layer_summary;

typedef struct lens_net_summary {
    size_t layer_count;
    lens_layer_summary *layers; /* owned by the summary */
    size_t parameters, trained; /* elements: all, and those with a gradient */
    size_t macs;
    struct {
        size_t parameters, gradients, slots, activations, scratch, total;
    } memory_bytes; /* on the device, training at `batch` */
} lens_net_summary;

/* Infers every shape and plans the memory of training with `slots` optimizer slots: on the device
 * of `context`, whose algorithms may want scratch, or (NULL) with the general kernels, which want
 * none. BAD_SHAPE names the layer that does not fit. */
LENS_API lens_status lens_net_summary_new(lens_net_summary **out, const lens_net_spec *spec,
                                          const lens_context *context, size_t batch, size_t slots);
LENS_API void lens_net_summary_free(lens_net_summary *summary);

/* ---- the network on a device ---------------------------------------------------------------- */

typedef struct lens_net lens_net;

typedef struct lens_net_opts {
    size_t batch;        /* the largest batch; default 1 */
    bool training;       /* keep what backward needs, default false */
    bool keep_layers;    /* every layer's output stays readable after forward, default false */
    bool input_gradient; /* backward also computes lens_net_input_gradient(), default false */
    lens_loss_kind loss; /* default sparse cross-entropy */
    bool weighted;       /* image i's loss counts lens_net_weights()[i] times, default false */
} lens_net_opts;

LENS_API lens_net_opts lens_net_defaults(void);

/* `spec` is copied. Where the last layer is a softmax, or its activation a sigmoid, and the loss a
 * cross-entropy that goes with it, loss and gradient are taken from the logits: the same numbers,
 * without the rounding of a logarithm of a small exponential. */
LENS_API lens_status lens_net_new(lens_net **out, lens_context *context, const lens_net_spec *spec,
                                  const lens_net_opts *opts);
LENS_API void lens_net_free(lens_net *net); /* NULL is allowed */

/* OUT_OF_MEMORY when a net made so, trained with `slots` optimizer slots, exceeds the device's
 * memory or its largest allocation; the message says which batch would fit. lens_net_new() asks
 * this itself, for no slots. */
LENS_API lens_status lens_net_check_memory(lens_context *context, const lens_net_spec *spec,
                                           const lens_net_opts *opts, size_t slots);

LENS_API const lens_net_spec *lens_net_get_spec(const lens_net *net); /* borrowed */
LENS_API lens_net_opts lens_net_get_opts(const lens_net *net); /* as given to lens_net_new() */
LENS_API lens_context *lens_net_context(const lens_net *net);

/* One array of a layer's: "conv2d_1.weight". Views into the shared buffers. Running statistics and
 * fixed codes are parameters that are not trained, and have no gradient. */
typedef struct lens_parameter {
    char name[LENS_NAME_SIZE + 8];
    lens_shape shape;
    lens_tensor *value;
    lens_tensor *gradient; /* NULL unless training, and when it is not trained */
    size_t layer;          /* the index of its layer */
    size_t offset;         /* of its first element in lens_net_state() and lens_net_parameters() */
    bool decays; /* under l2 and weight_decay: what multiplies layers' inputs does, biases,
                    coefficients and what normalises do not */
} lens_parameter;

LENS_API size_t lens_net_parameter_count(const lens_net *net);
LENS_API const lens_parameter *lens_net_parameter(const lens_net *net, size_t index); /* borrowed */

/* All parameters that are trained (those that decay first), and all their gradients, each as one
 * tensor (1, count, 1, 1); and the state, which is those parameters and behind them the ones that
 * are not trained. Borrowed; NULL when there are none. */
LENS_API lens_tensor *lens_net_parameters(const lens_net *net);
LENS_API lens_tensor *lens_net_gradients(const lens_net *net); /* NULL unless training */
LENS_API lens_tensor *lens_net_state(const lens_net *net);

/* Set every parameter from its initializer; a function of the seed alone. */
LENS_API lens_status lens_net_initialize(lens_net *net, uint64_t seed);

/* Use the first n images of the batch from now on: 1 <= n <= opts.batch. Tensors that were borrowed
 * from the net before, other than parameters, are gone. */
LENS_API lens_status lens_net_set_batch(lens_net *net, size_t n);

/* Borrowed; valid until the next lens_net_set_batch(). Write the input (n, c, h, w) and the target
 * before a step; read the output after lens_net_forward(). */
LENS_API lens_tensor *lens_net_input(const lens_net *net);
LENS_API lens_tensor *lens_net_target(const lens_net *net);
LENS_API lens_tensor *
lens_net_weights(const lens_net *net); /* (n, 1, 1, 1); NULL unless weighted */
LENS_API lens_tensor *lens_net_output(const lens_net *net);
LENS_API lens_tensor *lens_net_layer_output(const lens_net *net, size_t layer); /* keep_layers */
LENS_API lens_tensor *lens_net_input_gradient(const lens_net *net);             /* input_gradient */

/* Input to output, for the output's sake: dropout does nothing, batchnorm uses its running
 * statistics. */
LENS_API lens_status lens_net_forward(lens_net *net);

/* Input to output, for a backward pass: dropout draws from (seed, step), batchnorm uses the batch's
 * statistics and moves the running ones. The network must have been made for training. */
LENS_API lens_status lens_net_forward_training(lens_net *net, uint64_t seed, uint64_t step);

/* After forward: total as in lens_loss_forward(). */
LENS_API lens_status lens_net_loss(lens_net *net, lens_tensor *total, bool accumulate);

/* After lens_net_forward_training(): every trained parameter's gradient of the mean loss.
 * Overwrites the gradients. Each forward pass serves one backward pass: gradients take the place of
 * activations that are done with. */
LENS_API lens_status lens_net_backward(lens_net *net);

#ifdef __cplusplus
}
#endif

#endif
