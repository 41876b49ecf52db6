#include "attention.h"

#include "../lanes/scalar.h"

#pragma STDC FP_CONTRACT OFF

/* l, m and o of nothing. */
static void clear(float *record, size_t value_dim) {
    memset(record, 0, (FK_RECORD_OUTPUT + fk_kv_round16(value_dim)) * sizeof *record);
    record[FK_RECORD_MAXIMUM] = -INFINITY;
}

/* Takes the keys begin ..< end, which lie in one block, into the record. */
static void take_block(float *record, const fk_kv_cache *cache, const float *query,
                       size_t head, size_t begin, size_t end, float scale) {
    float p[FK_ATTENTION_BLOCK] = {0};
    float m = record[FK_RECORD_MAXIMUM], m_old = m;
    for (size_t j = begin; j < end; j++) {
        float dot = 0;
        FK_SCALAR_LOOP
        for (size_t d = 0; d < cache->key_dim; d++)
            dot = fmaf(query[d], fk_kv_key_element(cache, head, j, d), dot);
        p[j - begin] = dot * scale;
        m = fk_max1(p[j - begin], m);
    }
    FK_SCALAR_LOOP
    for (size_t j = 0; j < end - begin; j++) p[j] = fk_weight1(p[j] - m);
    float shrink = fk_weight1(m_old - m);
    record[FK_RECORD_MAXIMUM] = m;
    FK_SCALAR_LOOP
    for (size_t j = 0; j < 16; j++)
        record[j] = fmaf(record[j], shrink, (p[j] + p[j + 16]) + (p[j + 32] + p[j + 48]));
    float *output = record + FK_RECORD_OUTPUT;
    FK_SCALAR_LOOP
    for (size_t d = 0; d < cache->value_dim; d++) output[d] = output[d] * shrink;
    for (size_t j = begin; j < end; j++) {
        const void *row = fk_kv_value_row(cache, head, j);
        FK_SCALAR_LOOP
        for (size_t d = 0; d < cache->value_dim; d++)
            output[d] = fmaf(p[j - begin], fk_kv_element(row, d, cache->type), output[d]);
    }
}

/* The keys of one span that a query which sees `seen` keys may use. */
static void take_span(float *record, const fk_attention *a, size_t t, size_t head, size_t span,
                      size_t seen) {
    size_t begin = span * FK_ATTENTION_SPAN;
    size_t end = seen < begin + FK_ATTENTION_SPAN ? seen : begin + FK_ATTENTION_SPAN;
    clear(record, a->cache.value_dim);
    for (size_t block = begin; block < end; block += FK_ATTENTION_BLOCK) {
        size_t block_end = end < block + FK_ATTENTION_BLOCK ? end : block + FK_ATTENTION_BLOCK;
        take_block(record, &a->cache, fk_attention_query(a, t, head), head / a->group, block,
                   block_end, a->scale);
    }
}

/* Joins the record `part` into `total`. */
static void merge(float *total, const float *part, size_t value_dim) {
    float m = fk_max1(total[FK_RECORD_MAXIMUM], part[FK_RECORD_MAXIMUM]);
    float a = fk_weight1(total[FK_RECORD_MAXIMUM] - m), b = fk_weight1(part[FK_RECORD_MAXIMUM] - m);
    FK_SCALAR_LOOP
    for (size_t j = 0; j < 16; j++) total[j] = fmaf(part[j], b, total[j] * a);
    total[FK_RECORD_MAXIMUM] = m;
    FK_SCALAR_LOOP
    for (size_t d = FK_RECORD_OUTPUT; d < FK_RECORD_OUTPUT + value_dim; d++)
        total[d] = fmaf(part[d], b, total[d] * a);
}

static void finish(const fk_attention *a, const float *total, size_t t, size_t head) {
    float l = fk_halve16(total), inverse = 1.0f / l;
    float *output = fk_attention_output(a, t, head);
    FK_SCALAR_LOOP
    for (size_t d = 0; d < a->cache.value_dim; d++)
        output[d] = total[FK_RECORD_OUTPUT + d] * inverse + 0.0f;
    float *logsumexp = fk_attention_logsumexp(a, t, head);
    if (logsumexp) *logsumexp = total[FK_RECORD_MAXIMUM] + fk_log1(l);
}

void fk_attend_reference(const fk_attention *a, size_t query_begin, size_t query_end,
                         size_t head_begin, size_t head_end, float *scratch) {
    size_t floats = fk_attend_record_floats(&a->cache);
    float *total = scratch, *part = scratch + floats;
    for (size_t head = head_begin * a->group; head < head_end * a->group; head++) {
        for (size_t t = query_begin; t < query_end; t++) {
            size_t seen = fk_attention_seen(a, t);
            take_span(total, a, t, head, 0, seen);
            for (size_t span = 1; span * FK_ATTENTION_SPAN < seen; span++) {
                take_span(part, a, t, head, span, seen);
                merge(total, part, a->cache.value_dim);
            }
            finish(a, total, t, head);
        }
    }
}

void fk_attend_span_reference(float *records, const fk_attention *a, size_t query_begin,
                              size_t query_end, size_t head, size_t span, float *scratch) {
    (void)scratch;
    size_t floats = fk_attend_record_floats(&a->cache);
    float *record = records + span * (query_end - query_begin) * a->group * floats;
    for (size_t t = query_begin; t < query_end; t++) {
        size_t seen = fk_attention_seen(a, t);
        for (size_t g = 0; g < a->group; g++, record += floats)
            if (span * FK_ATTENTION_SPAN < seen)
                take_span(record, a, t, head * a->group + g, span, seen);
    }
}

void fk_attend_merge_reference(const fk_attention *a, float *records, size_t query_begin,
                               size_t query_end, size_t head) {
    size_t floats = fk_attend_record_floats(&a->cache);
    size_t span_floats = (query_end - query_begin) * a->group * floats;
    for (size_t t = query_begin; t < query_end; t++) {
        size_t seen = fk_attention_seen(a, t);
        for (size_t g = 0; g < a->group; g++, records += floats) {
            for (size_t span = 1; span * FK_ATTENTION_SPAN < seen; span++)
                merge(records, records + span * span_floats, a->cache.value_dim);
            finish(a, records, t, head * a->group + g);
        }
    }
}
