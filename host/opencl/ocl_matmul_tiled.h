/* ocl_matmul_tiled.h: "tiled": matrix products for GPUs, whose factors may be seen through a
 * window. */
#ifndef LENSLET_OPENCL_OCL_MATMUL_TILED_H
#define LENSLET_OPENCL_OCL_MATMUL_TILED_H

#include "opencl/opencl.h"

#include <stddef.h>

/* C[m, j] = f( bias + sum over l of A[m, l] B[l, j] ) for each of `groups` groups:
 * cl/matmul_tiled.cl. j and l are three numbers each, the slowest first; what each adds to an index
 * stands in the name of the tensor and the number. */
typedef struct ocl_tiled {
    size_t groups, m, j[3], l[3];
    size_t a_group, b_group, c_group, bias_group;
    ptrdiff_t a_m, a_l[3], b_l[3], b_j[3], c_m, c_j[3];
    size_t bias_m, bias_j;
    bool a_along_l, b_along_l; /* l's last number is A's, B's shortest way through memory */
    bool whole;                /* the sum must not be split into parts */
} ocl_tiled;

/* Whether some tile runs: its group, local memory and registers. It is compiled for that. The
 * others want it to be so. */
bool ocl_matmul_tiled_possible(const lens_context *context, const ocl_tiled *t);

/* Elements of scratch for the parts of the sums of a C of `count` elements. */
size_t ocl_matmul_tiled_scratch(const lens_context *context, const ocl_tiled *t, size_t count);

/* With less scratch the sums are not split. `bias` and `f` may be NULL; f is applied to all of
 * C. */
lens_status ocl_matmul_tiled(lens_tensor *c, const lens_tensor *a, const lens_tensor *b,
                             const lens_tensor *bias, const lens_activation *f, const ocl_tiled *t,
                             const lens_tensor *scratch);

#endif
