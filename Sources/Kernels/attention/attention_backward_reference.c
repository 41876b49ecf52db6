#include "attention.h"

#include "../lanes/scalar.h"

#pragma STDC FP_CONTRACT OFF

/* With s = scale q k, p = exp(s - logsumexp), dp = do v and delta = do o:
 *
 *     ds = p (dp - delta) scale     dq = ds k     dk = ds q     dv = p do
 *
 * in tiles of 64 queries by 64 keys. A tile's share of each gradient is a chain of fma from
 * zero, in rising order of the summed index; shares are added by rising block of keys (dq), by
 * rising head of the group and then tile of queries (dk, dv). */

enum { TILE = FK_ATTENTION_BLOCK };

typedef struct tile {
    size_t query_begin, query_end, key_begin, key_end;
    float p[TILE][TILE], ds[TILE][TILE];
} tile;

static float chain(const float *a, const float *b, size_t count) {
    float sum = 0;
    FK_SCALAR_LOOP
    for (size_t d = 0; d < count; d++) sum = fmaf(a[d], b[d], sum);
    return sum;
}

/* p and ds of the tile, zero where the query does not see the key. */
static void fill(tile *tile, const fk_attention_gradient *a, size_t head, size_t kv_head) {
    size_t heads = a->key_value_heads * a->group;
    for (size_t t = tile->query_begin; t < tile->query_end; t++) {
        const float *query = a->queries + (t * heads + head) * a->key_dim;
        const float *output = a->outputs + (t * heads + head) * a->value_dim;
        const float *doutput = a->doutputs + (t * heads + head) * a->value_dim;
        float delta = fk_dot1(doutput, output, a->value_dim);
        for (size_t j = tile->key_begin; j < tile->key_end; j++) {
            const float *key = a->keys + (j * a->key_value_heads + kv_head) * a->key_dim;
            const float *value = a->values + (j * a->key_value_heads + kv_head) * a->value_dim;
            float s = chain(query, key, a->key_dim) * a->scale;
            float p = j <= t ? fk_weight1(s - a->logsumexps[t * heads + head]) : 0;
            float ds = j <= t ? (p * (chain(doutput, value, a->value_dim) - delta)) * a->scale : 0;
            tile->p[t - tile->query_begin][j - tile->key_begin] = p;
            tile->ds[t - tile->query_begin][j - tile->key_begin] = ds;
        }
    }
}

/* dk and dv of the tile's keys, and dq of its queries. */
static void spread(const tile *tile, const fk_attention_gradient *a, size_t head,
                   size_t kv_head) {
    size_t heads = a->key_value_heads * a->group;
    for (size_t j = tile->key_begin; j < tile->key_end; j++) {
        size_t key_row = j * a->key_value_heads + kv_head;
        for (size_t d = 0; d < a->key_dim; d++) {
            float sum = 0;
            FK_SCALAR_LOOP
            for (size_t t = tile->query_begin; t < tile->query_end; t++)
                sum = fmaf(tile->ds[t - tile->query_begin][j - tile->key_begin],
                           a->queries[(t * heads + head) * a->key_dim + d], sum);
            a->dkeys[key_row * a->key_dim + d] += sum;
        }
        for (size_t d = 0; d < a->value_dim; d++) {
            float sum = 0;
            FK_SCALAR_LOOP
            for (size_t t = tile->query_begin; t < tile->query_end; t++)
                sum = fmaf(tile->p[t - tile->query_begin][j - tile->key_begin],
                           a->doutputs[(t * heads + head) * a->value_dim + d], sum);
            a->dvalues[key_row * a->value_dim + d] += sum;
        }
    }
    for (size_t t = tile->query_begin; t < tile->query_end; t++) {
        for (size_t d = 0; d < a->key_dim; d++) {
            float sum = 0;
            FK_SCALAR_LOOP
            for (size_t j = tile->key_begin; j < tile->key_end; j++)
                sum = fmaf(tile->ds[t - tile->query_begin][j - tile->key_begin],
                           a->keys[(j * a->key_value_heads + kv_head) * a->key_dim + d], sum);
            a->dqueries[(t * heads + head) * a->key_dim + d] += sum;
        }
    }
}

static void clear(const fk_attention_gradient *a, size_t kv_head) {
    for (size_t t = 0; t < a->tokens; t++) {
        size_t row = t * a->key_value_heads + kv_head;
        memset(a->dkeys + row * a->key_dim, 0, a->key_dim * sizeof(float));
        memset(a->dvalues + row * a->value_dim, 0, a->value_dim * sizeof(float));
        memset(a->dqueries + row * a->group * a->key_dim, 0,
               a->group * a->key_dim * sizeof(float));
    }
}

void fk_attend_backward_reference(const fk_attention_gradient *a, size_t head_begin,
                                  size_t head_end, float *scratch) {
    (void)scratch;
    tile tile;
    for (size_t kv_head = head_begin; kv_head < head_end; kv_head++) {
        clear(a, kv_head);
        for (size_t keys = 0; keys < a->tokens; keys += TILE) {
            for (size_t head = kv_head * a->group; head < (kv_head + 1) * a->group; head++) {
                for (size_t queries = keys; queries < a->tokens; queries += TILE) {
                    tile.key_begin = keys;
                    tile.key_end = keys + TILE < a->tokens ? keys + TILE : a->tokens;
                    tile.query_begin = queries;
                    tile.query_end = queries + TILE < a->tokens ? queries + TILE : a->tokens;
                    fill(&tile, a, head, kv_head);
                    spread(&tile, a, head, kv_head);
                }
            }
        }
    }
}
