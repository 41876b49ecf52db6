#include "../include/fk_nn.h"

#if defined(__x86_64__)
#include "../lanes/lanes_avx2.h"

#include "../lanes/functions.h"

#include "activation_lanes.h"
#endif
