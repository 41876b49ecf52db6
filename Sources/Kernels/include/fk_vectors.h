/* Vector search: one query against many vectors.
 *
 * Sums of row_products and row_distances are the ordered sums of fk_nn.h, so every level
 * gives the same bits; block_sums is exact. Sizes may be 0, pointers need the alignment of
 * their type only, and outputs do not overlap inputs. */
#ifndef FK_VECTORS_H
#define FK_VECTORS_H

#include "fk_nn.h"

/* y[i] = sum(x r) over the row r of `width` elements that i stands for: rows[i], or
 * rows[picks[i]] where `picks` is not NULL. */
FK_KERNEL(row_products_f32, (float *y, const float *x, const float *rows,
                             const int32_t *picks, size_t count, size_t width));

/* y[i] = sum((x - r)^2); as row_products else. */
FK_KERNEL(row_distances_f32, (float *y, const float *x, const float *rows,
                              const int32_t *picks, size_t count, size_t width));

/* Sums of table entries that 4-bit codes name, for one group of 32 vectors.
 *
 * `table` is [parts, 16], `parts` even. For each pair of parts there are 32 bytes of codes,
 * pairs `stride` bytes apart. Byte j < 16 has in its low half the first part's number of
 * vector p(j) and in its high half that of vector p(j) + 16, p = 0 8 1 9 ... 7 15; bytes
 * 16 ... 31 those of the second part. `sums` [32] is in the order of the vectors. (Andre,
 * Kermarrec and Le Scouarnec 2015; layout of Faiss.) */
void fk_block_sums_u4(uint32_t *sums, const uint8_t *codes, size_t stride,
                      const uint8_t *table, size_t parts);
void fk_block_sums_u4_reference(uint32_t *sums, const uint8_t *codes, size_t stride,
                                const uint8_t *table, size_t parts);
#if defined(__x86_64__)
void fk_block_sums_u4_avx2(uint32_t *sums, const uint8_t *codes, size_t stride,
                           const uint8_t *table, size_t parts);
#endif
int fk_block_sums_u4_levels(fk_level *levels);

#endif
