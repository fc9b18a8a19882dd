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

/* Writes the pixels as PNG, 8 bits a channel; the file is either the old one or the new one, whole.
 * c must be 1 or 3, sides 1 .. 16384 (BAD_ARGUMENT); IO, UNSUPPORTED as above. */
LENS_API lens_status lens_picture_write(const char *path, const lens_picture *picture);

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

/* ---- augmentation --------------------------------------------------------------------------- */

/* What is done to training images at random, anew in each epoch, as a function of (seed, epoch,
 * image) alone. Fields may be combined. */
typedef struct lens_augment {
    bool flip;      /* left and right are exchanged, every other time; default false */
    bool crop;      /* any part of the picture that was resized to preprocess.side, which must be
                       more than the input's shorter side; default false: the middle */
    size_t pad;     /* pixels: the part may lie so far off, with black beyond the edge; default 0 */
    float lighting; /* deviation of the colour shift, default 0: none; the 2012 paper takes 0.1 */
} lens_augment;

/* The colour shift of Krizhevsky et al. 2012, section 4.1: red, green and blue of all pixels get
 * the sum of p_i a_i l_i, with a_i normal of deviation `lighting`, and p_i, l_i eigenvectors and
 * eigenvalues of the covariance of ImageNet's pixels in 0 .. 1. The paper does not print them;
 * these are the figures that later reimplementations share (fb.resnet.torch, 2016):
 *
 *     l = 0.2175 0.0188 0.0045
 *     p = (-0.5675 -0.5808 -0.5836) (0.7192 -0.0045 -0.6948) (0.4009 -0.8140 0.4203)
 *
 * (The training part of a set of cats and dogs gives 0.198 0.009 0.002 and the same directions to
 * within 0.05.) Floats that are no pictures are taken to be in 0 .. 1. */

/* From a list with commas: "flip", "crop", "pad-crop:4" (pad = 4), "lighting" (0.1) or
 * "lighting:0.05"; "none" or nothing is no augmentation. BAD_ARGUMENT names the word. */
LENS_API lens_status lens_augment_parse(lens_augment *out, const char *text);

#define LENS_AUGMENT_TEXT 96
/* The same list into `text`, which is returned; "none" for none. */
LENS_API const char *lens_augment_text(const lens_augment *augment, char text[LENS_AUGMENT_TEXT]);

/* BAD_ARGUMENT names the value that is outside its rule for a net of this input. */
LENS_API lens_status lens_augment_check(const lens_augment *augment,
                                        const lens_preprocess *preprocess, lens_shape input);

#ifdef __cplusplus
}
#endif

#endif
