/* recipe.c: how each network of the zoo is trained: as its source notebook does, and as we do. */
#include "train/recipe.h"
#include "core/error.h"

#include <assert.h>
#include <math.h>
#include <string.h>

lens_recipe lens_recipe_defaults(void) {
    return (lens_recipe){
        .epochs = 5,
        .batch = 32,
        .optimizer = lens_optimizer_defaults(LENS_ADAM),
        .schedule = {.kind = LENS_CONSTANT, .gamma = 0.1f, .every = 1, .warmup = 0},
        .loss = LENS_SPARSE_CROSS_ENTROPY,
        .preprocess = {.scale = 1.0f / 255, .std = {1, 1, 1}},
    };
}

/* ---- what pictures become -------------------------------------------------------------------- */

/* Values of about zero mean and unit variance, as the initialisers assume. */
static lens_preprocess centred(void) {
    return (lens_preprocess){
        .scale = 1.0f / 255, .mean = {0.5f, 0.5f, 0.5f}, .std = {0.25f, 0.25f, 0.25f}};
}

/* The same of pictures that are cut out of a shorter side of 256. */
static lens_preprocess centred_256(void) {
    lens_preprocess preprocess = centred();
    preprocess.side = 256;
    return preprocess;
}

/* LeCun et al. 1998, section II.B: white is -0.1 and black 1.175, and the 28 x 28 pictures stand in
 * the middle of 32 x 32 of white. (Their digits are black on white; here the ink has the large
 * values, too.) */
static lens_preprocess input_1998(void) {
    return (lens_preprocess){.scale = 1.0f / 255,
                             .mean = {0.1f / 1.275f, 0.1f / 1.275f, 0.1f / 1.275f},
                             .std = {1 / 1.275f, 1 / 1.275f, 1 / 1.275f},
                             .side = 28};
}

/* Krizhevsky et al. 2012: the mean taken off values of 0 .. 255; crops from a shorter side of 256.
 */
static lens_preprocess input_2012(void) {
    lens_preprocess preprocess = {.scale = 1, .mean = {124, 117, 104}, .std = {1, 1, 1}};
    preprocess.side = 256;
    return preprocess;
}

/* ---- the notebooks' ------------------------------------------------------------------------- */

/* Keras's defaults for whatever is not listed: Glorot uniform, constant rate 0.001. */
typedef struct notebook_row {
    const char *model;
    lens_optimizer_kind optimizer;
    size_t batch, epochs;
    size_t validation;
    bool validation_first, keep_best;
    float rate; /* default: the optimizer's */
    lens_schedule_kind schedule;
    lens_initializer_kind initializer;
    lens_preprocess (*preprocess)(void); /* default: 0 .. 1 */
    lens_augment augment;
    float l2;
} notebook_row;

static const notebook_row notebook[] = {
    {"lenet5", LENS_ADAM, 32, 5},
    {"lenet5-same", LENS_ADAM, 32, 5},
    {"lenet5-max", LENS_ADAM, 64, 5},
    {"lenet5-relu", LENS_ADAM, 128, 10},
    /* described in its notebook, never trained there: as its neighbours */
    {"lenet5-sigmoid", LENS_ADAM, 64, 10},
    {"lenet5-cifar10", LENS_ADAM, 128, 2, .validation = 5000, .validation_first = true},
    /* the paper's: images one by one, and its schedule. Its rates are 0.0005 and less, over a bound
     * of each weight's curvature: 7e-5 to 0.016 at first. One rate for all is their geometric mean.
     */
    {"lenet5-1998", LENS_SGD, 1, 20, .rate = 1e-3f, .schedule = LENS_LECUN1998,
     .initializer = LENS_LECUN1998_UNIFORM, .preprocess = input_1998},
    /* the best epoch is chosen on held-out training images, so that the test stays a test */
    {"digits-cnn", LENS_RMSPROP, 64, 10, .validation = 6000, .keep_best = true},
    {"alexnet-mini", LENS_ADAM, 128, 5},
    {"alexnet-mnist", LENS_ADAM, 32, 3},
    {"alexnet-cifar10", LENS_ADAM, 64, 5},
    /* described in their notebooks, not trained there: as their neighbour alexnet-bn */
    {"binary-cnn", LENS_ADAM, 16, 10},
    {"alexnet-bn", LENS_ADAM, 16, 2, .preprocess = lens_preprocess_caffe},
    {"alexnet-valid", LENS_ADAM, 16, 2, .preprocess = lens_preprocess_caffe},
    {"alexnet", LENS_ADAM, 16, 2, .preprocess = lens_preprocess_caffe},
    /* the paper's */
    {"alexnet-2012", LENS_MOMENTUM, 128, 90, .rate = 0.01f, .initializer = LENS_RANDOM_NORMAL,
     .schedule = LENS_PLATEAU, .preprocess = input_2012,
     .augment = {.flip = true, .crop = true, .lighting = 0.1f}, .l2 = 5e-4f},
};

