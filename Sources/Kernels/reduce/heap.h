/* The k best of a row seen so far, worst at the root. */
#ifndef FK_HEAP_H
#define FK_HEAP_H

#include <stddef.h>
#include <stdint.h>

/* Whether a comes after b in the order "descending, equals by rising index". */
static inline int fk_is_worse(float a, int64_t a_index, float b, int64_t b_index) {
    return a < b || (a == b && a_index > b_index);
}

/* Puts the pair at `place` of a heap of `count` whose other parts are in order below it. */
static inline void fk_heap_sink(float *values, int64_t *indices, size_t count, size_t place,
                                float value, int64_t index) {
    for (;;) {
        size_t child = 2 * place + 1;
        if (child >= count) break;
        if (child + 1 < count && fk_is_worse(values[child + 1], indices[child + 1],
                                             values[child], indices[child]))
            child++;
        if (!fk_is_worse(values[child], indices[child], value, index)) break;
        values[place] = values[child];
        indices[place] = indices[child];
        place = child;
    }
    values[place] = value;
    indices[place] = index;
}

/* Makes any `count` pairs a heap. */
static inline void fk_heap_build(float *values, int64_t *indices, size_t count) {
    for (size_t i = count / 2; i-- > 0;)
        fk_heap_sink(values, indices, count, i, values[i], indices[i]);
}

/* Sorts a heap, best first: the worst goes to the end again and again. */
static inline void fk_heap_sort(float *values, int64_t *indices, size_t count) {
    for (size_t i = count; i-- > 1;) {
        float value = values[i];
        int64_t index = indices[i];
        values[i] = values[0];
        indices[i] = indices[0];
        fk_heap_sink(values, indices, i, 0, value, index);
    }
}

#endif
