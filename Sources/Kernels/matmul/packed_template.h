/* The packed product, written once over the vector operations of a level.
 *
 * A file a level defines, before it includes this one:
 *
 *   FK_TARGET, FK_SUFFIX                  target attribute; avx2, avx512 ...
 *   FK_TILE_ROWS, FK_TILE_GROUPS          the register tile: activation rows, weight groups
 *   FK_SIGNED_WIDE                        1: fk_dot of codes with offset 128 subtracts it itself
 *   vec_i, vec_f                          16 lanes of i32 (or 64 bytes) and of f32
 *   load_i, store_i, load_f, store_f      64 bytes at any address
 *   load_part_f, store_part_f             the first `count` lanes
 *   zero_f, splat_i, splat_f, add_i, add_f, mul_f, fma_f, int_to_f, as_f
 *   and_i, or_i, left_i, right_i          bytes and 16-bit shifts
 *   select_bits(a, b, mask)               (a & mask) | b
 *   look_up                               bytes through a table of 16
 *   f16_lanes, u8_lanes, i8_lanes, low4_lanes, high4_lanes, e8m0_lanes   16 stored scales
 *   dot(acc, codes, q, wide)              acc + sums of 4 products u8 x i8 in each lane
 *   start(sums, low, high)                bits of magic + low * sums[0] + high * sums[1]
 *   start_blocks, start_halves            constant + factor * sum of 16 blocks, 32 halves
 *   sum_blocks, sum_halves                their sums as floats
 *
 * There are two ways through a product. For up to FK_FUSED_ROWS activation rows
 * each block is unpacked in registers and used at once: the product is as fast
 * as the weights arrive. For more rows, FK_TILE_GROUPS groups of weight rows
 * are unpacked, FK_CHUNK_RUNS runs at a time, into a panel which stays in
 * the L1 cache while all rows of a row block pass; then it costs nothing that
 * the codes are packed, and the inner loop is one for all formats.
 *
 * Both do for each output what fk_matmul.h says, in the same order. */

enum {
    FK_FUSED_ROWS = 8,
    FK_CHUNK_RUNS = 2,
    FK_CHUNK_BLOCKS = (FK_CHUNK_RUNS + 1) * FK_RUN_BLOCKS - 1, /* with a last short run */
    FK_PREPARED_BLOCKS = 32, /* start_blocks and its like fill 16 at a time */
    FK_ROW_BLOCK = 216, /* at most so many activation rows pass a panel at a time */
};

#define FK_TEMPLATE static inline FK_TARGET __attribute__((always_inline))
#define FK_PASTE2(a, b) a##b
#define FK_PASTE(a, b) FK_PASTE2(a, b)

/* ---- One block of 16 weight rows ---- */

typedef struct block_scales {
    vec_f d[2], magic_d[2], m[2]; /* magic_d = -FK_MAGIC * d */
} block_scales;

/* The scales every block of a run shares. */
typedef struct super_scales {
    vec_f d, m;
} super_scales;

FK_TEMPLATE super_scales load_super(fk_packed_format f, const uint8_t *at) {
    super_scales s = {zero_f(), zero_f()};
    if (fk_packed_has_super(f)) s.d = f16_lanes(at);
    if (fk_packed_has_super(f) && fk_packed_has_min(f))
        s.m = mul_f(f16_lanes(at + 32), splat_f(-1.0f));
    return s;
}

FK_TEMPLATE block_scales load_scales(fk_packed_format f, const uint8_t *at, super_scales s) {
    block_scales b;
    b.m[0] = b.m[1] = zero_f();
    switch (f.scales) {
    case FK_SCALES_F16_MIN: b.m[0] = f16_lanes(at + 32); /* fall through */
    case FK_SCALES_F16: b.d[0] = f16_lanes(at); break;
    case FK_SCALES_E8M0: b.d[0] = e8m0_lanes(at); break;
    case FK_SCALES_U8_MIN: b.m[0] = mul_f(s.m, u8_lanes(at + 16)); /* fall through */
    case FK_SCALES_I8:
        b.d[0] = mul_f(s.d, f.scales == FK_SCALES_I8 ? i8_lanes(at) : u8_lanes(at));
        break;
    case FK_SCALES_I8_HALVES:
        b.d[0] = mul_f(s.d, i8_lanes(at));
        b.d[1] = mul_f(s.d, i8_lanes(at + 16));
        break;
    default:
        b.d[0] = mul_f(s.d, low4_lanes(at));
        b.d[1] = mul_f(s.d, low4_lanes(at + 16));
        b.m[0] = mul_f(s.m, high4_lanes(at));
        b.m[1] = mul_f(s.m, high4_lanes(at + 16));
        break;
    }
    b.magic_d[0] = mul_f(b.d[0], splat_f(-FK_MAGIC));
    if (fk_packed_halves(f)) b.magic_d[1] = mul_f(b.d[1], splat_f(-FK_MAGIC));
    return b;
}