static void apply_notebook(lens_recipe *recipe, const notebook_row *row) {
    recipe->optimizer = lens_optimizer_defaults(row->optimizer);
    recipe->optimizer.l2 = row->l2;
    if (row->rate > 0)
        recipe->optimizer.rate = row->rate;
    if (row->preprocess)
        recipe->preprocess = row->preprocess();
    recipe->augment = row->augment;
    recipe->schedule.kind = row->schedule;
    recipe->batch = row->batch;
    recipe->epochs = row->epochs;
    recipe->validation = row->validation;
    recipe->validation_first = row->validation_first;
    recipe->keep_best = row->keep_best;
}

/* ---- ours ----------------------------------------------------------------------------------- */

/* A short warm-up and a rate that falls to 0 along a cosine: in as few epochs as the notebooks
 * take, most of what a constant rate leaves on the table is the noise of its last steps. The tanh
 * networks end in a better place with momentum than with Adam, which fits their training set and
 * less of the test set. */
typedef struct own_row {
    const char *model;
    lens_optimizer_kind optimizer;
    size_t batch, epochs;
    float rate;
    float weight_decay; /* decoupled, per unit of rate */
    lens_initializer_kind initializer;
    lens_preprocess (*preprocess)(void); /* default: 0 .. 1 */
    lens_augment augment;
} own_row;

#define FLIP_AND_CROP                                                                              \
    { .flip = true, .crop = true }

static const own_row own[] = {
    {"lenet5", LENS_MOMENTUM, 32, 5, 0.03f, 5e-3f, LENS_HE_UNIFORM},
    {"lenet5-same", LENS_MOMENTUM, 32, 5, 0.03f, 5e-3f, LENS_HE_UNIFORM},
    {"lenet5-max", LENS_ADAMW, 32, 5, 2e-3f, 0.01f, LENS_GLOROT_UNIFORM},
    {"lenet5-relu", LENS_ADAMW, 64, 10, 2e-3f, 0.01f, LENS_HE_UNIFORM},
    /* sigmoids pass on a quarter of a gradient at most: larger steps */
    {"lenet5-sigmoid", LENS_ADAM, 64, 10, 4e-3f, 0, LENS_GLOROT_UNIFORM},
    {"lenet5-cifar10", LENS_MOMENTUM, 32, 10, 0.03f, 0.01f, LENS_HE_UNIFORM},
    {"lenet5-1998", LENS_MOMENTUM, 32, 20, 1e-3f, 0, LENS_LECUN1998_UNIFORM, input_1998},
    {"digits-cnn", LENS_ADAMW, 64, 10, 1e-3f, 0.05f, LENS_HE_UNIFORM},
    {"alexnet-mini", LENS_ADAMW, 64, 5, 1e-3f, 0.05f, LENS_HE_UNIFORM},
    {"alexnet-mnist", LENS_ADAMW, 32, 3, 5e-4f, 0.05f, LENS_HE_UNIFORM},
    {"alexnet-cifar10", LENS_ADAMW, 64, 5, 3e-4f, 0.05f, LENS_HE_UNIFORM, centred},
    /* behind batch normalisation 4096 inputs of unit size meet in the last unit: small steps */
    {"alexnet-bn", LENS_ADAMW, 16, 12, 5e-5f, 0.05f, LENS_HE_UNIFORM, centred_256, FLIP_AND_CROP},
    {"binary-cnn", LENS_ADAMW, 16, 20, 1e-4f, 0.05f, LENS_HE_UNIFORM, centred_256, FLIP_AND_CROP},
    {"alexnet-valid", LENS_ADAMW, 16, 12, 1e-4f, 0.05f, LENS_HE_UNIFORM, centred_256,
     FLIP_AND_CROP},
    {"alexnet", LENS_ADAMW, 16, 12, 1e-4f, 0.05f, LENS_HE_UNIFORM, centred_256, FLIP_AND_CROP},
    /* Its biases of 1 ask for the paper's small weights, and those for the paper's large inputs:
     * with inputs of unit size the picture is lost beside the biases, and nothing is learnt. */
    {"alexnet-2012", LENS_ADAMW, 16, 12, 1e-4f, 0.05f, LENS_RANDOM_NORMAL, input_2012,
     FLIP_AND_CROP},
};

