/* Codebooks of the IQ formats: which combinations of magnitudes a code may name.
 *
 * Each entry packs one vector into 16 bits, first element lowest: eight 2-bit
 * levels for IQ1 and IQ2, four 4-bit levels for IQ3. Which vectors are in follows
 * no rule a program could repeat, so the tables are the format.
 *
 * Source: ggml, src/ggml-common.h (iq2xxs_grid ... iq1s_grid), in the packing of
 * the Python package gguf, gguf/quants.py (`grid_hex`). */
#ifndef FK_GRIDS_H
#define FK_GRIDS_H

#include <stdint.h>

/* Level l of IQ2 is {8, 25, 43}[l]. */
extern const uint16_t fk_grid_iq2_xxs[256];
extern const uint16_t fk_grid_iq2_xs[512];
extern const uint16_t fk_grid_iq2_s[1024];

/* Level l of IQ3_XXS is {4, 12, 20, 28, 36, 44, 52, 62}[l], of IQ3_S 2 l + 1. */
extern const uint16_t fk_grid_iq3_xxs[256];
extern const uint16_t fk_grid_iq3_s[512];

/* Level l of IQ1_S and IQ1_M is l - 1. */
extern const uint16_t fk_grid_iq1[2048];

#endif
