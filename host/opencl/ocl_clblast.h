/* ocl_clblast.h: matrix products by CLBlast: "clblast" of dense and conv2d.
 *
 * The rule of choice: CLBlast is made for GPUs and other accelerators, and taken there; on CPU
 * devices our own tiles are several times faster, so there it is taken only when forced by name.
 * In a build without CLBlast it never applies.
 */
#ifndef LENSLET_OPENCL_OCL_CLBLAST_H
#define LENSLET_OPENCL_OCL_CLBLAST_H

#include "opencl/ocl_matmul.h"

/* True when this build has CLBlast. */
bool ocl_clblast_built(void);

/* True when this build has CLBlast and the device runs groups as large as its kernels may want. */
bool ocl_clblast_possible(const lens_context *context);

/* Elements of scratch that let CLBlast do without memory of its own for this product. */
size_t ocl_clblast_scratch(const lens_context *context, const ocl_matmul *product);

/* C = A B; the product's activation is not applied. Scratch that starts at its buffer's begin and
 * is large enough is used; otherwise CLBlast takes memory from the driver for the length of the
 * call.
 */
lens_status ocl_clblast_multiply(lens_tensor *c, const lens_tensor *a, const lens_tensor *b,
                                 const ocl_matmul *product, const lens_tensor *scratch);

/* The same for `batch` products, each so many elements behind the one before. A stride of 0 is
 * allowed for A and B: all products share it. */
typedef struct ocl_clblast_strides {
    size_t a, b, c;
} ocl_clblast_strides;

lens_status ocl_clblast_multiply_batch(lens_tensor *c, const lens_tensor *a, const lens_tensor *b,
                                       const ocl_matmul *product,
                                       const ocl_clblast_strides *strides, size_t batch);

/* What CLBlast leaves to do: c (n, k, p, q) = f( c + bias[k] ), in place. `bias` may be NULL, and
 * so may f, for linear. */
lens_status ocl_clblast_finish(lens_tensor *c, const lens_tensor *bias, const lens_activation *f);

/* Free what CLBlast keeps for all contexts of the process: programs, each holding its context. What
 * is needed again is compiled again. */
void ocl_clblast_forget(void);

#endif
