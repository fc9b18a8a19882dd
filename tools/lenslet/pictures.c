/* pictures.c: images to classify. */
#include "pictures.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- kinds of files ------------------------------------------------------------------------ */

static lens_status read_npy(pictures *p, const char *path, size_t channels) {
    size_t rank;
    TRY(lens_npy_read(&p->values, &p->shape, &rank, path));
    lens_shape s = p->shape;
    if (rank == 2)
        p->shape = (lens_shape){1, 1, s.n, s.c};
    else if (rank == 3 && channels == 1 && s.c != 1)
        p->shape = (lens_shape){s.c, 1, s.h, s.w};
    else if (rank < 2)
        return cli_fail(LENS_BAD_FILE, "%s: rank %zu, an image has at least rows and columns", path,
                        rank);
    return LENS_OK;
}

/* Value `i` of an IDX array as a float. */
static float idx_value(const lens_idx *idx, size_t i) {
    switch (idx->type) {
    case 0x08:
        return ((const uint8_t *)idx->values)[i];
    case 0x09:
        return ((const int8_t *)idx->values)[i];
    case 0x0b:
        return ((const int16_t *)idx->values)[i];
    case 0x0c:
        return (float)((const int32_t *)idx->values)[i];
    case 0x0d:
        return ((const float *)idx->values)[i];
    default:
        return (float)((const double *)idx->values)[i];
    }
}

static lens_status read_idx(pictures *p, const char *path, bool *bytes) {
    lens_idx idx;
    TRY(lens_idx_read(&idx, path));
    lens_status status = LENS_OK;
    if (idx.rank < 2)
        status = cli_fail(LENS_BAD_FILE, "%s: rank 1, so these are labels, not images", path);
    else if (idx.rank == 2)
        p->shape = (lens_shape){1, 1, idx.dims[0], idx.dims[1]};
    else if (idx.rank == 3)
        p->shape = (lens_shape){idx.dims[0], 1, idx.dims[1], idx.dims[2]};
    else
        p->shape = (lens_shape){idx.dims[0], idx.dims[1], idx.dims[2], idx.dims[3]};
    if (status == LENS_OK) {
        *bytes = idx.type == 0x08;
        p->values = cli_alloc(idx.count, sizeof *p->values);
        for (size_t i = 0; i < idx.count; i++)
            p->values[i] = idx_value(&idx, i);
    }
    lens_idx_free(&idx);
    return status;
}

static lens_status read_array(pictures *p, const char *path, size_t channels, bool *bytes) {
    unsigned char head[8] = {1};
    FILE *file = fopen(path, "rb");
    if (!file)
        return cli_fail(LENS_BAD_FILE, "%s: %s", path, strerror(errno));
    size_t got = fread(head, 1, sizeof head, file);
    fclose(file);
    if (got >= 6 && !memcmp(head, "\x93NUMPY", 6))
        return read_npy(p, path, channels);
    if (got >= 2 && ((head[0] == 0 && head[1] == 0) || (head[0] == 0x1f && head[1] == 0x8b)))
        return read_idx(p, path, bytes);
    return cli_fail(LENS_BAD_FILE, "%s: neither JPEG nor PNG nor .npy nor IDX, by its first bytes",
                    path);
}

/* ---- channels ------------------------------------------------------------------------------ */

static lens_status set_channels(pictures *p, const char *path, size_t channels) {
    lens_shape s = p->shape;
    if (s.c == channels)
        return LENS_OK;
    if (!(s.c == 3 && channels == 1) && !(s.c == 1 && channels == 3))
        return cli_fail(LENS_BAD_FILE, "%s: %zu channels, the net takes %zu", path, s.c, channels);
    size_t pixels = s.h * s.w;
    float *values = cli_alloc(s.n * channels * pixels, sizeof *values);
    for (size_t n = 0; n < s.n; n++)
        for (size_t i = 0; i < pixels; i++) {
            const float *from = p->values + n * s.c * pixels + i;
            float *to = values + n * channels * pixels + i;
            if (channels == 1) /* luminance of ITU-R BT.601 */
                to[0] = 0.299f * from[0] + 0.587f * from[pixels] + 0.114f * from[2 * pixels];
            else
                to[0] = to[pixels] = to[2 * pixels] = from[0];
        }
    free(p->values);
    p->values = values;
    p->shape.c = channels;
    return LENS_OK;
}

/* ---- reading ------------------------------------------------------------------------------- */

static bool is_picture(const char *path) {
    unsigned char head[4] = {0};
    FILE *file = fopen(path, "rb");
    size_t got = file ? fread(head, 1, sizeof head, file) : 0;
    if (file)
        fclose(file);
    return got == sizeof head && (!memcmp(head, "\x89PNG", 4) || !memcmp(head, "\xff\xd8\xff", 3));
}

static lens_status read_picture(pictures *p, const char *path, lens_shape input,
                                const picture_rule *rule) {
    lens_picture picture;
    size_t side = rule->preprocess.side > input.h ? rule->preprocess.side : input.h;
    side = side > input.w ? side : input.w;
    TRY(lens_picture_read(&picture, path, side, side));
    for (size_t i = 0; rule->invert && i < picture.h * picture.w * picture.c; i++)
        picture.pixels[i] = 255 - picture.pixels[i];
    p->shape = (lens_shape){1, input.c, input.h, input.w};
    p->values = cli_alloc(input.c * input.h * input.w, sizeof *p->values);
    lens_status status = lens_picture_prepare(p->values, p->shape, &picture, &rule->preprocess);
    lens_picture_free(&picture);
    return status;
}

