/* Attention over a paged cache, at one level.
 *
 * Rows are (query, head of the group) pairs of one key-value head, query-major. A chunk of
 * at most 48 works on one block of 64 keys at a time, so that the block's keys stay in L1
 * for the scores of all rows and then its values for all outputs. When many rows share a block
 * of 16-bit keys it is widened once; a few rows widen as they load. */

#include "tiles_lanes.h"

FK_EACH_ROWS(FK_SCORES, scores_f16, FK_KV_F16)
FK_EACH_ROWS(FK_GATHER_KEYS, gather_f16, FK_KV_F16)
FK_EACH_ROWS(FK_SCORES, scores_bf16, FK_KV_BF16)
FK_EACH_ROWS(FK_GATHER_KEYS, gather_bf16, FK_KV_BF16)

static score_function *const score_functions[3][FK_WIDE_ROWS] = {
    FK_NAMES(scores_f32), FK_NAMES(scores_f16), FK_NAMES(scores_bf16)};
static gather_function *const gather_functions[3][FK_WIDE_ROWS] = {
    FK_NAMES(gather_f32), FK_NAMES(gather_f16), FK_NAMES(gather_bf16)};

enum {
    TILES = FK_ATTENTION_BLOCK / FK_KV_TILE,
    /* Rows from which on widening a block first is worth it. */
    WIDEN_ROWS = 2 * FK_WIDE_ROWS + 1,
};

typedef struct chunk {
    const fk_attention *attention;
    size_t head; /* of keys and values */
    size_t rows;
    size_t record_floats;
    float *scores;  /* [rows][FK_ATTENTION_BLOCK] */
    float *widened; /* one block of keys, then of values */
    /* Of each row: its query, place of output, the keys it sees; the running maximum of
     * a span, and the factor by which the last block shrinks l and o. */
    const float *queries[FK_ATTENTION_ROWS];
    size_t tokens[FK_ATTENTION_ROWS], heads[FK_ATTENTION_ROWS];
    size_t seen[FK_ATTENTION_ROWS];
    float maxima[FK_ATTENTION_ROWS], factors[FK_ATTENTION_ROWS];
} chunk;

/* Takes the rows first ..< first + count of all rows of the head. */
FK_TARGET static void take_rows(chunk *c, size_t first, size_t count) {
    const fk_attention *a = c->attention;
    size_t t = first / a->group, g = first % a->group;
    c->rows = count;
    for (size_t row = 0; row < count; row++) {
        c->tokens[row] = t;
        c->heads[row] = c->head * a->group + g;
        c->queries[row] = fk_attention_query(a, t, c->heads[row]);
        c->seen[row] = fk_attention_seen(a, t);
        if (++g == a->group) {
            g = 0;
            t++;
        }
    }
}

/* One block of keys and values, wherever it lies. */
typedef struct block {
    size_t begin;
    fk_kv_type type;
    const void *tiles[TILES];
    const void *values[TILES]; /* of each 16 positions */
    size_t value_stride;       /* elements */
    size_t runs[TILES];        /* 16s that follow each other in memory from here on */
} block;

/* How many keys of the block at `begin` a row sees; 0 if it is behind the row. */
FK_LANE size_t seen_keys(const chunk *c, size_t row, size_t begin) {
    size_t seen = c->seen[row];
    if (seen <= begin) return 0;
    return seen - begin < FK_ATTENTION_BLOCK ? seen - begin : FK_ATTENTION_BLOCK;
}

/* The first row that sees the key at `begin`. */
FK_LANE size_t first_row(const chunk *c, size_t begin) {
    size_t row = 0;
    while (row < c->rows && c->seen[row] <= begin) row++;
    return row;
}

FK_TARGET static void widen(float *to, const void *from, size_t count, fk_kv_type type) {
    if (type == FK_KV_F16)
        for (size_t i = 0; i < count; i += 16) v_store(to + i, v_load_kv(from, i, FK_KV_F16));
    else
        for (size_t i = 0; i < count; i += 16) v_store(to + i, v_load_kv(from, i, FK_KV_BF16));
}

