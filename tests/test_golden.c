/* test_golden.c: three training steps of every LeNet-sized model and of three AlexNets against
 * PyTorch's in float64, on the reference and on the device: output, loss, every gradient, every
 * weight and running statistic after the steps. golden/make_golden.py says what its files hold and
 * how weights and data are drawn.
 *
 *     test_golden                    every LeNet-sized model, on both
 *     test_golden large              the AlexNets on the device
 *     test_golden large-reference    and on the reference: one step of each
 *
 * Tolerances. For the LeNets, values and gradients are float32 sums of up to a few thousand
 * products: some 1e-5 of the array's typical size, which norms / sqrt(count) gives. Weights move by
 * at most the rate in a step; where a gradient is about 0, RMSprop and Adam turn its rounding into
 * a good part of that step, so a weight may be off by 2 % of the way that three steps of 0.001 go.
 *
 * In the AlexNets, batch normalisation enlarges rounding wherever a unit differs little between
 * four images (measured: some 1e-4 of typical on the reference, which sums in double). On a device
 * one or two of a million relus and pooling windows are decided by less than the rounding, and the
 * gradient of one pixel then goes elsewhere (measured: 2 % of typical in single elements, 1e-4 of a
 * norm). A wrong formula is off by as much as the values are large. */
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 3, SAMPLES = 256 };

/* Of losses and outputs, relative; of gradients and their norms, in units of a typical element and
 * of the norm. */
typedef struct tolerances {
    double value, gradient, norm;
} tolerances;

static const tolerances small = {1e-5, 5e-5, 5e-5};
static const tolerances large_device = {2e-3, 5e-2, 1e-3};
static const tolerances large_reference = {2e-5, 1e-3, 1e-4};

typedef struct golden_model {
    const char *name;
    lens_optimizer_kind optimizer;
    size_t batch;
    float rate;    /* default: the optimizer's */
    uint64_t seed; /* of the images; default 1 */
} golden_model;

static const golden_model small_models[] = {
    {"lenet5", LENS_ADAM, 5},
    {"lenet5-same", LENS_SGD, 5},
    {"lenet5-max", LENS_MOMENTUM, 5},
    {"lenet5-relu", LENS_ADAM, 5},
    {"lenet5-sigmoid", LENS_NESTEROV, 5},
    {"lenet5-cifar10", LENS_ADAMW, 5},
    {"digits-cnn", LENS_RMSPROP, 5},
    {"alexnet-mini", LENS_MOMENTUM, 5},
    {"lenet5-1998", LENS_MOMENTUM, 5},
};

static const golden_model large_models[] = {{"alexnet", LENS_MOMENTUM, 2},
                                            {"alexnet-2012", LENS_SGD, 2, .seed = 12},
                                            {"alexnet-bn", LENS_SGD, 4, 1e-5f}};

/* ---- golden files -----------------------------------------------------------------------------
 */

static float *golden(const char *model, const char *name, size_t expected_count) {
    const char *folder = getenv("LENSLET_TEST_DIR");
    char path[512];
    snprintf(path, sizeof path, "%s/golden/%s/%s.npy", folder ? folder : "tests", model, name);
    float *values;
    lens_shape shape;
    size_t rank, count;
    assert_ok(lens_npy_read(&values, &shape, &rank, path));
    assert_ok(lens_shape_count(shape, &count));
    assert_int_equal(count, expected_count);
    return values;
}

/* Every few-th element of the tensor, and the norm of all of it, against what PyTorch had. */
static void compare_sampled(const char *model, const char *name, const lens_tensor *tensor,
                            double norm, double relative, double absolute, double norm_relative) {
    size_t count = lens_tensor_count(tensor);
    size_t stride = (count + SAMPLES - 1) / SAMPLES, samples = (count + stride - 1) / stride;
    float *values = test_read(tensor), *want = golden(model, name, samples);
    double typical = norm / sqrt((double)count), squares = test_dot(values, values, count);
    for (size_t i = 0; i < samples; i++)
        values[i] = values[i * stride];
    char what[128];
    snprintf(what, sizeof what, "%s: %s", model, name);
    test_compare(what, values, want, samples, relative, relative * typical + absolute);
    if (!(fabs(sqrt(squares) - norm) <= norm_relative * norm + absolute))
        fail_msg("%s: norm %.9g, expected %.9g", what, sqrt(squares), norm);
    free(want);
    free(values);
}

/* ---- the run ----------------------------------------------------------------------------------
 */

