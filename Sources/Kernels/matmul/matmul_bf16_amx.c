#include "matmul_float.h"

#if defined(__x86_64__)

#include "tile_instructions.h"

#define FK_TILE_TARGET                                                                     \
    __attribute__((target("amx-tile,amx-bf16,avx512f,avx512bw,avx512vl,avx512dq,avx2,fma," \
                          "f16c,bmi2")))
#define FK_TILE_NAME fk_matmul_bf16_nt_amx

#define multiply_tiles(c, a, b) _tile_dpbf16ps(c, a, b)

#include "bf16_tiles_amx.h"

#endif
