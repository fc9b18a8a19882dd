/* ocl_matmul.c: matrix products on OpenCL devices. */
#include "opencl/ocl_matmul.h"
#include "core/size.h"

/* As in cl/matmul_blocked.cl. */
#define TILE_ROWS 8
#define TILE_COLUMNS 32

/* Rows of C that share one panel of B. More makes copying B cheaper, fewer makes more groups to
 * spread over the cores; it depends on the shape alone, so the sums' order does too. */
static size_t strip_rows(const ocl_matmul *product) {
    size_t tiles = lens_size_div_up(product->j, TILE_COLUMNS);
    size_t rows = lens_size_round_up(product->m, TILE_ROWS);
    while (tiles * lens_size_div_up(product->m, rows) < 8 && rows > 2 * TILE_ROWS)
        rows = lens_size_round_up(rows / 2, TILE_ROWS);
    return rows;
}

lens_status ocl_matmul_blocked(lens_tensor *c, const lens_tensor *a, const lens_tensor *b,
                               const lens_tensor *bias, const ocl_matmul *product) {
    size_t rows = strip_rows(product);
    lens_activation linear = {LENS_LINEAR, 0};
    const lens_activation *f = product->activation ? product->activation : &linear;
    ocl_launch launch = ocl_begin(c->context, "matmul_blocked", "matmul_blocked", "");
    ocl_arg_tensor(&launch, c);
    ocl_arg_tensor(&launch, a);
    ocl_arg_tensor(&launch, b);
    ocl_arg_tensor(&launch, bias);
    ocl_arg_int(&launch, bias != NULL);
    ocl_arg_int(&launch, f->kind);
    ocl_arg_float(&launch, f->alpha);
    ocl_arg_int(&launch, product->m);
    ocl_arg_int(&launch, product->j);
    ocl_arg_int(&launch, product->l);
    ocl_arg_ulong(&launch, product->a_row);
    ocl_arg_ulong(&launch, product->a_column);
    ocl_arg_ulong(&launch, product->b_row);
    ocl_arg_ulong(&launch, product->b_column);
    ocl_arg_int(&launch, rows);
    const size_t global[] = {lens_size_div_up(product->j, TILE_COLUMNS),
                             lens_size_div_up(product->m, rows)};
    const size_t local[] = {1, 1};
    return ocl_run(&launch, 2, global, local);
}
