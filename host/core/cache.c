/* cache.c: the folder in which Lenslet keeps what it can make again. */
#include "core/cache.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

bool lens_cache_folder(char *path, size_t size) {
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    int used = cache && *cache ? snprintf(path, size, "%s", cache)
               : home && *home ? snprintf(path, size, "%s/.cache", home)
                               : -1;
    if (used < 0 || (size_t)used + sizeof "/lenslet" > size)
        return false;
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return false;
    strcat(path, "/lenslet");
    return mkdir(path, 0700) == 0 || errno == EEXIST;
}

uint64_t lens_hash_text(uint64_t hash, const char *text) {
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 0x100000001B3u;
    return hash;
}
