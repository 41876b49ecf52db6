#include "../include/fk_nn.h"
#include "../lanes/scalar.h"

#pragma STDC FP_CONTRACT OFF

/* Pair i of a head is (first(i), second(i)): the layouts differ in nothing else. */
static void rotate(float *y, size_t y_token_stride, size_t y_head_stride, const float *x,
                   size_t x_token_stride, size_t x_head_stride, const float *cosines,
                   const float *sines, int inverse, size_t tokens, size_t heads,
                   size_t head_dim, size_t rotary, size_t pair_step, size_t pair_distance) {
    size_t half = rotary / 2;
    for (size_t t = 0; t < tokens; t++) {
        for (size_t h = 0; h < heads; h++) {
            const float *from = x + t * x_token_stride + h * x_head_stride;
            float *to = y + t * y_token_stride + h * y_head_stride;
            FK_SCALAR_LOOP
            for (size_t i = 0; i < half; i++) {
                float cosine = cosines[t * half + i];
                float sine = inverse ? -sines[t * half + i] : sines[t * half + i];
                size_t first = i * pair_step, second = first + pair_distance;
                float a = from[first], b = from[second];
                to[first] = a * cosine - b * sine;
                to[second] = b * cosine + a * sine;
            }
            FK_SCALAR_LOOP
            for (size_t i = rotary; i < head_dim; i++) to[i] = from[i];
        }
    }
}

void fk_rope_half_f32_reference(float *y, size_t y_token_stride, size_t y_head_stride,
                                const float *x, size_t x_token_stride, size_t x_head_stride,
                                const float *cosines, const float *sines, int inverse,
                                size_t tokens, size_t heads, size_t head_dim, size_t rotary) {
    rotate(y, y_token_stride, y_head_stride, x, x_token_stride, x_head_stride, cosines, sines,
           inverse, tokens, heads, head_dim, rotary, 1, rotary / 2);
}

void fk_rope_interleaved_f32_reference(float *y, size_t y_token_stride, size_t y_head_stride,
                                       const float *x, size_t x_token_stride,
                                       size_t x_head_stride, const float *cosines,
                                       const float *sines, int inverse, size_t tokens,
                                       size_t heads, size_t head_dim, size_t rotary) {
    rotate(y, y_token_stride, y_head_stride, x, x_token_stride, x_head_stride, cosines, sines,
           inverse, tokens, heads, head_dim, rotary, 2, 1);
}
