/* What the levels share: where the groups of a block are, and the list of hits. */
#ifndef FK_BLOCK_HITS_H
#define FK_BLOCK_HITS_H

#include "../include/fk_vectors.h"

/* The codes of the group of 32 that begins with vector `first`. */
static inline const uint8_t *fk_group(const fk_code_blocks *blocks, size_t first) {
    return blocks->codes + first / blocks->rows * blocks->stride + first % blocks->rows;
}

/* Adds the vectors of a group whose sums are below the limit. */
static inline void fk_list_hits(fk_block_hits *hits, const uint32_t sums[32], uint64_t limit,
                                size_t first, size_t end) {
    size_t here = end - first < 32 ? end - first : 32;
    for (size_t i = 0; i < here; i++) {
        if (sums[i] >= limit) continue;
        hits->vectors[hits->count] = (int32_t)(first + i);
        hits->sums[hits->count++] = sums[i];
    }
}

#endif
