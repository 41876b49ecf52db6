/* Sums, choices, softmax, tables, rotary positions, and rows against one vector. */
#include "compare.h"

static void sums(size_t width) {
    begin_case();
    describe("%zu elements", width);
    float *x = floats(width, 3), *y = floats(width, 3), *result = float_output(1);
    COMPARE(sum_f32, fk_sum_f32(result, x, width));
    COMPARE(dot_f32, fk_dot_f32(result, x, y, width));
    begin_case();
    describe("%zu elements", width);
    size_t *found = byte_output(sizeof(size_t));
    x = wild_floats(width);
    COMPARE(count_nonfinite_f32, fk_count_nonfinite_f32(found, x, width));
}

static void columns(size_t width, size_t rows) {
    begin_case();
    describe("%zu rows of %zu", rows, width);
    float *x = floats(rows * width, 3), *sum = floats(width, 1);
    float_output_at(sum, width);
    COMPARE(column_sum_f32, fk_column_sum_f32(sum, x, width, rows, width / 4, width));
}

static void softmax(size_t width, size_t rows) {
    size_t stride = width + 3, count = (rows - 1) * stride + width;
    begin_case();
    describe("%zu rows of %zu", rows, width);
    float *x = floats(count, 20), *dy = floats(count, 1), *y = float_output(count);
    float *result = float_output(rows);
    size_t *lengths = buffer(rows * sizeof *lengths);
    for (size_t i = 0; i < rows; i++) lengths[i] = i * width / rows + 1;
    COMPARE(softmax_f32, fk_softmax_f32(y, stride, x, stride, 0.7f, NULL, rows, width));
    COMPARE(softmax_f32, fk_softmax_f32(y, stride, x, stride, 0.7f, lengths, rows, width));
    COMPARE(softmax_backward_f32,
            fk_softmax_backward_f32(y, stride, dy, stride, x, stride, 0.7f, rows, width));
    COMPARE(logsumexp_f32, fk_logsumexp_f32(result, x, stride, rows, width));
    COMPARE(log_softmax_f32, fk_log_softmax_f32(y, stride, x, stride, rows, width));
    COMPARE(log_softmax_backward_f32,
            fk_log_softmax_backward_f32(y, stride, dy, stride, x, stride, rows, width));
}

static void cross_entropy(size_t width, size_t rows) {
    begin_case();
    describe("%zu rows of %zu", rows, width);
    float *x = floats(rows * width, 20), *losses = float_output(rows);
    float *gradient = float_output(rows * width);
    int32_t *labels = numbers(rows, (int32_t)width);
    size_t *invalid = byte_output(sizeof(size_t));
    labels[0] = FK_IGNORED_LABEL;
    labels[1] = (int32_t)width;
    COMPARE(cross_entropy_f32,
            fk_cross_entropy_f32(losses, gradient, width, invalid, x, width, labels, 0.3f, rows,
                                 width));
    COMPARE(cross_entropy_f32,
            fk_cross_entropy_f32(losses, NULL, width, invalid, x, width, labels, 0.3f, rows,
                                 width));
}

/* Whole numbers, so that equals are many. */
static void choices(size_t width, int has_nan) {
    size_t rows = 4;
    begin_case();
    describe("%zu wide, NaN %d", width, has_nan);
    float *x = buffer(rows * width * sizeof *x);
    int32_t *drawn = numbers(rows * width, 23);
    for (size_t i = 0; i < rows * width; i++) x[i] = (float)drawn[i] - 11;
    if (has_nan) x[width - 1] = NAN;
    int64_t *indices = byte_output(rows * sizeof(int64_t));
    COMPARE(argmax_f32, fk_argmax_f32(indices, x, width, rows, width));
    static const size_t ks[] = {0, 1, 2, 9, 40};
    for (int i = 0; i < 5; i++) {
        begin_case();
        describe("%zu of %zu", ks[i], width);
        x = floats(width, 1);
        drawn = numbers(width, 23);
        for (size_t j = 0; j < width; j++) x[j] = (float)drawn[j] - 11;
        float *values = float_output(ks[i]);
        indices = byte_output(ks[i] * sizeof(int64_t));
        int64_t *found = byte_output(sizeof(int64_t));
        COMPARE(top_k_f32, fk_top_k_f32(values, indices, found, x, width, ks[i]));
    }
}

