/* One shuffle looks up a part of 16 vectors. Entries are added in 16 bits, the even bytes of
 * a register apart from the odd ones: these are vectors 0 ... 7 and 8 ... 15. Within 256 parts
 * no sum of 8-bit entries overflows. */
#include "../include/fk_vectors.h"

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

FK_TARGET_AVX2 void fk_block_sums_u4_avx2(uint32_t *sums, const uint8_t *codes, size_t stride,
                                          const uint8_t *table, size_t parts) {
    const __m256i low_half = _mm256_set1_epi8(15);
    const __m256i low_byte = _mm256_set1_epi16(255);
    for (size_t i = 0; i < 4; i++)
        _mm256_storeu_si256((__m256i *)(sums + 8 * i), _mm256_setzero_si256());
    for (size_t begin = 0; begin < parts; begin += 256) {
        size_t end = parts - begin < 256 ? parts : begin + 256;
        __m256i part[4] = {_mm256_setzero_si256(), _mm256_setzero_si256(),
                           _mm256_setzero_si256(), _mm256_setzero_si256()};
        for (size_t pair = begin / 2; pair < end / 2; pair++) {
            __m256i bytes = _mm256_loadu_si256((const __m256i *)(codes + pair * stride));
            __m256i entries = _mm256_loadu_si256((const __m256i *)(table + pair * 32));
            __m256i low = _mm256_shuffle_epi8(entries, _mm256_and_si256(bytes, low_half));
            __m256i high = _mm256_shuffle_epi8(
                entries, _mm256_and_si256(_mm256_srli_epi16(bytes, 4), low_half));
            part[0] = _mm256_add_epi16(part[0], _mm256_and_si256(low, low_byte));
            part[1] = _mm256_add_epi16(part[1], _mm256_srli_epi16(low, 8));
            part[2] = _mm256_add_epi16(part[2], _mm256_and_si256(high, low_byte));
            part[3] = _mm256_add_epi16(part[3], _mm256_srli_epi16(high, 8));
        }
        for (size_t i = 0; i < 4; i++) add_sums(sums + 8 * i, part[i]);
    }
}
#endif
