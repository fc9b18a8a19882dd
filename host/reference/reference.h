/* reference.h: the reference backend: every operation as the plainest loops that state it.
 *
 * It is the specification that every other backend is checked against: sums in double, rounded to
 * float once, no tiling, no cleverness. It is never made fast.
 */
#ifndef LENSLET_REFERENCE_H
#define LENSLET_REFERENCE_H

#include "backend.h"

/* A tensor's first element. */
static inline float *ref_values(const lens_tensor *tensor) {
    return (float *)tensor->buffer + tensor->offset;
}

/* Where element (n, c, h, w) of a shape is. */
static inline size_t ref_at(lens_shape shape, size_t n, size_t c, size_t h, size_t w) {
    return ((n * shape.c + c) * shape.h + h) * shape.w + w;
}

/* What one place of a padded input holds: a pixel of the input, or a value. */
typedef struct ref_tap {
    bool is_pixel;
    size_t h, w; /* when is_pixel */
    float value; /* otherwise */
} ref_tap;

/* The tap at row i, column j of the padded input: i counts from the top of the padding. */
ref_tap ref_padded(lens_shape x, const lens_padding *padding, size_t i, size_t j);

/* f(x) and f'(x) as a function of y = f(x): the formulas of ops.h. */
double ref_activate(const lens_activation *activation, double x);
double ref_activation_slope(const lens_activation *activation, double y);

lens_status ref_conv2d_forward(lens_tensor *y, const lens_tensor *x, const lens_tensor *w,
                               const lens_tensor *b, const lens_conv2d_opts *opts,
                               lens_tensor *scratch);
lens_status ref_conv2d_backward_input(lens_tensor *dx, const lens_tensor *dy, const lens_tensor *w,
                                      const lens_conv2d_opts *opts, lens_tensor *scratch);
lens_status ref_conv2d_backward_weight(lens_tensor *dw, const lens_tensor *dy, const lens_tensor *x,
                                       const lens_conv2d_opts *opts, lens_tensor *scratch);
lens_status ref_conv2d_backward_bias(lens_tensor *db, const lens_tensor *dy);

lens_status ref_pool2d_forward(lens_tensor *y, const lens_tensor *x, const lens_pool2d_opts *opts);
lens_status ref_pool2d_backward_input(lens_tensor *dx, const lens_tensor *dy, const lens_tensor *x,
                                      const lens_pool2d_opts *opts);

lens_status ref_pad2d_forward(lens_tensor *y, const lens_tensor *x, const lens_padding *opts);
lens_status ref_pad2d_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                     const lens_padding *opts);

size_t ref_dense_scratch(const lens_context *context, lens_pass pass, lens_shape x, lens_shape w);
lens_status ref_dense_forward(lens_tensor *y, const lens_tensor *x, const lens_tensor *w,
                              const lens_tensor *b, const lens_dense_opts *opts,
                              lens_tensor *scratch);
lens_status ref_dense_backward_input(lens_tensor *dx, const lens_tensor *dy, const lens_tensor *w,
                                     lens_tensor *scratch);
lens_status ref_dense_backward_weight(lens_tensor *dw, const lens_tensor *dy, const lens_tensor *x,
                                      lens_tensor *scratch);
lens_status ref_dense_backward_bias(lens_tensor *db, const lens_tensor *dy);

lens_status ref_subsample_forward(lens_tensor *y, const lens_tensor *x, const lens_tensor *w,
                                  const lens_tensor *b, const lens_subsample_opts *opts);
lens_status ref_subsample_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                         const lens_tensor *w, const lens_subsample_opts *opts);
lens_status ref_subsample_backward_weight(lens_tensor *dw, const lens_tensor *dy,
                                          const lens_tensor *x, const lens_subsample_opts *opts);
lens_status ref_subsample_backward_bias(lens_tensor *db, const lens_tensor *dy);

lens_status ref_rbf_forward(lens_tensor *y, const lens_tensor *x, const lens_tensor *w);
lens_status ref_rbf_backward_input(lens_tensor *dx, const lens_tensor *dy, const lens_tensor *x,
                                   const lens_tensor *w);
lens_status ref_rbf_backward_weight(lens_tensor *dw, const lens_tensor *dy, const lens_tensor *x,
                                    const lens_tensor *w);

lens_status ref_activation_forward(lens_tensor *y, const lens_tensor *x,
                                   const lens_activation *opts);
lens_status ref_activation_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                          const lens_tensor *y, const lens_activation *opts);
lens_status ref_activation_backward_bias(lens_tensor *dx, lens_tensor *db, const lens_tensor *dy,
                                         const lens_tensor *y, const lens_activation *opts);

size_t ref_lrn_scratch(const lens_context *context, lens_pass pass, lens_shape x,
                       const lens_lrn_opts *opts);
lens_status ref_lrn_forward(lens_tensor *y, const lens_tensor *x, const lens_lrn_opts *opts);
lens_status ref_lrn_backward_input(lens_tensor *dx, const lens_tensor *dy, const lens_tensor *x,
                                   const lens_lrn_opts *opts, lens_tensor *scratch);

lens_status ref_batchnorm_forward(lens_tensor *y, const lens_tensor *x, const lens_tensor *gamma,
                                  const lens_tensor *beta, const lens_tensor *mean,
                                  const lens_tensor *variance, const lens_batchnorm_opts *opts);
lens_status ref_batchnorm_forward_training(lens_tensor *y, const lens_tensor *x,
                                           const lens_tensor *gamma, const lens_tensor *beta,
                                           lens_tensor *mean, lens_tensor *variance,
                                           lens_tensor *saved, const lens_batchnorm_opts *opts);
lens_status ref_batchnorm_backward_weight(lens_tensor *dgamma, lens_tensor *dbeta,
                                          const lens_tensor *dy, const lens_tensor *x,
                                          const lens_tensor *saved);
lens_status ref_batchnorm_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                         const lens_tensor *x, const lens_tensor *gamma,
                                         const lens_tensor *saved, const lens_tensor *dgamma,
                                         const lens_tensor *dbeta);

lens_status ref_dropout_forward(lens_tensor *y, const lens_tensor *x,
                                const lens_dropout_opts *opts);
lens_status ref_dropout_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                       const lens_dropout_opts *opts);

lens_status ref_softmax_forward(lens_tensor *y, const lens_tensor *x);
lens_status ref_softmax_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                       const lens_tensor *y);

lens_status ref_loss_forward(lens_tensor *total, const lens_tensor *x, const lens_tensor *t,
                             const lens_tensor *w, const lens_loss_opts *opts, bool accumulate);
lens_status ref_loss_backward_input(lens_tensor *dx, const lens_tensor *x, const lens_tensor *t,
                                    const lens_tensor *w, const lens_loss_opts *opts);

lens_status ref_resize2d_forward(lens_tensor *y, const lens_tensor *x, lens_resize2d_kind kind);
lens_status ref_resize2d_backward_input(lens_tensor *dx, const lens_tensor *dy,
                                        lens_resize2d_kind kind);

size_t ref_optimizer_scratch(const lens_context *context, size_t count);
lens_status ref_optimizer_norm(lens_tensor *norm, const lens_tensor *g, lens_tensor *scratch);
lens_status ref_optimizer_step(lens_tensor *w, const lens_tensor *g, lens_tensor *const *slots,
                               const lens_tensor *norm, uint64_t step,
                               const lens_optimizer_opts *opts);

#endif
