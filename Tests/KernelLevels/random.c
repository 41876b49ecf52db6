#include "compare.h"

void compare_random(void) {
    static const uint64_t firsts[] = {0, 1, 6, 0x3fffffffbull, ~0ull - 5000};
    for (int i = 0; i < AWKWARD_SIZES; i++)
        for (int j = 0; j < 5; j++) {
            size_t count = awkward_sizes[i];
            uint64_t seed = 0x123456789abcdefull, stream = 0xfedcba9876543210ull;
            begin_case();
            describe("%zu from %llu", count, (unsigned long long)firsts[j]);
            uint32_t *y = byte_output(4 * count);
            COMPARE(random_bits, fk_random_bits(y, seed, stream, firsts[j], count));
            begin_case();
            describe("%zu from %llu", count, (unsigned long long)firsts[j]);
            float *x = float_output(count);
            COMPARE(random_uniform_f32,
                    fk_random_uniform_f32(x, -2, 3, seed, stream, firsts[j], count));
            COMPARE(random_normal_f32,
                    fk_random_normal_f32(x, 0.5f, 2, seed, stream, firsts[j], count));
        }
}
