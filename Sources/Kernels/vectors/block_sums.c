#include "../include/fk_vectors.h"
#include "../levels/dispatch.h"

#define FK_BLOCK_SUMS_VARIANTS(V, op)  \
    FK_X86(V(op, avx2, FK_LEVEL_AVX2)) \
    FK_ARM(V(op, neon, FK_LEVEL_NEON)) \
    V(op, reference, FK_LEVEL_REFERENCE)

FK_OPERATION(block_sums_u4, FK_BLOCK_SUMS_VARIANTS,
             (uint32_t *sums, const uint8_t *codes, size_t stride, const uint8_t *table,
              size_t parts),
             (sums, codes, stride, table, parts))
