/* common.cl: put in front of every kernel file.
 *
 * One alphabet (capital = size, lower case = index):
 *     N C H W  images, channels, rows, columns of an input
 *     K R S    filters, rows, columns of a filter or window
 *     P Q      rows, columns of an output
 *
 * A tensor parameter is a buffer and the offset of its first element: views share buffers.
 * The numbers of padding modes and activations come from the host (ocl_program.c).
 */

#pragma OPENCL FP_CONTRACT OFF

/* For CPU devices, whose compilers all are Clang:
 *
 * STORE16: vstore16() to `space` memory at any float, of which some make four stores.
 * STREAM16: the same to global memory, past the caches where it can: for what is written once and not
 * read soon, which then need not be read before it is written.
 * PREFETCH: ask for the line of `at` in global memory, where the compiler can say so (ocl_quirks.c). */
#ifdef __clang__
typedef float16 __attribute__((aligned(4))) float16_anywhere;
#define STORE16(space, value, at) (*(space float16_anywhere *)(at) = (value))
#define STREAM16(value, at)                                                                        \
    if (((ulong)(at) & 63) == 0)                                                                   \
        __builtin_nontemporal_store(value, (global float16 *)(at));                                \
    else                                                                                           \
        STORE16(global, value, at)
#else
#define STORE16(space, value, at) vstore16(value, 0, at)
#define STREAM16(value, at) vstore16(value, 0, at)
#endif
#if defined(__clang__) && !defined(NO_PREFETCH)
#define PREFETCH(at) __builtin_prefetch((const void *)(ulong)(at), 0, 2)
#else
#define PREFETCH(at)
#endif

/* The functions below are written once for one value (T = float) and for sixteen at a time (T = float16,
 * I = int16), since OpenCL C has no other way to say it: a compiler does not vectorise a loop over them
 * by itself. Both widths give the same bits.
 *
 * own_exp, own_expm1: good to 1.5 ulp. x = n ln 2 + r with |r| <= ln(2) / 2, e^r by a polynomial that
 * was fitted at Chebyshev's points. Our own rather than the built-in functions, which may be off by
 * 3 to 5 ulp, differently on each device, and are one call a value on some. Results below 2^-126 are 0,
 * those of x above 88.37 infinite. (tanh and sigmoid also divide, which OpenCL lets be off by 2.5 ulp.)
 *
 * own_tanh: good to 2.5 ulp. A polynomial in x^2 near 0, else 1 - 2 / (e^2x + 1).
 *
 * activate: f(x), the formulas of ops.h but for softplus.
 *
 * activation_slope: f'(x) from y = f(x). */
