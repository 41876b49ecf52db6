/* The AMX variant over a model of its tile instructions, so that everything around
 * them can be tested on processors that have none. For tests only. */
#include "matmul_float.h"

#if defined(__x86_64__)

#include "flushed.h"
#include "tile_model.h"

#define FK_TILE_TARGET FK_TARGET_AVX512
#define FK_TILE_NAME fk_matmul_bf16_nt_amx_model

static float bf16_in(int tile, int row, int index) {
    uint16_t half;
    memcpy(&half, model[tile].bytes[row] + 2 * index, 2);
    return fk_from_bf16(half);
}

/* TDPBF16PS of the manual that tile_model.h names: sums over the even and over the odd
 * numbers of k, added, and added to c. */
static void multiply_model(int c, int a, int b) {
    for (int m = 0; m < model[c].rows; m++)
        for (int n = 0; n < model[c].row_bytes / 4; n++) {
            float sum, even = 0, odd = 0;
            memcpy(&sum, model[c].bytes[m] + 4 * n, 4);
            for (int k = 0; k < model[a].row_bytes / 4; k++) {
                even = fk_flushed_fma(bf16_in(a, m, 2 * k), bf16_in(b, k, 2 * n), even);
                odd = fk_flushed_fma(bf16_in(a, m, 2 * k + 1), bf16_in(b, k, 2 * n + 1), odd);
            }
            sum = fk_flushed(fk_flushed(sum) + fk_flushed(even + odd));
            memcpy(model[c].bytes[m] + 4 * n, &sum, 4);
        }
}

#define multiply_tiles(c, a, b) multiply_model(c, a, b)

#include "bf16_tiles_amx.h"

#endif
