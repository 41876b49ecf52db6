#include "../lanes/scalar.h"
#include "block_hits.h"

void fk_block_hits_u4_reference(fk_block_hits *hits, const fk_code_blocks *blocks,
                                const uint8_t *table, uint64_t limit, size_t first,
                                size_t end) {
    hits->count = 0;
    for (; first < end; first += 32) {
        uint32_t sums[32] = {0};
        for (size_t part = 0; part < blocks->parts; part++) {
            const uint8_t *bytes = fk_group(blocks, first) + part / 2 * blocks->rows + part % 2 * 16;
            const uint8_t *entries = table + part * 16;
            FK_SCALAR_LOOP
            for (size_t j = 0; j < 16; j++) {
                size_t vector = j / 2 + j % 2 * 8;
                sums[vector] += entries[bytes[j] & 15];
                sums[vector + 16] += entries[bytes[j] >> 4];
            }
        }
        fk_list_hits(hits, sums, limit, first, end);
    }
}
