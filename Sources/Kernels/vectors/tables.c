#include "../include/fk_vectors.h"
#include "../lanes/variants.h"

FK_OPERATION(part_tables_f32, FK_NN_VARIANTS,
             (float *entries, const float *x, const float *center, const float *centroids,
              int is_product, size_t parts, size_t width),
             (entries, x, center, centroids, is_product, parts, width))
FK_OPERATION(table_spans_f32, FK_NN_VARIANTS,
             (fk_table_span *span, float *smallest, const float *entries, size_t parts),
             (span, smallest, entries, parts))
FK_OPERATION(round_tables_u8, FK_NN_VARIANTS,
             (uint8_t *bytes, const float *entries, const float *smallest, float scale,
              size_t parts),
             (bytes, entries, smallest, scale, parts))
