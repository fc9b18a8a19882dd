/* test_evaluate.c: evaluation: loss, accuracy, predictions and scores, against the same computed
 * here from the net's outputs one image at a time. */
#include "toy.h"

#include <math.h>

static const lens_preprocess plain = {.scale = 1};

static lens_net *new_net(size_t outputs, lens_loss_kind loss, size_t batch) {
    lens_net_spec *spec = toy_net(outputs);
    lens_net_opts opts = lens_net_defaults();
    opts.batch = batch;
    opts.loss = loss;
    lens_net *net;
    assert_ok(lens_net_new(&net, test_device(), spec, &opts));
    assert_ok(lens_net_initialize(net, 4));
    lens_net_spec_free(spec);
    return net;
}

/* What the net says of one image, resized here as ops.h defines it. */
static void outputs_of(lens_net *net, const lens_dataset *data, size_t image, float scale,
                       float *outputs) {
    float values[TOY_SIZE * TOY_SIZE];
    lens_dataset_image(data, image, scale, values);
    lens_tensor *small = test_tensor(test_device(), (lens_shape){1, 1, TOY_SIZE, TOY_SIZE}, values);
    assert_ok(lens_net_set_batch(net, 1));
    assert_ok(lens_resize2d_forward(lens_net_input(net), small, LENS_RESIZE_BILINEAR));
    assert_ok(lens_net_forward(net));
    assert_ok(lens_tensor_read(lens_net_output(net), outputs));
    lens_tensor_free(small);
}

/* The loss of one image from its outputs. */
static double loss_of(lens_loss_kind loss, const float *p, size_t outputs, int32_t label) {
    double sum = 0;
    switch (loss) {
    case LENS_SPARSE_CROSS_ENTROPY:
    case LENS_CROSS_ENTROPY:
        return -log(p[label]);
    case LENS_BINARY_CROSS_ENTROPY:
        return -log(label ? p[0] : 1 - (double)p[0]);
    case LENS_MEAN_SQUARED_ERROR:
        for (size_t i = 0; i < outputs; i++)
            sum += pow(p[i] - (double)(i == (size_t)label), 2);
        break;
    case LENS_MAP:
        for (size_t i = 0; i < outputs; i++)
            sum += exp(-(double)p[i]);
        return p[label] + log(exp(-(double)LENS_REJECTION) + sum);
    }
    return sum / (double)outputs;
}

static void metrics_predictions_and_scores(void **state) {
    (void)state;
    static const struct {
        size_t outputs, classes, images, batch;
        lens_loss_kind loss;
        float scale;
    } cases[] = {
        {4, 4, 53, 16, LENS_SPARSE_CROSS_ENTROPY, 1},
        {4, 4, 53, 64, LENS_SPARSE_CROSS_ENTROPY, 0.25f},
        {4, 3, 32, 16, LENS_CROSS_ENTROPY, 1}, /* targets of four values for three classes */
        {4, 4, 17, 16, LENS_MEAN_SQUARED_ERROR, 1},
        {1, 2, 50, 7, LENS_BINARY_CROSS_ENTROPY, 1},
        {4, 4, 53, 16, LENS_MAP, 1}, /* penalties: the smallest wins */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t n = cases[i].images, outputs = cases[i].outputs;
        lens_dataset *data = toy_data(n, cases[i].classes, 9 + i);
        lens_net *net = new_net(outputs, cases[i].loss, cases[i].batch);
        int32_t predictions[64];
        float scores[64 * 4];
        lens_metrics metrics;
        assert_ok(lens_evaluate(&metrics, net, data, &(lens_preprocess){.scale = cases[i].scale},
                                predictions, scores, NULL));
        double loss = 0;
        size_t right = 0;
        for (size_t image = 0; image < n; image++) {
            float want[4];
            outputs_of(net, data, image, cases[i].scale, want);
            test_compare("scores", scores + image * outputs, want, outputs, 1e-5, 1e-6);
            int32_t class = 0, label = lens_dataset_label(data, image);
            if (outputs == 1)
                class = want[0] > 0.5f;
            for (size_t c = 1; c < outputs; c++)
                if (cases[i].loss == LENS_MAP ? want[c] < want[class] : want[c] > want[class])
                    class = (int32_t)c;
            assert_int_equal(predictions[image], class);
            right += class == label;
            loss += loss_of(cases[i].loss, want, outputs, label);
        }
        assert_int_equal(metrics.images, n);
        assert_true(fabs(metrics.accuracy - (double)right / (double)n) < 1e-9);
        assert_true(fabs(metrics.loss - loss / (double)n) < 1e-5);
        /* asking for less gives the same */
        lens_metrics again;
        assert_ok(lens_evaluate(&again, net, data, &(lens_preprocess){.scale = cases[i].scale},
                                NULL, NULL, NULL));
        assert_true(again.loss == metrics.loss && again.accuracy == metrics.accuracy);
        lens_net_free(net);
        lens_dataset_free(data);
    }
}

