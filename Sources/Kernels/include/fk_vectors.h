/* Vector search: queries against many vectors.
 *
 * Sums of row_products, row_distances and row_norms are the ordered sums of fk_nn.h, those
 * of panels add products by fused multiply-add in rising k from zero, so every level gives
 * the same bits; block_sums is exact. Sizes may be 0, pointers need the alignment of their
 * type only, and outputs do not overlap inputs. */
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

/* y[i] = sum(r r) over row i. */
FK_KERNEL(row_norms_f32, (float *y, const float *rows, size_t count, size_t width));

/* Up to FK_PANEL queries at once, lane by lane: component k of query q at
 * panel[k * FK_PANEL + q], the places of missing queries up to the next multiple of 16 zero. */
enum { FK_PANEL = 64 };

/* Lays out a panel [width, FK_PANEL] of `count` rows, row picks[i] as query i. */
FK_KERNEL(panel_f32, (float *panel, const float *rows, const int32_t *picks, size_t count,
                      size_t width));

/* Pairs of a row and a query, a growing list in memory of the caller. */
typedef struct fk_row_hits {
    int32_t *rows, *queries; /* [capacity] */
    size_t capacity;         /* at least FK_PANEL_ROOM */
    size_t count;
    size_t next; /* the first row that was not looked at */
} fk_row_hits;
enum { FK_PANEL_ROOM = 16 * FK_PANEL };

/* Lists the pairs whose key is below the query's bound, key = terms[row] - factor sum(q r);
 * terms may be NULL (zeros). Begins with row hits->next, ends at `count` or where fewer than
 * FK_PANEL_ROOM places are left. Pairs come in rising rows, of a row in rising queries.
 * `bounds` [FK_PANEL]. */
FK_KERNEL(rows_below_f32, (fk_row_hits *hits, const float *panel, const float *bounds,
                           size_t queries, const float *rows, const float *terms, float factor,
                           size_t count, size_t width));

/* best[q] = the first row for which sum(q r) - terms[row] is largest, 0 if it is a number for
 * none; terms may be NULL (zeros). */
FK_KERNEL(nearest_rows_f32, (int32_t *best, const float *panel, size_t queries,
                             const float *rows, const float *terms, size_t count,
                             size_t width));

/* Rounds tables of 16 entries to bytes: bytes[16 p + i] = floor((entries[16 p + i] -
 * smallest[p]) scale + 1/2), at least 0 and at most 255; what is not a number becomes 0. */
FK_KERNEL(round_tables_u8, (uint8_t *bytes, const float *entries, const float *smallest,
                            float scale, size_t parts));

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
#elif defined(__aarch64__)
void fk_block_sums_u4_neon(uint32_t *sums, const uint8_t *codes, size_t stride,
                           const uint8_t *table, size_t parts);
#endif
void (*fk_block_sums_u4_variant(fk_level level))(uint32_t *sums, const uint8_t *codes,
                                                 size_t stride, const uint8_t *table,
                                                 size_t parts);
int fk_block_sums_u4_levels(fk_level *levels);

#endif
