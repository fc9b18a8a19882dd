/* feed.c: batches into a net. */
#include "train/feed.h"
#include "core/error.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct lens_feed {
    lens_net *net;
    lens_tensor *staging; /* a batch in the data's size; NULL: the data is of the net's size */
    lens_tensor *staged;  /* its first images, as many as the net's batch has now */
    size_t target_count;  /* of one image */
    const float *class_weights; /* NULL: 1 each; borrowed */
    float *weights;             /* of a batch's images; NULL unless the net is weighted */
    float *one_hot;             /* a batch of targets; NULL when class numbers will do */
};

/* ---- does the data fit ---------------------------------------------------------------------- */

/* How many classes the net's output can name; 0: any number. */
static size_t class_limit(const lens_net *net, size_t outputs) {
    switch (lens_net_get_opts(net).loss) {
    case LENS_BINARY_CROSS_ENTROPY:
        return outputs == 1 ? 2 : outputs;
    case LENS_MEAN_SQUARED_ERROR:
        return outputs == 1 ? 0 : outputs;
    default:
        return outputs;
    }
}

static lens_status check_data(const lens_net *net, const lens_dataset *data, lens_shape image) {
    lens_shape x = lens_tensor_shape(lens_net_input(net));
    lens_shape y = lens_tensor_shape(lens_net_output(net));
    const char *name = lens_net_get_spec(net)->name;
    if (x.c != image.c)
        return lens_fail(LENS_BAD_SHAPE,
                         "the data's images have %zu channels, network %s expects %zu", image.c,
                         name, x.c);
    if (y.h != 1 || y.w != 1)
        return lens_fail(LENS_BAD_SHAPE,
                         "network %s gives %zu x %zu values a class, labels need exactly one", name,
                         y.h, y.w);
    size_t limit = class_limit(net, y.c), classes = lens_dataset_classes(data);
    if (limit && classes > limit)
        return lens_fail(LENS_BAD_ARGUMENT, "the data has %zu classes, network %s tells %zu apart",
                         classes, name, limit);
    return LENS_OK;
}

/* ---- life ----------------------------------------------------------------------------------- */

static lens_status build(lens_feed *feed, const lens_dataset *data,
                         const lens_preprocess *preprocess) {
    size_t batch = lens_net_get_opts(feed->net).batch;
    lens_shape x = lens_tensor_shape(lens_net_input(feed->net));
    lens_shape image = lens_loader_shape(data, preprocess, x);
    LENS_TRY(check_data(feed->net, data, image));
    if (x.h != image.h || x.w != image.w) {
        image.n = batch;
        LENS_TRY(lens_tensor_new(&feed->staging, lens_net_context(feed->net), image));
    }
    if (lens_net_weights(feed->net)) {
        feed->weights = malloc(batch * sizeof *feed->weights);
        if (!feed->weights)
            return lens_fail_memory("weights of images", batch * sizeof *feed->weights);
    }
    lens_shape target = lens_tensor_shape(lens_net_target(feed->net));
    feed->target_count = target.c * target.h * target.w;
    if (feed->target_count > 1) {
        feed->one_hot = malloc(batch * feed->target_count * sizeof *feed->one_hot);
        if (!feed->one_hot)
            return lens_fail_memory("targets", batch * feed->target_count * sizeof(float));
    }
    return LENS_OK;
}

lens_status lens_feed_new(lens_feed **out, lens_net *net, const lens_dataset *data,
                          const lens_preprocess *preprocess, const float *class_weights) {
    assert(out && net && data && preprocess);
    *out = NULL;
    lens_feed *feed = calloc(1, sizeof *feed);
    if (!feed)
        return lens_fail_memory("feed", sizeof *feed);
    feed->net = net;
    feed->class_weights = class_weights;
    lens_status status = build(feed, data, preprocess);
    if (status != LENS_OK) {
        lens_feed_free(feed);
        return status;
    }
    *out = feed;
    return LENS_OK;
}

void lens_feed_free(lens_feed *feed) {
    if (!feed)
        return;
    lens_tensor_free(feed->staged);
    lens_tensor_free(feed->staging);
    free(feed->one_hot);
    free(feed->weights);
    free(feed);
}

/* ---- a batch -------------------------------------------------------------------------------- */

static lens_status write_input(lens_feed *feed, const lens_batch *batch) {
    lens_tensor *input = lens_net_input(feed->net);
    if (!feed->staging)
        return lens_tensor_write(input, batch->images);
    if (!feed->staged || lens_tensor_shape(feed->staged).n != batch->count) {
        lens_tensor_free(feed->staged);
        feed->staged = NULL;
        lens_shape shape = lens_tensor_shape(feed->staging);
        shape.n = batch->count;
        LENS_TRY(lens_tensor_view(&feed->staged, feed->staging, 0, shape));
    }
    LENS_TRY(lens_tensor_write(feed->staged, batch->images));
    return lens_resize2d_forward(input, feed->staged, LENS_RESIZE_BILINEAR);
}

static lens_status write_target(lens_feed *feed, const lens_batch *batch) {
    lens_tensor *target = lens_net_target(feed->net);
    if (!feed->one_hot)
        return lens_tensor_write(target, batch->labels);
    size_t classes = feed->target_count;
    memset(feed->one_hot, 0, batch->count * classes * sizeof *feed->one_hot);
    for (size_t i = 0; i < batch->count; i++)
        feed->one_hot[i * classes + (size_t)batch->labels[i]] = 1;
    return lens_tensor_write(target, feed->one_hot);
}

static lens_status write_weights(lens_feed *feed, const lens_batch *batch) {
    if (!feed->weights)
        return LENS_OK;
    for (size_t i = 0; i < batch->count; i++)
        feed->weights[i] = feed->class_weights ? feed->class_weights[(size_t)batch->labels[i]] : 1;
    return lens_tensor_write(lens_net_weights(feed->net), feed->weights);
}

lens_status lens_feed_batch(lens_feed *feed, const lens_batch *batch) {
    assert(feed && batch);
    LENS_TRY(lens_net_set_batch(feed->net, batch->count));
    LENS_TRY(write_input(feed, batch));
    LENS_TRY(write_weights(feed, batch));
    return write_target(feed, batch);
}
