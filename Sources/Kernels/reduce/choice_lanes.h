/* Choices in a row at one level. The results are exact, so only the rule must agree with
 * the reference, not the order of work. */

#include "heap.h"

FK_TARGET void FK_NAMED(argmax_f32)(int64_t *indices, const float *x, size_t x_stride,
                                    size_t rows, size_t width) {
    for (size_t i = 0; i < rows; i++, x += x_stride) {
        unsigned nans = 0;
        size_t k = 0;
        for (; k + 64 <= width; k += 64) {
            mask_lanes a = v_either(v_is_nan(v_load(x + k)), v_is_nan(v_load(x + k + 16)));
            mask_lanes b = v_either(v_is_nan(v_load(x + k + 32)), v_is_nan(v_load(x + k + 48)));
            nans |= v_bits_of(v_either(a, b));
        }
        for (; k < width; k += 16) nans |= v_bits_of(v_is_nan(v_load_row(x, k, width)));
        indices[i] = -1;
        if (nans || width == 0) continue;
        lanes m = v_set(-INFINITY);
        for (k = 0; k + 16 <= width; k += 16) m = v_max(m, v_load(x + k));
        float largest = v_largest(m);
        for (; k < width; k++) largest = fk_max1(largest, x[k]);
        for (k = 0;; k += 16) {
            unsigned found = v_bits_of(v_equal(v_load_row(x, k, width), v_set(largest)));
            if (!found) continue;
            indices[i] = (int64_t)k + __builtin_ctz(found);
            break;
        }
    }
}

FK_TARGET void FK_NAMED(top_k_f32)(float *values, int64_t *indices, int64_t *found,
                                   const float *x, size_t width, size_t k) {
    *found = -1;
    size_t kept = k < width ? k : width;
    for (size_t i = 0; i < kept; i++) {
        if (x[i] != x[i]) return;
        values[i] = x[i];
        indices[i] = (int64_t)i;
    }
    fk_heap_build(values, indices, kept);
    for (size_t i = kept; i < width; i += 16) {
        lanes row = v_load_row(x, i, width);
        size_t there = v_remaining(width, i);
        if (v_bits_of(v_is_nan(row))) return;
        if (kept == 0) continue;
        /* A later equal is worse than the root, so only a larger one enters. */
        unsigned larger = v_bits_of(v_less(v_set(values[0]), row)) & ((1u << there) - 1);
        for (; larger; larger &= larger - 1) {
            size_t at = i + (size_t)__builtin_ctz(larger);
            if (x[at] > values[0])
                fk_heap_sink(values, indices, kept, 0, x[at], (int64_t)at);
        }
    }
    fk_heap_sort(values, indices, kept);
    *found = (int64_t)kept;
}

FK_TARGET void FK_NAMED(count_nonfinite_f32)(size_t *result, const float *x, size_t count) {
    size_t found = 0;
    const int_lanes all = v_int_set(0x7f800000);
    for (size_t k = 0; k < count; k += 16) {
        int_lanes exponent = v_int_and(v_as_int(v_load_row(x, k, count)), all);
        found += (size_t)__builtin_popcount(v_bits_of(v_int_equal(exponent, all)));
    }
    *result = found;
}
