/* train_options.c: what `lenslet train` can be told, and the recipe that comes of it. */
#include "train_options.h"
#include "model.h"

#include <math.h>
#include <string.h>

const option train_option_rows[] = {
    {"data", 0, OPTION_TEXT, "DIR", "directory of IDX files, CIFAR or image folders",
     offsetof(train_options, data)},
    {"epochs", 'e', OPTION_COUNT, "E", "passes over the training images; default: the recipe's",
     offsetof(train_options, epochs), 1, 1e6},
    {"batch-size", 'b', OPTION_COUNT, "B", "images a step; default: the recipe's",
     offsetof(train_options, batch), 1, 1 << 20},
    {"seed", 's', OPTION_SEED, "S", "of weights and order; default 0",
     offsetof(train_options, seed)},
    {"recipe", 0, OPTION_TEXT, "NAME", "default, or notebook: as in the model's source notebook",
     offsetof(train_options, recipe)},
    {"optimizer", 0, OPTION_CHOICE, "recipe|sgd|momentum|nesterov|rmsprop|adam|adamw",
     "with Keras's defaults", offsetof(train_options, optimizer)},
    {"lr", 0, OPTION_REAL, "RATE", "learning rate", offsetof(train_options, rate), 0, 1e6},
    {"schedule", 0, OPTION_CHOICE, "recipe|constant|step|exponential|cosine|plateau|lecun1998",
     "of the learning rate; plateau: times --gamma when the loss gets no better",
     offsetof(train_options, schedule)},
    {"warmup", 0, OPTION_COUNT, "STEPS", "in which the rate grows to its value",
     offsetof(train_options, warmup), 0, 1e9},
    {"gamma", 0, OPTION_REAL, "G", "factor of step, exponential, plateau; default 0.1",
     offsetof(train_options, gamma), 0, 1},
    {"every", 0, OPTION_COUNT, "E", "epochs between steps; how many no better ones are a plateau",
     offsetof(train_options, every), 1, 1e6},
    {"l2", 0, OPTION_REAL, "L", "adds L times the weight to its gradient",
     offsetof(train_options, l2), 0, 1e6},
    {"weight-decay", 0, OPTION_REAL, "W", "decoupled weight decay; neither is for biases",
     offsetof(train_options, weight_decay), 0, 1e6},
    {"layer-rates", 0, OPTION_TEXT, "LIST",
     "multiples of the rate, as conv2d_1=0,dense_3=10; 0 leaves a layer as it is",
     offsetof(train_options, layer_rates)},
    {"layer-decays", 0, OPTION_TEXT, "LIST", "multiples of --l2 and --weight-decay, likewise",
     offsetof(train_options, layer_decays)},
    {"preprocess", 0, OPTION_CHOICE, "recipe|unit|caffe",
     "pixels to 0 .. 1, or as Caffe does: BGR less ImageNet's mean",
     offsetof(train_options, preprocess)},
    {"fit", 0, OPTION_CHOICE, "recipe|crop|stretch|pad",
     "pictures of other proportions than the net's input", offsetof(train_options, fit)},
    {"side", 0, OPTION_COUNT, "PIXELS",
     "resize pictures to this shorter side, then cut them to the input; 0: the input's",
     offsetof(train_options, side), 0, 16384},
    {"augment", 0, OPTION_TEXT, "LIST",
     "any of flip,crop,pad-crop:PIXELS,lighting, or none; crop sets --side to 8/7 of the input's "
     "when there is none",
     offsetof(train_options, augment)},
    {"strict", 0, OPTION_FLAG, NULL, "a picture that cannot be read is an error",
     offsetof(train_options, strict)},
    {"validation-split", 0, OPTION_REAL, "PART",
     "hold out the last part, 0 .. 0.9, of the training images; without it each epoch is "
     "validated on the test images",
     offsetof(train_options, validation_split), 0, 0.9},
    {"class-weights", 0, OPTION_TEXT, "LIST",
     "how much images of class 0, 1, ... count, as 1,2.5; or balanced: all classes alike",
     offsetof(train_options, class_weights)},
    {"patience", 0, OPTION_COUNT, "E",
     "stop after so many epochs whose validation loss was no better; 0: never",
     offsetof(train_options, patience), 0, 1e6},
    {"min-delta", 0, OPTION_REAL, "D", "what better means at least, for --patience and plateau",
     offsetof(train_options, min_delta), 0, 1e6},
    {"keep-best", 0, OPTION_FLAG, NULL,
     "keep the weights of the best validation accuracy and end with them",
     offsetof(train_options, keep_best)},
    {"out", 'o', OPTION_TEXT, "F.safetensors", "the checkpoint; default MODEL.safetensors",
     offsetof(train_options, out)},
    {"resume", 0, OPTION_TEXT, "F.safetensors",
     "go on where this checkpoint stopped; MODEL, seed and recipe are then the file's",
     offsetof(train_options, resume)},
    {"log", 0, OPTION_TEXT, "F.jsonl", "one JSON line per epoch; appended to when resuming",
     offsetof(train_options, log)},
    {"curve", 0, OPTION_TEXT, "F.svg", "draw the log so far after each epoch; needs --log",
     offsetof(train_options, curve)},
    {"quiet", 'q', OPTION_FLAG, NULL, "no progress bar and no notes",
     offsetof(train_options, quiet)},
    OPTION_DEVICE_ROW(train_options),
    OPTION_ALGORITHM_ROW(train_options),
    OPTION_PROFILE_ROW(train_options),
    OPTION_FORMAT_ROW(train_options),
    {0},
};

