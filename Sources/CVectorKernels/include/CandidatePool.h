#ifndef CANDIDATEPOOL_H
#define CANDIDATEPOOL_H
#include <stdint.h>

// The candidate pool of a graph search: one sorted array in place of the paper's two heaps.

/// Room that the entry array of a pool must have beyond its capacity.
enum { VK_POOL_SLACK = 72 };

/// The nearest `capacity` candidates seen so far, nearest first.
///
/// An entry is key << 32 | id << 1 | expanded, so that comparing entries compares keys and then ids;
/// ids are below 2^31 and occur once. `entries` has room for capacity + VK_POOL_SLACK of them.
typedef struct vk_pool {
  uint64_t *entries;
  uint32_t size;
  uint32_t capacity;
  uint32_t cursor;  ///< all entries before it are expanded
  uint32_t width;   ///< only so many of the nearest are to be expanded
} vk_pool;

/// Makes a pool empty whose `entries`, `capacity` and `width` are set; before anything else is done with it.
void vk_pool_clear(vk_pool *pool);

/// Inserts `count` candidates, keeps the nearest `capacity`, moves the cursor back where needed.
/// The result is the same on every instruction set. O(count * size) moves at most.
void vk_pool_insert(vk_pool *pool, const uint32_t *ids, const uint32_t *keys, uint32_t count);

/// Where the candidates end that are to be expanded.
static inline uint32_t vk_pool_end(const vk_pool *pool) {
  return pool->size < pool->width ? pool->size : pool->width;
}

/// The nearest candidate to be expanded yet, or UINT32_MAX.
static inline uint32_t vk_pool_peek(const vk_pool *pool) {
  const uint32_t end = vk_pool_end(pool);
  for (uint32_t i = pool->cursor; i < end; i++)
    if (!(pool->entries[i] & 1)) return (uint32_t)pool->entries[i] >> 1;
  return UINT32_MAX;
}

/// Marks the nearest candidate to be expanded as expanded and returns it, or UINT32_MAX.
static inline uint32_t vk_pool_take(vk_pool *pool) {
  uint64_t *entries = pool->entries;
  const uint32_t end = vk_pool_end(pool);
  uint32_t i = pool->cursor;
  while (i < end && (entries[i] & 1)) i++;
  if (i >= end) {
    pool->cursor = i;
    return UINT32_MAX;
  }
  uint64_t entry = entries[i];
  entries[i] = entry | 1;
  pool->cursor = i + 1;
  return (uint32_t)entry >> 1;
}
#endif
