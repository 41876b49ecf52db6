/* Writing keys and values into pages: a whole tile of 16 positions is transposed in
 * registers, single positions are scattered. */

FK_LANE void store_kv(void *base, size_t index, lanes x, fk_kv_type type) {
    if (type == FK_KV_F32) {
        v_store((float *)base + index, x);
    } else if (type == FK_KV_F16) {
        v_store_f16((uint16_t *)base + index, x);
    } else {
        float wide[16];
        v_store(wide, x);
        for (int i = 0; i < 16; i++) ((uint16_t *)base)[index + (size_t)i] = fk_to_bf16(wide[i]);
    }
}

/* One key into column `column` of its tile. */
FK_LANE void scatter_key(void *tile, size_t column, const float *key, size_t key_dim,
                         fk_kv_type type) {
    for (size_t d = 0; d < key_dim; d += 16) {
        size_t count = v_remaining(key_dim, d);
        lanes x = v_load_first(key + d, count);
        if (type == FK_KV_F32) {
            float stored[16];
            v_store(stored, x);
            for (size_t i = 0; i < count; i++)
                ((float *)tile)[(d + i) * FK_KV_TILE + column] = stored[i];
        } else {
            uint16_t stored[16];
            store_kv(stored, 0, x, type);
            for (size_t i = 0; i < count; i++)
                ((uint16_t *)tile)[(d + i) * FK_KV_TILE + column] = stored[i];
        }
    }
}

/* Sixteen keys, `stride` elements apart, into a whole tile. */
FK_LANE void transpose_keys(void *tile, const float *keys, size_t stride, size_t key_dim,
                            fk_kv_type type) {
    for (size_t d = 0; d < key_dim; d += 16) {
        size_t count = v_remaining(key_dim, d);
        lanes x[16];
        for (size_t i = 0; i < 16; i++)
            x[i] = count == 16 ? v_load(keys + i * stride + d)
                               : v_load_first(keys + i * stride + d, count);
        v_transpose(x);
        for (size_t i = 0; i < count; i++) store_kv(tile, (d + i) * FK_KV_TILE, x[i], type);
    }
}

FK_LANE void store_value(void *row, const float *value, size_t value_dim, fk_kv_type type) {
    for (size_t d = 0; d < value_dim; d += 16) {
        size_t count = v_remaining(value_dim, d);
        lanes x = count == 16 ? v_load(value + d) : v_load_first(value + d, count);
        store_kv(row, d, x, type);
    }
}

FK_LANE void store_head(const fk_kv_cache *cache, size_t head, const float *keys,
                        size_t keys_stride, const float *values, size_t values_stride,
                        size_t first, size_t count, fk_kv_type type) {
    for (size_t i = 0; i < count;) {
        size_t position = first + i, column = position % FK_KV_TILE;
        if (cache->values_in_keys) {
            store_value(fk_kv_value_row(cache, head, position),
                        keys + i * keys_stride + head * cache->key_dim, cache->key_dim, type);
            i++;
            continue;
        }
        size_t taken = count - i < FK_KV_TILE - column ? count - i : FK_KV_TILE - column;
        void *tile = fk_kv_key_tile(cache, head, position);
        const float *key = keys + i * keys_stride + head * cache->key_dim;
        if (taken == FK_KV_TILE)
            transpose_keys(tile, key, keys_stride, cache->key_dim, type);
        else
            for (size_t j = 0; j < taken; j++)
                scatter_key(tile, column + j, key + j * keys_stride, cache->key_dim, type);
        char *row = fk_kv_value_row(cache, head, position);
        size_t row_bytes = fk_kv_round16(cache->value_dim) * fk_kv_element_bytes(type);
        for (size_t j = 0; j < taken; j++)
            store_value(row + j * row_bytes,
                        values + (i + j) * values_stride + head * cache->value_dim,
                        cache->value_dim, type);
        i += taken;
    }
}

FK_TARGET void FK_NAMED(kv_store)(const fk_kv_cache *cache, const float *keys,
                                  size_t keys_stride, const float *values,
                                  size_t values_stride, size_t first, size_t count,
                                  size_t head_begin, size_t head_end) {
    for (size_t head = head_begin; head < head_end; head++) {
        if (cache->type == FK_KV_F32)
            store_head(cache, head, keys, keys_stride, values, values_stride, first, count,
                       FK_KV_F32);
        else if (cache->type == FK_KV_F16)
            store_head(cache, head, keys, keys_stride, values, values_stride, first, count,
                       FK_KV_F16);
        else
            store_head(cache, head, keys, keys_stride, values, values_stride, first, count,
                       FK_KV_BF16);
    }
}