train_options train_options_defaults(void) {
    return (train_options){.seed = SEED_UNSET,
                           .epochs = COUNT_UNSET,
                           .batch = COUNT_UNSET,
                           .side = COUNT_UNSET,
                           .warmup = COUNT_UNSET,
                           .every = COUNT_UNSET,
                           .patience = COUNT_UNSET,
                           .rate = NAN,
                           .l2 = NAN,
                           .weight_decay = NAN,
                           .gamma = NAN,
                           .min_delta = NAN,
                           .validation_split = NAN};
}

/* ---- recipe -------------------------------------------------------------------------------- */

/* --preprocess, which keeps how pictures are fitted. */
static lens_preprocess preprocess_of(int chosen, const lens_preprocess *before) {
    lens_preprocess p = chosen == 2 ? lens_preprocess_caffe() : lens_recipe_defaults().preprocess;
    p.fit = before->fit;
    p.side = before->side;
    return p;
}

static lens_status set_preprocess(lens_recipe *recipe, const lens_net_spec *spec,
                                  const train_options *o) {
    lens_preprocess *p = &recipe->preprocess;
    if (o->preprocess)
        *p = preprocess_of(o->preprocess, p);
    if (o->fit)
        p->fit = (lens_fit)(o->fit - 1);
    if (o->side != COUNT_UNSET)
        p->side = o->side;
    if (o->augment)
        TRY(lens_augment_parse(&recipe->augment, o->augment));
    if (recipe->augment.crop && p->side == 0)
        p->side = model_crop_side(spec);
    return LENS_OK;
}

static lens_status copy_scales(char out[LENS_SCALES_SIZE], const char *what, const char *text) {
    if (strlen(text) >= LENS_SCALES_SIZE)
        return cli_fail(LENS_BAD_ARGUMENT, "%s has %zu characters, at most %d are allowed", what,
                        strlen(text), LENS_SCALES_SIZE - 1);
    strcpy(out, text);
    return LENS_OK;
}

/* How the weights move. */
static lens_status set_optimizer(lens_recipe *recipe, const train_options *o) {
    lens_optimizer_opts *optimizer = &recipe->optimizer;
    lens_schedule *schedule = &recipe->schedule;
    if (o->optimizer)
        *optimizer = lens_optimizer_defaults((lens_optimizer_kind)(o->optimizer - 1));
    if (!isnan(o->rate))
        optimizer->rate = (float)o->rate;
    if (!isnan(o->l2))
        optimizer->l2 = (float)o->l2;
    if (!isnan(o->weight_decay))
        optimizer->weight_decay = (float)o->weight_decay;
    if (o->schedule)
        schedule->kind = (lens_schedule_kind)(o->schedule - 1);
    if (!isnan(o->gamma))
        schedule->gamma = (float)o->gamma;
    if (o->every != COUNT_UNSET)
        schedule->every = o->every;
    if (o->warmup != COUNT_UNSET)
        schedule->warmup = o->warmup;
    if (o->layer_rates)
        TRY(copy_scales(recipe->layer_rates, "--layer-rates", o->layer_rates));
    if (o->layer_decays)
        TRY(copy_scales(recipe->layer_decays, "--layer-decays", o->layer_decays));
    if (o->class_weights)
        TRY(copy_scales(recipe->class_weights, "--class-weights", o->class_weights));
    return LENS_OK;
}

static size_t held_out(double part, const lens_dataset *data) {
    return (size_t)(part * (double)lens_dataset_shape(data).n + 0.5);
}

