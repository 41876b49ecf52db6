#include "../lanes/variants.h"

FK_OPERATION(random_bits, FK_NN_VARIANTS,
             (uint32_t *y, uint64_t seed, uint64_t stream, uint64_t first, size_t count),
             (y, seed, stream, first, count))
FK_OPERATION(random_uniform_f32, FK_NN_VARIANTS,
             (float *y, float low, float high, uint64_t seed, uint64_t stream, uint64_t first,
              size_t count),
             (y, low, high, seed, stream, first, count))
FK_OPERATION(random_normal_f32, FK_NN_VARIANTS,
             (float *y, float mean, float deviation, uint64_t seed, uint64_t stream,
              uint64_t first, size_t count),
             (y, mean, deviation, seed, stream, first, count))
