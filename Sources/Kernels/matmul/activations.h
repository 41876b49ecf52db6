/* Variants of fk_quantize_activations. */
#ifndef FK_ACTIVATIONS_H
#define FK_ACTIVATIONS_H

#include "../include/fk_matmul.h"
#include "variants.h"

/* A block whose largest magnitude is smaller counts as zero: 127 / 2^-100 is
 * still a normal float. */
#define FK_ACTIVATION_FLOOR 0x1p-100f

#define FK_QUANTIZE_ACTIVATIONS_VARIANTS(V, op) \
    FK_X86(V(op, avx512, FK_LEVEL_AVX512))      \
    FK_X86(V(op, avx2, FK_LEVEL_AVX2))          \
    FK_ARM(V(op, neon, FK_LEVEL_NEON))          \
    V(op, reference, FK_LEVEL_REFERENCE)

#define FK_DECLARE(op, suffix, level)                                                  \
    void fk_##op##_##suffix(const fk_activations *x, const float *source, size_t ldx,  \
                            int64_t row_begin, int64_t row_end);
FK_QUANTIZE_ACTIVATIONS_VARIANTS(FK_DECLARE, quantize_activations)
#undef FK_DECLARE

#endif
