/* test_golden.c: three training steps of every LeNet-sized model against PyTorch's in float64, on
 * the reference and on the device: output, loss, every gradient, every weight after the steps.
 * golden/make_golden.py says what its files hold and how weights and data are drawn.
 *
 * Tolerances. Values and gradients are float32 sums of up to a few thousand products: some 1e-5 of
 * the array's typical size, which norms / sqrt(count) gives. Weights move by at most the rate in a
 * step; where a gradient is about 0, RMSprop and Adam turn its rounding into a good part of that
 * step, so a weight may be off by 2 % of the way that three steps of 0.001 go. */
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 5, STEPS = 3, SAMPLES = 256 };

static const struct model {
    const char *name;
    lens_optimizer_kind optimizer;
} models[] = {
    {"lenet5", LENS_ADAM},        {"lenet5-same", LENS_SGD},         {"lenet5-max", LENS_MOMENTUM},
    {"lenet5-relu", LENS_ADAM},   {"lenet5-sigmoid", LENS_NESTEROV}, {"lenet5-cifar10", LENS_ADAMW},
    {"digits-cnn", LENS_RMSPROP}, {"alexnet-mini", LENS_MOMENTUM},   {"lenet5-1998", LENS_MOMENTUM},
};

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
                            double norm, double relative, double absolute) {
    size_t count = lens_tensor_count(tensor);
    size_t stride = (count + SAMPLES - 1) / SAMPLES, samples = (count + stride - 1) / stride;
    float *values = test_read(tensor), *want = golden(model, name, samples);
    double typical = norm / sqrt((double)count), squares = test_dot(values, values, count);
    for (size_t i = 0; i < samples; i++)
        values[i] = values[i * stride];
    char what[128];
    snprintf(what, sizeof what, "%s: %s", model, name);
    test_compare(what, values, want, samples, relative, relative * typical + absolute);
    if (!(fabs(sqrt(squares) - norm) <= relative * norm + absolute))
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

/* Codes, which are not trained, are what the network starts with. */
static void set_parameters(lens_net *net) {
    assert_ok(lens_net_initialize(net, 0));
    for (size_t i = 0; i < lens_net_parameter_count(net); i++) {
        const lens_parameter *p = lens_net_parameter(net, i);
        if (!p->gradient)
            continue;
        size_t count = lens_tensor_count(p->value), fan_in = count / p->shape.n;
        bool is_bias = p->shape.n == 1 && p->shape.h == 1 && p->shape.w == 1;
        float scale = is_bias ? 0.1f : (float)sqrt(3.0 / (double)fan_in);
        float *values = test_reals(count, 100 + i);
        for (size_t j = 0; j < count; j++)
            values[j] *= scale;
        cut_connections(net, p, values);
        assert_ok(lens_tensor_write(p->value, values));
        free(values);
    }
}

static void set_data(lens_net *net) {
    float *images = test_reals(lens_tensor_count(lens_net_input(net)), 1), labels[BATCH];
    for (size_t i = 0; i < BATCH; i++)
        labels[i] = (float)(test_random(2, i) % 10);
    assert_ok(lens_tensor_write(lens_net_input(net), images));
    assert_ok(lens_tensor_write(lens_net_target(net), labels));
    free(images);
}

/* How many parameters have a gradient; in the models here they come first. */
static size_t trained_count(const lens_net *net) {
    size_t count = 0;
    while (count < lens_net_parameter_count(net) && lens_net_parameter(net, count)->gradient)
        count++;
    return count;
}

/* grad_P or after_P of every parameter; norms has a row of two for each. */
static void compare_parameters(const char *model, const lens_net *net, const float *norms,
                               bool gradients) {
    for (size_t i = 0; i < trained_count(net); i++) {
        const lens_parameter *p = lens_net_parameter(net, i);
        char name[32];
        snprintf(name, sizeof name, "%s_%zu", gradients ? "grad" : "after", i);
        if (gradients)
            compare_sampled(model, name, p->gradient, norms[2 * i], 5e-5, 1e-9);
        else
            compare_sampled(model, name, p->value, norms[2 * i + 1], 1e-5, 6e-5);
    }
}

static void compare_first_step(const char *model, const lens_net *net, const float *norms) {
    float *want = golden(model, "output", BATCH * 10), *got = test_read(lens_net_output(net));
    test_compare("output", got, want, BATCH * 10, 1e-5, 1e-6);
    free(want);
    free(got);
    compare_parameters(model, net, norms, true);
    const lens_tensor *dx = lens_net_input_gradient(net);
    float *all = test_read(dx);
    double norm = sqrt(test_dot(all, all, lens_tensor_count(dx)));
    free(all);
    compare_sampled(model, "grad_input", dx, norm, 5e-5, 1e-9);
}

static void run_model(lens_context *context, const struct model *model) {
    lens_net_spec *spec;
    lens_net *net;
    lens_net_opts opts = lens_net_defaults();
    opts.batch = BATCH;
    opts.training = opts.input_gradient = true;
    assert_ok(lens_model_spec(&spec, model->name));
    if (spec->layers[spec->layer_count - 1].kind == LENS_LAYER_RBF)
        opts.loss = LENS_MAP;
    assert_ok(lens_net_new(&net, context, spec, &opts));
    set_parameters(net);
    set_data(net);
    size_t parameters = trained_count(net);
    float *norms = golden(model->name, "norms", 2 * parameters);
    float *loss = golden(model->name, "loss", STEPS);

    lens_optimizer_opts optimizer = lens_optimizer_defaults(model->optimizer);
    lens_shape flat = {1, lens_tensor_count(lens_net_parameters(net)), 1, 1};
    lens_tensor *total = test_tensor(context, (lens_shape){1, 2, 1, 1}, NULL), *slots[2];
    for (size_t i = 0; i < 2; i++) {
        slots[i] = test_tensor(context, flat, NULL);
        assert_ok(lens_tensor_fill(slots[i], 0));
    }
    for (uint64_t step = 1; step <= STEPS; step++) {
        float sums[2];
        assert_ok(lens_net_forward_training(net, 0, 0));
        assert_ok(lens_net_loss(net, total, false));
        assert_ok(lens_net_backward(net));
        assert_ok(lens_tensor_read(total, sums));
        if (!(fabs(sums[0] / BATCH - loss[step - 1]) <= 1e-5 * loss[step - 1]))
            fail_msg("%s: loss of step %zu is %.9g, expected %.9g", model->name, (size_t)step,
                     (double)sums[0] / BATCH, (double)loss[step - 1]);
        if (step == 1)
            compare_first_step(model->name, net, norms);
        assert_ok(lens_optimizer_step(lens_net_parameters(net), lens_net_gradients(net), slots,
                                      NULL, step, &optimizer));
    }
    compare_parameters(model->name, net, norms, false);
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
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++)
        run_model(test_reference(), &models[i]);
}

static void device_equals_pytorch(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++)
        run_model(test_device(), &models[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reference_equals_pytorch),
        cmocka_unit_test(device_equals_pytorch),
    };
    return cmocka_run_group_tests(tests, NULL, test_close);
}
