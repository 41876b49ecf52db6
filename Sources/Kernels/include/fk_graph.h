/* Walks over graphs of neighbour lists on vectors.
 *
 * A key is the squared distance, or the negated product, of the query and a row: smaller is
 * nearer. Keys are those of row_distances and row_products in fk_vectors.h, so every level gives
 * the same bits; a key that is not a number counts as infinite. Nothing is checked: nodes and
 * places must be inside their arrays. */
#ifndef FK_GRAPH_H
#define FK_GRAPH_H

#include "fk_nn.h"

typedef struct fk_graph {
    const float *rows; /* [nodes, width] */
    size_t width;
    int by_product; /* 0 for distances */
    /* The lists of a node begin at neighbors[offsets[node]], that of a level at
     * level_starts[level] from there; it ends at level_starts[level + 1] or with -1. */
    const uint64_t *offsets;
    const int32_t *neighbors;
    const int32_t *level_starts;
} fk_graph;

/* What one walk needs, in memory of the caller. */
typedef struct fk_walk {
    int32_t *fresh;    /* [longest list] */
    float *fresh_keys; /* same */
    /* The nearest met so far, by key and number; `count` of them at most `capacity`. */
    uint64_t *pool;
    size_t capacity, count;
    int32_t *met; /* [nodes]: those that were met */
    /* Where it is, for graph_search alone. */
    int turn, level;
    size_t number, met_count, fresh_count, fetched, place, steps;
    int32_t node;
    float key;
} fk_walk;

/* Walks that take turns at most. */
enum { FK_WALKS = 8 };

/* Searches of several queries. */
typedef struct fk_graph_search {
    const float *queries; /* query i is row numbers[i], or i where `numbers` is NULL */
    const int32_t *numbers;
    size_t count;
    /* From the entry it goes to nearer neighbours as long as there are any, on the levels `from`
     * down to `to`, if there are. */
    int32_t entry;
    int from, to;
    /* From there a best-first search of `level`: reads the list of the nearest node whose list was
     * not read, until there is none among the `capacity` nearest, or that one has `enough` nearer
     * ones; after `steps` lists at most. */
    int level;
    size_t enough, steps;
    /* The nearest of each query, at most `k`: nodes and keys [count, k], how many [count]. */
    size_t k;
    int32_t *nodes;
    float *keys;
    size_t *found;
    /* Walks take turns, so that what one has asked memory for comes while others compute. */
    fk_walk *walks;
    size_t walk_count; /* 1 ... FK_WALKS */
    uint8_t *visited;  /* [nodes], zero before and after */
} fk_graph_search;

FK_KERNEL(graph_search_f32, (const fk_graph *graph, const fk_graph_search *search));

/* Adds other nodes to `found` nodes in the order of their keys and numbers, as far as they are
 * among the nearest `capacity`. `scratch` [count]. */
FK_KERNEL(graph_offer_f32, (int32_t *nodes, float *keys, size_t *found, size_t capacity,
                            const fk_graph *graph, const float *query, const int32_t *others,
                            float *scratch, size_t count));

/* Chooses neighbours: of nodes in rising keys, keeps one unless it is nearer to one that was kept
 * than to the query, up to `limit`. The kept ones are moved to the front; returns their number in
 * `kept`. (Malkov and Yashunin 2016, algorithm 4.) */
FK_KERNEL(graph_choose_f32, (size_t *kept, int32_t *nodes, float *keys, size_t count,
                             size_t limit, const fk_graph *graph));

/* Puts a link from sources[i] to targets[i] into the lists of a level, in this order: at the first
 * free place. In a full list, chooses at most `limit` of the old and the new and writes the
 * farthest first, -1 behind them. `neighbors` is that of the graph. `nodes` and `keys` [places of
 * a list + 1] are scratch. */
FK_KERNEL(graph_link_f32, (int32_t *neighbors, const fk_graph *graph, int level, size_t limit,
                           const int32_t *sources, const int32_t *targets, size_t count,
                           int32_t *nodes, float *keys));

#endif
