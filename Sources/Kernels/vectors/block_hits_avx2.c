/* One shuffle looks up a part of 16 vectors, entries are added in 16 bits: whole pairs of bytes,
 * and the odd bytes of them, vectors 8 ... 15; 256 times the odd sums off the others leaves the
 * even ones, vectors 0 ... 7. Within 256 parts no sum of 8-bit entries overflows, and what the
 * pairs lose above 16 bits goes with the odd sums. */
#include "block_hits.h"

#if defined(__x86_64__)
#include "../levels/dispatch.h"

#include <immintrin.h>

#define FK_SUMS static inline __attribute__((always_inline)) FK_TARGET_AVX2

/* The sums of both parts of eight vectors, added to 32-bit sums. */
FK_SUMS void add_sums(uint32_t *sums, __m256i both) {
    __m128i sum = _mm_add_epi16(_mm256_castsi256_si128(both), _mm256_extracti128_si256(both, 1));
    __m256i *place = (__m256i *)sums;
    _mm256_storeu_si256(place,
                        _mm256_add_epi32(_mm256_loadu_si256(place), _mm256_cvtepu16_epi32(sum)));
}

FK_SUMS void group_sums(uint32_t sums[32], const uint8_t *codes, size_t stride,
                        const uint8_t *table, size_t parts) {
    const __m256i low_half = _mm256_set1_epi8(15);
    for (size_t i = 0; i < 4; i++)
        _mm256_storeu_si256((__m256i *)(sums + 8 * i), _mm256_setzero_si256());
    for (size_t begin = 0; begin < parts; begin += 256) {
        size_t end = parts - begin < 256 ? parts : begin + 256;
        __m256i pairs[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
        __m256i odd[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
        for (size_t pair = begin / 2; pair < end / 2; pair++) {
            __m256i bytes = _mm256_loadu_si256((const __m256i *)(codes + pair * stride));
            __m256i entries = _mm256_loadu_si256((const __m256i *)(table + pair * 32));
            __m256i low = _mm256_shuffle_epi8(entries, _mm256_and_si256(bytes, low_half));
            __m256i high = _mm256_shuffle_epi8(
                entries, _mm256_and_si256(_mm256_srli_epi16(bytes, 4), low_half));
            pairs[0] = _mm256_add_epi16(pairs[0], low);
            odd[0] = _mm256_add_epi16(odd[0], _mm256_srli_epi16(low, 8));
            pairs[1] = _mm256_add_epi16(pairs[1], high);
            odd[1] = _mm256_add_epi16(odd[1], _mm256_srli_epi16(high, 8));
        }
        for (size_t i = 0; i < 2; i++) {
            add_sums(sums + 16 * i, _mm256_sub_epi16(pairs[i], _mm256_slli_epi16(odd[i], 8)));
            add_sums(sums + 16 * i + 8, odd[i]);
        }
    }
}

/* Whether one of 32 sums is below a limit. */
FK_SUMS int any_below(const uint32_t sums[32], uint64_t limit) {
    /* A sum has less than 31 bits. */
    __m256i bound = _mm256_set1_epi32(limit > INT32_MAX ? INT32_MAX : (int32_t)limit);
    __m256i below = _mm256_setzero_si256();
    for (size_t i = 0; i < 4; i++) {
        __m256i some = _mm256_loadu_si256((const __m256i *)(sums + 8 * i));
        below = _mm256_or_si256(below, _mm256_cmpgt_epi32(bound, some));
    }
    return !_mm256_testz_si256(below, below);
}

FK_TARGET_AVX2 void fk_block_hits_u4_avx2(fk_block_hits *hits, const fk_code_blocks *blocks,
                                          const uint8_t *table, uint64_t limit, size_t first,
                                          size_t end) {
    hits->count = 0;
    for (; first < end; first += 32) {
        uint32_t sums[32];
        group_sums(sums, fk_group(blocks, first), blocks->rows, table, blocks->parts);
        if (any_below(sums, limit)) fk_list_hits(hits, sums, limit, first, end);
    }
}
#endif
