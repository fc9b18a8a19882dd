/* train.h: recipes, the training loop, evaluation, checkpoints.
 */
#ifndef LENSLET_TRAIN_H
#define LENSLET_TRAIN_H

#include "lenslet/data.h"
#include "lenslet/net.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- learning rate over time ----------------------------------------------------------------
 * rate(step) = base rate * factor(step), with `steps` in the whole run, counted from 0, after a
 * warm-up in which the factor grows linearly from 1/warmup to 1. */

typedef enum lens_schedule_kind {
    LENS_CONSTANT,    /* 1 */
    LENS_STEP,        /* gamma ^ floor(epoch / every) */
    LENS_EXPONENTIAL, /* gamma ^ epoch, epoch a fraction */
    LENS_COSINE,      /* (1 + cos(pi progress)) / 2: Loshchilov and Hutter 2016 */
    LENS_PLATEAU,     /* gamma ^ drops; a drop whenever `every` epochs in a row were no better */
    LENS_LECUN1998    /* 1 for 2 epochs, 0.4 for 3, 0.2 for 3, 0.1 for 4, then 0.02: LeCun et al. */
} lens_schedule_kind;

typedef struct lens_schedule {
    lens_schedule_kind kind; /* default constant */
    float gamma;             /* default 0.1 */
    size_t every;            /* epochs, default 1; plateau: 5 is usual */
    size_t warmup;           /* steps, default 0 */
} lens_schedule;

/* "constant", "step", "exponential", "cosine", "plateau", "lecun1998". Never NULL. */
LENS_API const char *lens_schedule_name(lens_schedule_kind kind);

/* The factor at `step` of a run of `steps` steps, `steps_per_epoch` each epoch, when a plateau has
 * been met `drops` times. */
LENS_API float lens_schedule_factor(const lens_schedule *schedule, uint64_t step,
                                    uint64_t steps_per_epoch, uint64_t steps, uint64_t drops);

/* ---- recipes --------------------------------------------------------------------------------- */

#define LENS_SCALES_SIZE 256

/* Everything that decides a run besides the network, the data and the seed.
 *
 * An epoch is better than those before when its loss, of validation if there is one and else of
 * training, is below the least so far by more than min_delta; plateau and patience count epochs
 * that are not. */
typedef struct lens_recipe {
    size_t epochs;                 /* default 5 */
    size_t batch;                  /* default 32 */
    lens_optimizer_opts optimizer; /* default Adam */
    lens_schedule schedule;
    lens_loss_kind loss;        /* default sparse cross-entropy */
    lens_preprocess preprocess; /* default scale 1/255 */
    lens_augment augment;       /* of training images, default none */
    size_t validation;          /* images held out of the training set, default 0 */
    bool validation_first;      /* the first ones (lenet5-cifar10's notebook); default the last */
    bool keep_best;             /* end with the weights of the best validation accuracy */
    size_t patience;            /* stop after so many epochs that are no better; default 0: never */
    float min_delta;            /* default 0 */
    /* Multiples of the rate, and of l2 and weight_decay, for layers by name, as
     * "conv2d_1=0,dense_3=10"; 1 for layers that are not named. A layer whose rate is 0 keeps its
     * parameters (running statistics move on). Biases and what normalises never decay
     * (lens_parameter.decays), whatever is said here. */
    char layer_rates[LENS_SCALES_SIZE], layer_decays[LENS_SCALES_SIZE];
    /* How many times the loss of an image of class 0, 1, ... counts, as "1,2.5,0.5"; "balanced":
     * images / (classes * images of the class), so that every class weighs the same; default "": 1
     * each. The losses of training are then the weighted ones, those of validation never are. */
    char class_weights[LENS_SCALES_SIZE];
} lens_recipe;

LENS_API lens_recipe lens_recipe_defaults(void);

/* The recipe shipped with a model of the zoo (`name` NULL or "default") or its source notebook's
 * ("notebook"); the defaults for a network that is not of the zoo. The recipe may also choose the
 * initializers, which are set in `spec`. BAD_ARGUMENT for an unknown recipe. */
LENS_API lens_status lens_recipe_for(lens_recipe *out, lens_net_spec *spec, const char *name);

/* The recipe that the weights in a .safetensors file were trained by: what a checkpoint says, else
 * what lens_recipe_for() has for the network. */
LENS_API lens_status lens_recipe_open(lens_recipe *out, lens_net_spec *spec, const char *path);

/* ---- diagnosis ------------------------------------------------------------------------------- */

typedef struct lens_metrics {
    double loss;     /* mean over the images */
    double accuracy; /* 0 .. 1 */
    size_t images;
} lens_metrics;

