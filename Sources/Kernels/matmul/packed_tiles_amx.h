/* The inner loop of packed_panel.h over AMX INT8 tiles.
 *
 * A file that includes packed_template.h with FK_TILES naming this one gives
 * configure_tiles(config), release_tiles(), zero_tile(c), load_tile(n, base, stride),
 * multiply_tiles(c, a, b) (c += a b, signed bytes) and store_tile(c, base, stride);
 * tile numbers are constants.
 *
 * A step is one block, or half of one: 16 rows of activation codes, 32 (16) bytes
 * each, times the 8 (4) vectors of weight codes, which lie in the panel as the
 * instruction wants them, gives 16 x 16 sums. They leave through memory, 16 vectors
 * in the order of the activation rows, and become floats as in every other variant:
 * a sum below 2^22 times d rounds once either way. Two steps at a time keep the
 * multiplier busy while sums travel. */

enum { FK_TILE_SIDE = 16 };
_Static_assert(FK_TILE_ROWS == FK_TILE_SIDE && FK_LANES == FK_TILE_SIDE, "one tile of sums");

/* Tiles 0 and 1 are sums, 2 and 3 activations, 4 and 5 weights. */
FK_TEMPLATE tile_config tile_shapes(panel_shape p, int rows) {
    tile_config c = {.palette = 1};
    for (int i = 0; i < 2; i++) {
        c.rows[i] = c.rows[2 + i] = (uint8_t)rows;
        c.row_bytes[i] = 64;
        c.row_bytes[2 + i] = p.halves ? 16 : 32;
        c.rows[4 + i] = p.halves ? 4 : 8;
        c.row_bytes[4 + i] = 64;
    }
    return c;
}

/* Step `n` of a pair: block b, half h. */
#define FK_AMX_STEP(n, b, h)                                                              \
    do {                                                                                  \
        zero_tile(n);                                                                     \
        load_tile(2 + n, codes + FK_BLOCK * (b) + 16 * (h), stride);                      \
        load_tile(4 + n, panel + 64 * panel_vectors(p) * (b) + 64 * (8 * g + 4 * (h)),    \
                  64);                                                                    \
        multiply_tiles(n, 2 + n, 4 + n);                                                  \
        store_tile(n, sums[n], 64);                                                       \
    } while (0)

/* Turns the sums of a step to floats and adds them to `row_count` rows of outputs. */
FK_TEMPLATE void tile_finish(panel_shape p, const uint8_t *panel, int g, int b, int h,
                             const prepared_row *rows, const int32_t *sums, int row_count,
                             vec_f *acc) {
    const float *s = (const float *)(const void *)(panel + 64 * panel_vectors(p) * b +
                                                   64 * panel_scale_vector(p, g, h));
    vec_f d = load_f(s), m = p.has_min ? load_f(s + 32) : zero_f();
    int index = p.halves ? 2 * b + h : b;
    FK_UNROLL
    for (int t = 0; t < row_count; t++) {
        vec_f r = mul_f(int_to_f(load_i(sums + FK_TILE_SIDE * t)), d);
        if (p.has_min) r = fma_f(m, splat_f(rows[t].sum[index]), r);
        acc[t] = fma_f(r, splat_f(rows[t].d[b]), acc[t]);
    }
}

/* Adds a chunk to the outputs of rows [skip, row_count) of the tile; `y` and `rows`
 * begin at row `skip`. row_count - skip is FK_TILE_SIDE or, `part` rows, less. */
FK_TEMPLATE void tile(panel_shape p, const uint8_t *panel, const int8_t *codes, int64_t stride,
                      const prepared_row *rows, int blocks, int skip, int part, float *y) {
    _Alignas(64) int32_t sums[2][FK_TILE_SIDE * FK_TILE_SIDE] = {{0}};
    int whole = part == FK_TILE_SIDE, row_step = FK_TILE_GROUPS * FK_LANES;
    for (int g = 0; g < p.groups; g++, y += FK_LANES) {
        vec_f acc[FK_TILE_SIDE];
        if (whole) {
            FK_UNROLL
            for (int t = 0; t < FK_TILE_SIDE; t++) acc[t] = load_f(y + t * row_step);
        }
        _Pragma("clang loop unroll(disable)")
        for (int b = 0; b < blocks; b += p.halves ? 1 : 2) {
            int pair = p.halves || b + 1 < blocks;
            int next = p.halves ? b : b + 1, half = p.halves;
            FK_AMX_STEP(0, b, 0);
            if (pair) FK_AMX_STEP(1, next, half);
            if (whole) {
                tile_finish(p, panel, g, b, 0, rows, sums[0], FK_TILE_SIDE, acc);
                if (pair)
                    tile_finish(p, panel, g, next, half, rows, sums[1], FK_TILE_SIDE, acc);
                continue;
            }
            _Pragma("clang loop unroll(disable)")
            for (int t = 0; t < part; t++) {
                vec_f one = load_f(y + t * row_step);
                const int32_t *at = sums[0] + FK_TILE_SIDE * (skip + t);
                tile_finish(p, panel, g, b, 0, rows + t, at, 1, &one);
                at += FK_TILE_SIDE * FK_TILE_SIDE;
                if (pair) tile_finish(p, panel, g, next, half, rows + t, at, 1, &one);
                store_f(y + t * row_step, one);
            }
        }
        if (whole) {
            FK_UNROLL
            for (int t = 0; t < FK_TILE_SIDE; t++) store_f(y + t * row_step, acc[t]);
        }
    }
}

/* All tiles of a row block, one chunk. Instantiated once a panel shape. The last tile
 * reaches back over rows that are done and leaves their outputs alone. */
FK_TEMPLATE void tiles(panel_shape p, const uint8_t *panel, const fk_activations *x, int offset,
                       int64_t first_block, int blocks, int64_t begin, int64_t end,
                       const uint8_t *next, int64_t next_bytes, float *y) {
    (void)offset; /* it is off the codes already */
    prepared_row rows[FK_TILE_SIDE];
    int row_count = x->rows < FK_TILE_SIDE ? (int)x->rows : FK_TILE_SIDE;
    int64_t share = next_bytes / ((end - begin + FK_TILE_SIDE - 1) / FK_TILE_SIDE);
    tile_config config = tile_shapes(p, row_count);
    configure_tiles(&config);
    for (int64_t t = begin; t < end; t += FK_TILE_SIDE) {
        for (int64_t i = 0; i < share; i += 64) __builtin_prefetch(next + i, 0, 2);
        next += share;
        int part = end - t < FK_TILE_SIDE ? (int)(end - t) : FK_TILE_SIDE;
        int skip = row_count - part;
        for (int i = 0; i < part; i++)
            prepare(p, 0, &rows[i], x->sums + (t + i) * (x->k / 16) + 2 * first_block,
                    x->scales + (t + i) * (x->k / 32) + first_block, blocks);
        const int8_t *codes = x->codes + (t - skip) * x->stride + FK_BLOCK * first_block;
        if (part == FK_TILE_SIDE)
            tile(p, panel, codes, x->stride, rows, blocks, 0, FK_TILE_SIDE, y);
        else
            tile(p, panel, codes, x->stride, rows, blocks, skip, part, y);
        y += FK_TILE_SIDE * FK_TILE_GROUPS * FK_LANES;
    }
    release_tiles();
}
