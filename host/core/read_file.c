/* read_file.c: a file's whole content. */
#include "core/read_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

lens_status lens_read_file(unsigned char **bytes, size_t *size, const char *path, size_t limit) {
    *bytes = NULL;
    FILE *file = fopen(path, "rb");
    if (!file)
        return lens_fail(LENS_BAD_FILE, "%s: %s", path, strerror(errno));
    lens_status status = LENS_OK;
    struct stat info;
    if (fstat(fileno(file), &info) != 0)
        status = lens_fail(LENS_IO, "%s: %s", path, strerror(errno));
    else if (!S_ISREG(info.st_mode))
        status = lens_fail(LENS_BAD_FILE, "%s: is no regular file", path);
    else if ((uintmax_t)info.st_size > limit)
        status = lens_fail(LENS_BAD_FILE, "%s: has %jd bytes, at most %zu are read", path,
                           (intmax_t)info.st_size, limit);
    if (status == LENS_OK) {
        *size = (size_t)info.st_size;
        *bytes = malloc(*size + 1);
        if (!*bytes)
            status = lens_fail_memory(path, *size + 1);
        else if (fread(*bytes, 1, *size, file) != *size)
            status = lens_fail(LENS_IO, "%s: cannot be read", path);
    }
    fclose(file);
    if (status != LENS_OK) {
        free(*bytes);
        *bytes = NULL;
        return status;
    }
    (*bytes)[*size] = 0;
    return LENS_OK;
}
