/* toy.h: a problem that a tiny network learns in a second: which part of a noisy picture is bright.
 */
#ifndef LENSLET_TESTS_TOY_H
#define LENSLET_TESTS_TOY_H

#include "support.h"

#include <stdlib.h>
#include <string.h>

#define TOY_SIZE 6

/* n pictures of 6 x 6 in `classes` <= 4 classes: a quarter is brighter by 1 than the noise of
 * -0.6 .. 0.6. Freed by the caller. */
static inline lens_dataset *toy_data(size_t n, size_t classes, uint64_t seed) {
    float *images = test_reals(n * TOY_SIZE * TOY_SIZE, seed);
    int32_t *labels = malloc(n * sizeof *labels);
    assert_non_null(labels);
    for (size_t i = 0; i < n; i++) {
        labels[i] = (int32_t)(test_random(seed, i) % classes);
        for (size_t p = 0; p < TOY_SIZE; p++)
            for (size_t q = 0; q < TOY_SIZE; q++) {
                int32_t quarter = (int32_t)(2 * (p / (TOY_SIZE / 2)) + q / (TOY_SIZE / 2));
                float *pixel = &images[(i * TOY_SIZE + p) * TOY_SIZE + q];
                *pixel = 0.6f * *pixel + (float)(quarter == labels[i]);
            }
    }
    lens_dataset *data;
    assert_ok(
        lens_dataset_from_memory(&data, (lens_shape){n, 1, TOY_SIZE, TOY_SIZE}, images, labels));
    free(images);
    free(labels);
    return data;
}

/* A network that tells `outputs` quarters apart; its input is 1x8x8, so the pictures have to be
 * resized. With one output it ends in a sigmoid. Freed by the caller. */
static inline lens_net_spec *toy_net(size_t outputs) {
    lens_layer_spec layers[5] = {{.name = "conv", .kind = LENS_LAYER_CONV2D},
                                 {.name = "pool", .kind = LENS_LAYER_POOL2D},
                                 {.name = "flatten", .kind = LENS_LAYER_FLATTEN},
                                 {.name = "dense", .kind = LENS_LAYER_DENSE},
                                 {.name = "softmax", .kind = LENS_LAYER_SOFTMAX}};
    layers[0].conv2d.filters = 4;
    layers[0].conv2d.kernel_h = layers[0].conv2d.kernel_w = 3;
    layers[0].conv2d.opts = lens_conv2d_defaults();
    layers[0].conv2d.opts.activation = lens_activation_of(LENS_TANH);
    layers[1].pool2d.opts = lens_pool2d_defaults(LENS_POOL_AVERAGE, 2);
    layers[3].dense.units = outputs;
    layers[3].dense.opts.activation = lens_activation_of(outputs == 1 ? LENS_SIGMOID : LENS_LINEAR);
    lens_net_spec spec = {.name = "toy",
                          .input = {1, 1, 8, 8},
                          .layer_count = outputs == 1 ? 4 : 5,
                          .layers = layers};
    lens_net_spec *copy;
    assert_ok(lens_net_spec_copy(&copy, &spec));
    return copy;
}

/* The same with what a step changes or draws besides the weights: lrn, batchnorm and dropout. */
static inline lens_net_spec *toy_net_normalised(size_t outputs) {
    static const lens_layer_kind kinds[] = {LENS_LAYER_LRN, LENS_LAYER_BATCHNORM,
                                            LENS_LAYER_DROPOUT};
    static const char *const names[] = {"lrn", "batchnorm", "dropout"};
    lens_net_spec *plain = toy_net(outputs), *copy;
    lens_layer_spec layers[8];
    lens_net_spec spec = *plain;
    spec.layers = layers;
    spec.layer_count = plain->layer_count + 3;
    layers[0] = plain->layers[0];
    for (size_t i = 0; i < 3; i++) {
        memset(&layers[1 + i], 0, sizeof layers[1 + i]);
        layers[1 + i].kind = kinds[i];
        strcpy(layers[1 + i].name, names[i]);
    }
    layers[1].lrn = lens_lrn_defaults();
    layers[2].batchnorm = lens_batchnorm_defaults();
    layers[3].dropout = 0.25f;
    memcpy(layers + 4, plain->layers + 1, (plain->layer_count - 1) * sizeof layers[0]);
    assert_ok(lens_net_spec_copy(&copy, &spec));
    lens_net_spec_free(plain);
    return copy;
}

/* Floats as they are, batches of 16, three epochs. */
static inline lens_recipe toy_recipe(lens_optimizer_kind kind) {
    lens_recipe recipe = lens_recipe_defaults();
    recipe.epochs = 3;
    recipe.batch = 16;
    recipe.preprocess.scale = 1;
    recipe.optimizer = lens_optimizer_defaults(kind);
    recipe.optimizer.rate = kind <= LENS_NESTEROV ? 0.1f : 0.01f;
    return recipe;
}

#endif
