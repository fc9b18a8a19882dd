/* check_spatial.c: cases of the operations that move windows over pictures: conv2d, pool2d,
 * subsample, pad2d, resize2d. Sizes are odd on purpose: no tile divides them. */
#include "cross_check.h"

#include <stdio.h>

static size_t or_one(size_t value) {
    return value ? value : 1;
}

/* "name, integers" */
static void set_name(check_problem *problem, const char *name, check_data data) {
    snprintf(problem->name, sizeof problem->name, "%.58s, %s", name,
             data == DATA_INTEGERS ? "integers" : "reals");
}

/* How many pixels of the padded picture one pixel is copied to, at most. */
static size_t copies_of(const lens_padding *padding) {
    switch (padding->mode) {
    case LENS_PAD_REFLECT:
        return 9;
    case LENS_PAD_REPLICATE:
        return (1 + padding->top) * (1 + padding->left) * (1 + padding->bottom) *
               (1 + padding->right);
    default:
        return 1;
    }
}

/* ---- conv2d -------------------------------------------------------------------------------- */

typedef struct conv_case {
    const char *name;
    lens_shape x;
    size_t k, r, s;
    size_t stride_h, stride_w, dilation_h, dilation_w, groups; /* 0: 1 */
    lens_padding padding;
    lens_activation_kind activation;
} conv_case;

static const conv_case conv_cases[] = {
    {"one pixel", {1, 1, 1, 1}, 1, 1, 1},
    {"LeNet first layer", {2, 1, 28, 28}, 6, 5, 5, .activation = LENS_RELU},
    {"LeNet second layer", {2, 6, 14, 14}, 16, 5, 5, .activation = LENS_TANH},
    {"1x1 filter", {2, 17, 9, 7}, 13, 1, 1},
    {"3x3 same", {2, 16, 13, 13}, 33, 3, 3, .padding = {1, 1, 1, 1, 0, 0}},
    {"stride 2, asymmetric padding", {1, 3, 15, 17}, 5, 3, 3, 2, 2, .padding = {0, 1, 2, 0, 0, 0}},
    {"stride larger than filter", {2, 3, 13, 11}, 4, 2, 2, 3, 4},
    {"dilation 2x3", {1, 4, 17, 19}, 7, 3, 3, 1, 1, 2, 3, .padding = {2, 3, 2, 3, 0, 0}},
    {"2 groups", {2, 6, 9, 9}, 10, 3, 3, .groups = 2, .padding = {1, 1, 1, 1, 0, 0}},
    {"depthwise", {2, 7, 9, 8}, 14, 3, 3, .groups = 7},
    {"constant padding", {1, 2, 6, 7}, 3, 3, 3, .padding = {1, 2, 2, 1, LENS_PAD_CONSTANT, 2}},
    {"reflect padding", {1, 3, 7, 6}, 4, 4, 3, .padding = {3, 2, 1, 3, LENS_PAD_REFLECT, 0}},
    {"replicate padding",
     {2, 2, 5, 6},
     3,
     3,
     5,
     2,
     1,
     .padding = {2, 3, 1, 2, LENS_PAD_REPLICATE, 0}},
    {"one row", {2, 3, 1, 19}, 4, 1, 5, .padding = {0, 2, 0, 2, 0, 0}},
    {"AlexNet first layer, part", {1, 3, 39, 39}, 9, 11, 11, 4, 4},
    {"sixteen images and one", {17, 3, 6, 8}, 5, 3, 3},
    {"more filters than a cache holds", {1, 96, 4, 4}, 96, 3, 3, .padding = {1, 1, 1, 1, 0, 0}},
};

/* Shapes of a case; its operands in order x, w, b, y. */
typedef struct conv_shapes {
    lens_shape x, w, b, y;
} conv_shapes;

/* Scratch as the pass asks for it; NULL when it wants none. */
static lens_status conv_scratch(lens_tensor **scratch, lens_context *context, lens_pass pass,
                                lens_shape x, lens_shape w, const lens_conv2d_opts *opts) {
    size_t count;
    *scratch = NULL;
    TRY(lens_conv2d_scratch(&count, context, pass, x, w, opts));
    return count ? lens_tensor_new(scratch, context, (lens_shape){1, count, 1, 1}) : LENS_OK;
}

