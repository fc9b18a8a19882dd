/* ocl_matmul_tiled.c: which tile computes a product on a GPU, and in how many parts its sums are
 * cut.
 *
 * Both follow from the product's sizes, and from the device only where it cannot run a tile, so
 * that devices agree on the order of the sums.
 */
#include "opencl/ocl_matmul_tiled.h"
#include "core/size.h"
#include "opencl/ocl_clblast.h"

#include <assert.h>
#include <stdio.h>

#define SLICE 8 /* as in cl/matmul_tiled.cl */

#define ENOUGH_GROUPS 256                  /* keep a large GPU busy */
#define SHORTEST_PART 256                  /* of a sum: less is not worth its own group */
#define LONGEST_PART 16384                 /* more loses digits: the error grows with the length */
#define MOST_PART_FLOATS ((size_t)1 << 26) /* of scratch */

typedef struct tile {
    size_t rows, columns, row_values, column_values;
} tile;

enum { LARGE, MEDIUM, FLAT, TILES };

static const tile tiles[TILES] = {{16, 16, 8, 8}, {8, 16, 8, 4}, {4, 32, 4, 4}};

static size_t tile_m(const tile *t) {
    return t->rows * t->row_values;
}

static size_t tile_j(const tile *t) {
    return t->columns * t->column_values;
}

static size_t local_bytes(const tile *t) {
    return 2 * SLICE * (tile_m(t) + 4 + tile_j(t) + 4) * sizeof(float);
}

static void options_of(char *text, size_t size, const tile *shape, const ocl_tiled *t) {
    snprintf(text, size,
             "-DROWS=%zu -DCOLUMNS=%zu -DROW_VALUES=%zu -DCOLUMN_VALUES=%zu -DA_ALONG_L=%d "
             "-DB_ALONG_L=%d",
             shape->rows, shape->columns, shape->row_values, shape->column_values, t->a_along_l,
             t->b_along_l);
}

/* Whether the device has groups and local memory for it, and its kernel registers for the group:
 * which only the compiler knows. One that does not compile says so when it is launched. */
static bool runs(const lens_context *context, const tile *shape, const ocl_tiled *t) {
    size_t items = shape->rows * shape->columns;
    if (items > context->device.work_group_items ||
        local_bytes(shape) > context->device.local_bytes)
        return false;
    char options[128];
    ocl_kernel *kernel;
    options_of(options, sizeof options, shape, t);
    return ocl_kernel_get(&kernel, context, "matmul_tiled", "matmul_tiled", options) != LENS_OK ||
           kernel->work_group_items >= items;
}

/* ---- the plan ------------------------------------------------------------------------------ */

typedef struct plan {
    const tile *tile;
    size_t tiles_m, tiles_j;
    size_t parts, part_slices;
} plan;

static size_t product3(const size_t sizes[3]) {
    return sizes[0] * sizes[1] * sizes[2];
}

/* The largest tile that fills enough groups, unless the edges that it computes for nothing are
 * larger than what it saves. */
static int best_tile(const ocl_tiled *t) {
    const tile *large = &tiles[LARGE], *medium = &tiles[MEDIUM];
    size_t j = product3(t->j), l = product3(t->l);
    if (t->m <= tile_m(&tiles[FLAT]) * 2)
        return FLAT;
    size_t large_m = lens_size_div_up(t->m, tile_m(large));
    size_t large_j = lens_size_div_up(j, tile_j(large));
    size_t medium_area =
        lens_size_round_up(t->m, tile_m(medium)) * lens_size_round_up(j, tile_j(medium));
    size_t large_area = large_m * tile_m(large) * large_j * tile_j(large);
    size_t parts = t->whole ? 1 : lens_size_max(1, l / SHORTEST_PART);
    bool fills = large_m * large_j * t->groups * parts >= ENOUGH_GROUPS / 2;
    return fills && large_area <= medium_area + medium_area / 8 ? LARGE : MEDIUM;
}

/* That one, else the next smaller one that runs, else any; NULL when none does. */
static const tile *choose_tile(const lens_context *context, const ocl_tiled *t) {
    int best = best_tile(t);
    for (int i = 0; i < TILES; i++) {
        const tile *shape = &tiles[(best + i) % TILES];
        if (runs(context, shape, t))
            return shape;
    }
    return NULL;
}

bool ocl_matmul_tiled_possible(const lens_context *context, const ocl_tiled *t) {
    return choose_tile(context, t) != NULL;
}

static plan plan_of(const lens_context *context, const ocl_tiled *t, size_t count) {
    plan p = {.tile = choose_tile(context, t)};
    assert(p.tile);
    p.tiles_m = lens_size_div_up(t->m, tile_m(p.tile));
    p.tiles_j = lens_size_div_up(product3(t->j), tile_j(p.tile));
    size_t l = product3(t->l), slices = lens_size_div_up(l, SLICE);
    size_t wanted = lens_size_div_up(ENOUGH_GROUPS, p.tiles_m * p.tiles_j * t->groups);
    p.parts =
        lens_size_max(lens_size_min(wanted, l / SHORTEST_PART), lens_size_div_up(l, LONGEST_PART));
    p.parts = lens_size_min(p.parts, MOST_PART_FLOATS / count);
    if (t->whole || p.parts == 0)
        p.parts = 1;
    p.part_slices = lens_size_max(1, lens_size_div_up(slices, p.parts));
    p.parts = lens_size_max(1, lens_size_div_up(slices, p.part_slices));
    return p;
}

