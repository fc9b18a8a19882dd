/* op_list.c: the operations that a net's training step consists of. */
#include "op.h"

#include <stdlib.h>

static op conv2d_op(const lens_layer_spec *layer, lens_shape x) {
    op o = {.kind = OP_CONV2D, .x = x, .conv2d = layer->conv2d.opts};
    o.w = (lens_shape){layer->conv2d.filters, x.c / o.conv2d.groups, layer->conv2d.kernel_h,
                       layer->conv2d.kernel_w};
    if (layer->conv2d.same_padding)
        o.conv2d.padding =
            lens_padding_same(x.h, x.w, o.w.h, o.w.w, o.conv2d.stride_h, o.conv2d.stride_w,
                              o.conv2d.dilation_h, o.conv2d.dilation_w);
    return o;
}

static op dense_op(const lens_layer_spec *layer, lens_shape x) {
    size_t inputs = x.c * x.h * x.w;
    return (op){
        .kind = OP_DENSE, .x = {x.n, inputs, 1, 1}, .w = {layer->dense.units, inputs, 1, 1}};
}

static op pool2d_op(const lens_layer_spec *layer, lens_shape x) {
    op o = {.kind = OP_POOL2D, .x = x, .pool2d = layer->pool2d.opts};
    lens_pool2d_opts *p = &o.pool2d;
    if (layer->pool2d.same_padding)
        p->padding = lens_padding_same(x.h, x.w, p->window_h, p->window_w,
                                       p->stride_h ? p->stride_h : p->window_h,
                                       p->stride_w ? p->stride_w : p->window_w, 1, 1);
    return o;
}

/* False for layers that are no operation, or none that is measured. */
static bool layer_op(op *o, const lens_layer_spec *layer, lens_shape x) {
    switch (layer->kind) {
    case LENS_LAYER_CONV2D:
        *o = conv2d_op(layer, x);
        return true;
    case LENS_LAYER_DENSE:
        *o = dense_op(layer, x);
        return true;
    case LENS_LAYER_POOL2D:
        *o = pool2d_op(layer, x);
        return true;
    case LENS_LAYER_LRN:
        *o = (op){.kind = OP_LRN, .x = x, .lrn = layer->lrn};
        return true;
    case LENS_LAYER_BATCHNORM:
        *o = (op){.kind = OP_BATCHNORM, .x = x};
        return true;
    case LENS_LAYER_ACTIVATION:
        *o = (op){.kind = OP_ACTIVATION, .x = x, .activation = layer->activation};
        return true;
    case LENS_LAYER_DROPOUT:
        *o = (op){.kind = OP_DROPOUT, .x = x};
        return true;
    default:
        return false;
    }
}

static bool has_weights(const lens_layer_spec *layer) {
    return layer->kind == LENS_LAYER_CONV2D || layer->kind == LENS_LAYER_DENSE ||
           layer->kind == LENS_LAYER_BATCHNORM || layer->kind == LENS_LAYER_SUBSAMPLE ||
           layer->kind == LENS_LAYER_RBF;
}

static lens_activation fused_activation(const lens_layer_spec *layer) {
    if (layer->kind == LENS_LAYER_CONV2D)
        return layer->conv2d.opts.activation;
    if (layer->kind == LENS_LAYER_DENSE)
        return layer->dense.opts.activation;
    return lens_activation_of(LENS_LINEAR);
}

static bool has_bias(const lens_layer_spec *layer) {
    return (layer->kind == LENS_LAYER_CONV2D && !layer->conv2d.no_bias) ||
           (layer->kind == LENS_LAYER_DENSE && !layer->dense.no_bias);
}

static void add(op_list *list, const char *layer, op o, lens_pass pass) {
    op_moves moves = op_moves_of(o.kind, pass);
    if (!moves.reads)
        return;
    o.pass = pass;
    list->layers[list->count] = layer;
    list->ops[list->count++] = o;
}

static void add_layer(op_list *list, const lens_layer_spec *layer, lens_shape x, lens_shape y,
                      bool is_first) {
    lens_activation fused = fused_activation(layer);
    op o, gradient = {.kind = OP_ACTIVATION, .x = y, .activation = fused};
    if (!layer_op(&o, layer, x))
        return;
    add(list, layer->name, o, LENS_FORWARD);
    if (fused.kind != LENS_LINEAR)
        add(list, layer->name, gradient,
            has_bias(layer) ? LENS_BACKWARD_BIAS : LENS_BACKWARD_INPUT);
    if (!is_first)
        add(list, layer->name, o, LENS_BACKWARD_INPUT);
    add(list, layer->name, o, LENS_BACKWARD_WEIGHT);
    if (has_bias(layer) && fused.kind == LENS_LINEAR)
        add(list, layer->name, o, LENS_BACKWARD_BIAS);
}

lens_status op_list_new(op_list *list, const lens_net_spec *spec, size_t batch,
                        lens_optimizer_kind optimizer) {
    lens_net_summary *summary;
    TRY(lens_net_summary_new(&summary, spec, NULL, batch, 0));
    size_t most = (OP_PASSES + 1) * spec->layer_count + 1;
    *list = (op_list){.ops = cli_alloc(most, sizeof *list->ops),
                      .layers = cli_alloc(most, sizeof *list->layers)};
    lens_shape x = spec->input;
    bool is_first = true;
    for (size_t i = 0; i < spec->layer_count; i++) {
        lens_shape y = summary->layers[i].output;
        x.n = y.n = batch;
        add_layer(list, &spec->layers[i], x, y, is_first);
        is_first = is_first && !has_weights(&spec->layers[i]);
        x = y;
    }
    lens_shape all = {1, summary->trained, 1, 1};
    op update = {.kind = OP_OPTIMIZER, .x = all, .w = all, .optimizer = optimizer};
    if (summary->trained)
        add(list, "parameters", update, LENS_FORWARD);
    lens_net_summary_free(summary);
    return LENS_OK;
}

void op_list_free(op_list *list) {
    free(list->ops);
    free(list->layers);
}

void op_list_keep(op_list *list, bool (*wanted)(const op *, const void *data), const void *data) {
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++)
        if (wanted(&list->ops[i], data)) {
            list->ops[kept] = list->ops[i];
            list->layers[kept++] = list->layers[i];
        }
    list->count = kept;
}
