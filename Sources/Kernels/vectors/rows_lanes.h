/* Rows against one vector at one level: the orders of rows_reference.c. */

FK_LANE const float *row_of(const float *rows, const int32_t *picks, size_t i, size_t width) {
    return rows + (picks ? (size_t)picks[i] : i) * width;
}

/* Asks for the row after next where rows are picked; those in order are foreseen anyway. */
FK_LANE void foresee(const float *rows, const int32_t *picks, size_t i, size_t count,
                     size_t width) {
    if (!picks || i + 2 >= count) return;
    const float *row = row_of(rows, picks, i + 2, width);
    for (size_t k = 0; k < width; k += 16) __builtin_prefetch(row + k);
}

FK_TARGET void FK_NAMED(row_products_f32)(float *y, const float *x, const float *rows,
                                          const int32_t *picks, size_t count, size_t width) {
    for (size_t i = 0; i < count; i++) {
        foresee(rows, picks, i, count, width);
        y[i] = v_dot(x, row_of(rows, picks, i, width), width);
    }
}

FK_TARGET void FK_NAMED(row_distances_f32)(float *y, const float *x, const float *rows,
                                           const int32_t *picks, size_t count, size_t width) {
    for (size_t i = 0; i < count; i++) {
        foresee(rows, picks, i, count, width);
        y[i] = v_distance(x, row_of(rows, picks, i, width), width);
    }
}

FK_TARGET void FK_NAMED(row_norms_f32)(float *y, const float *rows, size_t count,
                                       size_t width) {
    for (size_t i = 0; i < count; i++) y[i] = v_dot(rows + i * width, rows + i * width, width);
}