/* Moves bits `from`, from + 1 ... of each byte to `to`; other bits become rubbish. */
FK_TEMPLATE vec_i move_bits(vec_i v, int from, int to) {
    if (to > from) return left_i(v, to - from);
    if (to < from) return right_i(v, from - to);
    return v;
}

/* The unsigned codes of vector j of a block. */
FK_TEMPLATE vec_i load_codes(fk_packed_format f, const uint8_t *low, const uint8_t *high,
                             int j) {
    vec_i v, mask = splat_i((int32_t)(((1u << f.low) - 1) * 0x01010101u));
    switch (f.low) {
    case 8: return load_i(low + 64 * j);
    case 4: v = move_bits(load_i(low + 64 * (j % 4)), 4 * (j / 4), 0); break;
    default: v = move_bits(load_i(low + 64 * (j / 4)), 2 * (j % 4), 0); break;
    }
    if (f.high == 1)
        v = select_bits(v, and_i(move_bits(load_i(high), j, f.low),
                                 splat_i((1 << f.low) * 0x01010101)), mask);
    else if (f.high == 2)
        v = select_bits(v, and_i(move_bits(load_i(high + 64 * (j / 4)), 2 * (j % 4), f.low),
                                 splat_i((3 << f.low) * 0x01010101)), mask);
    else
        v = and_i(v, mask);
    return f.table == FK_TABLE_NONE ? v : look_up(f, v);
}

FK_TEMPLATE int wide_codes(fk_packed_format f) { return f.offset == 128; }

FK_TEMPLATE int start_offset(fk_packed_format f) {
    return FK_SIGNED_WIDE && wide_codes(f) ? 0 : f.offset;
}

/* The end of a block: the product of integers becomes part of the output. */
FK_TEMPLATE vec_f finish(vec_i i, vec_f d, vec_f magic_d, int has_min, vec_f m, vec_f sum,
                         vec_f d_x, vec_f y) {
    vec_f r = fma_f(as_f(i), d, magic_d);
    if (has_min) r = fma_f(m, sum, r);
    return fma_f(r, d_x, y);
}

/* ---- Outputs ---- */

/* Where a product goes and what is added to it. */
typedef struct product_target {
    float *y;
    size_t ldy;
    const float *bias;
    int accumulate;
    int64_t row_end;
} product_target;

/* Writes the outputs of one activation row and one group. */
FK_TEMPLATE void put(const product_target *target, int64_t t, int64_t row, vec_f value) {
    float *at = target->y + (size_t)t * target->ldy + row;
    if (row + FK_LANES <= target->row_end) {
        if (target->bias) value = add_f(value, load_f(target->bias + row));
        if (target->accumulate) value = add_f(load_f(at), value);
        store_f(at, value);
    } else {
        int count = (int)(target->row_end - row);
        if (target->bias) value = add_f(value, load_part_f(target->bias + row, count));
        if (target->accumulate) value = add_f(load_part_f(at, count), value);
        store_part_f(at, value, count);
    }
}

/* ---- Few activation rows ---- */

