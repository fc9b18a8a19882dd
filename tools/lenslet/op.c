/* op.c: a single pass of an operation on tensors of its own. */
#include "op.h"
#include "out.h"

#include <stdlib.h>
#include <string.h>

/* ---- what a net consists of ----------------------------------------------------------------- */

static size_t kernel_layers(const lens_net_spec *spec) {
    size_t count = 0;
    for (size_t i = 0; i < spec->layer_count; i++)
        count +=
            spec->layers[i].kind == LENS_LAYER_CONV2D || spec->layers[i].kind == LENS_LAYER_DENSE;
    return count;
}

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

lens_status op_list(op **ops, const char ***op_names, size_t *count, const lens_net_spec *spec,
                    size_t batch) {
    lens_net_summary *summary;
    TRY(lens_net_summary_new(&summary, spec, NULL, batch, 0));
    size_t most = 3 * kernel_layers(spec);
    *ops = cli_alloc(most + 1, sizeof **ops);
    *op_names = cli_alloc(most + 1, sizeof **op_names);
    *count = 0;
    lens_shape x = spec->input;
    bool is_first = true;
    for (size_t i = 0; i < spec->layer_count; i++) {
        const lens_layer_spec *layer = &spec->layers[i];
        x.n = batch;
        bool is_conv2d = layer->kind == LENS_LAYER_CONV2D;
        for (int pass = LENS_FORWARD; is_conv2d || layer->kind == LENS_LAYER_DENSE; pass++) {
            if (pass > LENS_BACKWARD_WEIGHT)
                break;
            if (is_first && pass == LENS_BACKWARD_INPUT)
                continue;
            op o = is_conv2d ? conv2d_op(layer, x) : dense_op(layer, x);
            o.pass = pass;
            (*op_names)[*count] = layer->name;
            (*ops)[(*count)++] = o;
        }
        is_first = is_first && !is_conv2d && layer->kind != LENS_LAYER_DENSE;
        x = summary->layers[i].output;
    }
    lens_net_summary_free(summary);
    return LENS_OK;
}

const char *op_shape(const op *o) {
    if (o->kind == OP_DENSE)
        return out_printf("%zux%zu * %zux%zu", o->x.n, o->x.c, o->w.n, o->w.c);
    return out_printf("%zux%zux%zux%zu * %zux%zux%zux%zu", o->x.n, o->x.c, o->x.h, o->x.w, o->w.n,
                      o->w.c, o->w.h, o->w.w);
}

static lens_status output_of(lens_shape *y, const op *o) {
    return o->kind == OP_DENSE ? lens_dense_output_shape(y, o->x, o->w)
                               : lens_conv2d_output_shape(y, o->x, o->w, &o->conv2d);
}

double op_macs(const op *o) {
    lens_shape y;
    if (output_of(&y, o) != LENS_OK)
        return 0;
    return (double)y.n * (double)(y.c * y.h * y.w) * (double)(o->w.c * o->w.h * o->w.w);
}

double op_bytes(const op *o) {
    lens_shape y;
    if (output_of(&y, o) != LENS_OK)
        return 0;
    const lens_shape all[] = {o->x, o->w, y};
    double floats = 0;
    for (size_t i = 0; i < 3; i++)
        floats += (double)all[i].n * (double)(all[i].c * all[i].h * all[i].w);
    return floats * sizeof(float);
}

/* ---- algorithms ----------------------------------------------------------------------------- */

lens_status op_algorithms(const op *o, const lens_context *context,
                          const char *names[LENS_ALGORITHMS_MOST], size_t *count) {
    if (o->kind == OP_DENSE)
        return lens_dense_algorithms(names, count, context, o->pass, o->x, o->w);
    return lens_conv2d_algorithms(names, count, context, o->pass, o->x, o->w, &o->conv2d);
}

lens_status op_prefer(const op *o, lens_context *context, const char *name) {
    if (o->kind == OP_DENSE)
        return lens_dense_prefer(context, o->pass, o->x, o->w, name);
    return lens_conv2d_prefer(context, o->pass, o->x, o->w, &o->conv2d, name);
}

/* ---- a run ---------------------------------------------------------------------------------- */

/* -3 .. 3; where `ends_only`, 0 for all images but the first and the last. */
static lens_status new_filled(lens_tensor **out, lens_context *context, lens_shape shape,
                              uint32_t salt, bool ends_only) {
    TRY(lens_tensor_new(out, context, shape));
    size_t count = lens_tensor_count(*out), image = count / shape.n;
    float *values = cli_alloc(count, sizeof *values);
    for (size_t i = 0; i < count; i++) {
        bool is_end = i < image || i >= count - image;
        uint32_t word = ((uint32_t)i + salt) * 2654435761u;
        values[i] = is_end || !ends_only ? (float)((word >> 16) % 7) - 3 : 0;
    }
    lens_status status = lens_tensor_write(*out, values);
    free(values);
    return status;
}

static lens_status scratch_size(size_t *size, const op_run *run) {
    const op *o = &run->op;
    const lens_context *context = lens_tensor_context(run->out);
    if (o->kind == OP_DENSE)
        return lens_dense_scratch(size, context, o->pass, o->x, o->w);
    return lens_conv2d_scratch(size, context, o->pass, o->x, o->w, &o->conv2d);
}

lens_status op_rescratch(op_run *run) {
    size_t size;
    lens_tensor_free(run->scratch);
    run->scratch = NULL;
    TRY(scratch_size(&size, run));
    if (!size)
        return LENS_OK;
    return lens_tensor_new(&run->scratch, lens_tensor_context(run->out),
                           (lens_shape){1, size, 1, 1});
}

lens_status op_open(op_run *run, lens_context *context, const op *o) {
    lens_shape y;
    *run = (op_run){.op = *o};
    TRY(output_of(&y, o));
    if (o->pass != LENS_BACKWARD_INPUT)
        TRY(new_filled(&run->x, context, o->x, 1, false));
    if (o->pass != LENS_BACKWARD_WEIGHT)
        TRY(new_filled(&run->w, context, o->w, 2, false));
    if (o->pass != LENS_FORWARD)
        TRY(new_filled(&run->dy, context, y, 3, o->pass == LENS_BACKWARD_WEIGHT));
    const lens_shape outs[] = {y, o->x, o->w};
    TRY(lens_tensor_new(&run->out, context, outs[o->pass]));
    return op_rescratch(run);
}

void op_close(op_run *run) {
    lens_tensor *all[] = {run->scratch, run->out, run->dy, run->w, run->x};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        lens_tensor_free(all[i]);
}

static lens_status start_dense(op_run *r) {
    lens_dense_opts opts = lens_dense_defaults();
    switch (r->op.pass) {
    case LENS_FORWARD:
        return lens_dense_forward(r->out, r->x, r->w, NULL, &opts, r->scratch);
    case LENS_BACKWARD_INPUT:
        return lens_dense_backward_input(r->out, r->dy, r->w, r->scratch);
    default:
        return lens_dense_backward_weight(r->out, r->dy, r->x, r->scratch);
    }
}

lens_status op_start(op_run *r) {
    const lens_conv2d_opts *opts = &r->op.conv2d;
    if (r->op.kind == OP_DENSE)
        return start_dense(r);
    switch (r->op.pass) {
    case LENS_FORWARD:
        return lens_conv2d_forward(r->out, r->x, r->w, NULL, opts, r->scratch);
    case LENS_BACKWARD_INPUT:
        return lens_conv2d_backward_input(r->out, r->dy, r->w, opts, r->scratch);
    default:
        return lens_conv2d_backward_weight(r->out, r->dy, r->x, opts, r->scratch);
    }
}
