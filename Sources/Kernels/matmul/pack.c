#include "plain_run.h"

#define FK_FORMAT_TYPE(name, ...) FK_TYPE_##name,
static const fk_type types[] = {FK_PACKED_FORMATS(FK_FORMAT_TYPE)};
#define FK_FORMAT_VALUE(name, low, high, scales, offset, table, super) \
    {low, high, scales, offset, table, super},
static const fk_packed_format formats[] = {FK_PACKED_FORMATS(FK_FORMAT_VALUE)};

int fk_packed_index(fk_type type) {
    for (int i = 0; i < FK_PACKED_FORMAT_COUNT; i++)
        if (types[i] == type) return i;
    return -1;
}

fk_packed_format fk_packed_format_at(int index) { return formats[index]; }

int fk_packable(fk_type type) { return fk_packed_index(type) >= 0; }

int fk_packable_types(fk_type *out, int capacity) {
    for (int i = 0; i < FK_PACKED_FORMAT_COUNT && i < capacity; i++) out[i] = types[i];
    return FK_PACKED_FORMAT_COUNT;
}

size_t fk_packed_bytes(fk_type type, int64_t n, int64_t k) {
    int index = fk_packed_index(type);
    if (index < 0 || n <= 0 || k <= 0 || k % formats[index].super != 0) return 0;
    /* A block is less than 1024 bytes for 16 lanes and 32 elements. */
    if (k > INT64_MAX / 1024 || n > INT64_MAX - FK_LANES) return 0;
    int64_t group = fk_packed_group_bytes(formats[index], k), total;
    int64_t groups = (n + FK_LANES - 1) / FK_LANES;
    if (__builtin_mul_overflow(group, groups, &total)) return 0;
    return (size_t)total;
}

/* Word j of a lane holds the codes of the elements 4 j to 4 j + 3. */
typedef struct { uint32_t word[FK_RUN / 4][FK_LANES]; } interleaved;

static void interleave(interleaved *to, const uint8_t *codes, int lane, int blocks) {
    for (int j = 0; j < 8 * blocks; j++) memcpy(&to->word[j][lane], codes + 4 * j, 4);
}

/* The planes of one block from its 8 vectors. */
FK_INLINE void write_planes(fk_packed_format f, uint8_t *low, uint8_t *high,
                            const uint32_t (*v)[FK_LANES]) {
    uint32_t plane[FK_LANES];
    for (int p = 0; p < f.low; p++) {
        for (int r = 0; r < FK_LANES; r++) {
            if (f.low == 8) plane[r] = v[p][r];
            if (f.low == 4)
                plane[r] = (v[p][r] & 0x0f0f0f0f) | (v[p + 4][r] & 0x0f0f0f0f) << 4;
            if (f.low == 2)
                plane[r] = (v[4 * p][r] & 0x03030303) | (v[4 * p + 1][r] & 0x03030303) << 2 |
                           (v[4 * p + 2][r] & 0x03030303) << 4 |
                           (v[4 * p + 3][r] & 0x03030303) << 6;
        }
        memcpy(low + 64 * p, plane, 64);
    }
    for (int p = 0; p < f.high; p++) {
        for (int r = 0; r < FK_LANES; r++) {
            plane[r] = 0;
            if (f.high == 1)
                for (int j = 0; j < 8; j++) plane[r] |= (v[j][r] >> f.low & 0x01010101) << j;
            if (f.high == 2)
                for (int i = 0; i < 4; i++)
                    plane[r] |= (v[4 * p + i][r] >> f.low & 0x03030303) << 2 * i;
        }
        memcpy(high + 64 * p, plane, 64);
    }
}

static void store_f16_lane(uint8_t *lanes, int lane, uint16_t bits) {
    fk_store_u16(lanes + 2 * lane, bits);
}

static uint16_t load_f16_lane(const uint8_t *lanes, int lane) {
    return fk_load_u16(lanes + 2 * lane);
}

