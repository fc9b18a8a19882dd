/* atomic_file.h: writing a file so that its name always stands for a whole one.
 *
 *     atomic_file file;
 *     LENS_TRY(atomic_file_open(&file, path));
 *     atomic_file_write(&file, bytes, size);          as often as needed
 *     return atomic_file_close(&file);                sync, rename; or remove, with the first error
 */
#ifndef LENSLET_IO_ATOMIC_FILE_H
#define LENSLET_IO_ATOMIC_FILE_H

#include "core/error.h"

#include <stdio.h>

typedef struct atomic_file {
    FILE *stream;
    int error; /* errno of the first failure */
    char path[4096], temporary[4096];
} atomic_file;

/* Makes a temporary file beside `path`. */
lens_status atomic_file_open(atomic_file *file, const char *path);

void atomic_file_write(atomic_file *file, const void *bytes, size_t size);

/* The file and its folder are on the disk when this returns OK; otherwise nothing is left but what
 * was at `path` before. */
lens_status atomic_file_close(atomic_file *file);

/* Instead of closing: what was at `path` before stays. */
void atomic_file_discard(atomic_file *file);

#endif
