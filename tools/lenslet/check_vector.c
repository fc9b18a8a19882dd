/* check_vector.c: cases of the operations without windows: dense, rbf, activation, softmax, loss,
 * optimizer. Functions such as exp and log may err by a few ulp in OpenCL; their limits say so. */
#include "cross_check.h"

#include <math.h>
#include <stdio.h>

enum { FUNCTION_ULP = 16 }; /* OpenCL allows exp 3, log 3, tanh 5, division 2.5, sqrt 3 */

static void set_name(check_problem *problem, const char *name, check_data data) {
    snprintf(problem->name, sizeof problem->name, "%.58s, %s", name,
             data == DATA_INTEGERS ? "integers" : "reals");
}

/* ---- dense --------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    lens_shape x;
    size_t k;
    lens_activation_kind activation;
} dense_cases[] = {
    {"one number", {1, 1, 1, 1}, 1, LENS_LINEAR},
    {"LeNet 400 to 120", {4, 16, 5, 5}, 120, LENS_TANH},
    {"84 to 10", {64, 84, 1, 1}, 10, LENS_LINEAR},
    {"odd sizes", {7, 3, 3, 11}, 37, LENS_RELU},
    {"one image, wide", {1, 257, 1, 1}, 129, LENS_RELU},
};

static lens_status dense_scratch(lens_tensor **scratch, lens_context *context, lens_pass pass,
                                 lens_shape x, lens_shape w) {
    size_t count;
    *scratch = NULL;
    TRY(lens_dense_scratch(&count, context, pass, x, w));
    return count ? lens_tensor_new(scratch, context, (lens_shape){1, count, 1, 1}) : LENS_OK;
}

static lens_status run_dense_forward(const check_problem *p, lens_context *context,
                                     lens_tensor *out, lens_tensor *const *in) {
    lens_tensor *scratch;
    lens_dense_opts opts = p->dense;
    if (p->magnitude_run)
        opts.activation = lens_activation_of(LENS_LINEAR);
    TRY(dense_scratch(&scratch, context, LENS_FORWARD, p->in[0].shape, p->in[1].shape));
    lens_status status = lens_dense_forward(out, in[0], in[1], in[2], &opts, scratch);
    lens_tensor_free(scratch);
    return status;
}

static lens_status run_dense_backward_input(const check_problem *p, lens_context *context,
                                            lens_tensor *out, lens_tensor *const *in) {
    lens_tensor *scratch;
    TRY(dense_scratch(&scratch, context, LENS_BACKWARD_INPUT, p->out, p->in[1].shape));
    lens_status status = lens_dense_backward_input(out, in[0], in[1], scratch);
    lens_tensor_free(scratch);
    return status;
}

static lens_status run_dense_backward_weight(const check_problem *p, lens_context *context,
                                             lens_tensor *out, lens_tensor *const *in) {
    lens_tensor *scratch;
    TRY(dense_scratch(&scratch, context, LENS_BACKWARD_WEIGHT, p->in[1].shape, p->out));
    lens_status status = lens_dense_backward_weight(out, in[0], in[1], scratch);
    lens_tensor_free(scratch);
    return status;
}

static lens_status run_dense_backward_bias(const check_problem *p, lens_context *context,
                                           lens_tensor *out, lens_tensor *const *in) {
    (void)p, (void)context;
    return lens_dense_backward_bias(out, in[0]);
}

static void add_dense(check_list *list, size_t i, check_data data) {
    lens_shape x = dense_cases[i].x, w = {dense_cases[i].k, x.c * x.h * x.w, 1, 1};
    lens_shape b = {1, w.n, 1, 1}, y = {x.n, w.n, 1, 1};
    bool exact = data == DATA_INTEGERS, tanh_fused = dense_cases[i].activation == LENS_TANH;
    check_problem p = {.pass = "forward", .run = run_dense_forward, .sums = true, .in_count = 3};
    set_name(&p, dense_cases[i].name, data);
    p.in[0] = (check_input){x, data, true};
    p.in[1] = (check_input){w, data, true};
    p.in[2] = (check_input){b, data, true};
    p.out = y;
    p.dense.activation =
        lens_activation_of(exact && tanh_fused ? LENS_LINEAR : dense_cases[i].activation);
    p.floor = tanh_fused;
    p.limit = exact ? 0 : (double)(w.c + 3) + (tanh_fused ? FUNCTION_ULP : 0);
    check_list_add(list, p);

    p.pass = "backward_input", p.run = run_dense_backward_input, p.in_count = 2, p.floor = 0;
    p.in[0].shape = y, p.in[1].shape = w, p.out = x;
    p.limit = exact ? 0 : (double)(w.n + 2);
    check_list_add(list, p);

    p.pass = "backward_weight", p.run = run_dense_backward_weight;
    p.in[1].shape = x, p.out = w;
    p.limit = exact ? 0 : (double)(x.n + 2);
    check_list_add(list, p);

    p.pass = "backward_bias", p.run = run_dense_backward_bias, p.in_count = 1, p.out = b;
    check_list_add(list, p);
}

void check_list_dense(check_list *list) {
    for (size_t i = 0; i < sizeof dense_cases / sizeof dense_cases[0]; i++) {
        add_dense(list, i, DATA_INTEGERS);
        add_dense(list, i, DATA_REALS);
    }
}

/* ---- rbf ----------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    lens_shape x;
    size_t k;
} rbf_cases[] = {
    {"one number", {1, 1, 1, 1}, 1},
    {"LeNet 84 to 10", {64, 84, 1, 1}, 10},
    {"odd sizes", {7, 3, 3, 11}, 37},
};

static lens_status run_rbf_forward(const check_problem *p, lens_context *context, lens_tensor *out,
                                   lens_tensor *const *in) {
    (void)p, (void)context;
    return lens_rbf_forward(out, in[0], in[1]);
}

static lens_status run_rbf_backward_input(const check_problem *p, lens_context *context,
                                          lens_tensor *out, lens_tensor *const *in) {
    (void)p, (void)context;
    return lens_rbf_backward_input(out, in[0], in[1], in[2]);
}

static lens_status run_rbf_backward_weight(const check_problem *p, lens_context *context,
                                           lens_tensor *out, lens_tensor *const *in) {
    (void)p, (void)context;
    return lens_rbf_backward_weight(out, in[0], in[1], in[2]);
}

/* A difference of reals from -1 .. 1 errs by half an ulp of 1, as much as a term of size 1 does. */
static void add_rbf(check_list *list, size_t i, check_data data) {
    lens_shape x = rbf_cases[i].x, w = {rbf_cases[i].k, x.c * x.h * x.w, 1, 1};
    lens_shape y = {x.n, w.n, 1, 1};
    bool exact = data == DATA_INTEGERS;
    check_problem p = {.pass = "forward", .run = run_rbf_forward, .in_count = 2};
    set_name(&p, rbf_cases[i].name, data);
    p.in[0] = (check_input){x, data, false};
    p.in[1] = (check_input){w, data, false};
    p.out = y;
    p.floor = (double)w.c;
    p.limit = exact ? 0 : (double)(w.c + 3);
    check_list_add(list, p);

    p.pass = "backward_input", p.run = run_rbf_backward_input, p.in_count = 3;
    p.in[0].shape = y, p.in[1].shape = x;
    p.in[2] = (check_input){w, data, false};
    p.out = x;
    p.floor = (double)w.n;
    p.limit = exact ? 0 : (double)(w.n + 3);
    check_list_add(list, p);

    p.pass = "backward_weight", p.run = run_rbf_backward_weight, p.out = w;
    p.floor = (double)x.n;
    p.limit = exact ? 0 : (double)(x.n + 3);
    check_list_add(list, p);
}