static void write_scales(fk_packed_format f, uint8_t *scales, uint8_t *super,
                         const fk_plain_run *run, int lane, int blocks) {
    for (int b = 0; b < blocks; b++) {
        uint8_t *at = scales + b * fk_packed_scale_bytes(f);
        switch (f.scales) {
        case FK_SCALES_F16_MIN: store_f16_lane(at + 32, lane, run->m[b]); /* fall through */
        case FK_SCALES_F16: store_f16_lane(at, lane, run->d[b]); break;
        case FK_SCALES_U8_MIN: at[16 + lane] = run->mn[b]; /* fall through */
        case FK_SCALES_E8M0:
        case FK_SCALES_I8: at[lane] = run->sc[b]; break;
        default:
            at[lane] = run->sc[2 * b];
            at[16 + lane] = run->sc[2 * b + 1];
            break;
        }
    }
    if (fk_packed_has_super(f)) {
        store_f16_lane(super, lane, run->d[0]);
        if (fk_packed_has_min(f)) store_f16_lane(super + 32, lane, run->m[0]);
    }
}

static void read_scales(fk_packed_format f, fk_plain_run *run, const fk_run_view *view,
                        int lane, int blocks) {
    for (int b = 0; b < blocks; b++) {
        const uint8_t *at = view->scales + b * fk_packed_scale_bytes(f);
        switch (f.scales) {
        case FK_SCALES_F16_MIN: run->m[b] = load_f16_lane(at + 32, lane); /* fall through */
        case FK_SCALES_F16: run->d[b] = load_f16_lane(at, lane); break;
        case FK_SCALES_U8_MIN: run->mn[b] = at[16 + lane]; /* fall through */
        case FK_SCALES_E8M0:
        case FK_SCALES_I8: run->sc[b] = at[lane]; break;
        default:
            run->sc[2 * b] = at[lane];
            run->sc[2 * b + 1] = at[16 + lane];
            break;
        }
    }
    if (fk_packed_has_super(f)) {
        run->d[0] = load_f16_lane(view->super, lane);
        if (fk_packed_has_min(f)) run->m[0] = load_f16_lane(view->super + 32, lane);
    }
}

/* Packs one run of up to 16 rows; `rows` is the first row's part of it. */
FK_INLINE void pack_run(int format, fk_packed_format f, uint8_t *run, const uint8_t *rows,
                        size_t row_bytes, int row_count, int blocks) {
    interleaved words;
    fk_plain_run plain;
    size_t size = (size_t)fk_packed_run_bytes(f, blocks);
    uint8_t *high = run + blocks * fk_packed_low_bytes(f);
    uint8_t *scales = high + blocks * fk_packed_high_bytes(f);
    uint8_t *super = scales + blocks * fk_packed_scale_bytes(f);
    memset(scales, 0, (size_t)(run + size - scales));
    if (row_count < FK_LANES) memset(&words, 0, sizeof words);
    for (int lane = 0; lane < row_count; lane++) {
        fk_split_blocks(format, &plain, rows + (size_t)lane * row_bytes, blocks);
        interleave(&words, plain.codes, lane, blocks);
        write_scales(f, scales, super, &plain, lane, blocks);
    }
    for (int b = 0; b < blocks; b++)
        write_planes(f, run + b * fk_packed_low_bytes(f), high + b * fk_packed_high_bytes(f),
                     &words.word[8 * b]);
}

