#include "convert.h"

FK_OPERATION(f32_to_f16, FK_CONVERT_VARIANTS, (void *y, const float *x, int64_t n), (y, x, n))
FK_OPERATION(f32_to_bf16, FK_CONVERT_VARIANTS, (void *y, const float *x, int64_t n), (y, x, n))
FK_OPERATION(f32_to_f8e4m3, FK_CONVERT_VARIANTS, (void *y, const float *x, int64_t n), (y, x, n))
FK_OPERATION(f16_to_f32, FK_CONVERT_VARIANTS, (float *y, const void *x, int64_t n), (y, x, n))
FK_OPERATION(bf16_to_f32, FK_CONVERT_VARIANTS, (float *y, const void *x, int64_t n), (y, x, n))
FK_OPERATION(f8e4m3_to_f32, FK_CONVERT_VARIANTS, (float *y, const void *x, int64_t n), (y, x, n))