void check_list_rbf(check_list *list) {
    for (size_t i = 0; i < sizeof rbf_cases / sizeof rbf_cases[0]; i++) {
        add_rbf(list, i, DATA_INTEGERS);
        add_rbf(list, i, DATA_REALS);
    }
}

/* ---- activation ---------------------------------------------------------------------------- */

static lens_status run_activation_forward(const check_problem *p, lens_context *context,
                                          lens_tensor *out, lens_tensor *const *in) {
    (void)context;
    return lens_activation_forward(out, in[0], &p->activation);
}

static lens_status run_activation_backward_input(const check_problem *p, lens_context *context,
                                                 lens_tensor *out, lens_tensor *const *in) {
    (void)context;
    return lens_activation_backward_input(out, in[0], in[1], &p->activation);
}

static lens_status run_activation_backward_bias(const check_problem *p, lens_context *context,
                                                lens_tensor *out, lens_tensor *const *in) {
    lens_tensor *dx;
    TRY(lens_tensor_new(&dx, context, p->in[1].shape));
    lens_status status = lens_activation_backward_bias(dx, out, in[0], in[1], &p->activation);
    lens_tensor_free(dx);
    return status;
}

/* The input's gradient, as it is taken on the way to the bias's. */
static lens_status run_activation_backward_both(const check_problem *p, lens_context *context,
                                                lens_tensor *out, lens_tensor *const *in) {
    lens_tensor *db;
    TRY(lens_tensor_new(&db, context, (lens_shape){1, p->out.c, 1, 1}));
    lens_status status = lens_activation_backward_bias(out, db, in[0], in[1], &p->activation);
    lens_tensor_free(db);
    return status;
}

