/* The numeric kernels of Fathom: one header a group of operations. */
#ifndef FATHOM_KERNELS_H
#define FATHOM_KERNELS_H

#include "fk_blocks.h"
#include "fk_checksum.h"
#include "fk_graph.h"
#include "fk_levels.h"
#include "fk_matmul.h"
#include "fk_nn.h"
#include "fk_platform.h"
#include "fk_vectors.h"

#endif
