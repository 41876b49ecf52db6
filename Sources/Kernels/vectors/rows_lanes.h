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
    for (size_t i = 0; i < count; i++) y[i] = v_distance(x, row_of(rows, picks, i, width), width);
}

FK_TARGET void FK_NAMED(row_norms_f32)(float *y, const float *rows, size_t count,
                                       size_t width) {
    for (size_t i = 0; i < count; i++) y[i] = v_dot(rows + i * width, rows + i * width, width);
}

FK_TARGET void FK_NAMED(round_tables_u8)(uint8_t *bytes, const float *entries,
                                         const float *smallest, float scale, size_t parts) {
    for (size_t part = 0; part < parts; part++) {
        lanes x = v_mul(v_sub(v_load(entries + 16 * part), v_set(smallest[part])), v_set(scale));
        /* The bound is the second operand, so what is not a number becomes 0. */
        x = v_min(v_max(x, v_zero()), v_set(255));
        lanes whole = v_round(x);
        whole = v_select(v_less(x, whole), v_sub(whole, v_set(1)), whole);
        /* The fraction is exact. */
        lanes up = v_add(whole, v_set(1));
        whole = v_select(v_less(v_sub(x, whole), v_set(0.5f)), whole, up);
        uint32_t numbers[16];
        v_int_store(numbers, v_int(whole));
        for (size_t i = 0; i < 16; i++) bytes[16 * part + i] = (uint8_t)numbers[i];
    }
}