static lens_status run_conv_forward(const check_problem *p, lens_context *context, lens_tensor *out,
                                    lens_tensor *const *in) {
    lens_tensor *scratch;
    lens_conv2d_opts opts = p->conv2d;
    if (p->magnitude_run)
        opts.activation = lens_activation_of(LENS_LINEAR);
    TRY(conv_scratch(&scratch, context, LENS_FORWARD, p->in[0].shape, p->in[1].shape, &opts));
    lens_status status = lens_conv2d_forward(out, in[0], in[1], in[2], &opts, scratch);
    lens_tensor_free(scratch);
    return status;
}

static lens_status run_conv_backward_input(const check_problem *p, lens_context *context,
                                           lens_tensor *out, lens_tensor *const *in) {
    lens_tensor *scratch;
    TRY(conv_scratch(&scratch, context, LENS_BACKWARD_INPUT, p->out, p->in[1].shape, &p->conv2d));
    lens_status status = lens_conv2d_backward_input(out, in[0], in[1], &p->conv2d, scratch);
    lens_tensor_free(scratch);
    return status;
}

static lens_status run_conv_backward_weight(const check_problem *p, lens_context *context,
                                            lens_tensor *out, lens_tensor *const *in) {
    lens_tensor *scratch;
    TRY(conv_scratch(&scratch, context, LENS_BACKWARD_WEIGHT, p->in[1].shape, p->out, &p->conv2d));
    lens_status status = lens_conv2d_backward_weight(out, in[0], in[1], &p->conv2d, scratch);
    lens_tensor_free(scratch);
    return status;
}

static lens_status run_conv_backward_bias(const check_problem *p, lens_context *context,
                                          lens_tensor *out, lens_tensor *const *in) {
    (void)p, (void)context;
    return lens_conv2d_backward_bias(out, in[0]);
}

static void add_conv(check_list *list, const conv_case *c, check_data data) {
    check_problem p = {.sums = true};
    p.conv2d = (lens_conv2d_opts){or_one(c->stride_h),
                                  or_one(c->stride_w),
                                  or_one(c->dilation_h),
                                  or_one(c->dilation_w),
                                  or_one(c->groups),
                                  c->padding,
                                  lens_activation_of(LENS_LINEAR)};
    conv_shapes v = {c->x, {c->k, c->x.c / p.conv2d.groups, c->r, c->s}, {1, c->k, 1, 1}, {0}};
    if (lens_conv2d_output_shape(&v.y, v.x, v.w, &p.conv2d) != LENS_OK)
        cli_exit(cli_report("check", LENS_BAD_SHAPE)); /* a slip in the table above */
    set_name(&p, c->name, data);
    bool exact = data == DATA_INTEGERS;
    check_input x = {v.x, data, true}, w = {v.w, data, true}, b = {v.b, data, true};
    check_input dy = {v.y, data, true};
    size_t window = c->r * c->s, pixels = v.y.n * v.y.h * v.y.w;

    check_problem forward = p;
    forward.pass = "forward", forward.run = run_conv_forward, forward.out = v.y;
    forward.in[0] = x, forward.in[1] = w, forward.in[2] = b, forward.in_count = 3;
    forward.limit = exact ? 0 : (double)(v.w.c * window + 3);
    if (!(exact && c->activation == LENS_TANH)) {
        forward.conv2d.activation = lens_activation_of(c->activation);
        forward.floor = c->activation == LENS_TANH;
        forward.limit += c->activation == LENS_TANH ? 8 : 0;
    }
    check_list_add(list, forward);

    p.pass = "backward_input", p.run = run_conv_backward_input, p.out = v.x;
    p.in[0] = dy, p.in[1] = w, p.in_count = 2;
    size_t terms = v.y.c / p.conv2d.groups * window * copies_of(&c->padding);
    p.limit = exact ? 0 : (double)(terms + 2);
    check_list_add(list, p);

    p.pass = "backward_weight", p.run = run_conv_backward_weight, p.out = v.w;
    p.in[0] = dy, p.in[1] = x;
    p.limit = exact ? 0 : (double)(pixels + 2);
    check_list_add(list, p);

    p.pass = "backward_bias", p.run = run_conv_backward_bias, p.out = v.b;
    p.in_count = 1;
    check_list_add(list, p);
}

void check_list_conv2d(check_list *list) {
    for (size_t i = 0; i < sizeof conv_cases / sizeof conv_cases[0]; i++) {
        add_conv(list, &conv_cases[i], DATA_INTEGERS);
        add_conv(list, &conv_cases[i], DATA_REALS);
    }
}

