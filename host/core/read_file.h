/* read_file.h: a file's whole content, for readers that check it themselves. */
#ifndef LENSLET_CORE_READ_FILE_H
#define LENSLET_CORE_READ_FILE_H

#include "core/error.h"

/* The file's bytes with a 0 behind them, freed with free(). BAD_FILE when it is missing, is no
 * regular file, or has more than `limit` bytes; IO when reading fails. */
lens_status lens_read_file(unsigned char **bytes, size_t *size, const char *path, size_t limit);

#endif
