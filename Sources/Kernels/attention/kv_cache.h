/* Where a position's keys and values lie in the pages (fk_kv_cache in fk_nn.h). */
#ifndef FK_KV_CACHE_H
#define FK_KV_CACHE_H

#include "../include/fk_nn.h"

/* Positions in one transposed tile of keys. */
#define FK_KV_TILE 16

static inline size_t fk_kv_element_bytes(fk_kv_type type) { return type == FK_KV_F32 ? 4 : 2; }

static inline size_t fk_kv_round16(size_t count) { return (count + 15) / 16 * 16; }

/* Elements from one value row to the next. */
static inline size_t fk_kv_row_elements(const fk_kv_cache *cache) {
    return fk_kv_round16(cache->values_in_keys ? cache->key_dim : cache->value_dim);
}

/* Elements of one page before the values begin. */
static inline size_t fk_kv_key_elements(const fk_kv_cache *cache) {
    if (cache->values_in_keys) return 0;
    return cache->key_value_heads * cache->page_length * cache->key_dim;
}

/* The tile [key_dim][16] of keys that holds `position`; not of a cache with values in its
 * keys, whose value rows are whole keys. */
static inline void *fk_kv_key_tile(const fk_kv_cache *cache, size_t head, size_t position) {
    size_t in_page = position % cache->page_length / FK_KV_TILE * FK_KV_TILE;
    size_t element = (head * cache->page_length + in_page) * cache->key_dim;
    return (char *)cache->pages[position / cache->page_length] + cache->page_offset +
           element * fk_kv_element_bytes(cache->type);
}

/* The value row at `position`; the following rows of its page follow it. */
static inline void *fk_kv_value_row(const fk_kv_cache *cache, size_t head, size_t position) {
    size_t row = head * cache->page_length + position % cache->page_length;
    size_t element = fk_kv_key_elements(cache) + row * fk_kv_row_elements(cache);
    return (char *)cache->pages[position / cache->page_length] + cache->page_offset +
           element * fk_kv_element_bytes(cache->type);
}

/* One element of keys or values, widened, and element `d` of a key: for reference code. */
float fk_kv_element(const void *base, size_t index, fk_kv_type type);
float fk_kv_key_element(const fk_kv_cache *cache, size_t head, size_t position, size_t d);

#endif
