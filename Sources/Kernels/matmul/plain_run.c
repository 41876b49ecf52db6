#include "plain_run.h"

/* Element i of 32 in the low nibble of byte i, element i + 16 in its high one. */
static void split_nibbles(uint8_t *codes, const uint8_t *q) {
    for (int i = 0; i < 16; i++) {
        codes[i] = q[i] & 15;
        codes[i + 16] = q[i] >> 4;
    }
}

static void join_nibbles(uint8_t *q, const uint8_t *codes) {
    for (int i = 0; i < 16; i++) q[i] = (uint8_t)((codes[i] & 15) | codes[i + 16] << 4);
}

/* Bit i of 32 on top of the nibble of element i. */
static void add_fifth_bits(uint8_t *codes, const uint8_t *high) {
    for (int i = 0; i < 32; i++)
        codes[i] |= (uint8_t)((high[i / 8] >> i % 8 & 1) << 4);
}

static void take_fifth_bits(uint8_t *high, const uint8_t *codes) {
    memset(high, 0, 4);
    for (int i = 0; i < 32; i++) high[i / 8] |= (uint8_t)((codes[i] >> 4 & 1) << i % 8);
}

/* Q4_K and Q5_K: of each 64 elements, the first 32 in low nibbles, the others in
 * high ones. */
static void split_wide_nibbles(uint8_t *codes, const uint8_t *q) {
    for (int c = 0; c < 4; c++)
        for (int i = 0; i < 32; i++) {
            codes[64 * c + i] = q[32 * c + i] & 15;
            codes[64 * c + 32 + i] = q[32 * c + i] >> 4;
        }
}

static void join_wide_nibbles(uint8_t *q, const uint8_t *codes) {
    for (int c = 0; c < 4; c++)
        for (int i = 0; i < 32; i++)
            q[32 * c + i] =
                (uint8_t)((codes[64 * c + i] & 15) | codes[64 * c + 32 + i] << 4);
}

/* Q2_K and Q3_K: of each 128 elements, number 32 p + i in bits 2 p, 2 p + 1 of byte i. */
static void split_pairs(uint8_t *codes, const uint8_t *q) {
    for (int c = 0; c < 2; c++)
        for (int p = 0; p < 4; p++)
            for (int i = 0; i < 32; i++)
                codes[128 * c + 32 * p + i] = q[32 * c + i] >> 2 * p & 3;
}

static void join_pairs(uint8_t *q, const uint8_t *codes) {
    for (int c = 0; c < 2; c++)
        for (int i = 0; i < 32; i++) {
            const uint8_t *at = codes + 128 * c + i;
            q[32 * c + i] = (uint8_t)((at[0] & 3) | (at[32] & 3) << 2 | (at[64] & 3) << 4 |
                                      (at[96] & 3) << 6);
        }
}

/* Q3_K and Q5_K: bit p of byte i belongs to element 32 p + i. */
static void add_high_bits(uint8_t *codes, const uint8_t *high, int shift) {
    for (int p = 0; p < 8; p++)
        for (int i = 0; i < 32; i++)
            codes[32 * p + i] |= (uint8_t)((high[i] >> p & 1) << shift);
}

static void take_high_bits(uint8_t *high, const uint8_t *codes, int shift) {
    for (int i = 0; i < 32; i++) {
        int bits = 0;
        for (int p = 0; p < 8; p++) bits |= (codes[32 * p + i] >> shift & 1) << p;
        high[i] = (uint8_t)bits;
    }
}

/* Q6_K: of each 128 elements, low nibbles as two groups of 64 in 64 bytes, the two
 * high bits of number 32 p + i in bits 2 p of byte i. */
static void split_q6(uint8_t *codes, const uint8_t *low, const uint8_t *high) {
    for (int c = 0; c < 2; c++)
        for (int i = 0; i < 64; i++) {
            int bits = high[32 * c + i % 32] >> 2 * (i / 32), byte = low[64 * c + i];
            codes[128 * c + i] = (uint8_t)((byte & 15) | (bits & 3) << 4);
            codes[128 * c + 64 + i] = (uint8_t)(byte >> 4 | (bits >> 4 & 3) << 4);
        }
}

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

static void split_k_scales(fk_plain_run *run, const uint8_t *scales) {
    for (int j = 0; j < 8; j++) {
        int scale, min;
        fk_scale_min_k(scales, j, &scale, &min);
        run->sc[j] = (uint8_t)scale;
        run->mn[j] = (uint8_t)min;
    }
}

static void join_k_scales(uint8_t *scales, const fk_plain_run *run) {
    for (int j = 0; j < 4; j++) {
        scales[j] = (uint8_t)(run->sc[j] | run->sc[j + 4] >> 4 << 6);
        scales[j + 4] = (uint8_t)(run->mn[j] | run->mn[j + 4] >> 4 << 6);
        scales[j + 8] = (uint8_t)((run->sc[j + 4] & 15) | run->mn[j + 4] << 4);
    }
}

