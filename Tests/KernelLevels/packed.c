/* Activations rounded to 8 bits, and products of packed weights with them. */
#include "compare.h"

enum { ORDINARY, WILD, TIES, KINDS };

static void rounding(int64_t rows, int64_t k, int kind) {
    begin_case();
    describe("%d rows of %d, kind %d", (int)rows, (int)k, kind);
    size_t ldx = (size_t)k + 5, count = (size_t)(rows - 1) * ldx + (size_t)k;
    float *x = kind == WILD ? wild_floats(count) : floats(count, 1);
    /* With a largest magnitude of 127 codes are the numbers rounded: here halves, to even. */
    for (size_t i = 0; kind == TIES && i < count; i++)
        x[i] = i % 16 ? (float)(int)(120 * x[i]) + 0.5f : 127;
    void *memory = aligned_buffer(fk_activations_bytes(rows, k));
    fk_activations a = fk_activations_in(memory, rows, k);
    float_output_at(memory, fk_activations_bytes(rows, k) / 4);
    COMPARE(quantize_activations, fk_quantize_activations(&a, x, ldx, 0, rows));
}

/* Blocks of one byte, but for scales between 1/2 and 1 and minimums likewise. */
static void fill_blocks(fk_type type, uint8_t *blocks, size_t count, int byte) {
    size_t size = fk_block_bytes(type), halves = 1, first = 0;
    switch (type) {
    case FK_TYPE_Q2_K: first = 80, halves = 2; break;
    case FK_TYPE_Q3_K: first = 108; break;
    case FK_TYPE_Q6_K: first = 208; break;
    case FK_TYPE_Q4_1:
    case FK_TYPE_Q5_1:
    case FK_TYPE_Q4_K:
    case FK_TYPE_Q5_K: halves = 2; break;
    case FK_TYPE_MXFP4: halves = 0; break;
    default: break;
    }
    memset(blocks, byte, count * size);
    for (size_t i = 0; i < count; i++, blocks += size) {
        for (size_t h = 0; h < halves; h++) memcpy(blocks + first + 2 * h, "\x12\x38", 2);
        if (type == FK_TYPE_MXFP4) blocks[0] = 127;
    }
}

/* Blocks of the byte `fill` and activations of the largest codes, or random numbers if it
 * is negative. */
static void product(fk_type type, int64_t n, int64_t k, int64_t rows, int fill) {
    begin_case();
    describe("%s %d x %d, %d rows, fill %d", fk_type_name(type), (int)n, (int)k, (int)rows,
             fill);
    size_t block_count = (size_t)(n * k) / (size_t)fk_block_elements(type);
    uint8_t *blocks = buffer(block_count * fk_block_bytes(type));
    float *x = floats((size_t)(rows * k), 1);
    if (fill < 0) {
        fk_quantize(type, blocks, floats((size_t)(n * k), 1), n * k);
    } else {
        fill_blocks(type, blocks, block_count, fill);
        for (int64_t i = 0; i < rows * k; i++) x[i] = i % 3 ? 1 : -1;
    }
    uint8_t *packed = aligned_buffer(fk_packed_bytes(type, n, k));
    fk_pack(type, packed, blocks, 0, n, n, k);
    fk_activations a = fk_activations_in(aligned_buffer(fk_activations_bytes(rows, k)), rows, k);
    fk_quantize_activations(&a, x, (size_t)k, 0, rows);
    float *bias = floats((size_t)n, 1), *y = floats((size_t)(rows * n), 1);
    float_output_at(y, (size_t)(rows * n));
    COMPARE(matmul_packed,
            fk_matmul_packed(type, y, (size_t)n, packed, &a, n, 0, n, NULL, 0));
    COMPARE(matmul_packed,
            fk_matmul_packed(type, y, (size_t)n, packed, &a, n, 0, n, bias, 1));
}

void compare_packed(void) {
    static const int64_t sizes[][2] = {{1, 32},   {3, 64},    {15, 128},  {16, 288},
                                       {17, 576}, {33, 736},  {48, 1536}, {31, 768},
                                       {65, 256}, {127, 512}};
    static const int64_t rows[] = {1, 2, 3, 4, 5, 6, 7, 8, 13, 33};
    for (int kind = 0; kind < KINDS; kind++) {
        rounding(1, 32, kind);
        rounding(3, 192, kind);
        rounding(7, 576, kind);
    }
    fk_type types[32];
    int count = fk_packable_types(types, 32);
    for (int i = 0; i < count; i++)
        for (int j = 0; j < 10; j++) {
            if (sizes[j][1] % fk_block_elements(types[i]) != 0) continue;
            for (int r = 0; r < 10; r++) product(types[i], sizes[j][0], sizes[j][1], rows[r], -1);
            product(types[i], sizes[j][0], sizes[j][1], 5, 0x00);
            product(types[i], sizes[j][0], sizes[j][1], 5, 0xff);
            product(types[i], sizes[j][0], sizes[j][1], 2, 0x80);
        }
    product(FK_TYPE_Q4_0, 33, 64, 217, -1);
    product(FK_TYPE_Q4_0, 33, 64, 479, -1);
    product(FK_TYPE_Q8_0, 17, 64, 432, -1);
}
