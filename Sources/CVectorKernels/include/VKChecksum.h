#ifndef VK_CHECKSUM_H
#define VK_CHECKSUM_H
#include <stddef.h>
#include <stdint.h>
#pragma clang assume_nonnull begin

/// CRC-32C (Castagnoli, reflected 0x82F63B78) of `count` bytes after those that gave `crc`; 0
/// starts. "123456789" gives 0xE3069283.
uint32_t vk_crc32c(uint32_t crc, const void *bytes, size_t count);

#pragma clang assume_nonnull end
#endif
