/* Sums of rows and columns, and rows of tables, at one level. */

FK_TARGET void FK_NAMED(sum_f32)(float *result, const float *x, size_t count) {
    *result = v_sum(x, count);
}

FK_TARGET void FK_NAMED(dot_f32)(float *result, const float *x, const float *y, size_t count) {
    *result = v_dot(x, y, count);
}

FK_TARGET void FK_NAMED(column_sum_f32)(float *sums, const float *x, size_t x_stride,
                                        size_t rows, size_t begin, size_t end) {
    for (size_t block = 0; block < rows; block += 64) {
        size_t block_end = rows - block < 64 ? rows : block + 64;
        for (size_t k = begin; k < end; k += 16) {
            lanes sum = v_zero();
            for (size_t i = block; i < block_end; i++)
                sum = v_add(sum, v_load_row(x + i * x_stride, k, end));
            v_store_row(sums, k, end, v_add(v_load_row(sums, k, end), sum));
        }
    }
}

FK_TARGET void FK_NAMED(gather_rows_f32)(float *y, size_t y_stride, const float *table,
                                         const int32_t *ids, size_t count, size_t width) {
    for (size_t i = 0; i < count; i++)
        memcpy(y + i * y_stride, table + (size_t)ids[i] * width, width * sizeof *y);
}

FK_TARGET void FK_NAMED(gather_rows_f16)(float *y, size_t y_stride, const uint16_t *table,
                                         const int32_t *ids, size_t count, size_t width) {
    for (size_t i = 0; i < count; i++, y += y_stride) {
        const uint16_t *row = table + (size_t)ids[i] * width;
        size_t k = 0;
        for (; k + 16 <= width; k += 16) v_store(y + k, v_load_f16(row + k));
        for (; k < width; k++) y[k] = fk_from_f16(row[k]);
    }
}

FK_TARGET void FK_NAMED(gather_rows_bf16)(float *y, size_t y_stride, const uint16_t *table,
                                          const int32_t *ids, size_t count, size_t width) {
    for (size_t i = 0; i < count; i++, y += y_stride) {
        const uint16_t *row = table + (size_t)ids[i] * width;
        size_t k = 0;
        for (; k + 16 <= width; k += 16) v_store(y + k, v_load_bf16(row + k));
        for (; k < width; k++) y[k] = fk_from_bf16(row[k]);
    }
}

FK_TARGET void FK_NAMED(scatter_add_rows_f32)(float *dtable, size_t table_stride,
                                              const float *dy, size_t dy_stride,
                                              const int32_t *ids, size_t count, size_t begin,
                                              size_t end) {
    for (size_t i = 0; i < count; i++) {
        float *row = dtable + (size_t)ids[i] * table_stride;
        const float *from = dy + i * dy_stride;
        for (size_t k = begin; k < end; k += 16)
            v_store_row(row, k, end, v_add(v_load_row(row, k, end), v_load_row(from, k, end)));
    }
}
