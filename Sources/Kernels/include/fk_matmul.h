/* Matrix products.
 *
 * Everywhere: y[t][n] = sum over k of w[n][k] x[t][k], with the weight w in
 * rows [N, K] as checkpoints store it, activations x in F32 rows [T, K], and y
 * in F32 rows [T, N] that start `ldy` elements apart.
 *
 * Each y[t][n] has one fixed order of accumulation. Its bits do not depend on T
 * (decoding one token or prefilling 512), on the range of rows a call computes,
 * on the tiling, or on the instruction level (but for BF16 weights at the level
 * amx, whose order is its own). So any caller may split n or t over threads as it
 * likes.
 *
 * There are three paths:
 *   packed    quantised weights repacked for the integer units, activations
 *             rounded to 8 bits: fk_pack, fk_quantize_activations, fk_matmul_packed
 *   float     F32, F16, BF16 weights read where they are: fk_matmul_f32_nt ...
 *   blocks    every other block format: decoded panel by panel, then float
 *
 * Functions are pure: no allocation, no threads. Sizes are the caller's duty;
 * output must not overlap input. Up to 192 KiB of stack are used. */
#ifndef FK_MATMUL_H
#define FK_MATMUL_H

#include <stddef.h>
#include <stdint.h>

#include "fk_blocks.h"
#include "fk_levels.h"

/* ---- Activations rounded to 8 bits ---------------------------------------
 *
 * Each row is cut into blocks of 32 consecutive k. A block has a scale
 * d = max|x| / 127 and codes q = round-half-even(x * (127 / max|x|)), so that
 * x is about d q, off by at most d / 2 (plus rounding of F32). A block whose
 * largest magnitude is below 2^-100 is zero: d = 0, q = 0. A block that holds
 * an infinity or a NaN has d = NaN and q = 0: every output it reaches is NaN. */
typedef struct fk_activations {
    int64_t rows;    /* T */
    int64_t k;       /* K, a multiple of 32 */
    int64_t stride;  /* bytes from one row's codes to the next's */
    int8_t *codes;   /* [rows][stride], the first k of each row used */
    float *scales;   /* [rows][k / 32] */
    int16_t *sums;   /* [rows][k / 16]: the sum of 16 codes each */
} fk_activations;

/* Bytes that `rows` rows of length `k` occupy. */
size_t fk_activations_bytes(int64_t rows, int64_t k);

/* Lays activations out in a buffer of fk_activations_bytes(rows, k) bytes,
 * aligned to 64. Nothing is written. */
fk_activations fk_activations_in(void *buffer, int64_t rows, int64_t k);

/* The rows [begin, begin + count) as activations of their own; shares memory. */
fk_activations fk_activations_slice(const fk_activations *x, int64_t begin, int64_t count);

/* Rounds the rows [row_begin, row_end) of `source`, which start `ldx` elements
 * apart (row 0 at `source`), into the same rows of `x`. Threads split rows. */
void fk_quantize_activations(const fk_activations *x, const float *source, size_t ldx,
                             int64_t row_begin, int64_t row_end);

/* Copies row rows[i] of `from` to row i of `to`, for i in [0, to->rows): the
 * tokens of one expert. `k` must agree. */
void fk_gather_activations(const fk_activations *to, const fk_activations *from,
                           const int32_t *rows);

/* ---- Packed weights ------------------------------------------------------
 *
 * Rows are taken 16 at a time and interleaved so that one vector instruction
 * advances 16 outputs; see matmul/packed_layout.h. Packed bytes are at most 6 %
 * more than the GGUF bytes for rows of 256 and more (N rounded up to 16). All
 * of the original is kept: fk_unpack gives its bytes back. */

/* Whether a type has a packed form: Q4_0 Q4_1 Q5_0 Q5_1 Q8_0 Q2_K Q3_K Q4_K
 * Q5_K Q6_K IQ4_NL IQ4_XS MXFP4. */
int fk_packable(fk_type type);

/* Writes the packable types in ascending order, at most `capacity`; returns
 * how many there are. */
int fk_packable_types(fk_type *types, int capacity);

/* Bytes of a packed [n, k] matrix; 0 if the type is not packable, k is not a
 * multiple of its block, a size is not positive, or the bytes exceed int64. */
size_t fk_packed_bytes(fk_type type, int64_t n, int64_t k);

/* Packs rows [row_begin, row_end) of an [n, k] matrix into `packed`, aligned to
 * 64, of fk_packed_bytes(type, n, k) bytes. `rows` holds the GGUF blocks of
 * these rows only (row_begin first, no gaps, any alignment). `row_begin` is a
 * multiple of 16, `row_end` one too or n. Threads split rows. */
