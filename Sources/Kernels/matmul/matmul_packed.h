/* Variants of fk_matmul_packed. */
#ifndef FK_MATMUL_PACKED_H
#define FK_MATMUL_PACKED_H

#include "packed_layout.h"
#include "variants.h"

#define FK_MATMUL_PACKED_PARAMETERS                                                     \
    fk_type type, float *y, size_t ldy, const void *packed, const fk_activations *x,    \
        int64_t n, int64_t row_begin, int64_t row_end, const float *bias, int accumulate

#define FK_MATMUL_PACKED_VARIANTS(V, op)             \
    FK_X86(V(op, amx, FK_LEVEL_AMX))                 \
    FK_X86(V(op, avx512vnni, FK_LEVEL_AVX512VNNI))   \
    FK_X86(V(op, avx512, FK_LEVEL_AVX512))           \
    FK_X86(V(op, avx2, FK_LEVEL_AVX2))               \
    FK_ARM(V(op, neondot, FK_LEVEL_NEONDOT))         \
    FK_ARM(V(op, neon, FK_LEVEL_NEON))               \
    V(op, reference, FK_LEVEL_REFERENCE)

#define FK_DECLARE(op, suffix, level) void fk_##op##_##suffix(FK_MATMUL_PACKED_PARAMETERS);
FK_MATMUL_PACKED_VARIANTS(FK_DECLARE, matmul_packed)
#undef FK_DECLARE

#endif
