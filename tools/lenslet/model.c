/* model.c: what follows from a network's last layer. */
#include "model.h"

#include <string.h>

bool model_ends_in_softmax(const lens_net_spec *spec) {
    return spec->layers[spec->layer_count - 1].kind == LENS_LAYER_SOFTMAX;
}

bool model_ends_in_sigmoid(const lens_net_spec *spec) {
    return lens_net_spec_loss(spec) == LENS_BINARY_CROSS_ENTROPY;
}

bool model_ends_in_rbf(const lens_net_spec *spec) {
    return lens_net_spec_loss(spec) == LENS_MAP;
}

lens_loss_kind model_loss(const lens_net_spec *spec, size_t label_rank) {
    lens_loss_kind loss = lens_net_spec_loss(spec);
    if (loss != LENS_SPARSE_CROSS_ENTROPY || label_rank < 2)
        return loss;
    return model_ends_in_softmax(spec) ? LENS_CROSS_ENTROPY : LENS_MEAN_SQUARED_ERROR;
}

size_t model_layer_rank(const lens_net_spec *spec, size_t layer) {
    for (;; layer--) {
        switch (spec->layers[layer].kind) {
        case LENS_LAYER_DENSE:
        case LENS_LAYER_FLATTEN:
        case LENS_LAYER_RBF:
            return 2;
        case LENS_LAYER_ACTIVATION:
        case LENS_LAYER_SOFTMAX: /* as the layer before */
            break;
        default:
            return 4;
        }
        if (layer == 0)
            return 4;
    }
}

lens_status model_check_labels(const lens_net_spec *spec, const lens_dataset *data,
                               const char *directory, size_t *classes) {
    lens_net_summary *summary;
    TRY(lens_net_summary_new(&summary, spec, NULL, 1, 0));
    size_t outputs = summary->layers[summary->layer_count - 1].output.c;
    lens_net_summary_free(summary);
    *classes = outputs > 1 ? outputs : 2; /* one sigmoid tells two classes apart */
    if (lens_dataset_classes(data) > *classes)
        return cli_fail(LENS_BAD_FILE, "%s: there is a label %zu, %s tells classes 0 .. %zu apart",
                        directory, lens_dataset_classes(data) - 1, spec->name, *classes - 1);
    return LENS_OK;
}

size_t model_crop_side(const lens_net_spec *spec) {
    size_t shorter = spec->input.h < spec->input.w ? spec->input.h : spec->input.w;
    return (8 * shorter + 3) / 7;
}

lens_status model_check_pictures(const lens_dataset *data, bool strict) {
    return strict ? lens_dataset_check(data) : LENS_OK;
}

void model_note_broken(const char *command, const lens_dataset *data) {
    size_t broken = lens_dataset_broken(data);
    if (broken)
        cli_note("lenslet %s: %zu of %zu pictures could not be read and were left out", command,
                 broken, lens_dataset_shape(data).n);
}

bool model_has_weights(const char *model) {
    static const char ending[] = ".safetensors";
    size_t size = strlen(model), ending_size = sizeof ending - 1;
    return size > ending_size && !strcmp(model + size - ending_size, ending);
}