/* ---- pool2d -------------------------------------------------------------------------------- */

typedef struct pool_case {
    const char *name;
    lens_shape x;
    size_t r, s, stride_h, stride_w; /* as in lens_pool2d_opts */
    lens_padding padding;
    bool count_padding;
} pool_case;

static const pool_case pool_cases[] = {
    {"2x2", {2, 6, 28, 28}, 2, 2},
    {"3x3 stride 2, overlapping", {2, 5, 13, 13}, 3, 3, 2, 2},
    {"odd size, rest left out", {1, 3, 7, 9}, 2, 2},
    {"stride larger than window", {2, 3, 11, 13}, 2, 3, 3, 4},
    {"asymmetric padding", {1, 4, 9, 8}, 3, 3, 2, 2, {1, 0, 2, 1, 0, 0}},
    {"padding counted", {1, 4, 9, 8}, 3, 3, 2, 2, {1, 0, 2, 1, 0, 0}, true},
    {"replicate padding", {1, 2, 6, 7}, 3, 2, 1, 1, {1, 1, 1, 0, LENS_PAD_REPLICATE, 0}},
    {"global", {3, 7, 5, 6}, 0, 0},
    {"one pixel", {2, 3, 1, 1}, 1, 1},
};

static lens_status run_pool_forward(const check_problem *p, lens_context *context, lens_tensor *out,
                                    lens_tensor *const *in) {
    (void)context;
    return lens_pool2d_forward(out, in[0], &p->pool2d);
}

static lens_status run_pool_backward_input(const check_problem *p, lens_context *context,
                                           lens_tensor *out, lens_tensor *const *in) {
    (void)context;
    return lens_pool2d_backward_input(out, in[0], in[1], &p->pool2d);
}

static void add_pool(check_list *list, const pool_case *c, lens_pool2d_kind kind, check_data data) {
    char name[64];
    snprintf(name, sizeof name, "%s %s", lens_pool2d_kind_name(kind), c->name);
    check_problem p = {.pass = "forward", .run = run_pool_forward, .sums = true, .in_count = 1};
    p.pool2d = (lens_pool2d_opts){
        kind, c->r, c->s, c->stride_h, c->stride_w, c->padding, c->count_padding};
    if (lens_pool2d_output_shape(&p.out, c->x, &p.pool2d) != LENS_OK)
        cli_exit(cli_report("check", LENS_BAD_SHAPE));
    set_name(&p, name, data);
    bool average = kind == LENS_POOL_AVERAGE;
    double window = c->r ? (double)(c->r * c->s) : (double)(c->x.h * c->x.w);
    p.in[0] = (check_input){c->x, data, average};
    p.limit = average ? window + 3 : 0; /* the others only choose */
    check_list_add(list, p);

    p.pass = "backward_input", p.run = run_pool_backward_input, p.in_count = 2;
    p.in[0] = (check_input){p.out, data, true};
    p.in[1] = (check_input){c->x, data, false};
    p.out = c->x;
    p.limit = data == DATA_INTEGERS && !average ? 0 : window * (double)copies_of(&c->padding) + 3;
    check_list_add(list, p);
}

void check_list_pool2d(check_list *list) {
    for (size_t i = 0; i < sizeof pool_cases / sizeof pool_cases[0]; i++)
        for (int kind = LENS_POOL_MAX; kind <= LENS_POOL_MIN; kind++) {
            add_pool(list, &pool_cases[i], kind, DATA_INTEGERS);
            add_pool(list, &pool_cases[i], kind, DATA_REALS);
        }
}

/* ---- subsample ----------------------------------------------------------------------------- */

static const struct {
    const char *name;
    lens_shape x;
    size_t r, s;
    lens_activation_kind activation;
} subsample_cases[] = {
    {"S2 of LeNet-5", {2, 6, 28, 28}, 2, 2, LENS_SCALED_TANH},
    {"odd size, rest left out", {3, 5, 7, 9}, 2, 2, LENS_LINEAR},
    {"3x2", {1, 7, 11, 13}, 3, 2, LENS_RELU},
    {"one pixel", {2, 3, 1, 1}, 1, 1, LENS_LINEAR},
};