void fk_pack(fk_type type, void *packed, const void *rows, int64_t row_begin, int64_t row_end,
             int64_t n, int64_t k);

/* Writes the GGUF blocks of rows [row_begin, row_end) back, any range. */
void fk_unpack(fk_type type, void *rows, const void *packed, int64_t row_begin,
               int64_t row_end, int64_t n, int64_t k);

/* Decodes one row: bit for bit what fk_dequantize makes of the original. */
void fk_packed_row(fk_type type, float *y, const void *packed, int64_t row, int64_t n,
                   int64_t k);

/* y[t][n] for n in [row_begin, row_end) and all rows t of `x`; K is x->k.
 *
 * With q_x, d_x, s_x the codes, scale and code sums of the activations, u the
 * unsigned weight codes (offset o), d_w and m_w the scale and minimum of the
 * weight's block, every block of 32 (of 16 for Q2_K, Q3_K, Q6_K) does
 *
 *     r = fma(magic + i, d_w, -magic d_w)   with i = sum (u - o) q_x, exact
 *     r = fma(m_w, s_x, r)                  formats with a minimum only
 *     y = fma(r, d_x, y)
 *
 * in ascending k, where magic = 1.5 * 2^23 makes the first line round(i d_w)
 * exactly (d_w has at most 19 significant bits). Weight scales of 2^104 and
 * more give NaN. Then y += bias[n] unless `bias` is NULL, and with `accumulate`
 * the result is added to what y held.
 *
 * `packed` is aligned to 64, `row_begin` is a multiple of 16, `row_end` one too
 * or n. */
void fk_matmul_packed(fk_type type, float *y, size_t ldy, const void *packed,
                      const fk_activations *x, int64_t n, int64_t row_begin, int64_t row_end,
                      const float *bias, int accumulate);

/* ---- Float weights -------------------------------------------------------
 *
 * 16 partial sums: number j takes k = j, j + 16, j + 32 ... in this order, by
 * fma. They are added as a tree: (j, j + 8), then (j, j + 4), (j, j + 2), (0, 1).
 * F16 and BF16 weights are widened exactly. Rows of w start `ldw` elements
 * apart. `bias` and `accumulate` as above. Nothing needs alignment beyond that
 * of its elements; F16 and BF16 weights may even be unaligned bytes.
 *
 * At the level amx BF16 weights go through the matrix unit, as exactly but in
 * another order. x is cut into three BF16 numbers, x = x0 + x1 + x2, none rounded.
 * k is taken in chunks of 1024. In a chunk part i has a sum s_i: every 32 k add to it
 * (chain of fma over the even k, from 0) + (chain over the odd k). The chunk gives
 * s0 + (s1 + s2), and chunks are added in ascending k. In chains and sums s_i, numbers
 * below 2^-126 are 0. An infinite weight gives NaN. Three instructions multiply 16 rows
 * of w, 32 k and 16 rows of x. */

void fk_matmul_f32_nt(float *y, size_t ldy, const float *x, size_t ldx, const float *w,
                      size_t ldw, int64_t t, int64_t row_begin, int64_t row_end, int64_t k,
                      const float *bias, int accumulate);
void fk_matmul_f16_nt(float *y, size_t ldy, const float *x, size_t ldx, const void *w,
                      size_t ldw, int64_t t, int64_t row_begin, int64_t row_end, int64_t k,
                      const float *bias, int accumulate);
void fk_matmul_bf16_nt(float *y, size_t ldy, const float *x, size_t ldx, const void *w,
                       size_t ldw, int64_t t, int64_t row_begin, int64_t row_end, int64_t k,
                       const float *bias, int accumulate);

/* The two products of a backward pass, F32:
 *   nn   c[i][j] (+)= sum over p of a[i][p] b[p][j]    dx = dy w:    [T,N] x [N,K]
 *   tn   c[i][j] (+)= sum over p of a[p][i] b[p][j]    dw += dy^T x: [T,N]^T x [T,K]
 * for i in [row_begin, row_end), j in [0, columns), p in [0, depth), each by
 * fma in ascending p, starting from 0, or from c with `accumulate`. */
void fk_matmul_f32_nn(float *c, size_t ldc, const float *a, size_t lda, const float *b,
                      size_t ldb, int64_t row_begin, int64_t row_end, int64_t columns,
                      int64_t depth, int accumulate);
void fk_matmul_f32_tn(float *c, size_t ldc, const float *a, size_t lda, const float *b,
                      size_t ldb, int64_t row_begin, int64_t row_end, int64_t columns,
                      int64_t depth, int accumulate);

