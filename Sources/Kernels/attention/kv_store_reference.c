#include "kv_cache.h"

#include "../lanes/scalar.h"

static void store(void *base, size_t index, float x, fk_kv_type type) {
    if (type == FK_KV_F32)
        ((float *)base)[index] = x;
    else
        ((uint16_t *)base)[index] = type == FK_KV_F16 ? fk_to_f16(x) : fk_to_bf16(x);
}

void fk_kv_store_reference(const fk_kv_cache *cache, const float *keys, size_t keys_stride,
                           const float *values, size_t values_stride, size_t first,
                           size_t count, size_t head_begin, size_t head_end) {
    size_t key_dim = cache->key_dim, value_dim = cache->value_dim;
    for (size_t i = 0; i < count; i++) {
        size_t position = first + i;
        for (size_t head = head_begin; head < head_end; head++) {
            const float *key = keys + i * keys_stride + head * key_dim;
            const float *value = values + i * values_stride + head * value_dim;
            void *row = fk_kv_value_row(cache, head, position);
            if (cache->values_in_keys) {
                FK_SCALAR_LOOP
                for (size_t d = 0; d < fk_kv_row_elements(cache); d++)
                    store(row, d, d < key_dim ? key[d] : 0, cache->type);
                continue;
            }
            void *tile = fk_kv_key_tile(cache, head, position);
            FK_SCALAR_LOOP
            for (size_t d = 0; d < key_dim; d++)
                store(tile, d * FK_KV_TILE + position % FK_KV_TILE, key[d], cache->type);
            FK_SCALAR_LOOP
            for (size_t d = 0; d < fk_kv_round16(value_dim); d++)
                store(row, d, d < value_dim ? value[d] : 0, cache->type);
        }
    }
}
