/* op_parse.c: an operation from a shape on one line. */
#include "op_parse.h"

#include <stdint.h>
#include <string.h>

enum { G, MB, IC, IH, IW, OC, OH, OW, KH, KW, SH, SW, PH, PW, DH, DW, KEYS };

static const char *const keys[KEYS] = {"g",  "mb", "ic", "ih", "iw", "oc", "oh", "ow",
                                       "kh", "kw", "sh", "sw", "ph", "pw", "dh", "dw"};
#define EVERY_KEY "g mb ic ih iw oc oh ow kh kw sh sw ph pw dh dw"
#define LOWER_CASE "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"
#define MOST ((size_t)INT32_MAX)

typedef struct parsed {
    const char *text;
    size_t value[KEYS];
    bool is_set[KEYS];
} parsed;

/* KEYS when there is none of this name. */
static int key_of(const char *name, size_t size) {
    int key = 0;
    while (key < KEYS && !(strlen(keys[key]) == size && !strncmp(keys[key], name, size)))
        key++;
    return key;
}

bool op_parse_is_shape(const char *text) {
    size_t size = strspn(text, LOWER_CASE), whole = strcspn(text, "\"");
    return key_of(text, size) < KEYS && strspn(text + size, DIGITS) && strcspn(text, "./") >= whole;
}

/* ---- reading -------------------------------------------------------------------------------- */

static lens_status read_name(char *name, const char **at, const char *text) {
    const char *start = *at + 2;
    size_t size = strcspn(start, "\"");
    if (!start[size])
        return cli_fail(LENS_BAD_ARGUMENT, "\"%s\": the name has no quote at its end", text);
    if (size >= OP_NAME_SIZE)
        return cli_fail(LENS_BAD_ARGUMENT, "\"%s\": the name has %zu characters, at most %d", text,
                        size, OP_NAME_SIZE - 1);
    memcpy(name, start, size);
    name[size] = 0;
    *at = start + size + 1;
    return LENS_OK;
}

static lens_status read_number(size_t *value, const char **at, const parsed *p, int key) {
    size_t size = strspn(*at, DIGITS);
    *value = 0;
    if (!size)
        return cli_fail(LENS_BAD_ARGUMENT, "\"%s\": no number after %s", p->text, keys[key]);
    for (size_t i = 0; i < size; i++) {
        *value = 10 * *value + (size_t)((*at)[i] - '0');
        if (*value > MOST)
            return cli_fail(LENS_BAD_ARGUMENT, "\"%s\": %s is %.*s, at most %zu", p->text,
                            keys[key], (int)size, *at, MOST);
    }
    if (!*value && key < PH)
        return cli_fail(LENS_BAD_ARGUMENT, "\"%s\": %s is 0, at least 1", p->text, keys[key]);
    *at += size;
    return LENS_OK;
}

static lens_status read_pair(parsed *p, const char **at) {
    size_t size = strspn(*at, LOWER_CASE);
    int key = key_of(*at, size);
    if (!size)
        return cli_fail(LENS_BAD_ARGUMENT,
                        "\"%s\": \"%s\" starts with no key; there are " EVERY_KEY, p->text, *at);
    if (key == KEYS)
        return cli_fail(LENS_BAD_ARGUMENT, "\"%s\": there is no key %.*s, there are " EVERY_KEY,
                        p->text, (int)size, *at);
    if (p->is_set[key])
        return cli_fail(LENS_BAD_ARGUMENT, "\"%s\": %s is there twice", p->text, keys[key]);
    *at += size;
    p->is_set[key] = true;
    return read_number(&p->value[key], at, p, key);
}

static lens_status read_all(parsed *p, char *name) {
    const char *at = p->text;
    while (*at) {
        if (*at == '_')
            at++;
        else if (at[0] == 'n' && at[1] == '"')
            TRY(read_name(name, &at, p->text));
        else
            TRY(read_pair(p, &at));
    }
    return LENS_OK;
}

/* ---- meaning -------------------------------------------------------------------------------- */

#define BIT(key) (1u << (key))
#define INPUT (BIT(MB) | BIT(IC) | BIT(IH) | BIT(IW))
#define WINDOW (BIT(OH) | BIT(OW) | BIT(KH) | BIT(KW) | BIT(SH) | BIT(SW) | BIT(PH) | BIT(PW))

static const struct {
    unsigned needed, allowed;
} rules[OP_KINDS] = {
    [OP_CONV2D] = {BIT(IC) | BIT(IH) | BIT(OC) | BIT(KH),
                   INPUT | WINDOW | BIT(G) | BIT(OC) | BIT(DH) | BIT(DW)},
    [OP_DENSE] = {BIT(IC) | BIT(OC), INPUT | BIT(OC)},
    [OP_POOL2D] = {BIT(IC) | BIT(IH) | BIT(KH), INPUT | WINDOW},
    [OP_LRN] = {BIT(IC), INPUT},
    [OP_BATCHNORM] = {BIT(IC), INPUT},
    [OP_ACTIVATION] = {BIT(IC), INPUT},
    [OP_DROPOUT] = {BIT(IC), INPUT},
    [OP_OPTIMIZER] = {BIT(IC), INPUT},
};

