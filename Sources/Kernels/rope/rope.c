#include "../lanes/variants.h"

#define PARAMETERS                                                                      \
    (float *y, size_t y_token_stride, size_t y_head_stride, const float *x,             \
     size_t x_token_stride, size_t x_head_stride, const float *cosines, const float *sines, \
     int inverse, size_t tokens, size_t heads, size_t head_dim, size_t rotary)
#define ARGUMENTS                                                                       \
    (y, y_token_stride, y_head_stride, x, x_token_stride, x_head_stride, cosines, sines, \
     inverse, tokens, heads, head_dim, rotary)

FK_OPERATION(rope_half_f32, FK_NN_VARIANTS, PARAMETERS, ARGUMENTS)
FK_OPERATION(rope_interleaved_f32, FK_NN_VARIANTS, PARAMETERS, ARGUMENTS)
