#include "../include/fk_graph.h"

#if defined(__x86_64__)
#include "../lanes/lanes_avx2.h"

#include "../lanes/functions.h"

#include "graph_lanes.h"
#endif
