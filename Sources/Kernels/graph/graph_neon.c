#include "../include/fk_graph.h"

#if defined(__aarch64__)
#include "../lanes/lanes_neon.h"

#include "../lanes/functions.h"

#include "graph_lanes.h"
#endif
