/* groups.c: per-layer rates and decays: see groups.h. */
#include "train/groups.h"
#include "core/error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- "conv2d_1=0.1,dense_3=0" --------------------------------------------------------------- */

/* The pair that `list` begins with; the rest behind its comma, NULL when that was the last. */
typedef struct pair {
    char layer[LENS_NAME_SIZE];
    float scale;
    const char *rest;
} pair;

static lens_status fail_pair(const char *what, const char *text) {
    return lens_fail(LENS_BAD_ARGUMENT,
                     "recipe: %s: \"%.*s\" must be LAYER=NUMBER with a number of at least 0", what,
                     (int)strcspn(text, ","), text);
}

static lens_status parse_pair(pair *out, const char *what, const char *text) {
    size_t name = strcspn(text, "=,");
    if (text[name] != '=' || name == 0 || name >= sizeof out->layer)
        return fail_pair(what, text);
    memcpy(out->layer, text, name);
    out->layer[name] = 0;
    char *end;
    out->scale = strtof(text + name + 1, &end);
    if (end == text + name + 1 || (*end && *end != ',') || !isfinite(out->scale) || out->scale < 0)
        return fail_pair(what, text);
    out->rest = *end ? end + 1 : NULL;
    return LENS_OK;
}

static bool has_trained_layer(const lens_net *net, const char *name) {
    const lens_net_spec *spec = lens_net_get_spec(net);
    for (size_t i = 0; i < lens_net_parameter_count(net); i++) {
        const lens_parameter *p = lens_net_parameter(net, i);
        if (p->gradient && strcmp(spec->layers[p->layer].name, name) == 0)
            return true;
    }
    return false;
}

static lens_status check_list(const lens_net *net, const char *what, const char *list) {
    for (const char *text = *list ? list : NULL; text;) {
        pair p;
        LENS_TRY(parse_pair(&p, what, text));
        if (!has_trained_layer(net, p.layer))
            return lens_fail(LENS_BAD_ARGUMENT,
                             "recipe: %s: network %s has no trained layer \"%s\"", what,
                             lens_net_get_spec(net)->name, p.layer);
        text = p.rest;
    }
    return LENS_OK;
}

/* Of a list that has been checked; the last word on a layer holds. */
static float scale_of(const char *list, const char *layer) {
    float scale = 1;
    pair p;
    for (const char *text = *list ? list : NULL; text; text = p.rest) {
        if (parse_pair(&p, "", text) != LENS_OK)
            break;
        if (strcmp(p.layer, layer) == 0)
            scale = p.scale;
    }
    return scale;
}

/* ---- groups --------------------------------------------------------------------------------- */

typedef struct range {
    size_t first, count;
    float rate, decay;
} range;

static range range_of(const lens_net *net, const lens_parameter *p, const lens_recipe *recipe) {
    const char *layer = lens_net_get_spec(net)->layers[p->layer].name;
    bool decays = p->decays && (recipe->optimizer.l2 > 0 || recipe->optimizer.weight_decay > 0);
    return (range){.first = p->offset,
                   .count = lens_tensor_count(p->value),
                   .rate = scale_of(recipe->layer_rates, layer),
                   .decay = decays ? scale_of(recipe->layer_decays, layer) : 0};
}

/* Ranges in the order of their elements: first the parameters that decay, then the others. */
static size_t list_ranges(range *ranges, const lens_net *net, const lens_recipe *recipe) {
    size_t count = 0;
    for (int decays = 1; decays >= 0; decays--)
        for (size_t i = 0; i < lens_net_parameter_count(net); i++) {
            const lens_parameter *p = lens_net_parameter(net, i);
            if (!p->gradient || p->decays != (decays == 1))
                continue;
            range next = range_of(net, p, recipe), *last = count ? &ranges[count - 1] : NULL;
            if (last && last->rate == next.rate && last->decay == next.decay &&
                last->first + last->count == next.first)
                last->count += next.count;
            else
                ranges[count++] = next;
        }
    return count;
}

static lens_status add_group(lens_groups *groups, const range *r, const lens_net *net,
                             lens_tensor *const slots[LENS_SLOTS_MOST]) {
    lens_group *group = &groups->list[groups->count++];
    lens_shape shape = {1, r->count, 1, 1};
    group->rate = r->rate;
    group->decay = r->decay;
    LENS_TRY(lens_tensor_view(&group->w, lens_net_parameters(net), r->first, shape));
    LENS_TRY(lens_tensor_view(&group->g, lens_net_gradients(net), r->first, shape));
    for (size_t i = 0; i < LENS_SLOTS_MOST && slots[i]; i++)
        LENS_TRY(lens_tensor_view(&group->slots[i], slots[i], r->first, shape));
    return LENS_OK;
}

lens_status lens_groups_new(lens_groups *out, const lens_net *net, const lens_recipe *recipe,
                            lens_tensor *const slots[LENS_SLOTS_MOST]) {
    *out = (lens_groups){0};
    LENS_TRY(check_list(net, "layer rates", recipe->layer_rates));
    LENS_TRY(check_list(net, "layer decays", recipe->layer_decays));
    size_t most = lens_net_parameter_count(net);
    range *ranges = calloc(most, sizeof *ranges);
    out->list = calloc(most, sizeof *out->list);
    lens_status status = ranges && out->list
                             ? LENS_OK
                             : lens_fail_memory("optimizer groups", most * sizeof *out->list);
    size_t count = status == LENS_OK ? list_ranges(ranges, net, recipe) : 0;
    for (size_t i = 0; status == LENS_OK && i < count; i++)
        status = add_group(out, &ranges[i], net, slots);
    free(ranges);
    if (status != LENS_OK)
        lens_groups_free(out);
    return status;
}

void lens_groups_free(lens_groups *groups) {
    for (size_t i = 0; i < groups->count; i++) {
        lens_group *group = &groups->list[i];
        lens_tensor_free(group->w);
        lens_tensor_free(group->g);
        for (size_t s = 0; s < LENS_SLOTS_MOST; s++)
            lens_tensor_free(group->slots[s]);
    }
    free(groups->list);
    *groups = (lens_groups){0};
}

lens_status lens_groups_step(const lens_groups *groups, const lens_tensor *norm, uint64_t step,
                             const lens_optimizer_opts *opts) {
    for (size_t i = 0; i < groups->count; i++) {
        const lens_group *group = &groups->list[i];
        lens_optimizer_opts scaled = *opts;
        scaled.rate *= group->rate;
        scaled.l2 *= group->decay;
        scaled.weight_decay *= group->decay;
        if (group->rate > 0)
            LENS_TRY(lens_optimizer_step(group->w, group->g, group->slots, norm, step, &scaled));
    }
    return LENS_OK;
}