static void add_activation(check_list *list, lens_activation_kind kind, const char *name,
                           lens_shape shape) {
    bool exact = kind == LENS_LINEAR || kind == LENS_RELU;
    check_problem p = {.pass = "forward", .run = run_activation_forward, .in_count = 1};
    p.activation = lens_activation_of(kind);
    snprintf(p.name, sizeof p.name, "%s, %s", lens_activation_name(kind), name);
    p.in[0] = (check_input){shape, DATA_WIDE, false};
    p.out = shape;
    p.floor = exact ? 0 : 1; /* what exp x - 1 and the like cancel to */
    p.limit = exact ? 0 : FUNCTION_ULP;
    check_list_add(list, p);

    p.pass = "backward_input", p.run = run_activation_backward_input, p.in_count = 2;
    p.in[1] = (check_input){shape, DATA_REALS, false};
    check_list_add(list, p);
    snprintf(p.name, sizeof p.name, "%s, %s, with a bias", lens_activation_name(kind), name);
    p.run = run_activation_backward_both;
    check_list_add(list, p);

    double terms = (double)(shape.n * shape.h * shape.w);
    p.pass = "backward_bias", p.run = run_activation_backward_bias;
    p.in[0].data = exact ? DATA_INTEGERS : DATA_REALS;
    p.out = (lens_shape){1, shape.c, 1, 1};
    p.floor = exact ? 0 : terms; /* terms of either sign, of size 1 */
    p.limit = exact ? 0 : FUNCTION_ULP + terms;
    check_list_add(list, p);
}

void check_list_activation(check_list *list) {
    for (lens_activation_kind kind = LENS_LINEAR; kind <= LENS_SOFTPLUS; kind++) {
        add_activation(list, kind, "one number", (lens_shape){1, 1, 1, 1});
        add_activation(list, kind, "odd sizes", (lens_shape){3, 5, 7, 11});
        add_activation(list, kind, "a dense layer's", (lens_shape){5, 37, 1, 1});
    }
}

/* ---- softmax ------------------------------------------------------------------------------- */

static lens_status run_softmax_forward(const check_problem *p, lens_context *context,
                                       lens_tensor *out, lens_tensor *const *in) {
    (void)p, (void)context;
    return lens_softmax_forward(out, in[0]);
}

static lens_status run_softmax_backward_input(const check_problem *p, lens_context *context,
                                              lens_tensor *out, lens_tensor *const *in) {
    (void)p, (void)context;
    return lens_softmax_backward_input(out, in[0], in[1]);
}

