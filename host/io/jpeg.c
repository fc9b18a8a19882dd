/* jpeg.c: decoding JPEG by libjpeg, with limits; what it would patch up is an error here. */
#include "io/decode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef LENSLET_JPEG
#include <setjmp.h>
#include <jpeglib.h>
#include <jerror.h>

/* Scans of a progressive picture. Honest ones have about ten; each costs a pass over all of it. */
#define MAX_SCANS 200

/* One picture being read. Kept outside decode()'s locals, which a longjmp leaves undefined. */
typedef struct reader {
    struct jpeg_decompress_struct info;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf jump;
    char message[JMSG_LENGTH_MAX];
    const encoded *file;
    lens_picture *out;
    int *orientation;
    unsigned char *row; /* of a CMYK picture */
    lens_status status;
} reader;

static void on_error(j_common_ptr info) {
    reader *r = info->client_data;
    info->err->format_message(info, r->message);
    r->status = info->err->msg_code == JERR_OUT_OF_MEMORY ? LENS_OUT_OF_MEMORY : LENS_BAD_FILE;
    longjmp(r->jump, 1);
}

/* libjpeg goes on after a warning, with grey where data are missing. Two warnings are about the
 * markers of writers that meant well. */
static void on_message(j_common_ptr info, int level) {
    int code = info->err->msg_code;
    if (level < 0 && code != JWRN_JFIF_MAJOR && code != JWRN_ADOBE_XFORM)
        on_error(info);
}

static void on_progress(j_common_ptr info) {
    reader *r = info->client_data;
    if (r->info.input_scan_number <= MAX_SCANS)
        return;
    snprintf(r->message, sizeof r->message, "more than %d scans", MAX_SCANS);
    r->status = LENS_BAD_FILE;
    longjmp(r->jump, 1);
}

static int find_orientation(const struct jpeg_decompress_struct *info) {
    static const unsigned char mark[] = "Exif\0";
    for (jpeg_saved_marker_ptr m = info->marker_list; m; m = m->next)
        if (m->marker == JPEG_APP0 + 1 && m->data_length > sizeof mark &&
            memcmp(m->data, mark, sizeof mark) == 0)
            return lens_exif_orientation(m->data + sizeof mark, m->data_length - sizeof mark);
    return 1;
}

/* The divisor of both sides: 8, 4, 2 or 1. */
static unsigned reduction(const reader *r) {
    bool turned = lens_exif_turns(*r->orientation);
    size_t least_h = turned ? r->file->least_w : r->file->least_h;
    size_t least_w = turned ? r->file->least_h : r->file->least_w;
    if (least_h == 0 || least_w == 0)
        return 1;
    unsigned divisor = 8;
    while (divisor > 1 &&
           (r->info.image_height / divisor < least_h || r->info.image_width / divisor < least_w))
        divisor /= 2;
    return divisor;
}

static void choose_output(reader *r) {
    struct jpeg_decompress_struct *info = &r->info;
    info->scale_num = 1;
    info->scale_denom = reduction(r);
    switch (info->jpeg_color_space) {
    case JCS_GRAYSCALE:
        info->out_color_space = JCS_GRAYSCALE;
        break;
    case JCS_CMYK:
    case JCS_YCCK:
        info->out_color_space = JCS_CMYK;
        break;
    default:
        info->out_color_space = JCS_RGB;
    }
}

/* Adobe writes the ink that is missing, not the ink that is there. */
static void cmyk_to_rgb(unsigned char *rgb, const unsigned char *cmyk, size_t count, bool adobe) {
    unsigned flip = adobe ? 0 : 255;
    for (size_t i = 0; i < count; i++)
        for (size_t c = 0; c < 3; c++)
            rgb[3 * i + c] =
                (unsigned char)(((cmyk[4 * i + c] ^ flip) * (cmyk[4 * i + 3] ^ flip) + 127) / 255);
}

static lens_status read_rows(reader *r) {
    struct jpeg_decompress_struct *info = &r->info;
    lens_picture *out = r->out;
    bool cmyk = info->out_color_space == JCS_CMYK;
    out->h = info->output_height;
    out->w = info->output_width;
    out->c = info->out_color_space == JCS_GRAYSCALE ? 1 : 3;
    out->pixels = malloc(out->h * out->w * out->c);
    r->row = cmyk ? malloc(4 * out->w) : NULL;
    if (!out->pixels || (cmyk && !r->row))
        return lens_fail_memory(r->file->path, out->h * out->w * out->c);
    while (info->output_scanline < info->output_height) {
        unsigned char *to = out->pixels + info->output_scanline * out->w * out->c;
        JSAMPROW row = cmyk ? r->row : to;
        jpeg_read_scanlines(info, &row, 1);
        if (cmyk)
            cmyk_to_rgb(to, r->row, out->w, info->saw_Adobe_marker);
    }
    return LENS_OK;
}

static lens_status decode(reader *r) {
    if (setjmp(r->jump)) {
        if (r->status == LENS_OUT_OF_MEMORY)
            return lens_fail_memory(r->file->path, r->file->size);
        return lens_fail(r->status, "%s: %s", r->file->path, r->message);
    }
    jpeg_create_decompress(&r->info);
    jpeg_mem_src(&r->info, r->file->bytes, (unsigned long)r->file->size);
    jpeg_save_markers(&r->info, JPEG_APP0 + 1, 0xffff);
    jpeg_read_header(&r->info, TRUE);
    r->info.progress = &r->progress;
    r->out->whole_h = r->info.image_height;
    r->out->whole_w = r->info.image_width;
    LENS_TRY(lens_picture_check_size(r->file->path, r->out->whole_h, r->out->whole_w));
    *r->orientation = find_orientation(&r->info);
    choose_output(r);
    jpeg_start_decompress(&r->info);
    LENS_TRY(read_rows(r));
    jpeg_finish_decompress(&r->info);
    return LENS_OK;
}

lens_status lens_jpeg_decode(lens_picture *out, int *orientation, const encoded *file) {
    reader r = {.file = file, .out = out, .orientation = orientation};
    r.info.err = jpeg_std_error(&r.errors);
    r.info.client_data = &r;
    r.errors.error_exit = on_error;
    r.errors.emit_message = on_message;
    r.progress.progress_monitor = on_progress;
    lens_status status = decode(&r);
    jpeg_destroy_decompress(&r.info);
    free(r.row);
    return status;
}

#else

lens_status lens_jpeg_decode(lens_picture *out, int *orientation, const encoded *file) {
    (void)out, (void)orientation;
    return lens_fail(LENS_UNSUPPORTED, "%s: this build reads no JPEG (LENSLET_JPEG is off)",
                     file->path);
}

#endif