FK_TEMPLATE void fused_block(fk_packed_format f, fk_run_view run, int b, super_scales super,
                             const fk_activations *x, int64_t block, int rows, vec_f *y) {
    const uint8_t *low = run.low + b * fk_packed_low_bytes(f);
    const uint8_t *high = run.high + b * fk_packed_high_bytes(f);
    block_scales s = load_scales(f, run.scales + b * fk_packed_scale_bytes(f), super);
    int parts = fk_packed_halves(f) ? 2 : 1;
    for (int h = 0; h < parts; h++) {
        int low_sum = parts == 1 || h == 0, high_sum = parts == 1 || h == 1;
        /* Each sum is a chain of dependent steps: with few rows there are two to a row. */
        int split = rows > 1 && parts == 1, offset = start_offset(f);
        vec_i i[FK_FUSED_ROWS], other[FK_FUSED_ROWS];
        FK_UNROLL
        for (int t = 0; t < rows; t++) {
            i[t] = start(x->sums + t * (x->k / 16) + 2 * block, -offset * low_sum,
                         -offset * high_sum);
            other[t] = splat_i(0);
        }
        FK_UNROLL
        for (int step = 0; step < 8 / parts; step++) {
            /* Nibble planes hold vectors j and j + 4. */
            int j = parts == 2 ? 4 * h + step : f.low == 4 ? step / 2 + step % 2 * 4 : step;
            vec_i codes = load_codes(f, low, high, j);
            FK_UNROLL
            for (int t = 0; t < rows; t++) {
                const int8_t *q = x->codes + t * x->stride + FK_BLOCK * block + 4 * j;
                if (split && step % 2)
                    other[t] = dot(other[t], codes, q, wide_codes(f));
                else
                    i[t] = dot(i[t], codes, q, wide_codes(f));
            }
        }
        FK_UNROLL
        for (int t = 0; t < rows; t++) {
            vec_f d_x = splat_f(x->scales[t * (x->k / 32) + block]), sum = zero_f();
            if (fk_packed_has_min(f))
                sum = add_f(as_f(start(x->sums + t * (x->k / 16) + 2 * block, low_sum,
                                       high_sum)), splat_f(-FK_MAGIC));
            y[t] = finish(split ? add_i(i[t], other[t]) : i[t], s.d[h], s.magic_d[h],
                          fk_packed_has_min(f), s.m[h], sum, d_x, y[t]);
        }
    }
}

/* How far ahead of the block in work the weights are asked for. */
enum { FK_PREFETCH_BYTES = 4096 };

FK_TEMPLATE void prefetch(const uint8_t *from, int bytes) {
    for (int i = 0; i < bytes; i += 64) __builtin_prefetch(from + FK_PREFETCH_BYTES + i, 0, 2);
}

FK_TEMPLATE void fused(fk_packed_format f, const uint8_t *packed, const fk_activations *x,
                       int64_t row_begin, int rows, const product_target *target) {
    int64_t k = x->k;
    const uint8_t *run_start = packed + row_begin / FK_LANES * fk_packed_group_bytes(f, k);
    for (int64_t row = row_begin; row < target->row_end; row += FK_LANES) {
        vec_f y[FK_FUSED_ROWS];
        for (int t = 0; t < rows; t++) y[t] = zero_f();
        int64_t block = 0;
        for (; block + FK_RUN_BLOCKS <= k / FK_BLOCK; block += FK_RUN_BLOCKS) {
            fk_run_view run = fk_run_parts(f, run_start, FK_RUN_BLOCKS);
            super_scales super = load_super(f, run.super);
            int bytes = (int)fk_packed_run_bytes(f, FK_RUN_BLOCKS);
            _Pragma("clang loop unroll(disable)")
            for (int b = 0; b < FK_RUN_BLOCKS; b++) {
                prefetch(run_start + b * (bytes / FK_RUN_BLOCKS), bytes / FK_RUN_BLOCKS);
                fused_block(f, run, b, super, x, block + b, rows, y);
            }
            run_start += bytes;
        }
        int rest = (int)(k / FK_BLOCK - block);
        if (rest) {
            fk_run_view run = fk_run_parts(f, run_start, rest);
            super_scales super = load_super(f, run.super);
            _Pragma("clang loop unroll(disable)")
            for (int b = 0; b < rest; b++)
                fused_block(f, run, b, super, x, block + b, rows, y);
            run_start += fk_packed_run_bytes(f, rest);
        }
        for (int t = 0; t < rows; t++) put(target, t, row, y[t]);
    }
}

/* ---- Many activation rows ----
 *
 * The panel of one block holds, for each group of the tile, 8 vectors of codes,
 * then for each group the vectors d, magic_d and, if there are minimums, m of
 * each half. */

typedef struct panel_shape {
    int halves, has_min, wide, groups;
} panel_shape;

FK_TEMPLATE int panel_vectors(panel_shape p) {
    return p.groups * (8 + (p.halves ? 2 : 1) * (p.has_min ? 3 : 2));
}

FK_TEMPLATE int panel_scale_vector(panel_shape p, int group, int half) {
    int each = p.has_min ? 3 : 2;
    return 8 * p.groups + (group * (p.halves ? 2 : 1) + half) * each;
}

enum { FK_PANEL_BYTES = FK_CHUNK_BLOCKS * FK_TILE_GROUPS * (8 + 6) * 64 };

