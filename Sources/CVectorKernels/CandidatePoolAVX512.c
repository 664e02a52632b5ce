#if defined(__x86_64__)
#include "PoolInsertion.h"
#include <immintrin.h>

#define TARGET __attribute__((target("avx512f,avx512vl,avx512bw,popcnt")))
#define TARGET_INLINE TARGET VK_INLINE

/// Eight entries, with x put in its place among the ascending ones before it and them.
///
/// Each becomes max(the one before it, min(itself, x)): itself where it is less than x, the one before
/// where both are greater, and x in between. The entry that was last goes to the next eight.
TARGET_INLINE __m512i shifted(__m512i before, __m512i entries, __m512i x) {
  __m512i previous = _mm512_alignr_epi64(entries, before, 7);
  return _mm512_max_epu64(previous, _mm512_min_epu64(entries, x));
}

/// Puts fresh ones in their places in N times eight entries, all of which stay in registers meanwhile.
TARGET_INLINE void insert_in_registers(uint64_t *entries, const uint64_t *fresh, uint32_t n,
                                       const uint32_t N) {
  const __m512i none = _mm512_setzero_si512();
  __m512i parts[8];
#pragma clang loop unroll(full)
  for (uint32_t i = 0; i < N; i++) parts[i] = _mm512_loadu_si512(entries + 8 * i);
  for (uint32_t j = 0; j < n; j++) {
    const __m512i x = _mm512_set1_epi64((long long)fresh[j]);
#pragma clang loop unroll(full)
    for (uint32_t i = N - 1; i > 0; i--) parts[i] = shifted(parts[i - 1], parts[i], x);
    parts[0] = shifted(none, parts[0], x);
  }
#pragma clang loop unroll(full)
  for (uint32_t i = 0; i < N; i++) _mm512_storeu_si512(entries + 8 * i, parts[i]);
}

/// The same for any number of entries, of which those before `first` are less than all fresh ones.
TARGET static void insert_in_memory(const vk_pool *pool, const uint64_t *fresh, uint32_t n,
                                    uint32_t first) {
  uint64_t *entries = pool->entries;
  const uint32_t bottom = first / 8;
  for (uint32_t j = 0; j < n; j++) {
    const __m512i x = _mm512_set1_epi64((long long)fresh[j]);
    const uint32_t last = pool->size + j < pool->capacity ? pool->size + j : pool->capacity - 1;
    __m512i part = _mm512_loadu_si512(entries + last / 8 * 8);
    for (uint32_t i = last / 8; i > bottom; i--) {
      __m512i before = _mm512_loadu_si512(entries + 8 * i - 8);
      _mm512_storeu_si512(entries + 8 * i, shifted(before, part, x));
      part = before;
    }
    _mm512_storeu_si512(entries + 8 * bottom, shifted(_mm512_setzero_si512(), part, x));
  }
}

TARGET void vk_pool_insert_avx512(vk_pool *pool, const uint32_t *ids, const uint32_t *keys,
                                  uint32_t count) {
  uint64_t fresh[VK_POOL_BATCH + 8];
  uint64_t *entries = pool->entries;
  const __m512i worst = _mm512_set1_epi64((long long)vk_pool_worst(pool));
  __m512i least = _mm512_set1_epi64(-1);
  uint32_t n = 0;
  for (uint32_t i = 0; i < count; i += 8) {
    __mmask8 there = count - i >= 8 ? 0xFF : (__mmask8)((1u << (count - i)) - 1);
    __m512i key = _mm512_cvtepu32_epi64(_mm256_maskz_loadu_epi32(there, keys + i));
    __m512i id = _mm512_cvtepu32_epi64(_mm256_maskz_loadu_epi32(there, ids + i));
    __m512i entry = _mm512_or_si512(_mm512_slli_epi64(key, 32), _mm512_slli_epi64(id, 1));
    __mmask8 nearer = _mm512_mask_cmplt_epu64_mask(there, entry, worst);
    least = _mm512_mask_min_epu64(least, nearer, least, entry);
    // Compressed in the register: compressing into memory is microcode on Zen.
    _mm512_storeu_si512(fresh + n, _mm512_maskz_compress_epi64(nearer, entry));
    n += (uint32_t)__builtin_popcount(nearer);
  }
  if (n == 0) return;
  const __m512i nearest = _mm512_set1_epi64((long long)_mm512_reduce_min_epu64(least));
  uint32_t first = 0;
  for (uint32_t i = 0; i < pool->size; i += 8) {
    __mmask8 before = _mm512_cmplt_epu64_mask(_mm512_loadu_si512(entries + i), nearest);
    first += (uint32_t)__builtin_popcount(before);
  }
  switch ((pool->capacity + 7) / 8) {
    case 1: insert_in_registers(entries, fresh, n, 1); break;
    case 2: insert_in_registers(entries, fresh, n, 2); break;
    case 3: insert_in_registers(entries, fresh, n, 3); break;
    case 4: insert_in_registers(entries, fresh, n, 4); break;
    case 5: insert_in_registers(entries, fresh, n, 5); break;
    case 6: insert_in_registers(entries, fresh, n, 6); break;
    case 7: insert_in_registers(entries, fresh, n, 7); break;
    case 8: insert_in_registers(entries, fresh, n, 8); break;
    default: insert_in_memory(pool, fresh, n, first);
  }
  vk_pool_finish(pool, n, first);
}
#endif
