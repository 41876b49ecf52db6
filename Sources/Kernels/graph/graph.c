#include "../include/fk_graph.h"
#include "../lanes/variants.h"

FK_OPERATION(graph_descend_f32, FK_NN_VARIANTS,
             (int32_t *node, float *key, const fk_graph *graph, const float *query, int from,
              int to),
             (node, key, graph, query, from, to))
FK_OPERATION(graph_walk_f32, FK_NN_VARIANTS,
             (fk_walk *walk, const fk_graph *graph, const float *query, int level, int32_t node,
              float key, size_t enough, size_t steps),
             (walk, graph, query, level, node, key, enough, steps))
FK_OPERATION(graph_choose_f32, FK_NN_VARIANTS,
             (size_t *kept, int32_t *nodes, float *keys, size_t count, size_t limit,
              const fk_graph *graph),
             (kept, nodes, keys, count, limit, graph))
FK_OPERATION(graph_link_f32, FK_NN_VARIANTS,
             (int32_t *neighbors, const fk_graph *graph, int level, size_t limit,
              const int32_t *sources, const int32_t *targets, size_t count, int32_t *nodes,
              float *keys),
             (neighbors, graph, level, limit, sources, targets, count, nodes, keys))
FK_OPERATION(graph_offer_f32, FK_NN_VARIANTS,
             (fk_walk *walk, const fk_graph *graph, const float *query, const int32_t *nodes,
              float *keys, size_t count),
             (walk, graph, query, nodes, keys, count))
