/* test_png.c: PNG pictures that libpng wrote, and files that are none.
 */
#include "support.h"

#include <stdlib.h>
#include <string.h>

#ifdef LENSLET_PNG
#include <png.h>

static const char *write_png(const char *name, unsigned format, unsigned w, unsigned h,
                             const void *pixels) {
    png_image image = {.version = PNG_IMAGE_VERSION, .width = w, .height = h, .format = format};
    const char *path = test_temp_path(name);
    assert_int_equal(png_image_write_to_file(&image, path, 0, pixels, 0, NULL), 1);
    return path;
}

static void assert_picture(const char *path, lens_shape expected, const float *pixels) {
    float *values;
    lens_shape shape;
    assert_ok(lens_png_read(&values, &shape, path));
    assert_true(lens_shape_equal(shape, expected));
    test_compare(path, values, pixels, expected.c * expected.h * expected.w, 0, 0);
    free(values);
}

static void grey_and_colour(void **state) {
    (void)state;
    const unsigned char grey[] = {0, 1, 128, 255, 7, 9};
    const float grey_planes[] = {0, 1, 128, 255, 7, 9};
    assert_picture(write_png("grey.png", PNG_FORMAT_GRAY, 3, 2, grey), (lens_shape){1, 1, 2, 3},
                   grey_planes);
    const unsigned char colour[] = {1, 2, 3, 4, 5, 6};
    const float colour_planes[] = {1, 4, 2, 5, 3, 6};
    assert_picture(write_png("colour.png", PNG_FORMAT_RGB, 2, 1, colour), (lens_shape){1, 3, 1, 2},
                   colour_planes);
}

static void alpha_is_laid_over_black(void **state) {
    (void)state;
    const unsigned char pixels[] = {200, 100, 50, 255, 200, 100, 50, 0};
    const float planes[] = {200, 0, 100, 0, 50, 0};
    assert_picture(write_png("alpha.png", PNG_FORMAT_RGBA, 2, 1, pixels), (lens_shape){1, 3, 1, 2},
                   planes);
    const unsigned char grey[] = {90, 255, 90, 0};
    const float grey_planes[] = {90, 0};
    assert_picture(write_png("ga.png", PNG_FORMAT_GA, 2, 1, grey), (lens_shape){1, 1, 1, 2},
                   grey_planes);
}

static void broken_files_are_named(void **state) {
    (void)state;
    unsigned char pixels[64 * 64];
    float *values;
    lens_shape shape;
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (unsigned char)test_random(1, i);
    size_t size;
    char *bytes = test_read_file(write_png("whole.png", PNG_FORMAT_GRAY, 64, 64, pixels), &size);
    for (size_t cut = 0; cut < size - 12; cut += cut < 100 ? 1 : 97) { /* 12: the end's own chunk */
        test_write_file(test_temp_path("cut.png"), bytes, cut);
        assert_fails(lens_png_read(&values, &shape, test_temp_path("cut.png")), LENS_BAD_FILE,
                     "cut.png");
        assert_null(values);
    }
    memset(bytes + 16, 0x7f, 8); /* 2^31 pixels a side */
    test_write_file(test_temp_path("huge.png"), bytes, size);
    assert_fails(lens_png_read(&values, &shape, test_temp_path("huge.png")), LENS_BAD_FILE,
                 "huge.png");
    free(bytes);
    test_write_file(test_temp_path("text.png"), "no picture", 10);
    assert_fails(lens_png_read(&values, &shape, test_temp_path("text.png")), LENS_BAD_FILE,
                 "is no PNG");
    assert_fails(lens_png_read(&values, &shape, test_temp_path("none.png")), LENS_BAD_FILE,
                 "No such");
    assert_fails(lens_png_read(&values, &shape, test_temp_dir()), LENS_BAD_FILE, "is no PNG");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grey_and_colour),
        cmocka_unit_test(alpha_is_laid_over_black),
        cmocka_unit_test(broken_files_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

static void a_build_without_png_says_so(void **state) {
    (void)state;
    float *values;
    lens_shape shape;
    assert_fails(lens_png_read(&values, &shape, "x.png"), LENS_UNSUPPORTED, "LENSLET_PNG is off");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_build_without_png_says_so)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
