#include "packed_layout.h"

/* One row's part of a run, out of the interleaving. */
typedef struct plain_run {
    uint8_t codes[FK_RUN];             /* one a byte, without offset or table */
    uint16_t d[FK_RUN_BLOCKS];         /* f16 bits, one a block; K types: d[0] only */
    uint16_t m[FK_RUN_BLOCKS];         /* f16 bits; K types: dmin in m[0] */
    uint8_t sc[2 * FK_RUN_BLOCKS];     /* E8M0, I8, U8_MIN: one a block; halves: two */
    uint8_t mn[FK_RUN_BLOCKS];         /* U8_MIN */
} plain_run;

/* Element i of 32 in the low nibble of byte i, element i + 16 in its high one. */
static void join_nibbles(uint8_t *q, const uint8_t *codes) {
    for (int i = 0; i < 16; i++) q[i] = (uint8_t)((codes[i] & 15) | codes[i + 16] << 4);
}

/* Bit i of 32 on top of the nibble of element i. */
static void take_fifth_bits(uint8_t *high, const uint8_t *codes) {
    memset(high, 0, 4);
    for (int i = 0; i < 32; i++) high[i / 8] |= (uint8_t)((codes[i] >> 4 & 1) << i % 8);
}

/* Q4_K and Q5_K: of each 64 elements, the first 32 in low nibbles, the others in
 * high ones. */
static void join_wide_nibbles(uint8_t *q, const uint8_t *codes) {
    for (int c = 0; c < 4; c++)
        for (int i = 0; i < 32; i++)
            q[32 * c + i] =
                (uint8_t)((codes[64 * c + i] & 15) | codes[64 * c + 32 + i] << 4);
}

/* Q2_K and Q3_K: of each 128 elements, number 32 p + i in bits 2 p, 2 p + 1 of byte i. */
static void join_pairs(uint8_t *q, const uint8_t *codes) {
    for (int c = 0; c < 2; c++)
        for (int i = 0; i < 32; i++) {
            const uint8_t *at = codes + 128 * c + i;
            q[32 * c + i] = (uint8_t)((at[0] & 3) | (at[32] & 3) << 2 | (at[64] & 3) << 4 |
                                      (at[96] & 3) << 6);
        }
}

/* Q3_K and Q5_K: bit p of byte i belongs to element 32 p + i. */
static void take_high_bits(uint8_t *high, const uint8_t *codes, int shift) {
    for (int i = 0; i < 32; i++) {
        int bits = 0;
        for (int p = 0; p < 8; p++) bits |= (codes[32 * p + i] >> shift & 1) << p;
        high[i] = (uint8_t)bits;
    }
}

/* Q6_K: of each 128 elements, low nibbles as two groups of 64 in 64 bytes, the two
 * high bits of number 32 p + i in bits 2 p of byte i. */
static void join_q6(uint8_t *low, uint8_t *high, const uint8_t *codes) {
    for (int c = 0; c < 2; c++) {
        const uint8_t *half = codes + 128 * c;
        for (int i = 0; i < 64; i++)
            low[64 * c + i] = (uint8_t)((half[i] & 15) | half[64 + i] << 4);
        for (int i = 0; i < 32; i++)
            high[32 * c + i] = (uint8_t)(half[i] >> 4 | half[32 + i] >> 4 << 2 |
                                         half[64 + i] >> 4 << 4 | half[96 + i] >> 4 << 6);
    }
}

static void join_k_scales(uint8_t *scales, const plain_run *run) {
    for (int j = 0; j < 4; j++) {
        scales[j] = (uint8_t)(run->sc[j] | run->sc[j + 4] >> 4 << 6);
        scales[j + 4] = (uint8_t)(run->mn[j] | run->mn[j + 4] >> 4 << 6);
        scales[j + 8] = (uint8_t)((run->sc[j + 4] & 15) | run->mn[j + 4] << 4);
    }
}

static void join_q3_scales(uint8_t *scales, const plain_run *run) {
    memset(scales, 0, 12);
    for (int j = 0; j < 16; j++) {
        int value = (int8_t)run->sc[j] + 32;
        scales[j % 8] |= (uint8_t)((value & 15) << 4 * (j / 8));
        scales[8 + j % 4] |= (uint8_t)(value >> 4 << 2 * (j / 4));
    }
}

