/* The shapes of the eight AMX tiles. */
#ifndef FK_TILE_CONFIG_H
#define FK_TILE_CONFIG_H

#include <stdint.h>

/* The memory LDTILECFG reads: palette 1, then bytes a row and rows of each tile. */
typedef struct tile_config {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} tile_config;

#endif
