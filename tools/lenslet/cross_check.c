/* cross_check.c: run problems on both devices and compare. */
#include "cross_check.h"
#include "out.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const check_operation check_operations[] = {
    {"conv2d", check_list_conv2d},
    {"pool2d", check_list_pool2d},
    {"pad2d", check_list_pad2d},
    {"dense", check_list_dense},
    {"subsample", check_list_subsample},
    {"rbf", check_list_rbf},
    {"activation", check_list_activation},
    {"lrn", check_list_lrn},
    {"batchnorm", check_list_batchnorm},
    {"dropout", check_list_dropout},
    {"softmax", check_list_softmax},
    {"loss", check_list_loss},
    {"resize2d", check_list_resize2d},
    {"optimizer", check_list_optimizer},
    {0},
};

/* ---- lists --------------------------------------------------------------------------------- */

void check_list_add(check_list *list, check_problem problem) {
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 64;
        check_problem *problems = cli_alloc(capacity, sizeof *problems);
        if (list->count)
            memcpy(problems, list->problems, list->count * sizeof *problems);
        free(list->problems);
        list->problems = problems;
        list->capacity = capacity;
    }
    list->problems[list->count++] = problem;
}

void check_list_free(check_list *list) {
    free(list->problems);
    *list = (check_list){0};
}

/* ---- data ---------------------------------------------------------------------------------- */

/* A word that is a function of (seed, i): Steele, Lea and Flood's SplitMix64. */
static uint32_t mix(uint64_t seed, uint64_t i) {
    uint64_t z = seed * 0xd1342543de82ef95u + (i + 1) * 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (uint32_t)((z ^ (z >> 31)) >> 32);
}

static float value_of(const check_input *input, uint32_t word) {
    float uniform = (float)(word >> 8) * 0x1p-24f;
    switch (input->data) {
    case DATA_INTEGERS:
        return (float)((int)(word % 7) - 3);
    case DATA_REALS:
        return 2 * uniform - 1;
    case DATA_WIDE:
        return 8 * uniform - 4;
    case DATA_LABELS:
        return (float)(word % input->range);
    case DATA_PROBABILITIES:
        break;
    }
    return 0.01f + 0.98f * uniform;
}

static size_t count_of(lens_shape shape) {
    return shape.n * shape.c * shape.h * shape.w;
}

static float *data_of(const check_input *input, uint64_t seed) {
    size_t count = count_of(input->shape);
    float *values = cli_alloc(count, sizeof *values);
    for (size_t i = 0; i < count; i++)
        values[i] = value_of(input, mix(seed, i));
    return values;
}

/* ---- one problem on one device ------------------------------------------------------------- */

/* The result of `problem` on `context`, whose output starts as NaN. */
static lens_status run_on(const check_problem *problem, lens_context *context, float *const *data,
                          float *result) {
    lens_tensor *out = NULL, *in[3] = {NULL};
    lens_status status = lens_tensor_new(&out, context, problem->out);
    for (size_t i = 0; status == LENS_OK && i < problem->in_count; i++) {
        status = lens_tensor_new(&in[i], context, problem->in[i].shape);
        if (status == LENS_OK)
            status = lens_tensor_write(in[i], data[i]);
    }
    if (status == LENS_OK)
        status = lens_tensor_fill(out, NAN);
    if (status == LENS_OK)
        status = problem->run(problem, context, out, in);
    if (status == LENS_OK)
        status = lens_tensor_read(out, result);
    for (size_t i = 0; i < 3; i++)
        lens_tensor_free(in[i]);
    lens_tensor_free(out);
    return status;
}

/* The magnitudes: the reference's result on the absolute values of what it is linear in. */
static lens_status magnitudes(const check_problem *problem, lens_context *reference,
                              float *const *data, float *result) {
    check_problem absolute = *problem;
    absolute.magnitude_run = true;
    for (size_t i = 0; i < problem->in_count; i++)
        for (size_t j = 0; problem->in[i].linear && j < count_of(problem->in[i].shape); j++)
            data[i][j] = fabsf(data[i][j]);
    return run_on(&absolute, reference, data, result);
}

/* ---- comparison ---------------------------------------------------------------------------- */