/* What keeps a network from learning: the words of tables and JSON. */
#define LENS_TROUBLE_MAP(X)                                                                        \
    X(NONE, "none")                                                                                \
    X(NOT_FINITE, "not finite")     /* weights, outputs or gradients with NaN or infinity */       \
    X(DEAD_UNITS, "dead units")     /* 3 of 4 units of a relu are 0 for every image */             \
    X(SAME_OUTPUTS, "same outputs") /* for every image, but for a thousandth of their size */      \
    X(NO_GRADIENT, "no gradient")   /* of the weights: below 1e-8, root of the mean square */

typedef enum lens_trouble {
#define X(name, text) LENS_TROUBLE_##name,
    LENS_TROUBLE_MAP(X)
#undef X
} lens_trouble;

/* "dead units"; and what is worth a try. Never NULL. */
LENS_API const char *lens_trouble_name(lens_trouble trouble);
LENS_API const char *lens_trouble_advice(lens_trouble trouble);

/* One layer as a batch of images finds it. rms is the root of the mean square. */
typedef struct lens_layer_health {
    const char *name, *type; /* borrowed from the net and the library */
    size_t units;            /* channels of a relu's output; 0 for other layers */
    size_t dead;             /* of them, those that are 0 for every image, everywhere */
    double output_rms;
    double spread;        /* rms of the outputs less their mean over the images, over output_rms; 0
                             where all are 0 */
    double weight_rms;    /* of the weights, without biases; 0 where there are none, as below */
    double gradient_rms;  /* of the mean loss, with respect to the trained weights */
    bool trained;         /* it has weights with a gradient */
    bool finite;          /* weights, biases and outputs; */
    bool finite_gradient; /* and the gradients of the former */
} lens_layer_health;

typedef struct lens_diagnosis {
    lens_metrics metrics; /* of these images */
    double constant_loss; /* the least that one answer for all images would get, by the labels of
                             the whole data set; NaN for the loss map, and for a single class */
    size_t layer_count;
    lens_layer_health *layers; /* owned by the diagnosis */
    lens_trouble trouble;      /* the first in the list above that any layer has. But for numbers
                                  that are not finite only when the loss is at least 0.9 times
                                  constant_loss: a network that has learned may have such layers */
    size_t layer;              /* the first with that trouble; of gradients, where it spreads from
                                  the output towards the input, the last */
} lens_diagnosis;

/* One forward and backward pass, as in training, of `images` of the data (0: 64; never more than
 * there are), drawn from all over it, without augmentation. `net` stays as it is; a copy of it is
 * made on its device, which needs the memory. */
LENS_API lens_status lens_diagnose(lens_diagnosis **out, const lens_net *net,
                                   const lens_dataset *data, const lens_preprocess *preprocess,
                                   size_t images);
LENS_API void lens_diagnosis_free(lens_diagnosis *diagnosis); /* NULL is allowed */

/* ---- trainer --------------------------------------------------------------------------------- */

/* A run whose loss has not been better than that of one answer for all images (0.98 times
 * constant_loss), in every 50 steps of the latest `steps`. Steps of the warm-up do not count. */
typedef struct lens_collapse {
    uint64_t step;        /* steps done when it was found */
    uint64_t steps;       /* that it had lasted by then */
    double loss;          /* mean over the latest of them */
    lens_trouble trouble; /* NONE: every layer looks well */
    const char *layer;    /* as in lens_diagnosis, borrowed from the trainer; NULL for NONE */
} lens_collapse;

typedef struct lens_epoch_report {
    size_t epoch; /* counted from 1 */
    lens_metrics train;
    lens_metrics validation; /* images = 0: there was none */
    double rate;             /* the learning rate of its last step */
    double seconds;          /* training only; since the run was resumed, if that was later */
    double images_per_second;
    double waited_seconds;         /* for the loader */
    bool out_of_patience;          /* the run ends here, before its last epoch */
    const lens_collapse *collapse; /* NULL: the run is well; borrowed for the call */
} lens_epoch_report;

typedef struct lens_progress {
    const char *phase; /* "train", "validation" */
    size_t epoch, epochs;
    size_t image, images; /* of this phase */
    lens_metrics so_far;  /* of this phase */
    double seconds;
    const lens_collapse *collapse; /* NULL: the run is well; borrowed for the call */
} lens_progress;

/* Called between steps. Return false to stop: the run ends with INTERRUPTED, its state whole. */
typedef struct lens_train_callbacks {
    bool (*progress)(const lens_progress *progress, void *user); /* may be NULL */
    bool (*epoch)(const lens_epoch_report *report, void *user);  /* may be NULL */
    double progress_seconds; /* at most one progress call in that time; each costs a read */
    void *user;
} lens_train_callbacks;

