/* check_net.c: a whole network on both devices: forward layer by layer, loss, every gradient.
 *
 * Rounding differences travel from layer to layer, so an element is measured in ulp of its tensor's
 * largest value, and the limit grows with the depth and the longest sum so far. Where a batch
 * normalises a small difference, no such limit holds: it enlarges rounding differences by up to
 * 1 / sqrt(epsilon). What a network does to them is measured then: a third net, on the reference
 * too, has weights and pictures that differ from the others' by relative random numbers of up to
 * PERTURBATION, as rounding moves sums of hundreds of terms; a tensor that these change by some ulp
 * may differ by SPREAD times as many.
 *
 * Backward starts on every net from the reference's values of all layers. A device whose rounding
 * decides a relu or the winner of a pooling window the other way would be as right, and the
 * gradient of that pixel would go elsewhere.
 */
#include "cross_check.h"
#include "model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 2, SPREAD = 4, SEED = 0 };

#define PERTURBATION 0x1p-20f

/* The two nets, filled alike, and the one that is nearly alike, or NULL. */
typedef struct net_pair {
    const check_job *job;
    lens_net *device, *reference, *perturbed;
    const char *name;
    size_t number; /* of the latest record */
    double limit;  /* of the layers so far */
    check_record *records;
} net_pair;

static void say(const net_pair *pair, const char *what, const char *where) {
    char text[160];
    snprintf(text, sizeof text, "%s: %s on the %s", pair->name, what, where);
    pair->job->phase(text, pair->job->user);
}

static double largest_of(const float *values, size_t count) {
    double largest = 0;
    for (size_t i = 0; i < count; i++)
        largest = fmax(largest, fabs((double)values[i]));
    return largest;
}

/* One record: tensors of equal shape, of which the third is of the perturbed net. */
static lens_status compare(net_pair *pair, const char *name, const char *pass,
                           const lens_tensor *got, const lens_tensor *expected,
                           const lens_tensor *perturbed, double limit) {
    size_t count = lens_tensor_count(expected);
    float *values[3];
    for (size_t i = 0; i < 3; i++)
        values[i] = cli_alloc(count, sizeof *values[i]);
    lens_status status = lens_tensor_read(got, values[0]);
    if (status == LENS_OK)
        status = lens_tensor_read(expected, values[1]);
    if (status == LENS_OK && perturbed)
        status = lens_tensor_read(perturbed, values[2]);
    check_record *record = &pair->records[pair->number++];
    *record = (check_record){.op = pair->name,
                             .number = pair->number,
                             .pass = pass,
                             .shape = lens_tensor_shape(expected),
                             .limit = limit};
    snprintf(record->name, sizeof record->name, "%s", name);
    if (status == LENS_OK) {
        double largest = largest_of(values[1], count);
        if (perturbed) {
            check_compare(record, values[2], values[1], NULL, largest, count);
            record->limit = limit + SPREAD * record->max_ulp;
        }
        check_compare(record, values[0], values[1], NULL, largest, count);
    }
    for (size_t i = 0; i < 3; i++)
        free(values[i]);
    return status;
}

/* Additions behind one element of a layer's output. */
static double terms_of(const lens_layer_spec *layer, lens_shape input) {
    switch (layer->kind) {
    case LENS_LAYER_CONV2D:
        return (double)(input.c / layer->conv2d.opts.groups * layer->conv2d.kernel_h *
                        layer->conv2d.kernel_w);
    case LENS_LAYER_DENSE:
    case LENS_LAYER_RBF:
        return (double)(input.c * input.h * input.w);
    default:
        return 8;
    }
}

