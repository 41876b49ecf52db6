#include "../include/fk_vectors.h"
#include "../lanes/scalar.h"

#pragma STDC FP_CONTRACT OFF

void fk_part_tables_f32_reference(float *entries, const float *x, const float *center,
                                  const float *centroids, int is_product, size_t parts,
                                  size_t width) {
    for (size_t part = 0; part < parts; part++)
        for (size_t j = 0; j < 16; j++) {
            float sum = 0;
            FK_SCALAR_LOOP
            for (size_t k = part * width; k < (part + 1) * width; k++) {
                float d = center ? x[k] - center[k] : x[k];
                float c = centroids[16 * k + j];
                sum = is_product ? fmaf(d, c, sum) : fmaf(d - c, d - c, sum);
            }
            entries[16 * part + j] = sum;
        }
}

void fk_table_spans_f32_reference(fk_table_span *span, float *smallest, const float *entries,
                                  size_t parts) {
    float base[16] = {0}, sum[16] = {0}, largest = -INFINITY;
    for (size_t part = 0; part < parts; part++) {
        float low = INFINITY, high = -INFINITY;
        FK_SCALAR_LOOP
        for (size_t j = 0; j < 16; j++) {
            float entry = entries[16 * part + j];
            if (entry < low) low = entry;
            if (entry > high) high = entry;
        }
        smallest[part] = low;
        base[part % 16] += low;
        sum[part % 16] += high - low;
        if (high - low > largest) largest = high - low;
    }
    *span = (fk_table_span){fk_halve16(base), fk_halve16(sum), largest};
}

void fk_round_tables_u8_reference(uint8_t *bytes, const float *entries, const float *smallest,
                                  float scale, size_t parts) {
    FK_SCALAR_LOOP
    for (size_t i = 0; i < 16 * parts; i++) {
        double rounded = floor((double)((entries[i] - smallest[i / 16]) * scale) + 0.5);
        bytes[i] = rounded > 0 ? rounded < 255 ? (uint8_t)rounded : 255 : 0;
    }
}
