#include "matmul_float.h"

#define FK_NT(op, VARIANTS, weight)                                                      \
    FK_OPERATION_AT(op, VARIANTS, (FK_MATMUL_NT_PARAMETERS(weight)),                     \
                    (y, ldy, x, ldx, w, ldw, t, row_begin, row_end, k, bias, accumulate), \
                    (fk_level level, FK_MATMUL_NT_PARAMETERS(weight)))
#define FK_OUTER(op)                                                                     \
    FK_OPERATION_AT(op, FK_MATMUL_FLOAT_VARIANTS, (FK_MATMUL_OUTER_PARAMETERS),          \
                    (c, ldc, a, lda, b, ldb, row_begin, row_end, columns, depth,         \
                     accumulate),                                                        \
                    (fk_level level, FK_MATMUL_OUTER_PARAMETERS))

FK_NT(matmul_f32_nt, FK_MATMUL_FLOAT_VARIANTS, float)
FK_NT(matmul_f16_nt, FK_MATMUL_FLOAT_VARIANTS, void)
FK_NT(matmul_bf16_nt, FK_MATMUL_BF16_VARIANTS, void)
FK_OUTER(matmul_f32_nn)
FK_OUTER(matmul_f32_tn)