/* Sixteen rows of keys, of which `filled` are there, into a tile; their first `value_width`
 * elements into rows of that width unless `values` is NULL. */
FK_TARGET static void transpose_shared(float *tile, float *values, const void *rows,
                                     size_t stride, size_t filled, size_t key_dim,
                                     size_t value_width, fk_kv_type type) {
    for (size_t d = 0; d < key_dim; d += 16) {
        lanes x[16];
        for (size_t i = 0; i < 16; i++) {
            size_t at = i * stride + d;
            if (i >= filled) x[i] = v_zero();
            else if (type == FK_KV_F32) x[i] = v_load_kv(rows, at, FK_KV_F32);
            else if (type == FK_KV_F16) x[i] = v_load_kv(rows, at, FK_KV_F16);
            else x[i] = v_load_kv(rows, at, FK_KV_BF16);
            if (values && d < value_width) v_store(values + i * value_width + d, x[i]);
        }
        v_transpose(x);
        size_t count = v_remaining(key_dim, d);
        for (size_t i = 0; i < count; i++) v_store(tile + (d + i) * FK_KV_TILE, x[i]);
    }
}

/* Finds the block in a cache whose keys hold the values: keys are transposed, and values
 * of 16 bits widened on the way. */
FK_TARGET static void find_shared_block(block *b, const chunk *c, size_t begin, size_t keys) {
    const fk_kv_cache *cache = &c->attention->cache;
    size_t stride = fk_kv_row_elements(cache), width = fk_kv_round16(cache->value_dim);
    int widens = cache->type != FK_KV_F32;
    float *to_keys = c->widened, *to_values = c->widened + FK_ATTENTION_BLOCK * cache->key_dim;
    b->begin = begin;
    b->type = FK_KV_F32;
    b->value_stride = widens ? width : stride;
    for (size_t i = 0; i * FK_KV_TILE < keys; i++) {
        size_t filled = keys - i * FK_KV_TILE < FK_KV_TILE ? keys - i * FK_KV_TILE : FK_KV_TILE;
        const void *rows = fk_kv_value_row(cache, c->head, begin + i * FK_KV_TILE);
        transpose_shared(to_keys, widens ? to_values : NULL, rows, stride, filled, cache->key_dim,
                       width, cache->type);
        b->tiles[i] = to_keys;
        b->values[i] = widens ? to_values : rows;
        b->runs[i] = widens ? TILES - i : 1;
        to_keys += FK_KV_TILE * cache->key_dim;
        to_values += FK_KV_TILE * width;
    }
}

/* Finds, and for many rows widens, the tiles of the block that hold `keys` keys. */
FK_TARGET static void find_block(block *b, const chunk *c, size_t begin, size_t keys,
                                 size_t rows) {
    const fk_kv_cache *cache = &c->attention->cache;
    if (cache->values_in_keys) {
        find_shared_block(b, c, begin, keys);
        return;
    }
    size_t width = fk_kv_round16(cache->value_dim);
    b->begin = begin;
    b->type = cache->type;
    b->value_stride = width;
    size_t tiles = (keys + FK_KV_TILE - 1) / FK_KV_TILE;
    for (size_t i = 0; i < tiles; i++) {
        size_t position = begin + i * FK_KV_TILE;
        b->tiles[i] = fk_kv_key_tile(cache, c->head, position);
        b->values[i] = fk_kv_value_row(cache, c->head, position);
        size_t run = (cache->page_length - position % cache->page_length) / FK_KV_TILE;
        b->runs[i] = run < TILES - i ? run : TILES - i;
    }
    if (cache->type == FK_KV_F32 || rows < WIDEN_ROWS) return;
    float *to_keys = c->widened, *to_values = c->widened + FK_ATTENTION_BLOCK * cache->key_dim;
    for (size_t i = 0; i < tiles; i++) {
        size_t filled = keys - i * FK_KV_TILE < FK_KV_TILE ? keys - i * FK_KV_TILE : FK_KV_TILE;
        widen(to_keys, b->tiles[i], FK_KV_TILE * cache->key_dim, cache->type);
        widen(to_values, b->values[i], filled * width, cache->type);
        b->tiles[i] = to_keys;
        b->values[i] = to_values;
        b->runs[i] = TILES - i;
        to_keys += FK_KV_TILE * cache->key_dim;
        to_values += FK_KV_TILE * width;
    }
    b->type = FK_KV_F32;
}

