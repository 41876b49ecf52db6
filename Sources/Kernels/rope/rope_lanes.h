/* Rotary positions at one level. Products and sums are rounded one by one, as in the
 * reference (and as the published implementations do). */

FK_LANE void rotate_half(float *y, const float *x, const float *cosines, const float *sines,
                         int inverse, size_t half) {
    for (size_t i = 0; i < half; i += 16) {
        lanes cosine = v_load_row(cosines, i, half), sine = v_load_row(sines, i, half);
        if (inverse) sine = v_negate(sine);
        lanes a = v_load_row(x, i, half), b = v_load_row(x + half, i, half);
        v_store_row(y, i, half, v_sub(v_mul(a, cosine), v_mul(b, sine)));
        v_store_row(y + half, i, half, v_add(v_mul(b, cosine), v_mul(a, sine)));
    }
}

FK_LANE void rotate_pairs(float *y, const float *x, const float *cosines, const float *sines,
                          int inverse, size_t half) {
    size_t i = 0;
    for (; i + 8 <= half; i += 8) {
        /* even: a cos + b (-sin), odd: b cos + a sin */
        lanes cosine = v_load_doubled(cosines + i), sine = v_load_doubled(sines + i);
        if (inverse) sine = v_negate(sine);
        lanes pairs = v_load(x + 2 * i);
        v_store(y + 2 * i, v_add(v_mul(pairs, cosine),
                                 v_mul(v_swap_pairs(pairs), v_negate_even(sine))));
    }
    for (; i < half; i++) {
        float sine = inverse ? -sines[i] : sines[i];
        float a = x[2 * i], b = x[2 * i + 1];
        y[2 * i] = a * cosines[i] - b * sine;
        y[2 * i + 1] = b * cosines[i] + a * sine;
    }
}

#define ROPE(op, rotate)                                                                   \
    FK_TARGET void FK_NAMED(op)(                                                           \
        float *y, size_t y_token_stride, size_t y_head_stride, const float *x,             \
        size_t x_token_stride, size_t x_head_stride, const float *cosines,                 \
        const float *sines, int inverse, size_t tokens, size_t heads, size_t head_dim,     \
        size_t rotary) {                                                                   \
        size_t half = rotary / 2;                                                          \
        for (size_t t = 0; t < tokens; t++)                                                \
            for (size_t h = 0; h < heads; h++) {                                           \
                const float *from = x + t * x_token_stride + h * x_head_stride;            \
                float *to = y + t * y_token_stride + h * y_head_stride;                    \
                rotate(to, from, cosines + t * half, sines + t * half, inverse, half);     \
                for (size_t i = rotary; i < head_dim; i += 16)                             \
                    v_store_row(to, i, head_dim, v_load_row(from, i, head_dim));           \
            }                                                                              \
    }

ROPE(rope_half_f32, rotate_half)
ROPE(rope_interleaved_f32, rotate_pairs)
