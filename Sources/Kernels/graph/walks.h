/* The walks, over `graph_key(graph, x, row)`, the key of two vectors, and FK_WALK, what functions
 * are declared with; FK_NAMED names those of a level. */

FK_POOL const float *graph_row(const fk_graph *graph, int32_t node) {
    return graph->rows + (size_t)node * graph->width;
}

/* Rows longer than this are asked for by their beginning: the processor foresees the rest, and more
 * would keep it from asking for others. */
enum { FK_FETCH_WHOLE = 512, FK_FETCH_BEGINNING = 256 };

/* Asks for a row before it is needed, by lines of 64 bytes. */
FK_POOL void fetch_row(const fk_graph *graph, int32_t node) {
    const char *row = (const char *)graph_row(graph, node);
    size_t size = graph->width * sizeof(float);
    if (size > FK_FETCH_WHOLE) size = FK_FETCH_BEGINNING;
    for (size_t byte = 0; byte < size; byte += 64) __builtin_prefetch(row + byte);
    __builtin_prefetch(row + size - 1);
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

/* What a walk does at its next turn. */
enum { FK_TURN_GATHER, FK_TURN_MEASURE, FK_TURN_NONE };

/* Asks for the list of the walk's node, which is read at the next turn. */
FK_POOL void fetch_list(fk_walk *walk, const fk_graph *graph) {
    size_t places =
        (size_t)(graph->level_starts[walk->level + 1] - graph->level_starts[walk->level]);
    const int32_t *list = graph_list(graph, walk->node, walk->level);
    for (size_t place = 0; place < places; place += 16) __builtin_prefetch(list + place);
    walk->turn = FK_TURN_GATHER;
}

/* Forgets what was met: the bit of the walk is cleared. */
FK_POOL void forget(fk_walk *walk, uint8_t *visited, uint8_t bit) {
    for (size_t i = 0; i < walk->met_count; i++) visited[walk->met[i]] &= (uint8_t)~bit;
    walk->met_count = 0;
}

/* Lists the neighbours that were not met yet, and asks for their rows. */
FK_POOL void gather(fk_walk *walk, const fk_graph *graph, uint8_t *visited, uint8_t bit) {
    size_t places =
        (size_t)(graph->level_starts[walk->level + 1] - graph->level_starts[walk->level]);
    const int32_t *list = graph_list(graph, walk->node, walk->level);
    int32_t *fresh = walk->fresh;
    size_t count = 0;
    /* Without branches on what was met, which would often be guessed wrong. */
    for (size_t i = 0; i < places && list[i] >= 0; i++) {
        int32_t neighbor = list[i];
        uint8_t seen = visited[neighbor];
        visited[neighbor] = seen | bit;
        fresh[count] = neighbor;
        count += !(seen & bit);
    }
    for (size_t i = 0; i < count; i++) fetch_row(graph, fresh[i]);
    memcpy(walk->met + walk->met_count, fresh, count * sizeof *fresh);
    walk->met_count += count;
    walk->fresh_count = count;
    walk->turn = FK_TURN_MEASURE;
}

/* Ends a walk: writes what it found. */
FK_POOL void end_walk(fk_walk *walk, const fk_graph_search *search, uint8_t bit) {
    size_t count = walk->count < search->k ? walk->count : search->k;
    for (size_t i = 0; i < count; i++) {
        search->nodes[walk->number * search->k + i] = entry_node(walk->pool[i]);
        search->keys[walk->number * search->k + i] = order_key((uint32_t)(walk->pool[i] >> 32));
    }
    search->found[walk->number] = count;
    forget(walk, search->visited, bit);
    walk->turn = FK_TURN_NONE;
}

/* Goes to the nearest node of the pool whose list was not read. */
FK_POOL void choose_next(fk_walk *walk, const fk_graph *graph, const fk_graph_search *search,
                         uint8_t bit) {
    walk->place = pool_next(walk, walk->place);
    if (walk->steps == search->steps || walk->place >= walk->count ||
        pool_below(walk, walk->place) >= search->enough) {
        end_walk(walk, search, bit);
        return;
    }
    walk->steps++;
    walk->node = entry_node(walk->pool[walk->place]);
    walk->pool[walk->place] |= FK_WALKED;
    fetch_list(walk, graph);
}

/* Begins on a level: the next to descend, or that of the pool. */
FK_POOL void enter_level(fk_walk *walk, const fk_graph *graph, const fk_graph_search *search,
                         int level, uint8_t bit) {
    walk->level = level;
    if (level >= search->to) {
        fetch_list(walk, graph);
        return;
    }
    forget(walk, search->visited, bit);
    walk->level = search->level;
    walk->count = walk->place = walk->steps = 0;
    search->visited[walk->node] |= bit;
    walk->met[walk->met_count++] = walk->node;
    pool_insert(walk, pool_entry(key_order(pool_key(walk->key)), walk->node));
    choose_next(walk, graph, search, bit);
}

FK_WALK void take_turn(fk_walk *walk, const fk_graph *graph, const fk_graph_search *search,
                       const float *query, uint8_t bit) {
    if (walk->turn == FK_TURN_GATHER) {
        gather(walk, graph, search->visited, bit);
        /* Nothing to wait for. */
        if (walk->fresh_count > 0) return;
    }
    const int32_t *fresh = walk->fresh;
    float *keys = walk->fresh_keys;
    for (size_t i = 0; i < walk->fresh_count; i++)
        keys[i] = graph_key(graph, query, graph_row(graph, fresh[i]));
    if (walk->level >= search->to && walk->count == 0) {
        /* What was met before has no smaller key than the node. */
        int32_t last = walk->node;
        for (size_t i = 0; i < walk->fresh_count; i++) {
            if (!(keys[i] < walk->key)) continue;
            walk->node = fresh[i];
            walk->key = keys[i];
        }
        enter_level(walk, graph, search, walk->node == last ? walk->level - 1 : walk->level, bit);
        return;
    }
    for (size_t i = 0; i < walk->fresh_count; i++) {
        uint32_t order = key_order(pool_key(keys[i]));
        if (!pool_takes(walk, order)) continue;
        __builtin_prefetch(graph->offsets + fresh[i]);
        size_t inserted = pool_insert(walk, pool_entry(order, fresh[i]));
        if (inserted < walk->place) walk->place = inserted;
    }
    choose_next(walk, graph, search, bit);
}

FK_WALK_TARGET void FK_NAMED(graph_search_f32)(const fk_graph *graph,
                                               const fk_graph_search *search) {
    size_t next = 0, active = search->walk_count;
    const float *queries[FK_WALKS];
    for (size_t i = 0; i < search->walk_count; i++) search->walks[i].turn = FK_TURN_NONE;
    while (active > 0) {
        active = 0;
        for (size_t i = 0; i < search->walk_count; i++) {
            fk_walk *walk = &search->walks[i];
            uint8_t bit = (uint8_t)(1u << i);
            if (walk->turn != FK_TURN_NONE) {
                take_turn(walk, graph, search, queries[i], bit);
            } else if (next < search->count) {
                size_t row = search->numbers ? (size_t)search->numbers[next] : next;
                queries[i] = search->queries + row * graph->width;
                walk->number = next++;
                walk->count = walk->met_count = 0;
                walk->node = search->entry;
                walk->key = graph_key(graph, queries[i], graph_row(graph, walk->node));
                enter_level(walk, graph, search, search->from, bit);
            }
            active += walk->turn != FK_TURN_NONE;
        }
        if (next < search->count) active = 1;
    }
}

/* Puts a node where it belongs by key and number; returns the new number of nodes. */
FK_POOL size_t insert_node(int32_t *nodes, float *keys, size_t count, size_t capacity,
                           int32_t node, float key) {
    if (count == capacity && !(key < keys[count - 1])) return count;
    size_t place = count < capacity ? count++ : count - 1;
    for (; place > 0 && (key < keys[place - 1] ||
                         (key == keys[place - 1] && node < nodes[place - 1]));
         place--) {
        nodes[place] = nodes[place - 1];
        keys[place] = keys[place - 1];
    }
    nodes[place] = node;
    keys[place] = key;
    return count;
}

FK_WALK_TARGET void FK_NAMED(graph_offer_f32)(int32_t *nodes, float *keys, size_t *found,
                                              size_t capacity, const fk_graph *graph,
                                              const float *query, const int32_t *others,
                                              float *scratch, size_t count) {
    measure(scratch, graph, query, others, count);
    for (size_t i = 0; i < count; i++)
        *found = insert_node(nodes, keys, *found, capacity, others[i], scratch[i]);
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
    size_t sorted = 0;
    for (size_t i = 0; i <= places; i++)
        sorted = insert_node(nodes, keys, sorted, places + 1, nodes[i], keys[i]);
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
