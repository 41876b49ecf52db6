#include "kv_cache.h"

#include "../lanes/scalar.h"

size_t fk_kv_page_bytes(const fk_kv_cache *cache) {
    if (cache->page_length == 0 || cache->page_length % FK_KV_TILE != 0) return 0;
    if (cache->key_value_heads == 0 || cache->key_dim == 0 || cache->value_dim == 0) return 0;
    if (cache->type != FK_KV_F32 && cache->type != FK_KV_F16 && cache->type != FK_KV_BF16)
        return 0;
    if (cache->value_dim > SIZE_MAX - 15 || cache->key_dim > SIZE_MAX - 15) return 0;
    if (cache->values_in_keys && cache->value_dim > cache->key_dim) return 0;
    size_t tile_width = cache->values_in_keys ? 0 : cache->key_dim;
    size_t width, rows, bytes;
    if (__builtin_add_overflow(tile_width, fk_kv_row_elements(cache), &width) ||
        __builtin_mul_overflow(cache->key_value_heads, cache->page_length, &rows) ||
        __builtin_mul_overflow(rows, width, &bytes) ||
        __builtin_mul_overflow(bytes, fk_kv_element_bytes(cache->type), &bytes) ||
        bytes > SIZE_MAX - 63)
        return 0;
    return (bytes + 63) / 64 * 64;
}

float fk_kv_element(const void *base, size_t index, fk_kv_type type) {
    if (type == FK_KV_F32) return ((const float *)base)[index];
    uint16_t half = ((const uint16_t *)base)[index];
    return type == FK_KV_F16 ? fk_from_f16(half) : fk_from_bf16(half);
}

float fk_kv_key_element(const fk_kv_cache *cache, size_t head, size_t position, size_t d) {
    if (cache->values_in_keys)
        return fk_kv_element(fk_kv_value_row(cache, head, position), d, cache->type);
    return fk_kv_element(fk_kv_key_tile(cache, head, position),
                         d * FK_KV_TILE + position % FK_KV_TILE, cache->type);
}

void fk_kv_load(float *keys, size_t keys_stride, float *values, size_t values_stride,
                const fk_kv_cache *cache, size_t first, size_t count) {
    size_t key_dim = cache->key_dim, value_dim = cache->value_dim;
    for (size_t i = 0; i < count; i++) {
        size_t position = first + i;
        for (size_t head = 0; head < cache->key_value_heads; head++) {
            for (size_t d = 0; keys && d < key_dim; d++)
                keys[i * keys_stride + head * key_dim + d] =
                    fk_kv_key_element(cache, head, position, d);
            const void *row = fk_kv_value_row(cache, head, position);
            for (size_t d = 0; values && d < value_dim; d++)
                values[i * values_stride + head * value_dim + d] =
                    fk_kv_element(row, d, cache->type);
        }
    }
}
