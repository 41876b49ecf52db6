/* The blocks of fk_blocks.h as C structures.
 *
 * Every field is bytes, so a structure has no padding and may lie at any
 * address; 16- and 32-bit fields are read with fk_load_u16 and fk_load_u32. */
#ifndef FK_LAYOUTS_H
#define FK_LAYOUTS_H

#include <stdint.h>

typedef struct { uint8_t d[2], bits[16]; } fk_block_q1_0;
typedef struct { uint8_t d[2], q[16]; } fk_block_q2_0;
typedef struct { uint8_t d[2], q[16]; } fk_block_q4_0;
typedef struct { uint8_t d[2], m[2], q[16]; } fk_block_q4_1;
typedef struct { uint8_t d[2], high[4], q[16]; } fk_block_q5_0;
typedef struct { uint8_t d[2], m[2], high[4], q[16]; } fk_block_q5_1;
typedef struct { uint8_t d[2]; int8_t q[32]; } fk_block_q8_0;
typedef struct { uint8_t d[2], s[2]; int8_t q[32]; } fk_block_q8_1;

typedef struct { uint8_t scales[16], q[64], d[2], dmin[2]; } fk_block_q2_k;
typedef struct { uint8_t high[32], q[64], scales[12], d[2]; } fk_block_q3_k;
typedef struct { uint8_t d[2], dmin[2], scales[12], q[128]; } fk_block_q4_k;
typedef struct { uint8_t d[2], dmin[2], scales[12], high[32], q[128]; } fk_block_q5_k;
typedef struct { uint8_t low[128], high[64]; int8_t scales[16]; uint8_t d[2]; } fk_block_q6_k;
typedef struct { uint8_t d[4]; int8_t q[256]; uint8_t sums[32]; } fk_block_q8_k;

typedef struct { uint8_t d[2], groups[8][8]; } fk_block_iq2_xxs;
typedef struct { uint8_t d[2], q[64], scales[8]; } fk_block_iq2_xs;
typedef struct { uint8_t d[2], grid[32], signs[32], high[8], scales[8]; } fk_block_iq2_s;
typedef struct { uint8_t d[2], grid[64], signs[8][4]; } fk_block_iq3_xxs;
typedef struct { uint8_t d[2], grid[64], high[8], signs[32], scales[4]; } fk_block_iq3_s;
typedef struct { uint8_t d[2], grid[32], high[8][2]; } fk_block_iq1_s;
typedef struct { uint8_t grid[32], high[16], scales[4][2]; } fk_block_iq1_m;
typedef struct { uint8_t d[2], q[16]; } fk_block_iq4_nl;
typedef struct { uint8_t d[2], high[2], low[4], q[128]; } fk_block_iq4_xs;

typedef struct { uint8_t q[48], last[4], d[2]; } fk_block_tq1_0;
typedef struct { uint8_t q[64], d[2]; } fk_block_tq2_0;
typedef struct { uint8_t e, q[16]; } fk_block_mxfp4;
typedef struct { uint8_t d[4], q[4][8]; } fk_block_nvfp4;

/* The 16 values of IQ4_NL and IQ4_XS (ggml, kvalues_iq4nl). */
static const int8_t fk_values_iq4[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                         1,    13,   25,  38,  53,  69,  89,  113};

/* The 16 values of E2M1, doubled so that they are integers. */
static const int8_t fk_values_e2m1[16] = {0, 1,  2,  3,  4,  6,  8,  12,
                                          0, -1, -2, -3, -4, -6, -8, -12};

/* The 6-bit scale and minimum of group j in the 12 bytes of Q4_K and Q5_K:
 * groups 0 to 3 lie whole in bytes 0-3 and 4-7, groups 4 to 7 have their low
 * four bits in bytes 8-11 and their high two on top of bytes 0-7. */
static inline void fk_scale_min_k(const uint8_t *scales, int j, int *scale, int *min) {
    if (j < 4) {
        *scale = scales[j] & 63;
        *min = scales[j + 4] & 63;
    } else {
        *scale = (scales[j + 4] & 15) | (scales[j - 4] >> 6) << 4;
        *min = (scales[j + 4] >> 4) | (scales[j] >> 6) << 4;
    }
}

/* The scale of group j (of 16) in the 12 bytes of Q3_K, offset removed: low four
 * bits in the nibbles of bytes 0-7, high two in bytes 8-11. */
static inline int fk_scale_q3_k(const uint8_t *scales, int j) {
    int low = j < 8 ? scales[j] & 15 : scales[j - 8] >> 4;
    int high = scales[8 + j % 4] >> 2 * (j / 4) & 3;
    return (low | high << 4) - 32;
}

#endif
