#include "matmul_packed.h"

#if defined(__x86_64__)

#include "avx512_vectors.h"
#include "tile_instructions.h"

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

#define multiply_tiles(c, a, b) _tile_dpbssd(c, a, b)

#include "packed_template.h"

#endif
