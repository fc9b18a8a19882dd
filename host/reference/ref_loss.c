/* ref_loss.c: the losses and their gradients, as ops.h states them. */
#include "reference/reference.h"

#include <math.h>

#define CLIP 1e-7f /* Keras's epsilon: probabilities stay this far from 0 and 1 */

/* One image's pixel: its channels, `stride` apart, in x and in a target like x. */
typedef struct pixel {
    const float *x, *t;
    size_t channels, stride;
    double label; /* the class number, of a sparse target */
} pixel;

static bool takes_class_numbers(lens_loss_kind kind) {
    return kind == LENS_SPARSE_CROSS_ENTROPY || kind == LENS_MAP;
}

static pixel pixel_of(const lens_tensor *x, const lens_tensor *t, lens_loss_kind kind, size_t i) {
    size_t stride = x->shape.h * x->shape.w, channels = x->shape.c;
    size_t first = i / stride * channels * stride + i % stride;
    pixel p = {.x = ref_values(x) + first, .channels = channels, .stride = stride};
    if (takes_class_numbers(kind))
        p.label = ref_values(t)[i];
    else
        p.t = ref_values(t) + first;
    return p;
}

/* The target of channel c as a number: 1 or 0 for a class number, NaN for one that is no class. */
static double target(const pixel *p, size_t c) {
    if (p->t)
        return p->t[c * p->stride];
    if (!(p->label >= 0 && p->label < (double)p->channels) || p->label != floor(p->label))
        return NAN;
    return p->label == (double)c;
}

static double clipped(float probability) {
    return probability < CLIP ? CLIP : probability > 1 - CLIP ? 1 - CLIP : probability;
}

static bool is_clipped(float probability) {
    return probability < CLIP || probability > 1 - CLIP;
}

/* log of the sum of exp x over the channels, from the largest on. */
static double log_sum_exp(const pixel *p) {
    double most = -INFINITY, sum = 0;
    for (size_t c = 0; c < p->channels; c++)
        if (p->x[c * p->stride] > most)
            most = p->x[c * p->stride];
    for (size_t c = 0; c < p->channels; c++)
        sum += exp(p->x[c * p->stride] - most);
    return most + log(sum);
}

/* 0 log 0 = 0: a class that is not the target's does not count, whatever its probability. */
static double times(double weight, double value) {
    return weight == 0 ? 0 : weight * value;
}

/* -sum t[c] log p[c] */
static double cross_entropy(const pixel *p, bool from_logits) {
    double sum = 0, normal = from_logits ? log_sum_exp(p) : 0;
    for (size_t c = 0; c < p->channels; c++) {
        float x = p->x[c * p->stride];
        sum -= times(target(p, c), from_logits ? x - normal : log(clipped(x)));
    }
    return sum;
}

/* -t log p - (1 - t) log(1 - p), summed over the channels; with p = sigmoid(x) this is
 * max(x, 0) - x t + log(1 + e^-|x|). */
static double binary_cross_entropy(const pixel *p, bool from_logits) {
    double sum = 0;
    for (size_t c = 0; c < p->channels; c++) {
        double x = p->x[c * p->stride], t = target(p, c);
        double q = clipped((float)x);
        sum += from_logits ? (x > 0 ? x : 0) - x * t + log1p(exp(-fabs(x)))
                           : -times(t, log(q)) - times(1 - t, log1p(-q));
    }
    return sum;
}

static double squared_error(const pixel *p) {
    double sum = 0;
    for (size_t c = 0; c < p->channels; c++) {
        double difference = p->x[c * p->stride] - target(p, c);
        sum += difference * difference;
    }
    return sum;
}

/* log(e^-j + sum of e^-x): the logarithm of what e^-x are parts of; from the least penalty on. */
static double log_evidence(const pixel *p, double rejection) {
    double least = rejection, sum = 0;
    for (size_t c = 0; c < p->channels; c++)
        if (p->x[c * p->stride] < least)
            least = p->x[c * p->stride];
    for (size_t c = 0; c < p->channels; c++)
        sum += exp(least - p->x[c * p->stride]);
    return log(sum + exp(least - rejection)) - least;
}

/* x[t] + log(e^-j + sum of e^-x) */
static double map(const pixel *p, double rejection) {
    double sum = log_evidence(p, rejection);
    for (size_t c = 0; c < p->channels; c++)
        sum += times(target(p, c), p->x[c * p->stride]);
    return sum;
}

static size_t smallest(const pixel *p) {
    size_t best = 0;
    for (size_t c = 1; c < p->channels; c++)
        if (p->x[c * p->stride] < p->x[best * p->stride])
            best = c;
    return best;
}

