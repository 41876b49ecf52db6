#include "../include/fk_vectors.h"
#include "../lanes/variants.h"

FK_OPERATION(block_hits_u4, FK_NN_VARIANTS,
             (fk_block_hits *hits, const fk_code_blocks *blocks, const uint8_t *table,
              uint64_t limit, size_t first, size_t end),
             (hits, blocks, table, limit, first, end))
