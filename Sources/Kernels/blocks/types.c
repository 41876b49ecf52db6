#include <string.h>

#include "dequantize.h"
#include "layouts.h"
#include "quantize.h"

static void copy_f32(float *y, const void *x, int64_t elements) {
    memcpy(y, x, (size_t)elements * sizeof *y);
}

static void f64_to_f32(float *y, const void *x, int64_t elements) {
    const uint8_t *from = x;
    for (int64_t i = 0; i < elements; i++) {
        double value;
        memcpy(&value, from + 8 * i, sizeof value);
        y[i] = (float)value;
    }
}

static void store_f32(void *y, const float *x, int64_t elements, const float *importance) {
    (void)importance;
    memcpy(y, x, (size_t)elements * sizeof *x);
}

static void store_f16(void *y, const float *x, int64_t elements, const float *importance) {
    (void)importance;
    fk_f32_to_f16(y, x, elements);
}

static void store_bf16(void *y, const float *x, int64_t elements, const float *importance) {
    (void)importance;
    fk_f32_to_bf16(y, x, elements);
}

static void store_f8e4m3(void *y, const float *x, int64_t elements, const float *importance) {
    (void)importance;
    fk_f32_to_f8e4m3(y, x, elements);
}

static int only_reference(fk_level *levels) {
    levels[0] = FK_LEVEL_REFERENCE;
    return 1;
}

typedef struct {
    fk_type type;
    const char *name;
    int elements;
    size_t bytes;
    void (*decode)(float *y, const void *x, int64_t elements);
    int (*levels)(fk_level *levels);
    void (*encode)(void *y, const float *x, int64_t elements, const float *importance);
} type_traits;

#define BLOCK(TYPE, type, elements, encode)                      \
    {FK_TYPE_##TYPE,         #TYPE,                              \
     elements,               sizeof(fk_block_##type),            \
     fk_dequantize_##type,   fk_dequantize_##type##_levels, encode}

/* In ascending order of the ids. */
static const type_traits traits[] = {
    {FK_TYPE_F32, "F32", 1, 4, copy_f32, only_reference, store_f32},
    {FK_TYPE_F16, "F16", 1, 2, fk_f16_to_f32, fk_f16_to_f32_levels, store_f16},
    BLOCK(Q4_0, q4_0, 32, fk_quantize_q4_0),
    BLOCK(Q4_1, q4_1, 32, fk_quantize_q4_1),
    BLOCK(Q5_0, q5_0, 32, fk_quantize_q5_0),
    BLOCK(Q5_1, q5_1, 32, fk_quantize_q5_1),
    BLOCK(Q8_0, q8_0, 32, fk_quantize_q8_0),
    BLOCK(Q8_1, q8_1, 32, 0),
    BLOCK(Q2_K, q2_k, 256, fk_quantize_q2_k),
    BLOCK(Q3_K, q3_k, 256, fk_quantize_q3_k),
    BLOCK(Q4_K, q4_k, 256, fk_quantize_q4_k),
    BLOCK(Q5_K, q5_k, 256, fk_quantize_q5_k),
    BLOCK(Q6_K, q6_k, 256, fk_quantize_q6_k),
    BLOCK(Q8_K, q8_k, 256, 0),
    BLOCK(IQ2_XXS, iq2_xxs, 256, 0),
    BLOCK(IQ2_XS, iq2_xs, 256, 0),
    BLOCK(IQ3_XXS, iq3_xxs, 256, 0),
    BLOCK(IQ1_S, iq1_s, 256, 0),
    BLOCK(IQ4_NL, iq4_nl, 32, fk_quantize_iq4_nl),
    BLOCK(IQ3_S, iq3_s, 256, 0),
    BLOCK(IQ2_S, iq2_s, 256, 0),
    BLOCK(IQ4_XS, iq4_xs, 256, fk_quantize_iq4_xs),
    {FK_TYPE_I8, "I8", 1, 1, 0, 0, 0},
    {FK_TYPE_I16, "I16", 1, 2, 0, 0, 0},
    {FK_TYPE_I32, "I32", 1, 4, 0, 0, 0},
    {FK_TYPE_I64, "I64", 1, 8, 0, 0, 0},
    {FK_TYPE_F64, "F64", 1, 8, f64_to_f32, only_reference, 0},
    BLOCK(IQ1_M, iq1_m, 256, 0),
    {FK_TYPE_BF16, "BF16", 1, 2, fk_bf16_to_f32, fk_bf16_to_f32_levels, store_bf16},
    BLOCK(TQ1_0, tq1_0, 256, fk_quantize_tq1_0),
    BLOCK(TQ2_0, tq2_0, 256, fk_quantize_tq2_0),
    BLOCK(MXFP4, mxfp4, 32, fk_quantize_mxfp4),
    BLOCK(NVFP4, nvfp4, 64, fk_quantize_nvfp4),
    BLOCK(Q1_0, q1_0, 128, 0),
    BLOCK(Q2_0, q2_0, 64, 0),
    {FK_TYPE_F8_E4M3, "F8_E4M3", 1, 1, fk_f8e4m3_to_f32, fk_f8e4m3_to_f32_levels, store_f8e4m3},
};
enum { type_count = sizeof traits / sizeof traits[0] };

static const type_traits *find(fk_type type) {
    for (int i = 0; i < type_count; i++)
        if (traits[i].type == type) return &traits[i];
    return 0;
}

int fk_block_elements(fk_type type) {
    const type_traits *found = find(type);
    return found ? found->elements : 0;
}

size_t fk_block_bytes(fk_type type) {
    const type_traits *found = find(type);
    return found ? found->bytes : 0;
}

const char *fk_type_name(fk_type type) {
    const type_traits *found = find(type);
    return found ? found->name : "unknown";
}

int fk_type_named(const char *name, fk_type *type) {
    for (int i = 0; i < type_count; i++)
        if (strcmp(traits[i].name, name) == 0) {
            *type = traits[i].type;
            return 1;
        }
    return 0;
}

int fk_all_types(fk_type *types, int capacity) {
    for (int i = 0; i < type_count && i < capacity; i++) types[i] = traits[i].type;
    return type_count;
}

int fk_dequantizable(fk_type type) {
    const type_traits *found = find(type);
    return found && found->decode;
}

void fk_dequantize(fk_type type, float *y, const void *x, int64_t elements) {
    const type_traits *found = find(type);
    if (found && found->decode) found->decode(y, x, elements);
}

int fk_dequantize_levels(fk_type type, fk_level *levels) {
    const type_traits *found = find(type);
    return found && found->levels ? found->levels(levels) : 0;
}

int fk_quantizable(fk_type type) {
    const type_traits *found = find(type);
    return found && found->encode;
}

void fk_quantize_weighted(fk_type type, void *y, const float *x, int64_t elements,
                          const float *importance) {
    const type_traits *found = find(type);
    if (found && found->encode) found->encode(y, x, elements, importance);
}

void fk_quantize(fk_type type, void *y, const float *x, int64_t elements) {
    fk_quantize_weighted(type, y, x, elements, 0);
}
