#ifndef VK_READING_H
#define VK_READING_H
#include <stddef.h>
#include <stdint.h>
#pragma clang assume_nonnull begin

/// The sum of `count` 64-bit words, read once in order: what memory gives to a plain loop.
uint64_t vk_read_sum(const void *words, size_t count);

#pragma clang assume_nonnull end
#endif
