/* Checksums of files. */
#ifndef FK_CHECKSUM_H
#define FK_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

#include "fk_levels.h"

/* Takes `count` bytes into a CRC-32C (polynomial 0x1EDC6F41, reflected; RFC 3720, B.4).
 *
 * `*sum` is 0 before the first bytes; a sum over pieces is that over the whole. */
void fk_crc32c(uint32_t *sum, const uint8_t *bytes, size_t count);
void fk_crc32c_reference(uint32_t *sum, const uint8_t *bytes, size_t count);
#if defined(__x86_64__)
void fk_crc32c_avx2(uint32_t *sum, const uint8_t *bytes, size_t count);
#endif
void (*fk_crc32c_variant(fk_level level))(uint32_t *sum, const uint8_t *bytes, size_t count);
int fk_crc32c_levels(fk_level *levels);

#endif