static lens_status run_subsample_forward(const check_problem *p, lens_context *context,
                                         lens_tensor *out, lens_tensor *const *in) {
    (void)context;
    lens_subsample_opts opts = p->subsample;
    if (p->magnitude_run)
        opts.activation = lens_activation_of(LENS_LINEAR);
    return lens_subsample_forward(out, in[0], in[1], in[2], &opts);
}

static lens_status run_subsample_backward_input(const check_problem *p, lens_context *context,
                                                lens_tensor *out, lens_tensor *const *in) {
    (void)context;
    return lens_subsample_backward_input(out, in[0], in[1], &p->subsample);
}

static lens_status run_subsample_backward_weight(const check_problem *p, lens_context *context,
                                                 lens_tensor *out, lens_tensor *const *in) {
    (void)context;
    return lens_subsample_backward_weight(out, in[0], in[1], &p->subsample);
}

static lens_status run_subsample_backward_bias(const check_problem *p, lens_context *context,
                                               lens_tensor *out, lens_tensor *const *in) {
    (void)p, (void)context;
    return lens_subsample_backward_bias(out, in[0]);
}

static void add_subsample(check_list *list, size_t i, check_data data) {
    lens_shape x = subsample_cases[i].x, map = {1, x.c, 1, 1}, y;
    lens_activation_kind activation = subsample_cases[i].activation;
    bool exact = data == DATA_INTEGERS, has_tanh = activation == LENS_SCALED_TANH;
    size_t r = subsample_cases[i].r, s = subsample_cases[i].s;
    check_problem p = {.pass = "forward", .run = run_subsample_forward, .sums = true};
    p.subsample = (lens_subsample_opts){
        r, s, lens_activation_of(exact && has_tanh ? LENS_LINEAR : activation)};
    if (lens_subsample_output_shape(&y, x, &p.subsample) != LENS_OK)
        cli_exit(cli_report("check", LENS_BAD_SHAPE));
    set_name(&p, subsample_cases[i].name, data);
    p.in_count = 3;
    p.in[0] = (check_input){x, data, true};
    p.in[1] = p.in[2] = (check_input){map, data, true};
    p.out = y;
    p.floor = has_tanh ? 2 : 0;
    p.limit = exact ? 0 : (double)(r * s + 3) + (has_tanh ? 16 : 0);
    check_list_add(list, p);

    p.pass = "backward_input", p.run = run_subsample_backward_input, p.in_count = 2, p.floor = 0;
    p.in[0].shape = y, p.out = x;
    p.limit = exact ? 0 : 2;
    check_list_add(list, p);

    p.pass = "backward_weight", p.run = run_subsample_backward_weight;
    p.in[1].shape = x, p.out = map;
    p.limit = exact ? 0 : (double)(x.n * x.h * x.w + 2);
    check_list_add(list, p);

    p.pass = "backward_bias", p.run = run_subsample_backward_bias, p.in_count = 1;
    p.limit = exact ? 0 : (double)(y.n * y.h * y.w + 2);
    check_list_add(list, p);
}

void check_list_subsample(check_list *list) {
    for (size_t i = 0; i < sizeof subsample_cases / sizeof subsample_cases[0]; i++) {
        add_subsample(list, i, DATA_INTEGERS);
        add_subsample(list, i, DATA_REALS);
    }
}

