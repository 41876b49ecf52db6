/* Tables of 16 entries a part at one level: lane j is entry j; spans turn 16 parts at a time, so
 * that lane p is part p. The orders of tables_reference.c. */

FK_TARGET void FK_NAMED(part_tables_f32)(float *entries, const float *x, const float *center,
                                         const float *centroids, int is_product, size_t parts,
                                         size_t width) {
    for (size_t part = 0; part < parts; part++) {
        lanes sum = v_zero();
        for (size_t i = 0; i < width; i++) {
            size_t k = part * width + i;
            lanes d = v_set(center ? x[k] - center[k] : x[k]);
            lanes c = v_load(centroids + 16 * k);
            if (!is_product) c = d = v_sub(d, c);
            sum = v_fma(d, c, sum);
        }
        v_store(entries + 16 * part, sum);
    }
}

FK_TARGET void FK_NAMED(table_spans_f32)(fk_table_span *span, float *smallest,
                                         const float *entries, size_t parts) {
    lanes base = v_zero(), sum = v_zero(), largest = v_set(-INFINITY);
    for (size_t part = 0; part < parts; part += 16) {
        size_t here = parts - part < 16 ? parts - part : 16;
        lanes entry[16];
        for (size_t i = 0; i < 16; i++)
            entry[i] = i < here ? v_load(entries + 16 * (part + i)) : v_set(NAN);
        v_transpose(entry);
        lanes low = v_set(INFINITY), high = v_set(-INFINITY);
        for (size_t j = 0; j < 16; j++) {
            /* The second operand is what stays beside one that is not a number. */
            low = v_min(entry[j], low);
            high = v_max(entry[j], high);
        }
        lanes wide = v_sub(high, low);
        v_store_first(smallest + part, low, here);
        base = v_add(base, v_keep_first(low, here));
        sum = v_add(sum, v_keep_first(wide, here));
        largest = v_max(wide, largest);
    }
    *span = (fk_table_span){v_halve(base), v_halve(sum), v_largest(largest)};
}

FK_TARGET void FK_NAMED(round_tables_u8)(uint8_t *bytes, const float *entries,
                                         const float *smallest, float scale, size_t parts) {
    for (size_t part = 0; part < parts; part++) {
        lanes x = v_mul(v_sub(v_load(entries + 16 * part), v_set(smallest[part])), v_set(scale));
        /* The bound is the second operand, so what is not a number becomes 0. */
        x = v_min(v_max(x, v_zero()), v_set(255));
        lanes whole = v_round(x);
        /* Halves go to the even number, which is too low where half is missing. */
        lanes up = v_add(whole, v_set(1));
        whole = v_select(v_equal(v_sub(x, whole), v_set(0.5f)), up, whole);
        v_byte_store(bytes + 16 * part, v_int(whole));
    }
}
