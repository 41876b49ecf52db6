#include "../include/fk_vectors.h"

#if defined(__x86_64__)
#include "../lanes/lanes_avx2.h"

#include "tables_lanes.h"
#endif
