/* ocl_matmul.c: matrix products on CPU devices. */
#include "opencl/ocl_matmul.h"
#include "core/size.h"

/* As in cl/matmul_blocked.cl. */
#define TILE_ROWS 8
#define TILE_COLUMNS 32

#define LANES 16
#define STRIP_FLOATS 32768 /* of A stay in a core's cache */

/* Rows of C that share one panel of B, or some of its columns, `most` or fewer. More makes copying
 * B cheaper, fewer makes more groups to spread over the cores; it depends on the shape alone, so
 * the sums' order does too. */
static size_t strip_rows(const ocl_matmul *product, size_t tile_rows, size_t tile_columns,
                         size_t most) {
    size_t tiles = lens_size_div_up(product->j, tile_columns);
    size_t rows = lens_size_round_up(product->m, tile_rows);
    while (rows > 2 * tile_rows && (tiles * lens_size_div_up(product->m, rows) < 8 || rows > most))
        rows = lens_size_round_up(rows / 2, tile_rows);
    return rows;
}

/* The factors, the result, and its sizes. */
static void arg_product(ocl_launch *launch, lens_tensor *c, const lens_tensor *a,
                        const lens_tensor *b, const lens_tensor *bias, const ocl_matmul *product) {
    lens_activation linear = {LENS_LINEAR, 0};
    const lens_activation *f = product->activation ? product->activation : &linear;
    ocl_arg_tensor(launch, c);
    ocl_arg_tensor(launch, a);
    ocl_arg_tensor(launch, b);
    ocl_arg_tensor(launch, bias);
    ocl_arg_int(launch, bias != NULL);
    ocl_arg_int(launch, f->kind);
    ocl_arg_float(launch, f->alpha);
    ocl_arg_int(launch, product->m);
    ocl_arg_int(launch, product->j);
    ocl_arg_int(launch, product->l);
}

static lens_status run(ocl_launch *launch, const ocl_matmul *product, size_t tile_columns,
                       size_t rows) {
    ocl_arg_int(launch, rows);
    const size_t global[] = {lens_size_div_up(product->j, tile_columns),
                             lens_size_div_up(product->m, rows)};
    const size_t local[] = {1, 1};
    return ocl_run(launch, 2, global, local);
}

/* Where both factors' elements of a sum are neighbours. */
static lens_status multiply_dots(lens_tensor *c, const lens_tensor *a, const lens_tensor *b,
                                 const lens_tensor *bias, const ocl_matmul *product) {
    size_t tile_rows = product->m < 4 ? 1 : 4, tile_columns = 4;
    ocl_launch launch = ocl_begin(c->context, "matmul_dots", "matmul_dots",
                                  tile_rows == 1 ? "-DROWS=1" : "-DROWS=4");
    arg_product(&launch, c, a, b, bias, product);
    ocl_arg_ulong(&launch, product->a_row);
    ocl_arg_ulong(&launch, product->b_column);
    return run(&launch, product, tile_columns,
               strip_rows(product, tile_rows, tile_columns, STRIP_FLOATS / product->l));
}

lens_status ocl_matmul_blocked(lens_tensor *c, const lens_tensor *a, const lens_tensor *b,
                               const lens_tensor *bias, const ocl_matmul *product) {
    if (product->a_column == 1 && product->b_row == 1 && product->l >= LANES)
        return multiply_dots(c, a, b, bias, product);
    ocl_launch launch = ocl_begin(c->context, "matmul_blocked", "matmul_blocked", "");
    arg_product(&launch, c, a, b, bias, product);
    ocl_arg_ulong(&launch, product->a_row);
    ocl_arg_ulong(&launch, product->a_column);
    ocl_arg_ulong(&launch, product->b_row);
    ocl_arg_ulong(&launch, product->b_column);
    return run(&launch, product, TILE_COLUMNS,
               strip_rows(product, TILE_ROWS, TILE_COLUMNS, product->m));
}
