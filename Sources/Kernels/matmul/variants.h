/* An operation's variants, as in levels/dispatch.h, with the choice by an
 * explicit level beside the choice by the active one. */
#ifndef FK_MATMUL_VARIANTS_H
#define FK_MATMUL_VARIANTS_H

#include "../levels/dispatch.h"

/* Before a loop whose bounds are constants of a tile: its vectors must be registers. */
#define FK_UNROLL _Pragma("clang loop unroll(full)")

#define FK_OPERATION_AT(op, VARIANTS, parameters, arguments, at_parameters)        \
    FK_OPERATION(op, VARIANTS, parameters, arguments)                              \
    void fk_##op##_at at_parameters {                                              \
        size_t i = 0;                                                              \
        while (fk_##op##_table[i].level > level) i++;                              \
        fk_##op##_table[i].run arguments;                                          \
    }

#endif
