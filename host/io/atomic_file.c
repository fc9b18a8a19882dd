/* atomic_file.c: temporary file, sync, rename. */
#include "io/atomic_file.h"
#include "lenslet/io.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* A new file; one that a killed process of the same number left behind is replaced. */
static int create(const char *path) {
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file < 0 && errno == EEXIST && unlink(path) == 0)
        file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    return file;
}

lens_status atomic_file_open(atomic_file *file, const char *path) {
    *file = (atomic_file){.error = 0};
    int used =
        snprintf(file->temporary, sizeof file->temporary, "%s.tmp.%ld", path, (long)getpid());
    if (used < 0 || (size_t)used >= sizeof file->temporary)
        return lens_fail(LENS_IO, "%s: the path is too long", path);
    strcpy(file->path, path);
    int handle = create(file->temporary);
    if (handle < 0)
        return lens_fail(LENS_IO, "%s: cannot be written: %s", path, strerror(errno));
    file->stream = fdopen(handle, "wb");
    if (!file->stream) {
        close(handle);
        unlink(file->temporary);
        return lens_fail_memory(path, BUFSIZ);
    }
    return LENS_OK;
}

void atomic_file_write(atomic_file *file, const void *bytes, size_t size) {
    if (!file->error && size && fwrite(bytes, 1, size, file->stream) != size)
        file->error = errno;
}

/* So that the rename survives a power cut. Some file systems cannot sync a folder: no error. */
static void sync_folder_of(const char *path) {
    char folder[4096];
    strcpy(folder, path);
    char *slash = strrchr(folder, '/');
    if (!slash)
        strcpy(folder, ".");
    else
        slash[slash == folder] = 0;
    int handle = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (handle >= 0) {
        fsync(handle);
        close(handle);
    }
}

lens_status atomic_file_close(atomic_file *file) {
    if (!file->error && (fflush(file->stream) != 0 || fsync(fileno(file->stream)) != 0))
        file->error = errno;
    if (fclose(file->stream) != 0 && !file->error)
        file->error = errno;
    if (!file->error && rename(file->temporary, file->path) != 0)
        file->error = errno;
    if (file->error) {
        unlink(file->temporary);
        return lens_fail(LENS_IO, "%s: cannot be written: %s", file->path, strerror(file->error));
    }
    sync_folder_of(file->path);
    return LENS_OK;
}

void atomic_file_discard(atomic_file *file) {
    fclose(file->stream);
    unlink(file->temporary);
}

lens_status lens_file_write(const char *path, const void *bytes, size_t size) {
    assert(path && (bytes || !size));
    atomic_file file;
    LENS_TRY(atomic_file_open(&file, path));
    atomic_file_write(&file, bytes, size);
    return atomic_file_close(&file);
}
