/* The packed form of quantised weights.
 *
 * Rows are taken in groups of 16 (the last one filled up with zero rows), the
 * lanes of a vector of 32-bit integers. Along k a group is a sequence of runs:
 * 256 elements each, and a last shorter one if K is not a multiple of 256. A
 * run of b blocks (32 elements each) is
 *
 *   low planes    b times 2, 4 or 8 vectors of 64 bytes
 *   high planes   b times 0, 1 or 2 vectors
 *   scales        b times what the scale kind says
 *   super scales  K types: 16 f16 d, then 16 f16 dmin if there are minimums
 *   padding       to a multiple of 64 bytes
 *
 * so that a group streams through the caches front to back. The codes of a
 * block are thought of as 8 vectors: byte 4 r + i of vector j is element
 * k = 4 j + i of lane r, as VPDPBUSD and AMX INT8 tiles want it. They are
 * stored byte by byte as bit planes:
 *
 *   low 8 bits    vector j is plane j
 *   low 4 bits    plane p holds vector p in its low and vector p + 4 in its high nibbles
 *   low 2 bits    plane p holds vector 4 p + i in bits 2 i and 2 i + 1
 *   high 1 bit    bit j of the plane belongs to vector j
 *   high 2 bits   as low 2 bits
 *
 * Scales of one block, lane by lane:
 *
 *   F16        16 f16 d
 *   F16_MIN    16 f16 d, 16 f16 m
 *   E8M0       16 bytes e, d = 2^(e - 128)
 *   I8         16 i8 sc, d = super d * sc
 *   I8_HALVES  16 i8 sc of the elements 0 to 15, 16 of the elements 16 to 31
 *   U8_MIN     16 u8 sc, 16 u8 mn: d = super d * sc, m = -(super dmin * mn)
 *   U4_HALVES  16 bytes of the elements 0 to 15, 16 of the elements 16 to 31:
 *              sc in the low nibble, mn in the high one */
#ifndef FK_PACKED_LAYOUT_H
#define FK_PACKED_LAYOUT_H

#include "../blocks/layouts.h"
#include "../blocks/scalar.h"
#include "../include/fk_matmul.h"

enum {
    FK_LANES = 16,
    FK_RUN = 256,       /* elements of k in a full run */
    FK_BLOCK = 32,      /* elements of k in a block */
    FK_RUN_BLOCKS = 8,
};

enum {
    FK_SCALES_F16,
    FK_SCALES_F16_MIN,
    FK_SCALES_E8M0,
    FK_SCALES_I8,
    FK_SCALES_I8_HALVES,
    FK_SCALES_U8_MIN,
    FK_SCALES_U4_HALVES,
};

enum { FK_TABLE_NONE, FK_TABLE_IQ4, FK_TABLE_E2M1 };

/* How one type is packed. Kernels take it as a constant, so that each branch on
 * it disappears. A table maps codes to values; the unsigned code that enters
 * the product is then value + offset. */
typedef struct fk_packed_format {
    int low, high; /* bits */
    int scales;    /* FK_SCALES_... */
    int offset;
    int table;
    int super;     /* elements of a GGUF block, 32 or 256 */
} fk_packed_format;

#define FK_PACKED_FORMATS(F)                                        \
    F(Q4_0, 4, 0, FK_SCALES_F16, 8, FK_TABLE_NONE, 32)              \
    F(Q4_1, 4, 0, FK_SCALES_F16_MIN, 0, FK_TABLE_NONE, 32)          \
    F(Q5_0, 4, 1, FK_SCALES_F16, 16, FK_TABLE_NONE, 32)             \
    F(Q5_1, 4, 1, FK_SCALES_F16_MIN, 0, FK_TABLE_NONE, 32)          \
    F(Q8_0, 8, 0, FK_SCALES_F16, 128, FK_TABLE_NONE, 32)            \
    F(Q2_K, 2, 0, FK_SCALES_U4_HALVES, 0, FK_TABLE_NONE, 256)       \
    F(Q3_K, 2, 1, FK_SCALES_I8_HALVES, 4, FK_TABLE_NONE, 256)       \
    F(Q4_K, 4, 0, FK_SCALES_U8_MIN, 0, FK_TABLE_NONE, 256)          \
    F(Q5_K, 4, 1, FK_SCALES_U8_MIN, 0, FK_TABLE_NONE, 256)          \
    F(Q6_K, 4, 2, FK_SCALES_I8_HALVES, 32, FK_TABLE_NONE, 256)      \
    F(IQ4_NL, 4, 0, FK_SCALES_F16, 128, FK_TABLE_IQ4, 32)           \
    F(IQ4_XS, 4, 0, FK_SCALES_I8, 128, FK_TABLE_IQ4, 256)           \
    F(MXFP4, 4, 0, FK_SCALES_E8M0, 12, FK_TABLE_E2M1, 32)

