/* lenet.c: train LeNet-5 on a directory of IDX files with the library.
 *
 *     lenet /usr/share/datasets/fashion-mnist
 */
#include "lenslet/lenslet.h"

#include <stdio.h>

static bool print_epoch(const lens_epoch_report *report, void *user) {
    (void)user;
    printf("epoch %zu: loss %.4f, test accuracy %.2f %%, %.0f images/s\n", report->epoch,
           report->train.loss, 100 * report->validation.accuracy, report->images_per_second);
    return true; /* go on */
}

static lens_status train(lens_context *context, lens_net_spec *spec, const lens_dataset *images,
                         const lens_dataset *test_images) {
    lens_recipe recipe;
    lens_trainer *trainer = NULL;
    lens_train_callbacks callbacks = {.epoch = print_epoch};
    lens_status status = lens_recipe_for(&recipe, spec, "default");
    recipe.epochs = 2;
    if (status == LENS_OK)
        status = lens_trainer_new(&trainer, context, spec, &recipe, 1, images, test_images);
    if (status == LENS_OK)
        status = lens_trainer_run(trainer, &callbacks);
    if (status == LENS_OK)
        status = lens_trainer_save(trainer, "lenet5-relu.safetensors");
    lens_trainer_free(trainer);
    return status;
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: lenet DIRECTORY\n");
        return 2;
    }
    lens_context *context = NULL;
    lens_net_spec *spec = NULL;
    lens_dataset *images = NULL, *test_images = NULL;
    lens_status status = lens_context_open(&context, NULL, NULL); /* the best device there is */
    if (status == LENS_OK)
        status = lens_model_spec(&spec, "lenet5-relu");
    if (status == LENS_OK)
        status = lens_dataset_read_dir(&images, argv[1], LENS_SPLIT_TRAIN);
    if (status == LENS_OK)
        status = lens_dataset_read_dir(&test_images, argv[1], LENS_SPLIT_TEST);
    if (status == LENS_OK)
        status = train(context, spec, images, test_images);
    if (status != LENS_OK)
        fprintf(stderr, "lenet: %s\n", lens_last_error());
    lens_dataset_free(test_images);
    lens_dataset_free(images);
    lens_net_spec_free(spec);
    lens_context_free(context);
    return status != LENS_OK;
}
