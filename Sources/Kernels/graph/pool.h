/* The sorted pool of a walk; the same code at every level. */
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

/* Whether a key comes into the pool. */
FK_POOL int pool_takes(const fk_walk *walk, float key) {
    return walk->count < walk->capacity || key < walk->keys[walk->count - 1];
}

/* Puts a node in its place; returns the place. The farthest goes if there is no room. */
FK_POOL size_t pool_insert(fk_walk *walk, int32_t node, float key) {
    size_t low = 0, high = walk->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        float there = walk->keys[middle];
        int before = there < key ||
                     (there == key && (walk->nodes[middle] & ~FK_WALKED) < (uint32_t)node);
        if (before)
            low = middle + 1;
        else
            high = middle;
    }
    size_t moved = walk->count - low;
    if (walk->count == walk->capacity)
        moved--;
    else
        walk->count++;
    memmove(walk->keys + low + 1, walk->keys + low, moved * sizeof *walk->keys);
    memmove(walk->nodes + low + 1, walk->nodes + low, moved * sizeof *walk->nodes);
    walk->keys[low] = key;
    walk->nodes[low] = (uint32_t)node;
    return low;
}

/* How many have a key below that of a place. */
FK_POOL size_t pool_below(const fk_walk *walk, size_t place) {
    size_t below = place;
    while (below > 0 && walk->keys[below - 1] == walk->keys[place]) below--;
    return below;
}

FK_POOL void pool_begin(fk_walk *walk, int32_t node, float key) {
    walk->count = 0;
    walk->visited[node] = walk->mark;
    pool_insert(walk, node, pool_key(key));
}

/* The next place from `place` on whose list was not read. */
FK_POOL size_t pool_next(const fk_walk *walk, size_t place) {
    while (place < walk->count && (walk->nodes[place] & FK_WALKED)) place++;
    return place;
}

/* Lists the neighbours that were not met yet; returns their number. */
FK_POOL size_t walk_gather(fk_walk *walk, const int32_t *list, size_t places) {
    size_t count = 0;
    for (size_t i = 0; i < places && list[i] >= 0; i++) {
        int32_t neighbor = list[i];
        if (walk->visited[neighbor] == walk->mark) continue;
        walk->visited[neighbor] = walk->mark;
        walk->fresh[count++] = neighbor;
    }
    return count;
}

#endif
