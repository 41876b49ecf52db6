/* Stored number formats: block layouts, decoding, encoding, row conversions.
 *
 * A row of a quantised matrix is a sequence of blocks; a block holds a fixed
 * number of elements in a fixed number of bytes. Type ids are those of GGUF
 * files (ggml, `enum ggml_type`; GGUF specification in ggml's docs/gguf.md);
 * formats GGUF does not have get ids above 1000.
 *
 * Layouts, fields in file order. `d`, `m`, `dmin` are f16 unless said
 * otherwise, `q` the stored code, all integers little-endian. The number
 * before the fields is elements per block, then bytes.
 *
 *   F32, F16, BF16, F64   1, 4/2/2/8    IEEE 754; BF16 is the upper half of an F32
 *   F8_E4M3     1,   1    OCP FP8 E4M3: 1 sign, 4 exponent (bias 7), 3 mantissa bits,
 *                         no infinity, 0x7f and 0xff are NaN
 *   Q1_0      128,  18    d, bits[16]                      y = q ? d : -d
 *   Q2_0       64,  18    d, q[16] (2 bits)                y = d (q - 1)
 *   Q4_0       32,  18    d, q[16]                         y = d (q - 8)
 *   Q4_1       32,  20    d, m, q[16]                      y = d q + m
 *   Q5_0       32,  22    d, high[4], q[16]                y = d (q - 16)
 *   Q5_1       32,  24    d, m, high[4], q[16]             y = d q + m
 *   Q8_0       32,  34    d, q[32] (i8)                    y = d q
 *   Q8_1       32,  36    d, s = d sum(q), q[32] (i8)      y = d q (never in files)
 *   Q2_K      256,  84    scales[16] (low 4 bits scale, high 4 min), q[64], d, dmin
 *                         16 groups of 16:                 y = (d sc) q - (dmin mn)
 *   Q3_K      256, 110    high[32], q[64], scales[12] (6 bits, offset 32), d
 *                         16 groups of 16:                 y = (d (sc - 32)) (q - 4)
 *   Q4_K      256, 144    d, dmin, scales[12] (8 scales, 8 mins of 6 bits), q[128]
 *                         8 groups of 32:                  y = (d sc) q - (dmin mn)
 *   Q5_K      256, 176    d, dmin, scales[12], high[32], q[128]; as Q4_K
 *   Q6_K      256, 210    low[128], high[64], scales[16] (i8), d
 *                         16 groups of 16:                 y = (d sc) (q - 32)
 *   Q8_K      256, 292    d (f32), q[256] (i8), sums[16] (i16) y = d q (never in files)
 *   IQ2_XXS   256,  66    d, 8 x {grid[4], signs and scale u32}
 *   IQ2_XS    256,  74    d, 32 x u16 {9 bits grid, 7 signs}, scales[8] (4 bits)
 *   IQ2_S     256,  82    d, grid[32], signs[32], high[8], scales[8] (4 bits)
 *                         all IQ2, groups of 8:            y = d (0.5 + sc) / 4 * grid * sign
 *   IQ3_XXS   256,  98    d, grid[64], 8 x {signs and scale u32}
 *                         groups of 4:                     y = d (0.5 + sc) / 2 * grid * sign
 *   IQ3_S     256, 110    d, grid[64], high[8], signs[32], scales[4] (4 bits)
 *                         groups of 4:                     y = d (1 + 2 sc) * grid * sign
 *   IQ1_S     256,  50    d, grid[32], 8 x u16 {4 x 3 bits grid, 3 scale, 1 shift}
 *   IQ1_M     256,  56    grid[32], high[16] {2 x (3 bits grid, 1 shift)}, scales[8]
 *                         (16 x 3 bits, and the f16 d in the top nibbles)
 *                         groups of 8:                     y = d (2 sc + 1) (grid +- 1/8)
 *   IQ4_NL     32,  18    d, q[16]                         y = d table[q]
 *   IQ4_XS    256, 136    d, high u16, low[4], q[128]      y = (d (sc - 32)) table[q]
 *   TQ1_0     256,  54    q[48] (5 trits a byte), q[4] (4 trits), d
 *   TQ2_0     256,  66    q[64] (2 bits), d                y = d (q - 1)
 *   MXFP4      32,  17    e (E8M0: 2^(e - 127)), q[16] (E2M1) y = 2^(e - 128) (2 value)
 *   NVFP4      64,  36    d[4] (E4M3 without sign, 16 elements each), q[32] (E2M1)
 *
 * Sources: ggml, src/ggml-common.h (layouts) and the Python package gguf,
 * gguf/quants.py (decoding, grids); OCP Microscaling Formats 1.0 and OCP 8-bit
 * Floating Point 1.0 for MXFP4 and E4M3. */
#ifndef FK_BLOCKS_H
#define FK_BLOCKS_H

#include <stddef.h>
#include <stdint.h>

#include "fk_levels.h"