static size_t largest(const pixel *p, bool of_target) {
    size_t best = 0;
    for (size_t c = 1; c < p->channels; c++)
        if (of_target ? target(p, c) > target(p, best)
                      : p->x[c * p->stride] > p->x[best * p->stride])
            best = c;
    return best;
}

static bool is_right(const pixel *p, const lens_loss_opts *opts) {
    if (opts->kind == LENS_SPARSE_CROSS_ENTROPY)
        return p->label == (double)largest(p, false);
    if (opts->kind == LENS_MAP)
        return p->label == (double)smallest(p);
    if (opts->kind != LENS_BINARY_CROSS_ENTROPY)
        return p->channels > 1 && largest(p, false) == largest(p, true);
    for (size_t c = 0; c < p->channels; c++)
        if ((p->x[c * p->stride] > (opts->from_logits ? 0 : 0.5f)) != (target(p, c) > 0.5))
            return false;
    return true;
}

static double loss_of(const pixel *p, const lens_loss_opts *opts) {
    switch (opts->kind) {
    case LENS_SPARSE_CROSS_ENTROPY:
    case LENS_CROSS_ENTROPY:
        break;
    case LENS_BINARY_CROSS_ENTROPY:
        return binary_cross_entropy(p, opts->from_logits);
    case LENS_MEAN_SQUARED_ERROR:
        return squared_error(p);
    case LENS_MAP:
        return map(p, opts->rejection);
    }
    return cross_entropy(p, opts->from_logits);
}

/* The mean runs over n h w, or over all elements: what one image's sum is divided by. */
static double divisor(lens_shape x, lens_loss_kind kind) {
    size_t pixels = x.h * x.w;
    bool over_classes = takes_class_numbers(kind) || kind == LENS_CROSS_ENTROPY;
    return (double)(over_classes ? pixels : pixels * x.c);
}

/* Of the image that pixel i belongs to. */
static double weight_of(const lens_tensor *w, const lens_tensor *x, size_t i) {
    return w ? ref_values(w)[i / (x->shape.h * x->shape.w)] : 1;
}

lens_status ref_loss_forward(lens_tensor *total, const lens_tensor *x, const lens_tensor *t,
                             const lens_tensor *w, const lens_loss_opts *opts, bool accumulate) {
    double loss = 0, right = 0;
    for (size_t i = 0; i < x->shape.n * x->shape.h * x->shape.w; i++) {
        pixel p = pixel_of(x, t, opts->kind, i);
        loss += weight_of(w, x, i) * loss_of(&p, opts);
        right += is_right(&p, opts);
    }
    float *out = ref_values(total);
    out[0] = (float)((accumulate ? out[0] : 0) + loss / divisor(x->shape, opts->kind));
    out[1] = (float)((accumulate ? out[1] : 0) + right);
    return LENS_OK;
}

/* The derivative of one pixel's loss with respect to its channel c. */
static double slope(const pixel *p, size_t c, const lens_loss_opts *opts, double normal,
                    double target_sum) {
    float x = p->x[c * p->stride];
    double t = target(p, c);
    switch (opts->kind) {
    case LENS_SPARSE_CROSS_ENTROPY:
    case LENS_CROSS_ENTROPY:
        if (opts->from_logits) /* sum of t softmax - t */
            return target_sum * exp(x - normal) - t;
        return is_clipped(x) ? 0 * t : -t / x;
    case LENS_BINARY_CROSS_ENTROPY:
        if (opts->from_logits)
            return 1 / (1 + exp(-(double)x)) - t;
        return is_clipped(x) ? 0 : (x - t) / ((double)x * (1 - (double)x));
    case LENS_MEAN_SQUARED_ERROR:
        break;
    case LENS_MAP: /* t - e^-x / (e^-j + sum of e^-x) */
        return t - exp(-x - normal);
    }
    return 2 * (x - t);
}

lens_status ref_loss_backward_input(lens_tensor *dx, const lens_tensor *x, const lens_tensor *t,
                                    const lens_tensor *w, const lens_loss_opts *opts) {
    double scale = 1 / (divisor(x->shape, opts->kind) * (double)x->shape.n);
    for (size_t i = 0; i < x->shape.n * x->shape.h * x->shape.w; i++) {
        pixel p = pixel_of(x, t, opts->kind, i);
        double normal =
            opts->kind == LENS_MAP ? log_evidence(&p, opts->rejection) : log_sum_exp(&p);
        double target_sum = 0, weight = weight_of(w, x, i);
        for (size_t c = 0; c < p.channels; c++)
            target_sum += target(&p, c);
        float *out = ref_values(dx) + (p.x - ref_values(x));
        for (size_t c = 0; c < p.channels; c++)
            out[c * p.stride] = (float)(weight * scale * slope(&p, c, opts, normal, target_sum));
    }
    return LENS_OK;
}