static lens_status find_kind(op_kind *kind, const parsed *p, int wanted) {
    if (wanted < 0 && !p->is_set[OC])
        return cli_fail(LENS_BAD_ARGUMENT,
                        "\"%s\" has no oc, so it is neither a convolution nor a dense layer: "
                        "--op says what it is",
                        p->text);
    *kind = wanted >= 0 ? (op_kind)wanted : p->is_set[KH] ? OP_CONV2D : OP_DENSE;
    for (int key = 0; key < KEYS; key++) {
        if (p->is_set[key] && !(rules[*kind].allowed & BIT(key)))
            return cli_fail(LENS_BAD_ARGUMENT, "\"%s\": %s takes no %s", p->text, op_name(*kind),
                            keys[key]);
        if (!p->is_set[key] && (rules[*kind].needed & BIT(key)))
            return cli_fail(LENS_BAD_ARGUMENT, "\"%s\": %s needs %s", p->text, op_name(*kind),
                            keys[key]);
    }
    return LENS_OK;
}

static void set_default(parsed *p, int key, size_t value) {
    if (!p->is_set[key])
        p->value[key] = value;
}

static void set_defaults(parsed *p, size_t batch) {
    set_default(p, G, 1);
    set_default(p, MB, batch);
    set_default(p, IH, 1);
    set_default(p, SH, 1);
    set_default(p, IW, p->value[IH]);
    set_default(p, KW, p->value[KH]);
    set_default(p, SW, p->value[SH]);
    set_default(p, PW, p->value[PH]);
    set_default(p, DW, p->value[DH]);
}

static lens_padding padding_of(const size_t *v) {
    return (lens_padding){.top = v[PH], .left = v[PW], .bottom = v[PH], .right = v[PW]};
}

static void set_conv2d(op *o, const size_t *v) {
    o->w = (lens_shape){v[OC], v[IC] / v[G], v[KH], v[KW]};
    o->conv2d = lens_conv2d_defaults();
    o->conv2d.groups = v[G];
    o->conv2d.stride_h = v[SH];
    o->conv2d.stride_w = v[SW];
    o->conv2d.dilation_h = v[DH] + 1;
    o->conv2d.dilation_w = v[DW] + 1;
    o->conv2d.padding = padding_of(v);
}

static void set_pool2d(op *o, const size_t *v, lens_pool2d_kind kind) {
    o->pool2d = lens_pool2d_defaults(kind, v[KH]);
    o->pool2d.window_w = v[KW];
    o->pool2d.stride_h = v[SH];
    o->pool2d.stride_w = v[SW];
    o->pool2d.padding = padding_of(v);
}

static op op_of(const size_t *v, op_kind kind, const op_parse_opts *opts) {
    op o = {.kind = kind, .x = {v[MB], v[IC], v[IH], v[IW]}};
    if (kind == OP_CONV2D)
        set_conv2d(&o, v);
    else if (kind == OP_DENSE)
        o.w = (lens_shape){v[OC], v[IC] * v[IH] * v[IW], 1, 1};
    else if (kind == OP_POOL2D)
        set_pool2d(&o, v, opts->pool2d);
    else if (kind == OP_LRN)
        o.lrn = lens_lrn_defaults();
    else if (kind == OP_ACTIVATION)
        o.activation = lens_activation_of(opts->activation);
    else if (kind == OP_OPTIMIZER)
        o.optimizer = opts->optimizer;
    return o;
}

/* What oh or ow says is what the shape rule gives. */
static lens_status check_side(const parsed *p, int key, size_t got) {
    const char *side = keys[key] + 1; /* of "oh": "h" */
    if (!p->is_set[key] || p->value[key] == got)
        return LENS_OK;
    return cli_fail(LENS_BAD_ARGUMENT,
                    "\"%s\": %s is %zu, but (i%s + 2 p%s - (k%s - 1) (d%s + 1) - 1) / s%s + 1 "
                    "is %zu",
                    p->text, keys[key], p->value[key], side, side, side, side, side, got);
}

lens_status op_parse(op *o, char name[OP_NAME_SIZE], const char *text, const op_parse_opts *opts) {
    parsed p = {.text = text};
    op_kind kind = OP_CONV2D;
    lens_shape y;
    *name = 0;
    TRY(read_all(&p, name));
    TRY(find_kind(&kind, &p, opts->kind));
    set_defaults(&p, kind == OP_OPTIMIZER ? 1 : opts->batch);
    const size_t *v = p.value;
    if (kind == OP_CONV2D && (v[IC] % v[G] || v[OC] % v[G]))
        return cli_fail(LENS_BAD_ARGUMENT,
                        "\"%s\": g is %zu and divides not both ic %zu and oc %zu", text, v[G],
                        v[IC], v[OC]);
    if ((double)v[IC] * (double)v[IH] * (double)v[IW] > MOST)
        return cli_fail(LENS_BAD_ARGUMENT,
                        "\"%s\": an image has %zu x %zu x %zu values, at most %zu", text, v[IC],
                        v[IH], v[IW], MOST);
    *o = op_of(v, kind, opts);
    if (kind == OP_OPTIMIZER)
        o->w = o->x;
    if (op_output_shape(&y, o) != LENS_OK)
        return cli_fail(LENS_BAD_ARGUMENT, "\"%s\": %s", text, lens_last_error());
    TRY(check_side(&p, OH, y.h));
    return check_side(&p, OW, y.w);
}
