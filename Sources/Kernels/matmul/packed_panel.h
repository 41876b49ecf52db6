/* Products of many activation rows; part of packed_template.h.
 *
 * The panel of one block holds, for each group of the tile, 8 vectors of codes,
 * then for each group the vectors d, magic_d and, if there are minimums, m of
 * each half. With FK_SIGNED_PANEL the codes are signed, their offset taken off.
 * FK_TILES names the file with the inner loop. */

typedef struct panel_shape {
    int halves, has_min, wide, narrow, groups;
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
        for (int j = 0; j < 8; j++) {
            vec_i codes = load_codes(f, low, high, j);
            if (FK_SIGNED_PANEL)
                codes = sub_bytes(codes, splat_i((int32_t)((uint32_t)f.offset * 0x01010101u)));
            store_i(out + 64 * (8 * group + j), codes);
        }
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

#include FK_TILES

_Static_assert(FK_ROW_BLOCK % FK_TILE_ROWS == 0, "a row block is whole tiles");

typedef void run_tiles(int groups, const uint8_t *panel, const fk_activations *x, int offset,
                       int64_t first_block, int blocks, int64_t begin, int64_t end,
                       const uint8_t *next, int64_t next_bytes, float *y);

#define FK_SHAPE_TILES(name, halves, has_min, wide, narrow)                                \
    static FK_TARGET __attribute__((noinline)) void name(                                  \
        int groups, const uint8_t *panel, const fk_activations *x, int offset,             \
        int64_t first_block, int blocks, int64_t begin, int64_t end, const uint8_t *next,  \
        int64_t next_bytes, float *y) {                                                    \
        panel_shape p = {halves, has_min, wide, narrow, FK_TILE_GROUPS};                   \
        if (groups == FK_TILE_GROUPS) {                                                    \
            tiles(p, panel, x, offset, first_block, blocks, begin, end, next, next_bytes,  \
                  y);                                                                      \
        } else {                                                                           \
            p.groups = 1;                                                                  \
            tiles(p, panel, x, offset, first_block, blocks, begin, end, next, next_bytes,  \
                  y);                                                                      \
        }                                                                                  \
    }
FK_SHAPE_TILES(tiles_plain, 0, 0, 0, 0)
FK_SHAPE_TILES(tiles_wide, 0, 0, 1, 0)
FK_SHAPE_TILES(tiles_min, 0, 1, 0, 0)
FK_SHAPE_TILES(tiles_halves, 1, 0, 0, 0)
FK_SHAPE_TILES(tiles_halves_min, 1, 1, 0, FK_PAIR_SUMS)
#if FK_PAIR_SUMS
FK_SHAPE_TILES(tiles_plain_narrow, 0, 0, 0, 1)
FK_SHAPE_TILES(tiles_min_narrow, 0, 1, 0, 1)
FK_SHAPE_TILES(tiles_halves_narrow, 1, 0, 0, 1)
#else
#define tiles_plain_narrow tiles_plain
#define tiles_min_narrow tiles_min
#define tiles_halves_narrow tiles_halves
#endif

FK_TEMPLATE run_tiles *tiles_of(panel_shape p) {
    if (p.halves && p.has_min) return tiles_halves_min; /* Q2_K, whose codes are narrow */
    if (p.halves) return p.narrow ? tiles_halves_narrow : tiles_halves;
    if (p.has_min) return p.narrow ? tiles_min_narrow : tiles_min;
    if (p.wide) return tiles_wide;
    return p.narrow ? tiles_plain_narrow : tiles_plain;
}

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
            panel_shape p = {fk_packed_halves(f), fk_packed_has_min(f), wide_codes(f),
                             narrow_codes(f), groups};
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
                tiles_of(p)(groups, panel, x, start_offset(f), first, blocks, begin, end, run,
                            bytes, y);
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