/* Scores of the rows row ..< row + count against the block. */
FK_LANE void score_rows(const chunk *c, const block *b, size_t row, size_t count) {
    const fk_attention *a = c->attention;
    size_t keys = seen_keys(c, row + count - 1, b->begin);
    score_functions[b->type][count - 1](c->scores + row * FK_ATTENTION_BLOCK,
                                        c->queries + row, b->tiles,
                                        (keys + FK_KV_TILE - 1) / FK_KV_TILE, a->cache.key_dim,
                                        a->scale);
}

/* The largest score of a row, and -inf in place of the keys it does not see. */
FK_LANE float row_largest(float *scores, size_t keys) {
    lanes s[TILES];
#pragma clang loop unroll(full)
    for (size_t i = 0; i < TILES; i++) s[i] = v_load(scores + i * 16);
    if (keys < FK_ATTENTION_BLOCK) {
#pragma clang loop unroll(full)
        for (size_t i = 0; i < TILES; i++) {
            lanes flags = v_keep_first(v_set(1), v_remaining(keys, i * 16));
            s[i] = v_select(v_less(v_zero(), flags), s[i], v_set(-INFINITY));
            v_store(scores + i * 16, s[i]);
        }
    }
    return v_largest(v_max(v_max(s[0], s[1]), v_max(s[2], s[3])));
}

/* Turns the scores of the rows from `first` on into weights, and updates their maxima and l. */
FK_LANE void weigh_rows(chunk *c, float *records, size_t first, size_t begin) {
    float maxima[FK_ATTENTION_ROWS];
    memcpy(maxima, c->maxima, sizeof maxima);
    for (size_t row = first; row < c->rows; row++) {
        float largest = row_largest(c->scores + row * FK_ATTENTION_BLOCK,
                                    seen_keys(c, row, begin));
        maxima[row] = fk_max1(largest, c->maxima[row]);
    }
    for (size_t row = first / 16 * 16; row < c->rows; row += 16) {
        lanes m = v_load(maxima + row);
        v_store(c->factors + row, v_weight(v_sub(v_load(c->maxima + row), m)));
        v_store(c->maxima + row, m);
    }
    for (size_t row = first; row < c->rows; row++) {
        float *scores = c->scores + row * FK_ATTENTION_BLOCK;
        float *record = records + row * c->record_floats;
        lanes m = v_set(maxima[row]), p[TILES];
#pragma clang loop unroll(full)
        for (size_t i = 0; i < TILES; i++) {
            p[i] = v_weight(v_sub(v_load(scores + i * 16), m));
            v_store(scores + i * 16, p[i]);
        }
        lanes sum = v_add(v_add(p[0], p[1]), v_add(p[2], p[3]));
        v_store(record, v_fma(v_load(record), v_set(c->factors[row]), sum));
    }
}

static const float ones[FK_WIDE_ROWS] = {1, 1, 1, 1, 1, 1};

