/* Products of float weights, and their backward pass. */
#include "compare.h"

/* Levels of the products of BF16 weights that have the reference's order of sums. */
static int ordered_bf16_levels(fk_level *levels) {
    int count = fk_matmul_bf16_nt_levels(levels), kept = 0;
    for (int i = 0; i < count; i++)
        if (levels[i] != FK_LEVEL_AMX) levels[kept++] = levels[i];
    return kept;
}

/* A row of w, and the rows x in [t, k], n outputs from the third on. */
static void forward(int64_t n, int64_t k, int64_t t, int accumulate) {
    size_t ldw = (size_t)k + 3, ldx = (size_t)k + 1, ldy = (size_t)n + 2;
    size_t w_count = (size_t)(n - 1) * ldw + (size_t)k;
    int64_t begin = n > 4 ? 2 : 0;
    begin_case();
    describe("%d x %d, %d rows, accumulate %d", (int)n, (int)k, (int)t, accumulate);
    float *x = floats((size_t)(t - 1) * ldx + (size_t)k, 2), *w = floats(w_count, 2);
    float *bias = accumulate ? floats((size_t)n, 1) : NULL;
    size_t y_count = (size_t)(t - 1) * ldy + (size_t)n;
    float *y = floats(y_count, 1);
    float_output_at(y, y_count);
    uint16_t *half = buffer(2 * w_count);
    COMPARE(matmul_f32_nt,
            fk_matmul_f32_nt(y, ldy, x, ldx, w, ldw, t, begin, n, k, bias, accumulate));
    fk_f32_to_f16(half, w, (int64_t)w_count);
    COMPARE(matmul_f16_nt,
            fk_matmul_f16_nt(y, ldy, x, ldx, half, ldw, t, begin, n, k, bias, accumulate));
    fk_f32_to_bf16(half, w, (int64_t)w_count);
    COMPARE_LEVELS(
        matmul_bf16_nt, ordered_bf16_levels(levels_),
        fk_matmul_bf16_nt(y, ldy, x, ldx, half, ldw, t, begin, n, k, bias, accumulate));
}

static void backward(int64_t rows, int64_t columns, int64_t depth, int accumulate) {
    begin_case();
    describe("%d x %d, depth %d, accumulate %d", (int)rows, (int)columns, (int)depth,
             accumulate);
    float *a = floats((size_t)(rows * depth), 2), *b = floats((size_t)(depth * columns), 2);
    float *c = floats((size_t)(rows * columns), 2);
    float_output_at(c, (size_t)(rows * columns));
    size_t ldc = (size_t)columns;
    COMPARE(matmul_f32_nn, fk_matmul_f32_nn(c, ldc, a, (size_t)depth, b, ldc, rows / 5, rows,
                                            columns, depth, accumulate));
    COMPARE(matmul_f32_tn, fk_matmul_f32_tn(c, ldc, a, (size_t)rows, b, ldc, rows / 5, rows,
                                            columns, depth, accumulate));
}

void compare_products(void) {
    static const int64_t sizes[][2] = {{1, 1},   {2, 3},   {3, 15},  {4, 16},   {5, 17},
                                       {9, 31},  {15, 33}, {16, 63}, {17, 64},  {31, 65},
                                       {33, 127}, {63, 200}, {130, 96}, {7, 5000}};
    static const int64_t rows[] = {1, 2, 3, 4, 5, 7, 13, 33};
    for (int i = 0; i < 14; i++)
        for (int j = 0; j < 8; j++)
            for (int accumulate = 0; accumulate < 2; accumulate++)
                forward(sizes[i][0], sizes[i][1], rows[j], accumulate);
    static const int64_t outer[][3] = {{1, 1, 1},    {2, 3, 0},    {3, 15, 3},   {5, 16, 7},
                                       {6, 17, 16},  {7, 31, 31},  {8, 33, 63},  {13, 48, 65},
                                       {31, 63, 127}, {33, 65, 200}, {65, 127, 300}, {520, 20, 9}};
    for (int i = 0; i < 12; i++)
        for (int accumulate = 0; accumulate < 2; accumulate++)
            backward(outer[i][0], outer[i][1], outer[i][2], accumulate);
}
