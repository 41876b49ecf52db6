/* A model of the AMX tiles, so that everything around them can be tested on processors
 * that have none: for tests only.
 *
 * Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2: LDTILECFG,
 * TILELOADD, TILESTORED. Loads and products clear what lies beyond a tile's shape. */
#ifndef FK_TILE_MODEL_H
#define FK_TILE_MODEL_H

#include <stdint.h>
#include <string.h>

#include "tile_config.h"

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

#define configure_tiles(config) configure_model(config)
#define release_tiles() memset(model, 0, sizeof model)
#define zero_tile(c) memset(model[c].bytes, 0, sizeof model[c].bytes)
#define load_tile(n, base, stride) load_model(n, base, stride)
#define store_tile(c, base, stride) store_model(c, base, stride)

#endif
