/* pocl.cl: put in front of common.cl on PoCL, in place of its header of every built-in function.
 *
 * That header has 18,000 lines, and PoCL reads it twice for each program, whether compiled or found
 * in its cache: most of the time that a program takes. Its guard _OPENCL_H_ is defined instead
 * (ocl_program.c), and these are the functions that the kernels call, with the header's attributes,
 * so that the code is the same. A kernel that calls another one is built with the whole header:
 * nothing but slower.
 */

#define OVERLOADED(kind) __attribute__((overloadable, kind))

size_t OVERLOADED(const) get_global_id(uint);
size_t OVERLOADED(const) get_global_size(uint);
size_t OVERLOADED(const) get_local_id(uint);
size_t OVERLOADED(const) get_local_size(uint);
size_t OVERLOADED(const) get_group_id(uint);
size_t OVERLOADED(const) get_num_groups(uint);
void OVERLOADED(convergent) barrier(cl_mem_fence_flags);

/* Of a value and of vectors. */
#define EACH_WIDTH(FUNCTIONS, T)                                                                   \
    FUNCTIONS(T) FUNCTIONS(T##2) FUNCTIONS(T##4) FUNCTIONS(T##8) FUNCTIONS(T##16)

#define MATHEMATICS(T)                                                                             \
    T OVERLOADED(const) copysign(T, T);                                                            \
    T OVERLOADED(const) exp(T);                                                                    \
    T OVERLOADED(const) fabs(T);                                                                   \
    T OVERLOADED(const) floor(T);                                                                  \
    T OVERLOADED(const) fma(T, T, T);                                                              \
    T OVERLOADED(const) fmax(T, T);                                                                \
    T OVERLOADED(const) fmin(T, T);                                                                \
    T OVERLOADED(const) log(T);                                                                    \
    T OVERLOADED(const) log1p(T);                                                                  \
    T OVERLOADED(const) pow(T, T);                                                                 \
    T OVERLOADED(const) rint(T);                                                                   \
    T OVERLOADED(const) sqrt(T);
EACH_WIDTH(MATHEMATICS, float)

#define ORDER(T)                                                                                   \
    T OVERLOADED(const) clamp(T, T, T);                                                            \
    T OVERLOADED(const) max(T, T);                                                                 \
    T OVERLOADED(const) min(T, T);
EACH_WIDTH(ORDER, float)
EACH_WIDTH(ORDER, int)
EACH_WIDTH(ORDER, uint)
EACH_WIDTH(ORDER, long)
EACH_WIDTH(ORDER, ulong)

#define HIGH_HALF(T) T OVERLOADED(const) mul_hi(T, T);
EACH_WIDTH(HIGH_HALF, int)
EACH_WIDTH(HIGH_HALF, uint)

/* Of as many values as the suffix says. */
#define SELECTION(N)                                                                               \
    float##N OVERLOADED(const) select(float##N, float##N, int##N);                                 \
    int##N OVERLOADED(const) select(int##N, int##N, int##N);                                       \
    int##N OVERLOADED(const) isnan(float##N);                                                      \
    float##N OVERLOADED(const) convert_float##N(int##N);                                           \
    float##N OVERLOADED(const) convert_float##N(uint##N);                                          \
    int##N OVERLOADED(const) convert_int##N(float##N);
SELECTION()
SELECTION(2)
SELECTION(4)
SELECTION(8)
SELECTION(16)

#define MEMORY(N, T, SPACE)                                                                        \
    T##N OVERLOADED(pure) vload##N(size_t, const SPACE T *);                                       \
    void __attribute__((overloadable)) vstore##N(T##N, size_t, SPACE T *);
#define EACH_SPACE(N, T) MEMORY(N, T, global) MEMORY(N, T, local) MEMORY(N, T, private)
#define EACH_TYPE(N) EACH_SPACE(N, float) EACH_SPACE(N, int) EACH_SPACE(N, uint)
EACH_TYPE(2)
EACH_TYPE(4)
EACH_TYPE(8)
EACH_TYPE(16)

#undef OVERLOADED
#undef EACH_WIDTH
#undef MATHEMATICS
#undef ORDER
#undef HIGH_HALF
#undef SELECTION
#undef MEMORY
#undef EACH_SPACE
#undef EACH_TYPE
