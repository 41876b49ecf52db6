#include "matmul_packed.h"

FK_OPERATION_AT(matmul_packed, FK_MATMUL_PACKED_VARIANTS, (FK_MATMUL_PACKED_PARAMETERS),
                (type, y, ldy, packed, x, n, row_begin, row_end, bias, accumulate),
                (fk_level level, FK_MATMUL_PACKED_PARAMETERS))