/* Values as the net wants them. */
static void scale_values(pictures *p, const picture_rule *rule, bool bytes) {
    const lens_preprocess *preprocess = &rule->preprocess;
    lens_shape s = p->shape;
    size_t pixels = s.h * s.w;
    float scale = !bytes ? rule->float_scale : preprocess->scale ? preprocess->scale : 1.0f / 255;
    for (size_t i = 0; i < s.n * s.c * pixels; i++) {
        size_t c = i / pixels % s.c;
        float value = rule->invert ? (bytes ? 255 : 1) - p->values[i] : p->values[i];
        float mean = bytes && c < 3 ? preprocess->mean[c] : 0;
        float std = bytes && c < 3 && preprocess->std[c] ? preprocess->std[c] : 1;
        p->values[i] = (value * scale - mean) / std;
    }
}

static void swap_red_and_blue(pictures *p) {
    size_t pixels = p->shape.h * p->shape.w;
    for (size_t n = 0; n < p->shape.n; n++)
        for (size_t i = 0; i < pixels; i++) {
            float *red = p->values + 3 * n * pixels + i, kept = red[0];
            red[0] = red[2 * pixels];
            red[2 * pixels] = kept;
        }
}

/* One image of bytes, taken for a picture. */
static lens_status prepare_bytes(float *to, lens_shape input, const float *from, lens_shape shape,
                                 const picture_rule *rule) {
    size_t pixels = shape.h * shape.w;
    lens_picture picture = {.h = shape.h, .w = shape.w, .c = shape.c};
    picture.whole_h = shape.h, picture.whole_w = shape.w;
    picture.pixels = cli_alloc(pixels * shape.c, 1);
    for (size_t c = 0; c < shape.c; c++)
        for (size_t i = 0; i < pixels; i++) {
            unsigned char value = (unsigned char)from[c * pixels + i];
            picture.pixels[i * shape.c + c] = rule->invert ? 255 - value : value;
        }
    lens_status status = lens_picture_prepare(to, input, &picture, &rule->preprocess);
    lens_picture_free(&picture);
    return status;
}

/* The data sets of a net whose recipe says which side to resize to are resized on the host. */
static lens_status resize_bytes(pictures *p, lens_shape input, const picture_rule *rule) {
    size_t n = p->shape.n, from_size = p->shape.c * p->shape.h * p->shape.w;
    size_t to_size = input.c * input.h * input.w;
    float *values = cli_alloc(n * to_size, sizeof *values);
    lens_status status = LENS_OK;
    for (size_t i = 0; status == LENS_OK && i < n; i++)
        status =
            prepare_bytes(values + i * to_size, input, p->values + i * from_size, p->shape, rule);
    free(p->values);
    p->values = values;
    p->shape = input;
    p->shape.n = n;
    return status;
}

static lens_status read_arrays(pictures *p, const char *path, lens_shape input,
                               const picture_rule *rule) {
    bool bytes = false;
    TRY(read_array(p, path, input.c, &bytes));
    TRY(set_channels(p, path, input.c));
    if (bytes && rule->preprocess.side)
        return resize_bytes(p, input, rule);
    if (bytes && rule->preprocess.bgr && input.c == 3)
        swap_red_and_blue(p);
    scale_values(p, rule, bytes);
    return LENS_OK;
}

lens_status pictures_read(pictures *out, const char *path, lens_shape input,
                          const picture_rule *rule) {
    *out = (pictures){0};
    lens_status status = is_picture(path) ? read_picture(out, path, input, rule)
                                          : read_arrays(out, path, input, rule);
    if (status != LENS_OK)
        pictures_free(out);
    return status;
}

lens_status picture_rule_open(picture_rule *rule, lens_net_spec *spec, const char *weights,
                              double scale, bool invert) {
    lens_recipe recipe;
    TRY(lens_recipe_open(&recipe, spec, weights));
    *rule = (picture_rule){recipe.preprocess, 1, invert};
    if (!isnan(scale))
        rule->preprocess.scale = rule->float_scale = (float)scale;
    return LENS_OK;
}

lens_status pictures_feed(const pictures *p, lens_net *net, size_t first, size_t count) {
    lens_tensor *input = lens_net_input(net), *source;
    lens_shape shape = p->shape, want = lens_tensor_shape(input);
    const float *values = p->values + first * shape.c * shape.h * shape.w;
    if (shape.h == want.h && shape.w == want.w)
        return lens_tensor_write(input, values);
    shape.n = count;
    TRY(lens_tensor_new(&source, lens_net_context(net), shape));
    lens_status status = lens_tensor_write(source, values);
    if (status == LENS_OK)
        status = lens_resize2d_forward(input, source, LENS_RESIZE_BILINEAR);
    lens_tensor_free(source);
    return status;
}

void pictures_free(pictures *p) {
    free(p->values);
    p->values = NULL;
}
