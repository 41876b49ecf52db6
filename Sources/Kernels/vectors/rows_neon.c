#include "../include/fk_vectors.h"

#if defined(__aarch64__)
#include "../lanes/lanes_neon.h"

#include "../lanes/functions.h"

#include "rows_lanes.h"
#endif