void check_list_softmax(check_list *list) {
    static const struct {
        const char *name;
        lens_shape x;
    } cases[] = {{"10 classes", {64, 10, 1, 1}},
                 {"one class", {3, 1, 1, 1}},
                 {"1000 classes", {3, 1000, 1, 1}},
                 {"over channels of pixels", {2, 7, 5, 3}},
                 {"33 channels of few pixels", {2, 33, 3, 2}}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        check_problem p = {.pass = "forward", .run = run_softmax_forward, .in_count = 1};
        snprintf(p.name, sizeof p.name, "%s", cases[i].name);
        p.in[0] = (check_input){cases[i].x, DATA_WIDE, false};
        p.out = cases[i].x;
        p.limit = FUNCTION_ULP + 8 + (double)cases[i].x.c; /* 8: x - max, before exp, |x| <= 4 */
        check_list_add(list, p);
        p.pass = "backward_input", p.run = run_softmax_backward_input, p.in_count = 2;
        p.in[1] = (check_input){cases[i].x, DATA_PROBABILITIES, false};
        p.floor = (double)cases[i].x.c; /* the sum that is subtracted */
        check_list_add(list, p);
    }
}

/* ---- loss ---------------------------------------------------------------------------------- */

static lens_status run_loss_forward(const check_problem *p, lens_context *context, lens_tensor *out,
                                    lens_tensor *const *in) {
    (void)context;
    return lens_loss_forward(out, in[0], in[1], in[2], &p->loss, false);
}

static lens_status run_loss_backward_input(const check_problem *p, lens_context *context,
                                           lens_tensor *out, lens_tensor *const *in) {
    (void)context;
    return lens_loss_backward_input(out, in[0], in[1], in[2], &p->loss);
}

static void add_loss(check_list *list, lens_loss_kind kind, bool logits, bool weighted,
                     lens_shape x) {
    static const char *const names[] = {"sparse cross-entropy", "cross-entropy",
                                        "binary cross-entropy", "mean squared error", "map"};
    lens_shape t = x;
    bool sparse = kind == LENS_SPARSE_CROSS_ENTROPY || kind == LENS_MAP;
    bool values = kind == LENS_MEAN_SQUARED_ERROR || kind == LENS_MAP;
    if (sparse)
        t.c = 1;
    check_problem p = {.pass = "forward", .run = run_loss_forward, .in_count = weighted ? 3 : 2};
    p.loss = (lens_loss_opts){kind, logits, LENS_REJECTION};
    snprintf(p.name, sizeof p.name, "%s of %s, %zu %simages", names[kind],
             logits   ? "logits"
             : values ? "values"
                      : "probabilities",
             x.n, weighted ? "weighted " : "");
    p.in[2] = (check_input){(lens_shape){x.n, 1, 1, 1}, DATA_PROBABILITIES, false};
    p.in[0] = (check_input){x, logits || values ? DATA_WIDE : DATA_PROBABILITIES, false};
    p.in[1] = (check_input){t, sparse ? DATA_LABELS : DATA_PROBABILITIES, false, x.c};
    p.out = (lens_shape){1, 2, 1, 1};
    p.limit = 2 * FUNCTION_ULP + (double)(x.n * x.c * x.h * x.w);
    p.floor = (double)x.n;
    check_list_add(list, p);
    p.pass = "backward_input", p.run = run_loss_backward_input, p.out = x;
    p.limit = 2 * FUNCTION_ULP + (double)x.c;
    p.floor = (double)x.c / (double)x.n;
    check_list_add(list, p);
}

void check_list_loss(check_list *list) {
    static const lens_shape shapes[] = {
        {1, 10, 1, 1}, {67, 10, 1, 1}, {3, 5, 2, 3}, {2, 1000, 1, 1}, {5, 33, 2, 3}};
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        for (int kind = LENS_SPARSE_CROSS_ENTROPY; kind <= LENS_MAP; kind++) {
            add_loss(list, kind, false, false, shapes[i]);
            if (kind < LENS_MEAN_SQUARED_ERROR)
                add_loss(list, kind, true, false, shapes[i]);
            add_loss(list, kind, false, true, shapes[i]);
        }
}

