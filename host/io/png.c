/* png.c: decoding PNG through libpng's row interface, with limits. */
#include "io/decode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef LENSLET_PNG
#include <png.h>

#define MAX_CHUNK_BYTES ((size_t)8 << 20)

/* One picture being read. Kept outside decode()'s locals, which a longjmp leaves undefined. */
typedef struct stream {
    png_structp png;
    png_infop info;
    const encoded *file;
    size_t at; /* bytes read so far */
    lens_picture *out;
    int *orientation;
    char message[256];
    bool no_memory;
} stream;

static void on_error(png_structp png, png_const_charp message) {
    stream *s = png_get_error_ptr(png);
    snprintf(s->message, sizeof s->message, "%s", message);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message) {
    (void)png, (void)message;
}

static void on_read(png_structp png, png_bytep bytes, size_t count) {
    stream *s = png_get_io_ptr(png);
    if (count > s->file->size - s->at)
        png_error(png, "truncated");
    memcpy(bytes, s->file->bytes + s->at, count);
    s->at += count;
}

/* Whatever the file holds becomes 8 bits of grey or colour: alpha is laid over black. */
static void ask_for_bytes(stream *s) {
    png_color_16 black = {0};
    png_set_expand(s->png);
    png_set_scale_16(s->png);
    png_set_background(s->png, &black, PNG_BACKGROUND_GAMMA_SCREEN, 0, 1.0);
    png_set_strip_alpha(s->png);
    png_set_interlace_handling(s->png);
    png_read_update_info(s->png, s->info);
}

static void read_rows(stream *s) {
    lens_picture *out = s->out;
    size_t row_bytes = out->w * out->c;
    int passes = png_get_interlace_type(s->png, s->info) == PNG_INTERLACE_NONE ? 1 : 7;
    out->pixels = calloc(out->h, row_bytes); /* passes fill in what the ones before left */
    s->no_memory = !out->pixels;
    if (s->no_memory)
        png_error(s->png, "no memory for the picture");
    for (int pass = 0; pass < passes; pass++)
        for (size_t row = 0; row < out->h; row++)
            png_read_row(s->png, out->pixels + row * row_bytes, NULL);
    png_read_end(s->png, s->info);
}

static void read_orientation(stream *s) {
#ifdef PNG_eXIf_SUPPORTED
    png_uint_32 size = 0;
    png_bytep tiff = NULL;
    if (png_get_eXIf_1(s->png, s->info, &size, &tiff))
        *s->orientation = lens_exif_orientation(tiff, size);
#endif
}

static lens_status decode(stream *s) {
    if (setjmp(png_jmpbuf(s->png)))
        return lens_fail(s->no_memory ? LENS_OUT_OF_MEMORY : LENS_BAD_FILE, "%s: %s", s->file->path,
                         s->message);
    png_set_user_limits(s->png, PICTURE_MAX_SIDE, PICTURE_MAX_SIDE);
    png_set_chunk_malloc_max(s->png, MAX_CHUNK_BYTES);
    png_set_read_fn(s->png, s, on_read);
    png_read_info(s->png, s->info);
    s->out->whole_h = s->out->h = png_get_image_height(s->png, s->info);
    s->out->whole_w = s->out->w = png_get_image_width(s->png, s->info);
    LENS_TRY(lens_picture_check_size(s->file->path, s->out->h, s->out->w));
    ask_for_bytes(s);
    s->out->c = png_get_channels(s->png, s->info);
    read_rows(s);
    read_orientation(s);
    return LENS_OK;
}

lens_status lens_png_decode(lens_picture *out, int *orientation, const encoded *file) {
    stream s = {.file = file, .out = out, .orientation = orientation};
    s.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &s, on_error, on_warning);
    s.info = s.png ? png_create_info_struct(s.png) : NULL;
    lens_status status = s.info ? decode(&s) : lens_fail_memory(file->path, sizeof s);
    png_destroy_read_struct(&s.png, &s.info, NULL);
    return status;
}

#else

lens_status lens_png_decode(lens_picture *out, int *orientation, const encoded *file) {
    (void)out, (void)orientation;
    return lens_fail(LENS_UNSUPPORTED, "%s: this build reads no PNG (LENSLET_PNG is off)",
                     file->path);
}

#endif
