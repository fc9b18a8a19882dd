/* cache.h: the folder in which Lenslet keeps what it can make again. */
#ifndef LENSLET_CORE_CACHE_H
#define LENSLET_CORE_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* $XDG_CACHE_HOME/lenslet or ~/.cache/lenslet, made if need be; false when there can be none. */
bool lens_cache_folder(char *path, size_t size);

/* FNV-1a, 64 bits, of a text; `hash` is LENS_HASH_START, or the hash of what stands before it. */
#define LENS_HASH_START 0xCBF29CE484222325u
uint64_t lens_hash_text(uint64_t hash, const char *text);

#endif
