/* As at the AVX2 level, two pairs of parts at a time, and sums of 16 bits are compared where they
 * are: only what is below the limit is written. */
#include "block_hits.h"

#if defined(__x86_64__)
#include "../levels/dispatch.h"

#include <immintrin.h>

#define FK_SUMS static inline __attribute__((always_inline)) FK_TARGET_AVX512

/* Sums in 16 bits, of which those of `even` are still whole pairs of bytes. */
typedef struct {
    __m512i even[2], odd[2];
} short_sums;

/* Adds the entries that the codes of two pairs of parts name. */
FK_SUMS void add_entries(short_sums *sums, __m512i bytes, __m512i entries) {
    const __m512i low_half = _mm512_set1_epi8(15);
    __m512i low = _mm512_shuffle_epi8(entries, _mm512_and_si512(bytes, low_half));
    __m512i high =
        _mm512_shuffle_epi8(entries, _mm512_and_si512(_mm512_srli_epi16(bytes, 4), low_half));
    sums->even[0] = _mm512_add_epi16(sums->even[0], low);
    sums->odd[0] = _mm512_add_epi16(sums->odd[0], _mm512_srli_epi16(low, 8));
    sums->even[1] = _mm512_add_epi16(sums->even[1], high);
    sums->odd[1] = _mm512_add_epi16(sums->odd[1], _mm512_srli_epi16(high, 8));
}

FK_SUMS __m512i two_pairs(const uint8_t *codes, size_t stride) {
    return _mm512_inserti64x4(
        _mm512_castsi256_si512(_mm256_loadu_si256((const __m256i *)codes)),
        _mm256_loadu_si256((const __m256i *)(codes + stride)), 1);
}

/* Sums of vectors 0 ... 7, 8 ... 15, 16 ... 23 and 24 ... 31 in the 128-bit quarters, of at most
 * 128 pairs. */
FK_SUMS __m512i group_sums(const uint8_t *codes, size_t stride, const uint8_t *table,
                           size_t pairs) {
    __m512i zero = _mm512_setzero_si512();
    short_sums sums = {{zero, zero}, {zero, zero}};
    size_t pair = 0;
    if (stride == 32) {
        for (; pair + 2 <= pairs; pair += 2)
            add_entries(&sums, _mm512_loadu_si512(codes + pair * 32),
                        _mm512_loadu_si512(table + pair * 32));
    } else {
        for (; pair + 2 <= pairs; pair += 2)
            add_entries(&sums, two_pairs(codes + pair * stride, stride),
                        _mm512_loadu_si512(table + pair * 32));
    }
    /* Without a second pair its entries are zero. */
    if (pair < pairs)
        add_entries(&sums,
                    _mm512_zextsi256_si512(
                        _mm256_loadu_si256((const __m256i *)(codes + pair * stride))),
                    _mm512_zextsi256_si512(
                        _mm256_loadu_si256((const __m256i *)(table + pair * 32))));
    __m512i half[2];
    for (size_t i = 0; i < 2; i++) {
        __m512i even = _mm512_sub_epi16(sums.even[i], _mm512_slli_epi16(sums.odd[i], 8));
        /* Quarters 0 + 2 and 1 + 3 of the even sums, then of the odd ones. */
        half[i] = _mm512_add_epi16(_mm512_shuffle_i64x2(even, sums.odd[i], 0x44),
                                   _mm512_shuffle_i64x2(even, sums.odd[i], 0xee));
    }
    return _mm512_add_epi16(_mm512_shuffle_i64x2(half[0], half[1], 0x88),
                            _mm512_shuffle_i64x2(half[0], half[1], 0xdd));
}

/* Adds 16 vectors of which those of the mask are hits. */
FK_SUMS void list_hits(fk_block_hits *hits, __mmask16 mask, __m512i sums, size_t first) {
    __m512i vectors = _mm512_add_epi32(
        _mm512_set1_epi32((int)first),
        _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
    _mm512_mask_compressstoreu_epi32(hits->vectors + hits->count, mask, vectors);
    _mm512_mask_compressstoreu_epi32(hits->sums + hits->count, mask, sums);
    hits->count += (size_t)__builtin_popcount(mask);
}

/* Sums of more than 256 parts, in 32 bits. */
FK_SUMS void long_hits(fk_block_hits *hits, const fk_code_blocks *blocks, const uint8_t *table,
                       uint64_t limit, size_t first, size_t end) {
    const uint8_t *codes = fk_group(blocks, first);
    __m512i sums[2] = {_mm512_setzero_si512(), _mm512_setzero_si512()};
    for (size_t part = 0; part < blocks->parts; part += 256) {
        size_t here = blocks->parts - part < 256 ? blocks->parts - part : 256;
        __m512i some = group_sums(codes + part / 2 * blocks->rows, blocks->rows,
                                  table + part * 16, here / 2);
        sums[0] = _mm512_add_epi32(sums[0], _mm512_cvtepu16_epi32(_mm512_castsi512_si256(some)));
        sums[1] =
            _mm512_add_epi32(sums[1], _mm512_cvtepu16_epi32(_mm512_extracti64x4_epi64(some, 1)));
    }
    uint32_t all[32];
    _mm512_storeu_si512(all, sums[0]);
    _mm512_storeu_si512(all + 16, sums[1]);
    fk_list_hits(hits, all, limit, first, end);
}

FK_TARGET_AVX512 void fk_block_hits_u4_avx512(fk_block_hits *hits, const fk_code_blocks *blocks,
                                              const uint8_t *table, uint64_t limit,
                                              size_t first, size_t end) {
    hits->count = 0;
    if (limit == 0) return;
    if (blocks->parts > 256) {
        for (; first < end; first += 32) long_hits(hits, blocks, table, limit, first, end);
        return;
    }
    /* The highest sum that is a hit. */
    __m512i last = _mm512_set1_epi16(limit > 65535 ? -1 : (short)(limit - 1));
    for (; first < end; first += 32) {
        __m512i sums =
            group_sums(fk_group(blocks, first), blocks->rows, table, blocks->parts / 2);
        __mmask32 mask = _mm512_cmple_epu16_mask(sums, last);
        if (end - first < 32) mask &= (1u << (end - first)) - 1;
        if (mask == 0) continue;
        list_hits(hits, (__mmask16)mask, _mm512_cvtepu16_epi32(_mm512_castsi512_si256(sums)),
                  first);
        list_hits(hits, (__mmask16)(mask >> 16),
                  _mm512_cvtepu16_epi32(_mm512_extracti64x4_epi64(sums, 1)), first + 16);
    }
}
#endif
