/* The searching encoders with eight-wide registers: the text of the reference. */
#include "quantize.h"

#include "quantize_iq4.h"
#include "quantize_k.h"
#include "quantize_simple.h"

#if defined(__x86_64__)
#define VARIANT(format)                                                        \
    FK_TARGET_AVX2 void fk_quantize_##format##_avx2(                      \
        void *y, const float *x, int64_t elements, const float *importance) {  \
        fk_encode_##format(y, x, elements, importance);                        \
    }

VARIANT(q4_0)
VARIANT(q4_1)
VARIANT(q5_0)
VARIANT(q5_1)
VARIANT(q2_k)
VARIANT(q3_k)
VARIANT(q4_k)
VARIANT(q5_k)
VARIANT(q6_k)
VARIANT(iq4_nl)
VARIANT(iq4_xs)

#endif
