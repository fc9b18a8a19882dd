/* ocl_cache.c: compiled programs kept on disk between runs.
 *
 * One file a program under $XDG_CACHE_HOME/lenslet (or ~/.cache/lenslet). It opens with everything
 * the binary depends on, which is compared whole: a file of another device, driver or source is
 * simply not a match. Whatever goes wrong here means compiling again, never an error.
 */
#include "core/cache.h"
#include "opencl/ocl_quirks.h"
#include "opencl/opencl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CACHE_FORMAT 1
#define MAX_BINARY_BYTES ((size_t)256 << 20)

/* Not where the driver does it itself; LENSLET_CACHE=1 or 0 overrules. */
static bool cache_wanted(const lens_device_info *device) {
    const char *wish = getenv("LENSLET_CACHE");
    if (wish && *wish)
        return strcmp(wish, "0") != 0;
    return !(ocl_quirks_of(device) & OCL_QUIRK_KEEPS_CACHE);
}

/* What the file opens with, after which the binary follows. */
static int key_text(char *text, size_t size, const ocl_cache_key *key) {
    const lens_device_info *device = key->device;
    return snprintf(text, size,
                    "lenslet kernel %d\nprogram %s\nplatform %s\ndevice %s\nvendor %s\ndriver %s\n"
                    "version %s\noptions %s\nsource %zu %016llx\n",
                    CACHE_FORMAT, key->name, device->platform, device->name, device->vendor,
                    device->driver, device->opencl_version, key->options, strlen(key->source),
                    (unsigned long long)lens_hash_text(LENS_HASH_START, key->source));
}

static bool cache_path(char *path, size_t size, const ocl_cache_key *key, const char *key_line) {
    char folder[3000];
    if (!lens_cache_folder(folder, sizeof folder))
        return false;
    int used = snprintf(path, size, "%s/%s-%016llx.bin", folder, key->name,
                        (unsigned long long)lens_hash_text(LENS_HASH_START, key_line));
    return used > 0 && (size_t)used < size;
}

/* The rest of the file as one block; freed with free(). */
static unsigned char *read_rest(FILE *file, size_t *size) {
    struct stat info;
    long at = ftell(file);
    if (at < 0 || fstat(fileno(file), &info) != 0 || info.st_size <= at ||
        (size_t)(info.st_size - at) > MAX_BINARY_BYTES)
        return NULL;
    *size = (size_t)(info.st_size - at);
    unsigned char *bytes = malloc(*size);
    if (bytes && fread(bytes, 1, *size, file) != *size) {
        free(bytes);
        return NULL;
    }
    return bytes;
}

/* The binary behind a matching key; freed with free(). */
static unsigned char *read_binary(const char *path, const char *key_line, size_t *size) {
    FILE *file = fopen(path, "rb");
    if (!file)
        return NULL;
    char found[4096];
    size_t key_size = strlen(key_line);
    unsigned char *binary = NULL;
    if (fread(found, 1, key_size, file) == key_size && memcmp(found, key_line, key_size) == 0)
        binary = read_rest(file, size);
    fclose(file);
    return binary;
}

cl_program ocl_cache_load(ocl_state *state, const ocl_cache_key *key) {
    char key_line[4096], path[4096];
    if (!cache_wanted(key->device) ||
        key_text(key_line, sizeof key_line, key) >= (int)sizeof key_line ||
        !cache_path(path, sizeof path, key, key_line))
        return NULL;
    size_t size;
    unsigned char *binary = read_binary(path, key_line, &size);
    if (!binary)
        return NULL;
    cl_int code, binary_code;
    cl_program program =
        clCreateProgramWithBinary(state->context, 1, &state->device, &size,
                                  (const unsigned char *[]){binary}, &binary_code, &code);
    free(binary);
    if (code != CL_SUCCESS)
        return NULL;
    if (binary_code == CL_SUCCESS &&
        clBuildProgram(program, 1, &state->device, key->options, NULL, NULL) == CL_SUCCESS)
        return program;
    clReleaseProgram(program);
    lens_log(LENS_LOG_INFO, "cache: %s does not load, compiling again", path);
    return NULL;
}

static bool write_all(int file, const void *bytes, size_t size) {
    const char *at = bytes;
    while (size) {
        ssize_t written = write(file, at, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        at += written;
        size -= (size_t)written;
    }
    return true;
}

static void write_binary(const char *path, const char *key_line, const unsigned char *binary,
                         size_t size) {
    char temporary[4200];
    snprintf(temporary, sizeof temporary, "%s.tmp.%ld", path, (long)getpid());
    int file = open(temporary, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (file < 0)
        return;
    bool whole = write_all(file, key_line, strlen(key_line)) && write_all(file, binary, size);
    whole = close(file) == 0 && whole;
    if (!whole || rename(temporary, path) != 0)
        unlink(temporary);
}

void ocl_cache_store(ocl_state *state, const ocl_cache_key *key, cl_program program) {
    char key_line[4096], path[4096];
    (void)state; /* one device a context, so one binary a program */
    size_t size = 0;
    if (!cache_wanted(key->device) ||
        key_text(key_line, sizeof key_line, key) >= (int)sizeof key_line ||
        !cache_path(path, sizeof path, key, key_line) ||
        clGetProgramInfo(program, CL_PROGRAM_BINARY_SIZES, sizeof size, &size, NULL) !=
            CL_SUCCESS ||
        size == 0)
        return;
    unsigned char *binary = malloc(size);
    if (binary &&
        clGetProgramInfo(program, CL_PROGRAM_BINARIES, sizeof binary, &binary, NULL) == CL_SUCCESS)
        write_binary(path, key_line, binary, size);
    free(binary);
}
