#include "../include/fk_matmul.h"

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

void fk_matmul_blocks(fk_type type, float *y, size_t ldy, const float *x, size_t ldx,
                      const void *w, int64_t t, int64_t row_begin, int64_t row_end, int64_t k,
                      const float *bias, int accumulate, float *scratch, int64_t panel) {
    size_t row_bytes = (size_t)(k / fk_block_elements(type)) * fk_block_bytes(type);
    for (int64_t row = row_begin; row < row_end; row += panel) {
        int64_t count = smaller(panel, row_end - row);
        fk_dequantize(type, scratch, (const uint8_t *)w + (size_t)row * row_bytes, count * k);
        fk_matmul_f32_nt(y + row, ldy, x, ldx, scratch, (size_t)k, t, 0, count, k,
                         bias ? bias + row : NULL, accumulate);
    }
}

void fk_matmul_f8_blocks(float *y, size_t ldy, const float *x, size_t ldx, const void *w,
                         const float *scales, int64_t t, int64_t row_begin, int64_t row_end,
                         int64_t k, const float *bias, int accumulate, float *scratch,
                         int64_t panel) {
    enum { SIDE = 128 };
    int64_t scale_columns = (k + SIDE - 1) / SIDE;
    for (int64_t row = row_begin; row < row_end; row += panel) {
        int64_t count = smaller(panel, row_end - row);
        fk_f8e4m3_to_f32(scratch, (const uint8_t *)w + (size_t)row * (size_t)k, count * k);
        for (int64_t r = 0; r < count; r++)
            for (int64_t column = 0; column < scale_columns; column++) {
                float scale = scales[(row + r) / SIDE * scale_columns + column];
                float *at = scratch + r * k + column * SIDE;
                int64_t width = smaller(SIDE, k - column * SIDE);
                for (int64_t j = 0; j < width; j++) at[j] *= scale;
            }
        fk_matmul_f32_nt(y + row, ldy, x, ldx, scratch, (size_t)k, t, 0, count, k,
                         bias ? bias + row : NULL, accumulate);
    }
}