#define FUNCTIONS(T, I)                                                                            \
    T exp_polynomial_##T(T x, T *scale) {                                                          \
        const T n = rint(x * 1.44269504f);                                                         \
        const T r = fma(n, (T)2.12194440e-4f, fma(n, (T)-0.693359375f, x)); /* ln 2 in two parts */ \
        T p = fma((T)1.393373322e-3f, r, (T)8.363235385e-3f);                                      \
        p = fma(p, r, (T)4.166646417e-2f);                                                         \
        p = fma(p, r, (T)1.666657664e-1f);                                                         \
        p = fma(p, r, (T)0.5f);                                                                    \
        *scale = as_##T((convert_##I(n) + 127) << 23); /* 2^n */                                   \
        return fma(r * r, p, r);                       /* e^r - 1 */                               \
    }                                                                                              \
    T own_exp_##T(T x) {                                                                           \
        T scale;                                                                                   \
        const T p = exp_polynomial_##T(clamp(x, (T)-87.3f, (T)88.37f), &scale);                    \
        T y = fma(scale, p, scale);                                                                \
        y = select(y, (T)0.0f, x < -87.3f);                                                        \
        y = select(y, (T)INFINITY, x > 88.37f);                                                    \
        return select(y, x, x != x);                                                               \
    }                                                                                              \
    T own_expm1_##T(T x) {                                                                         \
        T scale;                                                                                   \
        const T p = exp_polynomial_##T(clamp(x, (T)-87.3f, (T)88.37f), &scale);                    \
        T y = fma(scale, p, scale - 1.0f);                                                         \
        y = select(y, (T)INFINITY, x > 88.37f);                                                    \
        return select(y, x, x != x);                                                               \
    }                                                                                              \
    T own_tanh_##T(T x) {                                                                          \
        const T a = fabs(x), z = a * a;                                                            \
        T p = fma((T)2.270029900e-3f, z, (T)-8.323456787e-3f);                                     \
        p = fma(p, z, (T)2.176245375e-2f);                                                         \
        p = fma(p, z, (T)-5.395841725e-2f);                                                        \
        p = fma(p, z, (T)1.333329948e-1f);                                                         \
        p = fma(p, z, (T)-3.333333313e-1f);                                                        \
        const T far = 1.0f - 2.0f / (own_exp_##T(2.0f * a) + 1.0f);                                \
        return copysign(select(far, fma(p * z, a, a), a < 0.625f), x);                             \
    }                                                                                              \
    T activate_##T(int kind, float alpha, T x) {                                                   \
        switch (kind) {                                                                            \
        case RELU:                                                                                 \
            return select(x, (T)0.0f, x < 0.0f); /* NaN stays */                                   \
        case LEAKY_RELU:                                                                           \
            return select(alpha * x, x, x > 0.0f);                                                 \
        case TANH:                                                                                 \
            return own_tanh_##T(x);                                                                \
        case SCALED_TANH:                                                                          \
            return 1.7159f * own_tanh_##T(x * (2.0f / 3.0f));                                      \
        case SIGMOID:                                                                              \
            return 1.0f / (1.0f + own_exp_##T(-x));                                                \
        case ELU:                                                                                  \
            return select(alpha * own_expm1_##T(x), x, x > 0.0f);                                  \
        }                                                                                          \
        return x;                                                                                  \
    }                                                                                              \
    T activation_slope_##T(int kind, float alpha, T y) {                                           \
        switch (kind) {                                                                            \
        case RELU:                                                                                 \
            return select((T)0.0f, (T)1.0f, y > 0.0f);                                             \
        case LEAKY_RELU:                                                                           \
            return select((T)alpha, (T)1.0f, y > 0.0f);                                            \
        case TANH:                                                                                 \
            return 1.0f - y * y;                                                                   \
        case SCALED_TANH:                                                                          \
            return (2.0f / 3.0f) * (1.7159f - y * y / 1.7159f);                                    \
        case SIGMOID:                                                                              \
            return y * (1.0f - y);                                                                 \
        case ELU:                                                                                  \
            return select(y + alpha, (T)1.0f, y > 0.0f);                                           \
        case SOFTPLUS:                                                                             \
            return -own_expm1_##T(-y);                                                             \
        }                                                                                          \
        return (T)1.0f;                                                                            \
    }

FUNCTIONS(float, int)
FUNCTIONS(float16, int16)

/* f(x): the formulas of ops.h. */
float activate(int kind, float alpha, float x) {
    if (kind == SOFTPLUS)
        return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
    return activate_float(kind, alpha, x);
}

/* The sum of all lanes, in halves. (Their upper half is not v.hi for tools/test_oclgrind.sh, which says why.) */
float lanes_sum(float16 v) {
    const float8 a = v.lo + (float8)(v.s8, v.s9, v.sa, v.sb, v.sc, v.sd, v.se, v.sf);
    const float4 b = a.lo + a.hi;
    return (b.x + b.z) + (b.y + b.w);
}

/* The sum, or the largest, of a group's `lanes` values in local memory, a power of two up to 1024, for all its
 * work-items: in halves, so in an order that has nothing to do with how many work-items the group has. */
#define FOLD_UPPER(fold, values, lanes, n)                                                         \
    barrier(CLK_LOCAL_MEM_FENCE);                                                                  \
    for (int i = get_local_id(0); i < (n) && (n) < (lanes); i += get_local_size(0))                \
        values[i] = fold(values[i], values[i + (n)]);
#define FOLD(fold, values, lanes)                                                                  \
    FOLD_UPPER(fold, values, lanes, 512)                                                           \
    FOLD_UPPER(fold, values, lanes, 256)                                                           \
    FOLD_UPPER(fold, values, lanes, 128)                                                           \
    FOLD_UPPER(fold, values, lanes, 64)                                                            \
    FOLD_UPPER(fold, values, lanes, 32)                                                            \
    FOLD_UPPER(fold, values, lanes, 16)                                                            \
    FOLD_UPPER(fold, values, lanes, 8)                                                             \
    FOLD_UPPER(fold, values, lanes, 4)                                                             \
    FOLD_UPPER(fold, values, lanes, 2)                                                             \
    FOLD_UPPER(fold, values, lanes, 1)                                                             \
    barrier(CLK_LOCAL_MEM_FENCE);
