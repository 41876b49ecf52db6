/* Instruction levels: what a kernel variant may use, and which one runs.
 *
 * A level is a named set of processor features. Every operation has a reference
 * variant, which is obviously right, and variants for the levels at which it
 * gains. The highest variant at or below the active level runs.
 *
 *   reference    portable C, scalar, no contraction
 *   avx2         AVX2 + FMA + F16C
 *   avx512       AVX-512 F, BW, VL, DQ (and the avx2 set)
 *   avx512vnni   avx512 + VNNI
 *   avx512bf16   avx512vnni + BF16
 *   amx          avx512bf16 + AMX TILE, INT8, BF16, with the kernel's permission
 *   neon         AArch64 Advanced SIMD
 *   neondot      neon + dot products of bytes (FEAT_DotProd)
 */
#ifndef FK_LEVELS_H
#define FK_LEVELS_H

#include <stddef.h>
#include <stdint.h>

typedef enum fk_level {
    FK_LEVEL_REFERENCE = 0,
    FK_LEVEL_AVX2 = 1,
    FK_LEVEL_AVX512 = 2,
    FK_LEVEL_AVX512VNNI = 3,
    FK_LEVEL_AVX512BF16 = 4,
    FK_LEVEL_AMX = 5,
    FK_LEVEL_NEON = 8,
    FK_LEVEL_NEONDOT = 9,
} fk_level;

/* The highest level this processor and kernel allow; detected once. */
fk_level fk_detected_level(void);

/* The level in use: the detected one, lowered by the environment variable
 * FATHOM_LEVEL (read once) or by fk_limit_level.
 *
 * AMX runs only where FATHOM_LEVEL=amx asks for it: its variants have been tested
 * on a model of the tile instructions, not yet on a processor that has them. */
fk_level fk_active_level(void);

/* Lowers the active level to at most `limit`; never raises it above the
 * detected one. Meant for tests and benchmarks, between operations only. */
void fk_limit_level(fk_level limit);

/* "avx2" for FK_LEVEL_AVX2; "unknown" for a value that is no level. */
const char *fk_level_name(fk_level level);

/* Finds a level by its name. Returns 0 and leaves `level` alone if none has it. */
int fk_level_named(const char *name, fk_level *level);

/* Why AMX is not in use ("the processor has none", "the kernel refused", ...);
 * an empty string where it is. */
const char *fk_amx_absence(void);

#endif
