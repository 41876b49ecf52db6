#include "attention.h"

#if defined(__x86_64__)
#include "../lanes/lanes_avx2.h"

#include "../lanes/functions.h"

#include "attention_lanes.h"

#include "kv_store_lanes.h"

#include "attention_backward_lanes.h"
#endif
