/* Vector search: queries against many vectors.
 *
 * Sums of row_products, row_distances and row_norms are the ordered sums of fk_nn.h, those
 * of panels add products by fused multiply-add in rising k from zero, so every level gives
 * the same bits; block_hits is exact. Sizes may be 0, pointers need the alignment of their
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

/* Tables of codes of 4 bits: for each part of a vector an entry for each of 16 centroids. */

/* entries[16 p + j] = sum((d - c)^2), or sum(d c) where `is_product`, over part p of the vector
 * x - center and centroid j of the part, in rising components by fused multiply-add from zero.
 * `center` may be NULL (zeros). `centroids` [parts, width, 16]. */
FK_KERNEL(part_tables_f32, (float *entries, const float *x, const float *center,
                            const float *centroids, int is_product, size_t parts,
                            size_t width));

/* What the rounding of a table goes by; what is not a number is passed over. */
typedef struct fk_table_span {
    float base;    /* sum of the parts' smallest entries */
    float span;    /* sum of the parts' spans: largest minus smallest */
    float largest; /* the largest span */
} fk_table_span;

/* smallest[p] = the smallest entry of part p. Part p adds to the sums in lane p mod 16, which
 * are joined by halves. */
FK_KERNEL(table_spans_f32, (fk_table_span *span, float *smallest, const float *entries,
                            size_t parts));

/* Rounds tables of 16 entries to bytes: bytes[16 p + i] = floor((entries[16 p + i] -
 * smallest[p]) scale + 1/2), at least 0 and at most 255; what is not a number becomes 0. */
FK_KERNEL(round_tables_u8, (uint8_t *bytes, const float *entries, const float *smallest,
                            float scale, size_t parts));

/* Codes of 4 bits in blocks of `rows` vectors, `stride` bytes apart, in groups of 32.
 *
 * For each pair of parts a group has 32 bytes, pairs `rows` bytes apart. Byte j < 16 has in its
 * low half the first part's number of vector p(j) and in its high half that of vector p(j) + 16,
 * p = 0 8 1 9 ... 7 15; bytes 16 ... 31 those of the second part. (Andre, Kermarrec and
 * Le Scouarnec 2015; layout of Faiss.) */
typedef struct fk_code_blocks {
    const uint8_t *codes;
    size_t rows, stride;
    size_t parts; /* even */
} fk_code_blocks;

/* Vectors and the sums of their entries, in memory of the caller. */
typedef struct fk_block_hits {
    int32_t *vectors;
    uint32_t *sums;
    size_t count;
} fk_block_hits;

/* Lists the vectors of first ..< end whose sum of table entries is below `limit`, in order;
 * both lists have room for all of them. `table` [parts, 16]; `first` is a multiple of 32. */
FK_KERNEL(block_hits_u4, (fk_block_hits *hits, const fk_code_blocks *blocks,
                          const uint8_t *table, uint64_t limit, size_t first, size_t end));

#endif