/* When it ends and with which weights. */
static void set_end(lens_recipe *recipe, const train_options *o, const lens_dataset *data) {
    if (!isnan(o->validation_split)) {
        recipe->validation = held_out(o->validation_split, data);
        recipe->validation_first = false;
    }
    if (o->patience != COUNT_UNSET)
        recipe->patience = o->patience;
    if (!isnan(o->min_delta))
        recipe->min_delta = (float)o->min_delta;
    recipe->keep_best |= o->keep_best;
    if (o->epochs != COUNT_UNSET)
        recipe->epochs = o->epochs;
}

lens_status train_recipe(lens_recipe *recipe, lens_net_spec *spec, const train_options *o,
                         const lens_dataset *data) {
    TRY(lens_recipe_for(recipe, spec, o->recipe));
    TRY(set_optimizer(recipe, o));
    if (o->batch != COUNT_UNSET)
        recipe->batch = o->batch;
    TRY(set_preprocess(recipe, spec, o));
    set_end(recipe, o, data);
    return LENS_OK;
}

static bool is_augment(const lens_augment *augment, const char *text) {
    lens_augment asked;
    char ours[LENS_AUGMENT_TEXT], theirs[LENS_AUGMENT_TEXT];
    return lens_augment_parse(&asked, text) == LENS_OK &&
           !strcmp(lens_augment_text(augment, ours), lens_augment_text(&asked, theirs));
}

static bool is_preprocess(const lens_preprocess *p, int chosen) {
    lens_preprocess asked = preprocess_of(chosen, p);
    bool same = p->scale == asked.scale && p->bgr == asked.bgr;
    for (size_t c = 0; c < 3; c++)
        same = same && p->mean[c] == asked.mean[c] && p->std[c] == asked.std[c];
    return same;
}

lens_status train_check_resumed(const lens_trainer *trainer, const train_options *o,
                                const lens_dataset *data) {
    const lens_recipe *r = lens_trainer_recipe(trainer);
    const struct {
        const char *name;
        bool differs;
    } rows[] = {
        {"--seed", o->seed != SEED_UNSET && o->seed != lens_trainer_seed(trainer)},
        {"--batch-size", o->batch != COUNT_UNSET && o->batch != r->batch},
        {"--optimizer", o->optimizer && o->optimizer - 1 != (int)r->optimizer.kind},
        {"--lr", !isnan(o->rate) && (float)o->rate != r->optimizer.rate},
        {"--weight-decay",
         !isnan(o->weight_decay) && (float)o->weight_decay != r->optimizer.weight_decay},
        {"--l2", !isnan(o->l2) && (float)o->l2 != r->optimizer.l2},
        {"--schedule", o->schedule && o->schedule - 1 != (int)r->schedule.kind},
        {"--gamma", !isnan(o->gamma) && (float)o->gamma != r->schedule.gamma},
        {"--every", o->every != COUNT_UNSET && o->every != r->schedule.every},
        {"--warmup", o->warmup != COUNT_UNSET && o->warmup != r->schedule.warmup},
        {"--layer-rates", o->layer_rates && strcmp(o->layer_rates, r->layer_rates) != 0},
        {"--layer-decays", o->layer_decays && strcmp(o->layer_decays, r->layer_decays) != 0},
        {"--class-weights", o->class_weights && strcmp(o->class_weights, r->class_weights) != 0},
        {"--patience", o->patience != COUNT_UNSET && o->patience != r->patience},
        {"--min-delta", !isnan(o->min_delta) && (float)o->min_delta != r->min_delta},
        {"--keep-best", o->keep_best && !r->keep_best},
        {"--validation-split",
         !isnan(o->validation_split) && held_out(o->validation_split, data) != r->validation},
        {"--preprocess", o->preprocess && !is_preprocess(&r->preprocess, o->preprocess)},
        {"--fit", o->fit && o->fit - 1 != (int)r->preprocess.fit},
        {"--side", o->side != COUNT_UNSET && o->side != r->preprocess.side},
        {"--augment", o->augment && !is_augment(&r->augment, o->augment)},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].differs)
            return cli_fail(LENS_BAD_ARGUMENT,
                            "%s is not what %s was started with; a resumed run keeps its recipe",
                            rows[i].name, o->resume);
    if (o->epochs != COUNT_UNSET && o->epochs < r->epochs)
        cli_note("lenslet train: %s was started for %zu epochs; that holds", o->resume, r->epochs);
    return LENS_OK;
}
