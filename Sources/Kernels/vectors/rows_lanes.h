/* Rows against one vector at one level: the orders of rows_reference.c. */

FK_LANE const float *row_of(const float *rows, const int32_t *picks, size_t i, size_t width) {
    return rows + (picks ? (size_t)picks[i] : i) * width;
}

FK_TARGET void FK_NAMED(row_products_f32)(float *y, const float *x, const float *rows,
                                          const int32_t *picks, size_t count, size_t width) {
    for (size_t i = 0; i < count; i++) y[i] = v_dot(x, row_of(rows, picks, i, width), width);
}

FK_TARGET void FK_NAMED(row_distances_f32)(float *y, const float *x, const float *rows,
                                           const int32_t *picks, size_t count, size_t width) {
    for (size_t i = 0; i < count; i++) {
        const float *row = row_of(rows, picks, i, width);
        sum_lanes sum = v_sum_zero();
        size_t k = 0;
        for (; k + 64 <= width; k += 64)
#pragma clang loop unroll(full)
            for (size_t j = 0; j < 4; j++) {
                lanes difference = v_sub(v_load(x + k + 16 * j), v_load(row + k + 16 * j));
                sum.part[j] = v_fma(difference, difference, sum.part[j]);
            }
        /* The parts past the end would add zeros. */
        for (size_t j = 0; k < width; j++, k += 16) {
            lanes difference = v_sub(v_load_row(x, k, width), v_load_row(row, k, width));
            sum.part[j] = v_fma(difference, difference, sum.part[j]);
        }
        y[i] = v_join(sum);
    }
}

FK_TARGET void FK_NAMED(row_norms_f32)(float *y, const float *rows, size_t count,
                                       size_t width) {
    for (size_t i = 0; i < count; i++) y[i] = v_dot(rows + i * width, rows + i * width, width);
}
