/* backend.h: what a device must be able to do.
 *
 * One struct of function pointers, one per operation and pass, all of them required. host/ops/ has
 * checked every argument before it calls: shapes fit, contexts agree, sizes are not 0. The members
 * have the names of the public functions without "lens_", and the meaning that ops.h gives them.
 * "Cannot" is LENS_UNSUPPORTED at run time, never a hole in the table.
 */
#ifndef LENSLET_BACKEND_H
#define LENSLET_BACKEND_H

#include "lenslet/ops.h"
#include "preferences.h"

typedef struct lens_backend lens_backend;
typedef struct lens_traced_backend lens_traced_backend;

/* What a traced context is doing, for the backend that records its device's events (traced.c). */
typedef struct lens_tracing {
    lens_traced_backend *backend;
    lens_trace *trace;       /* NULL: the context is not traced */
    uint32_t track;          /* the device's */
    uint64_t operation;      /* counts those that are recorded */
    const char *name, *args; /* of the one that is being queued; name NULL: none */
} lens_tracing;

struct lens_context {
    const lens_backend *backend;
    lens_tracing tracing;
    lens_device_info device;
    void *state;         /* the backend's own */
    size_t live_tensors; /* views counted */
    size_t bytes, peak_bytes;
    lens_tuning *tuning; /* preferences; NULL: none */
};

struct lens_tensor {
    lens_context *context;
    lens_shape shape;
    size_t count;  /* elements */
    void *buffer;  /* the backend's handle */
    size_t offset; /* of the first element, in elements: views share a buffer */
    bool is_view;
};

struct lens_backend {
    const char *name;

    /* ---- context and memory ---- */
    lens_status (*context_open)(lens_context *context, const lens_context_opts *opts);
    void (*context_close)(lens_context *context);
    lens_status (*context_wait)(lens_context *context);
    lens_status (*context_profile)(lens_context *context, lens_profile_entry *entries,
                                   size_t capacity, size_t *count);
    lens_status (*context_limits)(lens_context *context, lens_limits *limits);
    lens_status (*buffer_new)(void **out, lens_context *context, size_t count);
    void (*buffer_free)(lens_context *context, void *buffer);
    lens_status (*tensor_write)(lens_tensor *tensor, const float *values);
    lens_status (*tensor_read)(const lens_tensor *tensor, float *values);
    lens_status (*tensor_fill)(lens_tensor *tensor, float value);
    lens_status (*tensor_copy)(lens_tensor *to, const lens_tensor *from);

    /* ---- conv2d ---- */
    size_t (*conv2d_scratch)(const lens_context *context, lens_pass pass, lens_shape x,
                             lens_shape w, lens_shape y, const lens_conv2d_opts *opts);
    /* Returns how many; the one that is taken comes first. */
    size_t (*conv2d_algorithms)(const char *names[LENS_ALGORITHMS_MOST],
                                const lens_context *context, lens_pass pass, lens_shape x,
                                lens_shape w, lens_shape y, const lens_conv2d_opts *opts);
    lens_status (*conv2d_forward)(lens_tensor *y, const lens_tensor *x, const lens_tensor *w,
                                  const lens_tensor *b, const lens_conv2d_opts *opts,
                                  lens_tensor *scratch);
    lens_status (*conv2d_backward_input)(lens_tensor *dx, const lens_tensor *dy,
                                         const lens_tensor *w, const lens_conv2d_opts *opts,
                                         lens_tensor *scratch);
    lens_status (*conv2d_backward_weight)(lens_tensor *dw, const lens_tensor *dy,
                                          const lens_tensor *x, const lens_conv2d_opts *opts,
                                          lens_tensor *scratch);
    lens_status (*conv2d_backward_bias)(lens_tensor *db, const lens_tensor *dy);

    /* ---- pool2d: window and stride of `opts` are filled in, never 0 ---- */
    lens_status (*pool2d_forward)(lens_tensor *y, const lens_tensor *x,
                                  const lens_pool2d_opts *opts);
    lens_status (*pool2d_backward_input)(lens_tensor *dx, const lens_tensor *dy,
                                         const lens_tensor *x, const lens_pool2d_opts *opts);

    /* ---- pad2d ---- */
    lens_status (*pad2d_forward)(lens_tensor *y, const lens_tensor *x, const lens_padding *opts);
    lens_status (*pad2d_backward_input)(lens_tensor *dx, const lens_tensor *dy,
                                        const lens_padding *opts);

    /* ---- dense ---- */
    size_t (*dense_scratch)(const lens_context *context, lens_pass pass, lens_shape x,
                            lens_shape w);
    size_t (*dense_algorithms)(const char *names[LENS_ALGORITHMS_MOST], const lens_context *context,
                               lens_pass pass, lens_shape x, lens_shape w);
    lens_status (*dense_forward)(lens_tensor *y, const lens_tensor *x, const lens_tensor *w,
                                 const lens_tensor *b, const lens_dense_opts *opts,
                                 lens_tensor *scratch);
    lens_status (*dense_backward_input)(lens_tensor *dx, const lens_tensor *dy,
                                        const lens_tensor *w, lens_tensor *scratch);
    lens_status (*dense_backward_weight)(lens_tensor *dw, const lens_tensor *dy,
                                         const lens_tensor *x, lens_tensor *scratch);
    lens_status (*dense_backward_bias)(lens_tensor *db, const lens_tensor *dy);