static double ulp_of(double magnitude) {
    int exponent;
    frexp(magnitude > FLT_MIN ? magnitude : FLT_MIN, &exponent);
    return ldexp(1, exponent - FLT_MANT_DIG);
}

static void place_of(lens_shape shape, size_t i, size_t place[4]) {
    place[3] = i % shape.w;
    place[2] = i / shape.w % shape.h;
    place[1] = i / shape.w / shape.h % shape.c;
    place[0] = i / shape.w / shape.h / shape.c;
}

void check_compare(check_record *record, const float *got, const float *expected,
                   const float *magnitude, double floor, size_t count) {
    size_t worst = 0;
    record->max_ulp = record->max_abs = 0;
    for (size_t i = 0; i < count; i++) {
        double error = fabs((double)got[i] - expected[i]), ulp = 0;
        if (got[i] == expected[i] || (isnan(got[i]) && isnan(expected[i])))
            error = 0;
        else if (!isfinite(error))
            error = ulp = INFINITY;
        if (error > 0 && isfinite(error)) {
            double size = magnitude ? fabs(magnitude[i]) : fabs(expected[i]);
            ulp = error / ulp_of(size > floor ? size : floor);
        }
        if (ulp > record->max_ulp) {
            record->max_ulp = ulp;
            worst = i;
        }
        if (error > record->max_abs)
            record->max_abs = error;
    }
    record->status = record->max_ulp <= record->limit ? CHECK_PASS : CHECK_FAIL;
    if (record->status == CHECK_FAIL) {
        size_t at[4];
        place_of(record->shape, worst, at);
        snprintf(record->note, sizeof record->note,
                 "at (%zu, %zu, %zu, %zu) of %s: got %.9g, expected %.9g", at[0], at[1], at[2],
                 at[3], out_text_of_shape(record->shape), got[worst], expected[worst]);
    }
}

/* ---- operations ---------------------------------------------------------------------------- */

static lens_status run_problem(const check_job *job, const check_problem *problem, uint64_t seed,
                               check_record *record) {
    float *data[3] = {NULL}, *results[3];
    size_t count = count_of(problem->out);
    for (size_t i = 0; i < problem->in_count; i++)
        data[i] = data_of(&problem->in[i], 8 * seed + i);
    for (size_t i = 0; i < 3; i++)
        results[i] = cli_alloc(count, sizeof *results[i]);
    lens_status status = run_on(problem, job->reference, data, results[0]);
    if (status == LENS_OK)
        status = run_on(problem, job->device, data, results[1]);
    bool device_failed = status != LENS_OK;
    if (status == LENS_OK && problem->sums)
        status = magnitudes(problem, job->reference, data, results[2]);
    if (status == LENS_OK)
        check_compare(record, results[1], results[0], problem->sums ? results[2] : NULL,
                      problem->floor, count);
    if (device_failed && status != LENS_OUT_OF_MEMORY) {
        record->status = status == LENS_UNSUPPORTED ? CHECK_SKIP : CHECK_FAIL;
        record->max_ulp = record->max_abs = status == LENS_UNSUPPORTED ? 0 : INFINITY;
        snprintf(record->note, sizeof record->note, "%s", lens_last_error());
        record->note[strcspn(record->note, "\n")] = 0;
        status = LENS_OK;
    }
    for (size_t i = 0; i < 3; i++) {
        free(data[i]);
        free(results[i]);
    }
    return status;
}

lens_status check_run_operation(const check_job *job, const check_operation *operation) {
    check_list list = {0};
    operation->list(&list);
    lens_status status = LENS_OK;
    if (job->only > list.count)
        status = cli_fail(LENS_BAD_ARGUMENT, "%s has cases 1 .. %zu, not %zu", operation->name,
                          list.count, job->only);
    for (size_t i = 0; status == LENS_OK && i < list.count; i++) {
        const check_problem *problem = &list.problems[i];
        if (job->only && job->only != i + 1)
            continue;
        check_record record = {.op = operation->name,
                               .number = i + 1,
                               .pass = problem->pass,
                               .shape = problem->out,
                               .limit = problem->limit};
        snprintf(record.name, sizeof record.name, "%s", problem->name);
        status = run_problem(job, problem, i + 1, &record);
        if (status == LENS_OK)
            job->callback(&record, job->user);
    }
    check_list_free(&list);
    return status;
}