/* Adds the values of keys begin ..< end of the block, for `count` rows. */
FK_LANE void gather_keys(const chunk *c, const block *b, float *record, const float *factors,
                         size_t row, size_t count, size_t begin, size_t end) {
    size_t width = fk_kv_round16(c->attention->cache.value_dim);
    const float *weights = c->scores + row * FK_ATTENTION_BLOCK;
    for (size_t k = begin; k < end;) {
        size_t tile = k / FK_KV_TILE, run_end = (tile + b->runs[tile]) * FK_KV_TILE;
        size_t stop = run_end < end ? run_end : end;
        size_t offset = k % FK_KV_TILE * b->value_stride * fk_kv_element_bytes(b->type);
        gather_functions[b->type][count - 1](
            record + FK_RECORD_OUTPUT, c->record_floats, factors, weights + k,
            (const char *)b->values[tile] + offset, b->value_stride, width, stop - k);
        factors = ones;
        k = stop;
    }
}

/* Outputs of the rows row ..< row + count. Keys that only some of them see are added row
 * by row, so that no row touches a value behind its position. */
FK_LANE void gather_rows(const chunk *c, const block *b, float *records, size_t row,
                         size_t count) {
    size_t shared = seen_keys(c, row, b->begin);
    float *record = records + row * c->record_floats;
    gather_keys(c, b, record, c->factors + row, row, count, 0, shared);
    for (size_t r = 0; r < count; r++) {
        size_t keys = seen_keys(c, row + r, b->begin);
        if (keys > shared)
            gather_keys(c, b, record + r * c->record_floats, ones, row + r, 1, shared, keys);
    }
}

FK_TARGET static void take_block(chunk *c, float *records, size_t begin) {
    block b;
    size_t first = first_row(c, begin);
    find_block(&b, c, begin, seen_keys(c, c->rows - 1, begin), c->rows - first);
    for (size_t row = first; row < c->rows; row += FK_WIDE_ROWS) {
        size_t left = c->rows - row;
        score_rows(c, &b, row, left < FK_WIDE_ROWS ? left : FK_WIDE_ROWS);
    }
    weigh_rows(c, records, first, begin);
    for (size_t row = first; row < c->rows; row += FK_WIDE_ROWS) {
        size_t left = c->rows - row;
        gather_rows(c, &b, records, row, left < FK_WIDE_ROWS ? left : FK_WIDE_ROWS);
    }
}

/* Fills the records of the rows that reach the span. */
FK_TARGET static void take_span(chunk *c, float *records, size_t span) {
    size_t begin = span * FK_ATTENTION_SPAN, end = begin + FK_ATTENTION_SPAN;
    size_t first = first_row(c, begin);
    for (size_t row = 0; row < FK_ATTENTION_ROWS; row++) c->maxima[row] = -INFINITY;
    for (size_t i = first * c->record_floats; i < c->rows * c->record_floats; i += 16)
        v_store(records + i, v_zero());
    for (size_t block = begin; block < end && seen_keys(c, c->rows - 1, block) > 0;
         block += FK_ATTENTION_BLOCK)
        take_block(c, records, block);
    for (size_t row = first; row < c->rows; row++)
        records[row * c->record_floats + FK_RECORD_MAXIMUM] = c->maxima[row];
}

FK_TARGET static void merge(float *total, const float *part, size_t record_floats) {
    float m = fk_max1(total[FK_RECORD_MAXIMUM], part[FK_RECORD_MAXIMUM]);
    lanes a = v_weight(v_set(total[FK_RECORD_MAXIMUM] - m));
    lanes b = v_weight(v_set(part[FK_RECORD_MAXIMUM] - m));
    v_store(total, v_fma(v_load(part), b, v_mul(v_load(total), a)));
    total[FK_RECORD_MAXIMUM] = m;
    for (size_t i = FK_RECORD_OUTPUT; i < record_floats; i += 16)
        v_store(total + i, v_fma(v_load(part + i), b, v_mul(v_load(total + i), a)));
}

