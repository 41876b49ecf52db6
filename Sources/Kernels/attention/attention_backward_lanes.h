/* Gradient of attention, at one level: the order of attention_backward_reference.c, with
 * its products done by the register tiles of tiles_lanes.h.
 *
 * For a tile of 64 queries by 64 keys the keys and the values are transposed once per block
 * of keys, for the scores and for dp; the other three products read rows as they lie. */

FK_EACH_ROWS(FK_GATHER_QUERIES, gather_queries, FK_KV_F32)

static score_function *const backward_scores[FK_WIDE_ROWS] = FK_NAMES(scores_f32);
static gather_function *const backward_gather_keys[FK_WIDE_ROWS] = FK_NAMES(gather_f32);
static gather_function *const backward_gather_queries[FK_WIDE_ROWS] = FK_NAMES(gather_queries);

enum { TILE = FK_ATTENTION_BLOCK };

typedef struct backward {
    const fk_attention_gradient *a;
    size_t key_head, heads;
    size_t key_width, value_width; /* rounded up to 16 */
    size_t key_begin, key_count;
    float *keys_transposed;   /* [4][key_dim][16] */
    float *values_transposed; /* [4][value_dim][16] */
    float *keys;              /* [64][key_width], zero padded */
    float *dkeys, *dvalues;   /* [64][key_width], [64][value_width] */
    float *queries, *doutputs; /* one tile: [64][key_width], [64][value_width] */
    float *sums;              /* [64][wider of the two]: one tile's share of a gradient */
    float *p, *ds;            /* [64][64] */
    float *deltas;            /* [tokens][group] */
} backward;

/* Rows of `width` to rows of `padded`, zero filled; rows count ..< 64 become zero. */
FK_TARGET static void pad_rows(float *to, const float *from, size_t stride, size_t count,
                               size_t width, size_t padded) {
    for (size_t i = 0; i < TILE; i++)
        for (size_t d = 0; d < padded; d += 16) {
            size_t there = i < count ? v_remaining(width, d) : 0;
            v_store(to + i * padded + d,
                    there == 0 ? v_zero() : v_load_first(from + i * stride + d, there));
        }
}

/* Padded rows to 4 tiles [width][16]. */
FK_TARGET static void transpose_rows(float *to, const float *rows, size_t width,
                                     size_t padded) {
    for (size_t tile = 0; tile < 4; tile++)
        transpose_keys(to + tile * width * 16, rows + tile * 16 * padded, padded, width,
                       FK_KV_F32);
}

/* products[r][j] = factor x sum of rows[r] columns[j], for count rows of one tile. */
FK_TARGET static void multiply_rows(float *products, const float *rows, size_t rows_stride,
                                    size_t count, const float *transposed, size_t width,
                                    float factor) {
    const void *tiles[4];
    for (size_t i = 0; i < 4; i++) tiles[i] = transposed + i * width * 16;
    for (size_t r = 0; r < count; r += FK_WIDE_ROWS) {
        size_t taken = count - r < FK_WIDE_ROWS ? count - r : FK_WIDE_ROWS;
        const float *pointers[FK_WIDE_ROWS];
        for (size_t i = 0; i < taken; i++) pointers[i] = rows + (r + i) * rows_stride;
        backward_scores[taken - 1](products + r * TILE, pointers, tiles, 4, width, factor);
    }
}

static const float zeros[FK_WIDE_ROWS] = {0};

/* to[r] += sum over k of the weights of row r times rows[k], the sum starting at zero. */
FK_TARGET static void add_products(float *to, float *sums, size_t to_rows, size_t width,
                                   const float *weights, size_t weights_row_step,
                                   gather_function *const *gather, const float *rows,
                                   size_t count) {
    for (size_t i = 0; i < to_rows * width; i += 16) v_store(sums + i, v_zero());
    for (size_t r = 0; r < to_rows; r += FK_WIDE_ROWS) {
        size_t taken = to_rows - r < FK_WIDE_ROWS ? to_rows - r : FK_WIDE_ROWS;
        gather[taken - 1](sums + r * width, width, zeros, weights + r * weights_row_step, rows,
                          width, width, count);
    }
    for (size_t i = 0; i < to_rows * width; i += 16)
        v_store(to + i, v_add(v_load(to + i), v_load(sums + i)));
}

/* p and ds from the scores and dp, in place. */
FK_TARGET static void weigh_tile(const backward *b, size_t head, size_t query_begin,
                                 size_t query_count) {
    const fk_attention_gradient *a = b->a;
    for (size_t i = 0; i < query_count; i++) {
        size_t t = query_begin + i;
        size_t seen = t + 1 - b->key_begin < b->key_count ? t + 1 - b->key_begin : b->key_count;
        lanes logsumexp = v_set(a->logsumexps[t * b->heads + head]);
        lanes delta = v_set(b->deltas[t * a->group + head % a->group]);
        for (size_t j = 0; j < TILE; j += 16) {
            size_t there = v_remaining(seen, j);
            lanes p = v_weight(v_sub(v_load(b->p + i * TILE + j), logsumexp));
            lanes dp = v_sub(v_load(b->ds + i * TILE + j), delta);
            lanes ds = v_mul(v_mul(p, dp), v_set(a->scale));
            v_store(b->p + i * TILE + j, v_keep_first(p, there));
            v_store(b->ds + i * TILE + j, v_keep_first(ds, there));
        }
    }
}

