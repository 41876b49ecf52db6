#include "../include/fk_nn.h"
#include "../lanes/scalar.h"
#include "philox.h"

#pragma STDC FP_CONTRACT OFF

void fk_random_bits_reference(uint32_t *y, uint64_t seed, uint64_t stream, uint64_t first,
                              size_t count) {
    for (size_t k = 0; k < count; k++) {
        uint32_t words[4];
        fk_philox(words, seed, stream, (first + k) / 4);
        y[k] = words[(first + k) % 4];
    }
}

void fk_random_uniform_f32_reference(float *y, float low, float high, uint64_t seed,
                                     uint64_t stream, uint64_t first, size_t count) {
    float range = high - low;
    for (size_t k = 0; k < count; k++) {
        uint32_t words[4];
        fk_philox(words, seed, stream, (first + k) / 4);
        y[k] = fmaf(range, (float)(words[(first + k) % 4] >> 8) * 0x1p-24f, low);
    }
}

void fk_random_normal_f32_reference(float *y, float mean, float deviation, uint64_t seed,
                                    uint64_t stream, uint64_t first, size_t count) {
    for (size_t k = 0; k < count; k++) {
        uint32_t words[4];
        fk_philox(words, seed, stream, (first + k) / 4);
        size_t pair = (first + k) % 4 & 2;
        float u = (float)((words[pair] >> 8) + 1) * 0x1p-24f;
        float turns = (float)(words[pair + 1] >> 8) * 0x1p-24f;
        float radius = sqrtf(-2.0f * fk_log1(u));
        float cosine, sine;
        fk_cos_sin_turns1(turns, &cosine, &sine);
        y[k] = fmaf(deviation, radius * ((first + k) & 1 ? sine : cosine), mean);
    }
}