/* A network, its data, its recipe, and how far the run has come. */
typedef struct lens_trainer lens_trainer;

/* `train_data` and `test_data` must outlive the trainer. `validation` images are held out of
 * `train_data` if the recipe says so; otherwise `test_data` (NULL allowed) is what each epoch is
 * validated on. Data whose size is not the net's input is resized on the device, bilinear. */
LENS_API lens_status lens_trainer_new(lens_trainer **out, lens_context *context,
                                      const lens_net_spec *spec, const lens_recipe *recipe,
                                      uint64_t seed, const lens_dataset *train_data,
                                      const lens_dataset *test_data);
LENS_API void lens_trainer_free(lens_trainer *trainer); /* NULL is allowed */

/* Train to the end of the recipe's epochs. OK when done, INTERRUPTED when a callback said so.
 *
 * Every 50 steps and at the end of an epoch the loss is looked at. When it is no longer finite the
 * run ends with DIVERGED, naming the step and the first layer with such numbers; the net then holds
 * the best weights if the recipe keeps them. When it is no
 * better than that of one answer for all images, for 100 steps after the warm-up, the layers are
 * looked at as by lens_diagnose(), and again after 200, 400, ... steps. A trouble that is found, or
 * an epoch of that (1000 steps at least) without one, is a collapse, which reports then carry until
 * the loss is better. */
LENS_API lens_status lens_trainer_run(lens_trainer *trainer, const lens_train_callbacks *callbacks);

/* Borrowed. */
LENS_API lens_net *lens_trainer_net(const lens_trainer *trainer);
LENS_API const lens_recipe *lens_trainer_recipe(const lens_trainer *trainer);
LENS_API uint64_t lens_trainer_step(const lens_trainer *trainer); /* steps done */
LENS_API uint64_t lens_trainer_seed(const lens_trainer *trainer);

/* Write weights, optimizer slots, step, seed, recipe, architecture and names of classes as
 * safetensors: to a temporary file beside `path`, synced, then renamed. DIVERGED, and nothing is
 * written, when a weight is not a finite number. */
LENS_API lens_status lens_trainer_save(const lens_trainer *trainer, const char *path);

/* The names of the classes that a checkpoint's network was trained on, in their order; one may be
 * NULL. NULL and 0 when the file has none. The caller frees them. BAD_FILE when it cannot be read.
 */
LENS_API lens_status lens_class_names_open(char ***names, size_t *count, const char *path);
LENS_API void lens_class_names_free(char **names, size_t count); /* NULL is allowed */

/* A trainer that goes on from such a file: network, seed and recipe are the file's, but for the
 * epochs, which `epochs` may raise (0: the file's). Its run equals, bit for bit, one that was never
 * stopped. Context and data as in lens_trainer_new(); the data must be the run's. `expected`, NULL
 * allowed, is the network that it should be: names and initialisers may differ. BAD_FILE for what
 * is no whole checkpoint, BAD_ARGUMENT for one of another network or other data. */
LENS_API lens_status lens_trainer_resume(lens_trainer **out, lens_context *context,
                                         const lens_net_spec *expected, const char *path,
                                         size_t epochs, const lens_dataset *train_data,
                                         const lens_dataset *test_data);

/* ---- evaluation ------------------------------------------------------------------------------ */

/* Loss and accuracy of `net` on `data`, preprocessed as in training. `predictions` (may be NULL):
 * the class of each image, -1 where it could not be read. `scores` (may be NULL): n x classes
 * outputs of the net, untouched there. */
LENS_API lens_status lens_evaluate(lens_metrics *metrics, lens_net *net, const lens_dataset *data,
                                   const lens_preprocess *preprocess, int32_t *predictions,
                                   float *scores, const lens_train_callbacks *callbacks);

/* The same by ten views of each image: the four corners and the middle of the picture, resized to
 * preprocess->side, and their mirror images. An image's scores are the mean of the ten; the loss is
 * the cross-entropy of that mean. UNSUPPORTED for a network that does not end in probabilities
 * (softmax or sigmoid); BAD_ARGUMENT when `side` is not above the input's shorter side. */
LENS_API lens_status lens_evaluate_ten_crop(lens_metrics *metrics, lens_net *net,
                                            const lens_dataset *data,
                                            const lens_preprocess *preprocess, int32_t *predictions,
                                            float *scores, const lens_train_callbacks *callbacks);

#ifdef __cplusplus
}
#endif

#endif
