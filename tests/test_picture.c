/* test_picture.c: JPEG and PNG files against what PIL makes of them, and files that are neither or
 * broken.
 *
 * PNG is exact, but for alpha: libpng rounds its product up to one level differently. JPEG is
 * within one level of PIL's: the inverse transform and the change of colours may be other code
 * there. */
#include "golden_pictures.h"

#if defined(LENSLET_PNG) && defined(LENSLET_JPEG)

/* ---- what files hold ------------------------------------------------------------------------ */

static void assert_picture(const char *file, const char *name, float tolerance) {
    size_t h, w, c;
    float *golden = picture_golden(name, &h, &w, &c);
    lens_picture picture;
    assert_ok(lens_picture_read(&picture, picture_path(file), 0, 0));
    assert_int_equal(picture.h, h);
    assert_int_equal(picture.w, w);
    assert_int_equal(picture.c, c);
    assert_int_equal(picture.whole_h, h);
    assert_int_equal(picture.whole_w, w);
    float *values = malloc(h * w * c * sizeof *values);
    for (size_t i = 0; i < h * w * c; i++)
        values[i] = picture.pixels[i];
    test_compare(file, values, golden, h * w * c, 0, (double)tolerance);
    free(values);
    free(golden);
    lens_picture_free(&picture);
}

