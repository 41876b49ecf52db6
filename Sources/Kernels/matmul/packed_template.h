/* The packed product, written once over the vector operations of a level.
 *
 * A file a level defines, before it includes this one:
 *
 *   FK_TARGET, FK_SUFFIX                  target attribute; avx2, avx512 ...
 *   FK_TILES, FK_SIGNED_PANEL             the inner loop for many rows, see packed_panel.h
 *   FK_TILE_ROWS, FK_TILE_GROUPS          its tile: activation rows, weight groups
 *   FK_FUSED_ROWS                         up to so many rows go without a panel, 3 or 8
 *   FK_MANY_ROWS_ONLY                     if defined: the variant that takes these
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
 *   FK_PAIR_SUMS                          1: dot is made of these two:
 *   dot_pairs(codes, q, wide)             sums of 2 products in lanes of 16 bits
 *   add_pairs, fold_pairs(acc, pairs)     16-bit sums; acc + both of each lane
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
    FK_CHUNK_RUNS = 2,
    FK_CHUNK_BLOCKS = (FK_CHUNK_RUNS + 1) * FK_RUN_BLOCKS - 1, /* with a last short run */
    FK_PREPARED_BLOCKS = 32, /* start_blocks and its like fill 16 at a time */
    FK_ROW_BLOCK = 240, /* at most so many activation rows pass a panel at a time */
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

/* How many vectors of pair sums add up without leaving 16 bits: 8 of codes below 16
 * (8 * 2 * 15 * 127 = 30480), 2 of codes below 64. */
FK_TEMPLATE int narrow_codes(fk_packed_format f) {
    return FK_PAIR_SUMS && f.table == FK_TABLE_NONE && f.low + f.high <= 4;
}

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

#ifndef FK_MANY_ROWS_ONLY

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

#endif

#include "packed_panel.h"

#ifdef FK_MANY_ROWS_ONLY
#define FK_FUSED_CASES
#else
#define FK_FUSED_CASE(n) \
    case n: fused(f, packed, x, row_begin, n, target); break;
#if FK_FUSED_ROWS == 8
#define FK_FUSED_CASE_8                                                                     \
    FK_FUSED_CASE(4) FK_FUSED_CASE(5) FK_FUSED_CASE(6) FK_FUSED_CASE(7) FK_FUSED_CASE(8)
#else
#define FK_FUSED_CASE_8
#endif
#define FK_FUSED_CASES                                                                      \
    FK_FUSED_CASE(1) FK_FUSED_CASE(2) FK_FUSED_CASE(3) FK_FUSED_CASE_8
#endif

#define FK_DEFINE_FORMAT(name, low, high, scales, offset, table, super)                     \
    static FK_TARGET __attribute__((noinline)) void product_##name(                         \
        const uint8_t *packed, const fk_activations *x, int64_t row_begin,                  \
        const product_target *target) {                                                     \
        const fk_packed_format f = {low, high, scales, offset, table, super};               \
        switch (x->rows) {                                                                  \
            FK_FUSED_CASES                                                                  \
        default: paneled(f, packed, x, row_begin, target); break;                           \
        }                                                                                   \
    }
FK_PACKED_FORMATS(FK_DEFINE_FORMAT)

void FK_PASTE(fk_matmul_packed_, FK_SUFFIX)(FK_MATMUL_PACKED_PARAMETERS) {
    if (x->rows <= 0) return;
#ifdef FK_MANY_ROWS_ONLY
    if (x->rows <= FK_FUSED_ROWS) {
        FK_MANY_ROWS_ONLY(type, y, ldy, packed, x, n, row_begin, row_end, bias, accumulate);
        return;
    }
#endif
    (void)n;
    const product_target target = {y, ldy, bias, accumulate, row_end};
    switch (fk_packed_index(type)) {
#define FK_FORMAT_CASE(name, ...)                                                           \
    case FK_PACKED_##name: product_##name(packed, x, row_begin, &target); break;
        FK_PACKED_FORMATS(FK_FORMAT_CASE)
    }
}