void fk_pack(fk_type type, void *packed, const void *rows, int64_t row_begin, int64_t row_end,
             int64_t n, int64_t k) {
    int index = fk_packed_index(type);
    if (index < 0) return;
    (void)n;
    fk_packed_format f = formats[index];
    size_t block_bytes = fk_block_bytes(type);
    size_t row_bytes = (size_t)(k / f.super) * block_bytes;
    size_t group_bytes = (size_t)fk_packed_group_bytes(f, k);
    const uint8_t *from = rows;
    uint8_t *to = (uint8_t *)packed + (size_t)(row_begin / FK_LANES) * group_bytes;
    for (int64_t row = row_begin; row < row_end; row += FK_LANES) {
        int row_count = row_end - row < FK_LANES ? (int)(row_end - row) : FK_LANES;
        const uint8_t *part = from;
        uint8_t *run = to;
        for (int64_t at = 0; at < k; at += FK_RUN) {
            int blocks = k - at < FK_RUN ? (int)(k - at) / FK_BLOCK : FK_RUN_BLOCKS;
            switch (index) {
#define FK_PACK_CASE(name, low, high, scales, offset, table, super)                        \
    case FK_PACKED_##name:                                                                 \
        pack_run(FK_PACKED_##name,                                                         \
                 (fk_packed_format){low, high, scales, offset, table, super}, run, part,   \
                 row_bytes, row_count, blocks);                                            \
        break;
                FK_PACKED_FORMATS(FK_PACK_CASE)
            }
            part += (size_t)(blocks * FK_BLOCK / f.super) * block_bytes;
            run += fk_packed_run_bytes(f, blocks);
        }
        from += (size_t)row_count * row_bytes;
        to += group_bytes;
    }
}

/* Takes one row's part of a run out of the interleaving. */
static void unpack_run(int index, uint8_t *gguf, const uint8_t *run, int lane, int blocks) {
    fk_packed_format f = formats[index];
    fk_run_view view = fk_run_parts(f, run, blocks);
    fk_plain_run plain;
    for (int b = 0; b < blocks; b++)
        for (int i = 0; i < FK_BLOCK; i++)
            plain.codes[FK_BLOCK * b + i] = (uint8_t)fk_packed_code(f, view, b, lane, i);
    read_scales(f, &plain, &view, lane, blocks);
    fk_join_blocks(index, gguf, &plain, blocks);
}

void fk_unpack(fk_type type, void *rows, const void *packed, int64_t row_begin,
               int64_t row_end, int64_t n, int64_t k) {
    int index = fk_packed_index(type);
    if (index < 0) return;
    (void)n;
    fk_packed_format f = formats[index];
    size_t block_bytes = fk_block_bytes(type);
    uint8_t *out = rows;
    for (int64_t row = row_begin; row < row_end; row++) {
        const uint8_t *run = (const uint8_t *)packed +
                             (size_t)(row / FK_LANES) * (size_t)fk_packed_group_bytes(f, k);
        for (int64_t at = 0; at < k; at += FK_RUN) {
            int blocks = k - at < FK_RUN ? (int)(k - at) / FK_BLOCK : FK_RUN_BLOCKS;
            unpack_run(index, out, run, (int)(row % FK_LANES), blocks);
            out += (size_t)(blocks * FK_BLOCK / f.super) * block_bytes;
            run += fk_packed_run_bytes(f, blocks);
        }
    }
}

void fk_packed_row(fk_type type, float *y, const void *packed, int64_t row, int64_t n,
                   int64_t k) {
    int index = fk_packed_index(type);
    if (index < 0) return;
    (void)n;
    fk_packed_format f = formats[index];
    uint8_t gguf[FK_RUN_BLOCKS * 34]; /* the largest: 8 blocks of Q8_0 */
    const uint8_t *run = (const uint8_t *)packed +
                         (size_t)(row / FK_LANES) * (size_t)fk_packed_group_bytes(f, k);
    for (int64_t at = 0; at < k; at += FK_RUN) {
        int blocks = k - at < FK_RUN ? (int)(k - at) / FK_BLOCK : FK_RUN_BLOCKS;
        unpack_run(index, gguf, run, (int)(row % FK_LANES), blocks);
        fk_dequantize(type, y + at, gguf, blocks * FK_BLOCK);
        run += fk_packed_run_bytes(f, blocks);
    }
}
