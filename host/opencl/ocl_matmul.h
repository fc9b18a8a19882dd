/* ocl_matmul.h: matrix products on OpenCL devices, for dense layers and convolutions. */
#ifndef LENSLET_OPENCL_OCL_MATMUL_H
#define LENSLET_OPENCL_OCL_MATMUL_H

#include "opencl/opencl.h"

/* C[m,j] = f( bias[j] + sum over l of A[m,l] B[l,j] ). Element (m, l) of A is at
 * m * a_row + l * a_column, B alike; C (m, j) is row-major. */
typedef struct ocl_matmul {
    size_t m, j, l;
    size_t a_row, a_column, b_row, b_column;
    const lens_activation *activation; /* NULL: linear */
} ocl_matmul;

/* "blocked": register tiles for CPU devices; no scratch. `bias` may be NULL. */
lens_status ocl_matmul_blocked(lens_tensor *c, const lens_tensor *a, const lens_tensor *b,
                               const lens_tensor *bias, const ocl_matmul *product);

#endif
