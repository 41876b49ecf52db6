#include "compare.h"

#define UNARY(op)                                                            \
    for (int i = 0; i < AWKWARD_SIZES; i++) {                                \
        size_t count = awkward_sizes[i];                                     \
        begin_case();                                                        \
        describe("%zu elements", count);                                     \
        float *y = float_output(count), *x = wild_floats(count);             \
        COMPARE(op, fk_##op(y, x, count));                                   \
    }

#define BINARY(op)                                                           \
    for (int i = 0; i < AWKWARD_SIZES; i++) {                                \
        size_t count = awkward_sizes[i];                                     \
        begin_case();                                                        \
        describe("%zu elements", count);                                     \
        float *y = float_output(count);                                      \
        float *a = wild_floats(count), *b = wild_floats(count);              \
        COMPARE(op, fk_##op(y, a, b, count));                                \
    }

static void scale_and_axpy(size_t count) {
    begin_case();
    describe("%zu elements", count);
    float *y = float_output(count), *x = wild_floats(count);
    COMPARE(scale_f32, fk_scale_f32(y, x, 0.3f, count));
    begin_case();
    describe("%zu elements", count);
    x = wild_floats(count);
    y = floats(count, 1);
    float_output_at(y, count);
    COMPARE(axpy_f32, fk_axpy_f32(y, 0.3f, x, count));
}

static void swiglu(size_t width) {
    size_t rows = 3, stride = width + 2, count = (rows - 1) * stride + width;
    begin_case();
    describe("%zu wide", width);
    float *gate = wild_floats(count), *up = floats(count, 4), *dy = floats(count, 1);
    float *y = float_output(count), *dgate = float_output(count), *dup = float_output(count);
    COMPARE(swiglu_f32, fk_swiglu_f32(y, stride, gate, stride, up, stride, rows, width));
    COMPARE(swiglu_backward_f32,
            fk_swiglu_backward_f32(dgate, stride, dup, stride, dy, stride, gate, stride, up,
                                   stride, rows, width));
}

void compare_activations(void) {
    UNARY(exp_f32)
    UNARY(log_f32)
    UNARY(sigmoid_f32)
    UNARY(silu_f32)
    UNARY(relu_f32)
    UNARY(tanh_f32)
    UNARY(gelu_erf_f32)
    UNARY(gelu_tanh_f32)
    BINARY(sigmoid_backward_f32)
    BINARY(tanh_backward_f32)
    BINARY(silu_backward_f32)
    BINARY(relu_backward_f32)
    BINARY(gelu_erf_backward_f32)
    BINARY(gelu_tanh_backward_f32)
    BINARY(add_f32)
    BINARY(subtract_f32)
    BINARY(multiply_f32)
    BINARY(divide_f32)
    for (int i = 0; i < AWKWARD_SIZES; i++) {
        scale_and_axpy(awkward_sizes[i]);
        if (awkward_sizes[i] > 0) swiglu(awkward_sizes[i]);
    }
}