/* ---- optimizer ----------------------------------------------------------------------------- */

static lens_status new_vector(lens_tensor **out, lens_context *context, size_t count) {
    TRY(lens_tensor_new(out, context, (lens_shape){1, count ? count : 1, 1, 1}));
    return lens_tensor_fill(*out, 0);
}

static lens_status norm_of(lens_tensor *norm, lens_context *context, const lens_tensor *g,
                           lens_tensor **scratch) {
    size_t count;
    TRY(lens_optimizer_scratch(&count, context, lens_tensor_count(g)));
    TRY(new_vector(scratch, context, count));
    return lens_optimizer_norm(norm, g, *scratch);
}

static lens_status run_norm(const check_problem *p, lens_context *context, lens_tensor *out,
                            lens_tensor *const *in) {
    (void)p;
    lens_tensor *scratch = NULL;
    lens_status status = norm_of(out, context, in[0], &scratch);
    lens_tensor_free(scratch);
    return status;
}

static lens_status run_norm_without_scratch(const check_problem *p, lens_context *context,
                                            lens_tensor *out, lens_tensor *const *in) {
    (void)p, (void)context;
    return lens_optimizer_norm(out, in[0], NULL);
}

/* Three steps with one gradient. in: w, g. */
static lens_status run_steps(const check_problem *p, lens_context *context, lens_tensor *out,
                             lens_tensor *const *in) {
    lens_tensor *slots[2] = {NULL}, *norm = NULL, *scratch = NULL;
    lens_status status = lens_tensor_copy(out, in[0]);
    for (size_t i = 0; status == LENS_OK && i < lens_optimizer_slots(p->optimizer.kind); i++)
        status = new_vector(&slots[i], context, lens_tensor_count(out));
    if (status == LENS_OK && p->optimizer.clip_norm > 0)
        status = new_vector(&norm, context, 1);
    if (status == LENS_OK && norm)
        status = norm_of(norm, context, in[1], &scratch);
    for (uint64_t step = 1; status == LENS_OK && step <= 3; step++)
        status = lens_optimizer_step(out, in[1], slots, norm, step, &p->optimizer);
    lens_tensor *all[] = {slots[0], slots[1], norm, scratch};
    for (size_t i = 0; i < 4; i++)
        lens_tensor_free(all[i]);
    return status;
}

void check_list_optimizer(check_list *list) {
    static const size_t counts[] = {1, 4099};
    for (size_t i = 0; i < 2; i++) {
        lens_shape shape = {1, counts[i], 1, 1};
        for (int kind = LENS_SGD; kind <= LENS_ADAMW; kind++)
            for (int full = 0; full < 2; full++) {
                check_problem p = {.pass = "step", .run = run_steps, .in_count = 2, .floor = 1};
                p.optimizer = lens_optimizer_defaults(kind);
                if (!full)
                    p.optimizer.rate = 0.5f; /* an error of a slot shows in the weights */
                if (full)
                    p.optimizer.l2 = 0.01f, p.optimizer.weight_decay = 0.1f,
                    p.optimizer.clip_norm = 0.5f;
                snprintf(p.name, sizeof p.name, "%s%s, %zu weights", lens_optimizer_name(kind),
                         full ? " with decay and clipping" : "", counts[i]);
                p.in[0] = p.in[1] = (check_input){shape, DATA_REALS, false};
                p.out = shape;
                p.limit = 2 * FUNCTION_ULP;
                check_list_add(list, p);
            }
        check_problem p = {.pass = "norm", .run = run_norm, .in_count = 1};
        snprintf(p.name, sizeof p.name, "norm of %zu gradients", counts[i]);
        p.in[0] = (check_input){shape, DATA_REALS, false};
        p.out = (lens_shape){1, 1, 1, 1};
        p.limit = (double)counts[i] / 2 + 4;
        check_list_add(list, p);
        p.run = run_norm_without_scratch;
        snprintf(p.name, sizeof p.name, "norm of %zu gradients, no scratch", counts[i]);
        check_list_add(list, p);
    }
}
