/* test_augment.c: what is done to training images at random: words, flips, crops and colours by
 * hand and against numpy, and that it depends on nothing but (seed, epoch, image).
 *
 * Colours are compared with 1e-6: the same formula in double, rounded to float on both sides. */
#include "core/philox.h"
#include "golden_pictures.h"

#include <math.h>

/* ---- words ---------------------------------------------------------------------------------- */

static void words_are_read_and_printed(void **state) {
    (void)state;
    static const struct {
        const char *text, *printed;
        lens_augment augment;
    } cases[] = {
        {"", "none", {0}},
        {"none", "none", {0}},
        {"flip", "flip", {.flip = true}},
        {"crop,flip", "flip,crop", {.flip = true, .crop = true}},
        {"pad-crop:4", "pad-crop:4", {.pad = 4}},
        {"lighting", "lighting:0.100000001", {.lighting = 0.1f}},
        {"lighting:0.5,pad-crop:1024",
         "pad-crop:1024,lighting:0.5",
         {.pad = 1024, .lighting = .5f}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        lens_augment got;
        char text[LENS_AUGMENT_TEXT];
        assert_ok(lens_augment_parse(&got, cases[i].text));
        const lens_augment *want = &cases[i].augment;
        assert_true(got.flip == want->flip && got.crop == want->crop && got.pad == want->pad &&
                    got.lighting == want->lighting);
        assert_string_equal(lens_augment_text(&got, text), cases[i].printed);
        lens_augment again;
        assert_ok(lens_augment_parse(&again, text));
        assert_true(again.lighting == got.lighting); /* to the bit */
    }
}

static void wrong_words_are_named(void **state) {
    (void)state;
    lens_augment augment = {.pad = 3};
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"flop", "\"flop\" is none of flip, crop"},
        {"flip,,crop", "\"\" is none of"},
        {"flip crop", "\"flip crop\""},
        {"pad-crop", "\"pad-crop\""},
        {"pad-crop:", "pad-crop:; 1 to 1024"},
        {"pad-crop:0", "pad-crop:0; 1 to 1024"},
        {"pad-crop:1025", "pad-crop:1025"},
        {"pad-crop:4x", "pad-crop:4x"},
        {"lighting:0", "lighting:0; above 0"},
        {"lighting:nan", "lighting:nan"},
        {"lighting:11", "lighting:11"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_fails(lens_augment_parse(&augment, cases[i].text), LENS_BAD_ARGUMENT, cases[i].part);
    assert_int_equal(augment.pad, 3); /* as it was */
}

static void values_outside_their_rules_are_named(void **state) {
    (void)state;
    const lens_shape input = {1, 3, 8, 6};
    const lens_preprocess none = {0}, same = {.side = 6}, larger = {.side = 7};
    assert_fails(lens_augment_check(&(lens_augment){.crop = true}, &none, input), LENS_BAD_ARGUMENT,
                 "parts of 6 pixels out of pictures of 6");
    assert_fails(lens_augment_check(&(lens_augment){.crop = true}, &same, input), LENS_BAD_ARGUMENT,
                 "preprocess.side must be more");
    assert_ok(lens_augment_check(&(lens_augment){.crop = true}, &larger, input));
    assert_fails(lens_augment_check(&(lens_augment){.pad = 1025}, &none, input), LENS_BAD_ARGUMENT,
                 "pad is 1025");
    assert_fails(lens_augment_check(&(lens_augment){.lighting = NAN}, &none, input),
                 LENS_BAD_ARGUMENT, "lighting is nan");
}

/* ---- what comes out of the loader ----------------------------------------------------------- */

/* `n` equal images of c x h x w with these values. */
static lens_dataset *copies(size_t n, size_t c, size_t h, size_t w, const float *values) {
    size_t size = c * h * w;
    float *images = malloc(n * size * sizeof *images);
    for (size_t i = 0; i < n; i++)
        memcpy(images + i * size, values, size * sizeof *images);
    lens_dataset *data;
    assert_ok(lens_dataset_from_memory(&data, (lens_shape){n, c, h, w}, images, NULL));
    free(images);
    return data;
}

static lens_loader_opts in_order(lens_augment augment, uint64_t seed, uint64_t epoch) {
    lens_loader_opts opts = lens_loader_defaults();
    opts.shuffle = false;
    opts.seed = seed;
    opts.epoch = epoch;
    opts.augment = augment;
    opts.preprocess.scale = 1;
    return opts;
}

/* All images of one epoch, one after another; freed by the caller. */
static float *epoch_of(const lens_dataset *data, const lens_loader_opts *opts) {
    lens_shape shape = lens_loader_shape(data, &opts->preprocess, opts->input);
    size_t n = lens_dataset_shape(data).n, size = shape.c * shape.h * shape.w;
    float *all = malloc(n * size * sizeof *all);
    lens_loader *loader;
    lens_batch batch;
    assert_ok(lens_loader_new(&loader, data, opts));
    for (size_t at = 0; at < n; at += batch.count) {
        assert_true(lens_loader_next(loader, &batch));
        memcpy(all + at * size, batch.images, batch.count * size * sizeof *all);
    }
    lens_loader_free(loader);
    return all;
}

/* Which of the `kinds` rows of `expected` this is. */
static size_t kind_of(const float *image, const float *expected, size_t kinds, size_t size) {
    for (size_t k = 0; k < kinds; k++)
        if (memcmp(image, expected + k * size, size * sizeof *image) == 0)
            return k;
    fail_msg("an image that is none of the %zu expected", kinds);
    return 0;
}

static void a_flip_mirrors_every_other_time(void **state) {
    (void)state;
    const float image[] = {1, 2, 3, 4, 5, 6};
    const float expected[] = {1, 2, 3, 4, 5, 6, 3, 2, 1, 6, 5, 4};
    lens_dataset *data = copies(2000, 1, 2, 3, image);
    lens_loader_opts opts = in_order((lens_augment){.flip = true}, 9, 3);
    float *got = epoch_of(data, &opts);
    size_t flipped = 0;
    for (uint32_t i = 0; i < 2000; i++) {
        size_t kind = kind_of(got + 6 * i, expected, 2, 6);
        assert_int_equal(kind, lens_random(9, LENS_STREAM_AUGMENT, 0, 3, 8 * i) >> 31);
        flipped += kind;
    }
    assert_in_range(flipped, 900, 1100); /* 4.5 deviations of 22 */
    free(got);
    lens_dataset_free(data);
}

/* Each expected part comes up `n` / `kinds` times, give or take 5 deviations. */
static void assert_parts(const lens_dataset *data, const lens_loader_opts *opts,
                         const float *expected, size_t kinds, size_t size) {
    size_t n = lens_dataset_shape(data).n, counts[16] = {0};
    float *got = epoch_of(data, opts);
    for (size_t i = 0; i < n; i++)
        counts[kind_of(got + size * i, expected, kinds, size)]++;
    double mean = (double)n / (double)kinds, margin = 5 * sqrt(mean);
    for (size_t k = 0; k < kinds; k++)
        assert_true(fabs((double)counts[k] - mean) < margin);
    free(got);
}

static void crops_are_every_part_equally(void **state) {
    (void)state;
    const float image[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    const float expected[] = {1, 2, 4, 5, 2, 3, 5, 6, 4, 5, 7, 8, 5, 6, 8, 9};
    lens_dataset *data = copies(4000, 1, 3, 3, image);
    lens_loader_opts opts = in_order((lens_augment){.crop = true}, 1, 0);
    opts.preprocess.side = 3;
    opts.input = (lens_shape){1, 1, 2, 2};
    assert_parts(data, &opts, expected, 4, 4);
    lens_dataset_free(data);
    /* only along the longer side when the input is as high as the picture */
    const float wide[] = {1, 2, 3, 4, 5, 6, 7, 8}, columns[] = {1, 2, 5, 6, 2, 3, 6, 7, 3, 4, 7, 8};
    data = copies(3000, 1, 2, 4, wide);
    opts.augment = (lens_augment){.crop = true};
    opts.input = (lens_shape){1, 1, 2, 2};
    opts.preprocess.side = 2;
    lens_loader *none;
    assert_fails(lens_loader_new(&none, data, &opts), LENS_BAD_ARGUMENT, "side must be more");
    opts.augment = (lens_augment){0};
    float *middle = epoch_of(data, &opts);
    assert_int_equal(kind_of(middle, columns, 3, 4), 1);
    free(middle);
    lens_dataset_free(data);
}

static void pad_and_crop_moves_over_black(void **state) {
    (void)state;
    const float image[] = {1, 2, 3, 4};
    const float expected[] = {
        0, 0, 0, 1, /* up by one and left by one: the picture's corner is at the lower right */
        0, 0, 1, 2, 0, 0, 2, 0, 0, 1, 0, 3, 1, 2, 3, 4,
        2, 0, 4, 0, 0, 3, 0, 0, 3, 4, 0, 0, 4, 0, 0, 0};
    lens_dataset *data = copies(9000, 1, 2, 2, image);
    lens_loader_opts opts = in_order((lens_augment){.pad = 1}, 77, 5);
    assert_parts(data, &opts, expected, 9, 4);
    lens_dataset_free(data);
}

static void lighting_is_the_formula_in_numpy(void **state) {
    (void)state;
    static const struct {
        uint64_t seed, epoch;
    } runs[] = {{1, 0}, {1, 7}, {(1ull << 40) + 3, 1ull << 33}};
    size_t runs_stored, images, channels;
    float *golden = picture_golden("lighting", &runs_stored, &images, &channels);
    assert_int_equal(runs_stored, 3);
    const float grey[] = {0.25f, 0.25f, 0.25f, 0.25f, 0.25f, 0.25f};
    lens_dataset *data = copies(images, 3, 1, 2, grey);
    for (size_t run = 0; run < 3; run++) {
        lens_loader_opts opts =
            in_order((lens_augment){.lighting = 0.1f}, runs[run].seed, runs[run].epoch);
        float *got = epoch_of(data, &opts);
        for (size_t i = 0; i < images; i++)
            for (size_t c = 0; c < 3; c++) {
                float shift = golden[(run * images + i) * 3 + c];
                const float expected[] = {0.25f + shift, 0.25f + shift};
                test_compare("lighting", got + (i * 3 + c) * 2, expected, 2, 0, 1e-6);
            }
        free(got);
    }
    free(golden);
    lens_dataset_free(data);
}

/* Bytes are 0 .. 255 before their scale, and blue comes first where the net wants it so. */
static void lighting_comes_before_preprocessing(void **state) {
    (void)state;
    size_t runs, images, channels;
    float *golden = picture_golden("lighting", &runs, &images, &channels);
    lens_dataset *data;
    const unsigned char colour[] = {0, 0, 8, 4, 0, 0, 0, 1, 0,  0,   0,  3,
                                    0, 0, 0, 1, 0, 0, 0, 1, 50, 100, 200};
    const unsigned char label[] = {0, 0, 8, 1, 0, 0, 0, 1, 0};
    test_write_file(test_temp_path("images"), colour, sizeof colour);
    test_write_file(test_temp_path("labels"), label, sizeof label);
    assert_ok(lens_dataset_read_idx(&data, test_temp_path("images"), test_temp_path("labels")));
    lens_loader_opts opts = in_order((lens_augment){.lighting = 0.1f}, 1, 0);
    opts.preprocess = (lens_preprocess){.scale = 0.5f, .mean = {1, 2, 3}, .bgr = true};
    float *got = epoch_of(data, &opts);
    const float expected[] = {(200 + 255 * golden[2]) / 2 - 1, (100 + 255 * golden[1]) / 2 - 2,
                              (50 + 255 * golden[0]) / 2 - 3};
    test_compare("bgr", got, expected, 3, 0, 1e-4);
    free(got);
    free(golden);
    lens_dataset_free(data);
}

/* ---- what it depends on --------------------------------------------------------------------- */

static const lens_augment everything = {.flip = true, .crop = true, .pad = 1, .lighting = 0.1f};

static lens_loader_opts all_of_it(size_t threads) {
    lens_loader_opts opts = lens_loader_defaults();
    opts.batch = 7;
    opts.seed = 12;
    opts.loop = true;
    opts.threads = threads;
    opts.augment = everything;
    opts.preprocess.side = 9;
    opts.input = (lens_shape){1, 3, 6, 7};
    return opts;
}

static void any_number_of_threads_makes_the_same(void **state) {
    (void)state;
    float *images = test_reals(40 * 3 * 8 * 8, 3);
    lens_dataset *data;
    assert_ok(lens_dataset_from_memory(&data, (lens_shape){40, 3, 8, 8}, images, NULL));
    lens_loader *loaders[3];
    for (size_t i = 0; i < 3; i++) {
        lens_loader_opts opts = all_of_it((size_t[]){1, 3, 8}[i]);
        assert_ok(lens_loader_new(&loaders[i], data, &opts));
    }
    for (size_t step = 0; step < 18; step++) { /* three epochs of six batches */
        lens_batch batches[3];
        for (size_t i = 0; i < 3; i++)
            assert_true(lens_loader_next(loaders[i], &batches[i]));
        for (size_t i = 1; i < 3; i++) {
            assert_int_equal(batches[i].count, batches[0].count);
            assert_memory_equal(batches[i].images, batches[0].images,
                                batches[0].count * 3 * 6 * 7 * sizeof(float));
        }
    }
    for (size_t i = 0; i < 3; i++)
        lens_loader_free(loaders[i]);
    lens_dataset_free(data);
    free(images);
}

static void a_resumed_run_sees_the_same(void **state) {
    (void)state;
    float *images = test_reals(40 * 3 * 8 * 8, 3);
    lens_dataset *data;
    assert_ok(lens_dataset_from_memory(&data, (lens_shape){40, 3, 8, 8}, images, NULL));
    lens_loader_opts opts = all_of_it(2);
    lens_loader *whole;
    assert_ok(lens_loader_new(&whole, data, &opts));
    for (size_t step = 0; step < 15; step++) {
        lens_batch expected, batch;
        lens_loader *resumed;
        assert_true(lens_loader_next(whole, &expected));
        opts.epoch = step / 6;
        opts.first = step % 6;
        assert_ok(lens_loader_new(&resumed, data, &opts));
        assert_true(lens_loader_next(resumed, &batch));
        assert_memory_equal(batch.images, expected.images,
                            expected.count * 3 * 6 * 7 * sizeof(float));
        lens_loader_free(resumed);
    }
    lens_loader_free(whole);
    lens_dataset_free(data);
    free(images);
}

/* An image's luck is its own: it does not hang on which batch it is in, and changes every epoch. */
static void seeds_epochs_and_images_differ(void **state) {
    (void)state;
    const float image[] = {0.1f, 0.2f, 0.3f};
    lens_dataset *data = copies(6, 3, 1, 1, image);
    float *first = NULL;
    for (size_t run = 0; run < 4; run++) {
        lens_loader_opts opts =
            in_order((lens_augment){.lighting = 0.1f}, 1 + (run == 1), run == 2);
        opts.batch = run == 3 ? 4 : 6;
        float *got = epoch_of(data, &opts);
        if (run == 0) {
            first = got;
            for (size_t i = 1; i < 6; i++)
                assert_memory_not_equal(first, first + 3 * i, 3 * sizeof *first);
            continue;
        }
        assert_true((memcmp(first, got, 18 * sizeof *got) == 0) == (run == 3));
        free(got);
    }
    free(first);
    lens_dataset_free(data);
}

/* ---- ten crops ------------------------------------------------------------------------------ */

static void ten_crops_are_corners_middle_and_mirrors(void **state) {
    (void)state;
    const float image[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    const float views[10] = {1, 3, 7, 9, 5, 1, 3, 7, 9, 5};
    lens_dataset *data = copies(3, 1, 3, 3, image);
    lens_loader_opts opts = in_order((lens_augment){0}, 0, 0);
    opts.ten_crop = true;
    opts.preprocess.side = 3;
    opts.input = (lens_shape){1, 1, 1, 1};
    opts.batch = 7;
    lens_loader *loader;
    lens_batch batch;
    assert_ok(lens_loader_new(&loader, data, &opts));
    size_t at = 0;
    while (lens_loader_next(loader, &batch))
        for (size_t i = 0; i < batch.count; i++, at++) {
            assert_int_equal(batch.order[i], at / 10);
            assert_true(batch.images[i] == views[at % 10]);
        }
    assert_int_equal(at, 30);
    lens_loader_free(loader);
    const float two_wide[10][4] = {{1, 2, 4, 5}, {2, 3, 5, 6}, {4, 5, 7, 8}, {5, 6, 8, 9},
                                   {1, 2, 4, 5}, {2, 1, 5, 4}, {3, 2, 6, 5}, {5, 4, 8, 7},
                                   {6, 5, 9, 8}, {2, 1, 5, 4}};
    opts.input = (lens_shape){1, 1, 2, 2};
    opts.batch = 30;
    assert_ok(lens_loader_new(&loader, data, &opts));
    assert_true(lens_loader_next(loader, &batch));
    assert_int_equal(batch.count, 30);
    assert_memory_equal(batch.images, two_wide, sizeof two_wide);
    lens_loader_free(loader);
    opts.preprocess.side = 2;
    assert_fails(lens_loader_new(&loader, data, &opts), LENS_BAD_ARGUMENT,
                 "ten crops need a preprocess.side larger than the input's 2");
    lens_dataset_free(data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_read_and_printed),
        cmocka_unit_test(wrong_words_are_named),
        cmocka_unit_test(values_outside_their_rules_are_named),
        cmocka_unit_test(a_flip_mirrors_every_other_time),
        cmocka_unit_test(crops_are_every_part_equally),
        cmocka_unit_test(pad_and_crop_moves_over_black),
        cmocka_unit_test(lighting_is_the_formula_in_numpy),
        cmocka_unit_test(lighting_comes_before_preprocessing),
        cmocka_unit_test(any_number_of_threads_makes_the_same),
        cmocka_unit_test(a_resumed_run_sees_the_same),
        cmocka_unit_test(seeds_epochs_and_images_differ),
        cmocka_unit_test(ten_crops_are_corners_middle_and_mirrors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