#define ADDED(a, b) ((a) + (b))
float local_sum(local float *values, int lanes) {
    FOLD(ADDED, values, lanes)
    const float sum = values[0];
    barrier(CLK_LOCAL_MEM_FENCE); /* before they are written anew */
    return sum;
}

/* NaN where one of them is. */
#define LARGER(a, b) ((b) > (a) || isnan(b) ? (b) : (a))
float local_most(local float *values, int lanes) {
    FOLD(LARGER, values, lanes)
    const float most = values[0];
    barrier(CLK_LOCAL_MEM_FENCE);
    return most;
}

/* A work-item's lanes of its group, and a lane's share of `count`: neighbours take neighbours. */
#define EACH_LANE(lane, lanes)                                                                     \
    for (int lane = get_local_id(0); lane < (lanes); lane += get_local_size(0))
#define EACH_SHARE(c, lane, lanes, count) for (int c = lane; c < (count); c += (lanes))

/* Pixels (n, p) of a channel of N planes, every `lanes`-th from the `lane`-th on: neighbours read
 * neighbours, and nothing is divided in the loop. */
#define EACH_OF_LANE(n, p, lane, lanes, N, HW)                                                     \
    for (int n = (lane) / (HW), p = (lane) % (HW); n < (N);                                        \
         p += (lanes) % (HW), n += (lanes) / (HW) + (p >= (HW)), p -= p >= (HW) ? (HW) : 0)

/* activate() for `count` private values. */
void activate_all(int kind, float alpha, float *x, int count) {
    int i = 0;
    if (kind == LINEAR)
        return;
    if (kind != SOFTPLUS)
        for (; i + 16 <= count; i += 16)
            STORE16(private, activate_float16(kind, alpha, vload16(0, x + i)), x + i);
    for (; i < count; i++)
        x[i] = activate(kind, alpha, x[i]);
}

/* Sixteen vectors turned into their lanes. Four times, each vector is shuffled with the one eight behind. */
__attribute__((always_inline)) void transpose(float16 *vectors) {
    float16 other[16];
#pragma unroll
    for (int round = 0; round < 4; round++) {
#pragma unroll
        for (int i = 0; i < 8; i++) {
            other[2 * i].even = vectors[i].lo;
            other[2 * i].odd = vectors[i + 8].lo;
            other[2 * i + 1].even = vectors[i].hi;
            other[2 * i + 1].odd = vectors[i + 8].hi;
        }
#pragma unroll
        for (int i = 0; i < 16; i++)
            vectors[i] = other[i];
    }
}

/* The first `count` of sixteen floats, zeros behind them: where what follows may not be read. */
float16 load_few(global const float *from, int count) {
    float few[16];
    for (int i = 0; i < 16; i++)
        few[i] = i < count ? from[i] : 0.0f;
    return vload16(0, few);
}

/* The index in 0 .. size-1 that place i of a padded axis shows, `before` places being in front of
 * it; -1 where it shows no pixel. */
int padded_source(int i, int before, int size, int mode) {
    int at = i - before;
    if (at >= 0 && at < size)
        return at;
    if (mode == PAD_REFLECT)
        return at < 0 ? -at : 2 * (size - 1) - at;
    if (mode == PAD_REPLICATE)
        return at < 0 ? 0 : size - 1;
    return -1;
}

/* Walk the places of a padded axis, `before` + size + `after` long, that show pixel `at`: from
 * first_place(), on with next_place(), until -1. The pixel's own place comes in its turn. */
int next_place(int i, int at, int before, int size, int after, int mode) {
    int own = before + at;
    if (mode != PAD_REFLECT && mode != PAD_REPLICATE)
        return i < own ? own : -1;
    for (i++; i < before + size + after; i++) {
        if (i == before)
            i = own; /* of the pixels' own places only this one */
        else if (i == own + 1)
            i = before + size;
        if (i < before + size + after && padded_source(i, before, size, mode) == at)
            return i;
    }
    return -1;
}

int first_place(int at, int before, int size, int after, int mode) {
    return next_place(-1, at, before, size, after, mode);
}
