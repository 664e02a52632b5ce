// The variants behind the insertion into a candidate pool, and what they share.
#ifndef VK_POOL_INSERTION_H
#define VK_POOL_INSERTION_H
#include "CVectorKernels.h"
#include "Dispatch.h"

/// Candidates that a variant takes at a time.
enum { VK_POOL_BATCH = 64 };

/// `vk_pool_insert` of VK_POOL_BATCH candidates at most.
typedef void vk_pool_insert_function(vk_pool *pool, const uint32_t *ids, const uint32_t *keys,
                                     uint32_t count);

vk_pool_insert_function vk_pool_insert_portable;
#if defined(__x86_64__)
vk_pool_insert_function vk_pool_insert_avx2, vk_pool_insert_avx512;
#endif

/// What an entry must be below to be kept.
VK_INLINE uint64_t vk_pool_worst(const vk_pool *pool) {
  if (pool->size < pool->capacity) return UINT64_MAX;
  return pool->size == 0 ? 0 : pool->entries[pool->size - 1];
}

/// After `fresh` entries came in, the nearest of them at `first`.
VK_INLINE void vk_pool_finish(vk_pool *pool, uint32_t fresh, uint32_t first) {
  uint32_t size = pool->size + fresh;
  pool->size = size < pool->capacity ? size : pool->capacity;
  if (first < pool->cursor) pool->cursor = first;
}
#endif