static void join_q3_scales(uint8_t *scales, const fk_plain_run *run) {
    memset(scales, 0, 12);
    for (int j = 0; j < 16; j++) {
        int value = (int8_t)run->sc[j] + 32;
        scales[j % 8] |= (uint8_t)((value & 15) << 4 * (j / 8));
        scales[8 + j % 4] |= (uint8_t)(value >> 4 << 2 * (j / 4));
    }
}

void fk_split_blocks(int format, fk_plain_run *run, const uint8_t *gguf, int blocks) {
    switch (format) {
    case FK_PACKED_Q4_0:
    case FK_PACKED_IQ4_NL:
        for (int b = 0; b < blocks; b++) {
            const fk_block_q4_0 *x = (const fk_block_q4_0 *)gguf + b;
            run->d[b] = fk_load_u16(x->d);
            split_nibbles(run->codes + 32 * b, x->q);
        }
        break;
    case FK_PACKED_Q4_1:
        for (int b = 0; b < blocks; b++) {
            const fk_block_q4_1 *x = (const fk_block_q4_1 *)gguf + b;
            run->d[b] = fk_load_u16(x->d);
            run->m[b] = fk_load_u16(x->m);
            split_nibbles(run->codes + 32 * b, x->q);
        }
        break;
    case FK_PACKED_Q5_0:
        for (int b = 0; b < blocks; b++) {
            const fk_block_q5_0 *x = (const fk_block_q5_0 *)gguf + b;
            run->d[b] = fk_load_u16(x->d);
            split_nibbles(run->codes + 32 * b, x->q);
            add_fifth_bits(run->codes + 32 * b, x->high);
        }
        break;
    case FK_PACKED_Q5_1:
        for (int b = 0; b < blocks; b++) {
            const fk_block_q5_1 *x = (const fk_block_q5_1 *)gguf + b;
            run->d[b] = fk_load_u16(x->d);
            run->m[b] = fk_load_u16(x->m);
            split_nibbles(run->codes + 32 * b, x->q);
            add_fifth_bits(run->codes + 32 * b, x->high);
        }
        break;
    case FK_PACKED_Q8_0:
        for (int b = 0; b < blocks; b++) {
            const fk_block_q8_0 *x = (const fk_block_q8_0 *)gguf + b;
            run->d[b] = fk_load_u16(x->d);
            for (int i = 0; i < 32; i++) run->codes[32 * b + i] = (uint8_t)(x->q[i] ^ 0x80);
        }
        break;
    case FK_PACKED_MXFP4:
        for (int b = 0; b < blocks; b++) {
            const fk_block_mxfp4 *x = (const fk_block_mxfp4 *)gguf + b;
            run->sc[b] = x->e;
            split_nibbles(run->codes + 32 * b, x->q);
        }
        break;
    case FK_PACKED_Q2_K: {
        const fk_block_q2_k *x = (const fk_block_q2_k *)gguf;
        run->d[0] = fk_load_u16(x->d);
        run->m[0] = fk_load_u16(x->dmin);
        memcpy(run->sc, x->scales, 16);
        split_pairs(run->codes, x->q);
        break;
    }
    case FK_PACKED_Q3_K: {
        const fk_block_q3_k *x = (const fk_block_q3_k *)gguf;
        run->d[0] = fk_load_u16(x->d);
        for (int j = 0; j < 16; j++) run->sc[j] = (uint8_t)fk_scale_q3_k(x->scales, j);
        split_pairs(run->codes, x->q);
        add_high_bits(run->codes, x->high, 2);
        break;
    }
    case FK_PACKED_Q4_K: {
        const fk_block_q4_k *x = (const fk_block_q4_k *)gguf;
        run->d[0] = fk_load_u16(x->d);
        run->m[0] = fk_load_u16(x->dmin);
        split_k_scales(run, x->scales);
        split_wide_nibbles(run->codes, x->q);
        break;
    }
    case FK_PACKED_Q5_K: {
        const fk_block_q5_k *x = (const fk_block_q5_k *)gguf;
        run->d[0] = fk_load_u16(x->d);
        run->m[0] = fk_load_u16(x->dmin);
        split_k_scales(run, x->scales);
        split_wide_nibbles(run->codes, x->q);
        add_high_bits(run->codes, x->high, 4);
        break;
    }
    case FK_PACKED_Q6_K: {
        const fk_block_q6_k *x = (const fk_block_q6_k *)gguf;
        run->d[0] = fk_load_u16(x->d);
        memcpy(run->sc, x->scales, 16);
        split_q6(run->codes, x->low, x->high);
        break;
    }
    case FK_PACKED_IQ4_XS: {
        const fk_block_iq4_xs *x = (const fk_block_iq4_xs *)gguf;
        run->d[0] = fk_load_u16(x->d);
        for (int b = 0; b < 8; b++) {
            int low = x->low[b / 2] >> 4 * (b % 2) & 15;
            int high = fk_load_u16(x->high) >> 2 * b & 3;
            run->sc[b] = (uint8_t)((low | high << 4) - 32);
            split_nibbles(run->codes + 32 * b, x->q + 16 * b);
        }
        break;
    }
    }
}

void fk_join_blocks(int format, uint8_t *gguf, const fk_plain_run *run, int blocks) {
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
