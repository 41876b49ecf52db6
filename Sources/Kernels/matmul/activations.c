#include "activations.h"

#include <string.h>

FK_OPERATION_AT(quantize_activations, FK_QUANTIZE_ACTIVATIONS_VARIANTS,
                (const fk_activations *x, const float *source, size_t ldx, int64_t row_begin,
                 int64_t row_end),
                (x, source, ldx, row_begin, row_end),
                (fk_level level, const fk_activations *x, const float *source, size_t ldx,
                 int64_t row_begin, int64_t row_end))

/* Rows start on their own cache line, one line further than they must: with K a
 * multiple of 4096 the rows of a tile would else share the same cache sets. */
static int64_t stride_of(int64_t k) { return (k + 127) / 64 * 64; }

static int64_t padded(int64_t bytes) { return (bytes + 63) / 64 * 64; }

/* Kernels read scales and sums a vector at a time, up to 64 bytes past the end. */
enum { SLACK = 64 };

size_t fk_activations_bytes(int64_t rows, int64_t k) {
    return (size_t)(rows * stride_of(k) + padded(rows * (k / 32) * 4) +
                    padded(rows * (k / 16) * 2) + SLACK);
}

fk_activations fk_activations_in(void *buffer, int64_t rows, int64_t k) {
    int8_t *codes = buffer;
    int8_t *scales = codes + rows * stride_of(k);
    int8_t *sums = scales + padded(rows * (k / 32) * 4);
    return (fk_activations){.rows = rows,
                            .k = k,
                            .stride = stride_of(k),
                            .codes = codes,
                            .scales = (float *)(void *)scales,
                            .sums = (int16_t *)(void *)sums};
}

fk_activations fk_activations_slice(const fk_activations *x, int64_t begin, int64_t count) {
    fk_activations slice = *x;
    slice.rows = count;
    slice.codes += begin * x->stride;
    slice.scales += begin * (x->k / 32);
    slice.sums += begin * (x->k / 16);
    return slice;
}

void fk_gather_activations(const fk_activations *to, const fk_activations *from,
                           const int32_t *rows) {
    size_t blocks = (size_t)(to->k / 32);
    for (int64_t i = 0; i < to->rows; i++) {
        fk_activations target = fk_activations_slice(to, i, 1);
        fk_activations source = fk_activations_slice(from, rows[i], 1);
        memcpy(target.codes, source.codes, (size_t)to->k);
        memcpy(target.scales, source.scales, blocks * sizeof(float));
        memcpy(target.sums, source.sums, 2 * blocks * sizeof(int16_t));
    }
}
