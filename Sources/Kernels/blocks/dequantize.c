#include "dequantize.h"

#define FK_DEFINE_DEQUANTIZE(VARIANTS, format) \
    FK_OPERATION(dequantize_##format, VARIANTS, \
                 (float *y, const void *x, int64_t elements), (y, x, elements))

FK_DEQUANTIZE_FORMATS(FK_DEFINE_DEQUANTIZE)
