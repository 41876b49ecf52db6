/* The AMX variant over a model of its tile instructions, so that everything around
 * them can be tested on processors that have none. For tests only. */
#include "matmul_packed.h"

#if defined(__x86_64__)

#include "avx512_vectors.h"

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

/* Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2: LDTILECFG,
 * TILELOADD, TDPBSSD, TILESTORED. Loads and products clear what lies beyond a tile's
 * shape. */
static _Thread_local struct {
    int rows, row_bytes;
    int8_t bytes[16][64];
} model[8];

static void configure_model(const void *memory) {
    const uint8_t *config = memory;
    memset(model, 0, sizeof model);
    for (int n = 0; n < 8; n++) {
        model[n].row_bytes = config[16 + 2 * n] | config[17 + 2 * n] << 8;
        model[n].rows = config[48 + n];
    }
}

static void load_model(int n, const void *base, int64_t stride) {
    memset(model[n].bytes, 0, sizeof model[n].bytes);
    for (int r = 0; r < model[n].rows; r++)
        memcpy(model[n].bytes[r], (const uint8_t *)base + r * stride,
               (size_t)model[n].row_bytes);
}

static void store_model(int n, void *base, int64_t stride) {
    for (int r = 0; r < model[n].rows; r++)
        memcpy((uint8_t *)base + r * stride, model[n].bytes[r], (size_t)model[n].row_bytes);
}

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

#define configure_tiles(config) configure_model(config)
#define release_tiles() memset(model, 0, sizeof model)
#define zero_tile(c) memset(model[c].bytes, 0, sizeof model[c].bytes)
#define load_tile(n, base, stride) load_model(n, base, stride)
#define multiply_tiles(c, a, b) multiply_model(c, a, b)
#define store_tile(c, base, stride) store_model(c, base, stride)

#include "packed_template.h"

#endif
