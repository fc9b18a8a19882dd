/* support.h: what the tests share: contexts, deterministic data, comparison, a folder to write in.
 *
 * The device under test is LENSLET_DEVICE (auto by default). Random data comes from a fixed seed
 * that is printed when a comparison fails.
 */
#ifndef LENSLET_TESTS_SUPPORT_H
#define LENSLET_TESTS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>

#include "lenslet/lenslet.h"

/* Contexts that live as long as the test program: the reference and the device under test (which is
 * a second reference context when there is no OpenCL device). */
lens_context *test_reference(void);
lens_context *test_device(void);
bool test_device_is_reference(void);

/* Group teardown: free both contexts and the OpenCL compilers, so that leak checkers are quiet. */
int test_close(void **state);

/* Assert that a call succeeds, with its message if not; or that it fails with this status and a
 * message that contains `part`. */
#define assert_ok(call) test_assert_ok(call, #call, __FILE__, __LINE__)
#define assert_fails(call, status, part)                                                           \
    test_assert_fails(call, status, part, #call, __FILE__, __LINE__)
void test_assert_ok(lens_status status, const char *call, const char *file, int line);
void test_assert_fails(lens_status got, lens_status expected, const char *part, const char *call,
                       const char *file, int line);

/* Arrays of `count` floats, freed with free(). Integers in -range .. range: sums of their products
 * are exact in float32 while they stay below 2^24. Reals are uniform in -1 .. 1. */
float *test_integers(size_t count, int range, uint64_t seed);
float *test_reals(size_t count, uint64_t seed);

/* A word that is a function of (seed, index). */
uint32_t test_random(uint64_t seed, size_t index);

/* A new tensor with these values; NULL: filled with NaN. */
lens_tensor *test_tensor(lens_context *context, lens_shape shape, const float *values);

/* The tensor's values, freed with free(). */
float *test_read(const lens_tensor *tensor);

/* Distance in units in the last place; SIZE_MAX when exactly one is NaN. +0 and -0 are equal. */
size_t test_ulp(float a, float b);

/* Fail, with `what` and the place, unless every |got - expected| <= absolute + relative |expected|.
 * 0, 0 asks for equality. NaN equals NaN. */
void test_compare(const char *what, const float *got, const float *expected, size_t count,
                  double relative, double absolute);

/* Check `gradient` against central differences: for every i, (objective with x[i] + step, less that
 * with x[i] - step) / (2 step), within absolute + relative |difference|. The objective returns a
 * sum in double and reads x through `user`. Integer data and a step of 1 make it exact where the
 * operation is linear in x. */
void test_gradient(const char *what, const float *gradient, float *x, size_t count, double step,
                   double relative, double absolute, double (*objective)(void *user), void *user);

/* sum of a[i] b[i], in double. */
double test_dot(const float *a, const float *b, size_t count);

/* An empty folder for this test program, removed at exit. */
const char *test_temp_dir(void);
/* "<temp dir>/<name>" in one of a few static buffers. */
const char *test_temp_path(const char *name);
void test_write_file(const char *path, const void *bytes, size_t size);
/* The file's bytes, freed with free(), with a 0 behind them. */
char *test_read_file(const char *path, size_t *size);

#endif
