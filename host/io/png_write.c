/* png_write.c: pictures as PNG files. */
#include "io/atomic_file.h"
#include "io/decode.h"

#include <assert.h>
#include <string.h>

#ifdef LENSLET_PNG
#include <png.h>

/* One picture being written. Kept outside encode()'s locals, which a longjmp leaves undefined. */
typedef struct sink {
    png_structp png;
    png_infop info;
    atomic_file file;
    char message[256];
} sink;

static void on_error(png_structp png, png_const_charp message) {
    sink *s = png_get_error_ptr(png);
    snprintf(s->message, sizeof s->message, "%s", message);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message) {
    (void)png, (void)message;
}

static void on_write(png_structp png, png_bytep bytes, size_t count) {
    sink *s = png_get_io_ptr(png);
    atomic_file_write(&s->file, bytes, count); /* its error is told when the file is closed */
}

static void on_flush(png_structp png) {
    (void)png;
}

static bool encode(sink *s, const lens_picture *picture) {
    if (setjmp(png_jmpbuf(s->png)))
        return false;
    png_set_write_fn(s->png, s, on_write, on_flush);
    png_set_IHDR(s->png, s->info, (png_uint_32)picture->w, (png_uint_32)picture->h, 8,
                 picture->c == 3 ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(s->png, s->info);
    for (size_t row = 0; row < picture->h; row++)
        png_write_row(s->png, picture->pixels + row * picture->w * picture->c);
    png_write_end(s->png, s->info);
    return true;
}

lens_status lens_picture_write(const char *path, const lens_picture *picture) {
    assert(path && picture && picture->pixels);
    size_t h = picture->h, w = picture->w, c = picture->c;
    if (h < 1 || w < 1 || h > PICTURE_MAX_SIDE || w > PICTURE_MAX_SIDE || (c != 1 && c != 3))
        return lens_fail(LENS_BAD_ARGUMENT,
                         "%s: a picture of %zu x %zu pixels of %zu channels; PNGs of 1 .. %d a "
                         "side and 1 or 3 channels are written",
                         path, w, h, c, PICTURE_MAX_SIDE);
    sink s = {.message = ""};
    LENS_TRY(atomic_file_open(&s.file, path));
    s.png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &s, on_error, on_warning);
    s.info = s.png ? png_create_info_struct(s.png) : NULL;
    bool ok = s.info && encode(&s, picture);
    png_destroy_write_struct(&s.png, &s.info);
    if (ok)
        return atomic_file_close(&s.file);
    atomic_file_discard(&s.file);
    return *s.message ? lens_fail(LENS_IO, "%s: cannot be written: %s", path, s.message)
                      : lens_fail_memory(path, sizeof s);
}

#else

lens_status lens_picture_write(const char *path, const lens_picture *picture) {
    assert(path && picture);
    return lens_fail(LENS_UNSUPPORTED, "%s: this build writes no PNG (LENSLET_PNG is off)", path);
}

#endif