static void every_kind_is_decoded_as_pil_does(void **state) {
    (void)state;
    static const struct {
        const char *file, *name;
        float tolerance;
    } cases[] = {
        {"colour.jpg", "colour", 1},
        {"progressive.jpg", "progressive", 1},
        {"grey.jpg", "grey", 1},
        {"cmyk.jpg", "cmyk", 1},
        {"cmyk_plain.jpg", "cmyk_plain", 1},
        {"large.jpg", "large", 1},
        {"rgb.png", "rgb", 0},
        {"rgb16.png", "rgb16", 0},
        {"grey16.png", "grey16", 0},
        {"grey1.png", "grey1", 0},
        {"palette.png", "palette", 0},
        {"rgba.png", "rgba", 1},
        {"greya.png", "greya", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_picture(cases[i].file, cases[i].name, cases[i].tolerance);
}

static void every_orientation_is_made_upright(void **state) {
    (void)state;
    for (int orientation = 1; orientation <= 8; orientation++) {
        char file[48], name[32];
        snprintf(name, sizeof name, "turned_%d", orientation);
        snprintf(file, sizeof file, "%s.jpg", name);
        assert_picture(file, name, 1);
    }
    assert_picture("turned.png", "turned", 0);
}

/* 96 x 160 pixels: the smallest of 1, 1/2, 1/4, 1/8 that is no less than wanted. */
static void a_large_jpeg_is_reduced_but_never_too_far(void **state) {
    (void)state;
    static const struct {
        size_t least_h, least_w, h, w;
    } cases[] = {
        {0, 0, 96, 160},   {96, 160, 96, 160}, {49, 80, 96, 160}, {48, 80, 48, 80},
        {48, 81, 96, 160}, {24, 40, 24, 40},   {24, 1, 24, 40},   {12, 20, 12, 20},
        {1, 1, 12, 20},    {500, 1, 96, 160},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        lens_picture picture;
        assert_ok(lens_picture_read(&picture, picture_path("large.jpg"), cases[i].least_h,
                                    cases[i].least_w));
        assert_int_equal(picture.h, cases[i].h);
        assert_int_equal(picture.w, cases[i].w);
        assert_int_equal(picture.whole_h, 96);
        assert_int_equal(picture.whole_w, 160);
        lens_picture_free(&picture);
    }
    /* turned by a quarter: 14 x 10 upright, so 7 x 5 is one half of it */
    lens_picture picture;
    assert_ok(lens_picture_read(&picture, picture_path("turned_6.jpg"), 7, 5));
    assert_int_equal(picture.h, 7);
    assert_int_equal(picture.w, 5);
    lens_picture_free(&picture);
}

static void a_reduced_jpeg_is_what_pil_reduces_it_to(void **state) {
    (void)state;
    for (size_t divisor = 2; divisor <= 8; divisor *= 2) {
        char name[32];
        size_t h, w, c;
        snprintf(name, sizeof name, "large_%zu", divisor);
        float *golden = picture_golden(name, &h, &w, &c);
        lens_picture picture;
        assert_ok(
            lens_picture_read(&picture, picture_path("large.jpg"), 96 / divisor, 160 / divisor));
        assert_true(picture.h == h && picture.w == w && picture.c == c);
        float *values = malloc(h * w * c * sizeof *values);
        for (size_t i = 0; i < h * w * c; i++)
            values[i] = picture.pixels[i];
        test_compare(name, values, golden, h * w * c, 0, 1);
        free(values);
        free(golden);
        lens_picture_free(&picture);
    }
}

/* ---- broken files --------------------------------------------------------------------------- */

static void truncated_files_are_named(void **state) {
    (void)state;
    static const char *const names[] = {"colour.jpg", "progressive.jpg", "cmyk.jpg", "turned_6.jpg",
                                        "rgb.png",    "palette.png",     "rgb16.png"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t size;
        char *bytes = test_read_file(picture_path(names[i]), &size);
        for (size_t cut = 0; cut < size; cut += cut < 64 || size - cut < 32 ? 1 : 5) {
            lens_picture picture;
            test_write_file(test_temp_path("cut"), bytes, cut);
            assert_fails(lens_picture_read(&picture, test_temp_path("cut"), 0, 0), LENS_BAD_FILE,
                         "/cut: ");
            assert_null(picture.pixels);
        }
        free(bytes);
    }
}

/* Any byte may be any other: never a crash, and either a picture within the limits or BAD_FILE. */
static void changed_bytes_do_no_harm(void **state) {
    (void)state;
    static const char *const names[] = {"colour.jpg",   "progressive.jpg", "cmyk.jpg",
                                        "turned_6.jpg", "rgb.png",         "palette.png",
                                        "turned.png"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t size;
        char *bytes = test_read_file(picture_path(names[i]), &size);
        for (size_t trial = 0; trial < 100; trial++) {
            size_t changes = 1 + trial % 4;
            char *copy = malloc(size);
            memcpy(copy, bytes, size);
            for (size_t k = 0; k < changes; k++) {
                uint32_t word = test_random(i, 8 * trial + k);
                copy[word % size] = (char)(word >> 24);
            }
            test_write_file(test_temp_path("changed"), copy, size);
            lens_picture picture;
            lens_status status = lens_picture_read(&picture, test_temp_path("changed"), 4, 4);
            assert_true(status == LENS_OK ? picture.pixels != NULL
                                          : status == LENS_BAD_FILE && !picture.pixels);
            lens_picture_free(&picture);
            free(copy);
        }
        free(bytes);
    }
}

static void assert_refused(const char *name, const void *bytes, size_t size, const char *why) {
    lens_picture picture;
    test_write_file(test_temp_path(name), bytes, size);
    assert_fails(lens_picture_read(&picture, test_temp_path(name), 0, 0), LENS_BAD_FILE, why);
    assert_non_null(strstr(lens_last_error(), name));
}

static void what_is_no_picture_is_named(void **state) {
    (void)state;
    lens_picture picture;
    assert_refused("empty.jpg", "", 0, "is empty");
    assert_refused("text.png", "no picture", 10, "neither JPEG nor PNG");
    assert_refused("head.jpg", "\xff\xd8\xff\xe0", 4, "head.jpg");
    assert_fails(lens_picture_read(&picture, test_temp_path("none.png"), 0, 0), LENS_BAD_FILE,
                 "No such");
    assert_fails(lens_picture_read(&picture, test_temp_dir(), 0, 0), LENS_BAD_FILE,
                 "is no regular file");
}

/* The header alone says 20,000 x 20,000: refused before anything is allocated. */
static void huge_pictures_are_refused(void **state) {
    (void)state;
    size_t size;
    char *bytes = test_read_file(picture_path("colour.jpg"), &size), *frame = NULL;
    for (size_t i = 0; i + 9 < size && !frame; i++)
        if (bytes[i] == (char)0xff && bytes[i + 1] == (char)0xc0)
            frame = bytes + i;
    assert_non_null(frame);
    memcpy(frame + 5, "\x4e\x20\x4e\x20", 4);
    assert_refused("huge.jpg", bytes, size, "is 20000 x 20000 pixels");
    free(bytes);
    bytes = test_read_file(picture_path("rgb.png"), &size);
    memcpy(bytes + 16, "\0\0\x4e\x20\0\0\x4e\x20", 8);
    assert_refused("huge.png", bytes, size, "huge.png");
    free(bytes);
}

/* ---- writing -------------------------------------------------------------------------------- */

static void what_is_written_is_read(void **state) {
    (void)state;
    for (size_t c = 1; c <= 3; c += 2) {
        unsigned char pixels[5 * 7 * 3];
        for (size_t i = 0; i < sizeof pixels; i++)
            pixels[i] = (unsigned char)(37 * i + 11);
        const char *path = test_temp_path("written.png");
        lens_picture picture = {.h = 5, .w = 7, .c = c, .pixels = pixels}, read;
        assert_ok(lens_picture_write(path, &picture));
        assert_ok(lens_picture_read(&read, path, 0, 0));
        assert_true(read.h == 5 && read.w == 7 && read.c == c);
        assert_memory_equal(read.pixels, pixels, 5 * 7 * c);
        lens_picture_free(&read);
    }
}

static void what_cannot_be_written_is_named(void **state) {
    (void)state;
    unsigned char pixels[4] = {0};
    lens_picture picture = {.h = 1, .w = 1, .c = 1, .pixels = pixels};
    assert_fails(lens_picture_write("/missing/folder/a.png", &picture), LENS_IO,
                 "/missing/folder/a.png");
    picture.c = 4;
    assert_fails(lens_picture_write("a.png", &picture), LENS_BAD_ARGUMENT, "4 channels");
    picture.c = 1, picture.h = 16385;
    assert_fails(lens_picture_write("a.png", &picture), LENS_BAD_ARGUMENT, "1 x 16385 pixels");
    picture.h = 0;
    assert_fails(lens_picture_write("a.png", &picture), LENS_BAD_ARGUMENT, "1 x 0 pixels");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_is_decoded_as_pil_does),
        cmocka_unit_test(every_orientation_is_made_upright),
        cmocka_unit_test(a_large_jpeg_is_reduced_but_never_too_far),
        cmocka_unit_test(a_reduced_jpeg_is_what_pil_reduces_it_to),
        cmocka_unit_test(truncated_files_are_named),
        cmocka_unit_test(changed_bytes_do_no_harm),
        cmocka_unit_test(what_is_no_picture_is_named),
        cmocka_unit_test(huge_pictures_are_refused),
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(what_cannot_be_written_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

static void a_build_without_a_format_says_so(void **state) {
    (void)state;
    lens_picture picture;
#ifndef LENSLET_PNG
    assert_fails(lens_picture_read(&picture, picture_path("rgb.png"), 0, 0), LENS_UNSUPPORTED,
                 "LENSLET_PNG is off");
    unsigned char pixel = 0;
    picture = (lens_picture){.h = 1, .w = 1, .c = 1, .pixels = &pixel};
    assert_fails(lens_picture_write("a.png", &picture), LENS_UNSUPPORTED, "LENSLET_PNG is off");
#endif
#ifndef LENSLET_JPEG
    assert_fails(lens_picture_read(&picture, picture_path("grey.jpg"), 0, 0), LENS_UNSUPPORTED,
                 "LENSLET_JPEG is off");
#endif
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_build_without_a_format_says_so)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
