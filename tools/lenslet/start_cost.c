/* start_cost.c: this command again, with empty caches and then with those that it left. */
#define _GNU_SOURCE /* nftw */
#include "start_cost.h"
#include "out.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <math.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Where Lenslet, PoCL, NVIDIA's driver, Mesa and Intel's runtime keep compiled kernels. */
static const char *const cache_variables[] = {"XDG_CACHE_HOME", "POCL_CACHE_DIR", "CUDA_CACHE_PATH",
                                              "MESA_SHADER_CACHE_DIR", "NEO_CACHE_DIR"};
enum { CACHES = sizeof cache_variables / sizeof *cache_variables, ARGUMENTS_MOST = CACHES + 24 };

/* ---- the folder ---------------------------------------------------------------------------- */

static int remove_one(const char *path, const struct stat *state, int kind, struct FTW *place) {
    (void)state, (void)kind, (void)place;
    return remove(path);
}

static void remove_folder(const char *folder) {
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static lens_status make_folder(char *folder, size_t size) {
    const char *base = getenv("TMPDIR");
    snprintf(folder, size, "%s/lenslet-start-XXXXXX", base && *base ? base : "/tmp");
    return mkdtemp(folder) ? LENS_OK : cli_fail(LENS_IO, "%s: %s", folder, strerror(errno));
}

/* ---- the process --------------------------------------------------------------------------- */

/* Its document goes to `output`; what it has to say nowhere. */
static lens_status run_child(char *const *arguments, const char *output) {
    posix_spawn_file_actions_t files;
    pid_t child;
    int state = 0;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, output, O_WRONLY | O_CREAT | O_TRUNC,
                                     0600);
    posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    int error = posix_spawnp(&child, arguments[0], &files, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&files);
    if (error)
        return cli_fail(LENS_IO, "a first start: %s: %s", arguments[0], strerror(error));
    while (waitpid(child, &state, 0) < 0 && errno == EINTR)
        ;
    if (!WIFEXITED(state) || WEXITSTATUS(state) != 0)
        return cli_fail(LENS_DEVICE, "a first start ended with %s %d",
                        WIFEXITED(state) ? "exit code" : "signal",
                        WIFEXITED(state) ? WEXITSTATUS(state) : WTERMSIG(state));
    return LENS_OK;
}

static lens_status read_start(double *seconds, const char *path) {
    json_t *document = json_load_file(path, 0, NULL);
    const json_t *row = json_array_get(json_object_get(document, "results"), 0);
    const json_t *start = json_object_get(row, "start_ms");
    *seconds = json_is_number(start) ? 1e-3 * json_number_value(start) : NAN;
    json_decref(document);
    return isfinite(*seconds) ? LENS_OK : cli_fail(LENS_IO, "a first start said nothing");
}

/* `env XDG_CACHE_HOME=FOLDER ... lenslet bench MODEL ...` */
static lens_status start_in(double *seconds, const char *folder, const char *self, size_t device,
                            const char *model, const bench_options *o) {
    char caches[CACHES][4200], output[4200], number[24], images[24], algorithm[64];
    char *arguments[ARGUMENTS_MOST] = {"env"};
    size_t count = 1;
    for (size_t i = 0; i < CACHES; i++) {
        snprintf(caches[i], sizeof caches[i], "%s=%s", cache_variables[i], folder);
        arguments[count++] = caches[i];
    }
    if (o->algorithm) {
        snprintf(algorithm, sizeof algorithm, "LENSLET_ALGORITHM=%s", o->algorithm);
        arguments[count++] = algorithm;
    }
    snprintf(output, sizeof output, "%s/start.json", folder);
    snprintf(number, sizeof number, "%zu", device);
    snprintf(images, sizeof images, "%zu", o->batch);
    const char *const command[] = {
        self,        "bench", "--device", number, "--batch-size", images,
        "--seconds", "0.001", "--format", "json", "--optimizer",  lens_optimizer_name(o->optimizer),
        "--",        model};
    for (size_t i = 0; i < sizeof command / sizeof *command; i++)
        arguments[count++] = (char *)command[i];
    TRY(run_child(arguments, output));
    return read_start(seconds, output);
}

lens_status start_cost_measure(start_cost *cost, size_t device, const char *model,
                               const bench_options *o) {
    char folder[4096], self[4096];
    ssize_t size = readlink("/proc/self/exe", self, sizeof self - 1);
    if (size < 0)
        return cli_fail(LENS_IO, "/proc/self/exe: %s", strerror(errno));
    self[size] = 0;
    TRY(make_folder(folder, sizeof folder));
    lens_status status = start_in(&cost->cold, folder, self, device, model, o);
    if (status == LENS_OK)
        status = start_in(&cost->warm, folder, self, device, model, o);
    remove_folder(folder);
    return status;
}
