/* check_normalise.c: cases of lrn, batchnorm and dropout. */
#include "cross_check.h"

#include <stdio.h>

enum { FUNCTION_ULP = 16 }; /* what OpenCL allows pow; division 2.5, sqrt 3 */

/* ---- lrn ----------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    lens_shape x;
    lens_lrn_opts opts;
} lrn_cases[] = {
    {"one number", {1, 1, 1, 1}, {LENS_LRN_ACROSS, 5, 1e-4f, 0.75f, 2, false}},
    {"across 5 of 19", {2, 19, 7, 5}, {LENS_LRN_ACROSS, 5, 0.3f, 0.75f, 2, false}},
    {"across, even, averaged", {3, 8, 3, 11}, {LENS_LRN_ACROSS, 4, 2, 0.6f, 1, true}},
    {"across more than there are", {2, 3, 5, 5}, {LENS_LRN_ACROSS, 9, 0.5f, 1, 1, false}},
    {"within 3x3", {2, 5, 9, 7}, {LENS_LRN_WITHIN, 3, 0.3f, 0.75f, 1, false}},
    {"within, even, averaged", {1, 3, 6, 17}, {LENS_LRN_WITHIN, 4, 2, 0.5f, 2, true}},
};

static lens_status run_lrn_forward(const check_problem *p, lens_context *context, lens_tensor *out,
                                   lens_tensor *const *in) {
    (void)context;
    return lens_lrn_forward(out, in[0], &p->lrn);
}

static lens_status run_lrn_backward_input(const check_problem *p, lens_context *context,
                                          lens_tensor *out, lens_tensor *const *in) {
    lens_tensor *scratch = NULL;
    size_t count;
    TRY(lens_lrn_scratch(&count, context, LENS_BACKWARD_INPUT, p->out, &p->lrn));
    if (count)
        TRY(lens_tensor_new(&scratch, context, (lens_shape){1, count, 1, 1}));
    lens_status status = lens_lrn_backward_input(out, in[0], in[1], &p->lrn, scratch);
    lens_tensor_free(scratch);
    return status;
}

void check_list_lrn(check_list *list) {
    for (size_t i = 0; i < sizeof lrn_cases / sizeof lrn_cases[0]; i++) {
        size_t size = lrn_cases[i].opts.size;
        double window = (double)(lrn_cases[i].opts.kind == LENS_LRN_WITHIN ? size * size : size);
        check_problem p = {.pass = "forward", .run = run_lrn_forward, .in_count = 1};
        snprintf(p.name, sizeof p.name, "%s", lrn_cases[i].name);
        p.lrn = lrn_cases[i].opts;
        p.in[0] = p.in[1] = (check_input){lrn_cases[i].x, DATA_WIDE, false};
        p.out = lrn_cases[i].x;
        p.limit = FUNCTION_ULP + window;
        check_list_add(list, p);
        p.pass = "backward_input", p.run = run_lrn_backward_input, p.in_count = 2;
        p.floor = 4; /* the terms that are subtracted are as large as dy */
        p.limit = 2 * FUNCTION_ULP + 2 * window;
        check_list_add(list, p);
    }
}

/* ---- batchnorm ----------------------------------------------------------------------------- */

/* What backward needs of a forward pass over x, from the same device. */
typedef struct batch_values {
    lens_tensor *y, *gamma, *mean, *variance, *saved, *dgamma, *dbeta;
} batch_values;

static void free_batch(batch_values *b) {
    lens_tensor *all[] = {b->y, b->gamma, b->mean, b->variance, b->saved, b->dgamma, b->dbeta};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        lens_tensor_free(all[i]);
}

static lens_status new_filled(lens_tensor **out, lens_context *context, size_t count, float value) {
    TRY(lens_tensor_new(out, context, (lens_shape){1, count, 1, 1}));
    return lens_tensor_fill(*out, value);
}

/* A forward pass over in[0], with gamma 1.5 and beta in[1], and with `dy` the parameters' gradients
 * too. What is made so far is in `b` when it fails. */
static lens_status run_batch(batch_values *b, const check_problem *p, lens_context *context,
                             lens_tensor *const *in, const lens_tensor *dy) {
    size_t c = p->in[0].shape.c;
    lens_tensor **zero[] = {&b->mean, &b->dgamma, &b->dbeta};
    TRY(lens_tensor_new(&b->y, context, p->in[0].shape));
    TRY(new_filled(&b->gamma, context, c, 1.5f));
    TRY(new_filled(&b->variance, context, c, 1));
    TRY(new_filled(&b->saved, context, 2 * c, 0));
    for (size_t i = 0; i < 3; i++)
        TRY(new_filled(zero[i], context, c, 0));
    TRY(lens_batchnorm_forward_training(b->y, in[0], b->gamma, in[1], b->mean, b->variance,
                                        b->saved, &p->batchnorm));
    return dy ? lens_batchnorm_backward_weight(b->dgamma, b->dbeta, dy, in[0], b->saved) : LENS_OK;
}