typedef enum fk_type {
    FK_TYPE_F32 = 0,
    FK_TYPE_F16 = 1,
    FK_TYPE_Q4_0 = 2,
    FK_TYPE_Q4_1 = 3,
    FK_TYPE_Q5_0 = 6,
    FK_TYPE_Q5_1 = 7,
    FK_TYPE_Q8_0 = 8,
    FK_TYPE_Q8_1 = 9,
    FK_TYPE_Q2_K = 10,
    FK_TYPE_Q3_K = 11,
    FK_TYPE_Q4_K = 12,
    FK_TYPE_Q5_K = 13,
    FK_TYPE_Q6_K = 14,
    FK_TYPE_Q8_K = 15,
    FK_TYPE_IQ2_XXS = 16,
    FK_TYPE_IQ2_XS = 17,
    FK_TYPE_IQ3_XXS = 18,
    FK_TYPE_IQ1_S = 19,
    FK_TYPE_IQ4_NL = 20,
    FK_TYPE_IQ3_S = 21,
    FK_TYPE_IQ2_S = 22,
    FK_TYPE_IQ4_XS = 23,
    FK_TYPE_I8 = 24,
    FK_TYPE_I16 = 25,
    FK_TYPE_I32 = 26,
    FK_TYPE_I64 = 27,
    FK_TYPE_F64 = 28,
    FK_TYPE_IQ1_M = 29,
    FK_TYPE_BF16 = 30,
    FK_TYPE_TQ1_0 = 34,
    FK_TYPE_TQ2_0 = 35,
    FK_TYPE_MXFP4 = 39,
    FK_TYPE_NVFP4 = 40,
    FK_TYPE_Q1_0 = 41,
    FK_TYPE_Q2_0 = 42,
    /* Not GGUF. */
    FK_TYPE_F8_E4M3 = 1001,
} fk_type;

/* Elements in one block; 1 for plain types, 0 for an id that is no type. */
int fk_block_elements(fk_type type);

/* Bytes of one block; 0 for an id that is no type. */
size_t fk_block_bytes(fk_type type);

/* "Q4_K" for FK_TYPE_Q4_K, spelled as in GGUF; "unknown" for an id that is no type. */
const char *fk_type_name(fk_type type);

/* Finds a type by its name, case as fk_type_name writes it. Returns 0 and
 * leaves `type` alone if none has it. */
int fk_type_named(const char *name, fk_type *type);

/* Writes up to `capacity` type ids in ascending order, returns how many there are. */
int fk_all_types(fk_type *types, int capacity);

/* Whether fk_dequantize knows the type: every one but the integers. */
int fk_dequantizable(fk_type type);

/* Decodes `elements` numbers, a multiple of the block size, from packed blocks.
 *
 * `x` needs no alignment and must not overlap `y`. The result is bit for bit
 * the same at every level: products in the order of the table above, rounded
 * after each operation. Any bytes are valid input; an infinite or NaN scale
 * gives infinities and NaNs. A type that is not dequantizable writes nothing. */
void fk_dequantize(fk_type type, float *y, const void *x, int64_t elements);

/* Whether fk_quantize knows the type. */
int fk_quantizable(fk_type type);

/* Encodes `elements` numbers, a multiple of the block size, into blocks.
 *
 * The types that only round (F32, F16, BF16, Q8_0, Q4_0 to Q5_1, TQ1_0, TQ2_0,
 * MXFP4) give the bytes of the Python package gguf; NVFP4 rounds likewise; the
 * K types and IQ4 search scale and minimum, see blocks/quantize_search.h.
 * `y` needs no alignment. A block whose scale exceeds 65504 gets an infinite
 * f16 scale, and input that is not finite gives blocks without meaning: check
 * before. The bytes are the same at every level. A type that is not
 * quantizable writes nothing. */
void fk_quantize(fk_type type, void *y, const float *x, int64_t elements);

/* As fk_quantize, with one non-negative weight an element that says how much
 * its squared error matters (a row of an "importance matrix"); NULL for none.
 * With it, Q4_0 to Q5_1 search too; Q8_0, TQ, MXFP4, NVFP4 and the plain types
 * ignore it. */
void fk_quantize_weighted(fk_type type, void *y, const float *x, int64_t elements,
                          const float *importance);

/* Row conversions. The packed side needs no alignment; `y` and `x` must not
 * overlap. Every level gives the same bits.
 *
 * To F16 and BF16: round to nearest, ties to even; too large becomes infinity;
 * NaN keeps its sign and upper payload and becomes quiet.
 * To F8_E4M3: round to nearest, ties to even, saturating: anything beyond 448,
 * infinity included, becomes 448 with its sign (OCP FP8 1.0, saturation mode;
 * torch's cast to float8_e4m3fn instead gives NaN beyond 464); NaN becomes
 * 0x7f with its sign.
 * To F32: exact; a NaN of F16 becomes quiet, one of BF16 keeps its bits. */
void fk_f32_to_f16(void *y, const float *x, int64_t n);
void fk_f32_to_bf16(void *y, const float *x, int64_t n);
void fk_f32_to_f8e4m3(void *y, const float *x, int64_t n);
void fk_f16_to_f32(float *y, const void *x, int64_t n);
void fk_bf16_to_f32(float *y, const void *x, int64_t n);
void fk_f8e4m3_to_f32(float *y, const void *x, int64_t n);

/* The levels that have a variant of their own, highest first; see dispatch.h.
 * `levels` holds at least 8. Returns their number. */
int fk_f32_to_f16_levels(fk_level *levels);
int fk_f32_to_bf16_levels(fk_level *levels);
int fk_f32_to_f8e4m3_levels(fk_level *levels);
int fk_f16_to_f32_levels(fk_level *levels);
int fk_bf16_to_f32_levels(fk_level *levels);
int fk_f8e4m3_to_f32_levels(fk_level *levels);
int fk_dequantize_levels(fk_type type, fk_level *levels);

#endif
