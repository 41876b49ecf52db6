#include "../include/fk_graph.h"
#include "../lanes/variants.h"

FK_OPERATION(graph_search_f32, FK_NN_VARIANTS,
             (const fk_graph *graph, const fk_graph_search *search), (graph, search))
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
             (int32_t *nodes, float *keys, size_t *found, size_t capacity, const fk_graph *graph,
              const float *query, const int32_t *others, float *scratch, size_t count),
             (nodes, keys, found, capacity, graph, query, others, scratch, count))
