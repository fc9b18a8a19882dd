/* test_picture.c: PNG pictures that libpng wrote, and files that are none.
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

static void assert_picture(const char *path, size_t h, size_t w, size_t c,
                           const unsigned char *pixels) {
    lens_picture picture;
    assert_ok(lens_picture_read(&picture, path, 0, 0));
    assert_int_equal(picture.h, h);
    assert_int_equal(picture.w, w);
    assert_int_equal(picture.c, c);
    assert_int_equal(picture.whole_h, h);
    assert_int_equal(picture.whole_w, w);
    assert_memory_equal(picture.pixels, pixels, h * w * c);
    lens_picture_free(&picture);
}

static void grey_and_colour(void **state) {
    (void)state;
    const unsigned char grey[] = {0, 1, 128, 255, 7, 9};
    assert_picture(write_png("grey.png", PNG_FORMAT_GRAY, 3, 2, grey), 2, 3, 1, grey);
    const unsigned char colour[] = {1, 2, 3, 4, 5, 6};
    assert_picture(write_png("colour.png", PNG_FORMAT_RGB, 2, 1, colour), 1, 2, 3, colour);
}

static void alpha_is_laid_over_black(void **state) {
    (void)state;
    const unsigned char pixels[] = {200, 100, 50, 255, 200, 100, 50, 0};
    const unsigned char laid[] = {200, 100, 50, 0, 0, 0};
    assert_picture(write_png("alpha.png", PNG_FORMAT_RGBA, 2, 1, pixels), 1, 2, 3, laid);
    const unsigned char grey[] = {90, 255, 90, 0};
    const unsigned char grey_laid[] = {90, 0};
    assert_picture(write_png("ga.png", PNG_FORMAT_GA, 2, 1, grey), 1, 2, 1, grey_laid);
}

static void broken_files_are_named(void **state) {
    (void)state;
    unsigned char pixels[64 * 64];
    lens_picture picture;
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (unsigned char)test_random(1, i);
    size_t size;
    char *bytes = test_read_file(write_png("whole.png", PNG_FORMAT_GRAY, 64, 64, pixels), &size);
    for (size_t cut = 0; cut < size - 12; cut += cut < 100 ? 1 : 97) { /* 12: the end's own chunk */
        test_write_file(test_temp_path("cut.png"), bytes, cut);
        assert_fails(lens_picture_read(&picture, test_temp_path("cut.png"), 0, 0), LENS_BAD_FILE,
                     "cut.png");
        assert_null(picture.pixels);
    }
    memset(bytes + 16, 0x7f, 8); /* 2^31 pixels a side */
    test_write_file(test_temp_path("huge.png"), bytes, size);
    assert_fails(lens_picture_read(&picture, test_temp_path("huge.png"), 0, 0), LENS_BAD_FILE,
                 "huge.png");
    free(bytes);
    test_write_file(test_temp_path("text.png"), "no picture", 10);
    assert_fails(lens_picture_read(&picture, test_temp_path("text.png"), 0, 0), LENS_BAD_FILE,
                 "neither JPEG nor PNG");
    assert_fails(lens_picture_read(&picture, test_temp_path("none.png"), 0, 0), LENS_BAD_FILE,
                 "No such");
    assert_fails(lens_picture_read(&picture, test_temp_dir(), 0, 0), LENS_BAD_FILE,
                 "is no regular file");
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
    lens_picture picture;
    assert_fails(lens_picture_read(&picture, "x.png", 0, 0), LENS_UNSUPPORTED,
                 "LENSLET_PNG is off");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_build_without_png_says_so)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
