/* net_file.c: a network's parameters in a safetensors file. */
#include "io/net_file.h"
#include "core/error.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

lens_array lens_parameter_array(const lens_parameter *parameter, const float *values) {
    lens_shape s = parameter->shape;
    lens_array array = {.type = "F32", .values = values};
    strcpy(array.name, parameter->name);
    array.bytes = lens_tensor_count(parameter->value) * sizeof(float);
    const size_t dims[] = {s.n, s.c, s.h, s.w};
    if (s.n == 1 && s.h == 1 && s.w == 1) {
        array.rank = 1;
        array.dims[0] = s.c;
        return array;
    }
    array.rank = s.h == 1 && s.w == 1 ? 2 : 4;
    memcpy(array.dims, dims, array.rank * sizeof dims[0]);
    return array;
}

lens_status lens_net_save(const lens_net *net, const char *path) {
    assert(net && path);
    size_t count = lens_net_parameter_count(net);
    size_t elements = count ? lens_tensor_count(lens_net_state(net)) : 0;
    lens_array *arrays = calloc(count + 1, sizeof *arrays);
    float *values = malloc((elements + 1) * sizeof *values);
    char *architecture = NULL;
    lens_status status = arrays && values ? LENS_OK : lens_fail_memory(path, elements * 4);
    if (status == LENS_OK)
        status = lens_keras_print(&architecture, lens_net_get_spec(net));
    float *at = values;
    for (size_t i = 0; status == LENS_OK && i < count; i++) {
        const lens_parameter *parameter = lens_net_parameter(net, i);
        arrays[i] = lens_parameter_array(parameter, at);
        status = lens_tensor_read(parameter->value, at);
        at += lens_tensor_count(parameter->value);
    }
    if (status == LENS_OK) {
        const lens_metadata metadata[] = {{"format", "lenslet weights 1"},
                                          {"lenslet", lens_version()},
                                          {"architecture", architecture}};
        status = lens_safetensors_write(path, arrays, count, metadata, 3);
    }
    free(architecture);
    free(values);
    free(arrays);
    return status;
}

/* Whether the sizes are the parameter's, but for sizes of 1, which not every writer writes. */
static bool has_sizes(const lens_array *array, lens_shape shape) {
    const size_t dims[] = {shape.n, shape.c, shape.h, shape.w};
    size_t next = 0;
    for (size_t i = 0; i < 4; i++) {
        while (next < array->rank && array->dims[next] == 1)
            next++;
        if (dims[i] != 1 && (next == array->rank || array->dims[next++] != dims[i]))
            return false;
    }
    while (next < array->rank && array->dims[next] == 1)
        next++;
    return next == array->rank;
}

/* The array must be the parameter, whatever the number of sizes it is written with. */
static lens_status check_array(const lens_array *array, const lens_parameter *parameter,
                               const char *path) {
    if (!array)
        return lens_fail(LENS_BAD_FILE, "%s: has no array %s", path, parameter->name);
    if (strcmp(array->type, "F32") != 0)
        return lens_fail(LENS_BAD_FILE, "%s: array %s has dtype %s, F32 is read", path, array->name,
                         array->type);
    char text[LENS_SHAPE_TEXT];
    if (!has_sizes(array, parameter->shape))
        return lens_fail(LENS_BAD_FILE, "%s: array %s has another shape than the net's %s", path,
                         array->name, lens_shape_text(parameter->shape, text));
    return LENS_OK;
}

/* What the network does not connect must be 0 in the file. */
static lens_status check_connections(const lens_layer_spec *layer, const lens_array *array,
                                     const char *path) {
    size_t channels = array->dims[1], taps = array->dims[2] * array->dims[3];
    const char *values = array->values;
    for (size_t i = 0; i < array->dims[0] * channels * taps; i++) {
        size_t k = i / taps / channels, c = i / taps % channels;
        float value;
        memcpy(&value, values + i * sizeof value, sizeof value); /* it may be unaligned */
        if (value != 0 && !(layer->conv2d.connections[k] >> c & 1))
            return lens_fail(LENS_BAD_FILE,
                             "%s: array %s connects filter %zu with channel %zu, the network does "
                             "not",
                             path, array->name, k, c);
    }
    return LENS_OK;
}

static lens_status check_all_connections(const lens_net *net, const lens_safetensors *file,
                                         const char *path) {
    const lens_net_spec *spec = lens_net_get_spec(net);
    char name[LENS_NAME_SIZE + 8];
    for (size_t i = 0; i < spec->layer_count; i++) {
        const lens_layer_spec *layer = &spec->layers[i];
        if (layer->kind != LENS_LAYER_CONV2D || !layer->conv2d.connections[0])
            continue;
        snprintf(name, sizeof name, "%s.weight", layer->name);
        LENS_TRY(check_connections(layer, lens_safetensors_find(file, name), path));
    }
    return LENS_OK;
}

static lens_status load_parameter(const lens_parameter *parameter, const lens_array *array,
                                  const char *path) {
    LENS_TRY(check_array(array, parameter, path));
    float *values = malloc(array->bytes); /* the file's may be unaligned */
    if (!values)
        return lens_fail_memory(path, array->bytes);
    memcpy(values, array->values, array->bytes);
    size_t strange = 0;
    for (size_t i = 0; i < array->bytes / sizeof *values; i++)
        strange += !isfinite(values[i]);
    if (strange)
        lens_log(LENS_LOG_WARNING, "%s: array %s holds %zu values that are NaN or infinite", path,
                 array->name, strange);
    lens_status status = lens_tensor_write(parameter->value, values);
    free(values);
    return status;
}

lens_status lens_net_load_arrays(lens_net *net, const lens_safetensors *file, const char *path) {
    for (size_t i = 0; i < lens_net_parameter_count(net); i++) {
        const lens_parameter *parameter = lens_net_parameter(net, i);
        LENS_TRY(check_array(lens_safetensors_find(file, parameter->name), parameter, path));
    }
    LENS_TRY(check_all_connections(net, file, path));
    for (size_t i = 0; i < lens_net_parameter_count(net); i++) {
        const lens_parameter *parameter = lens_net_parameter(net, i);
        LENS_TRY(load_parameter(parameter, lens_safetensors_find(file, parameter->name), path));
    }
    return LENS_OK;
}

lens_status lens_net_load(lens_net *net, const char *path) {
    assert(net && path);
    lens_safetensors *file;
    LENS_TRY(lens_safetensors_read(&file, path));
    lens_status status = lens_net_load_arrays(net, file, path);
    lens_safetensors_free(file);
    return status;
}