static void tables(size_t width) {
    size_t count = 6, rows = 5, stride = width + 3, floats_out = (count - 1) * stride + width;
    begin_case();
    describe("%zu wide", width);
    float *table = floats(rows * width, 3), *y = float_output(floats_out);
    uint16_t *half = (uint16_t *)(void *)bytes(2 * rows * width);
    int32_t *ids = numbers(count, (int32_t)rows);
    COMPARE(gather_rows_f32, fk_gather_rows_f32(y, stride, table, ids, count, width));
    COMPARE(gather_rows_f16, fk_gather_rows_f16(y, stride, half, ids, count, width));
    COMPARE(gather_rows_bf16, fk_gather_rows_bf16(y, stride, half, ids, count, width));
    begin_case();
    describe("%zu wide", width);
    ids = numbers(count, (int32_t)rows);
    float *dy = floats(count * width, 1), *dtable = floats(rows * width, 1);
    float_output_at(dtable, rows * width);
    COMPARE(scatter_add_rows_f32,
            fk_scatter_add_rows_f32(dtable, width, dy, width, ids, count, width / 4, width));
}

static void rope(size_t head_dim, size_t rotary) {
    size_t tokens = 3, heads = 2, count = tokens * heads * head_dim;
    for (int inverse = 0; inverse < 2; inverse++) {
        begin_case();
        describe("%zu of %zu, inverse %d", rotary, head_dim, inverse);
        float *x = floats(count, 3), *y = float_output(count);
        float *cosines = floats(tokens * rotary / 2, 1), *sines = floats(tokens * rotary / 2, 1);
        COMPARE(rope_half_f32,
                fk_rope_half_f32(y, heads * head_dim, head_dim, x, heads * head_dim, head_dim,
                                 cosines, sines, inverse, tokens, heads, head_dim, rotary));
        COMPARE(rope_interleaved_f32,
                fk_rope_interleaved_f32(y, heads * head_dim, head_dim, x, heads * head_dim,
                                        head_dim, cosines, sines, inverse, tokens, heads,
                                        head_dim, rotary));
    }
}

static void against_one(size_t width, int is_picked) {
    size_t count = 7, rows = 9;
    begin_case();
    describe("%zu wide, picked %d", width, is_picked);
    float *x = floats(width, 3), *table = floats(rows * width, 3), *y = float_output(count);
    int32_t *picks = is_picked ? numbers(count, (int32_t)rows) : NULL;
    COMPARE(row_products_f32, fk_row_products_f32(y, x, table, picks, count, width));
    COMPARE(row_distances_f32, fk_row_distances_f32(y, x, table, picks, count, width));
    COMPARE(row_norms_f32, fk_row_norms_f32(y, table, count, width));
}

static void panels(size_t width, size_t queries, size_t rows, int has_terms) {
    begin_case();
    describe("%zu wide, %zu queries, %zu rows, terms %d", width, queries, rows, has_terms);
    float *table = floats(70 * width, 1), *panel = float_output(width * FK_PANEL);
    int32_t *picks = numbers(queries, 70);
    COMPARE(panel_f32, fk_panel_f32(panel, table, picks, queries, width));
    begin_case();
    describe("%zu wide, %zu queries, %zu rows, terms %d", width, queries, rows, has_terms);
    panel = floats(width * FK_PANEL, 1);
    float *bounds = floats(FK_PANEL, 1), *terms = has_terms ? floats(rows, 1) : NULL;
    table = floats(rows * width, 1);
    size_t capacity = FK_PANEL_ROOM + rows * FK_PANEL;
    fk_row_hits *hits = byte_output(sizeof *hits);
    fk_row_hits none = {.rows = byte_output(4 * capacity),
                        .queries = byte_output(4 * capacity),
                        .capacity = capacity};
    /* Addresses are no part of the result. */
    COMPARE(rows_below_f32, {
        fk_row_hits found = none;
        fk_rows_below_f32(&found, panel, bounds, queries, table, terms, 2, rows, width);
        found.rows = found.queries = NULL;
        *hits = found;
    });
    int32_t *best = byte_output(4 * queries);
    COMPARE(nearest_rows_f32,
            fk_nearest_rows_f32(best, panel, queries, table, terms, rows, width));
}

