// The variants behind vk_crc32c. They take and return the register itself, not its complement.
#ifndef VK_CHECKSUM_INTERNAL_H
#define VK_CHECKSUM_INTERNAL_H
#include "Dispatch.h"

#if defined(__x86_64__)
uint32_t vk_crc32c_sse42(uint32_t crc, const uint8_t *p, size_t count);
#elif defined(__aarch64__)
uint32_t vk_crc32c_arm(uint32_t crc, const uint8_t *p, size_t count);
#endif
#endif
