#include "matmul_packed.h"

#if defined(__x86_64__)

#include "avx512_vectors.h"

#define FK_TARGET                                                                         \
    __attribute__((target("amx-tile,amx-int8,avx512vnni,avx512f,avx512bw,avx512vl,"       \
                          "avx512dq,avx2,fma,f16c,bmi2")))
#define FK_SUFFIX amx
#define FK_MANY_ROWS_ONLY fk_matmul_packed_avx512vnni
#define FK_FUSED_ROWS 8
#define FK_PAIR_SUMS 0
#define FK_TILES "packed_tiles_amx.h"
#define FK_SIGNED_PANEL 1
#define FK_TILE_ROWS 16
#define FK_TILE_GROUPS 2
#define FK_SIGNED_WIDE 0

/* The whole configuration is an operand: a compiler that thinks LDTILECFG reads a few
 * bytes of it may drop the stores of the rest. */
#define configure_tiles(config) __asm__ volatile("ldtilecfg %0" : : "m"(*(config)) : "memory")
#define release_tiles() _tile_release()
#define zero_tile(c) _tile_zero(c)
#define load_tile(n, base, stride) _tile_loadd(n, base, stride)
#define multiply_tiles(c, a, b) _tile_dpbssd(c, a, b)
#define store_tile(c, base, stride) _tile_stored(c, base, stride)

#include "packed_template.h"

#endif
