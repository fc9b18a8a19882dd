/* png.c: reading PNG through libpng's row interface, with limits. */
#include "core/error.h"
#include "lenslet/io.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#ifdef LENSLET_PNG
#include <png.h>

#define MAX_SIDE 16384
#define MAX_CHUNK_BYTES ((size_t)8 << 20)

/* One picture being read. Kept outside decode()'s locals, which a longjmp leaves undefined. */
typedef struct picture {
    png_structp png;
    png_infop info;
    png_bytep pixels; /* h rows of w pixels of c bytes */
    size_t h, w, c;
    char message[256];
} picture;

static void on_error(png_structp png, png_const_charp message) {
    picture *p = png_get_error_ptr(png);
    snprintf(p->message, sizeof p->message, "%s", message);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message) {
    (void)png, (void)message;
}

/* Whatever the file holds becomes 8 bits of grey or colour: alpha is laid over black. */
static void ask_for_bytes(picture *p) {
    png_color_16 black = {0};
    png_set_expand(p->png);
    png_set_scale_16(p->png);
    png_set_background(p->png, &black, PNG_BACKGROUND_GAMMA_SCREEN, 0, 1.0);
    png_set_strip_alpha(p->png);
    png_set_interlace_handling(p->png);
    png_read_update_info(p->png, p->info);
}

static bool decode(picture *p, FILE *file) {
    if (setjmp(png_jmpbuf(p->png)))
        return false;
    png_set_user_limits(p->png, MAX_SIDE, MAX_SIDE);
    png_set_chunk_malloc_max(p->png, MAX_CHUNK_BYTES);
    png_init_io(p->png, file);
    png_read_info(p->png, p->info);
    ask_for_bytes(p);
    p->h = png_get_image_height(p->png, p->info);
    p->w = png_get_image_width(p->png, p->info);
    p->c = png_get_channels(p->png, p->info);
    int passes = png_get_interlace_type(p->png, p->info) == PNG_INTERLACE_NONE ? 1 : 7;
    p->pixels = malloc(p->h * p->w * p->c);
    if (!p->pixels)
        png_error(p->png, "no memory for the picture");
    memset(p->pixels, 0, p->h * p->w * p->c);
    for (int pass = 0; pass < passes; pass++)
        for (size_t row = 0; row < p->h; row++)
            png_read_row(p->png, p->pixels + row * p->w * p->c, NULL);
    png_read_end(p->png, NULL);
    return true;
}

/* Rows of pixels to planes of channels. */
static lens_status to_planes(float **values, lens_shape *shape, const picture *p,
                             const char *path) {
    *shape = (lens_shape){1, p->c, p->h, p->w};
    float *planes = malloc(p->c * p->h * p->w * sizeof *planes);
    if (!planes)
        return lens_fail_memory(path, p->c * p->h * p->w * sizeof *planes);
    for (size_t c = 0; c < p->c; c++)
        for (size_t i = 0; i < p->h * p->w; i++)
            planes[c * p->h * p->w + i] = p->pixels[i * p->c + c];
    *values = planes;
    return LENS_OK;
}

static lens_status read_stream(float **values, lens_shape *shape, FILE *file, const char *path) {
    unsigned char signature[8];
    if (fread(signature, 1, 8, file) != 8 || png_sig_cmp(signature, 0, 8) != 0)
        return lens_fail(LENS_BAD_FILE, "%s: is no PNG file", path);
    rewind(file);
    picture p = {.png = NULL};
    p.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &p, on_error, on_warning);
    p.info = p.png ? png_create_info_struct(p.png) : NULL;
    lens_status status = p.info ? LENS_OK : lens_fail_memory(path, sizeof p);
    if (status == LENS_OK && !decode(&p, file))
        status = lens_fail(LENS_BAD_FILE, "%s: %s", path, p.message);
    if (status == LENS_OK)
        status = to_planes(values, shape, &p, path);
    png_destroy_read_struct(&p.png, &p.info, NULL);
    free(p.pixels);
    return status;
}

lens_status lens_png_read(float **values, lens_shape *shape, const char *path) {
    assert(values && shape && path);
    *values = NULL;
    FILE *file = fopen(path, "rb");
    if (!file)
        return lens_fail(LENS_BAD_FILE, "%s: %s", path, strerror(errno));
    lens_status status = read_stream(values, shape, file, path);
    fclose(file);
    return status;
}

#else

lens_status lens_png_read(float **values, lens_shape *shape, const char *path) {
    assert(values && shape && path);
    *values = NULL;
    return lens_fail(LENS_UNSUPPORTED, "%s: this build reads no PNG (LENSLET_PNG is off)", path);
}

#endif