/* The mean of what the net says of the ten views, which test_augment.c checks by hand. */
static void ten_crops_are_averaged(void **state) {
    (void)state;
    enum { IMAGES = 21, VIEWS = 10, PIXELS = 64 };
    static const struct {
        size_t outputs;
        lens_loss_kind loss;
    } cases[] = {{4, LENS_SPARSE_CROSS_ENTROPY}, {1, LENS_BINARY_CROSS_ENTROPY}};
    for (size_t i = 0; i < 2; i++) {
        size_t outputs = cases[i].outputs;
        lens_dataset *data = toy_data(IMAGES, outputs == 1 ? 2 : 4, 3);
        lens_net *net = new_net(outputs, cases[i].loss, 16);
        lens_preprocess larger = {.scale = 1, .side = 10};
        int32_t predictions[IMAGES];
        float scores[IMAGES * 4], want[IMAGES * 4] = {0};
        lens_metrics metrics;
        assert_ok(lens_evaluate_ten_crop(&metrics, net, data, &larger, predictions, scores, NULL));
        lens_loader_opts opts = lens_loader_defaults();
        opts.batch = VIEWS;
        opts.shuffle = false;
        opts.ten_crop = true;
        opts.preprocess = larger;
        opts.input = (lens_shape){1, 1, 8, 8};
        lens_loader *loader;
        lens_batch batch;
        assert_ok(lens_loader_new(&loader, data, &opts));
        assert_ok(lens_net_set_batch(net, 1));
        double loss = 0;
        size_t right = 0;
        for (size_t image = 0; lens_loader_next(loader, &batch); image++) {
            float *mean = want + image * outputs, y[4];
            for (size_t view = 0; view < VIEWS; view++) {
                assert_ok(lens_tensor_write(lens_net_input(net), batch.images + view * PIXELS));
                assert_ok(lens_net_forward(net));
                assert_ok(lens_tensor_read(lens_net_output(net), y));
                for (size_t c = 0; c < outputs; c++)
                    mean[c] += y[c] / VIEWS;
            }
            int32_t label = lens_dataset_label(data, image);
            loss += loss_of(cases[i].loss, mean, outputs, label);
            right += predictions[image] == label;
        }
        test_compare("scores", scores, want, IMAGES * outputs, 1e-5, 1e-6);
        assert_int_equal(metrics.images, IMAGES);
        assert_true(fabs(metrics.loss - loss / IMAGES) < 1e-5);
        assert_true(fabs(metrics.accuracy - (double)right / IMAGES) < 1e-9);
        lens_loader_free(loader);
        lens_net_free(net);
        lens_dataset_free(data);
    }
}

static void ten_crops_need_probabilities_and_room(void **state) {
    (void)state;
    lens_dataset *data = toy_data(5, 4, 1);
    lens_net *net = new_net(4, LENS_SPARSE_CROSS_ENTROPY, 16);
    lens_metrics metrics;
    assert_fails(lens_evaluate_ten_crop(&metrics, net, data, &plain, NULL, NULL, NULL),
                 LENS_BAD_ARGUMENT, "ten crops need a preprocess.side larger than the input's");
    lens_net_free(net);
    lens_net_spec *spec = toy_net(4);
    spec->layer_count--; /* the softmax */
    lens_net_opts opts = lens_net_defaults();
    assert_ok(lens_net_new(&net, test_device(), spec, &opts));
    assert_fails(lens_evaluate_ten_crop(&metrics, net, data, &plain, NULL, NULL, NULL),
                 LENS_UNSUPPORTED, "network toy ends in neither softmax nor sigmoid");
    spec->layer_count++;
    lens_net_free(net);
    lens_net_spec_free(spec);
    lens_dataset_free(data);
}

static bool stop_in_the_second_batch(const lens_progress *progress, void *user) {
    assert_string_equal(progress->phase, "validation");
    size_t *calls = user;
    return ++*calls < 2;
}

static void evaluation_can_be_stopped(void **state) {
    (void)state;
    lens_dataset *data = toy_data(50, 4, 1);
    lens_net *net = new_net(4, LENS_SPARSE_CROSS_ENTROPY, 16);
    size_t calls = 0;
    lens_train_callbacks callbacks = {.progress = stop_in_the_second_batch, .user = &calls};
    lens_metrics metrics;
    assert_fails(lens_evaluate(&metrics, net, data, &plain, NULL, NULL, &callbacks),
                 LENS_INTERRUPTED, "validation stopped at image 32 of 50");
    assert_int_equal(calls, 2);
    lens_net_free(net);
    lens_dataset_free(data);
}

static void data_must_fit_the_net(void **state) {
    (void)state;
    lens_dataset *data = toy_data(50, 4, 1), *colour;
    float *values = test_reals(3 * 36, 1);
    assert_ok(lens_dataset_from_memory(&colour, (lens_shape){1, 3, 6, 6}, values, NULL));
    lens_metrics metrics;
    lens_net *net = new_net(1, LENS_BINARY_CROSS_ENTROPY, 4);
    assert_fails(lens_evaluate(&metrics, net, data, &plain, NULL, NULL, NULL), LENS_BAD_ARGUMENT,
                 "4 classes, network toy tells 2 apart");
    assert_fails(lens_evaluate(&metrics, net, colour, &plain, NULL, NULL, NULL), LENS_BAD_SHAPE,
                 "3 channels, network toy expects 1");
    free(values);
    lens_net_free(net);
    lens_dataset_free(data);
    lens_dataset_free(colour);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metrics_predictions_and_scores),
        cmocka_unit_test(ten_crops_are_averaged),
        cmocka_unit_test(ten_crops_need_probabilities_and_room),
        cmocka_unit_test(evaluation_can_be_stopped),
        cmocka_unit_test(data_must_fit_the_net),
    };
    return cmocka_run_group_tests(tests, NULL, test_close);
}
