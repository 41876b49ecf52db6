/* The variants of decoding, one operation a format. All take the elements to
 * decode, a multiple of the block size, and give the same bits. */
#ifndef FK_DEQUANTIZE_H
#define FK_DEQUANTIZE_H

#include "../include/fk_blocks.h"
#include "../levels/dispatch.h"

/* The formats met most when gathering rows and repacking. */
#define FK_DEQUANTIZE_FAST(V, op)      \
    FK_X86(V(op, avx2, FK_LEVEL_AVX2)) \
    FK_ARM(V(op, neon, FK_LEVEL_NEON)) \
    V(op, reference, FK_LEVEL_REFERENCE)

/* The other formats. */
#define FK_DEQUANTIZE_PLAIN(V, op) V(op, reference, FK_LEVEL_REFERENCE)

/* Every block format: EACH(variants, name). */
#define FK_DEQUANTIZE_FORMATS(EACH)    \
    EACH(FK_DEQUANTIZE_PLAIN, q1_0)    \
    EACH(FK_DEQUANTIZE_PLAIN, q2_0)    \
    EACH(FK_DEQUANTIZE_FAST, q4_0)     \
    EACH(FK_DEQUANTIZE_FAST, q4_1)     \
    EACH(FK_DEQUANTIZE_FAST, q5_0)     \
    EACH(FK_DEQUANTIZE_FAST, q5_1)     \
    EACH(FK_DEQUANTIZE_FAST, q8_0)     \
    EACH(FK_DEQUANTIZE_PLAIN, q8_1)    \
    EACH(FK_DEQUANTIZE_FAST, q2_k)     \
    EACH(FK_DEQUANTIZE_FAST, q3_k)     \
    EACH(FK_DEQUANTIZE_FAST, q4_k)     \
    EACH(FK_DEQUANTIZE_FAST, q5_k)     \
    EACH(FK_DEQUANTIZE_FAST, q6_k)     \
    EACH(FK_DEQUANTIZE_PLAIN, q8_k)    \
    EACH(FK_DEQUANTIZE_PLAIN, iq2_xxs) \
    EACH(FK_DEQUANTIZE_PLAIN, iq2_xs)  \
    EACH(FK_DEQUANTIZE_PLAIN, iq2_s)   \
    EACH(FK_DEQUANTIZE_PLAIN, iq3_xxs) \
    EACH(FK_DEQUANTIZE_PLAIN, iq3_s)   \
    EACH(FK_DEQUANTIZE_PLAIN, iq1_s)   \
    EACH(FK_DEQUANTIZE_PLAIN, iq1_m)   \
    EACH(FK_DEQUANTIZE_FAST, iq4_nl)   \
    EACH(FK_DEQUANTIZE_FAST, iq4_xs)   \
    EACH(FK_DEQUANTIZE_PLAIN, tq1_0)   \
    EACH(FK_DEQUANTIZE_PLAIN, tq2_0)   \
    EACH(FK_DEQUANTIZE_FAST, mxfp4)    \
    EACH(FK_DEQUANTIZE_PLAIN, nvfp4)

#define FK_DECLARE_VARIANT(op, suffix, level) \
    void fk_##op##_##suffix(float *y, const void *x, int64_t elements);
#define FK_DECLARE_DEQUANTIZE(VARIANTS, format)                              \
    VARIANTS(FK_DECLARE_VARIANT, dequantize_##format)                        \
    void fk_dequantize_##format(float *y, const void *x, int64_t elements);  \
    int fk_dequantize_##format##_levels(fk_level *levels);

FK_DEQUANTIZE_FORMATS(FK_DECLARE_DEQUANTIZE)

#endif
