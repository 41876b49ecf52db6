/* The kernels of a network that are not matrix products: norms, activations,
 * rotary positions, row reductions, attention, random numbers.
 *
 * Shapes. Everything is float32 unless said otherwise. A row has `width`
 * contiguous elements; rows lie `..._stride` elements apart. Sizes are counts of
 * elements, never of bytes, and may be 0. Pointers need the alignment of their
 * type only. An output may be the same memory as an input of the same shape and
 * stride, and must not overlap one otherwise.
 *
 * Order. Every output has one order of operations, the same at every level, so
 * results depend neither on the level, nor on how rows are split over threads:
 *
 *   ordered sum 64 lanes; lane j adds the elements k with k mod 64 = j in rising k,
 *               products by fused multiply-add, over the row padded with zeros to
 *               a multiple of 64; then lane j of 16 is (j + (j+16)) + ((j+32) +
 *               (j+48)), and the 16 are halved (j + (j+8), + 4, + 2, + 1).
 *   functions   exp, log, tanh, erf, sin and cos are polynomials of our own,
 *               evaluated by the same fused steps at every level.
 *
 * For tests and benchmarks each operation also exists as fk_<op>_reference, and at
 * other levels as fk_<op>_avx2 and the like: fk_<op>_levels writes the levels it has
 * and returns their number (at most 8), and fk_<op>_variant gives the function of the
 * highest level at or below `level`, which the processor must have. */
#ifndef FK_NN_H
#define FK_NN_H

#include "fk_levels.h"

#if defined(__x86_64__)
#define FK_KERNEL_VARIANTS(op, parameters) \
    void fk_##op##_avx2 parameters;        \
    void fk_##op##_avx512 parameters;
#elif defined(__aarch64__)
#define FK_KERNEL_VARIANTS(op, parameters) void fk_##op##_neon parameters;
#else
#define FK_KERNEL_VARIANTS(op, parameters)
#endif