FK_TARGET static void finish(const fk_attention *a, const float *total, size_t t,
                             size_t head) {
    float l = v_halve(v_load(total));
    lanes inverse = v_div(v_set(1.0f), v_set(l));
    float *output = fk_attention_output(a, t, head);
    size_t width = a->cache.value_dim;
    for (size_t i = 0; i < width; i += 16)
        v_store_row(output, i, width,
                    v_add(v_mul(v_load(total + FK_RECORD_OUTPUT + i), inverse), v_zero()));
    float *logsumexp = fk_attention_logsumexp(a, t, head);
    if (logsumexp) *logsumexp = total[FK_RECORD_MAXIMUM] + fk_log1(l);
}

FK_LANE float *align64(float *p) { return (float *)(((uintptr_t)p + 63) / 64 * 64); }

/* A chunk without rows; *rest becomes the scratch after its own. */
FK_TARGET static void begin_chunk(chunk *c, const fk_attention *a, size_t head, float *scratch,
                                  float **rest) {
    c->attention = a;
    c->head = head;
    c->record_floats = fk_attend_record_floats(&a->cache);
    c->scores = align64(scratch);
    c->widened = c->scores + FK_ATTENTION_ROWS * FK_ATTENTION_BLOCK;
    *rest = c->widened +
            FK_ATTENTION_BLOCK * (a->cache.key_dim + fk_kv_round16(a->cache.value_dim));
}

FK_TARGET void FK_NAMED(attend)(const fk_attention *a, size_t query_begin, size_t query_end,
                                size_t head_begin, size_t head_end, float *scratch) {
    size_t row_end = query_end * a->group;
    for (size_t head = head_begin; head < head_end; head++) {
        chunk c;
        float *totals;
        begin_chunk(&c, a, head, scratch, &totals);
        float *parts = totals + FK_ATTENTION_ROWS * c.record_floats;
        for (size_t row = query_begin * a->group; row < row_end; row += FK_ATTENTION_ROWS) {
            size_t left = row_end - row;
            take_rows(&c, row, left < FK_ATTENTION_ROWS ? left : FK_ATTENTION_ROWS);
            take_span(&c, totals, 0);
            for (size_t span = 1; span * FK_ATTENTION_SPAN < c.seen[c.rows - 1]; span++) {
                take_span(&c, parts, span);
                for (size_t i = first_row(&c, span * FK_ATTENTION_SPAN); i < c.rows; i++)
                    merge(totals + i * c.record_floats, parts + i * c.record_floats,
                          c.record_floats);
            }
            for (size_t i = 0; i < c.rows; i++)
                finish(a, totals + i * c.record_floats, c.tokens[i], c.heads[i]);
        }
    }
}

FK_TARGET void FK_NAMED(attend_span)(float *records, const fk_attention *a, size_t query_begin,
                                     size_t query_end, size_t head, size_t span,
                                     float *scratch) {
    size_t first = query_begin * a->group, end = query_end * a->group;
    chunk c;
    float *rest;
    begin_chunk(&c, a, head, scratch, &rest);
    float *to = records + span * (end - first) * c.record_floats;
    for (size_t row = first; row < end; row += FK_ATTENTION_ROWS) {
        take_rows(&c, row, end - row < FK_ATTENTION_ROWS ? end - row : FK_ATTENTION_ROWS);
        if (span * FK_ATTENTION_SPAN < c.seen[c.rows - 1])
            take_span(&c, to + (row - first) * c.record_floats, span);
    }
}

FK_TARGET void FK_NAMED(attend_merge)(const fk_attention *a, float *records,
                                      size_t query_begin, size_t query_end, size_t head) {
    size_t floats = fk_attend_record_floats(&a->cache);
    size_t span_floats = (query_end - query_begin) * a->group * floats;
    for (size_t t = query_begin; t < query_end; t++) {
        size_t seen = fk_attention_seen(a, t);
        for (size_t g = 0; g < a->group; g++, records += floats) {
            for (size_t span = 1; span * FK_ATTENTION_SPAN < seen; span++)
                merge(records, records + span * span_floats, floats);
            finish(a, records, t, head * a->group + g);
        }
    }
}