#define FK_FORMAT_NAME(name, ...) FK_PACKED_##name,
enum { FK_PACKED_FORMATS(FK_FORMAT_NAME) FK_PACKED_FORMAT_COUNT };
#undef FK_FORMAT_NAME

#define FK_INLINE static inline __attribute__((always_inline))

/* 1 where the elements 0 to 15 and 16 to 31 of a block have scales of their own. */
FK_INLINE int fk_packed_halves(fk_packed_format f) {
    return f.scales == FK_SCALES_I8_HALVES || f.scales == FK_SCALES_U4_HALVES;
}

FK_INLINE int fk_packed_has_min(fk_packed_format f) {
    return f.scales == FK_SCALES_F16_MIN || f.scales == FK_SCALES_U8_MIN ||
           f.scales == FK_SCALES_U4_HALVES;
}

FK_INLINE int fk_packed_has_super(fk_packed_format f) { return f.super == 256; }

FK_INLINE int fk_packed_low_bytes(fk_packed_format f) { return 64 * f.low; }

FK_INLINE int fk_packed_high_bytes(fk_packed_format f) { return 64 * f.high; }

FK_INLINE int fk_packed_scale_bytes(fk_packed_format f) {
    switch (f.scales) {
    case FK_SCALES_F16_MIN: return 64;
    case FK_SCALES_E8M0:
    case FK_SCALES_I8: return 16;
    default: return 32;
    }
}

FK_INLINE int fk_packed_super_bytes(fk_packed_format f) {
    return fk_packed_has_super(f) ? (fk_packed_has_min(f) ? 64 : 32) : 0;
}

/* Bytes of a run of `blocks` blocks. */
FK_INLINE int64_t fk_packed_run_bytes(fk_packed_format f, int blocks) {
    int block = fk_packed_low_bytes(f) + fk_packed_high_bytes(f) + fk_packed_scale_bytes(f);
    return (block * blocks + fk_packed_super_bytes(f) + 63) & ~63;
}

/* Bytes of a group of 16 rows of length k. */
FK_INLINE int64_t fk_packed_group_bytes(fk_packed_format f, int64_t k) {
    int rest = (int)(k % FK_RUN / FK_BLOCK);
    return k / FK_RUN * fk_packed_run_bytes(f, FK_RUN_BLOCKS) +
           (rest ? fk_packed_run_bytes(f, rest) : 0);
}

/* Where the parts of a run of `blocks` blocks begin. */
typedef struct fk_run_view {
    const uint8_t *low, *high, *scales, *super;
} fk_run_view;

FK_INLINE fk_run_view fk_run_parts(fk_packed_format f, const uint8_t *run, int blocks) {
    fk_run_view view;
    view.low = run;
    view.high = view.low + blocks * fk_packed_low_bytes(f);
    view.scales = view.high + blocks * fk_packed_high_bytes(f);
    view.super = view.scales + blocks * fk_packed_scale_bytes(f);
    return view;
}

/* The index FK_PACKED_<type> of a type, -1 if it cannot be packed. */
int fk_packed_index(fk_type type);

/* The format and the type of an index. */
fk_packed_format fk_packed_format_at(int index);
fk_type fk_packed_type_at(int index);

/* The value + offset of a stored code. */
FK_INLINE uint8_t fk_packed_value(fk_packed_format f, int code) {
    switch (f.table) {
    case FK_TABLE_IQ4: return (uint8_t)(fk_values_iq4[code] + f.offset);
    case FK_TABLE_E2M1: return (uint8_t)(fk_values_e2m1[code] + f.offset);
    default: return (uint8_t)code;
    }
}

/* The stored code (before the table) of element k in [0, 32) of block b. */
FK_INLINE int fk_packed_code(fk_packed_format f, fk_run_view run, int b, int lane, int k) {
    int j = k / 4, byte = 4 * lane + k % 4;
    const uint8_t *low = run.low + b * fk_packed_low_bytes(f);
    const uint8_t *high = run.high + b * fk_packed_high_bytes(f);
    int code;
    switch (f.low) {
    case 2: code = low[64 * (j / 4) + byte] >> 2 * (j % 4) & 3; break;
    case 4: code = low[64 * (j % 4) + byte] >> 4 * (j / 4) & 15; break;
    default: code = low[64 * j + byte]; break;
    }
    if (f.high == 1) code |= (high[byte] >> j & 1) << f.low;
    if (f.high == 2) code |= (high[64 * (j / 4) + byte] >> 2 * (j % 4) & 3) << f.low;
    return code;
}

/* 1.5 * 2^23: adding it to an integer of less than 2^22 makes a float whose low
 * mantissa bits are that integer. */
#define FK_MAGIC 12582912.0f
#define FK_MAGIC_BITS 0x4b400000

#endif
