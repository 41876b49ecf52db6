/* One table instruction looks up a part of 16 vectors. Entries are added in 16 bits: whole
 * pairs of bytes, and the odd bytes of them, vectors 8 ... 15; 256 times the odd sums off the
 * others leaves the even ones, vectors 0 ... 7. Within 256 parts no sum of 8-bit entries
 * overflows, and what the pairs lose above 16 bits goes with the odd sums. */
#include "block_hits.h"

#if defined(__aarch64__)

#include <arm_neon.h>

#define FK_SUMS static inline __attribute__((always_inline))

/* The sums of eight vectors, added to 32-bit sums. */
FK_SUMS void add_sums(uint32_t *sums, uint16x8_t part) {
    vst1q_u32(sums, vaddw_u16(vld1q_u32(sums), vget_low_u16(part)));
    vst1q_u32(sums + 4, vaddw_high_u16(vld1q_u32(sums + 4), part));
}

/* Sixteen sums: of pairs of bytes, and of their odd bytes. */
FK_SUMS void add_pairs(uint32_t *sums, uint16x8_t pairs, uint16x8_t odd) {
    add_sums(sums, vsubq_u16(pairs, vshlq_n_u16(odd, 8)));
    add_sums(sums + 8, odd);
}

FK_SUMS void group_sums(uint32_t sums[32], const uint8_t *codes, size_t stride,
                        const uint8_t *table, size_t parts) {
    const uint8x16_t low_half = vdupq_n_u8(15);
    for (size_t i = 0; i < 8; i++) vst1q_u32(sums + 4 * i, vdupq_n_u32(0));
    for (size_t begin = 0; begin < parts; begin += 256) {
        size_t end = parts - begin < 256 ? parts : begin + 256;
        uint16x8_t pairs[2] = {vdupq_n_u16(0), vdupq_n_u16(0)};
        uint16x8_t odd[2] = {vdupq_n_u16(0), vdupq_n_u16(0)};
        for (size_t part = begin; part < end; part++) {
            uint8x16_t bytes = vld1q_u8(codes + part / 2 * stride + part % 2 * 16);
            uint8x16_t entries = vld1q_u8(table + part * 16);
            uint16x8_t low =
                vreinterpretq_u16_u8(vqtbl1q_u8(entries, vandq_u8(bytes, low_half)));
            uint16x8_t high = vreinterpretq_u16_u8(vqtbl1q_u8(entries, vshrq_n_u8(bytes, 4)));
            pairs[0] = vaddq_u16(pairs[0], low);
            pairs[1] = vaddq_u16(pairs[1], high);
            odd[0] = vsraq_n_u16(odd[0], low, 8);
            odd[1] = vsraq_n_u16(odd[1], high, 8);
        }
        add_pairs(sums, pairs[0], odd[0]);
        add_pairs(sums + 16, pairs[1], odd[1]);
    }
}

/* Whether one of 32 sums is below a limit. */
FK_SUMS int any_below(const uint32_t sums[32], uint64_t limit) {
    uint32x4_t smallest = vld1q_u32(sums);
    for (size_t i = 1; i < 8; i++) smallest = vminq_u32(smallest, vld1q_u32(sums + 4 * i));
    return vminvq_u32(smallest) < limit;
}

void fk_block_hits_u4_neon(fk_block_hits *hits, const fk_code_blocks *blocks,
                           const uint8_t *table, uint64_t limit, size_t first, size_t end) {
    hits->count = 0;
    for (; first < end; first += 32) {
        uint32_t sums[32];
        group_sums(sums, fk_group(blocks, first), blocks->rows, table, blocks->parts);
        if (any_below(sums, limit)) fk_list_hits(hits, sums, limit, first, end);
    }
}

#endif
