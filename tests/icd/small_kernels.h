/* small_kernels.h: kernels that have fewer work-items than their device, as a GPU's do that need
 * many registers. Linked into a test, small_kernels.c stands in front of the OpenCL library.
 */
#ifndef LENSLET_TESTS_SMALL_KERNELS_H
#define LENSLET_TESTS_SMALL_KERNELS_H

#include <stddef.h>

/* From now on kernels of programs that are built with `option`, such as "-DROWS=16 ", say that they
 * have `items` work-items in a group at the most, and refuse to run with more. NULL: all as it was.
 */
void small_kernels(const char *option, size_t items);

#endif
