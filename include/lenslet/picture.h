/* picture.h: pictures: JPEG and PNG files, and how they become a net's input.
 */
#ifndef LENSLET_PICTURE_H
#define LENSLET_PICTURE_H

#include "lenslet/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- files ---------------------------------------------------------------------------------- */

/* A picture as bytes, upright. */
typedef struct lens_picture {
    size_t h, w, c;          /* c = 1: grey, 3: red, green, blue */
    unsigned char *pixels;   /* h rows of w pixels of c bytes; owned by the struct */
    size_t whole_h, whole_w; /* in the file; h and w are these, or about 1/2, 1/4 or 1/8 of them */
} lens_picture;

/* Reads a JPEG or PNG file, told by its content. What becomes of what is neither grey nor RGB:
 *
 * - 16 bits are rounded to 8; fewer are stretched to 0 .. 255; palettes are looked up;
 * - alpha is laid over black;
 * - CMYK and YCCK become r = (1 - c)(1 - k) and so on, with Adobe's inverted values when the file
 *   has Adobe's marker;
 * - the orientation that an Exif block asks for is applied.
 *
 * A JPEG that is much larger than wanted is reduced while it is decoded, to the smallest of 1/1,
 * 1/2, 1/4 and 1/8 that leaves at least `least_h` x `least_w` pixels; 0 x 0 reads it whole.
 *
 * BAD_FILE names the file and what is wrong: missing, neither JPEG nor PNG, truncated, corrupt
 * (also where a decoder would patch it up), more than 16384 pixels a side, 64 Mi pixels or 64 MiB.
 * UNSUPPORTED in a build without the format's library. */
LENS_API lens_status lens_picture_read(lens_picture *out, const char *path, size_t least_h,
                                       size_t least_w);
LENS_API void lens_picture_free(lens_picture *picture);

/* ---- preprocessing -------------------------------------------------------------------------- */

/* What happens to a picture whose sides are not in the proportion of the net's input. */
typedef enum lens_fit {
    LENS_FIT_CROP,    /* it is resized to cover the input; what juts out is cut off, evenly */
    LENS_FIT_STRETCH, /* height and width are resized each by its own ratio */
    LENS_FIT_PAD      /* it is resized to fit inside; the rest is black */
} lens_fit;

/* "crop", "stretch", "pad". Never NULL. */
LENS_API const char *lens_fit_name(lens_fit fit);

/* From stored values to the net's input: y[c] = (x[c] * scale - mean[c]) / std[c], with the
 * channels in the net's order (blue, green, red where `bgr` says so). Grey becomes three equal
 * channels and colour one, 0.299 r + 0.587 g + 0.114 b (ITU-R BT.601), where the net wants it so.
 *
 * Pictures are resized on the host by one rule: each output pixel is the mean of the input weighted
 * by a triangle around its centre, max(1, input / output) input pixels to each side; the pixels'
 * centres are at one half. That is antialiased bilinear, the same as PIL's BILINEAR but for its
 * rounding to bytes.
 *
 * `side`: the picture is resized as if the input's shorter side were this long and cut to the input
 * afterwards, so that crops can differ; 0: the input's own size. Data sets whose images all have
 * one size are left as they are when it is 0, and a size other than the net's is then stretched
 * on the device. */
typedef struct lens_preprocess {
    float scale;           /* default 1/255 for bytes and 1 for floats (when left 0) */
    float mean[3], std[3]; /* default 0, and 1 (when left 0) */
    bool bgr;              /* default false */
    lens_fit fit;          /* default crop */
    size_t side;           /* pixels, default 0 */
} lens_preprocess;

/* Caffe's: blue, green, red in 0 .. 255 less the mean of ImageNet, 103.939 116.779 123.68. */
LENS_API lens_preprocess lens_preprocess_caffe(void);

/* BAD_ARGUMENT names the value that is outside its rule. */
LENS_API lens_status lens_preprocess_check(const lens_preprocess *preprocess);

/* The net's input (1, c, h, w) from a picture; c must be 1 or 3. */
LENS_API lens_status lens_picture_prepare(float *values, lens_shape input,
                                          const lens_picture *picture,
                                          const lens_preprocess *preprocess);

#ifdef __cplusplus
}
#endif

#endif