#define FK_KERNEL(op, parameters)                       \
    void fk_##op parameters;                            \
    void fk_##op##_reference parameters;                \
    FK_KERNEL_VARIANTS(op, parameters)                  \
    void (*fk_##op##_variant(fk_level level)) parameters; \
    int fk_##op##_levels(fk_level *levels)

/* Norms. */

/* y = (x r) weight with r = 1 / sqrt(sum(x x) / width + eps), row by row.
 * `weight` [width] may be NULL (ones). `inverse_rms` [rows] receives r unless
 * NULL. (Zhang and Sennrich 2019.) */
FK_KERNEL(rms_norm_f32,
          (float *y, size_t y_stride, float *inverse_rms, const float *x, size_t x_stride,
           const float *weight, float eps, size_t rows, size_t width));

/* sum = x + residual, then y = rms_norm(sum); the same bits as fk_add_f32
 * followed by fk_rms_norm_f32. `sum` may be x or residual. All rows have the
 * stride `stride`. */
FK_KERNEL(add_rms_norm_f32,
          (float *y, float *sum, const float *x, const float *residual, size_t stride,
           const float *weight, float eps, size_t rows, size_t width));

/* dx of rms_norm from x, its r and dy: with g = dy weight,
 * dx = r (g - x (r r sum(g x) / width)). */
FK_KERNEL(rms_norm_backward_f32,
          (float *dx, size_t dx_stride, const float *dy, size_t dy_stride, const float *x,
           size_t x_stride, const float *inverse_rms, const float *weight, size_t rows,
           size_t width));

/* dweight[c] += sum over rows of dy (x r), for the columns begin ..< end. Rows are
 * added in order, in blocks of 64 which start at zero. Split threads by column. */
FK_KERNEL(rms_norm_backward_weight_f32,
          (float *dweight, const float *dy, size_t dy_stride, const float *x, size_t x_stride,
           const float *inverse_rms, size_t rows, size_t begin, size_t end));

/* y = ((x - mean) r) weight + bias with r = 1 / sqrt(sum((x - mean)^2) / width + eps).
 * `weight` and `bias` may be NULL; `means` and `inverse_deviations` [rows] receive
 * mean and r unless NULL. */
FK_KERNEL(layer_norm_f32,
          (float *y, size_t y_stride, float *means, float *inverse_deviations, const float *x,
           size_t x_stride, const float *weight, const float *bias, float eps, size_t rows,
           size_t width));

/* dx of layer_norm: with g = dy weight and n = (x - mean) r,
 * dx = r (g - sum(g) / width - n (sum(g n) / width)). */
FK_KERNEL(layer_norm_backward_f32,
          (float *dx, size_t dx_stride, const float *dy, size_t dy_stride, const float *x,
           size_t x_stride, const float *means, const float *inverse_deviations,
           const float *weight, size_t rows, size_t width));

/* dweight[c] += sum over rows of dy (x - mean) r for the columns begin ..< end, in the
 * order of fk_rms_norm_backward_weight_f32. The bias's gradient is fk_column_sum_f32. */
FK_KERNEL(layer_norm_backward_weight_f32,
          (float *dweight, const float *dy, size_t dy_stride, const float *x, size_t x_stride,
           const float *means, const float *inverse_deviations, size_t rows, size_t begin,
           size_t end));

/* Activations and arithmetic on `count` elements. */

/* exp, at most 1.1 ulp from the true value (2 where the result is subnormal);
 * exp(-inf) = 0, overflow gives inf, NaN gives NaN. */
FK_KERNEL(exp_f32, (float *y, const float *x, size_t count));
/* Natural logarithm, at most 2 ulp; log(0) = -inf, log(x < 0) = NaN. */
FK_KERNEL(log_f32, (float *y, const float *x, size_t count));
/* 1 / (1 + exp(-x)) */
FK_KERNEL(sigmoid_f32, (float *y, const float *x, size_t count));
/* x / (1 + exp(-x)) */
FK_KERNEL(silu_f32, (float *y, const float *x, size_t count));
/* x < 0 ? 0 : x; NaN stays NaN. */
FK_KERNEL(relu_f32, (float *y, const float *x, size_t count));
FK_KERNEL(tanh_f32, (float *y, const float *x, size_t count));
/* x (1 + erf(x / sqrt 2)) / 2 */
FK_KERNEL(gelu_erf_f32, (float *y, const float *x, size_t count));
/* x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2 */
FK_KERNEL(gelu_tanh_f32, (float *y, const float *x, size_t count));

/* dx = dy f'(x). sigmoid and tanh take their output y, the others their input x. */
FK_KERNEL(sigmoid_backward_f32, (float *dx, const float *dy, const float *y, size_t count));
FK_KERNEL(tanh_backward_f32, (float *dx, const float *dy, const float *y, size_t count));
FK_KERNEL(silu_backward_f32, (float *dx, const float *dy, const float *x, size_t count));
FK_KERNEL(relu_backward_f32, (float *dx, const float *dy, const float *x, size_t count));
FK_KERNEL(gelu_erf_backward_f32, (float *dx, const float *dy, const float *x, size_t count));
FK_KERNEL(gelu_tanh_backward_f32, (float *dx, const float *dy, const float *x, size_t count));

/* y = silu(gate) up. (Shazeer 2020.) */
FK_KERNEL(swiglu_f32,
          (float *y, size_t y_stride, const float *gate, size_t gate_stride, const float *up,
           size_t up_stride, size_t rows, size_t width));
/* dgate = dy up silu'(gate), dup = dy silu(gate); dgate may be gate and dup may be up. */
FK_KERNEL(swiglu_backward_f32,
          (float *dgate, size_t dgate_stride, float *dup, size_t dup_stride, const float *dy,
           size_t dy_stride, const float *gate, size_t gate_stride, const float *up,
           size_t up_stride, size_t rows, size_t width));

FK_KERNEL(add_f32, (float *y, const float *a, const float *b, size_t count));
FK_KERNEL(subtract_f32, (float *y, const float *a, const float *b, size_t count));
FK_KERNEL(multiply_f32, (float *y, const float *a, const float *b, size_t count));
FK_KERNEL(divide_f32, (float *y, const float *a, const float *b, size_t count));
/* y = x factor */
FK_KERNEL(scale_f32, (float *y, const float *x, float factor, size_t count));
/* y = fma(a, x, y) */
FK_KERNEL(axpy_f32, (float *y, float a, const float *x, size_t count));

/* Sums and choices in rows. */

/* *result = sum(x), and sum(x y), each an ordered sum as above. */
FK_KERNEL(sum_f32, (float *result, const float *x, size_t count));
FK_KERNEL(dot_f32, (float *result, const float *x, const float *y, size_t count));

/* sums[c] += sum over rows of x, for the columns begin ..< end; rows in order, in blocks
 * of 64 which start at zero. Split threads by column. */
FK_KERNEL(column_sum_f32,
          (float *sums, const float *x, size_t x_stride, size_t rows, size_t begin, size_t end));

/* y = exp(scale x - m) / sum(exp(scale x - m)) with m = max(scale x).
 *
 * `lengths` [rows] limits row i to its first lengths[i] elements (at most width) and
 * sets the rest to 0; NULL means width. A row whose elements are all -inf, or hold a
 * NaN or +inf, becomes NaN. */
FK_KERNEL(softmax_f32,
          (float *y, size_t y_stride, const float *x, size_t x_stride, float scale,
           const size_t *lengths, size_t rows, size_t width));
/* dx = scale y (dy - sum(dy y)) with y the softmax. */
FK_KERNEL(softmax_backward_f32,
          (float *dx, size_t dx_stride, const float *dy, size_t dy_stride, const float *y,
           size_t y_stride, float scale, size_t rows, size_t width));

/* results[i] = m + log(sum(exp(x - m))) with m = max(x); -inf for an empty row. */
FK_KERNEL(logsumexp_f32,
          (float *results, const float *x, size_t x_stride, size_t rows, size_t width));
/* y = x - logsumexp(x), computed as (x - m) - log(sum(exp(x - m))). */
FK_KERNEL(log_softmax_f32,
          (float *y, size_t y_stride, const float *x, size_t x_stride, size_t rows,
           size_t width));
/* dx = dy - exp(y) sum(dy) with y the log_softmax. */
FK_KERNEL(log_softmax_backward_f32,
          (float *dx, size_t dx_stride, const float *dy, size_t dy_stride, const float *y,
           size_t y_stride, size_t rows, size_t width));

/* Label of a position that counts for nothing. */
enum { FK_IGNORED_LABEL = -100 };

/* Loss and gradient of logits [rows, width] against labels [rows].
 *
 * losses[i] = logsumexp(row i) - logit of its label, and
 * gradient = (softmax(row) - [column = label]) gradient_scale; `gradient` may be
 * the logits themselves, or NULL for the loss alone. A label of -100 gives loss 0 and
 * gradient 0. Any other label outside 0 ..< width gives the same and is counted in
 * *invalid_labels, which the caller must refuse. */
FK_KERNEL(cross_entropy_f32,
          (float *losses, float *gradient, size_t gradient_stride, size_t *invalid_labels,
           const float *logits, size_t logits_stride, const int32_t *labels,
           float gradient_scale, size_t rows, size_t width));

/* indices[i] = column of the largest element of row i, the lowest of equals; -1 if the row
 * holds a NaN or is empty. */
FK_KERNEL(argmax_f32,
          (int64_t *indices, const float *x, size_t x_stride, size_t rows, size_t width));

/* The min(k, width) largest elements of one row and their columns, descending, equals by
 * rising column. *found is their number, or -1 (and the outputs hold nothing of use) if
 * the row holds a NaN. `values` and `indices` have room for k. */
FK_KERNEL(top_k_f32,
          (float *values, int64_t *indices, int64_t *found, const float *x, size_t width,
           size_t k));

/* *result = how many of x are infinite or NaN. */
FK_KERNEL(count_nonfinite_f32, (size_t *result, const float *x, size_t count));

/* Rows of a table. */

/* y[i] = row ids[i] of a table with rows of `width`, widened to float32. The caller has
 * checked that every id lies in the table. f16 and bf16 values are given by their bits. */
FK_KERNEL(gather_rows_f32,
          (float *y, size_t y_stride, const float *table, const int32_t *ids, size_t count,
           size_t width));
FK_KERNEL(gather_rows_f16,
          (float *y, size_t y_stride, const uint16_t *table, const int32_t *ids, size_t count,
           size_t width));
FK_KERNEL(gather_rows_bf16,
          (float *y, size_t y_stride, const uint16_t *table, const int32_t *ids, size_t count,
           size_t width));
/* dtable[ids[i]][c] += dy[i][c] for the columns begin ..< end, i rising. Split threads by
 * column. */
FK_KERNEL(scatter_add_rows_f32,
          (float *dtable, size_t table_stride, const float *dy, size_t dy_stride,
           const int32_t *ids, size_t count, size_t begin, size_t end));

/* Rotary positions. */

/* Inverse frequencies f[0 ..< rotary/2] of rotary embeddings of an even width `rotary`.
 *
 * Steps are rounded to float32 where the published implementations round (the power, its
 * reciprocal, the blends), each rounded correctly from double, so the values are those
 * that models were trained with. (Su et al. 2021.) */
void fk_rope_frequencies_default(float *frequencies, size_t rotary, double base);
/* default / factor. */
void fk_rope_frequencies_linear(float *frequencies, size_t rotary, double base, double factor);
/* Llama 3: wavelengths above original_positions / low_frequency_factor are divided by
 * `factor`, those below original_positions / high_frequency_factor kept, and those
 * between are blended. */
void fk_rope_frequencies_llama3(float *frequencies, size_t rotary, double base, double factor,
                                double low_frequency_factor, double high_frequency_factor,
                                double original_positions);

/* YaRN (Peng et al. 2023), with the meaning the fields have in `rope_scaling`. */
typedef struct fk_yarn {
    double factor;
    double beta_fast;          /* 32 where absent */
    double beta_slow;          /* 1 where absent */
    double original_positions; /* trained context length */
    double mscale;             /* 0 where absent */
    double mscale_all_dim;     /* 0 where absent */
    double attention_factor;   /* 0 where absent: computed */
    int truncate;              /* 1 where absent: round the ramp's ends outwards */
} fk_yarn;

/* Fills the frequencies and returns the factor by which cos and sin are multiplied:
 * the given attention_factor, else m(mscale) / m(mscale_all_dim) if both are nonzero, else
 * m(1), with m(s) = 0.1 s ln(factor) + 1 for factor > 1 and 1 otherwise. */
double fk_rope_frequencies_yarn(float *frequencies, size_t rotary, double base, fk_yarn yarn);
/* The base of "dynamic" scaling for a sequence of `length` positions:
 * base (factor length / original - (factor - 1))^(rotary / (rotary - 2)), length at
 * least original_positions. */
double fk_rope_dynamic_base(double base, size_t rotary, double factor,
                            double original_positions, double length);

/* cos and sin [count, half]: of the angle positions[i] f[j], rounded to float32 as trained,
 * then in double, times attention_factor. */
void fk_rope_table(float *cosines, float *sines, const float *frequencies, size_t half,
                   const int32_t *positions, size_t count, double attention_factor);

/* Rotates the first `rotary` elements of every head of x [tokens, heads, head_dim] and
 * copies the others; cos and sin are [tokens, rotary/2], one row a token.
 *
 *   half         pairs (i, i + rotary/2): the layout of Hugging Face checkpoints
 *   interleaved  pairs (2i, 2i + 1): GPT-J, DeepSeek's own code, GGUF files of llama
 *
 * (a, b) becomes (a cos - b sin, b cos + a sin); with inverse != 0 by the opposite angle,
 * which is also the backward pass. Tokens lie `..._token_stride` elements apart, heads
 * `..._head_stride`. */
FK_KERNEL(rope_half_f32,
          (float *y, size_t y_token_stride, size_t y_head_stride, const float *x,
           size_t x_token_stride, size_t x_head_stride, const float *cosines,
           const float *sines, int inverse, size_t tokens, size_t heads, size_t head_dim,
           size_t rotary));
FK_KERNEL(rope_interleaved_f32,
          (float *y, size_t y_token_stride, size_t y_head_stride, const float *x,
           size_t x_token_stride, size_t x_head_stride, const float *cosines,
           const float *sines, int inverse, size_t tokens, size_t heads, size_t head_dim,
           size_t rotary));

/* Attention over a paged cache. */

typedef enum fk_kv_type { FK_KV_F32 = 0, FK_KV_F16 = 1, FK_KV_BF16 = 2 } fk_kv_type;

/* Keys and values of one sequence in one layer, positions 0, 1, 2 ... in pages.
 *
 * Position p is in page p / page_length, which begins `page_offset` bytes into
 * pages[p / page_length] (so that one list of pages serves all layers). Inside a page:
 *
 *   keys    [key_value_heads][page_length / 16][key_dim][16 positions]
 *   values  [key_value_heads][page_length][value_dim rounded up to 16, zero padded]
 *
 * so that one load brings the same element of 16 keys, or 16 elements of one value. With
 * `values_in_keys` (the latent of DeepSeek-V2, where a value is the first part of its key)
 * a position is kept once:
 *
 *   keys    [key_value_heads][page_length][key_dim rounded up to 16, zero padded]
 *
 * and the `values` given to fk_kv_store are not read. */
typedef struct fk_kv_cache {
    void *const *pages;
    size_t page_offset;     /* bytes */
    size_t page_length;     /* positions; a multiple of 16, best 64 or more */
    size_t key_value_heads; /* G */
    size_t key_dim;         /* D */
    size_t value_dim;       /* Dv */
    fk_kv_type type;
    int values_in_keys;     /* nonzero: values are the first Dv elements of the keys */
} fk_kv_cache;

/* Bytes of one page of one layer, a multiple of 64. 0 if a size is 0, page_length is not
 * a multiple of 16, the type is unknown, or the product does not fit. */
size_t fk_kv_page_bytes(const fk_kv_cache *cache);

/* Writes keys [count, G, D] and values [count, G, Dv] of the positions first ..< first +
 * count, for the heads head_begin ..< head_end, rounding to the cache's type (to nearest
 * even). Heads of one token are contiguous; tokens lie `..._stride` elements apart. */
FK_KERNEL(kv_store,
          (const fk_kv_cache *cache, const float *keys, size_t keys_stride,
           const float *values, size_t values_stride, size_t first, size_t count,
           size_t head_begin, size_t head_end));

/* Reads positions back, widened to float32, in the shapes of fk_kv_store. Either output
 * may be NULL. Not fast: for checks and for moving a cache. */
void fk_kv_load(float *keys, size_t keys_stride, float *values, size_t values_stride,
                const fk_kv_cache *cache, size_t first, size_t count);

/* Queries of one sequence against its cache.
 *
 * queries [T, H, D], rotated and not scaled, H = G x group: query head h reads
 * key-value head h / group. Query t stands at position first_position + t and sees the
 * keys 0 ... first_position + t, all of which are in the cache. outputs [T, H, Dv]. With a
 * key_count other than 0 every query sees the keys 0 ..< key_count instead, those behind it
 * as well.
 *
 *   score  = (chain of fma over d rising from 0, start 0) x scale
 *   keys are taken in blocks of 64 at multiples of 64; with m the running maximum,
 *            p = exp(score - m), l and o rescaled by exp(m_old - m), where exp below -87
 *            is 0:
 *            l has 16 lanes, lane j takes (p[j] + p[j+16]) + (p[j+32] + p[j+48]) by fma,
 *            o takes the keys in rising order by fma
 *   blocks are taken in spans of FK_ATTENTION_SPAN keys, each with its own (m, l, o), merged
 *            in rising order; output = o x (1 / l), l halved as in an ordered sum, -0 made +0
 *
 * A key that a query may not see is not touched on its behalf. So a query's
 * result has the same bits alone, among others, and at any level. (Milakov and
 * Gimelshein 2018; Dao 2023.) */
typedef struct fk_attention {
    fk_kv_cache cache;
    const float *queries;
    size_t queries_stride; /* elements between tokens; heads are contiguous */
    float *outputs;
    size_t outputs_stride;
    float *logsumexps; /* [T, H]: log of the sum of exp(score), or NULL */
    size_t group;      /* query heads a key-value head */
    size_t first_position;
    size_t key_count; /* 0 for causal attention */
    float scale;
} fk_attention;

enum { FK_ATTENTION_SPAN = 512 };

/* Floats of scratch one running call needs, for the shape of a cache and a group. */
size_t fk_attend_scratch_floats(const fk_kv_cache *cache, size_t group);

/* The queries query_begin ..< query_end of the key-value heads head_begin ..< head_end;
 * calls on disjoint ranges may run at the same time, each with its own scratch. Any split
 * gives the same bits; ranges of 16 or more queries run fastest. */
FK_KERNEL(attend,
          (const fk_attention *attention, size_t query_begin, size_t query_end,
           size_t head_begin, size_t head_end, float *scratch));

/* Attention of few queries over many keys, split over threads by spans too.
 *
 * fk_attend_span computes span `span` (keys span x 512 ..< (span + 1) x 512) of the
 * queries for one key-value head into a record; fk_attend_merge joins a head's spans 0
 * ..< span_count and writes outputs (and logsumexps) with the bits of fk_attend.
 * `records` holds [span_count, query count, group] x fk_attend_record_floats; a span
 * that a query does not reach is left untouched and not read. Merging overwrites the
 * records of span 0. */
size_t fk_attend_record_floats(const fk_kv_cache *cache);
FK_KERNEL(attend_span,
          (float *records, const fk_attention *attention, size_t query_begin,
           size_t query_end, size_t head, size_t span, float *scratch));
FK_KERNEL(attend_merge,
          (const fk_attention *attention, float *records, size_t query_begin, size_t query_end,
           size_t head));

/* Gradient of causal attention of one whole sequence (first_position 0), F32.
 *
 * queries [T, H, D], keys [T, G, D], values [T, G, Dv], outputs and doutputs [T, H, Dv],
 * logsumexps [T, H] as fk_attend wrote them (from an F32 cache holding the same keys
 * and values). Writes dqueries, dkeys, dvalues of the key-value heads head_begin ..<
 * head_end; tokens are contiguous everywhere. */
typedef struct fk_attention_gradient {
    const float *queries, *keys, *values, *outputs, *doutputs, *logsumexps;
    float *dqueries, *dkeys, *dvalues;
    size_t tokens, key_value_heads, group, key_dim, value_dim;
    float scale;
} fk_attention_gradient;

size_t fk_attend_backward_scratch_floats(const fk_attention_gradient *gradient);
FK_KERNEL(attend_backward,
          (const fk_attention_gradient *gradient, size_t head_begin, size_t head_end,
           float *scratch));

/* Random numbers. */

/* Element i of the stream (seed, stream) is word i mod 4 of Philox4x32-10 (Salmon et al.
 * 2011) with key = seed and counter = (i / 4, stream), low words first. `first` is the i
 * of y[0], so a range can be filled in pieces. */
FK_KERNEL(random_bits,
          (uint32_t *y, uint64_t seed, uint64_t stream, uint64_t first, size_t count));
/* low + (high - low) x (word >> 8) / 2^24, by fma: in [low, high]. */
FK_KERNEL(random_uniform_f32,
          (float *y, float low, float high, uint64_t seed, uint64_t stream, uint64_t first,
           size_t count));
/* mean + deviation x z, by fma, z by Box and Muller (1958) from the words (u, v) of elements
 * 2j and 2j + 1: r = sqrt(-2 ln((u >> 8) + 1) / 2^24)), angle = 2 pi (v >> 8) / 2^24;
 * z = r cos(angle) for the even element and r sin(angle) for the odd. */
FK_KERNEL(random_normal_f32,
          (float *y, float mean, float deviation, uint64_t seed, uint64_t stream,
           uint64_t first, size_t count));

#endif