/* Unpacks one run of one group into the panel; returns the run's end. */
FK_TEMPLATE const uint8_t *unpack_run_to(fk_packed_format f, panel_shape p, uint8_t *panel,
                                         int group, const uint8_t *start, int blocks) {
    fk_run_view run = fk_run_parts(f, start, blocks);
    super_scales super = load_super(f, run.super);
    _Pragma("clang loop unroll(disable)")
    for (int b = 0; b < blocks; b++) {
        uint8_t *out = panel + b * 64 * panel_vectors(p);
        const uint8_t *low = run.low + b * fk_packed_low_bytes(f);
        const uint8_t *high = run.high + b * fk_packed_high_bytes(f);
        FK_UNROLL
        for (int j = 0; j < 8; j++)
            store_i(out + 64 * (8 * group + j), load_codes(f, low, high, j));
        block_scales s = load_scales(f, run.scales + b * fk_packed_scale_bytes(f), super);
        for (int h = 0; h <= p.halves; h++) {
            float *at = (float *)(void *)(out + 64 * panel_scale_vector(p, group, h));
            store_f(at, s.d[h]);
            store_f(at + 16, s.magic_d[h]);
            if (p.has_min) store_f(at + 32, s.m[h]);
        }
    }
    return start + fk_packed_run_bytes(f, blocks);
}

/* What a tile needs of its activation rows beside the codes, for one chunk. */
typedef struct prepared_row {
    int32_t start[2 * FK_PREPARED_BLOCKS]; /* magic - offset * sum: a block or half each */
    float sum[2 * FK_PREPARED_BLOCKS];
    float d[FK_PREPARED_BLOCKS];
} prepared_row;

