#include "PoolInsertion.h"
#include <string.h>

// A batch is filtered against the worst entry first: half of them leave nothing. What is left is few, so
// that branches on it cannot be foreseen, and a mispredicted one costs as much as moving thirty entries.

static void sort_entries(uint64_t *entries, uint32_t count) {
  for (uint32_t i = 1; i < count; i++) {
    uint64_t entry = entries[i];
    uint32_t j = i;
    for (; j > 0 && entries[j - 1] > entry; j--) entries[j] = entries[j - 1];
    entries[j] = entry;
  }
}

/// Sorts the batch and merges it in from the back, so that each entry of the pool moves at most once.
void vk_pool_insert_portable(vk_pool *pool, const uint32_t *ids, const uint32_t *keys,
                             uint32_t count) {
  uint64_t fresh[VK_POOL_BATCH];
  uint64_t worst = vk_pool_worst(pool);
  uint32_t n = 0;
  for (uint32_t i = 0; i < count; i++) {
    uint64_t entry = (uint64_t)keys[i] << 32 | (uint64_t)ids[i] << 1;
    fresh[n] = entry;
    n += entry < worst;
  }
  if (n == 0) return;
  sort_entries(fresh, n);
  uint64_t *entries = pool->entries;
  uint32_t end = pool->size;
  for (uint32_t j = n; j-- > 0;) {
    uint32_t low = 0, length = end;
    while (length > 0) {
      uint32_t half = length / 2;
      int above = entries[low + half] < fresh[j];
      low = above ? low + half + 1 : low;
      length = above ? length - half - 1 : half;
    }
    memmove(entries + low + j + 1, entries + low, (end - low) * sizeof *entries);
    entries[low + j] = fresh[j];
    end = low;
  }
  vk_pool_finish(pool, n, end);
}

void vk_pool_clear(vk_pool *pool) {
  pool->size = pool->cursor = 0;
  // The variants that work on eight entries at a time need to know those that are none.
  memset(pool->entries, 0xFF, ((size_t)pool->capacity + 7) / 8 * 8 * sizeof *pool->entries);
}

static void insert_batch(vk_pool *pool, const uint32_t *ids, const uint32_t *keys, uint32_t count) {
#if defined(__x86_64__)
  // Moving all entries of a long pool in registers costs more than branching does.
  enum { AVX2_CAPACITY = 128 };
  const int isa = vk_isa_current();
  if (isa == VK_ISA_AVX512) return vk_pool_insert_avx512(pool, ids, keys, count);
  if (isa == VK_ISA_AVX2 && pool->capacity <= AVX2_CAPACITY)
    return vk_pool_insert_avx2(pool, ids, keys, count);
#endif
  vk_pool_insert_portable(pool, ids, keys, count);
}

void vk_pool_insert(vk_pool *pool, const uint32_t *ids, const uint32_t *keys, uint32_t count) {
  while (count > 0) {
    uint32_t part = count < VK_POOL_BATCH ? count : VK_POOL_BATCH;
    insert_batch(pool, ids, keys, part);
    ids += part;
    keys += part;
    count -= part;
  }
}
