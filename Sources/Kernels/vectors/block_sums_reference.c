#include "../include/fk_vectors.h"
#include "../lanes/scalar.h"

void fk_block_sums_u4_reference(uint32_t *sums, const uint8_t *codes, size_t stride,
                                const uint8_t *table, size_t parts) {
    for (size_t i = 0; i < 32; i++) sums[i] = 0;
    for (size_t part = 0; part < parts; part++) {
        const uint8_t *bytes = codes + part / 2 * stride + part % 2 * 16;
        const uint8_t *entries = table + part * 16;
        FK_SCALAR_LOOP
        for (size_t j = 0; j < 16; j++) {
            size_t vector = j / 2 + j % 2 * 8;
            sums[vector] += entries[bytes[j] & 15];
            sums[vector + 16] += entries[bytes[j] >> 4];
        }
    }
}
