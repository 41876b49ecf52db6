#include "../include/fk_nn.h"
#include "../lanes/scalar.h"

#pragma STDC FP_CONTRACT OFF

/* Derivatives and compound functions of one element. */

static float silu(float x) { return x / (1.0f + fk_exp1(-x)); }

static float silu_slope(float x) {
    float s = fk_sigmoid1(x);
    return s * fmaf(x, 1.0f - s, 1.0f);
}

static float gelu_erf(float x) { return (0.5f * x) * (1.0f + fk_erf1(x * FK_SQRT_HALF)); }

static float gelu_erf_slope(float x) {
    float density = fk_exp1((-0.5f * x) * x) * FK_INVERSE_SQRT_2PI;
    return fmaf(x, density, 0.5f * (1.0f + fk_erf1(x * FK_SQRT_HALF)));
}

static float gelu_tanh_inner(float x) {
    return (FK_SQRT_2_OVER_PI * x) * fmaf(FK_GELU_CUBIC, x * x, 1.0f);
}

static float gelu_tanh(float x) { return (0.5f * x) * (1.0f + fk_tanh1(gelu_tanh_inner(x))); }

static float gelu_tanh_slope(float x) {
    float t = fk_tanh1(gelu_tanh_inner(x));
    float inner_slope = FK_SQRT_2_OVER_PI * fmaf(3.0f * FK_GELU_CUBIC, x * x, 1.0f);
    return fmaf((0.5f * x) * fmaf(-t, t, 1.0f), inner_slope, 0.5f * (1.0f + t));
}

#define UNARY(op, formula)                                                  \
    void fk_##op##_f32_reference(float *y, const float *inputs, size_t count) { \
        FK_SCALAR_LOOP                                                      \
        for (size_t k = 0; k < count; k++) {                                \
            float x = inputs[k];                                            \
            y[k] = formula;                                                 \
        }                                                                   \
    }

#define BINARY(op, formula)                                                            \
    void fk_##op##_f32_reference(float *y, const float *as, const float *bs, size_t count) { \
        FK_SCALAR_LOOP                                                                 \
        for (size_t k = 0; k < count; k++) {                                           \
            float a = as[k], b = bs[k];                                                \
            y[k] = formula;                                                            \
        }                                                                              \
    }

UNARY(exp, fk_exp1(x))
UNARY(log, fk_log1(x))
UNARY(sigmoid, fk_sigmoid1(x))
UNARY(silu, silu(x))
UNARY(relu, x < 0 ? 0 : x)
UNARY(tanh, fk_tanh1(x))
UNARY(gelu_erf, gelu_erf(x))
UNARY(gelu_tanh, gelu_tanh(x))

BINARY(sigmoid_backward, a * (b * (1.0f - b)))
BINARY(tanh_backward, a * fmaf(-b, b, 1.0f))
BINARY(silu_backward, a * silu_slope(b))
BINARY(relu_backward, b > 0 ? a : 0)
BINARY(gelu_erf_backward, a * gelu_erf_slope(b))
BINARY(gelu_tanh_backward, a * gelu_tanh_slope(b))
BINARY(add, a + b)
BINARY(subtract, a - b)
BINARY(multiply, a * b)
BINARY(divide, a / b)

void fk_scale_f32_reference(float *y, const float *x, float factor, size_t count) {
    FK_SCALAR_LOOP
    for (size_t k = 0; k < count; k++) y[k] = x[k] * factor;
}

void fk_axpy_f32_reference(float *y, float a, const float *x, size_t count) {
    FK_SCALAR_LOOP
    for (size_t k = 0; k < count; k++) y[k] = fmaf(a, x[k], y[k]);
}

void fk_swiglu_f32_reference(float *y, size_t y_stride, const float *gate, size_t gate_stride,
                             const float *up, size_t up_stride, size_t rows, size_t width) {
    for (size_t i = 0; i < rows; i++) {
        FK_SCALAR_LOOP
        for (size_t k = 0; k < width; k++)
            y[i * y_stride + k] = silu(gate[i * gate_stride + k]) * up[i * up_stride + k];
    }
}

void fk_swiglu_backward_f32_reference(float *dgate, size_t dgate_stride, float *dup,
                                      size_t dup_stride, const float *dy, size_t dy_stride,
                                      const float *gate, size_t gate_stride, const float *up,
                                      size_t up_stride, size_t rows, size_t width) {
    for (size_t i = 0; i < rows; i++) {
        FK_SCALAR_LOOP
        for (size_t k = 0; k < width; k++) {
            float d = dy[i * dy_stride + k], g = gate[i * gate_stride + k];
            float u = up[i * up_stride + k];
            dgate[i * dgate_stride + k] = (d * u) * silu_slope(g);
            dup[i * dup_stride + k] = d * silu(g);
        }
    }
}
