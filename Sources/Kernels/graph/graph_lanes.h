/* The keys of walks at one level. */
#include "pool.h"

#define FK_WALK FK_LANE
#define FK_WALK_TARGET FK_TARGET

FK_LANE float graph_key(const fk_graph *graph, const float *x, const float *row) {
    return graph->by_product ? -v_dot(x, row, graph->width) : v_distance(x, row, graph->width);
}

#include "walks.h"