FK_TARGET static void take_tile(const backward *b, size_t head, size_t query_begin) {
    const fk_attention_gradient *a = b->a;
    size_t count = a->tokens - query_begin < TILE ? a->tokens - query_begin : TILE;
    size_t row = query_begin * b->heads + head;
    pad_rows(b->queries, a->queries + row * a->key_dim, b->heads * a->key_dim, count,
             a->key_dim, b->key_width);
    pad_rows(b->doutputs, a->doutputs + row * a->value_dim, b->heads * a->value_dim, count,
             a->value_dim, b->value_width);
    multiply_rows(b->p, b->queries, b->key_width, count, b->keys_transposed, a->key_dim,
                  a->scale);
    multiply_rows(b->ds, b->doutputs, b->value_width, count, b->values_transposed,
                  a->value_dim, 1.0f);
    weigh_tile(b, head, query_begin, count);
    add_products(b->dvalues, b->sums, b->key_count, b->value_width, b->p, 1,
                 backward_gather_queries, b->doutputs, count);
    add_products(b->dkeys, b->sums, b->key_count, b->key_width, b->ds, 1,
                 backward_gather_queries, b->queries, count);
    /* The queries are no longer needed: their place takes dq of the tile. */
    for (size_t i = 0; i < count; i++) {
        float *dquery = a->dqueries + (row + i * b->heads) * a->key_dim;
        for (size_t d = 0; d < b->key_width; d += 16) {
            size_t there = b->key_begin == 0 ? 0 : v_remaining(a->key_dim, d);
            v_store(b->queries + i * b->key_width + d,
                    there == 0 ? v_zero() : v_load_first(dquery + d, there));
        }
    }
    add_products(b->queries, b->sums, count, b->key_width, b->ds, TILE, backward_gather_keys,
                 b->keys, b->key_count);
    for (size_t i = 0; i < count; i++) {
        float *dquery = a->dqueries + (row + i * b->heads) * a->key_dim;
        for (size_t d = 0; d < a->key_dim; d += 16)
            v_store_first(dquery + d, v_load(b->queries + i * b->key_width + d),
                          v_remaining(a->key_dim, d));
    }
}

/* sum(do o) of every query of the group, an ordered sum. */
FK_TARGET static void fill_deltas(const backward *b) {
    const fk_attention_gradient *a = b->a;
    for (size_t t = 0; t < a->tokens; t++)
        for (size_t g = 0; g < a->group; g++) {
            size_t row = t * b->heads + b->key_head * a->group + g;
            b->deltas[t * a->group + g] =
                v_dot(a->doutputs + row * a->value_dim, a->outputs + row * a->value_dim,
                      a->value_dim);
        }
}

FK_TARGET static void take_keys(backward *b, size_t key_begin) {
    const fk_attention_gradient *a = b->a;
    size_t count = a->tokens - key_begin < TILE ? a->tokens - key_begin : TILE;
    size_t row = key_begin * a->key_value_heads + b->key_head;
    b->key_begin = key_begin;
    b->key_count = count;
    /* The values' rows are read once, from the place that later holds doutputs. */
    pad_rows(b->doutputs, a->values + row * a->value_dim, a->key_value_heads * a->value_dim,
             count, a->value_dim, b->value_width);
    transpose_rows(b->values_transposed, b->doutputs, a->value_dim, b->value_width);
    pad_rows(b->keys, a->keys + row * a->key_dim, a->key_value_heads * a->key_dim, count,
             a->key_dim, b->key_width);
    transpose_rows(b->keys_transposed, b->keys, a->key_dim, b->key_width);
    for (size_t i = 0; i < TILE * b->key_width; i += 16) v_store(b->dkeys + i, v_zero());
    for (size_t i = 0; i < TILE * b->value_width; i += 16) v_store(b->dvalues + i, v_zero());
    for (size_t g = 0; g < a->group; g++)
        for (size_t t = key_begin; t < a->tokens; t += TILE)
            take_tile(b, b->key_head * a->group + g, t);
    for (size_t i = 0; i < count; i++) {
        size_t to = row + i * a->key_value_heads;
        for (size_t d = 0; d < a->key_dim; d += 16)
            v_store_first(a->dkeys + to * a->key_dim + d,
                          v_load(b->dkeys + i * b->key_width + d), v_remaining(a->key_dim, d));
        for (size_t d = 0; d < a->value_dim; d += 16)
            v_store_first(a->dvalues + to * a->value_dim + d,
                          v_load(b->dvalues + i * b->value_width + d),
                          v_remaining(a->value_dim, d));
    }
}

FK_TARGET void FK_NAMED(attend_backward)(const fk_attention_gradient *a, size_t head_begin,
                                         size_t head_end, float *scratch) {
    backward b = {.a = a, .heads = a->key_value_heads * a->group};
    b.key_width = fk_kv_round16(a->key_dim);
    b.value_width = fk_kv_round16(a->value_dim);
    size_t wider = b.key_width > b.value_width ? b.key_width : b.value_width;
    float *next = align64(scratch);
    b.keys_transposed = next, next += TILE * b.key_width;
    b.values_transposed = next, next += TILE * b.value_width;
    b.keys = next, next += TILE * b.key_width;
    b.dkeys = next, next += TILE * b.key_width;
    b.dvalues = next, next += TILE * b.value_width;
    b.queries = next, next += TILE * b.key_width;
    b.doutputs = next, next += TILE * b.value_width;
    b.sums = next, next += TILE * wider;
    b.p = next, next += TILE * TILE;
    b.ds = next, next += TILE * TILE;
    b.deltas = next;
    for (size_t head = head_begin; head < head_end; head++) {
        b.key_head = head;
        fill_deltas(&b);
        for (size_t key = 0; key < a->tokens; key += TILE) take_keys(&b, key);
    }
}
