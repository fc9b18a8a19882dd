/* io.h: files that other programs read too: Keras JSON, safetensors, .npy.
 *
 * Readers trust nothing: every size is checked before it is used, and a file that does not hold
 * what it says is BAD_FILE with a message that names the file, the value and the rule. Writers
 * write a temporary file beside the target, sync it and rename it, so that a file is either the
 * old one or the new one, whole.
 */
#ifndef LENSLET_IO_H
#define LENSLET_IO_H

#include "lenslet/net.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Writes any bytes in that way. */
LENS_API lens_status lens_file_write(const char *path, const void *bytes, size_t size);

/* ---- architectures: Keras Sequential JSON ---------------------------------------------------- */

/* What model.to_json() writes, for the layers that Lenslet has; UNSUPPORTED names a layer or an
 * option it has not. Reads "channels_last" and "channels_first" alike; the spec is always NCHW, so
 * a dense layer behind a flatten counts its inputs channel by channel. */
LENS_API lens_status lens_keras_read(lens_net_spec **out, const char *path);
LENS_API lens_status lens_keras_parse(lens_net_spec **out, const char *text, const char *name);

/* The spec as such JSON, "channels_first". What Keras lacks is a registered class of ours
 * ("lenslet>MinPooling2D"). The caller frees *text with free(). */
LENS_API lens_status lens_keras_print(char **text, const lens_net_spec *spec);

/* The network that MODEL names in every command: a model of the zoo, a Keras .json file, or a
 * .safetensors checkpoint (the architecture in its metadata). */
LENS_API lens_status lens_net_spec_open(lens_net_spec **out, const char *model);

/* ---- arrays: safetensors ---------------------------------------------------------------------
 * A length, a JSON header, raw little-endian values; what PyTorch, NumPy and Keras read as well. */

typedef struct lens_safetensors lens_safetensors;

typedef struct lens_array {
    char name[256];
    char type[8]; /* "F32" */
    size_t rank;
    size_t dims[8];
    size_t bytes;
    const void *values; /* borrowed from the file; may be unaligned */
} lens_array;

/* The file is read whole. */
LENS_API lens_status lens_safetensors_read(lens_safetensors **out, const char *path);
LENS_API void lens_safetensors_free(lens_safetensors *file); /* NULL is allowed */

LENS_API size_t lens_safetensors_count(const lens_safetensors *file);
LENS_API const lens_array *lens_safetensors_get(const lens_safetensors *file, size_t index);
LENS_API const lens_array *lens_safetensors_find(const lens_safetensors *file, const char *name);

/* A metadata string, NULL when there is none of that key. Borrowed. */
LENS_API const char *lens_safetensors_metadata(const lens_safetensors *file, const char *key);

typedef struct lens_metadata {
    const char *key, *value;
} lens_metadata;

LENS_API lens_status lens_safetensors_write(const char *path, const lens_array *arrays,
                                            size_t array_count, const lens_metadata *metadata,
                                            size_t metadata_count);

/* A net's parameters under their names. `load` wants each of them with its shape and ignores other
 * arrays; NaN and infinity are loaded and logged. */
LENS_API lens_status lens_net_save(const lens_net *net, const char *path);
LENS_API lens_status lens_net_load(lens_net *net, const char *path);

/* ---- arrays: .npy ---------------------------------------------------------------------------- */

/* Reads versions 1 to 3, C order, types f4 f8 u1 i4 i8, as floats; rank 0 .. 4. Missing leading
 * axes: rank 2 is (n, c, 1, 1), rank 1 (n, 1, 1, 1), rank 3 (1, c, h, w). The caller frees *values.
 */
LENS_API lens_status lens_npy_read(float **values, lens_shape *shape, size_t *rank,
                                   const char *path);

/* Writes version 1, "<f4", with the first `rank` of n c h w as its shape; rank 0 is a scalar. */
LENS_API lens_status lens_npy_write(const char *path, const float *values, lens_shape shape,
                                    size_t rank);

#ifdef __cplusplus
}
#endif

#endif