#define WARMUP_STEPS 200

static void apply_own(lens_recipe *recipe, const own_row *row) {
    recipe->optimizer = lens_optimizer_defaults(row->optimizer);
    recipe->optimizer.rate = row->rate;
    recipe->optimizer.weight_decay = row->weight_decay;
    recipe->schedule.kind = LENS_COSINE;
    recipe->schedule.warmup = WARMUP_STEPS;
    recipe->batch = row->batch;
    recipe->epochs = row->epochs;
    if (row->preprocess)
        recipe->preprocess = row->preprocess();
    recipe->augment = row->augment;
}

/* ---- by name -------------------------------------------------------------------------------- */

static void set_initializers(lens_net_spec *spec, lens_initializer_kind initializer) {
    for (size_t i = 0; i < spec->layer_count; i++) {
        if (spec->layers[i].kind == LENS_LAYER_CONV2D)
            spec->layers[i].conv2d.initializer.kind = initializer;
        if (spec->layers[i].kind == LENS_LAYER_DENSE)
            spec->layers[i].dense.initializer.kind = initializer;
        if (spec->layers[i].kind == LENS_LAYER_SUBSAMPLE)
            spec->layers[i].subsample.initializer.kind = initializer;
    }
}

lens_status lens_recipe_for(lens_recipe *out, lens_net_spec *spec, const char *name) {
    assert(out && spec);
    lens_recipe recipe = lens_recipe_defaults();
    recipe.loss = lens_net_spec_loss(spec);
    if (!name || strcmp(name, "default") == 0) {
        for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
            if (strcmp(own[i].model, spec->name) == 0) {
                apply_own(&recipe, &own[i]);
                set_initializers(spec, own[i].initializer);
            }
    } else if (strcmp(name, "notebook") == 0) {
        for (size_t i = 0; i < sizeof notebook / sizeof notebook[0]; i++)
            if (strcmp(notebook[i].model, spec->name) == 0) {
                apply_notebook(&recipe, &notebook[i]);
                set_initializers(spec, notebook[i].initializer);
            }
    } else {
        return lens_fail(LENS_BAD_ARGUMENT,
                         "there is no recipe \"%.64s\"; there are default and notebook", name);
    }
    *out = recipe;
    return LENS_OK;
}

/* ---- what can be trained with --------------------------------------------------------------- */

static lens_status check_number(const char *what, double value, double least, double most) {
    if (value >= least && value <= most)
        return LENS_OK;
    return lens_fail(LENS_BAD_ARGUMENT, "recipe: %s is %g, it must be in %g .. %g", what, value,
                     least, most);
}

lens_status lens_recipe_check(const lens_recipe *recipe) {
    const lens_optimizer_opts *optimizer = &recipe->optimizer;
    LENS_TRY(check_number("epochs", (double)recipe->epochs, 1, 1e6));
    LENS_TRY(check_number("batch", (double)recipe->batch, 1, INT32_MAX));
    LENS_TRY(lens_preprocess_check(&recipe->preprocess));
    LENS_TRY(check_number("rate", optimizer->rate, 0, 1e6));
    LENS_TRY(check_number("min_delta", recipe->min_delta, 0, 1e6));
    LENS_TRY(check_number("clip_norm", optimizer->clip_norm, 0, 1e30));
    LENS_TRY(check_number("gamma", recipe->schedule.gamma, 0, 1e6));
    LENS_TRY(check_number("optimizer", optimizer->kind, 0, LENS_ADAMW));
    LENS_TRY(check_number("schedule", recipe->schedule.kind, 0, LENS_LECUN1998));
    return check_number("loss", recipe->loss, 0, LENS_MAP);
}
