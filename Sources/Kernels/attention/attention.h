/* Constants and addresses shared by the levels of attention. */
#ifndef FK_ATTENTION_H
#define FK_ATTENTION_H

#include "kv_cache.h"

/* Keys between two looks at the running maximum. */
#define FK_ATTENTION_BLOCK 64

/* A record: 16 lanes of l, then m, then (aligned) the output so far. */
#define FK_RECORD_MAXIMUM 16
#define FK_RECORD_OUTPUT 32

/* Rows, (query, head of the group) pairs, worked on together: scores of so many stay in L1,
 * and widening a block of keys is shared by them. */
enum { FK_ATTENTION_ROWS = 48 };

/* How many keys the query at `t` sees. */
static inline size_t fk_attention_seen(const fk_attention *a, size_t t) {
    return a->key_count ? a->key_count : a->first_position + t + 1;
}

/* The query at `t`, head `head`; and its place in the output. */
static inline const float *fk_attention_query(const fk_attention *a, size_t t, size_t head) {
    return a->queries + t * a->queries_stride + head * a->cache.key_dim;
}

static inline float *fk_attention_output(const fk_attention *a, size_t t, size_t head) {
    return a->outputs + t * a->outputs_stride + head * a->cache.value_dim;
}

static inline float *fk_attention_logsumexp(const fk_attention *a, size_t t, size_t head) {
    if (!a->logsumexps) return NULL;
    return a->logsumexps + t * a->cache.key_value_heads * a->group + head;
}

#endif