    /* ---- subsample ---- */
    lens_status (*subsample_forward)(lens_tensor *y, const lens_tensor *x, const lens_tensor *w,
                                     const lens_tensor *b, const lens_subsample_opts *opts);
    lens_status (*subsample_backward_input)(lens_tensor *dx, const lens_tensor *dy,
                                            const lens_tensor *w, const lens_subsample_opts *opts);
    lens_status (*subsample_backward_weight)(lens_tensor *dw, const lens_tensor *dy,
                                             const lens_tensor *x, const lens_subsample_opts *opts);
    lens_status (*subsample_backward_bias)(lens_tensor *db, const lens_tensor *dy);

    /* ---- rbf ---- */
    lens_status (*rbf_forward)(lens_tensor *y, const lens_tensor *x, const lens_tensor *w);
    lens_status (*rbf_backward_input)(lens_tensor *dx, const lens_tensor *dy, const lens_tensor *x,
                                      const lens_tensor *w);
    lens_status (*rbf_backward_weight)(lens_tensor *dw, const lens_tensor *dy, const lens_tensor *x,
                                       const lens_tensor *w);

    /* ---- activation ---- */
    lens_status (*activation_forward)(lens_tensor *y, const lens_tensor *x,
                                      const lens_activation *opts);
    lens_status (*activation_backward_input)(lens_tensor *dx, const lens_tensor *dy,
                                             const lens_tensor *y, const lens_activation *opts);
    lens_status (*activation_backward_bias)(lens_tensor *dx, lens_tensor *db, const lens_tensor *dy,
                                            const lens_tensor *y, const lens_activation *opts);

    /* ---- lrn ---- */
    size_t (*lrn_scratch)(const lens_context *context, lens_pass pass, lens_shape x,
                          const lens_lrn_opts *opts);
    lens_status (*lrn_forward)(lens_tensor *y, const lens_tensor *x, const lens_lrn_opts *opts);
    lens_status (*lrn_backward_input)(lens_tensor *dx, const lens_tensor *dy, const lens_tensor *x,
                                      const lens_lrn_opts *opts, lens_tensor *scratch);

    /* ---- batchnorm ---- */
    lens_status (*batchnorm_forward)(lens_tensor *y, const lens_tensor *x, const lens_tensor *gamma,
                                     const lens_tensor *beta, const lens_tensor *mean,
                                     const lens_tensor *variance, const lens_batchnorm_opts *opts);
    lens_status (*batchnorm_forward_training)(lens_tensor *y, const lens_tensor *x,
                                              const lens_tensor *gamma, const lens_tensor *beta,
                                              lens_tensor *mean, lens_tensor *variance,
                                              lens_tensor *saved, const lens_batchnorm_opts *opts);
    lens_status (*batchnorm_backward_weight)(lens_tensor *dgamma, lens_tensor *dbeta,
                                             const lens_tensor *dy, const lens_tensor *x,
                                             const lens_tensor *saved);
    lens_status (*batchnorm_backward_input)(lens_tensor *dx, const lens_tensor *dy,
                                            const lens_tensor *x, const lens_tensor *gamma,
                                            const lens_tensor *saved, const lens_tensor *dgamma,
                                            const lens_tensor *dbeta);

    /* ---- dropout ---- */
    lens_status (*dropout_forward)(lens_tensor *y, const lens_tensor *x,
                                   const lens_dropout_opts *opts);
    lens_status (*dropout_backward_input)(lens_tensor *dx, const lens_tensor *dy,
                                          const lens_dropout_opts *opts);

    /* ---- softmax ---- */
    lens_status (*softmax_forward)(lens_tensor *y, const lens_tensor *x);
    lens_status (*softmax_backward_input)(lens_tensor *dx, const lens_tensor *dy,
                                          const lens_tensor *y);

    /* ---- loss ---- */
    lens_status (*loss_forward)(lens_tensor *total, const lens_tensor *x, const lens_tensor *t,
                                const lens_tensor *w, const lens_loss_opts *opts, bool accumulate);
    lens_status (*loss_backward_input)(lens_tensor *dx, const lens_tensor *x, const lens_tensor *t,
                                       const lens_tensor *w, const lens_loss_opts *opts);

    /* ---- resize2d ---- */
    lens_status (*resize2d_forward)(lens_tensor *y, const lens_tensor *x, lens_resize2d_kind kind);
    lens_status (*resize2d_backward_input)(lens_tensor *dx, const lens_tensor *dy,
                                           lens_resize2d_kind kind);

    /* ---- optimizer ---- */
    size_t (*optimizer_scratch)(const lens_context *context, size_t count);
    lens_status (*optimizer_norm)(lens_tensor *norm, const lens_tensor *g, lens_tensor *scratch);
    lens_status (*optimizer_step)(lens_tensor *w, const lens_tensor *g, lens_tensor *const *slots,
                                  const lens_tensor *norm, uint64_t step,
                                  const lens_optimizer_opts *opts);
};

extern const lens_backend lens_backend_reference;
#ifdef LENSLET_OPENCL
extern const lens_backend lens_backend_opencl;

/* Append the OpenCL devices to infos[0 .. *count-1], at most `capacity` in all; *count becomes the
 * number there are. */
lens_status lens_opencl_list(lens_device_info *infos, size_t capacity, size_t *count);
void lens_opencl_release_compilers(void);
#endif

#endif
