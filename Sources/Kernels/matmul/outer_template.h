/* The two products of a backward pass, over the same vector operations as
 * float_template.h, and FK_OUTER_ROWS (even) x FK_OUTER_VECTORS, the tile of c in
 * registers.
 *
 * A step of depth p adds the outer product of a part of column p of a and a part
 * of row p of b to the tile. The part of b is copied side by side for
 * FK_OUTER_DEPTH steps; it stays in the nearest caches while all rows of a pass. */

enum {
    FK_OUTER_DEPTH = 256,
    FK_OUTER_COLUMNS = 16 * FK_OUTER_VECTORS,
    FK_OUTER_BLOCK = 504, /* rows whose part of a, for one depth, stays in L2 */
};

/* a[i][p] lies at a + i * row_step + p * depth_step. */
typedef struct outer_product {
    float *c;
    size_t ldc;
    const float *a;
    size_t row_step, depth_step;
} outer_product;

/* Lanes of vector v that exist where `columns` columns are left. */
FK_TEMPLATE int outer_lanes(int columns, int v) {
    int left = columns - 16 * v;
    return left < 0 ? 0 : left < 16 ? left : 16;
}

FK_TEMPLATE void outer_tile(int rows, const outer_product *o, int64_t i, int64_t j,
                            int64_t p_begin, int depth, int columns, int from_zero,
                            const float *panel) {
    vec_f sums[FK_OUTER_ROWS][FK_OUTER_VECTORS];
    float *c = o->c + (size_t)i * o->ldc + j;
    FK_UNROLL
    for (int r = 0; r < rows; r++)
        FK_UNROLL
        for (int v = 0; v < FK_OUTER_VECTORS; v++)
            sums[r][v] = from_zero ? zero_f()
                                   : load_part_f(c + (size_t)r * o->ldc + 16 * v,
                                                 outer_lanes(columns, v));
    const float *a = o->a + (size_t)i * o->row_step + (size_t)p_begin * o->depth_step;
    size_t row_step = o->row_step, depth_step = o->depth_step;
    _Pragma("clang loop unroll(disable)")
    for (int p = 0; p < depth; p++) {
        vec_f b[FK_OUTER_VECTORS];
        FK_UNROLL
        for (int v = 0; v < FK_OUTER_VECTORS; v++) b[v] = load_f(panel + 16 * v);
        FK_UNROLL
        for (int r = 0; r < rows; r++) {
            vec_f x = splat_f(a[(size_t)r * row_step]);
            FK_UNROLL
            for (int v = 0; v < FK_OUTER_VECTORS; v++)
                sums[r][v] = fma_f(x, b[v], sums[r][v]);
        }
        panel += FK_OUTER_COLUMNS;
        a += depth_step;
    }
    FK_UNROLL
    for (int r = 0; r < rows; r++)
        FK_UNROLL
        for (int v = 0; v < FK_OUTER_VECTORS; v++)
            store_part_f(c + (size_t)r * o->ldc + 16 * v, sums[r][v],
                         outer_lanes(columns, v));
}

static FK_TARGET __attribute__((noinline)) void outer_rows(
    const outer_product *o, int64_t i, int64_t i_end, int64_t j, int64_t p, int depth,
    int columns, int from_zero, const float *panel) {
    for (; i + FK_OUTER_ROWS <= i_end; i += FK_OUTER_ROWS)
        outer_tile(FK_OUTER_ROWS, o, i, j, p, depth, columns, from_zero, panel);
    for (; i + 2 <= i_end; i += 2)
        outer_tile(2, o, i, j, p, depth, columns, from_zero, panel);
    if (i < i_end) outer_tile(1, o, i, j, p, depth, columns, from_zero, panel);
}

static FK_TARGET void outer(const outer_product *o, const float *b, size_t ldb,
                            int64_t row_begin, int64_t row_end, int64_t columns, int64_t depth,
                            int accumulate) {
    _Alignas(64) float panel[FK_OUTER_DEPTH * FK_OUTER_COLUMNS];
    for (int64_t i = row_begin; i < row_end; i += FK_OUTER_BLOCK) {
        int64_t i_end = i + FK_OUTER_BLOCK < row_end ? i + FK_OUTER_BLOCK : row_end;
        int64_t p = 0;
        do { /* once at least: a product of depth 0 is 0 */
            int steps = depth - p < FK_OUTER_DEPTH ? (int)(depth - p) : FK_OUTER_DEPTH;
            for (int64_t j = 0; j < columns; j += FK_OUTER_COLUMNS) {
                int width = columns - j < FK_OUTER_COLUMNS ? (int)(columns - j)
                                                           : FK_OUTER_COLUMNS;
                for (int s = 0; s < steps; s++)
                    FK_UNROLL
                    for (int v = 0; v < FK_OUTER_VECTORS; v++)
                        store_f(panel + s * FK_OUTER_COLUMNS + 16 * v,
                                load_part_f(b + (size_t)(p + s) * ldb + j + 16 * v,
                                            outer_lanes(width, v)));
                outer_rows(o, i, i_end, j, p, steps, width, p == 0 && !accumulate, panel);
            }
            p += steps;
        } while (p < depth);
    }
}

#define FK_OUTER_NAME2(op, suffix) fk_matmul_f32_##op##_##suffix
#define FK_OUTER_NAME(op, suffix) FK_OUTER_NAME2(op, suffix)

void FK_OUTER_NAME(nn, FK_SUFFIX)(FK_MATMUL_OUTER_PARAMETERS) {
    const outer_product o = {c, ldc, a, lda, 1};
    outer(&o, b, ldb, row_begin, row_end, columns, depth, accumulate);
}

void FK_OUTER_NAME(tn, FK_SUFFIX)(FK_MATMUL_OUTER_PARAMETERS) {
    const outer_product o = {c, ldc, a, 1, lda};
    outer(&o, b, ldb, row_begin, row_end, columns, depth, accumulate);
}