static lens_status forward(net_pair *pair) {
    const lens_net_spec *spec = lens_net_get_spec(pair->reference);
    lens_shape input = spec->input;
    double limit = 8;
    say(pair, "forward", "reference");
    TRY(lens_net_forward_training(pair->reference, 1, 0));
    say(pair, "forward", "device");
    TRY(lens_net_forward_training(pair->device, 1, 0));
    if (pair->perturbed) {
        say(pair, "forward, nearly the same,", "reference");
        TRY(lens_net_forward_training(pair->perturbed, 1, 0));
    }
    for (size_t i = 0; i < spec->layer_count; i++) {
        const lens_tensor *expected = lens_net_layer_output(pair->reference, i);
        limit += 2 * sqrt(terms_of(&spec->layers[i], input)) + 4;
        input = lens_tensor_shape(expected);
        TRY(compare(pair, spec->layers[i].name, "forward", lens_net_layer_output(pair->device, i),
                    expected, pair->perturbed ? lens_net_layer_output(pair->perturbed, i) : NULL,
                    limit));
    }
    pair->limit = limit;
    return LENS_OK;
}

static lens_status loss_of(lens_net *net, lens_tensor **total) {
    TRY(lens_tensor_new(total, lens_net_context(net), (lens_shape){1, 2, 1, 1}));
    return lens_net_loss(net, *total, false);
}

static lens_status loss(net_pair *pair) {
    lens_net *nets[] = {pair->reference, pair->device, pair->perturbed};
    lens_tensor *totals[3] = {NULL};
    lens_status status = LENS_OK;
    for (size_t i = 0; status == LENS_OK && i < 3 && nets[i]; i++)
        status = loss_of(nets[i], &totals[i]);
    if (status == LENS_OK)
        status = compare(pair, "loss", "loss", totals[1], totals[0], totals[2], pair->limit);
    for (size_t i = 0; i < 3; i++)
        lens_tensor_free(totals[i]);
    return status;
}

static lens_status copy_between(lens_tensor *to, const lens_tensor *from, float *values) {
    TRY(lens_tensor_read(from, values));
    return lens_tensor_write(to, values);
}

/* Give the other nets the reference's values of every layer. */
static lens_status adopt_layers(net_pair *pair) {
    lens_status status = LENS_OK;
    for (size_t i = 0; i < lens_net_get_spec(pair->reference)->layer_count; i++) {
        const lens_tensor *from = lens_net_layer_output(pair->reference, i);
        float *values = cli_alloc(lens_tensor_count(from), sizeof *values);
        status = copy_between(lens_net_layer_output(pair->device, i), from, values);
        if (status == LENS_OK && pair->perturbed)
            status = lens_tensor_write(lens_net_layer_output(pair->perturbed, i), values);
        free(values);
        if (status != LENS_OK)
            break;
    }
    return status;
}

/* Gradients have passed every layer twice, and sum over pixels and images besides. */
static lens_status backward(net_pair *pair) {
    const lens_net *perturbed = pair->perturbed;
    say(pair, "backward", "reference");
    TRY(lens_net_backward(pair->reference));
    say(pair, "backward", "device");
    TRY(lens_net_backward(pair->device));
    if (perturbed) {
        say(pair, "backward, nearly the same,", "reference");
        TRY(lens_net_backward(pair->perturbed));
    }
    for (size_t i = lens_net_parameter_count(pair->reference); i-- > 0;) {
        const lens_parameter *expected = lens_net_parameter(pair->reference, i);
        const lens_parameter *got = lens_net_parameter(pair->device, i);
        if (!expected->gradient)
            continue; /* not trained */
        TRY(compare(pair, expected->name, "backward", got->gradient, expected->gradient,
                    perturbed ? lens_net_parameter(perturbed, i)->gradient : NULL,
                    2 * pair->limit));
    }
    return compare(pair, "input", "backward", lens_net_input_gradient(pair->device),
                   lens_net_input_gradient(pair->reference),
                   perturbed ? lens_net_input_gradient(perturbed) : NULL, 2 * pair->limit);
}

/* ---- the same data for both, and nearly the same for the third ------------------------------ */

/* A number from 0 up to 1 for each (seed, i). */
static float uniform(uint64_t seed, size_t i) {
    uint64_t z = (seed + 1) * 0x9e3779b97f4a7c15u + i * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 31)) * 0x94d049bb133111ebu;
    return (float)(uint32_t)((z ^ (z >> 29)) >> 40) * 0x1p-24f;
}

