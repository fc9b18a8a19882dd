/* test_golden.c: whole networks against PyTorch: output, loss, every gradient, and the weights
 * after three optimizer steps. The data were made in float64 by tests/golden/make_golden.py, which
 * says what each file holds; weights and images are drawn here by the formula it uses.
 *
 * Tolerances. The sums of a network of this size round to about 1e-6 of the largest value of a
 * tensor in float32; 2e-5 of it leaves room for the longest sums (digits-cnn: 3,136 terms, then two
 * more layers). The weights after three steps move by at most 3 rates; rmsprop and adam divide by
 * the gradient's own size, which turns the relative error of a tiny gradient into an error of the
 * step, so there 1 % of the three steps (3e-5) is allowed.
 */
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 5
#define SAMPLES 256
#define STEPS 3
#define RELATIVE 2e-5
#define STEP_ERROR 3e-5

static const struct {
    const char *name;
    lens_optimizer_kind optimizer;
} models[] = {
    {"lenet5", LENS_ADAM},        {"lenet5-same", LENS_SGD},         {"lenet5-max", LENS_MOMENTUM},
    {"lenet5-relu", LENS_ADAM},   {"lenet5-sigmoid", LENS_NESTEROV}, {"lenet5-cifar10", LENS_ADAMW},
    {"digits-cnn", LENS_RMSPROP}, {"alexnet-mini", LENS_MOMENTUM},
};

/* ---- golden files -------------------------------------------------------------------------- */

static float *golden(const char *model, const char *file, size_t *count) {
    const char *tests = getenv("LENSLET_TEST_DIR");
    char path[1024];
    snprintf(path, sizeof path, "%s/golden/%s/%s.npy", tests ? tests : "tests", model, file);
    float *values;
    lens_shape shape;
    size_t rank;
    assert_ok(lens_npy_read(&values, &shape, &rank, path));
    *count = shape.n * shape.c * shape.h * shape.w;
    return values;
}

static double largest(const float *values, size_t count) {
    double most = 0;
    for (size_t i = 0; i < count; i++)
        most = fmax(most, fabs((double)values[i]));
    return most;
}

/* The kept elements of `tensor` against the file, within `absolute` + RELATIVE of the largest. */
static void compare_sampled(const char *model, const char *file, const lens_tensor *tensor,
                            double absolute) {
    size_t kept, count = lens_tensor_count(tensor);
    float *expected = golden(model, file, &kept), *values = test_read(tensor);
    size_t stride = (count + SAMPLES - 1) / SAMPLES;
    assert_int_equal(kept, (count + stride - 1) / stride);
    for (size_t i = 0; i < kept; i++)
        values[i] = values[i * stride];
    char what[256];
    snprintf(what, sizeof what, "%s: %s", model, file);
    test_compare(what, values, expected, kept, 0, absolute + RELATIVE * largest(expected, kept));
    free(expected), free(values);
}

static void compare_norm(const char *model, const char *what, const lens_tensor *tensor,
                         double expected, double absolute) {
    float *values = test_read(tensor);
    double norm = sqrt(test_dot(values, values, lens_tensor_count(tensor)));
    free(values);
    if (!(fabs(norm - expected) <= absolute + RELATIVE * expected))
        fail_msg("%s: norm of %s is %.9g, expected %.9g", model, what, norm, expected);
}

/* ---- a network with the script's weights and data ------------------------------------------ */

