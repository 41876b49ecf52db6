/* Row conversions, decoding of any bytes, and encoding. */
#include "compare.h"

static void conversions(size_t count) {
    begin_case();
    describe("%zu elements", count);
    float *x = wild_floats(count);
    uint8_t *raw = bytes(4 * count);
    /* Any bits at all, NaNs among them. */
    for (size_t i = 0; i < count / 2; i++) memcpy(x + 2 * i, raw + 8 * i, 4);
    uint8_t *y = byte_output(2 * count);
    COMPARE(f32_to_f16, fk_f32_to_f16(y, x, (int64_t)count));
    COMPARE(f32_to_bf16, fk_f32_to_bf16(y, x, (int64_t)count));
    COMPARE(f32_to_f8e4m3, fk_f32_to_f8e4m3(y, x, (int64_t)count));
    begin_case();
    describe("%zu elements", count);
    raw = bytes(2 * count);
    float *wide = byte_output(4 * count);
    COMPARE(f16_to_f32, fk_f16_to_f32(wide, raw, (int64_t)count));
    COMPARE(bf16_to_f32, fk_bf16_to_f32(wide, raw, (int64_t)count));
    COMPARE(f8e4m3_to_f32, fk_f8e4m3_to_f32(wide, raw, (int64_t)count));
}

static void every_half(void) {
    begin_case();
    describe("every number of 16 bits");
    uint16_t *raw = buffer(2 * 65536);
    for (int i = 0; i < 65536; i++) raw[i] = (uint16_t)i;
    float *wide = byte_output(4 * 65536);
    COMPARE(f16_to_f32, fk_f16_to_f32(wide, raw, 65536));
    COMPARE(bf16_to_f32, fk_bf16_to_f32(wide, raw, 65536));
    COMPARE(f8e4m3_to_f32, fk_f8e4m3_to_f32(wide, raw, 131072 / 2));
}

static void decoding(fk_type type, size_t blocks) {
    size_t elements = blocks * (size_t)fk_block_elements(type);
    begin_case();
    describe("%s, %zu elements", fk_type_name(type), elements);
    uint8_t *x = bytes(blocks * fk_block_bytes(type));
    float *y = float_output(elements);
    COMPARE_LEVELS(dequantize, fk_dequantize_levels(type, levels_),
                   fk_dequantize(type, y, x, (int64_t)elements));
}

static int all_levels(fk_level *levels) {
    levels[0] = fk_detected_level();
    levels[1] = FK_LEVEL_REFERENCE;
    return 2;
}

static void encoding(fk_type type, int is_weighted) {
    size_t elements = 2048, blocks = elements / (size_t)fk_block_elements(type);
    begin_case();
    describe("%s, weighted %d", fk_type_name(type), is_weighted);
    float *x = floats(elements, 3), *importance = is_weighted ? floats(elements, 1) : NULL;
    for (size_t i = 0; is_weighted && i < elements; i++) importance[i] = fabsf(importance[i]);
    uint8_t *y = byte_output(blocks * fk_block_bytes(type));
    COMPARE_LEVELS(quantize, all_levels(levels_),
                   fk_quantize_weighted(type, y, x, (int64_t)elements, importance));
}

void compare_blocks(void) {
    for (int i = 0; i < AWKWARD_SIZES; i++) conversions(awkward_sizes[i]);
    conversions(100000);
    every_half();
    fk_type types[64];
    int count = fk_all_types(types, 64);
    for (int i = 0; i < count; i++) {
        if (fk_dequantizable(types[i]))
            for (size_t blocks = 1; blocks < 300; blocks = 3 * blocks + 1)
                decoding(types[i], blocks);
        if (fk_quantizable(types[i])) {
            encoding(types[i], 0);
            encoding(types[i], 1);
        }
    }
}
