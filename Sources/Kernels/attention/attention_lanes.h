/* Attention over a paged cache, at one level.
 *
 * Rows are (query, head of the group) pairs of one key-value head, query-major: a chunk of
 * about 48 works on one block of 64 keys at a time, so that the block's keys stay in L1 for
 * the scores of all rows and then its values for all outputs. When many rows share
 * a block of 16-bit keys it is widened once; a few rows widen as they load. */

#include "tiles_lanes.h"

FK_EACH_ROWS(FK_SCORES, scores_f16, FK_KV_F16)
FK_EACH_ROWS(FK_GATHER_KEYS, gather_f16, FK_KV_F16)
FK_EACH_ROWS(FK_SCORES, scores_bf16, FK_KV_BF16)
FK_EACH_ROWS(FK_GATHER_KEYS, gather_bf16, FK_KV_BF16)

static score_function *const score_functions[3][FK_WIDE_ROWS] = {
    FK_NAMES(scores_f32), FK_NAMES(scores_f16), FK_NAMES(scores_bf16)};
static gather_function *const gather_functions[3][FK_WIDE_ROWS] = {
    FK_NAMES(gather_f32), FK_NAMES(gather_f16), FK_NAMES(gather_bf16)};

/* Rows from which on widening a block first is worth it. */
enum { WIDEN_ROWS = 2 * FK_WIDE_ROWS + 1, TILES = FK_ATTENTION_BLOCK / FK_KV_TILE };

typedef struct chunk {
    const fk_attention *attention;
    size_t head; /* of keys and values */
    size_t query_begin;
    size_t rows;
    size_t record_floats;
    float *scores;  /* [rows][FK_ATTENTION_BLOCK] */
    float *factors; /* [rows] */
    float *widened; /* one block of keys, then of values */
} chunk;

/* One block of keys and values, wherever it lies. */
typedef struct block {
    size_t begin;
    fk_kv_type type;
    const void *tiles[TILES];
    const void *values[TILES]; /* of each 16 positions */
    size_t runs[TILES];        /* 16s that follow each other in memory from here on */
} block;

/* How many keys from `begin` on row `row` sees, at most a block. */
FK_LANE size_t seen_keys(const chunk *c, size_t row, size_t begin) {
    size_t seen = c->attention->first_position + c->query_begin + row / c->attention->group + 1;
    if (seen <= begin) return 0;
    return seen - begin < FK_ATTENTION_BLOCK ? seen - begin : FK_ATTENTION_BLOCK;
}

/* The first row that sees the key at `begin`. */
FK_LANE size_t first_row(const chunk *c, size_t begin) {
    size_t position = c->attention->first_position + c->query_begin;
    return begin <= position ? 0 : (begin - position) * c->attention->group;
}

FK_TARGET static void widen(float *to, const void *from, size_t count, fk_kv_type type) {
    if (type == FK_KV_F16)
        for (size_t i = 0; i < count; i += 16) v_store(to + i, v_load_kv(from, i, FK_KV_F16));
    else
        for (size_t i = 0; i < count; i += 16) v_store(to + i, v_load_kv(from, i, FK_KV_BF16));
}

/* Finds, and for many rows widens, the tiles of the block that hold `keys` keys. */
FK_TARGET static void find_block(block *b, const chunk *c, size_t begin, size_t keys,
                                 size_t rows) {
    const fk_kv_cache *cache = &c->attention->cache;
    size_t width = fk_kv_round16(cache->value_dim);
    b->begin = begin;
    b->type = cache->type;
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
    const float *queries[FK_WIDE_ROWS];
    for (size_t r = 0; r < count; r++)
        queries[r] = fk_attention_query(a, c->query_begin + (row + r) / a->group,
                                        c->head * a->group + (row + r) % a->group);
    size_t keys = seen_keys(c, row + count - 1, b->begin);
    score_functions[b->type][count - 1](c->scores + row * FK_ATTENTION_BLOCK, queries, b->tiles,
                                        (keys + FK_KV_TILE - 1) / FK_KV_TILE, a->cache.key_dim,
                                        a->scale);
}