/* Writes the GGUF blocks of a row's part of a run. */
static void join_blocks(int format, uint8_t *gguf, const plain_run *run, int blocks) {
    switch (format) {
    case FK_PACKED_Q4_0:
    case FK_PACKED_IQ4_NL:
        for (int b = 0; b < blocks; b++) {
            fk_block_q4_0 *x = (fk_block_q4_0 *)gguf + b;
            fk_store_u16(x->d, run->d[b]);
            join_nibbles(x->q, run->codes + 32 * b);
        }
        break;
    case FK_PACKED_Q4_1:
        for (int b = 0; b < blocks; b++) {
            fk_block_q4_1 *x = (fk_block_q4_1 *)gguf + b;
            fk_store_u16(x->d, run->d[b]);
            fk_store_u16(x->m, run->m[b]);
            join_nibbles(x->q, run->codes + 32 * b);
        }
        break;
    case FK_PACKED_Q5_0:
        for (int b = 0; b < blocks; b++) {
            fk_block_q5_0 *x = (fk_block_q5_0 *)gguf + b;
            fk_store_u16(x->d, run->d[b]);
            join_nibbles(x->q, run->codes + 32 * b);
            take_fifth_bits(x->high, run->codes + 32 * b);
        }
        break;
    case FK_PACKED_Q5_1:
        for (int b = 0; b < blocks; b++) {
            fk_block_q5_1 *x = (fk_block_q5_1 *)gguf + b;
            fk_store_u16(x->d, run->d[b]);
            fk_store_u16(x->m, run->m[b]);
            join_nibbles(x->q, run->codes + 32 * b);
            take_fifth_bits(x->high, run->codes + 32 * b);
        }
        break;
    case FK_PACKED_Q8_0:
        for (int b = 0; b < blocks; b++) {
            fk_block_q8_0 *x = (fk_block_q8_0 *)gguf + b;
            fk_store_u16(x->d, run->d[b]);
            for (int i = 0; i < 32; i++) x->q[i] = (int8_t)(run->codes[32 * b + i] ^ 0x80);
        }
        break;
    case FK_PACKED_MXFP4:
        for (int b = 0; b < blocks; b++) {
            fk_block_mxfp4 *x = (fk_block_mxfp4 *)gguf + b;
            x->e = run->sc[b];
            join_nibbles(x->q, run->codes + 32 * b);
        }
        break;
    case FK_PACKED_Q2_K: {
        fk_block_q2_k *x = (fk_block_q2_k *)gguf;
        fk_store_u16(x->d, run->d[0]);
        fk_store_u16(x->dmin, run->m[0]);
        memcpy(x->scales, run->sc, 16);
        join_pairs(x->q, run->codes);
        break;
    }
    case FK_PACKED_Q3_K: {
        fk_block_q3_k *x = (fk_block_q3_k *)gguf;
        fk_store_u16(x->d, run->d[0]);
        join_q3_scales(x->scales, run);
        join_pairs(x->q, run->codes);
        take_high_bits(x->high, run->codes, 2);
        break;
    }
    case FK_PACKED_Q4_K: {
        fk_block_q4_k *x = (fk_block_q4_k *)gguf;
        fk_store_u16(x->d, run->d[0]);
        fk_store_u16(x->dmin, run->m[0]);
        join_k_scales(x->scales, run);
        join_wide_nibbles(x->q, run->codes);
        break;
    }
    case FK_PACKED_Q5_K: {
        fk_block_q5_k *x = (fk_block_q5_k *)gguf;
        fk_store_u16(x->d, run->d[0]);
        fk_store_u16(x->dmin, run->m[0]);
        join_k_scales(x->scales, run);
        join_wide_nibbles(x->q, run->codes);
        take_high_bits(x->high, run->codes, 4);
        break;
    }
    case FK_PACKED_Q6_K: {
        fk_block_q6_k *x = (fk_block_q6_k *)gguf;
        fk_store_u16(x->d, run->d[0]);
        memcpy(x->scales, run->sc, 16);
        join_q6(x->low, x->high, run->codes);
        break;
    }
    case FK_PACKED_IQ4_XS: {
        fk_block_iq4_xs *x = (fk_block_iq4_xs *)gguf;
        fk_store_u16(x->d, run->d[0]);
        memset(x->low, 0, sizeof x->low);
        int high = 0;
        for (int b = 0; b < 8; b++) {
            int value = (int8_t)run->sc[b] + 32;
            x->low[b / 2] |= (uint8_t)((value & 15) << 4 * (b % 2));
            high |= value >> 4 << 2 * b;
            join_nibbles(x->q + 16 * b, run->codes + 32 * b);
        }
        fk_store_u16(x->high, (uint16_t)high);
        break;
    }
    }
}

static uint16_t load_f16_lane(const uint8_t *lanes, int lane) {
    return fk_load_u16(lanes + 2 * lane);
}

static void read_scales(fk_packed_format f, plain_run *run, const fk_run_view *view,
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

/* Takes one row's part of a run out of the interleaving. */
static void unpack_run(int index, uint8_t *gguf, const uint8_t *run, int lane, int blocks) {
    fk_packed_format f = fk_packed_format_at(index);
    fk_run_view view = fk_run_parts(f, run, blocks);
    plain_run plain;
    for (int b = 0; b < blocks; b++)
        for (int i = 0; i < FK_BLOCK; i++)
            plain.codes[FK_BLOCK * b + i] = (uint8_t)fk_packed_code(f, view, b, lane, i);
    read_scales(f, &plain, &view, lane, blocks);
    join_blocks(index, gguf, &plain, blocks);
}

void fk_unpack(fk_type type, void *rows, const void *packed, int64_t row_begin,
               int64_t row_end, int64_t n, int64_t k) {
    int index = fk_packed_index(type);
    if (index < 0) return;
    (void)n;
    fk_packed_format f = fk_packed_format_at(index);
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
    fk_packed_format f = fk_packed_format_at(index);
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
