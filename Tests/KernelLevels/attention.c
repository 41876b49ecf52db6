#include "compare.h"

typedef struct shape {
    size_t first, queries, heads, group, key_dim, value_dim, page_length;
    int values_in_keys;
} shape;

static const shape shapes[] = {
    {0, 1, 1, 1, 8, 8, 16, 0},      {0, 17, 2, 2, 33, 20, 16, 0},  {63, 5, 1, 3, 64, 48, 64, 0},
    {200, 1, 2, 9, 24, 16, 64, 0},  {510, 20, 1, 2, 16, 31, 96, 0}, {0, 130, 1, 1, 64, 64, 64, 0},
    {1030, 3, 1, 1, 40, 40, 64, 0}, {70, 9, 1, 4, 72, 64, 64, 1},  {515, 2, 1, 13, 36, 30, 48, 1},
};

/* Pages that hold `positions` of a cache, and its shape. */
static fk_kv_cache cache_of(shape s, fk_kv_type type, size_t positions) {
    size_t pages = (positions + s.page_length - 1) / s.page_length;
    fk_kv_cache cache = {.page_offset = 0,
                         .page_length = s.page_length,
                         .key_value_heads = s.heads,
                         .key_dim = s.key_dim,
                         .value_dim = s.value_dim,
                         .type = type,
                         .values_in_keys = s.values_in_keys};
    size_t page_bytes = fk_kv_page_bytes(&cache);
    uint8_t *memory = aligned_buffer(pages * page_bytes);
    memset(memory, 0, pages * page_bytes);
    void **list = buffer(pages * sizeof *list);
    for (size_t i = 0; i < pages; i++) list[i] = memory + i * page_bytes;
    cache.pages = list;
    return cache;
}

static void forward(shape s, fk_kv_type type) {
    size_t positions = s.first + s.queries, heads = s.heads * s.group;
    size_t keys_width = s.heads * s.key_dim, values_width = s.heads * s.value_dim;
    begin_case();
    describe("%zu queries at %zu, keys of %zu, values of %zu, type %d", s.queries, s.first,
             s.key_dim, s.value_dim, (int)type);
    float *keys = floats(positions * keys_width, 2);
    float *values = floats(positions * values_width, 2);
    fk_kv_cache cache = cache_of(s, type, positions);
    size_t page_bytes = fk_kv_page_bytes(&cache);
    size_t pages = (positions + s.page_length - 1) / s.page_length;
    byte_output_at(cache.pages[0], pages * page_bytes);
    static const size_t pieces[] = {1, 5, 16, 33, 2000};
    for (int i = 0; i < 5; i++)
        COMPARE(kv_store, {
            for (size_t begin = 0; begin < positions; begin += pieces[i]) {
                size_t left = positions - begin;
                fk_kv_store(&cache, keys + begin * keys_width, keys_width,
                            values + begin * values_width, values_width, begin,
                            left < pieces[i] ? left : pieces[i], 0, s.heads);
            }
        });
    float *queries = floats(s.queries * heads * s.key_dim, 2);
    float *outputs = float_output(s.queries * heads * s.value_dim);
    float *logsumexps = float_output(s.queries * heads);
    fk_attention a = {.cache = cache,
                      .queries = queries,
                      .queries_stride = heads * s.key_dim,
                      .outputs = outputs,
                      .outputs_stride = heads * s.value_dim,
                      .logsumexps = logsumexps,
                      .group = s.group,
                      .first_position = s.first,
                      .scale = 0.3f};
    float *scratch = buffer(4 * fk_attend_scratch_floats(&cache, s.group));
    size_t spans = (positions + FK_ATTENTION_SPAN - 1) / FK_ATTENTION_SPAN;
    float *records =
        buffer(4 * spans * s.queries * s.group * fk_attend_record_floats(&cache) + 64);
    /* The pages are an output too: what restoring takes away is stored again. */
    COMPARE(attend, {
        fk_kv_store(&cache, keys, keys_width, values, values_width, 0, positions, 0, s.heads);
        fk_attend(&a, 0, s.queries, 0, s.heads, scratch);
    });
    COMPARE(attend_span, {
        fk_kv_store(&cache, keys, keys_width, values, values_width, 0, positions, 0, s.heads);
        for (size_t head = 0; head < s.heads; head++) {
            for (size_t span = 0; span < spans; span++)
                fk_attend_span(records, &a, 0, s.queries, head, span, scratch);
            fk_attend_merge(&a, records, 0, s.queries, head);
        }
    });
}

static void backward(shape s) {
    size_t heads = s.heads * s.group, tokens = s.queries;
    size_t keys = tokens * s.heads * s.key_dim, values = tokens * s.heads * s.value_dim;
    begin_case();
    describe("%zu tokens, keys of %zu, values of %zu", tokens, s.key_dim, s.value_dim);
    fk_attention_gradient g = {.queries = floats(tokens * heads * s.key_dim, 1),
                               .keys = floats(keys, 1),
                               .values = floats(values, 1),
                               .outputs = floats(tokens * heads * s.value_dim, 1),
                               .doutputs = floats(tokens * heads * s.value_dim, 1),
                               .logsumexps = floats(tokens * heads, 5),
                               .dqueries = float_output(tokens * heads * s.key_dim),
                               .dkeys = float_output(keys),
                               .dvalues = float_output(values),
                               .tokens = tokens,
                               .key_value_heads = s.heads,
                               .group = s.group,
                               .key_dim = s.key_dim,
                               .value_dim = s.value_dim,
                               .scale = 0.3f};
    float *scratch = buffer(4 * fk_attend_backward_scratch_floats(&g));
    COMPARE(attend_backward, fk_attend_backward(&g, 0, s.heads, scratch));
}

void compare_attention(void) {
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        forward(shapes[i], FK_KV_F32);
        forward(shapes[i], FK_KV_F16);
        forward(shapes[i], FK_KV_BF16);
        if (shapes[i].first == 0) backward(shapes[i]);
    }
}
