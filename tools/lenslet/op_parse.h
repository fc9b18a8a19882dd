/* op_parse.h: an operation from a shape on one line, as oneDNN's benchmark writes them.
 *
 *     g2mb16ic96ih27oc256oh27kh5ph2n"conv2"
 *
 * Keys with their numbers in any order; '_' may stand between them:
 *
 *     g          groups, default 1; ic and oc are those of all groups
 *     mb         images, by default those of op_parse_opts
 *     ic ih iw   channels, rows and columns of the input
 *     oc oh ow   of the output; oh and ow may be left out and must agree with the rest
 *     kh kw      rows and columns of the filter or window
 *     sh sw      strides, default 1
 *     ph pw      padding on both sides, default 0
 *     dh dw      dilation less one, default 0
 *     n"..."     a name
 *
 * What is left out of columns is as of rows.
 */
#ifndef LENSLET_CLI_OP_PARSE_H
#define LENSLET_CLI_OP_PARSE_H

#include "op.h"

#define OP_NAME_SIZE 64

/* What a shape does not say. */
typedef struct op_parse_opts {
    int kind;     /* -1: conv2d with kh and oc, dense with oc alone */
    size_t batch; /* without mb */
    lens_pool2d_kind pool2d;
    lens_activation_kind activation;
    lens_optimizer_kind optimizer;
} op_parse_opts;

/* Whether `text` is meant as a shape: a key and a digit first, and no '.' and '/', which names of
 * files have. */
bool op_parse_is_shape(const char *text);

/* The operation, its pass being LENS_FORWARD; `name` is "" when there is none. BAD_ARGUMENT, with
 * the text and the rule, for what is no such shape. */
lens_status op_parse(op *o, char name[OP_NAME_SIZE], const char *text, const op_parse_opts *opts);

#endif
