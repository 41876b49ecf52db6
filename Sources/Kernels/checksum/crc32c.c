#include "../include/fk_checksum.h"
#include "../levels/dispatch.h"

#define FK_CRC32C_VARIANTS(V, op)      \
    FK_X86(V(op, avx2, FK_LEVEL_AVX2)) \
    V(op, reference, FK_LEVEL_REFERENCE)

FK_OPERATION(crc32c, FK_CRC32C_VARIANTS, (uint32_t *sum, const uint8_t *bytes, size_t count),
             (sum, bytes, count))
