/* Variants of the float products. */
#ifndef FK_MATMUL_FLOAT_H
#define FK_MATMUL_FLOAT_H

#include "../include/fk_matmul.h"
#include "variants.h"

#define FK_MATMUL_NT_PARAMETERS(weight)                                                  \
    float *y, size_t ldy, const float *x, size_t ldx, const weight *w, size_t ldw,       \
        int64_t t, int64_t row_begin, int64_t row_end, int64_t k, const float *bias,     \
        int accumulate

#define FK_MATMUL_OUTER_PARAMETERS                                                       \
    float *c, size_t ldc, const float *a, size_t lda, const float *b, size_t ldb,        \
        int64_t row_begin, int64_t row_end, int64_t columns, int64_t depth, int accumulate

#define FK_MATMUL_FLOAT_VARIANTS(V, op)              \
    FK_X86(V(op, avx512, FK_LEVEL_AVX512))           \
    FK_X86(V(op, avx2, FK_LEVEL_AVX2))               \
    FK_ARM(V(op, neon, FK_LEVEL_NEON))               \
    V(op, reference, FK_LEVEL_REFERENCE)

/* BF16 weights have a variant whose order of sums is its own. */
#define FK_MATMUL_BF16_VARIANTS(V, op)               \
    FK_X86(V(op, amx, FK_LEVEL_AMX))                 \
    FK_MATMUL_FLOAT_VARIANTS(V, op)

/* k of one chunk in the order of the amx variant. */
enum { FK_BF16_CHUNK = 1024 };

enum { FK_WEIGHTS_F32, FK_WEIGHTS_F16, FK_WEIGHTS_BF16 };

#define FK_DECLARE_F32(op, suffix, level) \
    void fk_##op##_##suffix(FK_MATMUL_NT_PARAMETERS(float));
#define FK_DECLARE_RAW(op, suffix, level) \
    void fk_##op##_##suffix(FK_MATMUL_NT_PARAMETERS(void));
#define FK_DECLARE_OUTER(op, suffix, level) \
    void fk_##op##_##suffix(FK_MATMUL_OUTER_PARAMETERS);
FK_MATMUL_FLOAT_VARIANTS(FK_DECLARE_F32, matmul_f32_nt)
FK_MATMUL_FLOAT_VARIANTS(FK_DECLARE_RAW, matmul_f16_nt)
FK_MATMUL_BF16_VARIANTS(FK_DECLARE_RAW, matmul_bf16_nt)
FK_MATMUL_FLOAT_VARIANTS(FK_DECLARE_OUTER, matmul_f32_nn)
FK_MATMUL_FLOAT_VARIANTS(FK_DECLARE_OUTER, matmul_f32_tn)
#undef FK_DECLARE_F32
#undef FK_DECLARE_RAW
#undef FK_DECLARE_OUTER

#endif
