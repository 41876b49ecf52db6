#include "packed_layout.h"

#include <stddef.h>

/* Packing moves 32-bit words: word i of a field of 16 rows becomes a vector of 64
 * bytes, and planes are bit arithmetic on such vectors, which compilers turn into
 * vector instructions. */
typedef uint32_t lanes[FK_LANES];

/* The fields of a GGUF block that hold codes: offset and number of words. */
typedef struct code_fields {
    int q, q_words, high, high_words;
} code_fields;

#define FK_FIELDS(block, words) \
    {offsetof(block, q), words, 0, 0}
#define FK_FIELDS_HIGH(block, words, high_words) \
    {offsetof(block, q), words, offsetof(block, high), high_words}
static const code_fields fields[FK_PACKED_FORMAT_COUNT] = {
    [FK_PACKED_Q4_0] = FK_FIELDS(fk_block_q4_0, 4),
    [FK_PACKED_Q4_1] = FK_FIELDS(fk_block_q4_1, 4),
    [FK_PACKED_Q5_0] = FK_FIELDS_HIGH(fk_block_q5_0, 4, 1),
    [FK_PACKED_Q5_1] = FK_FIELDS_HIGH(fk_block_q5_1, 4, 1),
    [FK_PACKED_Q8_0] = FK_FIELDS(fk_block_q8_0, 8),
    [FK_PACKED_Q2_K] = FK_FIELDS(fk_block_q2_k, 16),
    [FK_PACKED_Q3_K] = FK_FIELDS_HIGH(fk_block_q3_k, 16, 8),
    [FK_PACKED_Q4_K] = FK_FIELDS(fk_block_q4_k, 32),
    [FK_PACKED_Q5_K] = FK_FIELDS_HIGH(fk_block_q5_k, 32, 8),
    [FK_PACKED_Q6_K] = {offsetof(fk_block_q6_k, low), 32, offsetof(fk_block_q6_k, high), 16},
    [FK_PACKED_IQ4_NL] = FK_FIELDS(fk_block_iq4_nl, 4),
    [FK_PACKED_IQ4_XS] = FK_FIELDS(fk_block_iq4_xs, 32),
    [FK_PACKED_MXFP4] = FK_FIELDS(fk_block_mxfp4, 4),
};

/* Up to 16 rows' part of a run, `blocks` blocks of 32 elements. */
typedef struct run_rows {
    const uint8_t *start; /* of the first row */
    size_t row_bytes, block_bytes;
    int count, blocks;
} run_rows;

/* Words of the field at `offset` of each row; lanes without a row become 0. */
FK_INLINE void take_words(lanes *to, run_rows rows, size_t offset, int words) {
    if (rows.count < FK_LANES) memset(to, 0, (size_t)words * sizeof *to);
    for (int lane = 0; lane < rows.count; lane++) {
        const uint8_t *from = rows.start + (size_t)lane * rows.row_bytes + offset;
        for (int i = 0; i < words; i++) memcpy(&to[i][lane], from + 4 * i, 4);
    }
}

FK_INLINE void put_plane(uint8_t *planes, int index, const uint32_t *words) {
    memcpy(planes + 64 * index, words, 64);
}

/* Nibble planes of two blocks from 8 words a row that hold one block in their low
 * nibbles and the other in their high ones. */
static void nibble_blocks(uint8_t *low_block, uint8_t *high_block, const lanes *w) {
    for (int p = 0; p < 4; p++) {
        lanes a, b;
        for (int r = 0; r < FK_LANES; r++) {
            a[r] = (w[p][r] & 0x0f0f0f0f) | (w[p + 4][r] & 0x0f0f0f0f) << 4;
            b[r] = (w[p][r] >> 4 & 0x0f0f0f0f) | (w[p + 4][r] & 0xf0f0f0f0);
        }
        put_plane(low_block, p, a);
        put_plane(high_block, p, b);
    }
}

/* Two-bit planes of four blocks, `apart` bytes from one to the next, from 8 words a
 * row that hold block q in bits 2 q and 2 q + 1 of their bytes. */
static void pair_blocks(uint8_t *block, int apart, const lanes *w) {
    for (int q = 0; q < 4; q++, block += apart)
        for (int p = 0; p < 2; p++) {
            lanes a;
            for (int r = 0; r < FK_LANES; r++)
                a[r] = (w[4 * p][r] >> 2 * q & 0x03030303) |
                       (w[4 * p + 1][r] >> 2 * q & 0x03030303) << 2 |
                       (w[4 * p + 2][r] >> 2 * q & 0x03030303) << 4 |
                       (w[4 * p + 3][r] >> 2 * q & 0x03030303) << 6;
            put_plane(block, p, a);
        }
}

