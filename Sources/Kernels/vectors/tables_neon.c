#include "../include/fk_vectors.h"

#if defined(__aarch64__)
#include "../lanes/lanes_neon.h"

#include "tables_lanes.h"
#endif
