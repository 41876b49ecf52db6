/* Rows against a panel of queries at one level: the orders of panels_reference.c.
 *
 * A tile is some rows by some columns of sixteen queries; its sums stay in registers while a
 * component of each row in turn meets that of all its queries. */

#define FK_UNROLLED _Pragma("clang loop unroll(full)")

FK_TARGET void FK_NAMED(panel_f32)(float *panel, const float *rows, const int32_t *picks,
                                   size_t count, size_t width) {
    for (size_t first = 0; first < FK_PANEL; first += 16)
        for (size_t k = 0; k < width; k += 16) {
            lanes block[16];
            for (size_t i = 0; i < 16; i++)
                block[i] = first + i < count
                               ? v_load_row(rows + (size_t)picks[first + i] * width, k, width)
                               : v_zero();
            v_transpose(block);
            for (size_t i = 0; i < v_remaining(width, k); i++)
                v_store(panel + (k + i) * FK_PANEL + first, block[i]);
        }
}

enum { WIDE = FK_WIDE_COLUMNS, TILE_ROWS = FK_WIDE_ROWS, TALL_ROWS = 12 };

FK_LANE void tile_sums(lanes *sums, size_t tall, size_t wide, const float *panel,
                       const float *rows, size_t width) {
    FK_UNROLLED
    for (size_t i = 0; i < tall * wide; i++) sums[i] = v_zero();
    _Pragma("clang loop unroll(disable)")
    for (size_t k = 0; k < width; k++) {
        lanes query[4];
        FK_UNROLLED
        for (size_t c = 0; c < wide; c++) query[c] = v_load(panel + k * FK_PANEL + 16 * c);
        FK_UNROLLED
        for (size_t r = 0; r < tall; r++) {
            lanes x = v_set(rows[r * width + k]);
            FK_UNROLLED
            for (size_t c = 0; c < wide; c++)
                sums[r * wide + c] = v_fma(x, query[c], sums[r * wide + c]);
        }
    }
}

/* What rows_below was called with. */
typedef struct below {
    fk_row_hits *hits;
    const float *panel, *bounds, *rows, *terms;
    float factor;
    size_t width;
} below;

/* Marks of the queries that each row of a tile is below the bound of. */
FK_LANE void below_tile(uint64_t *marks, size_t tall, size_t wide, const below *b, size_t row,
                        size_t column) {
    lanes sums[24];
    tile_sums(sums, tall, wide, b->panel + 16 * column, b->rows + row * b->width, b->width);
    FK_UNROLLED
    for (size_t r = 0; r < tall; r++)
        FK_UNROLLED
        for (size_t c = 0; c < wide; c++) {
            lanes term = v_set(b->terms ? b->terms[row + r] : 0);
            lanes key = v_fnma(v_set(b->factor), sums[r * wide + c], term);
            mask_lanes mask = v_less(key, v_load(b->bounds + 16 * (column + c)));
            marks[r] |= (uint64_t)v_bits_of(mask) << 16 * (column + c);
        }
}

FK_LANE void below_rows(size_t tall, const below *b, size_t row, size_t columns,
                        uint64_t present) {
    uint64_t marks[TALL_ROWS] = {0};
    size_t column = 0;
    if (tall <= TILE_ROWS) {
        for (; column + WIDE <= columns; column += WIDE)
            below_tile(marks, tall, WIDE, b, row, column);
        if (WIDE > 2)
            for (; column + 2 <= columns; column += 2)
                below_tile(marks, tall, 2, b, row, column);
    }
    for (; column < columns; column++) below_tile(marks, tall, 1, b, row, column);
    FK_UNROLLED
    for (size_t r = 0; r < tall; r++) {
        uint64_t left = marks[r] & present;
        while (left) {
            b->hits->rows[b->hits->count] = (int32_t)(row + r);
            b->hits->queries[b->hits->count++] = (int32_t)__builtin_ctzll(left);
            left &= left - 1;
        }
    }
}

FK_TARGET void FK_NAMED(rows_below_f32)(fk_row_hits *hits, const float *panel,
                                        const float *bounds, size_t queries, const float *rows,
                                        const float *terms, float factor, size_t count,
                                        size_t width) {
    const below b = {hits, panel, bounds, rows, terms, factor, width};
    size_t columns = (queries + 15) / 16;
    uint64_t present = queries >= 64 ? ~(uint64_t)0 : ((uint64_t)1 << queries) - 1;
    while (hits->next < count && hits->capacity - hits->count >= FK_PANEL_ROOM) {
        size_t row = hits->next, left = count - row, done;
        if (WIDE > 1 && columns == 1 && left >= TALL_ROWS)
            below_rows(done = TALL_ROWS, &b, row, columns, present);
        else if (left >= TILE_ROWS)
            below_rows(done = TILE_ROWS, &b, row, columns, present);
        else if (left >= 2)
            below_rows(done = 2, &b, row, columns, present);
        else
            below_rows(done = 1, &b, row, columns, present);
        hits->next += done;
    }
}

/* The largest values so far of a panel's queries, and their rows. */
typedef struct leaders {
    lanes value[4];
    lanes row[4]; /* the bits of integers */
} leaders;

FK_LANE void nearest_tile(leaders *best, size_t tall, size_t wide, const float *panel,
                          size_t column, const float *rows, const float *terms, size_t row,
                          size_t width) {
    lanes sums[24];
    tile_sums(sums, tall, wide, panel + 16 * column, rows + row * width, width);
    FK_UNROLLED
    for (size_t r = 0; r < tall; r++) {
        lanes number = v_as_float(v_int_set((uint32_t)(row + r)));
        FK_UNROLLED
        for (size_t c = 0; c < wide; c++) {
            lanes value = sums[r * wide + c];
            if (terms) value = v_sub(value, v_set(terms[row + r]));
            mask_lanes larger = v_less(best->value[column + c], value);
            best->value[column + c] = v_select(larger, value, best->value[column + c]);
            best->row[column + c] = v_select(larger, number, best->row[column + c]);
        }
    }
}

FK_LANE void nearest_columns(leaders *best, size_t wide, const float *panel, size_t column,
                             const float *rows, const float *terms, size_t count,
                             size_t width) {
    size_t row = 0;
    for (; row + TILE_ROWS <= count; row += TILE_ROWS)
        nearest_tile(best, TILE_ROWS, wide, panel, column, rows, terms, row, width);
    for (; row < count; row++)
        nearest_tile(best, 1, wide, panel, column, rows, terms, row, width);
}

FK_TARGET void FK_NAMED(nearest_rows_f32)(int32_t *best, const float *panel, size_t queries,
                                          const float *rows, const float *terms, size_t count,
                                          size_t width) {
    leaders leaders;
    for (size_t c = 0; c < 4; c++) {
        leaders.value[c] = v_set(-INFINITY);
        leaders.row[c] = v_zero();
    }
    size_t columns = (queries + 15) / 16, column = 0;
    for (; column + WIDE <= columns; column += WIDE)
        nearest_columns(&leaders, WIDE, panel, column, rows, terms, count, width);
    for (; column < columns; column++)
        nearest_columns(&leaders, 1, panel, column, rows, terms, count, width);
    for (size_t query = 0; query < queries; query++) {
        uint32_t rows_of[16];
        v_int_store(rows_of, v_as_int(leaders.row[query / 16]));
        best[query] = (int32_t)rows_of[query % 16];
    }
}