/* Fills 16 blocks at a time: activations have room to be read past their end. */
FK_TEMPLATE void prepare(panel_shape p, int offset, prepared_row *row, const int16_t *sums,
                         const float *scales, int blocks) {
    for (int b = 0; b < blocks; b += 16) {
        if (p.halves) {
            start_halves(row->start + 2 * b, sums + 2 * b, -offset, FK_MAGIC_BITS);
            if (p.has_min) sum_halves(row->sum + 2 * b, sums + 2 * b);
        } else {
            start_blocks(row->start + b, sums + 2 * b, -offset, FK_MAGIC_BITS);
            if (p.has_min) sum_blocks(row->sum + b, sums + 2 * b);
        }
        store_f(row->d + b, load_f(scales + b));
    }
}

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
            _Pragma("clang loop unroll(full)")
            for (int j = 8 / parts * h; j < 8 / parts * (h + 1); j++) {
                vec_i w[FK_TILE_GROUPS];
                for (int g = 0; g < p.groups; g++) w[g] = load_i(panel + 64 * (8 * g + j));
                for (int t = 0; t < row_count; t++)
                    for (int g = 0; g < p.groups; g++)
                        i[t][g] = dot(i[t][g], w[g], q[t / 3] + t % 3 * stride + 4 * j, p.wide);
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

#define FK_SHAPE_TILES(name, halves, has_min, wide)                                        \
    static FK_TARGET __attribute__((noinline)) void name(                                  \
        int groups, const uint8_t *panel, const fk_activations *x, int offset,             \
        int64_t first_block, int blocks, int64_t begin, int64_t end, const uint8_t *next,  \
        int64_t next_bytes, float *y) {                                                    \
        if (groups == FK_TILE_GROUPS)                                                      \
            tiles((panel_shape){halves, has_min, wide, FK_TILE_GROUPS}, panel, x, offset,  \
                  first_block, blocks, begin, end, next, next_bytes, y);                   \
        else                                                                               \
            tiles((panel_shape){halves, has_min, wide, 1}, panel, x, offset, first_block,  \
                  blocks, begin, end, next, next_bytes, y);                                \
    }
FK_SHAPE_TILES(tiles_plain, 0, 0, 0)
FK_SHAPE_TILES(tiles_wide, 0, 0, 1)
FK_SHAPE_TILES(tiles_min, 0, 1, 0)
FK_SHAPE_TILES(tiles_halves, 1, 0, 0)
FK_SHAPE_TILES(tiles_halves_min, 1, 1, 0)

FK_TEMPLATE void paneled(fk_packed_format f, const uint8_t *packed, const fk_activations *x,
                         int64_t row_begin, const product_target *target) {
    int64_t k = x->k, group_bytes = fk_packed_group_bytes(f, k);
    _Alignas(64) uint8_t panel[FK_PANEL_BYTES];
    _Alignas(64) float y[FK_ROW_BLOCK * FK_TILE_GROUPS * FK_LANES];
    /* Row blocks of equal length, in whole tiles. */
    int64_t row_blocks = (x->rows + FK_ROW_BLOCK - 1) / FK_ROW_BLOCK;
    int64_t length = (x->rows + row_blocks - 1) / row_blocks;
    length = (length + FK_TILE_ROWS - 1) / FK_TILE_ROWS * FK_TILE_ROWS;
    for (int64_t begin = 0; begin < x->rows; begin += length) {
        int64_t end = begin + length < x->rows ? begin + length : x->rows;
        const uint8_t *start = packed + row_begin / FK_LANES * group_bytes;
        int groups;
        for (int64_t row = row_begin; row < target->row_end; row += groups * FK_LANES) {
            groups = row + FK_LANES < target->row_end ? FK_TILE_GROUPS : 1;
            panel_shape p = {fk_packed_halves(f), fk_packed_has_min(f), wide_codes(f), groups};
            memset(y, 0, (size_t)(end - begin) * FK_TILE_GROUPS * FK_LANES * sizeof(float));
            const uint8_t *at = start;
            int64_t first = 0;
            for (int blocks; first < k / FK_BLOCK; first += blocks) {
                int64_t left = k / FK_BLOCK - first;
                blocks = left <= FK_CHUNK_BLOCKS ? (int)left : FK_CHUNK_RUNS * FK_RUN_BLOCKS;
                const uint8_t *run = at;
                for (int b = 0; b < blocks; b += FK_RUN_BLOCKS) {
                    int count = blocks - b < FK_RUN_BLOCKS ? blocks - b : FK_RUN_BLOCKS;
                    for (int g = 0; g < groups; g++) {
                        uint8_t *out = panel + b * 64 * panel_vectors(p);
                        const uint8_t *from = run + g * group_bytes;
                        unpack_run_to(f, p, out, g, from, count);
                    }
                    run += fk_packed_run_bytes(f, count);
                }
                int64_t bytes = run - at;
                int offset = start_offset(f);
                void (*run_tiles)(int, const uint8_t *, const fk_activations *, int, int64_t,
                                  int, int64_t, int64_t, const uint8_t *, int64_t, float *) =
                    p.halves ? (p.has_min ? tiles_halves_min : tiles_halves)
                    : p.has_min ? tiles_min
                    : p.wide    ? tiles_wide
                                : tiles_plain;
                run_tiles(groups, panel, x, offset, first, blocks, begin, end, run, bytes, y);
                at = run;
            }
            start += groups * group_bytes;
            for (int64_t t = begin; t < end; t++)
                for (int g = 0; g < groups; g++)
                    put(target, t, row + g * FK_LANES,
                        load_f(y + ((t - begin) * FK_TILE_GROUPS + g) * FK_LANES));
        }
    }
}

#define FK_DEFINE_FORMAT(name, low, high, scales, offset, table, super)                     \
    static FK_TARGET __attribute__((noinline)) void product_##name(                         \
        const uint8_t *packed, const fk_activations *x, int64_t row_begin,                  \
        const product_target *target) {                                                     \
        const fk_packed_format f = {low, high, scales, offset, table, super};               \
        switch (x->rows) {                                                                  \
        case 1: fused(f, packed, x, row_begin, 1, target); break;                           \
        case 2: fused(f, packed, x, row_begin, 2, target); break;                           \
        case 3: fused(f, packed, x, row_begin, 3, target); break;                           \
        case 4: fused(f, packed, x, row_begin, 4, target); break;                           \
        case 5: fused(f, packed, x, row_begin, 5, target); break;                           \
        case 6: fused(f, packed, x, row_begin, 6, target); break;                           \
        case 7: fused(f, packed, x, row_begin, 7, target); break;                           \
        case 8: fused(f, packed, x, row_begin, 8, target); break;                           \
        default: paneled(f, packed, x, row_begin, target); break;                           \
        }                                                                                   \
    }
FK_PACKED_FORMATS(FK_DEFINE_FORMAT)

void FK_PASTE(fk_matmul_packed_, FK_SUFFIX)(FK_MATMUL_PACKED_PARAMETERS) {
    (void)n;
    const product_target target = {y, ldy, bias, accumulate, row_end};
    switch (fk_packed_index(type)) {
#define FK_FORMAT_CASE(name, ...)                                                           \
    case FK_PACKED_##name: product_##name(packed, x, row_begin, &target); break;
        FK_PACKED_FORMATS(FK_FORMAT_CASE)
    }
}
