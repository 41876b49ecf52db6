/* The two small matrix products of attention, with sums held in registers.
 *
 *   scores:  s[r][j]  = scale x sum over d of q[r][d] k[d][j]      (k in tiles of 16 keys)
 *   gather:  o[r][c] += sum over k of p[r][k] v[k][c]              (after o is rescaled)
 *
 * A register holds 16 keys or 16 columns, so no sum crosses lanes; every sum is one chain
 * of fma in rising order, whatever the number of rows that share the loads. With AVX-512
 * 6 rows x 4 registers give 24 chains, which covers the latency of 4 cycles x 2 units, and
 * need 10 loads for 24 fma, so the multipliers are the bound. With AVX2 6 rows x 2. */

/* Element type of keys or values as a constant of the inlined code. */
FK_LANE lanes v_load_kv(const void *base, size_t index, fk_kv_type type) {
    if (type == FK_KV_F32) return v_load((const float *)base + index);
    if (type == FK_KV_F16) return v_load_f16((const uint16_t *)base + index);
    return v_load_bf16((const uint16_t *)base + index);
}

FK_LANE void score_tile(float *scores, const float *const *queries, const void *const *tiles,
                        size_t key_dim, float scale, fk_kv_type type, int rows, int columns) {
    lanes sums[FK_WIDE_ROWS][FK_WIDE_COLUMNS];
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
        for (int c = 0; c < columns; c++) sums[r][c] = v_zero();
    for (size_t d = 0; d < key_dim; d++) {
        lanes keys[FK_WIDE_COLUMNS];
#pragma clang loop unroll(full)
        for (int c = 0; c < columns; c++) keys[c] = v_load_kv(tiles[c], d * FK_KV_TILE, type);
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; r++) {
            lanes query = v_set(queries[r][d]);
#pragma clang loop unroll(full)
            for (int c = 0; c < columns; c++) sums[r][c] = v_fma(query, keys[c], sums[r][c]);
        }
    }
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
        for (int c = 0; c < columns; c++)
            v_store(scores + r * FK_ATTENTION_BLOCK + c * FK_KV_TILE,
                    v_mul(sums[r][c], v_set(scale)));
}

/* Weight of row r for step k is weights[r row_step + k step]. */
FK_LANE void gather_tile(float *outputs, size_t outputs_stride, const float *factors,
                         const float *weights, size_t row_step, size_t step,
                         const void *values, size_t values_stride, size_t count,
                         fk_kv_type type, int rows, int columns) {
    lanes sums[FK_WIDE_ROWS][FK_WIDE_COLUMNS];
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) {
        lanes factor = v_set(factors[r]);
#pragma clang loop unroll(full)
        for (int c = 0; c < columns; c++)
            sums[r][c] = v_mul(v_load(outputs + r * outputs_stride + c * 16), factor);
    }
    for (size_t k = 0; k < count; k++) {
        lanes row[FK_WIDE_COLUMNS];
#pragma clang loop unroll(full)
        for (int c = 0; c < columns; c++)
            row[c] = v_load_kv(values, k * values_stride + c * 16, type);
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; r++) {
            lanes weight = v_set(weights[r * row_step + k * step]);
#pragma clang loop unroll(full)
            for (int c = 0; c < columns; c++) sums[r][c] = v_fma(weight, row[c], sums[r][c]);
        }
    }
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
        for (int c = 0; c < columns; c++)
            v_store(outputs + r * outputs_stride + c * 16, sums[r][c]);
}

typedef void score_function(float *scores, const float *const *queries,
                            const void *const *tiles, size_t tile_count, size_t key_dim,
                            float scale);
typedef void gather_function(float *outputs, size_t outputs_stride, const float *factors,
                             const float *weights, const void *values, size_t values_stride,
                             size_t columns, size_t count);

/* All tiles of one row count: wide while they fill the registers, then one by one. */
#define FK_SCORES(name, type, rows)                                                          \
    FK_TARGET static void name(float *scores, const float *const *queries,                   \
                               const void *const *tiles, size_t tile_count, size_t key_dim,  \
                               float scale) {                                                \
        size_t i = 0;                                                                        \
        for (; i + FK_WIDE_COLUMNS <= tile_count; i += FK_WIDE_COLUMNS)                      \
            score_tile(scores + i * FK_KV_TILE, queries, tiles + i, key_dim, scale, type,    \
                       rows, FK_WIDE_COLUMNS);                                               \
        for (; i < tile_count; i++)                                                          \
            score_tile(scores + i * FK_KV_TILE, queries, tiles + i, key_dim, scale, type,    \
                       rows, 1);                                                             \
    }

/* `columns` is a multiple of 16. */
#define FK_GATHER(name, type, rows, row_step, step)                                          \
    FK_TARGET static void name(float *outputs, size_t outputs_stride, const float *factors,  \
                               const float *weights, const void *values,                     \
                               size_t values_stride, size_t columns, size_t count) {         \
        const size_t element = type == FK_KV_F32 ? 4 : 2;                                    \
        size_t c = 0;                                                                        \
        for (; c + 16 * FK_WIDE_COLUMNS <= columns; c += 16 * FK_WIDE_COLUMNS)               \
            gather_tile(outputs + c, outputs_stride, factors, weights, row_step, step,       \
                        (const char *)values + c * element, values_stride, count, type,      \
                        rows, FK_WIDE_COLUMNS);                                              \
        for (; c < columns; c += 16)                                                         \
            gather_tile(outputs + c, outputs_stride, factors, weights, row_step, step,       \
                        (const char *)values + c * element, values_stride, count, type,      \
                        rows, 1);                                                            \
    }

#define FK_EACH_ROWS(make, name, type)                                      \
    make(name##_1, type, 1) make(name##_2, type, 2) make(name##_3, type, 3) \
    make(name##_4, type, 4) make(name##_5, type, 5) make(name##_6, type, 6)
#define FK_NAMES(name) {name##_1, name##_2, name##_3, name##_4, name##_5, name##_6}

#define FK_GATHER_KEYS(name, type, rows) FK_GATHER(name, type, rows, FK_ATTENTION_BLOCK, 1)
#define FK_GATHER_QUERIES(name, type, rows) FK_GATHER(name, type, rows, 1, FK_ATTENTION_BLOCK)

FK_EACH_ROWS(FK_SCORES, scores_f32, FK_KV_F32)
FK_EACH_ROWS(FK_GATHER_KEYS, gather_f32, FK_KV_F32)
