/* The searching encoders for the plain target of the build. */
#include "quantize.h"

#include "quantize_iq4.h"
#include "quantize_k.h"
#include "quantize_simple.h"

#define VARIANT(format)                                                        \
    void fk_quantize_##format##_reference(                      \
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