/* One-bit planes of 8 blocks from 8 words a row that hold block b in bit b. */
static void bit_blocks(uint8_t *planes, const lanes *w) {
    for (int b = 0; b < 8; b++) {
        lanes a = {0};
        for (int j = 0; j < 8; j++)
            for (int r = 0; r < FK_LANES; r++) a[r] |= (w[j][r] >> b & 0x01010101) << j;
        put_plane(planes, b, a);
    }
}

/* The one-bit plane of a block from one word a row: bit 4 j + i goes to bit 8 i + j. */
static void bit_plane(uint8_t *plane, const uint32_t *w) {
    lanes a;
    for (int r = 0; r < FK_LANES; r++) {
        a[r] = 0;
        for (int i = 0; i < 4; i++) {
            uint32_t bits = w[r] >> i & 0x11111111;
            bits = (bits | bits >> 3) & 0x03030303;
            bits = (bits | bits >> 6) & 0x000f000f;
            a[r] |= ((bits | bits >> 12) & 0xff) << 8 * i;
        }
    }
    put_plane(plane, 0, a);
}

FK_INLINE void pack_codes(int format, fk_packed_format f, uint8_t *low, uint8_t *high,
                          run_rows rows) {
    const code_fields field = fields[format];
    size_t q = (size_t)field.q, h = (size_t)field.high;
    lanes w[32];
    switch (format) {
    case FK_PACKED_Q2_K:
    case FK_PACKED_Q3_K:
        take_words(w, rows, q, 16);
        for (int c = 0; c < 2; c++)
            pair_blocks(low + 4 * c * fk_packed_low_bytes(f), fk_packed_low_bytes(f), w + 8 * c);
        break;
    case FK_PACKED_Q4_K:
    case FK_PACKED_Q5_K:
        take_words(w, rows, q, 32);
        for (int c = 0; c < 4; c++)
            nibble_blocks(low + 2 * c * fk_packed_low_bytes(f),
                          low + (2 * c + 1) * fk_packed_low_bytes(f), w + 8 * c);
        break;
    case FK_PACKED_Q6_K:
        take_words(w, rows, q, 32);
        for (int c = 0; c < 4; c++) {
            int block = c / 2 * 4 + c % 2;
            nibble_blocks(low + block * fk_packed_low_bytes(f),
                          low + (block + 2) * fk_packed_low_bytes(f), w + 8 * c);
        }
        take_words(w, rows, h, 16);
        for (int c = 0; c < 2; c++)
            pair_blocks(high + 4 * c * fk_packed_high_bytes(f), fk_packed_high_bytes(f),
                        w + 8 * c);
        break;
    default: /* each 16 bytes hold the 32 elements of a block, or each 32 */
        for (int b = 0; b < rows.blocks; b++) {
            int words = field.q_words;
            size_t at = (size_t)b * rows.block_bytes + q;
            if (f.super == FK_RUN) {
                words /= FK_RUN_BLOCKS;
                at = q + (size_t)(4 * words * b);
            }
            take_words(w, rows, at, words);
            if (format == FK_PACKED_Q8_0)
                for (int i = 0; i < 8; i++)
                    for (int r = 0; r < FK_LANES; r++) w[i][r] ^= 0x80808080;
            for (int i = 0; i < words; i++)
                put_plane(low + b * fk_packed_low_bytes(f), i, w[i]);
            if (f.high) {
                take_words(w, rows, (size_t)b * rows.block_bytes + h, 1);
                bit_plane(high + b * fk_packed_high_bytes(f), w[0]);
            }
        }
        break;
    }
    if (format == FK_PACKED_Q3_K || format == FK_PACKED_Q5_K) {
        take_words(w, rows, h, 8);
        bit_blocks(high, w);
    }
}

FK_INLINE void copy_half(uint8_t *lanes_of_halves, int lane, const uint8_t *half) {
    memcpy(lanes_of_halves + 2 * lane, half, 2);
}

