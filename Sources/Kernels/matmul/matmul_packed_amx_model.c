/* The AMX variant over a model of its tile instructions, so that everything around
 * them can be tested on processors that have none. For tests only. */
#include "matmul_packed.h"

#if defined(__x86_64__)

#include "avx512_vectors.h"
#include "tile_model.h"

#define FK_TARGET FK_TARGET_AVX512
#define FK_SUFFIX amx_model
#define FK_MANY_ROWS_ONLY fk_matmul_packed_avx512
#define FK_FUSED_ROWS 8
#define FK_PAIR_SUMS 0
#define FK_TILES "packed_tiles_amx.h"
#define FK_SIGNED_PANEL 1
#define FK_TILE_ROWS 16
#define FK_TILE_GROUPS 2
#define FK_SIGNED_WIDE 0

/* TDPBSSD of the manual that tile_model.h names. */
static void multiply_model(int c, int a, int b) {
    for (int m = 0; m < model[c].rows; m++)
        for (int n = 0; n < model[c].row_bytes / 4; n++) {
            int32_t sum;
            memcpy(&sum, model[c].bytes[m] + 4 * n, 4);
            for (int k = 0; k < model[a].row_bytes / 4; k++)
                for (int i = 0; i < 4; i++)
                    sum += model[a].bytes[m][4 * k + i] * model[b].bytes[k][4 * n + i];
            memcpy(model[c].bytes[m] + 4 * n, &sum, 4);
        }
}

#define multiply_tiles(c, a, b) multiply_model(c, a, b)

#include "packed_template.h"

#endif
