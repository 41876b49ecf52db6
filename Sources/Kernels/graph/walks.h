/* The walks, over `graph_key(graph, x, row)`, the key of two vectors, and FK_WALK, what functions
 * are declared with; FK_NAMED names those of a level. */

FK_POOL const float *graph_row(const fk_graph *graph, int32_t node) {
    return graph->rows + (size_t)node * graph->width;
}

/* Asks for a row before it is needed; 64 bytes a line. */
FK_POOL void fetch_row(const fk_graph *graph, int32_t node) {
    const char *row = (const char *)graph_row(graph, node);
    for (size_t line = 0; line < graph->width * sizeof(float); line += 64)
        __builtin_prefetch(row + line);
}

/* Rows asked for ahead of the one that is measured. */
enum { FK_FETCH_AHEAD = 6 };

FK_WALK void measure(float *keys, const fk_graph *graph, const float *query,
                     const int32_t *nodes, size_t count) {
    for (size_t i = 0; i < count && i < FK_FETCH_AHEAD; i++) fetch_row(graph, nodes[i]);
    for (size_t i = 0; i < count; i++) {
        if (i + FK_FETCH_AHEAD < count) fetch_row(graph, nodes[i + FK_FETCH_AHEAD]);
        keys[i] = pool_key(graph_key(graph, query, graph_row(graph, nodes[i])));
    }
}

FK_WALK_TARGET void FK_NAMED(graph_descend_f32)(int32_t *node, float *key,
                                                const fk_graph *graph, const float *query,
                                                int from, int to) {
    for (int level = from; level >= to; level--) {
        size_t places = (size_t)(graph->level_starts[level + 1] - graph->level_starts[level]);
        int32_t last;
        do {
            last = *node;
            const int32_t *list = graph_list(graph, last, level);
            for (size_t i = 0; i < places && list[i] >= 0; i++) fetch_row(graph, list[i]);
            for (size_t i = 0; i < places && list[i] >= 0; i++) {
                float there = graph_key(graph, query, graph_row(graph, list[i]));
                if (!(there < *key)) continue;
                *node = list[i];
                *key = there;
            }
        } while (*node != last);
    }
}

FK_WALK_TARGET void FK_NAMED(graph_walk_f32)(fk_walk *walk, const fk_graph *graph,
                                             const float *query, int level, int32_t node,
                                             float key, size_t enough, size_t steps) {
    size_t places = (size_t)(graph->level_starts[level + 1] - graph->level_starts[level]);
    pool_begin(walk, node, key);
    size_t place = 0;
    for (size_t step = 0; step < steps; step++) {
        place = pool_next(walk, place);
        if (place >= walk->count || pool_below(walk, place) >= enough) return;
        int32_t nearest = (int32_t)walk->nodes[place];
        walk->nodes[place] |= FK_WALKED;
        size_t count = walk_gather(walk, graph_list(graph, nearest, level), places);
        /* The list that is read next, unless a nearer node is met now. */
        size_t after = pool_next(walk, place);
        if (after < walk->count) {
            const char *list =
                (const char *)graph_list(graph, (int32_t)walk->nodes[after], level);
            for (size_t line = 0; line < places * sizeof(int32_t); line += 64)
                __builtin_prefetch(list + line);
        }
        measure(walk->fresh_keys, graph, query, walk->fresh, count);
        for (size_t i = 0; i < count; i++) {
            if (!pool_takes(walk, walk->fresh_keys[i])) continue;
            __builtin_prefetch(graph->offsets + walk->fresh[i]);
            size_t inserted = pool_insert(walk, walk->fresh[i], walk->fresh_keys[i]);
            if (inserted < place) place = inserted;
        }
    }
}

FK_WALK_TARGET void FK_NAMED(graph_offer_f32)(fk_walk *walk, const fk_graph *graph,
                                              const float *query, const int32_t *nodes,
                                              float *keys, size_t count) {
    measure(keys, graph, query, nodes, count);
    for (size_t i = 0; i < count; i++)
        if (pool_takes(walk, keys[i])) pool_insert(walk, nodes[i], keys[i]);
}

FK_WALK size_t choose(int32_t *nodes, float *keys, size_t count, size_t limit,
                      const fk_graph *graph) {
    size_t chosen = 0;
    for (size_t i = 0; i < count && chosen < limit; i++) {
        int32_t node = nodes[i];
        float key = keys[i];
        int hidden = 0;
        for (size_t j = 0; j < chosen && !hidden; j++)
            hidden = graph_key(graph, graph_row(graph, nodes[j]), graph_row(graph, node)) < key;
        if (hidden) continue;
        nodes[chosen] = node;
        keys[chosen++] = key;
    }
    return chosen;
}

FK_WALK_TARGET void FK_NAMED(graph_choose_f32)(size_t *kept, int32_t *nodes, float *keys,
                                               size_t count, size_t limit,
                                               const fk_graph *graph) {
    *kept = choose(nodes, keys, count, limit, graph);
}

FK_WALK void link_one(int32_t *list, size_t places, size_t limit, int32_t source,
                      int32_t target, const fk_graph *graph, int32_t *nodes, float *keys) {
    size_t count = 0;
    while (count < places && list[count] >= 0) count++;
    if (count < places) {
        list[count] = target;
        return;
    }
    nodes[0] = target;
    memcpy(nodes + 1, list, places * sizeof *list);
    measure(keys, graph, graph_row(graph, source), nodes, places + 1);
    for (size_t i = 1; i <= places; i++) {
        int32_t node = nodes[i];
        float key = keys[i];
        size_t j = i;
        for (; j > 0 && (key < keys[j - 1] || (key == keys[j - 1] && node < nodes[j - 1])); j--) {
            nodes[j] = nodes[j - 1];
            keys[j] = keys[j - 1];
        }
        nodes[j] = node;
        keys[j] = key;
    }
    size_t chosen = choose(nodes, keys, places + 1, limit, graph);
    for (size_t i = 0; i < places; i++) list[i] = i < chosen ? nodes[chosen - 1 - i] : -1;
}

/* Lists asked for ahead of the one that is changed. */
enum { FK_FETCH_LISTS = 8 };

FK_WALK_TARGET void FK_NAMED(graph_link_f32)(int32_t *neighbors, const fk_graph *graph,
                                             int level, size_t limit, const int32_t *sources,
                                             const int32_t *targets, size_t count,
                                             int32_t *nodes, float *keys) {
    size_t places = (size_t)(graph->level_starts[level + 1] - graph->level_starts[level]);
    size_t start = (size_t)graph->level_starts[level];
    for (size_t i = 0; i < count; i++) {
        if (i + FK_FETCH_LISTS < count) {
            const int32_t *list =
                neighbors + graph->offsets[sources[i + FK_FETCH_LISTS]] + start;
            for (size_t place = 0; place < places; place += 16) __builtin_prefetch(list + place);
        }
        link_one(neighbors + graph->offsets[sources[i]] + start, places, limit, sources[i],
                 targets[i], graph, nodes, keys);
    }
}
