#include "attention.h"

#include "../lanes/variants.h"

size_t fk_attend_record_floats(const fk_kv_cache *cache) {
    return FK_RECORD_OUTPUT + fk_kv_round16(cache->value_dim);
}

size_t fk_attend_scratch_floats(const fk_kv_cache *cache, size_t group) {
    (void)group; /* rows are taken in chunks of one size, whatever the group */
    size_t records = 2 * FK_ATTENTION_ROWS * fk_attend_record_floats(cache);
    size_t scores = FK_ATTENTION_ROWS * FK_ATTENTION_BLOCK;
    size_t block = FK_ATTENTION_BLOCK * (cache->key_dim + fk_kv_round16(cache->value_dim));
    return records + scores + block + 16;
}

size_t fk_attend_backward_scratch_floats(const fk_attention_gradient *gradient) {
    size_t key_dim = fk_kv_round16(gradient->key_dim);
    size_t value_dim = fk_kv_round16(gradient->value_dim);
    size_t wider = key_dim > value_dim ? key_dim : value_dim;
    /* A block of keys plain and transposed, of values transposed, and their gradients; a tile
     * of queries and of output gradients; a share of a gradient; p and ds; the deltas. */
    return FK_ATTENTION_BLOCK * (4 * key_dim + 3 * value_dim + wider) +
           2 * FK_ATTENTION_BLOCK * FK_ATTENTION_BLOCK + gradient->tokens * gradient->group + 16;
}

FK_OPERATION(kv_store, FK_NN_VARIANTS,
             (const fk_kv_cache *cache, const float *keys, size_t keys_stride,
              const float *values, size_t values_stride, size_t first, size_t count,
              size_t head_begin, size_t head_end),
             (cache, keys, keys_stride, values, values_stride, first, count, head_begin,
              head_end))
FK_OPERATION(attend, FK_NN_VARIANTS,
             (const fk_attention *attention, size_t query_begin, size_t query_end,
              size_t head_begin, size_t head_end, float *scratch),
             (attention, query_begin, query_end, head_begin, head_end, scratch))
FK_OPERATION(attend_span, FK_NN_VARIANTS,
             (float *records, const fk_attention *attention, size_t query_begin,
              size_t query_end, size_t head, size_t span, float *scratch),
             (records, attention, query_begin, query_end, head, span, scratch))
FK_OPERATION(attend_merge, FK_NN_VARIANTS,
             (const fk_attention *attention, float *records, size_t query_begin,
              size_t query_end, size_t head),
             (attention, records, query_begin, query_end, head))
FK_OPERATION(attend_backward, FK_NN_VARIANTS,
             (const fk_attention_gradient *gradient, size_t head_begin, size_t head_end,
              float *scratch),
             (gradient, head_begin, head_end, scratch))
