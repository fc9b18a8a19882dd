/* support.c: what the tests share. */
#include "support.h"
#include "core/philox.h"

#include <ftw.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- contexts ------------------------------------------------------------------------------ */

static lens_context *reference, *device;

static lens_context *open_once(lens_context **context, const char *choice) {
    if (!*context)
        assert_ok(lens_context_open(context, choice, NULL));
    return *context;
}

lens_context *test_reference(void) {
    return open_once(&reference, "reference");
}

lens_context *test_device(void) {
    return open_once(&device, getenv("LENSLET_DEVICE"));
}

bool test_device_is_reference(void) {
    return lens_context_device(test_device())->type == LENS_DEVICE_REFERENCE;
}

int test_close(void **state) {
    (void)state;
    lens_context_free(reference);
    lens_context_free(device);
    reference = device = NULL;
    lens_release_compilers();
    return 0;
}

/* ---- statuses ------------------------------------------------------------------------------ */

void test_assert_ok(lens_status status, const char *call, const char *file, int line) {
    if (status == LENS_OK)
        return;
    print_error("%s: %s: %s\n", call, lens_status_name(status), lens_last_error());
    _fail(file, line);
}

void test_assert_fails(lens_status got, lens_status expected, const char *part, const char *call,
                       const char *file, int line) {
    if (got == expected && (got == LENS_OK || strstr(lens_last_error(), part)))
        return;
    print_error("%s: %s \"%s\", expected %s with \"%s\"\n", call, lens_status_name(got),
                got == LENS_OK ? "" : lens_last_error(), lens_status_name(expected), part);
    _fail(file, line);
}

/* ---- data ---------------------------------------------------------------------------------- */

static float *new_floats(size_t count) {
    float *values = malloc((count ? count : 1) * sizeof *values);
    assert_non_null(values);
    return values;
}

float *test_integers(size_t count, int range, uint64_t seed) {
    float *values = new_floats(count);
    for (size_t i = 0; i < count; i++)
        values[i] =
            (float)((int)(lens_random(seed, 0, 1, 0, (uint32_t)i) % (uint32_t)(2 * range + 1)) -
                    range);
    return values;
}

float *test_reals(size_t count, uint64_t seed) {
    float *values = new_floats(count);
    for (size_t i = 0; i < count; i++)
        values[i] = 2 * lens_uniform(lens_random(seed, 0, 2, 0, (uint32_t)i)) - 1;
    return values;
}

uint32_t test_random(uint64_t seed, size_t index) {
    return lens_random(seed, 0, 3, 0, (uint32_t)index);
}

lens_tensor *test_tensor(lens_context *context, lens_shape shape, const float *values) {
    lens_tensor *tensor;
    assert_ok(lens_tensor_new(&tensor, context, shape));
    if (values)
        assert_ok(lens_tensor_write(tensor, values));
    else
        assert_ok(lens_tensor_fill(tensor, NAN));
    return tensor;
}

float *test_read(const lens_tensor *tensor) {
    float *values = new_floats(lens_tensor_count(tensor));
    assert_ok(lens_tensor_read(tensor, values));
    return values;
}

/* ---- comparison ---------------------------------------------------------------------------- */

size_t test_ulp(float a, float b) {
    if (isnan(a) || isnan(b))
        return isnan(a) && isnan(b) ? 0 : SIZE_MAX;
    int32_t bits[2];
    memcpy(&bits[0], &a, sizeof a);
    memcpy(&bits[1], &b, sizeof b);
    int64_t ordered[2]; /* the floats in order, as integers */
    for (int i = 0; i < 2; i++)
        ordered[i] = bits[i] < 0 ? (int64_t)INT32_MIN - bits[i] : bits[i];
    return (size_t)llabs(ordered[0] - ordered[1]);
}

void test_compare(const char *what, const float *got, const float *expected, size_t count,
                  double relative, double absolute) {
    size_t wrong = 0;
    for (size_t i = 0; i < count; i++) {
        if (isnan(got[i]) && isnan(expected[i]))
            continue;
        if (got[i] == expected[i])
            continue; /* also two infinities */
        double limit = absolute + relative * fabs((double)expected[i]);
        if (fabs((double)got[i] - expected[i]) <= limit)
            continue;
        if (wrong++ < 5)
            print_error("%s[%zu of %zu] = %.9g, expected %.9g\n", what, i, count, (double)got[i],
                        (double)expected[i]);
    }
    if (wrong)
        fail_msg("%s: %zu of %zu values are wrong", what, wrong, count);
}

double test_dot(const float *a, const float *b, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (double)a[i] * b[i];
    return sum;
}

void test_gradient(const char *what, const float *gradient, float *x, size_t count, double step,
                   double relative, double absolute, double (*objective)(void *user), void *user) {
    for (size_t i = 0; i < count; i++) {
        float kept = x[i];
        x[i] = (float)(kept + step);
        double above = objective(user);
        double up = x[i];
        x[i] = (float)(kept - step);
        double below = objective(user);
        double difference = (above - below) / (up - x[i]);
        x[i] = kept;
        if (!(fabs(gradient[i] - difference) <= absolute + relative * fabs(difference)))
            fail_msg("%s[%zu of %zu] = %.9g, central difference %.9g", what, i, count,
                     (double)gradient[i], difference);
    }
}

/* ---- files --------------------------------------------------------------------------------- */

static char temp_dir[64];

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *walk) {
    (void)info, (void)type, (void)walk;
    return remove(path);
}

static void remove_temp_dir(void) {
    nftw(temp_dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

const char *test_temp_dir(void) {
    if (!*temp_dir) {
        strcpy(temp_dir, "/tmp/lenslet-test-XXXXXX");
        assert_non_null(mkdtemp(temp_dir));
        atexit(remove_temp_dir);
    }
    return temp_dir;
}

const char *test_temp_path(const char *name) {
    static char paths[8][256];
    static int next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", test_temp_dir(), name);
    return path;
}

void test_write_file(const char *path, const void *bytes, size_t size) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

char *test_read_file(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    long end = ftell(file);
    assert_true(end >= 0);
    rewind(file);
    char *bytes = malloc((size_t)end + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, (size_t)end, file), end);
    bytes[end] = 0;
    fclose(file);
    if (size)
        *size = (size_t)end;
    return bytes;
}