/* A run whose result is `of` the batch. */
#define BATCH_RUN(name, dy, result)                                                                \
    static lens_status name(const check_problem *p, lens_context *context, lens_tensor *out,       \
                            lens_tensor *const *in) {                                              \
        batch_values b = {NULL};                                                                   \
        lens_status status = run_batch(&b, p, context, in, dy);                                    \
        if (status == LENS_OK)                                                                     \
            status = result;                                                                       \
        free_batch(&b);                                                                            \
        return status;                                                                             \
    }

BATCH_RUN(run_training, NULL, lens_tensor_copy(out, b.y))
BATCH_RUN(run_mean, NULL, lens_tensor_copy(out, b.mean))
BATCH_RUN(run_variance, NULL, lens_tensor_copy(out, b.variance))
BATCH_RUN(run_backward_gamma, in[2], lens_tensor_copy(out, b.dgamma))
BATCH_RUN(run_backward_beta, in[2], lens_tensor_copy(out, b.dbeta))
BATCH_RUN(run_backward_x, in[2],
          lens_batchnorm_backward_input(out, in[2], in[0], b.gamma, b.saved, b.dgamma, b.dbeta))

/* With given statistics: gamma and beta in[1], mean in[1] too, variance in[2]. */
static lens_status run_inference(const check_problem *p, lens_context *context, lens_tensor *out,
                                 lens_tensor *const *in) {
    (void)context;
    return lens_batchnorm_forward(out, in[0], in[1], in[1], in[1], in[2], &p->batchnorm);
}

/* Of a sum of m numbers each error is at most m/2 ulp; the rest is for the few operations behind
 * it. `floor` is what the values of a pass come to. */
static void add_batch(check_list *list, check_problem p, const char *pass,
                      lens_status (*run)(const check_problem *, lens_context *, lens_tensor *,
                                         lens_tensor *const *),
                      lens_shape out, double floor) {
    lens_shape x = p.in[0].shape;
    p.pass = pass, p.run = run, p.out = out, p.floor = floor;
    p.limit = (double)(x.n * x.h * x.w) + 2 * FUNCTION_ULP;
    check_list_add(list, p);
}

void check_list_batchnorm(check_list *list) {
    static const struct {
        const char *name;
        lens_shape x;
    } cases[] = {{"three numbers", {3, 1, 1, 1}},
                 {"maps of LeNet", {4, 6, 14, 14}},
                 {"behind dense", {16, 129, 1, 1}},
                 {"odd sizes", {3, 5, 7, 11}},
                 {"one image", {1, 3, 17, 9}}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        lens_shape x = cases[i].x, channels = {1, x.c, 1, 1};
        double m = (double)(x.n * x.h * x.w);
        check_problem p = {.in_count = 3};
        snprintf(p.name, sizeof p.name, "%s", cases[i].name);
        p.batchnorm = lens_batchnorm_defaults();
        p.batchnorm.momentum = 0.75f;
        p.in[0] = (check_input){x, DATA_WIDE, false};
        p.in[1] = (check_input){channels, DATA_REALS, false};
        p.in[2] = (check_input){channels, DATA_PROBABILITIES, false};
        add_batch(list, p, "forward", run_inference, x, 40); /* 4 / sqrt(0.01) */
        p.in[2] = (check_input){x, DATA_REALS, false};
        add_batch(list, p, "training", run_training, x, 4);
        add_batch(list, p, "statistics", run_mean, channels, 4);
        add_batch(list, p, "statistics", run_variance, channels, 16);
        add_batch(list, p, "backward_gamma", run_backward_gamma, channels, m);
        add_batch(list, p, "backward_beta", run_backward_beta, channels, m);
        add_batch(list, p, "backward_input", run_backward_x, x, 4);
    }
}

/* ---- dropout ------------------------------------------------------------------------------- */

static lens_status run_dropout_forward(const check_problem *p, lens_context *context,
                                       lens_tensor *out, lens_tensor *const *in) {
    (void)context;
    return lens_dropout_forward(out, in[0], &p->dropout);
}

static lens_status run_dropout_backward_input(const check_problem *p, lens_context *context,
                                              lens_tensor *out, lens_tensor *const *in) {
    (void)context;
    return lens_dropout_backward_input(out, in[0], &p->dropout);
}

/* The same elements on every device, scaled by the same number: equality. */
void check_list_dropout(check_list *list) {
    static const struct {
        lens_shape x;
        lens_dropout_opts opts;
    } cases[] = {{{1, 1, 1, 1}, {0.5f, 1, 0, 0}},
                 {{16, 4096, 1, 1}, {0.5f, 1, 7, 2}},
                 {{3, 5, 7, 11}, {0.4f, 0x123456789abcdefull, 1ull << 33, 9}},
                 {{2, 3, 5, 7}, {0, 3, 1, 1}},
                 {{1, 1001, 1, 1}, {0.999f, 4, 100, 0xffffff}}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        check_problem p = {.pass = "forward", .run = run_dropout_forward, .in_count = 1};
        snprintf(p.name, sizeof p.name, "rate %g of %zu", cases[i].opts.rate,
                 cases[i].x.n * cases[i].x.c * cases[i].x.h * cases[i].x.w);
        p.dropout = cases[i].opts;
        p.in[0] = (check_input){cases[i].x, DATA_REALS, false};
        p.out = cases[i].x;
        check_list_add(list, p);
        p.pass = "backward_input", p.run = run_dropout_backward_input;
        check_list_add(list, p);
    }
}