/* ---- pad2d --------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    lens_shape x;
    lens_padding padding;
} pad_cases[] = {
    {"zero, symmetric", {2, 3, 5, 7}, {2, 2, 2, 2, LENS_PAD_ZERO, 0}},
    {"zero, asymmetric", {2, 3, 5, 7}, {0, 3, 2, 1, LENS_PAD_ZERO, 0}},
    {"constant", {1, 3, 6, 5}, {1, 2, 3, 4, LENS_PAD_CONSTANT, 2.5f}},
    {"reflect, as far as it goes", {2, 2, 4, 6}, {3, 5, 3, 5, LENS_PAD_REFLECT, 0}},
    {"reflect, asymmetric", {1, 3, 7, 5}, {0, 4, 2, 1, LENS_PAD_REFLECT, 0}},
    {"replicate", {2, 2, 3, 4}, {2, 1, 4, 3, LENS_PAD_REPLICATE, 0}},
    {"replicate one pixel", {3, 2, 1, 1}, {2, 2, 1, 1, LENS_PAD_REPLICATE, 0}},
};

static lens_status run_pad_forward(const check_problem *p, lens_context *context, lens_tensor *out,
                                   lens_tensor *const *in) {
    (void)context;
    return lens_pad2d_forward(out, in[0], &p->pad2d);
}

static lens_status run_pad_backward_input(const check_problem *p, lens_context *context,
                                          lens_tensor *out, lens_tensor *const *in) {
    (void)context;
    return lens_pad2d_backward_input(out, in[0], &p->pad2d);
}

void check_list_pad2d(check_list *list) {
    for (size_t i = 0; i < sizeof pad_cases / sizeof pad_cases[0]; i++)
        for (int data = DATA_INTEGERS; data <= DATA_REALS; data++) {
            check_problem p = {.pass = "forward", .run = run_pad_forward, .in_count = 1};
            p.pad2d = pad_cases[i].padding;
            if (lens_pad2d_output_shape(&p.out, pad_cases[i].x, &p.pad2d) != LENS_OK)
                cli_exit(cli_report("check", LENS_BAD_SHAPE));
            set_name(&p, pad_cases[i].name, data);
            p.in[0] = (check_input){pad_cases[i].x, data, true};
            check_list_add(list, p);
            p.pass = "backward_input", p.run = run_pad_backward_input, p.sums = true;
            p.in[0].shape = p.out;
            p.out = pad_cases[i].x;
            p.limit = data == DATA_INTEGERS ? 0 : (double)copies_of(&p.pad2d) + 2;
            check_list_add(list, p);
        }
}

/* ---- resize2d ------------------------------------------------------------------------------ */

static const struct {
    const char *name;
    lens_shape x;
    size_t h, w;
} resize_cases[] = {
    {"28x28 to 32x32", {2, 1, 28, 28}, 32, 32},
    {"halved", {2, 3, 14, 10}, 7, 5},
    {"odd up", {1, 3, 5, 7}, 11, 9},
    {"odd down", {1, 2, 13, 17}, 5, 4},
    {"up and down", {2, 2, 6, 9}, 9, 4},
    {"the same size", {1, 2, 5, 6}, 5, 6},
    {"from one pixel", {2, 3, 1, 1}, 4, 3},
    {"to one pixel", {2, 3, 6, 5}, 1, 1},
};

static lens_status run_resize_forward(const check_problem *p, lens_context *context,
                                      lens_tensor *out, lens_tensor *const *in) {
    (void)context;
    return lens_resize2d_forward(out, in[0], p->resize2d);
}

static lens_status run_resize_backward_input(const check_problem *p, lens_context *context,
                                             lens_tensor *out, lens_tensor *const *in) {
    (void)context;
    return lens_resize2d_backward_input(out, in[0], p->resize2d);
}

/* A mixing weight has the rounding of a coordinate, so it errs by up to size eps, whatever pixels
 * it mixes: hence the floor, the largest value that a sum of inputs can have. */
static void add_resize(check_list *list, size_t i, lens_resize2d_kind kind) {
    lens_shape x = resize_cases[i].x, y = {x.n, x.c, resize_cases[i].h, resize_cases[i].w};
    char name[64];
    snprintf(name, sizeof name, "%s %s", lens_resize2d_kind_name(kind), resize_cases[i].name);
    bool exact = kind == LENS_RESIZE_NEAREST;
    double terms = (double)((y.h / x.h + 2) * (y.w / x.w + 2));
    double size = (double)(x.h > x.w ? x.h : x.w);
    check_problem p = {.pass = "forward", .run = run_resize_forward, .in_count = 1};
    p.resize2d = kind;
    set_name(&p, name, DATA_REALS);
    p.in[0] = (check_input){x, DATA_REALS, true};
    p.out = y;
    p.floor = exact ? 0 : 1;
    p.limit = exact ? 0 : 4 + 2 * size;
    check_list_add(list, p);
    p.pass = "backward_input", p.run = run_resize_backward_input, p.sums = true;
    p.in[0].shape = y;
    p.out = x;
    p.floor = exact ? 0 : terms;
    p.limit = exact ? terms + 2 : terms + 4 + 2 * size;
    check_list_add(list, p);
}

void check_list_resize2d(check_list *list) {
    for (size_t i = 0; i < sizeof resize_cases / sizeof resize_cases[0]; i++) {
        add_resize(list, i, LENS_RESIZE_BILINEAR);
        add_resize(list, i, LENS_RESIZE_NEAREST);
    }
}
