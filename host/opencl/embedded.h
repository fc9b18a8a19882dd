/* embedded.h: the kernel sources that tools/embed_cl.cmake built in. */
#ifndef LENSLET_OPENCL_EMBEDDED_H
#define LENSLET_OPENCL_EMBEDDED_H

#include <stddef.h>

typedef struct ocl_embedded_source {
    const char *name; /* "conv2d" for cl/conv2d.cl; NULL ends the table */
    const char *text; /* not 0-terminated */
    size_t size;
} ocl_embedded_source;

extern const ocl_embedded_source ocl_embedded_sources[];

#endif