/* The scales of one row's part of a run. */
FK_INLINE void pack_scales(int format, fk_packed_format f, uint8_t *scales, uint8_t *super,
                           run_rows rows, int lane) {
    const uint8_t *row = rows.start + (size_t)lane * rows.row_bytes;
    int blocks = rows.blocks;
    int size = fk_packed_scale_bytes(f);
    switch (format) {
    case FK_PACKED_MXFP4:
        for (int b = 0; b < blocks; b++)
            scales[b * size + lane] = ((const fk_block_mxfp4 *)row)[b].e;
        break;
    case FK_PACKED_Q2_K: {
        const fk_block_q2_k *x = (const fk_block_q2_k *)row;
        for (int i = 0; i < 16; i++) scales[16 * i + lane] = x->scales[i];
        copy_half(super, lane, x->d);
        copy_half(super + 32, lane, x->dmin);
        break;
    }
    case FK_PACKED_Q3_K: {
        const fk_block_q3_k *x = (const fk_block_q3_k *)row;
        for (int i = 0; i < 16; i++)
            scales[16 * i + lane] = (uint8_t)fk_scale_q3_k(x->scales, i);
        copy_half(super, lane, x->d);
        break;
    }
    case FK_PACKED_Q4_K:
    case FK_PACKED_Q5_K: { /* the two begin alike */
        const fk_block_q4_k *x = (const fk_block_q4_k *)row;
        for (int b = 0; b < 8; b++) {
            int scale, min;
            fk_scale_min_k(x->scales, b, &scale, &min);
            scales[size * b + lane] = (uint8_t)scale;
            scales[size * b + 16 + lane] = (uint8_t)min;
        }
        copy_half(super, lane, x->d);
        copy_half(super + 32, lane, x->dmin);
        break;
    }
    case FK_PACKED_Q6_K: {
        const fk_block_q6_k *x = (const fk_block_q6_k *)row;
        for (int i = 0; i < 16; i++) scales[16 * i + lane] = (uint8_t)x->scales[i];
        copy_half(super, lane, x->d);
        break;
    }
    case FK_PACKED_IQ4_XS: {
        const fk_block_iq4_xs *x = (const fk_block_iq4_xs *)row;
        for (int b = 0; b < 8; b++) {
            int low = x->low[b / 2] >> 4 * (b % 2) & 15;
            int high = fk_load_u16(x->high) >> 2 * b & 3;
            scales[16 * b + lane] = (uint8_t)((low | high << 4) - 32);
        }
        copy_half(super, lane, x->d);
        break;
    }
    default: /* d, and m behind it, begin the block */
        for (int b = 0; b < blocks; b++) {
            const uint8_t *x = row + (size_t)b * rows.block_bytes;
            copy_half(scales + b * size, lane, x);
            if (fk_packed_has_min(f)) copy_half(scales + b * size + 32, lane, x + 2);
        }
        break;
    }
}

FK_INLINE void pack_run(int format, fk_packed_format f, uint8_t *run, run_rows rows) {
    size_t size = (size_t)fk_packed_run_bytes(f, rows.blocks);
    uint8_t *high = run + rows.blocks * fk_packed_low_bytes(f);
    uint8_t *scales = high + rows.blocks * fk_packed_high_bytes(f);
    uint8_t *super = scales + rows.blocks * fk_packed_scale_bytes(f);
    memset(scales, 0, (size_t)(run + size - scales));
    pack_codes(format, f, run, high, rows);
    for (int lane = 0; lane < rows.count; lane++)
        pack_scales(format, f, scales, super, rows, lane);
}

void fk_pack(fk_type type, void *packed, const void *rows, int64_t row_begin, int64_t row_end,
             int64_t n, int64_t k) {
    int index = fk_packed_index(type);
    if (index < 0) return;
    (void)n;
    fk_packed_format f = fk_packed_format_at(index);
    size_t block_bytes = fk_block_bytes(type);
    size_t row_bytes = (size_t)(k / f.super) * block_bytes;
    size_t group_bytes = (size_t)fk_packed_group_bytes(f, k);
    const uint8_t *from = rows;
    uint8_t *to = (uint8_t *)packed + (size_t)(row_begin / FK_LANES) * group_bytes;
    for (int64_t row = row_begin; row < row_end; row += FK_LANES) {
        int row_count = row_end - row < FK_LANES ? (int)(row_end - row) : FK_LANES;
        run_rows part = {from, row_bytes, block_bytes, row_count, FK_RUN_BLOCKS};
        uint8_t *run = to;
        for (int64_t at = 0; at < k; at += FK_RUN) {
            int blocks = k - at < FK_RUN ? (int)(k - at) / FK_BLOCK : FK_RUN_BLOCKS;
            part.blocks = blocks;
            switch (index) {
#define FK_PACK_CASE(name, low, high, scales, offset, table, super)                        \
    case FK_PACKED_##name:                                                                 \
        pack_run(FK_PACKED_##name,                                                         \
                 (fk_packed_format){low, high, scales, offset, table, super}, run, part);  \
        break;
                FK_PACKED_FORMATS(FK_PACK_CASE)
            }
            part.start += (size_t)(blocks * FK_BLOCK / f.super) * block_bytes;
            run += fk_packed_run_bytes(f, blocks);
        }
        from += (size_t)row_count * row_bytes;
        to += group_bytes;
    }
}
