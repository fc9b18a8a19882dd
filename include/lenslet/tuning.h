/* tuning.h: which algorithm does an operation's pass, and preferring another one.
 *
 * A device has several algorithms for some operations (docs/performance.md describes them). Each
 * context chooses one for every pass and shape by rules of its own; a preference overrules them for
 * one pass and shape. `lenslet tune` measures, prefers the fastest and saves; contexts that are
 * opened later on the same device, driver and version of Lenslet take it up, unless LENSLET_TUNING
 * is 0 or an algorithm is forced (lens_context_opts.algorithm).
 *
 * Every algorithm has its own order of sums: results differ in their last bits, and
 * checkpoints made before and after tuning need not be equal.
 */
#ifndef LENSLET_TUNING_H
#define LENSLET_TUNING_H

#include "lenslet/ops.h"

#ifdef __cplusplus
extern "C" {
#endif

#define LENS_ALGORITHMS_MOST 12

/* The algorithms that can do this pass with these shapes on this device, LENS_ALGORITHMS_MOST at
 * most; names[0] is the one that is taken when it gets the scratch that lens_conv2d_scratch() or
 * lens_dense_scratch() asks for. The names are static. "reference" on the reference. Errors as
 * those functions'. LENS_BACKWARD_BIAS has no choice and is BAD_ARGUMENT. */
LENS_API lens_status lens_conv2d_algorithms(const char *names[LENS_ALGORITHMS_MOST], size_t *count,
                                            const lens_context *context, lens_pass pass,
                                            lens_shape x, lens_shape w,
                                            const lens_conv2d_opts *opts);
LENS_API lens_status lens_dense_algorithms(const char *names[LENS_ALGORITHMS_MOST], size_t *count,
                                           const lens_context *context, lens_pass pass,
                                           lens_shape x, lens_shape w);

/* From now on take this algorithm, one of those above, for this pass and these shapes; NULL: the
 * context's own choice again. Scratch must be asked for anew. BAD_ARGUMENT for another name. */
LENS_API lens_status lens_conv2d_prefer(lens_context *context, lens_pass pass, lens_shape x,
                                        lens_shape w, const lens_conv2d_opts *opts,
                                        const char *name);
LENS_API lens_status lens_dense_prefer(lens_context *context, lens_pass pass, lens_shape x,
                                       lens_shape w, const char *name);

/* Write the context's preferences for later contexts, to a file under $XDG_CACHE_HOME/lenslet (or
 * ~/.cache/lenslet); with none, remove the file. `path` gets the file's name, PATH_SIZE characters.
 * IO when it cannot be written. */
#define LENS_TUNING_PATH_SIZE 4096
LENS_API lens_status lens_tuning_save(const lens_context *context,
                                      char path[LENS_TUNING_PATH_SIZE]);

/* Drop all preferences of the context, as if there were no file. */
LENS_API void lens_tuning_clear(lens_context *context);

#ifdef __cplusplus
}
#endif

#endif
