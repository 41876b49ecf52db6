/* What the tile kernels ask of a processor with AMX; tile_model.h is the same in plain C. */
#ifndef FK_TILE_INSTRUCTIONS_H
#define FK_TILE_INSTRUCTIONS_H

#include <immintrin.h>

#include "tile_config.h"

/* The whole configuration is an operand: a compiler that thinks LDTILECFG reads a few
 * bytes of it may drop the stores of the rest. */
#define configure_tiles(config) __asm__ volatile("ldtilecfg %0" : : "m"(*(config)) : "memory")
#define release_tiles() _tile_release()
#define zero_tile(c) _tile_zero(c)
#define load_tile(n, base, stride) _tile_loadd(n, base, stride)
#define store_tile(c, base, stride) _tile_stored(c, base, stride)

#endif
