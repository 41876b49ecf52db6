/* One row's share of a run between its GGUF blocks and its packed planes. */
#ifndef FK_PLAIN_RUN_H
#define FK_PLAIN_RUN_H

#include "packed_layout.h"

typedef struct fk_plain_run {
    uint8_t codes[FK_RUN];             /* one a byte, without offset or table */
    uint16_t d[FK_RUN_BLOCKS];         /* f16 bits, one a block; K types: d[0] only */
    uint16_t m[FK_RUN_BLOCKS];         /* f16 bits; K types: dmin in m[0] */
    uint8_t sc[2 * FK_RUN_BLOCKS];     /* E8M0, I8, U8_MIN: one a block; halves: two */
    uint8_t mn[FK_RUN_BLOCKS];         /* U8_MIN */
} fk_plain_run;

/* Takes the GGUF blocks of 32 * `blocks` elements apart. */
void fk_split_blocks(int format, fk_plain_run *run, const uint8_t *gguf, int blocks);

/* The inverse. */
void fk_join_blocks(int format, uint8_t *gguf, const fk_plain_run *run, int blocks);

#endif
