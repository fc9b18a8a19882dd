/* net_file.h: parameters as arrays of a file, for weights and checkpoints alike. */
#ifndef LENSLET_IO_NET_FILE_H
#define LENSLET_IO_NET_FILE_H

#include "lenslet/io.h"

/* The parameter as an array of these values: a bias is a vector, a dense weight a matrix. */
lens_array lens_parameter_array(const lens_parameter *parameter, const float *values);

/* lens_net_load() from a file that has been read; all arrays are checked before any is loaded. */
lens_status lens_net_load_arrays(lens_net *net, const lens_safetensors *file, const char *path);

#endif
