#include "../lanes/variants.h"

#define UNARY(op) \
    FK_OPERATION(op, FK_NN_VARIANTS, (float *y, const float *x, size_t count), (y, x, count))
#define BINARY(op)                                                                     \
    FK_OPERATION(op, FK_NN_VARIANTS, (float *y, const float *a, const float *b, size_t count), \
                 (y, a, b, count))

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
FK_OPERATION(scale_f32, FK_NN_VARIANTS,
             (float *y, const float *x, float factor, size_t count), (y, x, factor, count))
FK_OPERATION(axpy_f32, FK_NN_VARIANTS, (float *y, float a, const float *x, size_t count),
             (y, a, x, count))
FK_OPERATION(swiglu_f32, FK_NN_VARIANTS,
             (float *y, size_t y_stride, const float *gate, size_t gate_stride,
              const float *up, size_t up_stride, size_t rows, size_t width),
             (y, y_stride, gate, gate_stride, up, up_stride, rows, width))
FK_OPERATION(swiglu_backward_f32, FK_NN_VARIANTS,
             (float *dgate, size_t dgate_stride, float *dup, size_t dup_stride,
              const float *dy, size_t dy_stride, const float *gate, size_t gate_stride,
              const float *up, size_t up_stride, size_t rows, size_t width),
             (dgate, dgate_stride, dup, dup_stride, dy, dy_stride, gate, gate_stride, up,
              up_stride, rows, width))
