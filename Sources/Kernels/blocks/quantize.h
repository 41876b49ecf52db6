/* Encoders, one operation a format. All take the elements to encode, a multiple
 * of the block size, and an importance an element or NULL, and give the same
 * bytes at every level. */
#ifndef FK_QUANTIZE_H
#define FK_QUANTIZE_H

#include "../include/fk_blocks.h"
#include "../levels/dispatch.h"

/* Formats that search for their scale: the same loops compiled for wider
 * registers. Sums run in eight fixed lanes, so the level changes no bit. On ARM the
 * plain target of the build has the registers already. */
#define FK_QUANTIZE_SEARCHED(V, op)    \
    FK_X86(V(op, avx2, FK_LEVEL_AVX2)) \
    V(op, reference, FK_LEVEL_REFERENCE)

/* Formats that only round. */
#define FK_QUANTIZE_ROUNDED(V, op) V(op, reference, FK_LEVEL_REFERENCE)

/* Every format with an encoder: EACH(variants, name). */
#define FK_QUANTIZE_FORMATS(EACH)       \
    EACH(FK_QUANTIZE_SEARCHED, q4_0)    \
    EACH(FK_QUANTIZE_SEARCHED, q4_1)    \
    EACH(FK_QUANTIZE_SEARCHED, q5_0)    \
    EACH(FK_QUANTIZE_SEARCHED, q5_1)    \
    EACH(FK_QUANTIZE_ROUNDED, q8_0)     \
    EACH(FK_QUANTIZE_SEARCHED, q2_k)    \
    EACH(FK_QUANTIZE_SEARCHED, q3_k)    \
    EACH(FK_QUANTIZE_SEARCHED, q4_k)    \
    EACH(FK_QUANTIZE_SEARCHED, q5_k)    \
    EACH(FK_QUANTIZE_SEARCHED, q6_k)    \
    EACH(FK_QUANTIZE_SEARCHED, iq4_nl)  \
    EACH(FK_QUANTIZE_SEARCHED, iq4_xs)  \
    EACH(FK_QUANTIZE_ROUNDED, tq1_0)    \
    EACH(FK_QUANTIZE_ROUNDED, tq2_0)    \
    EACH(FK_QUANTIZE_ROUNDED, mxfp4)    \
    EACH(FK_QUANTIZE_ROUNDED, nvfp4)

#define FK_DECLARE_ENCODER(op, suffix, level) \
    void fk_##op##_##suffix(void *y, const float *x, int64_t elements, const float *importance);
#define FK_DECLARE_QUANTIZE(VARIANTS, format)                                            \
    VARIANTS(FK_DECLARE_ENCODER, quantize_##format)                                      \
    void fk_quantize_##format(void *y, const float *x, int64_t elements,                 \
                              const float *importance);                                  \
    int fk_quantize_##format##_levels(fk_level *levels);

FK_QUANTIZE_FORMATS(FK_DECLARE_QUANTIZE)

#endif
