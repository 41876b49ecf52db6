/* How an operation lists its variants and picks one.
 *
 * An operation `op` names its variants once, highest level first, the reference
 * last:
 *
 *     #define FK_RMS_NORM_F32_VARIANTS(V, op) \
 *         FK_X86(V(op, avx512, FK_LEVEL_AVX512)) \
 *         FK_X86(V(op, avx2, FK_LEVEL_AVX2)) \
 *         FK_ARM(V(op, neon, FK_LEVEL_NEON)) \
 *         V(op, reference, FK_LEVEL_REFERENCE)
 *     FK_OPERATION(rms_norm_f32, FK_RMS_NORM_F32_VARIANTS, (float *y, ...), (y, ...))
 *
 * which defines fk_rms_norm_f32 (runs the best variant) and, for tests and
 * benchmarks, fk_rms_norm_f32_levels (writes the levels it has) and
 * fk_rms_norm_f32_variant (the function for a level). */
#ifndef FK_DISPATCH_H
#define FK_DISPATCH_H

#include "../include/fk_levels.h"

#if defined(__x86_64__)
#define FK_X86(row) row
#else
#define FK_X86(row)
#endif
#if defined(__aarch64__)
#define FK_ARM(row) row
#else
#define FK_ARM(row)
#endif

#define FK_TARGET_AVX2 __attribute__((target("avx2,fma,f16c,bmi2")))
#define FK_TARGET_AVX512 \
    __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c,bmi2")))
#define FK_TARGET_AVX512VNNI \
    __attribute__((target("avx512vnni,avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c,bmi2")))

#define FK_TARGET_NEONDOT __attribute__((target("+dotprod")))

#define FK_ROW(op, suffix, level) {level, fk_##op##_##suffix},

#define FK_OPERATION(op, VARIANTS, parameters, arguments)                          \
    static const struct {                                                          \
        fk_level level;                                                            \
        void(*run) parameters;                                                     \
    } fk_##op##_table[] = {VARIANTS(FK_ROW, op)};                                  \
    void fk_##op parameters {                                                      \
        fk_level active = fk_active_level();                                       \
        size_t i = 0;                                                              \
        while (fk_##op##_table[i].level > active) i++;                             \
        fk_##op##_table[i].run arguments;                                          \
    }                                                                              \
    void (*fk_##op##_variant(fk_level level)) parameters {                         \
        size_t i = 0;                                                              \
        while (fk_##op##_table[i].level > level) i++;                              \
        return fk_##op##_table[i].run;                                             \
    }                                                                              \
    int fk_##op##_levels(fk_level *levels) {                                       \
        int count = (int)(sizeof fk_##op##_table / sizeof fk_##op##_table[0]);     \
        for (int i = 0; i < count; i++) levels[i] = fk_##op##_table[i].level;      \
        return count;                                                              \
    }

#endif