/* Turns a row of scores into weights and updates l and m of its record. */
FK_LANE void weigh_row(const chunk *c, float *record, size_t row, size_t keys) {
    float *scores = c->scores + row * FK_ATTENTION_BLOCK;
    lanes s[TILES];
#pragma clang loop unroll(full)
    for (int i = 0; i < TILES; i++) s[i] = v_load(scores + i * 16);
    if (keys < FK_ATTENTION_BLOCK) {
#pragma clang loop unroll(full)
        for (int i = 0; i < TILES; i++) {
            size_t there = v_remaining(keys, (size_t)i * 16);
            mask_lanes seen = v_less(v_set(0), v_keep_first(v_set(1), there));
            s[i] = v_select(seen, s[i], v_set(-INFINITY));
        }
    }
    float m_old = record[FK_RECORD_MAXIMUM];
    float m = fk_max1(v_largest(v_max(v_max(s[0], s[1]), v_max(s[2], s[3]))), m_old);
#pragma clang loop unroll(full)
    for (int i = 0; i < TILES; i++) {
        s[i] = v_exp(v_sub(s[i], v_set(m)));
        v_store(scores + i * 16, s[i]);
    }
    float shrink = m == m_old ? 1.0f : v_lane0(v_exp(v_set(m_old - m)));
    lanes sum = v_add(v_add(s[0], s[1]), v_add(s[2], s[3]));
    v_store(record, v_fma(v_load(record), v_set(shrink), sum));
    record[FK_RECORD_MAXIMUM] = m;
    c->factors[row] = shrink;
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
        size_t offset = k % FK_KV_TILE * width * fk_kv_element_bytes(b->type);
        gather_functions[b->type][count - 1](
            record + FK_RECORD_OUTPUT, c->record_floats, factors, weights + k,
            (const char *)b->values[tile] + offset, width, width, stop - k);
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

FK_TARGET static void take_block(const chunk *c, float *records, size_t begin) {
    block b;
    size_t first = first_row(c, begin);
    find_block(&b, c, begin, seen_keys(c, c->rows - 1, begin), c->rows - first);
    for (size_t row = first; row < c->rows; row += FK_WIDE_ROWS) {
        size_t left = c->rows - row;
        score_rows(c, &b, row, left < FK_WIDE_ROWS ? left : FK_WIDE_ROWS);
    }
    for (size_t row = first; row < c->rows; row++)
        weigh_row(c, records + row * c->record_floats, row, seen_keys(c, row, begin));
    for (size_t row = first; row < c->rows; row += FK_WIDE_ROWS) {
        size_t left = c->rows - row;
        gather_rows(c, &b, records, row, left < FK_WIDE_ROWS ? left : FK_WIDE_ROWS);
    }
}

/* Fills the records of the rows that reach the span. */
FK_TARGET static void take_span(const chunk *c, float *records, size_t span) {
    size_t begin = span * FK_ATTENTION_SPAN, end = begin + FK_ATTENTION_SPAN;
    for (size_t row = first_row(c, begin); row < c->rows; row++) {
        float *record = records + row * c->record_floats;
        for (size_t i = 0; i < c->record_floats; i += 16) v_store(record + i, v_zero());
        record[FK_RECORD_MAXIMUM] = -INFINITY;
    }
    for (size_t block = begin; block < end && seen_keys(c, c->rows - 1, block) > 0;
         block += FK_ATTENTION_BLOCK)
        take_block(c, records, block);
}

FK_TARGET static void merge(float *total, const float *part, size_t record_floats) {
    float m = fk_max1(total[FK_RECORD_MAXIMUM], part[FK_RECORD_MAXIMUM]);
    lanes a = v_exp(v_set(total[FK_RECORD_MAXIMUM] - m));
    lanes b = v_exp(v_set(part[FK_RECORD_MAXIMUM] - m));
    v_store(total, v_fma(v_load(part), b, v_mul(v_load(total), a)));
    total[FK_RECORD_MAXIMUM] = m;
    for (size_t i = FK_RECORD_OUTPUT; i < record_floats; i += 16)
        v_store(total + i, v_fma(v_load(part + i), b, v_mul(v_load(total + i), a)));
}

FK_TARGET static void finish(const chunk *c, const float *total, size_t row) {
    const fk_attention *a = c->attention;
    size_t t = c->query_begin + row / a->group, head = c->head * a->group + row % a->group;
    float l = v_halve(v_load(total));
    lanes inverse = v_div(v_set(1.0f), v_set(l));
    float *output = fk_attention_output(a, t, head);
    size_t width = a->cache.value_dim;
    for (size_t i = 0; i < width; i += 16) {
        lanes y = v_add(v_mul(v_load(total + FK_RECORD_OUTPUT + i), inverse), v_zero());
        if (width - i < 16)
            v_store_first(output + i, y, width - i);
        else
            v_store(output + i, y);
    }
    float *logsumexp = fk_attention_logsumexp(a, t, head);
    if (logsumexp) *logsumexp = total[FK_RECORD_MAXIMUM] + fk_log1(l);
}

/* A chunk whose scratch follows `scratch`, 64-byte aligned where the records allow. */
FK_TARGET static chunk make_chunk(const fk_attention *a, size_t head, float *scratch) {
    size_t most_rows = fk_attention_chunk(a->group) * a->group;
    chunk c = {.attention = a, .head = head};
    c.record_floats = fk_attend_record_floats(&a->cache);
    c.scores = scratch;
    c.widened = c.scores + most_rows * FK_ATTENTION_BLOCK;
    c.factors = c.widened +
                FK_ATTENTION_BLOCK * (a->cache.key_dim + fk_kv_round16(a->cache.value_dim));
    return c;
}

/* Past the scratch of make_chunk. */
FK_LANE float *after_chunk(const chunk *c) {
    return c->factors + fk_kv_round16(fk_attention_chunk(c->attention->group) *
                                      c->attention->group);
}

FK_LANE float *align64(float *p) {
    return (float *)(((uintptr_t)p + 63) / 64 * 64);
}

FK_TARGET void FK_NAMED(attend)(const fk_attention *a, size_t query_begin, size_t query_end,
                                size_t head_begin, size_t head_end, float *scratch) {
    size_t step = fk_attention_chunk(a->group);
    for (size_t head = head_begin; head < head_end; head++) {
        chunk c = make_chunk(a, head, align64(scratch));
        float *totals = after_chunk(&c), *parts = totals + step * a->group * c.record_floats;
        for (size_t t = query_begin; t < query_end; t += step) {
            size_t queries = query_end - t < step ? query_end - t : step;
            c.query_begin = t;
            c.rows = queries * a->group;
            size_t seen = a->first_position + t + queries;
            take_span(&c, totals, 0);
            for (size_t span = 1; span * FK_ATTENTION_SPAN < seen; span++) {
                take_span(&c, parts, span);
                for (size_t row = first_row(&c, span * FK_ATTENTION_SPAN); row < c.rows; row++)
                    merge(totals + row * c.record_floats, parts + row * c.record_floats,
                          c.record_floats);
            }
            for (size_t row = 0; row < c.rows; row++)
                finish(&c, totals + row * c.record_floats, row);
        }
    }
}

FK_TARGET void FK_NAMED(attend_span)(float *records, const fk_attention *a, size_t query_begin,
                                     size_t query_end, size_t head, size_t span,
                                     float *scratch) {
    size_t step = fk_attention_chunk(a->group);
    chunk c = make_chunk(a, head, align64(scratch));
    float *to = records + span * (query_end - query_begin) * a->group * c.record_floats;
    for (size_t t = query_begin; t < query_end; t += step) {
        size_t queries = query_end - t < step ? query_end - t : step;
        c.query_begin = t;
        c.rows = queries * a->group;
        if (a->first_position + t + queries > span * FK_ATTENTION_SPAN)
            take_span(&c, to + (t - query_begin) * a->group * c.record_floats, span);
    }
}

FK_TARGET void FK_NAMED(attend_merge)(const fk_attention *a, float *records,
                                      size_t query_begin, size_t query_end, size_t head) {
    chunk c = {.attention = a, .head = head, .query_begin = query_begin};
    c.rows = (query_end - query_begin) * a->group;
    c.record_floats = fk_attend_record_floats(&a->cache);
    for (size_t row = 0; row < c.rows; row++) {
        float *total = records + row * c.record_floats;
        for (size_t span = 1; first_row(&c, span * FK_ATTENTION_SPAN) <= row; span++)
            merge(total, total + span * c.rows * c.record_floats, c.record_floats);
        finish(&c, total, row);
    }
}
