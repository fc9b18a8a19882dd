/* cross_check.h: the cross-check of a device against the reference.
 *
 * A problem is one operation and pass on given shapes with generated data. It runs on both devices,
 * and every element of the result must agree within `limit` ulp, where one ulp is the spacing of
 * floats at the *magnitude* of that element: the sum of the absolute values that were added up, or
 * the expected value itself where nothing is. n additions in any order err by at most n such ulp,
 * so the limits are bounds, not habits. Integer data whose arithmetic is exact has limit 0:
 * equality.
 */
#ifndef LENSLET_CLI_CROSS_CHECK_H
#define LENSLET_CLI_CROSS_CHECK_H

#include "cli.h"

typedef enum check_data {
    DATA_INTEGERS,     /* -3 .. 3 */
    DATA_REALS,        /* -1 .. 1 */
    DATA_WIDE,         /* -4 .. 4 */
    DATA_LABELS,       /* 0 .. range - 1 */
    DATA_PROBABILITIES /* 0.01 .. 0.99 */
} check_data;

typedef struct check_input {
    lens_shape shape;
    check_data data;
    bool linear; /* the result is linear in it: its absolute values give the magnitude */
    size_t range;
} check_input;

typedef struct check_problem check_problem;
struct check_problem {
    const char *pass; /* "forward", "backward_input", ... */
    char name[72];
    check_input in[2 + 1];
    size_t in_count;
    lens_shape out;
    bool sums;          /* the magnitude is the same operation's result on absolute values */
    double floor;       /* the least magnitude; 0: none */
    double limit;       /* ulp; 0: equality */
    bool magnitude_run; /* this run is for the magnitudes: leave a fused activation out */
    lens_status (*run)(const check_problem *problem, lens_context *context, lens_tensor *out,
                       lens_tensor *const *in);
    union {
        lens_conv2d_opts conv2d;
        lens_pool2d_opts pool2d;
        lens_padding pad2d;
        lens_subsample_opts subsample;
        lens_dense_opts dense;
        lens_activation activation;
        lens_lrn_opts lrn;
        lens_batchnorm_opts batchnorm;
        lens_dropout_opts dropout;
        lens_loss_opts loss;
        lens_resize2d_kind resize2d;
        lens_optimizer_opts optimizer;
    };
};

/* Problems of one operation, in a fixed order: their numbers from 1 name them. */
typedef struct check_list {
    check_problem *problems;
    size_t count, capacity;
} check_list;

void check_list_add(check_list *list, check_problem problem);
void check_list_free(check_list *list);

typedef struct check_operation {
    const char *name;
    void (*list)(check_list *list);
} check_operation;

/* Every operation; ends with {0}. */
extern const check_operation check_operations[];

void check_list_conv2d(check_list *list);
void check_list_pool2d(check_list *list);
void check_list_pad2d(check_list *list);
void check_list_resize2d(check_list *list);
void check_list_dense(check_list *list);
void check_list_subsample(check_list *list);
void check_list_rbf(check_list *list);
void check_list_activation(check_list *list);
void check_list_lrn(check_list *list);
void check_list_batchnorm(check_list *list);
void check_list_dropout(check_list *list);
void check_list_softmax(check_list *list);
void check_list_loss(check_list *list);
void check_list_optimizer(check_list *list);

/* ---- results ------------------------------------------------------------------------------- */

typedef enum check_status { CHECK_PASS, CHECK_FAIL, CHECK_SKIP } check_status;

typedef struct check_record {
    const char *op; /* or the network's name */
    size_t number;  /* what --case takes */
    char name[96];
    const char *pass;
    lens_shape shape; /* of the result */
    double max_ulp, max_abs, limit;
    check_status status;
    char note[256]; /* what a failure looks like */
} check_record;

extern const char *const check_status_words[]; /* "pass", "fail", "skip" */

/* How near to its limit; equality that holds is 0. */
double check_use(const check_record *record);

typedef struct check_counts {
    size_t done, failed, skipped;
} check_counts;

void check_count(check_counts *counts, const check_record *record);

/* The cases of one pass; `worst` is nearest to its limit, or beyond it. */
typedef struct check_row {
    const char *op, *pass;
    check_counts counts;
    check_record worst;
} check_row;

enum { CHECK_ROWS_MAX = 16 };

/* The passes of one operation or network, in their order. */
typedef struct check_rows {
    check_row items[CHECK_ROWS_MAX];
    size_t count;
} check_rows;

void check_rows_add(check_rows *rows, const check_record *record);

/* One failed case fails the pass; it is skipped when every case is. */
check_status check_row_status(const check_row *row);

/* Receives each record as it is made. */
typedef void check_callback(const check_record *record, void *user);

/* Is told what is to come, where it may take long: "alexnet: backward on the reference". */
typedef void check_phase(const char *what, void *user);

/* What is checked, with which devices. */
typedef struct check_job {
    lens_context *device, *reference;
    size_t only; /* the one case to run; 0: all */
    check_callback *callback;
    check_phase *phase;
    void *user;
} check_job;

/* Set status, errors and note of `record` from `count` elements. `magnitude` NULL: |expected|. */
void check_compare(check_record *record, const float *got, const float *expected,
                   const float *magnitude, double floor, size_t count);

/* Run every problem of an operation. Failures of the device become records; what is returned stops
 * everything (out of memory). */
lens_status check_run_operation(const check_job *job, const check_operation *operation);

/* The same for a network: forward layer by layer, loss, every gradient. */
lens_status check_run_net(const check_job *job, const lens_net_spec *spec);

#endif
