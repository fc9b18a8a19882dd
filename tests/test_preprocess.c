/* test_preprocess.c: pictures as a net's input: resizing against PIL, the three fits, channels and
 * their scaling.
 *
 * PIL rounds to bytes after each of its two passes, and we never: half a level for the first, which
 * the second averages, and half for the second. */
#include "golden_pictures.h"

#include <math.h>

static lens_picture from_golden(const char *name) {
    lens_picture p;
    float *golden = picture_golden(name, &p.h, &p.w, &p.c);
    p.pixels = malloc(p.h * p.w * p.c);
    for (size_t i = 0; i < p.h * p.w * p.c; i++)
        p.pixels[i] = (unsigned char)golden[i];
    p.whole_h = p.h, p.whole_w = p.w;
    free(golden);
    return p;
}

/* Planes (c, h, w) of the bytes (h, w, c). */
static float *planes_of(const float *bytes, size_t h, size_t w, size_t c) {
    float *planes = malloc(h * w * c * sizeof *planes);
    for (size_t i = 0; i < h * w; i++)
        for (size_t k = 0; k < c; k++)
            planes[k * h * w + i] = bytes[i * c + k];
    return planes;
}

static float *prepare(const lens_picture *p, lens_shape input, lens_preprocess preprocess) {
    float *values = malloc(input.c * input.h * input.w * sizeof *values);
    assert_ok(lens_picture_prepare(values, input, p, &preprocess));
    return values;
}

static void resizing_is_within_one_level_of_pil(void **state) {
    (void)state;
    static const size_t sizes[][2] = {{11, 17}, {9, 40},  {46, 68}, {23, 12},
                                      {5, 5},   {50, 34}, {1, 1}};
    lens_picture source = from_golden("rgb_source");
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char name[64];
        size_t h, w, c;
        snprintf(name, sizeof name, "resize_%zu_%zu", sizes[i][0], sizes[i][1]);
        float *golden = picture_golden(name, &h, &w, &c);
        float *expected = planes_of(golden, h, w, c);
        float *got = prepare(&source, (lens_shape){1, 3, h, w},
                             (lens_preprocess){.scale = 1, .fit = LENS_FIT_STRETCH});
        test_compare(name, got, expected, 3 * h * w, 0, 1);
        free(golden), free(expected), free(got);
    }
    lens_picture_free(&source);
}

/* A picture of 2 x 4 whose pixels are numbered. */
static lens_picture numbered(void) {
    lens_picture p = {.h = 2, .w = 4, .c = 1, .pixels = malloc(8)};
    for (size_t i = 0; i < 8; i++)
        p.pixels[i] = (unsigned char)(10 * (i + 1));
    return p;
}

static void fits_crop_stretch_and_pad(void **state) {
    (void)state;
    lens_picture p = numbered();
    static const struct {
        const char *name;
        lens_fit fit;
        size_t side;
        lens_shape input;
        float expected[16];
    } cases[] = {
        {"crop the middle", LENS_FIT_CROP, 0, {1, 1, 2, 2}, {20, 30, 60, 70}},
        {"crop, same proportions",
         LENS_FIT_CROP,
         0,
         {1, 1, 2, 4},
         {10, 20, 30, 40, 50, 60, 70, 80}},
        {"crop, an odd pixel goes right", LENS_FIT_CROP, 0, {1, 1, 2, 1}, {20, 60}},
        {"stretch to one column", LENS_FIT_STRETCH, 0, {1, 1, 2, 1}, {25, 65}},
        {"pad above and below",
         LENS_FIT_PAD,
         0,
         {1, 1, 4, 4},
         {0, 0, 0, 0, 10, 20, 30, 40, 50, 60, 70, 80, 0, 0, 0, 0}},
        {"side: the middle of what is larger", LENS_FIT_CROP, 2, {1, 1, 1, 1}, {20}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        lens_shape input = cases[i].input;
        lens_preprocess preprocess = {.scale = 1, .fit = cases[i].fit, .side = cases[i].side};
        float *got = prepare(&p, input, preprocess);
        test_compare(cases[i].name, got, cases[i].expected, input.h * input.w, 0, 1e-4);
        free(got);
    }
    lens_picture_free(&p);
}

static void channels_are_converted_and_scaled(void **state) {
    (void)state;
    unsigned char colour[] = {10, 20, 30}, grey[] = {40};
    lens_picture c = {.h = 1, .w = 1, .c = 3, .pixels = colour};
    lens_picture g = {.h = 1, .w = 1, .c = 1, .pixels = grey};
    const lens_shape three = {1, 3, 1, 1}, one = {1, 1, 1, 1};
    float *got = prepare(&c, three, lens_preprocess_caffe());
    const float caffe[] = {30 - 103.939f, 20 - 116.779f, 10 - 123.68f};
    test_compare("Caffe", got, caffe, 3, 0, 0);
    free(got);
    lens_preprocess normal = {.scale = 0.5f, .mean = {1, 2, 3}, .std = {2, 4, 8}};
    got = prepare(&c, three, normal);
    const float scaled[] = {(5 - 1) / 2.0f, (10 - 2) / 4.0f, (15 - 3) / 8.0f};
    test_compare("mean and deviation", got, scaled, 3, 0, 0);
    free(got);
    got = prepare(&c, one, (lens_preprocess){.scale = 1});
    const float luminance[] = {0.299f * 10 + 0.587f * 20 + 0.114f * 30};
    test_compare("colour to grey", got, luminance, 1, 0, 0);
    free(got);
    got = prepare(&g, three, (lens_preprocess){0});
    const float repeated[] = {40 / 255.0f, 40 / 255.0f, 40 / 255.0f};
    test_compare("grey to colour, by default to 0 .. 1", got, repeated, 3, 1e-7, 0);
    free(got);
}

static void bad_rules_are_named(void **state) {
    (void)state;
    lens_picture p = numbered();
    float value;
    static const struct {
        lens_preprocess preprocess;
        const char *what;
    } cases[] = {
        {{.scale = -1}, "scale is -1"},
        {{.mean = {0, NAN, 0}}, "mean nan of channel 1"},
        {{.std = {1, 1, -2}}, "std -2 of channel 2"},
        {{.fit = (lens_fit)7}, "no fit 7"},
        {{.side = 20000}, "side is 20000"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_fails(
            lens_picture_prepare(&value, (lens_shape){1, 1, 1, 1}, &p, &cases[i].preprocess),
            LENS_BAD_ARGUMENT, cases[i].what);
    float two[2];
    assert_fails(
        lens_picture_prepare(two, (lens_shape){1, 2, 1, 1}, &p, &(lens_preprocess){.scale = 1}),
        LENS_BAD_SHAPE, "from 1 to 2");
    lens_picture_free(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resizing_is_within_one_level_of_pil),
        cmocka_unit_test(fits_crop_stretch_and_pad),
        cmocka_unit_test(channels_are_converted_and_scaled),
        cmocka_unit_test(bad_rules_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