/* ---- Any block format ----------------------------------------------------
 *
 * Decodes `panel` rows at a time into `scratch` (panel * k floats) by
 * fk_dequantize and multiplies by fk_matmul_f32_nt: the bits are those of the
 * decoded matrix. `w` holds all rows from row 0, without gaps; k is a multiple
 * of the block. A panel of about 1 MiB is best at large T, 16 rows at T = 1. */
void fk_matmul_blocks(fk_type type, float *y, size_t ldy, const float *x, size_t ldx,
                      const void *w, int64_t t, int64_t row_begin, int64_t row_end, int64_t k,
                      const float *bias, int accumulate, float *scratch, int64_t panel);

/* F8_E4M3 weights with one F32 scale for each 128 x 128 elements (`scales` has
 * rows of ceil(k / 128)): w = round(value * scale). As fk_matmul_blocks else. */
void fk_matmul_f8_blocks(float *y, size_t ldy, const float *x, size_t ldx, const void *w,
                         const float *scales, int64_t t, int64_t row_begin, int64_t row_end,
                         int64_t k, const float *bias, int accumulate, float *scratch,
                         int64_t panel);

/* ---- Levels, for tests and benchmarks ------------------------------------
 *
 * ..._levels writes the levels that have a variant of their own, highest first
 * (`levels` holds at least 8), and returns their number. ..._at runs the highest
 * variant at or below `level`, whatever level is active. */
int fk_quantize_activations_levels(fk_level *levels);
int fk_matmul_packed_levels(fk_level *levels);
int fk_matmul_f32_nt_levels(fk_level *levels);
int fk_matmul_f16_nt_levels(fk_level *levels);
int fk_matmul_bf16_nt_levels(fk_level *levels);
int fk_matmul_f32_nn_levels(fk_level *levels);
int fk_matmul_f32_tn_levels(fk_level *levels);

void fk_quantize_activations_at(fk_level level, const fk_activations *x, const float *source,
                                size_t ldx, int64_t row_begin, int64_t row_end);
void fk_matmul_packed_at(fk_level level, fk_type type, float *y, size_t ldy,
                         const void *packed, const fk_activations *x, int64_t n,
                         int64_t row_begin, int64_t row_end, const float *bias,
                         int accumulate);
void fk_matmul_f32_nt_at(fk_level level, float *y, size_t ldy, const float *x, size_t ldx,
                         const float *w, size_t ldw, int64_t t, int64_t row_begin,
                         int64_t row_end, int64_t k, const float *bias, int accumulate);
void fk_matmul_f16_nt_at(fk_level level, float *y, size_t ldy, const float *x, size_t ldx,
                         const void *w, size_t ldw, int64_t t, int64_t row_begin,
                         int64_t row_end, int64_t k, const float *bias, int accumulate);
void fk_matmul_bf16_nt_at(fk_level level, float *y, size_t ldy, const float *x, size_t ldx,
                          const void *w, size_t ldw, int64_t t, int64_t row_begin,
                          int64_t row_end, int64_t k, const float *bias, int accumulate);
void fk_matmul_f32_nn_at(fk_level level, float *c, size_t ldc, const float *a, size_t lda,
                         const float *b, size_t ldb, int64_t row_begin, int64_t row_end,
                         int64_t columns, int64_t depth, int accumulate);
void fk_matmul_f32_tn_at(fk_level level, float *c, size_t ldc, const float *a, size_t lda,
                         const float *b, size_t ldb, int64_t row_begin, int64_t row_end,
                         int64_t columns, int64_t depth, int accumulate);

/* What the amx variant of fk_matmul_bf16_nt computes, in scalar C. */
void fk_matmul_bf16_nt_amx_reference(float *y, size_t ldy, const float *x, size_t ldx,
                                     const void *w, size_t ldw, int64_t t, int64_t row_begin,
                                     int64_t row_end, int64_t k, const float *bias,
                                     int accumulate);

#if defined(__x86_64__)
/* The amx variant of fk_matmul_bf16_nt over a model of the tile instructions in plain
 * C: slow, for the tests of processors without them. Needs the level avx512. */
void fk_matmul_bf16_nt_amx_model(float *y, size_t ldy, const float *x, size_t ldx,
                                 const void *w, size_t ldw, int64_t t, int64_t row_begin,
                                 int64_t row_end, int64_t k, const float *bias,
                                 int accumulate);
/* The amx variant of fk_matmul_packed over a model of the tile instructions in plain
 * C: slow, for the tests of processors without them. Needs the level avx512. */
void fk_matmul_packed_amx_model(fk_type type, float *y, size_t ldy, const void *packed,
                                const fk_activations *x, int64_t n, int64_t row_begin,
                                int64_t row_end, const float *bias, int accumulate);
#endif

#endif
