/* Activations and arithmetic at one level: the formulas of activation_reference.c. */

FK_LANE lanes v_silu(lanes x) { return v_div(x, v_add(v_set(1.0f), v_exp(v_negate(x)))); }

FK_LANE lanes v_silu_slope(lanes x) {
    lanes s = v_sigmoid(x);
    return v_mul(s, v_fma(x, v_sub(v_set(1.0f), s), v_set(1.0f)));
}

FK_LANE lanes v_relu(lanes x) { return v_select(v_less(x, v_zero()), v_zero(), x); }

FK_LANE lanes v_relu_slope(lanes dy, lanes x) {
    return v_select(v_less(v_zero(), x), dy, v_zero());
}

FK_LANE lanes v_gelu_erf(lanes x) {
    lanes e = v_erf(v_mul(x, v_set(FK_SQRT_HALF)));
    return v_mul(v_mul(v_set(0.5f), x), v_add(v_set(1.0f), e));
}

FK_LANE lanes v_gelu_erf_slope(lanes x) {
    lanes density = v_mul(v_exp(v_mul(v_mul(v_set(-0.5f), x), x)), v_set(FK_INVERSE_SQRT_2PI));
    lanes e = v_erf(v_mul(x, v_set(FK_SQRT_HALF)));
    return v_fma(x, density, v_mul(v_set(0.5f), v_add(v_set(1.0f), e)));
}

FK_LANE lanes v_gelu_tanh_inner(lanes x) {
    return v_mul(v_mul(v_set(FK_SQRT_2_OVER_PI), x),
                 v_fma(v_set(FK_GELU_CUBIC), v_mul(x, x), v_set(1.0f)));
}

FK_LANE lanes v_gelu_tanh(lanes x) {
    lanes t = v_tanh(v_gelu_tanh_inner(x));
    return v_mul(v_mul(v_set(0.5f), x), v_add(v_set(1.0f), t));
}

FK_LANE lanes v_gelu_tanh_slope(lanes x) {
    lanes t = v_tanh(v_gelu_tanh_inner(x));
    lanes inner_slope =
        v_mul(v_set(FK_SQRT_2_OVER_PI),
              v_fma(v_set(3.0f * FK_GELU_CUBIC), v_mul(x, x), v_set(1.0f)));
    lanes bend = v_mul(v_mul(v_set(0.5f), x), v_fnma(t, t, v_set(1.0f)));
    return v_fma(bend, inner_slope, v_mul(v_set(0.5f), v_add(v_set(1.0f), t)));
}

#define UNARY(op, formula)                                                             \
    FK_TARGET void FK_NAMED(op##_f32)(float *y, const float *inputs, size_t count) {   \
        size_t k = 0;                                                                  \
        for (; k + 16 <= count; k += 16) {                                             \
            lanes x = v_load(inputs + k);                                              \
            v_store(y + k, formula);                                                   \
        }                                                                              \
        if (k < count) {                                                               \
            lanes x = v_load_first(inputs + k, count - k);                             \
            v_store_first(y + k, formula, count - k);                                  \
        }                                                                              \
    }

#define BINARY(op, formula)                                                            \
    FK_TARGET void FK_NAMED(op##_f32)(float *y, const float *as, const float *bs,      \
                                      size_t count) {                                  \
        size_t k = 0;                                                                  \
        for (; k + 16 <= count; k += 16) {                                             \
            lanes a = v_load(as + k), b = v_load(bs + k);                              \
            v_store(y + k, formula);                                                   \
        }                                                                              \
        if (k < count) {                                                               \
            lanes a = v_load_first(as + k, count - k), b = v_load_first(bs + k, count - k); \
            v_store_first(y + k, formula, count - k);                                  \
        }                                                                              \
    }

UNARY(exp, v_exp(x))
UNARY(log, v_log(x))
UNARY(sigmoid, v_sigmoid(x))
UNARY(silu, v_silu(x))
UNARY(relu, v_relu(x))
UNARY(tanh, v_tanh(x))
UNARY(gelu_erf, v_gelu_erf(x))
UNARY(gelu_tanh, v_gelu_tanh(x))

BINARY(sigmoid_backward, v_mul(a, v_mul(b, v_sub(v_set(1.0f), b))))
BINARY(tanh_backward, v_mul(a, v_fnma(b, b, v_set(1.0f))))
BINARY(silu_backward, v_mul(a, v_silu_slope(b)))
BINARY(relu_backward, v_relu_slope(a, b))
BINARY(gelu_erf_backward, v_mul(a, v_gelu_erf_slope(b)))
BINARY(gelu_tanh_backward, v_mul(a, v_gelu_tanh_slope(b)))
BINARY(add, v_add(a, b))
BINARY(subtract, v_sub(a, b))
BINARY(multiply, v_mul(a, b))
BINARY(divide, v_div(a, b))

FK_TARGET void FK_NAMED(scale_f32)(float *y, const float *x, float factor, size_t count) {
    for (size_t k = 0; k < count; k += 16)
        v_store_row(y, k, count, v_mul(v_load_row(x, k, count), v_set(factor)));
}

FK_TARGET void FK_NAMED(axpy_f32)(float *y, float a, const float *x, size_t count) {
    for (size_t k = 0; k < count; k += 16) {
        lanes sum = v_fma(v_set(a), v_load_row(x, k, count), v_load_row(y, k, count));
        v_store_row(y, k, count, sum);
    }
}

FK_TARGET void FK_NAMED(swiglu_f32)(float *y, size_t y_stride, const float *gate,
                                    size_t gate_stride, const float *up, size_t up_stride,
                                    size_t rows, size_t width) {
    for (size_t i = 0; i < rows; i++, y += y_stride, gate += gate_stride, up += up_stride)
        for (size_t k = 0; k < width; k += 16) {
            lanes g = v_silu(v_load_row(gate, k, width));
            v_store_row(y, k, width, v_mul(g, v_load_row(up, k, width)));
        }
}

FK_TARGET void FK_NAMED(swiglu_backward_f32)(float *dgate, size_t dgate_stride, float *dup,
                                             size_t dup_stride, const float *dy,
                                             size_t dy_stride, const float *gate,
                                             size_t gate_stride, const float *up,
                                             size_t up_stride, size_t rows, size_t width) {
    for (size_t i = 0; i < rows; i++) {
        for (size_t k = 0; k < width; k += 16) {
            lanes d = v_load_row(dy + i * dy_stride, k, width);
            lanes g = v_load_row(gate + i * gate_stride, k, width);
            lanes u = v_load_row(up + i * up_stride, k, width);
            v_store_row(dgate + i * dgate_stride, k, width,
                        v_mul(v_mul(d, u), v_silu_slope(g)));
            v_store_row(dup + i * dup_stride, k, width, v_mul(d, v_silu(g)));
        }
    }
}
