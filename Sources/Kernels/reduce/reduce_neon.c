#include "../include/fk_nn.h"

#if defined(__aarch64__)
#include "../lanes/lanes_neon.h"

#include "../lanes/functions.h"

#include "softmax_lanes.h"

#include "choice_lanes.h"

#include "rows_lanes.h"
#endif
