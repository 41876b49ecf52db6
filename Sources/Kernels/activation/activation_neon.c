#include "../include/fk_nn.h"

#if defined(__aarch64__)
#include "../lanes/lanes_neon.h"

#include "../lanes/functions.h"

#include "activation_lanes.h"
#endif