static lens_status write_all(net_pair *pair, uint64_t seed,
                             lens_tensor *(*tensor)(const lens_net *), size_t classes) {
    lens_tensor *of_reference = tensor(pair->reference);
    size_t count = lens_tensor_count(of_reference);
    float *values = cli_alloc(count, sizeof *values);
    for (size_t i = 0; i < count; i++) {
        values[i] = uniform(seed, i);
        if (classes > 1)
            values[i] = floorf(values[i] * (float)classes);
    }
    lens_status status = lens_tensor_write(of_reference, values);
    if (status == LENS_OK)
        status = lens_tensor_write(tensor(pair->device), values);
    if (status == LENS_OK && pair->perturbed)
        status = lens_tensor_write(tensor(pair->perturbed), values);
    free(values);
    return status;
}

static lens_status perturb(lens_tensor *tensor, uint64_t seed) {
    size_t count = lens_tensor_count(tensor);
    float *values = cli_alloc(count, sizeof *values);
    lens_status status = lens_tensor_read(tensor, values);
    for (size_t i = 0; i < count; i++)
        values[i] *= 1 + PERTURBATION * (2 * uniform(seed, i) - 1);
    if (status == LENS_OK)
        status = lens_tensor_write(tensor, values);
    free(values);
    return status;
}

/* Both initialise themselves, which must give the same bits. */
static lens_status initialize(net_pair *pair, uint64_t seed) {
    TRY(lens_net_initialize(pair->reference, seed));
    TRY(lens_net_initialize(pair->device, seed));
    if (pair->perturbed) {
        TRY(lens_net_initialize(pair->perturbed, seed));
        TRY(perturb(lens_net_parameters(pair->perturbed), seed + 200));
    }
    return compare(pair, "initial weights", "initialize", lens_net_state(pair->device),
                   lens_net_state(pair->reference), NULL, 0);
}

static lens_status run(net_pair *pair) {
    size_t labels = lens_tensor_count(lens_net_target(pair->reference));
    size_t outputs = lens_tensor_count(lens_net_output(pair->reference));
    TRY(initialize(pair, SEED));
    TRY(write_all(pair, SEED, lens_net_input, 0));
    TRY(write_all(pair, SEED + 100, lens_net_target, outputs / labels));
    if (pair->perturbed)
        TRY(perturb(lens_net_input(pair->perturbed), SEED + 300));
    TRY(forward(pair));
    TRY(loss(pair));
    TRY(adopt_layers(pair));
    return backward(pair);
}

/* ---- the whole ----------------------------------------------------------------------------- */

static void deliver(const check_job *job, const net_pair *pair) {
    for (size_t i = 0; i < pair->number; i++)
        if (!job->only || job->only == i + 1)
            job->callback(&pair->records[i], job->user);
}

static bool has_batchnorm(const lens_net_spec *spec) {
    for (size_t i = 0; i < spec->layer_count; i++)
        if (spec->layers[i].kind == LENS_LAYER_BATCHNORM)
            return true;
    return false;
}

lens_status check_run_net(const check_job *job, const lens_net_spec *spec) {
    lens_net_opts opts = lens_net_defaults();
    opts.batch = BATCH;
    opts.training = opts.keep_layers = opts.input_gradient = true;
    opts.loss = model_loss(spec, 1);
    net_pair pair = {.job = job, .name = spec->name};
    lens_status status = lens_net_new(&pair.reference, job->reference, spec, &opts);
    if (status == LENS_OK)
        status = lens_net_new(&pair.device, job->device, spec, &opts);
    if (status == LENS_OK && has_batchnorm(spec))
        status = lens_net_new(&pair.perturbed, job->reference, spec, &opts);
    if (status == LENS_OK) {
        size_t most = spec->layer_count + lens_net_parameter_count(pair.reference) + 3;
        pair.records = cli_alloc(most, sizeof *pair.records);
        if (job->only > most)
            status = cli_fail(LENS_BAD_ARGUMENT, "%s has cases 1 .. %zu, not %zu", spec->name, most,
                              job->only);
    }
    if (status == LENS_OK)
        status = run(&pair);
    if (status == LENS_OK)
        deliver(job, &pair);
    free(pair.records);
    lens_net_free(pair.perturbed);
    lens_net_free(pair.device);
    lens_net_free(pair.reference);
    return status;
}