static void part_tables(size_t parts, size_t width, int has_center, int is_product) {
    begin_case();
    describe("%zu parts, %zu wide, center %d, product %d", parts, width, has_center, is_product);
    float *x = floats(parts * width, 1), *center = has_center ? floats(parts * width, 1) : NULL;
    float *centroids = floats(parts * width * 16, 1), *entries = float_output(parts * 16);
    COMPARE(part_tables_f32,
            fk_part_tables_f32(entries, x, center, centroids, is_product, parts, width));
    begin_case();
    describe("%zu parts", parts);
    entries = floats(parts * 16, 1);
    float *smallest = float_output(parts);
    fk_table_span *span = byte_output(sizeof *span);
    COMPARE(table_spans_f32, fk_table_spans_f32(span, smallest, entries, parts));
}

static void block_hits(size_t parts, size_t rows, uint64_t limit) {
    begin_case();
    describe("%zu parts, blocks of %zu, limit %zu", parts, rows, (size_t)limit);
    size_t count = 2 * rows - 5;
    fk_code_blocks blocks = {.codes = bytes(parts * rows + 32),
                             .rows = rows,
                             .stride = parts / 2 * rows,
                             .parts = parts};
    uint8_t *table = bytes(parts * 16);
    fk_block_hits *hits = byte_output(sizeof *hits);
    fk_block_hits none = {.vectors = byte_output(4 * count), .sums = byte_output(4 * count)};
    /* Addresses are no part of the result. */
    COMPARE(block_hits_u4, {
        fk_block_hits found = none;
        fk_block_hits_u4(&found, &blocks, table, limit, 0, count);
        found.vectors = NULL;
        found.sums = NULL;
        *hits = found;
    });
}

void compare_rows(void) {
    for (int i = 0; i < AWKWARD_SIZES; i++) {
        size_t width = awkward_sizes[i];
        sums(width);
        if (width == 0) continue;
        columns(width, 3);
        columns(width, 131);
        softmax(width, 4);
        cross_entropy(width, 4);
        choices(width, 0);
        choices(width, 1);
        tables(width);
        against_one(width, 0);
        against_one(width, 1);
    }
    static const size_t widths[] = {1, 2, 15, 16, 17, 33, 64, 100};
    static const size_t queries[] = {1, 2, 15, 16, 17, 31, 33, 48, 63, 64};
    static const size_t counts[] = {1, 2, 5, 6, 7, 11, 12, 13, 25, 100};
    for (int i = 0; i < 8; i++)
        for (int j = 0; j < 10; j++) panels(widths[i], queries[j], counts[(i + j) % 10], j % 2);
    static const size_t heads[][2] = {{2, 2},   {6, 2},   {8, 4},    {17, 16},  {32, 30},
                                      {64, 34}, {80, 80}, {128, 64}, {192, 128}};
    for (int i = 0; i < 9; i++) rope(heads[i][0], heads[i][1]);
    static const size_t parts[] = {0, 2, 4, 6, 16, 254, 256, 258, 1000};
    for (int i = 0; i < 9; i++) {
        block_hits(parts[i], 32, parts[i] * 128);
        block_hits(parts[i], 96, UINT32_MAX);
    }
    static const size_t shapes[][2] = {{1, 1}, {2, 3}, {15, 2}, {16, 2}, {17, 4}, {64, 2}};
    for (int i = 0; i < 6; i++) {
        part_tables(shapes[i][0], shapes[i][1], 1, 0);
        part_tables(shapes[i][0], shapes[i][1], 0, 1);
    }
}