size_t ocl_matmul_tiled_scratch(const lens_context *context, const ocl_tiled *t, size_t count) {
    plan p = plan_of(context, t, count);
    return p.parts > 1 ? p.parts * count : 0;
}

/* ---- launches ------------------------------------------------------------------------------ */

static ocl_launch begin(lens_context *context, const tile *shape, const ocl_tiled *t) {
    char options[128];
    options_of(options, sizeof options, shape, t);
    return ocl_begin(context, "matmul_tiled", "matmul_tiled", options);
}

static void arg_sizes(ocl_launch *launch, const size_t sizes[3]) {
    for (int i = 0; i < 3; i++)
        ocl_arg_int(launch, sizes[i]);
}

static void arg_strides(ocl_launch *launch, const ptrdiff_t strides[3]) {
    for (int i = 0; i < 3; i++)
        ocl_arg_stride(launch, strides[i]);
}

/* From M on, in the kernel's order. */
static void arg_product(ocl_launch *launch, const ocl_tiled *t, const plan *p, size_t c_part) {
    ocl_arg_int(launch, t->m);
    arg_sizes(launch, t->j);
    arg_sizes(launch, t->l);
    ocl_arg_int(launch, p->parts);
    ocl_arg_int(launch, p->part_slices);
    ocl_arg_int(launch, p->tiles_m);
    ocl_arg_ulong(launch, t->a_group);
    ocl_arg_ulong(launch, t->b_group);
    ocl_arg_ulong(launch, t->c_group);
    ocl_arg_ulong(launch, c_part);
    ocl_arg_int(launch, t->bias_group);
    ocl_arg_int(launch, t->bias_m);
    ocl_arg_int(launch, t->bias_j);
    ocl_arg_stride(launch, t->a_m);
    arg_strides(launch, t->a_l);
    arg_strides(launch, t->b_l);
    arg_strides(launch, t->b_j);
    ocl_arg_stride(launch, t->c_m);
    arg_strides(launch, t->c_j);
}

static lens_status multiply(lens_tensor *c, const lens_tensor *a, const lens_tensor *b,
                            const lens_tensor *bias, bool relu, const ocl_tiled *t, const plan *p,
                            size_t c_part) {
    ocl_launch launch = begin(c->context, p->tile, t);
    ocl_arg_tensor(&launch, c);
    ocl_arg_tensor(&launch, a);
    ocl_arg_tensor(&launch, b);
    ocl_arg_tensor(&launch, bias);
    ocl_arg_int(&launch, bias != NULL);
    ocl_arg_int(&launch, relu);
    arg_product(&launch, t, p, c_part);
    const size_t local[] = {p->tile->rows * p->tile->columns, 1};
    const size_t global[] = {p->tiles_m * p->tiles_j * local[0], p->parts * t->groups};
    return ocl_run(&launch, 2, global, local);
}

static lens_status add_parts(lens_tensor *c, const lens_tensor *sums, const ocl_tiled *t,
                             const plan *p) {
    ocl_launch launch = begin(c->context, p->tile, t);
    if (launch.status == LENS_OK)
        launch.status = ocl_kernel_get(&launch.kernel, c->context, "matmul_tiled",
                                       "matmul_tiled_add_parts", launch.kernel->options);
    ocl_arg_tensor(&launch, c);
    ocl_arg_tensor(&launch, sums);
    ocl_arg_int(&launch, c->count);
    ocl_arg_int(&launch, p->parts);
    return ocl_run_1d(&launch, c->count);
}

lens_status ocl_matmul_tiled(lens_tensor *c, const lens_tensor *a, const lens_tensor *b,
                             const lens_tensor *bias, const lens_activation *f, const ocl_tiled *t,
                             const lens_tensor *scratch) {
    plan p = plan_of(c->context, t, c->count);
    if (p.parts > 1 && (!scratch || scratch->count < p.parts * c->count)) {
        p.part_slices *= p.parts;
        p.parts = 1;
    }
    if (p.parts > 1) {
        lens_tensor sums = *scratch;
        LENS_TRY(multiply(&sums, a, b, NULL, false, t, &p, c->count));
        LENS_TRY(add_parts(c, &sums, t, &p));
        return ocl_clblast_finish(c, bias, f);
    }
    bool relu = f && f->kind == LENS_RELU;
    LENS_TRY(multiply(c, a, b, bias, relu, t, &p, 0));
    return relu ? LENS_OK : ocl_clblast_finish(c, NULL, f);
}
