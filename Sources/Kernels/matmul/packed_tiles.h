/* The register tile of packed_panel.h in plain vectors: 32-bit sums of FK_TILE_ROWS
 * activation rows and FK_TILE_GROUPS groups of weight rows, and as many floats. */

FK_TEMPLATE void tile(panel_shape p, const uint8_t *panel, const int8_t *codes, int64_t stride,
                      const prepared_row *rows, int blocks, int row_count, float *y) {
    vec_f acc[FK_TILE_ROWS][FK_TILE_GROUPS];
    for (int t = 0; t < row_count; t++)
        for (int g = 0; g < p.groups; g++)
            acc[t][g] = load_f(y + (t * FK_TILE_GROUPS + g) * FK_LANES);
    int parts = p.halves ? 2 : 1;
    /* Two pointers and the stride reach six rows without further arithmetic. */
    const int8_t *q[2] = {codes, codes + 3 * stride};
    _Pragma("clang loop unroll(disable)")
    for (int b = 0; b < blocks; b++) {
        for (int h = 0; h < parts; h++) {
            vec_i i[FK_TILE_ROWS][FK_TILE_GROUPS];
            for (int t = 0; t < row_count; t++)
                for (int g = 0; g < p.groups; g++)
                    i[t][g] = splat_i(rows[t].start[parts * b + h]);
            int begin = 8 / parts * h, end = 8 / parts * (h + 1);
#if FK_PAIR_SUMS
            int fold = p.wide ? 1 : p.narrow ? 8 / parts : 2;
            vec_i pairs[FK_TILE_ROWS][FK_TILE_GROUPS];
#endif
            FK_UNROLL
            for (int j = begin; j < end; j++) {
                vec_i w[FK_TILE_GROUPS];
                for (int g = 0; g < p.groups; g++) w[g] = load_i(panel + 64 * (8 * g + j));
                for (int t = 0; t < row_count; t++)
                    for (int g = 0; g < p.groups; g++) {
                        const int8_t *four = q[t / 3] + t % 3 * stride + 4 * j;
#if FK_PAIR_SUMS
                        vec_i more = dot_pairs(w[g], four, p.wide);
                        int step = (j - begin) % fold;
                        pairs[t][g] = step ? add_pairs(pairs[t][g], more) : more;
                        if (step == fold - 1) i[t][g] = fold_pairs(i[t][g], pairs[t][g]);
#else
                        i[t][g] = dot(i[t][g], w[g], four, p.wide);
#endif
                    }
            }
            for (int t = 0; t < row_count; t++)
                for (int g = 0; g < p.groups; g++) {
                    const float *s = (const float *)(const void *)(
                        panel + 64 * panel_scale_vector(p, g, h));
                    acc[t][g] = finish(i[t][g], load_f(s), load_f(s + 16), p.has_min,
                                       p.has_min ? load_f(s + 32) : zero_f(),
                                       splat_f(rows[t].sum[parts * b + h]),
                                       splat_f(rows[t].d[b]), acc[t][g]);
                }
        }
        panel += 64 * panel_vectors(p);
        q[0] += FK_BLOCK;
        q[1] += FK_BLOCK;
    }
    for (int t = 0; t < row_count; t++)
        for (int g = 0; g < p.groups; g++)
            store_f(y + (t * FK_TILE_GROUPS + g) * FK_LANES, acc[t][g]);
}

/* All tiles of a row block, one chunk. Instantiated once a panel shape. */
FK_TEMPLATE void tiles(panel_shape p, const uint8_t *panel, const fk_activations *x, int offset,
                       int64_t first_block, int blocks, int64_t begin, int64_t end,
                       const uint8_t *next, int64_t next_bytes, float *y) {
    prepared_row rows[FK_TILE_ROWS];
    int64_t left = (end - begin + FK_TILE_ROWS - 1) / FK_TILE_ROWS, share = next_bytes / left;
    int count;
    for (int64_t t = begin; t < end; t += count, left--) {
        count = (int)((end - t + left - 1) / left);
        for (int64_t i = 0; i < share; i += 64) __builtin_prefetch(next + i, 0, 2);
        next += share;
        for (int i = 0; i < count; i++)
            prepare(p, offset, &rows[i], x->sums + (t + i) * (x->k / 16) + 2 * first_block,
                    x->scales + (t + i) * (x->k / 32) + first_block, blocks);
        const int8_t *codes = x->codes + t * x->stride + FK_BLOCK * first_block;
        switch (count) {
#define FK_TILE_CASE(n)                                                                   \
    case n:                                                                               \
        tile(p, panel, codes, x->stride, rows, blocks, n, y);                             \
        break;
            FK_TILE_CASE(1)
            FK_TILE_CASE(2)
#if FK_TILE_ROWS >= 3
            FK_TILE_CASE(3)
#endif
#if FK_TILE_ROWS >= 4
            FK_TILE_CASE(4)
#endif
#if FK_TILE_ROWS >= 5
            FK_TILE_CASE(5)
#endif
#if FK_TILE_ROWS >= 6
            FK_TILE_CASE(6)
#endif
#undef FK_TILE_CASE
        }
        y += count * FK_TILE_GROUPS * FK_LANES;
    }
}
