/* Every kernel at every level of this processor against its reference, in plain C, so that
 * it can be built for a processor other than this one and run in an emulator: see .ci/neon.
 *
 * A case makes inputs, names its outputs, and calls an operation by COMPARE, which runs it
 * once a level and holds the outputs against the reference's. The checksum of all reference
 * outputs is printed at the end: it is the same on every processor. */
#ifndef COMPARE_H
#define COMPARE_H

#include <FathomKernels.h>

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Forgets outputs and buffers of the case before. */
void begin_case(void);

/* Memory of this case, filled with a pattern that is no zero. It ends where a page begins
 * that must not be touched, so that a read or write past the end stops the program. */
void *buffer(size_t bytes);
/* As buffer, aligned to 64 bytes and therefore with room behind. */
void *aligned_buffer(size_t bytes);

/* Random inputs: in (-scale, scale), with the values at which functions go wrong among
 * them, any bytes, whole numbers below `limit`. */
float *floats(size_t count, float scale);
float *wild_floats(size_t count);
uint8_t *bytes(size_t count);
int32_t *numbers(size_t count, int32_t limit);

/* Outputs of the operation: buffers as they are now are its starting point at every level.
 * In floats a NaN equals any other. */
float *float_output(size_t count);
void *byte_output(size_t count);
void float_output_at(float *at, size_t count);
void byte_output_at(void *at, size_t count);

/* Says in a failure what was computed. */
void describe(const char *format, ...) __attribute__((format(printf, 1, 2)));

void restore_outputs(void);
void examine_outputs(const char *operation, fk_level level);

#define COMPARE_LEVELS(operation, list, ...)                        \
    do {                                                            \
        fk_level levels_[8];                                        \
        int count_ = list;                                          \
        for (int l_ = count_ - 1; l_ >= 0; l_--) {                  \
            if (levels_[l_] > fk_detected_level()) continue;        \
            fk_limit_level(levels_[l_]);                            \
            restore_outputs();                                      \
            __VA_ARGS__;                                            \
            examine_outputs(#operation, levels_[l_]);               \
        }                                                           \
        fk_limit_level(fk_detected_level());                        \
    } while (0)

#define COMPARE(operation, ...) \
    COMPARE_LEVELS(operation, fk_##operation##_levels(levels_), __VA_ARGS__)

/* Lengths around the widths of registers, sums and pages. */
extern const size_t awkward_sizes[];
enum { AWKWARD_SIZES = 16 };

void compare_activations(void);
void compare_norms(void);
void compare_rows(void);
void compare_random(void);
void compare_attention(void);
void compare_products(void);
void compare_packed(void);
void compare_blocks(void);

#endif
