#include "attention.h"

#if defined(__aarch64__)
#include "../lanes/lanes_neon.h"

#include "../lanes/functions.h"

#include "attention_lanes.h"

#include "kv_store_lanes.h"

#include "attention_backward_lanes.h"
#endif
