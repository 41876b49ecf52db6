/* The variants of the row conversions of fk_blocks.h. */
#ifndef FK_CONVERT_H
#define FK_CONVERT_H

#include "../include/fk_blocks.h"
#include "../levels/dispatch.h"

#define FK_CONVERT_VARIANTS(V, op)             \
    FK_X86(V(op, avx512, FK_LEVEL_AVX512))     \
    FK_X86(V(op, avx2, FK_LEVEL_AVX2))         \
    FK_ARM(V(op, neon, FK_LEVEL_NEON))         \
    V(op, reference, FK_LEVEL_REFERENCE)

/* Packs `n` floats, or unpacks `n` numbers; see fk_blocks.h for the rounding. */
#define FK_DECLARE_PACK(op, suffix, level) \
    void fk_##op##_##suffix(void *y, const float *x, int64_t n);
#define FK_DECLARE_UNPACK(op, suffix, level) \
    void fk_##op##_##suffix(float *y, const void *x, int64_t n);

FK_CONVERT_VARIANTS(FK_DECLARE_PACK, f32_to_f16)
FK_CONVERT_VARIANTS(FK_DECLARE_PACK, f32_to_bf16)
FK_CONVERT_VARIANTS(FK_DECLARE_PACK, f32_to_f8e4m3)
FK_CONVERT_VARIANTS(FK_DECLARE_UNPACK, f16_to_f32)
FK_CONVERT_VARIANTS(FK_DECLARE_UNPACK, bf16_to_f32)
FK_CONVERT_VARIANTS(FK_DECLARE_UNPACK, f8e4m3_to_f32)

#endif
