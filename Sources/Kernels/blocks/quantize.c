#include "quantize.h"

#define FK_DEFINE_QUANTIZE(VARIANTS, format)                                            \
    FK_OPERATION(quantize_##format, VARIANTS,                                           \
                 (void *y, const float *x, int64_t elements, const float *importance),  \
                 (y, x, elements, importance))

FK_QUANTIZE_FORMATS(FK_DEFINE_QUANTIZE)
