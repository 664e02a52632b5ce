#include "CandidatePool.h"
#include "CVectorKernels.h"
#include <string.h>

// A batch is filtered against the worst entry, sorted, and merged in from the back, so that each
// entry of the pool moves at most once per batch however many candidates enter.

enum { BATCH = 64 };

static void sort_entries(uint64_t *entries, uint32_t count) {
  for (uint32_t i = 1; i < count; i++) {
    uint64_t entry = entries[i];
    uint32_t j = i;
    for (; j > 0 && entries[j - 1] > entry; j--) entries[j] = entries[j - 1];
    entries[j] = entry;
  }
}

static uint64_t worst_of(const vk_pool *pool) {
  if (pool->size < pool->capacity) return UINT64_MAX;
  return pool->size == 0 ? 0 : pool->entries[pool->size - 1];
}

static void finish(vk_pool *pool, uint32_t fresh, uint32_t first) {
  uint32_t size = pool->size + fresh;
  pool->size = size < pool->capacity ? size : pool->capacity;
  if (first < pool->cursor) pool->cursor = first;
}

static void insert_portable(vk_pool *pool, const uint32_t *ids, const uint32_t *keys, uint32_t count) {
  uint64_t fresh[BATCH];
  uint64_t worst = worst_of(pool);
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
  finish(pool, n, end);
}

#if defined(__x86_64__)
#include <immintrin.h>

__attribute__((target("avx512f,avx512vl,avx512bw")))
static void insert_avx512(vk_pool *pool, const uint32_t *ids, const uint32_t *keys, uint32_t count) {
  uint64_t fresh[BATCH + 8];
  __m512i worst = _mm512_set1_epi64((long long)worst_of(pool));
  uint32_t n = 0;
  for (uint32_t i = 0; i < count; i += 8) {
    __mmask8 there = count - i >= 8 ? 0xFF : (__mmask8)((1u << (count - i)) - 1);
    __m512i key = _mm512_cvtepu32_epi64(_mm256_maskz_loadu_epi32(there, keys + i));
    __m512i id = _mm512_cvtepu32_epi64(_mm256_maskz_loadu_epi32(there, ids + i));
    __m512i entry = _mm512_or_si512(_mm512_slli_epi64(key, 32), _mm512_slli_epi64(id, 1));
    __mmask8 nearer = _mm512_mask_cmplt_epu64_mask(there, entry, worst);
    // Compressed in the register: compressing into memory is microcode on Zen.
    _mm512_storeu_si512(fresh + n, _mm512_maskz_compress_epi64(nearer, entry));
    n += (uint32_t)__builtin_popcount(nearer);
  }
  if (n == 0) return;
  sort_entries(fresh, n);
  uint64_t *entries = pool->entries;
  uint32_t end = pool->size;
  for (uint32_t j = n; j-- > 0;) {
    __m512i entry = _mm512_set1_epi64((long long)fresh[j]);
    // Eight at a time from the back: all of them move while all of them are greater.
    while (end >= 8) {
      __m512i chunk = _mm512_loadu_si512(entries + end - 8);
      uint32_t greater = (uint32_t)__builtin_popcount(_mm512_cmpgt_epu64_mask(chunk, entry));
      if (greater != 8) {
        __mmask8 moved = (__mmask8)(0xFF00u >> greater);
        _mm512_mask_storeu_epi64(entries + end - 8 + j + 1, moved, chunk);
        end -= greater;
        goto placed;
      }
      _mm512_storeu_si512(entries + end - 8 + j + 1, chunk);
      end -= 8;
    }
    while (end > 0 && entries[end - 1] > fresh[j]) {
      entries[end + j] = entries[end - 1];
      end--;
    }
  placed:
    entries[end + j] = fresh[j];
  }
  finish(pool, n, end);
}
#endif

void vk_pool_insert(vk_pool *pool, const uint32_t *ids, const uint32_t *keys, uint32_t count) {
  while (count > 0) {
    uint32_t part = count < BATCH ? count : BATCH;
#if defined(__x86_64__)
    if (vk_isa_current() == VK_ISA_AVX512)
      insert_avx512(pool, ids, keys, part);
    else
#endif
      insert_portable(pool, ids, keys, part);
    ids += part;
    keys += part;
    count -= part;
  }
}
