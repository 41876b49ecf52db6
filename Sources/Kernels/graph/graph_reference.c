#include "../lanes/scalar.h"
#include "pool.h"

#pragma STDC FP_CONTRACT OFF

#define FK_NAMED(op) fk_##op##_reference
#define FK_WALK static
#define FK_WALK_TARGET

static float graph_key(const fk_graph *graph, const float *x, const float *row) {
    if (graph->by_product) return -fk_dot1(x, row, graph->width);
    float lane[64] = {0};
    FK_SCALAR_LOOP
    for (size_t k = 0; k < graph->width; k++) {
        float difference = x[k] - row[k];
        lane[k % 64] = fmaf(difference, difference, lane[k % 64]);
    }
    return fk_join64(lane);
}

#include "walks.h"