/* 0 where lenet5-1998's second convolution has no connection. */
static void cut_connections(const lens_net *net, const lens_parameter *p, float *values) {
    const lens_layer_spec *layer = &lens_net_get_spec(net)->layers[2];
    bool has_table = layer->kind == LENS_LAYER_CONV2D && layer->conv2d.connections[0];
    size_t taps = p->shape.h * p->shape.w;
    if (!has_table || strcmp(p->name, "conv2d_2.weight") != 0)
        return;
    for (size_t i = 0; i < p->shape.n * p->shape.c * taps; i++)
        if (!(layer->conv2d.connections[i / taps / p->shape.c] >> i / taps % p->shape.c & 1))
            values[i] = 0;
}

static bool starts_with(const char *name, const char *start) {
    return strncmp(name, start, strlen(start)) == 0;
}

/* As make_golden.py's. Codes and statistics, which are not trained, are what the network starts
 * with. */
static void set_parameters(lens_net *net) {
    assert_ok(lens_net_initialize(net, 0));
    for (size_t i = 0, trained = 0; i < lens_net_parameter_count(net); i++) {
        const lens_parameter *p = lens_net_parameter(net, i);
        if (!p->gradient)
            continue;
        size_t count = lens_tensor_count(p->value), fan_in = count / p->shape.n;
        bool is_weight = strstr(p->name, ".weight") != NULL;
        bool is_matrix =
            is_weight && (starts_with(p->name, "conv2d") || starts_with(p->name, "dense"));
        bool is_gamma = is_weight && starts_with(p->name, "batchnorm");
        float scale = is_matrix ? (float)sqrt(3.0 / (double)fan_in) : 0.1f;
        float *values = test_reals(count, 100 + trained++);
        for (size_t j = 0; j < count; j++)
            values[j] = values[j] * scale + (is_gamma ? 1.0f : 0.0f);
        cut_connections(net, p, values);
        assert_ok(lens_tensor_write(p->value, values));
        free(values);
    }
}

static size_t classes_of(const lens_net *net) {
    size_t outputs = lens_tensor_shape(lens_net_output(net)).c;
    return outputs == 1 ? 2 : outputs;
}

static void set_data(lens_net *net, uint64_t seed) {
    size_t batch = lens_tensor_shape(lens_net_input(net)).n;
    float *images = test_reals(lens_tensor_count(lens_net_input(net)), seed);
    float *labels = test_reals(batch, 2);
    for (size_t i = 0; i < batch; i++)
        labels[i] = (float)(test_random(2, i) % classes_of(net));
    assert_ok(lens_tensor_write(lens_net_input(net), images));
    assert_ok(lens_tensor_write(lens_net_target(net), labels));
    free(images);
    free(labels);
}

static size_t trained_count(const lens_net *net) {
    size_t count = 0;
    for (size_t i = 0; i < lens_net_parameter_count(net); i++)
        count += lens_net_parameter(net, i)->gradient != NULL;
    return count;
}

/* grad_P or after_P of every parameter; norms has a row of two for each. */
static void compare_parameters(const char *model, const lens_net *net, const float *norms,
                               bool gradients, const tolerances *t) {
    for (size_t i = 0, trained = 0; i < lens_net_parameter_count(net); i++) {
        const lens_parameter *p = lens_net_parameter(net, i);
        if (!p->gradient)
            continue;
        char name[32];
        snprintf(name, sizeof name, "%s_%zu", gradients ? "grad" : "after", trained);
        if (gradients)
            compare_sampled(model, name, p->gradient, norms[2 * trained], t->gradient, 1e-9,
                            t->norm);
        else
            compare_sampled(model, name, p->value, norms[2 * trained + 1], 1e-5, 6e-5, 1e-5);
        trained++;
    }
}

/* fixed_F of every running mean and variance. After three steps a mean of four relus behind the
 * dense layers was off by 1.3e-4 of typical on a device, and by less with other orders of its sums.
 */
static void compare_statistics(const char *model, const lens_net *net) {
    for (size_t i = 0, fixed = 0; i < lens_net_parameter_count(net); i++) {
        const lens_parameter *p = lens_net_parameter(net, i);
        if (p->gradient || !starts_with(p->name, "batchnorm"))
            continue;
        char name[32];
        snprintf(name, sizeof name, "fixed_%zu", fixed++);
        float *all = test_read(p->value);
        double norm = sqrt(test_dot(all, all, lens_tensor_count(p->value)));
        free(all);
        compare_sampled(model, name, p->value, norm, 3e-4, 1e-9, 1e-4);
    }
}