static void set_parameters(lens_net *net) {
    for (size_t i = 0; i < lens_net_parameter_count(net); i++) {
        const lens_parameter *parameter = lens_net_parameter(net, i);
        lens_shape shape = parameter->shape;
        size_t count = lens_tensor_count(parameter->value);
        size_t fan_in = shape.c * shape.h * shape.w;
        float scale = shape.n > 1 ? (float)sqrt(3.0 / (double)fan_in) : 0.1f;
        float *values = test_reals(count, 100 + i);
        for (size_t j = 0; j < count; j++)
            values[j] *= scale;
        assert_ok(lens_tensor_write(parameter->value, values));
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

static lens_net *new_net(lens_context *context, const char *model) {
    lens_net_spec *spec;
    assert_ok(lens_model_spec(&spec, model));
    lens_net_opts opts = lens_net_defaults();
    opts.batch = BATCH;
    opts.training = opts.input_gradient = true;
    lens_net *net;
    assert_ok(lens_net_new(&net, context, spec, &opts));
    lens_net_spec_free(spec);
    set_parameters(net);
    set_data(net);
    return net;
}

/* ---- the comparison ------------------------------------------------------------------------ */

static double forward_and_backward(lens_net *net, lens_tensor *total) {
    float values[2];
    assert_ok(lens_net_forward(net));
    assert_ok(lens_net_loss(net, total, false));
    assert_ok(lens_net_backward(net));
    assert_ok(lens_tensor_read(total, values));
    return (double)values[0] / BATCH;
}

static void compare_first_step(lens_net *net, const char *model) {
    size_t count;
    float *output = golden(model, "output", &count), *got = test_read(lens_net_output(net));
    test_compare(model, got, output, count, 0, RELATIVE);
    free(output), free(got);
    compare_sampled(model, "grad_input", lens_net_input_gradient(net), 0);
    float *norms = golden(model, "norms", &count);
    assert_int_equal(count, 2 * lens_net_parameter_count(net));
    for (size_t i = 0; i < lens_net_parameter_count(net); i++) {
        const lens_parameter *parameter = lens_net_parameter(net, i);
        char file[32];
        snprintf(file, sizeof file, "grad_%zu", i);
        compare_sampled(model, file, parameter->gradient, 0);
        compare_norm(model, parameter->name, parameter->gradient, norms[2 * i], 0);
    }
    free(norms);
}

static void compare_weights(lens_net *net, const char *model, lens_optimizer_kind optimizer) {
    double absolute = optimizer >= LENS_RMSPROP ? STEP_ERROR : 0;
    size_t count;
    float *norms = golden(model, "norms", &count);
    for (size_t i = 0; i < lens_net_parameter_count(net); i++) {
        const lens_parameter *parameter = lens_net_parameter(net, i);
        char file[32];
        snprintf(file, sizeof file, "after_%zu", i);
        compare_sampled(model, file, parameter->value, absolute);
        compare_norm(model, parameter->name, parameter->value, norms[2 * i + 1], absolute);
    }
    free(norms);
}

static void compare_with_pytorch(lens_context *context, const char *model,
                                 lens_optimizer_kind optimizer) {
    lens_net *net = new_net(context, model);
    lens_tensor *total = test_tensor(context, (lens_shape){1, 2, 1, 1}, NULL);
    lens_optimizer_opts opts = lens_optimizer_defaults(optimizer);
    lens_tensor *slots[2] = {NULL, NULL};
    for (size_t i = 0; i < lens_optimizer_slots(optimizer); i++) {
        slots[i] = test_tensor(context, lens_tensor_shape(lens_net_parameters(net)), NULL);
        assert_ok(lens_tensor_fill(slots[i], 0));
    }
    size_t count;
    float *losses = golden(model, "loss", &count);
    assert_int_equal(count, STEPS);
    for (uint64_t step = 1; step <= STEPS; step++) {
        double loss = forward_and_backward(net, total);
        if (!(fabs(loss - losses[step - 1]) <= RELATIVE * losses[step - 1]))
            fail_msg("%s: loss of step %llu is %.9g, expected %.9g", model,
                     (unsigned long long)step, loss, (double)losses[step - 1]);
        if (step == 1)
            compare_first_step(net, model);
        assert_ok(lens_optimizer_step(lens_net_parameters(net), lens_net_gradients(net), slots,
                                      NULL, step, &opts));
    }
    compare_weights(net, model, optimizer);
    free(losses);
    lens_tensor_free(slots[0]), lens_tensor_free(slots[1]), lens_tensor_free(total);
    lens_net_free(net);
}

static void reference_agrees_with_pytorch(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++)
        compare_with_pytorch(test_reference(), models[i].name, models[i].optimizer);
}

static void device_agrees_with_pytorch(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++)
        compare_with_pytorch(test_device(), models[i].name, models[i].optimizer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reference_agrees_with_pytorch),
        cmocka_unit_test(device_agrees_with_pytorch),
    };
    return cmocka_run_group_tests(tests, NULL, test_close);
}
