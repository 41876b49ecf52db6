#include "../include/fk_nn.h"

#if defined(__x86_64__)
#include "../lanes/lanes_avx512.h"

#include "../lanes/functions.h"

#include "norm_lanes.h"
#endif