static void compare_first_step(const char *model, const lens_net *net, const float *norms,
                               const tolerances *t) {
    size_t count = lens_tensor_count(lens_net_output(net));
    float *want = golden(model, "output", count), *got = test_read(lens_net_output(net));
    test_compare("output", got, want, count, t->value, t->value / 10);
    free(want);
    free(got);
    compare_parameters(model, net, norms, true, t);
    const lens_tensor *dx = lens_net_input_gradient(net);
    float *all = test_read(dx);
    double norm = sqrt(test_dot(all, all, lens_tensor_count(dx)));
    free(all);
    compare_sampled(model, "grad_input", dx, norm, t->gradient, 1e-9, t->norm);
}

/* One step's forward, loss and backward, and the loss compared. */
static void run_step(lens_net *net, lens_tensor *total, uint64_t step, float want,
                     double tolerance) {
    double batch = (double)lens_tensor_shape(lens_net_input(net)).n;
    float sums[2];
    assert_ok(lens_net_forward_training(net, 0, step));
    assert_ok(lens_net_loss(net, total, false));
    assert_ok(lens_net_backward(net));
    assert_ok(lens_tensor_read(total, sums));
    if (!(fabs(sums[0] / batch - want) <= tolerance * want))
        fail_msg("loss of step %zu is %.9g, expected %.9g", (size_t)step, sums[0] / batch,
                 (double)want);
}

static void run_model(lens_context *context, const golden_model *model, size_t steps,
                      const tolerances *t) {
    lens_net_spec *spec;
    lens_net *net;
    lens_net_opts opts = lens_net_defaults();
    opts.batch = model->batch;
    opts.training = opts.input_gradient = true;
    assert_ok(lens_model_spec(&spec, model->name));
    opts.loss = lens_net_spec_loss(spec);
    assert_ok(lens_net_new(&net, context, spec, &opts));
    set_parameters(net);
    set_data(net, model->seed ? model->seed : 1);
    float *norms = golden(model->name, "norms", 2 * trained_count(net));
    float *loss = golden(model->name, "loss", STEPS);

    lens_optimizer_opts optimizer = lens_optimizer_defaults(model->optimizer);
    if (model->rate > 0)
        optimizer.rate = model->rate;
    lens_shape flat = {1, lens_tensor_count(lens_net_parameters(net)), 1, 1};
    lens_tensor *total = test_tensor(context, (lens_shape){1, 2, 1, 1}, NULL), *slots[2] = {NULL};
    for (size_t i = 0; i < lens_optimizer_slots(model->optimizer); i++) {
        slots[i] = test_tensor(context, flat, NULL);
        assert_ok(lens_tensor_fill(slots[i], 0));
    }
    for (uint64_t step = 1; step <= steps; step++) {
        run_step(net, total, step, loss[step - 1], t->value);
        if (step == 1)
            compare_first_step(model->name, net, norms, t);
        assert_ok(lens_optimizer_step(lens_net_parameters(net), lens_net_gradients(net), slots,
                                      NULL, step, &optimizer));
    }
    if (steps == STEPS) {
        compare_parameters(model->name, net, norms, false, t);
        compare_statistics(model->name, net);
    }
    lens_tensor_free(slots[0]);
    lens_tensor_free(slots[1]);
    lens_tensor_free(total);
    free(norms);
    free(loss);
    lens_net_free(net);
    lens_net_spec_free(spec);
}

static void reference_equals_pytorch(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof small_models / sizeof small_models[0]; i++)
        run_model(test_reference(), &small_models[i], STEPS, &small);
}

static void device_equals_pytorch(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof small_models / sizeof small_models[0]; i++)
        run_model(test_device(), &small_models[i], STEPS, &small);
}

static void large_models_on_the_device(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof large_models / sizeof large_models[0]; i++)
        run_model(test_device(), &large_models[i], STEPS, &large_device);
}

static void large_models_on_the_reference(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof large_models / sizeof large_models[0]; i++)
        run_model(test_reference(), &large_models[i], 1, &large_reference);
}

int main(int argc, char **argv) {
    const struct CMUnitTest lenets[] = {
        cmocka_unit_test(reference_equals_pytorch),
        cmocka_unit_test(device_equals_pytorch),
    };
    const struct CMUnitTest device[] = {cmocka_unit_test(large_models_on_the_device)};
    const struct CMUnitTest reference[] = {cmocka_unit_test(large_models_on_the_reference)};
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "large") == 0)
        return cmocka_run_group_tests(device, NULL, test_close);
    if (strcmp(what, "large-reference") == 0)
        return cmocka_run_group_tests(reference, NULL, test_close);
    return cmocka_run_group_tests(lenets, NULL, test_close);
}
