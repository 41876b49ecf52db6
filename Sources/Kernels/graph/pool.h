/* The sorted pool of a walk; the same code at every level.
 *
 * An entry is a number that is smaller for what is nearer: the bits of the key in the order of
 * keys, then the node, then whether its list was read. */
#ifndef FK_GRAPH_POOL_H
#define FK_GRAPH_POOL_H

#include "../include/fk_graph.h"

#include <math.h>
#include <string.h>

#define FK_POOL static inline __attribute__((always_inline))

FK_POOL float pool_key(float key) { return key < INFINITY ? key : INFINITY; }

FK_POOL const int32_t *graph_list(const fk_graph *graph, int32_t node, int level) {
    return graph->neighbors + graph->offsets[node] + graph->level_starts[level];
}

/* The bits of a key, which is a number, as one that counts up with it. */
FK_POOL uint32_t key_order(float key) {
    /* Both zeros are one. */
    key += 0.0f;
    uint32_t bits;
    memcpy(&bits, &key, sizeof bits);
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

FK_POOL float order_key(uint32_t order) {
    uint32_t bits = order & 0x80000000u ? order & 0x7fffffffu : ~order;
    float key;
    memcpy(&key, &bits, sizeof key);
    return key;
}

#define FK_WALKED 1u

FK_POOL uint64_t pool_entry(uint32_t order, int32_t node) {
    return (uint64_t)order << 32 | (uint64_t)(uint32_t)node << 1;
}

FK_POOL int32_t entry_node(uint64_t entry) { return (int32_t)((uint32_t)entry >> 1); }

/* Whether a key comes into the pool. */
FK_POOL int pool_takes(const fk_walk *walk, uint32_t order) {
    return walk->count < walk->capacity || order < walk->pool[walk->count - 1] >> 32;
}

/* Puts an entry in its place; returns the place. The farthest goes if there is no room. */
FK_POOL size_t pool_insert(fk_walk *walk, uint64_t entry) {
    /* Without branches, which would be guessed wrong half of the time. */
    const uint64_t *low = walk->pool;
    for (size_t left = walk->count; left > 0;) {
        size_t half = (left + 1) / 2;
        low += low[half - 1] < entry ? half : 0;
        left -= half;
    }
    size_t place = (size_t)(low - walk->pool), moved = walk->count - place;
    if (walk->count == walk->capacity)
        moved--;
    else
        walk->count++;
    memmove(walk->pool + place + 1, walk->pool + place, moved * sizeof *walk->pool);
    walk->pool[place] = entry;
    return place;
}

/* How many have a key below that of a place. */
FK_POOL size_t pool_below(const fk_walk *walk, size_t place) {
    size_t below = place;
    while (below > 0 && walk->pool[below - 1] >> 32 == walk->pool[place] >> 32) below--;
    return below;
}

/* The next place from `place` on whose list was not read. */
FK_POOL size_t pool_next(const fk_walk *walk, size_t place) {
    while (place < walk->count && (walk->pool[place] & FK_WALKED)) place++;
    return place;
}

#endif
