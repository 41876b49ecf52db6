#include "packed_layout.h"

#define FK_FORMAT_TYPE(name, ...) FK_TYPE_##name,
static const fk_type types[] = {FK_PACKED_FORMATS(FK_FORMAT_TYPE)};
#define FK_FORMAT_VALUE(name, low, high, scales, offset, table, super) \
    {low, high, scales, offset, table, super},
static const fk_packed_format formats[] = {FK_PACKED_FORMATS(FK_FORMAT_VALUE)};

int fk_packed_index(fk_type type) {
    for (int i = 0; i < FK_PACKED_FORMAT_COUNT; i++)
        if (types[i] == type) return i;
    return -1;
}

fk_packed_format fk_packed_format_at(int index) { return formats[index]; }

fk_type fk_packed_type_at(int index) { return types[index]; }

int fk_packable(fk_type type) { return fk_packed_index(type) >= 0; }

int fk_packable_types(fk_type *out, int capacity) {
    for (int i = 0; i < FK_PACKED_FORMAT_COUNT && i < capacity; i++) out[i] = types[i];
    return FK_PACKED_FORMAT_COUNT;
}

size_t fk_packed_bytes(fk_type type, int64_t n, int64_t k) {
    int index = fk_packed_index(type);
    if (index < 0 || n <= 0 || k <= 0 || k % formats[index].super != 0) return 0;
    /* A block is less than 1024 bytes for 16 lanes and 32 elements. */
    if (k > INT64_MAX / 1024 || n > INT64_MAX - FK_LANES) return 0;
    int64_t group = fk_packed_group_bytes(formats[index], k), total;
    int64_t groups = (n + FK_LANES - 1) / FK_LANES;
    if (__builtin_mul_overflow(group, groups, &total)) return 0;
    return (size_t)total;
}
