/* size.h: arithmetic on sizes that cannot wrap. */
#ifndef LENSLET_CORE_SIZE_H
#define LENSLET_CORE_SIZE_H

#include <stdbool.h>
#include <stddef.h>

/* *out = a * b, or false when it does not fit. */
static inline bool lens_size_mul(size_t *out, size_t a, size_t b) {
    return !__builtin_mul_overflow(a, b, out);
}

static inline bool lens_size_add(size_t *out, size_t a, size_t b) {
    return !__builtin_add_overflow(a, b, out);
}

static inline size_t lens_size_min(size_t a, size_t b) {
    return a < b ? a : b;
}

static inline size_t lens_size_max(size_t a, size_t b) {
    return a > b ? a : b;
}

/* ceil(a / b) */
static inline size_t lens_size_div_up(size_t a, size_t b) {
    return a / b + (a % b != 0);
}

/* a rounded up to a multiple of b */
static inline size_t lens_size_round_up(size_t a, size_t b) {
    return lens_size_div_up(a, b) * b;
}

#endif
