/* The list of variants shared by the kernels of fk_nn.h. */
#ifndef FK_VARIANTS_H
#define FK_VARIANTS_H

#include "../include/fk_nn.h"
#include "../levels/dispatch.h"

#define FK_NN_VARIANTS(V, op)              \
    FK_X86(V(op, avx512, FK_LEVEL_AVX512)) \
    FK_X86(V(op, avx2, FK_LEVEL_AVX2))     \
    FK_ARM(V(op, neon, FK_LEVEL_NEON))     \
    V(op, reference, FK_LEVEL_REFERENCE)

#endif
