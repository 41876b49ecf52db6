/* Processors with AVX2 have the instruction of SSE 4.2 for this polynomial: 8 bytes in 3 cycles. */
#include "../include/fk_checksum.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

__attribute__((target("sse4.2"))) void fk_crc32c_avx2(uint32_t *sum, const uint8_t *bytes,
                                                      size_t count) {
    uint64_t crc = ~*sum;
    for (; count >= 8; bytes += 8, count -= 8) {
        uint64_t word;
        memcpy(&word, bytes, 8);
        crc = _mm_crc32_u64(crc, word);
    }
    for (; count > 0; bytes++, count--) crc = _mm_crc32_u8((uint32_t)crc, *bytes);
    *sum = ~(uint32_t)crc;
}
#endif
